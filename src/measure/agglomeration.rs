//! Sectors across clusters: which a cluster specialises in, and which are concentrated in space at all.

use std::collections::{BTreeMap, BTreeSet};

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
    let mut region: Vec<Option<usize>> = vec![None; facilities.rows()];
    for (unit, rows) in rows.iter().enumerate() {
        rows.iter().for_each(|&row| region[row] = Some(unit));
    }
    for (period, own) in of_period {
        let national = sector_sums(facilities, &own);
        for (unit, rows) in rows.iter().enumerate().filter(|(unit, _)| units[*unit].period == period) {
            all.sectors.extend(shares(unit, &sector_sums(facilities, rows), &national));
        }
        let local = local_moran(facilities, &own, &mut all.local_moran);
        all.concentration.extend(concentration(facilities, period, &own, &region, local.as_ref()));
    }
    all.sectors.sort_by(|a, b| (a.unit, &a.sector).cmp(&(b.unit, &b.sector)));
    all
}

/// What the facilities of a sector come to.
#[derive(Debug, Clone, Copy, Default)]
struct SectorSum {
    facilities: u64,
    weight: f64,
    emissions_t: Option<f64>,
}

/// Facilities, weight and emissions a sector.
fn sector_sums(facilities: &Facilities, rows: &[usize]) -> BTreeMap<String, SectorSum> {
    let mut sums: BTreeMap<String, SectorSum> = BTreeMap::new();
    for &row in rows {
        if let (Some(sector), Some(weight)) = (facilities.sector.get(row), facilities.weights.get(row)) {
            let slot = match sums.get_mut(sector) {
                Some(slot) => slot,
                None => sums.entry(sector.to_owned()).or_default(),
            };
            slot.facilities += 1;
            slot.weight += weight;
            slot.emissions_t = sum([slot.emissions_t, facilities.emissions_t.get(row)]);
        }
    }
    sums
}

fn shares(unit: usize, own: &BTreeMap<String, SectorSum>, national: &BTreeMap<String, SectorSum>) -> Vec<SectorShare> {
    let total = |sums: &BTreeMap<String, SectorSum>| sums.values().map(|sum| sum.weight).sum::<f64>();
    let (total_here, total_there) = (total(own), total(national));
    if total_here <= 0.0 {
        return Vec::new();
    }
    let share = |(sector, sum): (&String, &SectorSum)| {
        let there = national.get(sector).map_or(0.0, |sum| sum.weight / total_there);
        let share = sum.weight / total_here;
        let location_quotient = (there > 0.0).then(|| share / there);
        let &SectorSum { facilities, emissions_t, .. } = sum;
        SectorShare { unit, sector: sector.clone(), facilities, emissions_t, share, location_quotient }
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
    facilities: &Facilities,
    period: Option<i64>,
    rows: &[usize],
    region: &[Option<usize>],
    moran: Option<&Autocorrelation>,
) -> Vec<Concentration> {
    let shares_of_all = region_shares(facilities, rows, region);
    let line = |sector: Option<&str>, rows: &[usize]| {
        let weights: Vec<Option<f64>> = rows.iter().map(|&row| facilities.weights.get(row)).collect();
        let total = sum(weights.iter().copied());
        let inside = sum(rows.iter().filter(|&&row| region[row].is_some()).map(|&row| facilities.weights.get(row)));
        let plants = herfindahl(&weights);
        let ellison_glaeser = || {
            let (all, own) = (shares_of_all.as_ref()?, region_shares(facilities, rows, region)?);
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
    let mut of_sector: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &row in rows {
        if let Some(sector) = facilities.sector.get(row) {
            of_sector.entry(sector).or_default().push(row);
        }
    }
    let all = line(None, rows);
    std::iter::once(all).chain(of_sector.into_iter().map(|(sector, rows)| line(Some(sector), &rows))).collect()
}

/// Each region's share in the weight of some rows; what is in no cluster is one region.
fn region_shares(
    facilities: &Facilities,
    rows: &[usize],
    region: &[Option<usize>],
) -> Option<BTreeMap<Option<usize>, f64>> {
    let mut sums: BTreeMap<Option<usize>, f64> = BTreeMap::new();
    for &row in rows {
        if let Some(weight) = facilities.weights.get(row) {
            *sums.entry(region[row]).or_default() += weight;
        }
    }
    let total: f64 = sums.values().sum();
    (total > 0.0).then(|| sums.into_iter().map(|(region, sum)| (region, sum / total)).collect())
}

/// Ellison & Glaeser (1997), "Geographic concentration in U.S. manufacturing industries", equation 5, with emissions as
/// size; `None` where one region or one plant has all.
fn ellison_glaeser(
    sector: &BTreeMap<Option<usize>, f64>,
    all: &BTreeMap<Option<usize>, f64>,
    plants: f64,
) -> Option<f64> {
    let regions: BTreeSet<&Option<usize>> = all.keys().chain(sector.keys()).collect();
    let share =
        |shares: &BTreeMap<Option<usize>, f64>, region: &Option<usize>| shares.get(region).copied().unwrap_or(0.0);
    let raw: f64 = regions.iter().map(|region| (share(sector, region) - share(all, region)).powi(2)).sum();
    let spread = 1.0 - all.values().map(|share| share * share).sum::<f64>();
    let scale = spread * (1.0 - plants);
    (scale > 0.0).then(|| (raw - spread * plants) / scale)
}
