//! The figures that files bring: facts about clusters, or about the clusters of facilities.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use polars::prelude::*;

use super::Unit;
use crate::delineate::Clusters;
use crate::error::{Error, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::names::UNIT;
use crate::validate::{Aggregates, Facilities, Fact, Facts, Tables, Target};

/// Clusters of a pipeline without a register: those that the facts name.
pub fn clusters_of_facts(facts: &Facts) -> Clusters {
    let own = facts.facts.iter().map(|fact| &fact.target);
    let aggregated = facts.aggregates.iter().flat_map(|aggregates| aggregates.targets.iter().flatten());
    let grouped = facts.groups.iter().map(|fact| &fact.target);
    let names = own.chain(aggregated).chain(grouped).filter_map(|target| match target {
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

/// Columns of figures, and the facts behind them with the unit of each.
pub(super) type FactColumns = (Vec<Column>, Vec<(usize, Fact)>);

/// Which units a fact is about.
struct Targets<'a> {
    clusters: &'a Clusters,
    register: Option<&'a Facilities>,
    units: &'a [Unit],
    by_id: HashMap<&'a str, usize>,
}

impl Targets<'_> {
    /// The units of a cluster stand together.
    fn units(&self, target: &Target) -> std::ops::Range<usize> {
        let position = |id: &String| self.register?.ids.position(id);
        let cluster = match target {
            Target::Cluster(id) => self.by_id.get(id.as_str()).copied(),
            Target::Facility(id) => position(id).and_then(|facility| self.clusters.of_facility[facility]),
        };
        let before = |cluster| self.units.partition_point(|unit| unit.cluster < cluster);
        cluster.map(|cluster| before(cluster)..before(cluster + 1)).unwrap_or_default()
    }
}

/// The figures that files bring, one column each, and the facts behind them.
///
/// # Errors
///
/// [`Error::Pipeline`] for an expression that cannot be worked out over the rows.
pub(super) fn fact_columns(
    tables: &Tables,
    clusters: &Clusters,
    units: &[Unit],
    findings: &mut Findings,
) -> Result<FactColumns> {
    let by_id = clusters.ids.iter().enumerate().map(|(cluster, id)| (id.as_str(), cluster)).collect();
    let targets = Targets { clusters, register: tables.facilities.as_ref(), units, by_id };
    let (mut outside, mut conflicts) = (0, 0);
    let mut made = Made::default();
    for aggregates in &tables.facts.aggregates {
        let of_row = |row: usize| -> BTreeSet<usize> {
            let own = aggregates.targets[row].iter().flat_map(|target| targets.units(target));
            own.filter(|&unit| aggregates.counts_in(row, units[unit].period)).collect()
        };
        let of_rows: Vec<BTreeSet<usize>> = (0..aggregates.targets.len()).map(of_row).collect();
        outside += of_rows.iter().filter(|units| units.is_empty()).count();
        made.add(aggregates, &of_rows, units)?;
    }
    // Of each figure the units that facts are about, in the order of the files.
    let mut of_figure: HashMap<&str, Vec<(usize, &Fact)>> = HashMap::new();
    for fact in &tables.facts.facts {
        let applies = |unit: &usize| fact.period.is_none() || fact.period == units[*unit].period;
        let own = of_figure.entry(&fact.figure).or_default();
        let before = own.len();
        own.extend(targets.units(&fact.target).filter(applies).map(|unit| (unit, fact)));
        outside += usize::from(own.len() == before);
    }
    of_figure.values_mut().for_each(|own| own.sort_by_key(|(unit, _)| *unit));
    let (mut columns, mut evidence) = (Vec::new(), Vec::new());
    for name in &tables.facts.names {
        let mut values = vec![None; units.len()];
        let mut rest = of_figure.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
        for (unit, value) in values.iter_mut().enumerate() {
            let (facts, after) = rest.split_at(rest.iter().take_while(|(other, _)| *other == unit).count());
            rest = after;
            let dated = facts.iter().any(|(_, fact)| fact.period.is_some());
            let facts = facts.iter().map(|(_, fact)| *fact);
            let mut facts: Vec<&Fact> = facts.filter(|fact| fact.period.is_some() == dated).collect();
            // A row about several facilities of one cluster says it once.
            facts.dedup_by(|a, b| (&a.file, a.line) == (&b.file, b.line));
            let of_rows = made.values.get(&(name.as_str(), unit)).into_iter().flatten();
            let claims: Vec<f64> = facts.iter().map(|fact| fact.value).chain(of_rows.copied()).collect();
            let agreed = claims.iter().all(|claim| Some(claim) == claims.first());
            conflicts += usize::from(!agreed);
            *value = claims.first().copied().filter(|_| agreed);
            evidence.extend(facts.into_iter().map(|fact| (unit, fact.clone())));
        }
        columns.push(Column::new(name.as_str().into(), values));
    }
    evidence.extend(made.evidence);
    let message = "figures of several rows that are no finite number: missing there".to_owned();
    findings.add(Severity::Warning, "figures", Rule::NotFinite, message, made.not_finite);
    let message = "facts about no cluster and period of the run: unused".to_owned();
    findings.add(Severity::Warning, "figures", Rule::FigureOutsideClusters, message, outside);
    let message = "two different values for one figure of one cluster and period: missing there".to_owned();
    findings.add(Severity::Warning, "figures", Rule::ConflictingFigures, message, conflicts);
    Ok((columns, evidence))
}

/// The groups that units belong to, by the name of the column: one entry a unit. What contradicts itself is none.
pub(super) fn groups(
    tables: &Tables,
    clusters: &Clusters,
    units: &[Unit],
    findings: &mut Findings,
) -> BTreeMap<String, Vec<Option<String>>> {
    let by_id = clusters.ids.iter().enumerate().map(|(cluster, id)| (id.as_str(), cluster)).collect();
    let targets = Targets { clusters, register: tables.facilities.as_ref(), units, by_id };
    let mut found: BTreeMap<String, Vec<std::result::Result<Option<String>, ()>>> = BTreeMap::new();
    let mut conflicts = 0;
    for fact in &tables.facts.groups {
        let column = found.entry(fact.name.clone()).or_insert_with(|| vec![Ok(None); units.len()]);
        for unit in targets.units(&fact.target) {
            if fact.period.is_some() && fact.period != units[unit].period {
                continue;
            }
            match &column[unit] {
                Ok(None) => column[unit] = Ok(Some(fact.group.clone())),
                Ok(Some(other)) if *other != fact.group => {
                    column[unit] = Err(());
                    conflicts += 1;
                }
                _ => {}
            }
        }
    }
    let message = "two different groups for one cluster and period: in none".to_owned();
    findings.add(Severity::Warning, "figures", Rule::ConflictingFigures, message, conflicts);
    found
        .into_iter()
        .map(|(name, column)| (name, column.into_iter().map(std::result::Result::unwrap_or_default).collect()))
        .collect()
}

/// Figures that SQL makes of several rows, and what each row by itself gives.
#[derive(Default)]
struct Made<'a> {
    /// By figure and unit.
    values: HashMap<(&'a str, usize), Vec<f64>>,
    evidence: Vec<(usize, Fact)>,
    not_finite: usize,
}

impl<'a> Made<'a> {
    fn add(&mut self, aggregates: &'a Aggregates, of_rows: &[BTreeSet<usize>], units: &[Unit]) -> Result<()> {
        let mut pairs: Vec<(usize, usize)> =
            of_rows.iter().enumerate().flat_map(|(row, own)| own.iter().map(move |&unit| (unit, row))).collect();
        pairs.sort_unstable();
        let fail = || Error::table("making figures");
        let order = IdxCa::from_iter_values("".into(), pairs.iter().map(|pair| pair.1 as IdxSize));
        let mut rows = aggregates.rows.take(&order).map_err(fail())?;
        let periods: Vec<Option<i64>> = pairs.iter().map(|pair| units[pair.0].period).collect();
        let number = |numbers: Vec<u32>| Column::new(UNIT.into(), numbers);
        rows.with_column(Column::new("period".into(), periods)).map_err(fail())?;
        let (mut by_unit, mut alone) = (rows.clone(), rows);
        by_unit.with_column(number(pairs.iter().map(|pair| pair.0 as u32).collect())).map_err(fail())?;
        alone.with_column(number((0..pairs.len() as u32).collect())).map_err(fail())?;
        for (figure, expression) in &aggregates.figures {
            let place = format!("{}.aggregate.{figure}", aggregates.source);
            let worked_out = |table: &DataFrame, groups: usize| {
                let named = |row: usize| aggregates.evidence[pairs[row].1].line.to_string();
                let values = expression.by_group(table, (UNIT, groups), None, &|row| format!("line {}", named(row)));
                values.map_err(|failure| Error::pipeline(failure.at(&place, "write it so that it holds for every row")))
            };
            for (unit, value) in worked_out(&by_unit, units.len())?.into_iter().enumerate() {
                self.not_finite += usize::from(value.is_some_and(|value| !value.is_finite()));
                self.values.entry((figure, unit)).or_default().extend(value.filter(|value| value.is_finite()));
            }
            for (&(unit, row), value) in pairs.iter().zip(worked_out(&alone, pairs.len())?) {
                let Some(value) = value.filter(|value| value.is_finite()) else { continue };
                let (period, figure) = (units[unit].period, figure.clone());
                self.evidence.push((unit, Fact { period, figure, value, ..aggregates.evidence[row].clone() }));
            }
        }
        Ok(())
    }
}
