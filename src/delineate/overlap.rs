//! Two ways to group the same facilities, held against each other: which groups share what, and what became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What two groups share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// Position of the group in the first way.
    pub a: usize,
    /// Position of the group in the second.
    pub b: usize,
    /// What is in both.
    pub shared: Weight,
}

/// How much a set of facilities weighs.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Weight {
    /// Facilities.
    pub facilities: usize,
    /// Their emissions over all periods, t; 0 where none are known.
    pub emissions_t: f64,
}

impl Weight {
    fn add(&mut self, emissions_t: Option<f64>) {
        self.facilities += 1;
        self.emissions_t += emissions_t.unwrap_or(0.0);
    }

    /// Whether it outweighs another: by emissions, then by facilities.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.emissions_t.total_cmp(&other.emissions_t).then(self.facilities.cmp(&other.facilities))
    }
}

/// All pairs of groups that share a facility, ascending by `a`, then `b`.
///
/// One entry a facility in each: its group (or `None`) the first way and the second, and its emissions.
pub fn overlaps(first: &[Option<usize>], second: &[Option<usize>], emissions_t: &[Option<f64>]) -> Vec<Overlap> {
    let mut shared: BTreeMap<(usize, usize), Weight> = BTreeMap::new();
    for ((a, b), emissions) in first.iter().zip(second).zip(emissions_t) {
        if let (Some(a), Some(b)) = (a, b) {
            shared.entry((*a, *b)).or_default().add(*emissions);
        }
    }
    shared.into_iter().map(|((a, b), shared)| Overlap { a, b, shared }).collect()
}

/// The weight of each group.
pub fn weights(groups: usize, of_facility: &[Option<usize>], emissions_t: &[Option<f64>]) -> Vec<Weight> {
    let mut weights = vec![Weight::default(); groups];
    for (group, emissions) in of_facility.iter().zip(emissions_t) {
        if let Some(group) = group {
            weights[*group].add(*emissions);
        }
    }
    weights
}

/// Pairs each group with at most one of the other way: the pair that shares most first (ties: the smaller positions).
/// Returns the partner of each group of the second way.
pub fn partners(overlaps: &[Overlap], second: usize) -> Vec<Option<usize>> {
    let mut order: Vec<&Overlap> = overlaps.iter().collect();
    order.sort_by(|x, y| y.shared.order(&x.shared).then((x.a, x.b).cmp(&(y.a, y.b))));
    let mut partner = vec![None; second];
    let mut taken = std::collections::BTreeSet::new();
    for overlap in order {
        if partner[overlap.b].is_none() && taken.insert(overlap.a) {
            partner[overlap.b] = Some(overlap.a);
        }
    }
    partner
}

/// What became of a group of the first way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It and one group of the second way share with no other.
    Continued,
    /// It shares with several groups.
    Split,
    /// The group that it shares with shares with others too.
    Merged,
    /// Both at once.
    SplitAndMerged,
    /// It shares with none.
    Died,
    /// A group of the second way that shares with none of the first.
    Born,
}

impl Fate {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continued => "continued",
            Self::Split => "split",
            Self::Merged => "merged",
            Self::SplitAndMerged => "split_and_merged",
            Self::Died => "died",
            Self::Born => "born",
        }
    }
}

/// One line of the comparison: two groups that share something, or one that shares nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// The group the first way.
    pub a: Option<usize>,
    /// The group the second way.
    pub b: Option<usize>,
    /// What became of it.
    pub fate: Fate,
    /// What both have.
    pub shared: Weight,
}

/// Every pair of groups that share a facility, then those that died, then those that were born.
pub fn relations(overlaps: &[Overlap], first: usize, second: usize) -> Vec<Relation> {
    let (mut of_a, mut of_b) = (vec![0; first], vec![0; second]);
    for overlap in overlaps {
        of_a[overlap.a] += 1;
        of_b[overlap.b] += 1;
    }
    let pair = |overlap: &Overlap| {
        let fate = match (of_a[overlap.a] > 1, of_b[overlap.b] > 1) {
            (false, false) => Fate::Continued,
            (true, false) => Fate::Split,
            (false, true) => Fate::Merged,
            (true, true) => Fate::SplitAndMerged,
        };
        Relation { a: Some(overlap.a), b: Some(overlap.b), fate, shared: overlap.shared }
    };
    let alone = |a, b, fate| Relation { a, b, fate, shared: Weight::default() };
    let died = (0..first).filter(|&a| of_a[a] == 0).map(|a| alone(Some(a), None, Fate::Died));
    let born = (0..second).filter(|&b| of_b[b] == 0).map(|b| alone(None, Some(b), Fate::Born));
    overlaps.iter().map(pair).chain(died).chain(born).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two groups of five and three sites; later one site of the first goes to the second, and a third appears.
    #[test]
    fn a_site_that_changes_sides() {
        let before = [Some(0), Some(0), Some(0), Some(0), Some(0), Some(1), Some(1), Some(1), None, None];
        let after = [Some(0), Some(0), Some(0), Some(0), Some(1), Some(1), Some(1), Some(1), Some(2), Some(2)];
        let emissions = [Some(1.0); 10];
        let shared = overlaps(&before, &after, &emissions);
        let sizes: Vec<_> = shared.iter().map(|o| (o.a, o.b, o.shared.facilities)).collect();
        assert_eq!(sizes, [(0, 0, 4), (0, 1, 1), (1, 1, 3)]);
        assert_eq!(partners(&shared, 3), [Some(0), Some(1), None]);
        let fates: Vec<Fate> = relations(&shared, 2, 3).iter().map(|relation| relation.fate).collect();
        assert_eq!(fates, [Fate::Split, Fate::SplitAndMerged, Fate::Merged, Fate::Born]);
    }

    #[test]
    fn the_heavier_part_keeps_the_partner() {
        let before = [Some(0), Some(0), Some(0)];
        let after = [Some(0), Some(0), Some(1)];
        let shared = overlaps(&before, &after, &[Some(1.0), Some(1.0), Some(5.0)]);
        assert_eq!(partners(&shared, 2), [None, Some(0)]);
        let unknown = overlaps(&before, &after, &[None, None, None]);
        assert_eq!(partners(&unknown, 2), [Some(0), None]);
    }
}
