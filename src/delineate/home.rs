//! Which cluster something belongs to that names one, or a facility of one, or lies near one.

use std::collections::HashMap;

use geo::{Geometry, Point};

use super::Clusters;
use crate::declared::at_most;
use crate::globe::geodesy::Degrees;
use crate::globe::near::NearIndex;
use crate::validate::Facilities;

/// How something found its cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Home {
    /// Position of the cluster.
    pub cluster: usize,
    /// `id`, `name`, `facility` or `location`.
    pub by: &'static str,
    /// By location: km to the nearest facility of the cluster.
    pub km: Option<f64>,
}

/// The clusters of a run, to be found by name, facility or place.
pub struct Homes<'a> {
    clusters: &'a Clusters,
    register: Option<&'a Facilities>,
    by_id: HashMap<&'a str, usize>,
    by_name: HashMap<String, usize>,
    /// The facilities in clusters that have a place, and the cluster of each.
    index: NearIndex,
    owners: Vec<usize>,
}

impl<'a> Homes<'a> {
    /// Lays the clusters out.
    pub fn new(clusters: &'a Clusters, register: Option<&'a Facilities>) -> Self {
        let names = clusters.names.iter().enumerate();
        let in_clusters = register.into_iter().flat_map(|register| {
            let members = register.by_place().into_iter();
            members.filter_map(|facility| Some((clusters.of_facility[facility]?, register.places[facility]?)))
        });
        let (owners, places): (Vec<usize>, Vec<Option<Geometry>>) =
            in_clusters.map(|(cluster, (lon, lat))| (cluster, Some(Point::new(lon, lat).into()))).unzip();
        Self {
            clusters,
            register,
            by_id: clusters.ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect(),
            by_name: names.map(|(at, name)| (name.to_lowercase(), at)).collect(),
            index: NearIndex::new(places.iter().map(Option::as_ref)),
            owners,
        }
    }

    /// The cluster of this id, else of this name.
    pub fn named(&self, name: &str) -> Option<Home> {
        let home = |(&cluster, by)| Home { cluster, by, km: None };
        let id = self.by_id.get(name).map(|at| (at, "id"));
        id.or_else(|| self.by_name.get(&name.to_lowercase()).map(|at| (at, "name"))).map(home)
    }

    /// The cluster that a facility is in.
    pub fn of_facility(&self, id: &str) -> Option<Home> {
        let facility = self.register?.ids.position(id)?;
        Some(Home { cluster: self.clusters.of_facility[facility]?, by: "facility", km: None })
    }

    /// The cluster of the nearest facility, if that is no farther than so many km.
    pub fn near(&self, place: Degrees, within_km: f64) -> Option<Home> {
        let nearest = self.index.nearest(place).filter(|nearest| at_most(nearest.km, within_km))?;
        Some(Home { cluster: self.owners[nearest.feature], by: "location", km: Some(nearest.km) })
    }
}
