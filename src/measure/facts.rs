//! The figures that files bring: facts about clusters, or about the clusters of facilities.

use std::collections::{BTreeSet, HashMap};

use polars::prelude::*;

use super::Unit;
use crate::delineate::Clusters;
use crate::finding::{Findings, Rule, Severity};
use crate::validate::{Fact, Tables, Target};

/// Clusters of a pipeline without a register: those that the facts name.
pub fn clusters_of_facts(facts: &[Fact]) -> Clusters {
    let names = facts.iter().filter_map(|fact| match &fact.target {
        Target::Cluster(name) => Some(name.clone()),
        Target::Facility(_) => None,
    });
    let ids: Vec<String> = names.collect::<BTreeSet<_>>().into_iter().collect();
    Clusters { names: ids.clone(), ids, ..Clusters::default() }
}

pub(super) fn units_of_facts(clusters: &Clusters, facts: &[Fact]) -> Vec<Unit> {
    let mut periods: HashMap<&str, BTreeSet<i64>> = HashMap::new();
    for fact in facts {
        if let (Target::Cluster(id), Some(period)) = (&fact.target, fact.period) {
            periods.entry(id).or_default().insert(period);
        }
    }
    let mut units = Vec::new();
    for (cluster, id) in clusters.ids.iter().enumerate() {
        match periods.get(id.as_str()) {
            Some(dated) => units.extend(dated.iter().map(|period| Unit { cluster, period: Some(*period) })),
            None => units.push(Unit { cluster, period: None }),
        }
    }
    units
}

/// The figures that files bring, one column each, and the facts behind them.
pub(super) fn fact_columns(
    tables: &Tables,
    clusters: &Clusters,
    units: &[Unit],
    findings: &mut Findings,
) -> (Vec<Column>, Vec<(usize, Fact)>) {
    let cluster_of: HashMap<&str, usize> =
        clusters.ids.iter().enumerate().map(|(cluster, id)| (id.as_str(), cluster)).collect();
    let position = |id: &String| tables.facilities.as_ref().and_then(|facilities| facilities.ids.position(id));
    let cluster = |fact: &Fact| match &fact.target {
        Target::Cluster(id) => cluster_of.get(id.as_str()).copied(),
        Target::Facility(id) => position(id).and_then(|facility| clusters.of_facility[facility]),
    };
    let (mut outside, mut conflicts, mut evidence) = (0, 0, Vec::new());
    let mut by_unit: HashMap<(usize, &str), Vec<&Fact>> = HashMap::new();
    for fact in &tables.facts.facts {
        // The units of a cluster stand together.
        let own = cluster(fact).map(|cluster| {
            let first = units.partition_point(|unit| unit.cluster < cluster);
            first..units.partition_point(|unit| unit.cluster <= cluster)
        });
        let applies = |unit: &usize| fact.period.is_none() || fact.period == units[*unit].period;
        let current: Vec<usize> = own.into_iter().flatten().filter(applies).collect();
        outside += usize::from(current.is_empty());
        current.into_iter().for_each(|unit| by_unit.entry((unit, &fact.figure)).or_default().push(fact));
    }
    let mut columns = Vec::new();
    for name in &tables.facts.names {
        let mut values = vec![None; units.len()];
        for (unit, value) in values.iter_mut().enumerate() {
            let facts = by_unit.get(&(unit, name.as_str())).map(Vec::as_slice).unwrap_or_default();
            let dated = facts.iter().any(|fact| fact.period.is_some());
            let facts: Vec<&&Fact> = facts.iter().filter(|fact| fact.period.is_some() == dated).collect();
            let first = facts.first().map(|fact| fact.value);
            let agreed = facts.iter().all(|fact| Some(fact.value) == first);
            conflicts += usize::from(!agreed);
            *value = first.filter(|_| agreed);
            evidence.extend(facts.into_iter().map(|fact| (unit, (*fact).clone())));
        }
        columns.push(Column::new(name.as_str().into(), values));
    }
    let message = "facts about no cluster and period of the run: unused".to_owned();
    findings.add(Severity::Warning, "figures", Rule::FigureOutsideClusters, message, outside);
    let message = "two different values for one figure of one cluster and period: missing there".to_owned();
    findings.add(Severity::Warning, "figures", Rule::ConflictingFigures, message, conflicts);
    (columns, evidence)
}
