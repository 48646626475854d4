//! Sectors across clusters: which a cluster specialises in, and which are concentrated in space at all.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Layout;
use super::concentration::{herfindahl, sum};
use super::moran::{Autocorrelation, autocorrelation};
use crate::validate::Facilities;

/// One sector of one cluster and period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SectorShare {
    /// Position of the cluster and period.
    pub unit: usize,
    /// The sector.
    pub sector: String,
    /// Its facilities.
    pub facilities: u64,
    /// Their emissions, t; `None` where none are known.
    pub emissions_t: Option<f64>,
    /// Share in the emissions of the cluster, or in what else the register is weighted by.
    pub share: f64,
    /// That share over the sector's share in the emissions of all facilities of the period: above 1 is specialised.
    pub location_quotient: Option<f64>,
}

/// How concentrated emissions are in one period: over all facilities, or over those of a sector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concentration {
    /// The period.
    pub period: Option<i64>,
    /// The sector; `None`: all.
    pub sector: Option<String>,
    /// Facilities.
    pub facilities: u64,
    /// Their emissions, t.
    pub emissions_t: Option<f64>,
    /// Share of the emissions that is in clusters.
    pub clustered_share: Option<f64>,
    /// Sum of squared shares of the facilities.
    pub herfindahl: Option<f64>,
    /// Ellison and Glaeser's index of the sector: above 0 is more concentrated than chance and large plants explain.
    pub ellison_glaeser: Option<f64>,
    /// Moran's I; over all sectors only.
    pub moran_i: Option<f64>,
    /// Geary's C; over all sectors only.
    pub geary_c: Option<f64>,
}

/// What the sectors of one register show.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Agglomeration {
    /// By unit, then sector.
    pub sectors: Vec<SectorShare>,
    /// By period; all sectors, then each.
    pub concentration: Vec<Concentration>,
    /// Local Moran's I and quadrant of each row of the register.
    pub local_moran: Vec<Option<(f64, i64)>>,
}

/// Measures every period. Facilities without emissions are left out, in figures of sectors also those without a sector.
pub(super) fn agglomeration(layout: &Layout<'_>) -> Agglomeration {
    let Layout { facilities, units, rows, .. } = *layout;
    let mut all = Agglomeration { local_moran: vec![None; facilities.rows()], ..Agglomeration::default() };
    let mut of_period: BTreeMap<Option<i64>, Vec<usize>> = BTreeMap::new();
    (0..facilities.rows()).for_each(|row| of_period.entry(facilities.period.get(row)).or_default().push(row));
    let sectors = Sectors::new(facilities);
    let mut region: Vec<Option<usize>> = vec![None; facilities.rows()];
    for (unit, rows) in rows.iter().enumerate() {
        rows.iter().for_each(|&row| region[row] = Some(unit));
    }
    for (period, own) in of_period {
        let here: Vec<usize> = (0..units.len()).filter(|&unit| units[unit].period == period).collect();
        let of_units = || {
            let national = sectors.sums(facilities, &own);
            let of_unit = |&unit: &usize| shares(unit, &sectors, &sectors.sums(facilities, &rows[unit]), &national);
            here.par_iter().flat_map_iter(of_unit).collect::<Vec<SectorShare>>()
        };
        let (found, local) = rayon::join(of_units, || local_moran(facilities, &own, &mut all.local_moran));
        all.sectors.extend(found);
        all.concentration.extend(concentration(
            (facilities, &sectors),
            period,
            &own,
            (&region, units.len()),
            local.as_ref(),
        ));
    }
    all.sectors.sort_by(|a, b| (a.unit, &a.sector).cmp(&(b.unit, &b.sector)));
    all
}

/// The sectors of a register, ascending, and that of each row by its place among them.
struct Sectors<'a> {
    names: Vec<&'a str>,
    of_row: Vec<Option<u32>>,
}

impl<'a> Sectors<'a> {
    fn new(facilities: &'a Facilities) -> Self {
        let names: BTreeSet<&str> = facilities.sector.iter().flatten().collect();
        let names: Vec<&str> = names.into_iter().collect();
        let number = |name: &str| names.binary_search(&name).ok().map(|at| at as u32);
        let of_row = (0..facilities.rows()).map(|row| facilities.sector.get(row).and_then(number)).collect();
        Self { names, of_row }
    }

    /// Facilities, weight and emissions of each sector that is among some rows, ascending.
    fn sums(&self, facilities: &Facilities, rows: &[usize]) -> Vec<(u32, SectorSum)> {
        let mut sums = vec![SectorSum::default(); self.names.len()];
        for &row in rows {
            if let (Some(sector), Some(weight)) = (self.of_row[row], facilities.weights.get(row)) {
                let sum = &mut sums[sector as usize];
                sum.facilities += 1;
                sum.weight += weight;
                sum.emissions_t = super::concentration::sum([sum.emissions_t, facilities.emissions_t.get(row)]);
            }
        }
        (0..).zip(sums).filter(|(_, sum)| sum.facilities > 0).collect()
    }
}

/// What the facilities of a sector come to.
#[derive(Debug, Clone, Copy, Default)]
struct SectorSum {
    facilities: u64,
    weight: f64,
    emissions_t: Option<f64>,
}

fn shares(
    unit: usize,
    sectors: &Sectors<'_>,
    own: &[(u32, SectorSum)],
    national: &[(u32, SectorSum)],
) -> Vec<SectorShare> {
    let total = |sums: &[(u32, SectorSum)]| sums.iter().map(|(_, sum)| sum.weight).sum::<f64>();
    let (total_here, total_there) = (total(own), total(national));
    if total_here <= 0.0 {
        return Vec::new();
    }
    let share = |&(sector, sum): &(u32, SectorSum)| {
        let there = national.binary_search_by_key(&sector, |national| national.0).ok();
        let there = there.map_or(0.0, |at| national[at].1.weight / total_there);
        let share = sum.weight / total_here;
        let location_quotient = (there > 0.0).then(|| share / there);
        let SectorSum { facilities, emissions_t, .. } = sum;
        let sector = sectors.names[sector as usize].to_owned();
        SectorShare { unit, sector, facilities, emissions_t, share, location_quotient }
    };
    own.iter().map(share).collect()
}

fn local_moran(facilities: &Facilities, rows: &[usize], local: &mut [Option<(f64, i64)>]) -> Option<Autocorrelation> {
    let known = |&row: &usize| Some((row, facilities.places[facilities.facility[row]]?, facilities.weights.get(row)?));
    let known: Vec<(usize, (f64, f64), f64)> = rows.iter().filter_map(known).collect();
    let places: Vec<(f64, f64)> = known.iter().map(|(_, place, _)| *place).collect();
    let weights: Vec<f64> = known.iter().map(|(.., weight)| *weight).collect();
    let found = autocorrelation(&places, &weights)?;
    known.iter().zip(&found.local).for_each(|((row, ..), found)| local[*row] = Some(*found));
    Some(found)
}

fn concentration(
    (facilities, sectors): (&Facilities, &Sectors<'_>),
    period: Option<i64>,
    rows: &[usize],
    (region, regions): (&[Option<usize>], usize),
    moran: Option<&Autocorrelation>,
) -> Vec<Concentration> {
    let region_shares = |rows: &[usize]| region_shares(facilities, rows, region, regions);
    let shares_of_all = region_shares(rows);
    let line = |sector: Option<&str>, rows: &[usize]| {
        let weights: Vec<Option<f64>> = rows.iter().map(|&row| facilities.weights.get(row)).collect();
        let total = sum(weights.iter().copied());
        let inside = sum(rows.iter().filter(|&&row| region[row].is_some()).map(|&row| facilities.weights.get(row)));
        let plants = herfindahl(&weights);
        let ellison_glaeser = || {
            let (all, own) = (shares_of_all.as_ref()?, region_shares(rows)?);
            ellison_glaeser(&own, all, plants?)
        };
        Concentration {
            period,
            sector: sector.map(str::to_owned),
            facilities: rows.len() as u64,
            emissions_t: sum(rows.iter().map(|&row| facilities.emissions_t.get(row))),
            clustered_share: total.filter(|total| *total > 0.0).map(|total| inside.unwrap_or(0.0) / total),
            herfindahl: plants,
            ellison_glaeser: sector.and_then(|_| ellison_glaeser()),
            moran_i: moran.filter(|_| sector.is_none()).map(|moran| moran.moran_i),
            geary_c: moran.filter(|_| sector.is_none()).map(|moran| moran.geary_c),
        }
    };
    let mut of_sector: Vec<Vec<usize>> = vec![Vec::new(); sectors.names.len()];
    for &row in rows {
        if let Some(sector) = sectors.of_row[row] {
            of_sector[sector as usize].push(row);
        }
    }
    let of_sector = sectors.names.par_iter().zip(of_sector).filter(|(_, rows)| !rows.is_empty());
    let of_sector: Vec<Concentration> = of_sector.map(|(sector, rows)| line(Some(sector), &rows)).collect();
    std::iter::once(line(None, rows)).chain(of_sector).collect()
}

/// Each region's share in the weight of some rows; what is in no cluster is one region, the first.
fn region_shares(
    facilities: &Facilities,
    rows: &[usize],
    region: &[Option<usize>],
    regions: usize,
) -> Option<Vec<f64>> {
    let mut sums = vec![0.0; regions + 1];
    for &row in rows {
        if let Some(weight) = facilities.weights.get(row) {
            sums[region[row].map_or(0, |region| region + 1)] += weight;
        }
    }
    let total: f64 = sums.iter().sum();
    (total > 0.0).then(|| sums.into_iter().map(|sum| sum / total).collect())
}

/// Ellison & Glaeser (1997), "Geographic concentration in U.S. manufacturing industries", equation 5, with emissions as
/// size; `None` where one region or one plant has all.
fn ellison_glaeser(sector: &[f64], all: &[f64], plants: f64) -> Option<f64> {
    let raw: f64 = sector.iter().zip(all).map(|(own, all)| (own - all).powi(2)).sum();
    let spread = 1.0 - all.iter().map(|share| share * share).sum::<f64>();
    let scale = spread * (1.0 - plants);
    (scale > 0.0).then(|| (raw - spread * plants) / scale)
}
