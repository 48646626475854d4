//! The network figures of every kind of tie, cluster and period, and those of each whole network.

use std::collections::{BTreeSet, HashMap, HashSet};

use polars::prelude::*;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::communities::{LARGEST_NETWORK, LARGEST_REFINED, adjusted_rand, communities};
use super::indicators::named;
use super::links::LinkTable;
use super::network::{self, ANCHOR, Classes, FIGURES, NetworkFigures, Vertex};
use super::standing::{Numbers, Resolved, Standing, organisations};
use super::ties::{Across, Counted, Trace, traces};
use super::{Layout, Wanted};
use crate::error::{Error, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::names;
use crate::validate::settings::Between;
use crate::validate::{Facilities, Tables, TieTable};

/// The figure over all kinds: the share of tied pairs that are tied in two kinds or more.
pub const MULTIPLEXITY: &str = "multiplexity";

/// One kind's network over all clusters, in one period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WholeNetwork {
    /// The kind.
    pub kind: String,
    /// The period.
    pub period: Option<i64>,
    /// Facilities with a tie, in clusters or not.
    pub tied: u64,
    /// Strength of all ties.
    pub strength: f64,
    /// Ties between clusters or sites against ties within clusters: from -1, all within, to 1.
    pub ei_index: Option<f64>,
    /// Modularity (Newman 2004) of the clusters, each dispersed site by itself, by strength.
    pub modularity: Option<f64>,
    /// Communities of the Leiden algorithm (Traag 2019).
    pub communities: Option<u64>,
    /// Agreement of communities and clusters over tied facilities in clusters: adjusted Rand index (Hubert & Arabie 1985).
    pub adjusted_rand: Option<f64>,
    /// Organisations too large for the search of communities.
    pub left_out: u64,
    /// Whether communities were found without refinement, the network being large.
    pub is_rough: bool,
}

/// Ties between two clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterLink {
    /// The kind.
    pub kind: String,
    /// The two units, as positions in the list of all.
    pub units: [usize; 2],
    /// Pairs of facilities with a link.
    pub links: u64,
    /// Names of the organisations with members in both.
    pub organisations: Vec<String>,
    /// Strength of both together.
    pub strength: f64,
}

/// All that ties tell.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Networks {
    /// One a kind and period.
    pub whole: Vec<WholeNetwork>,
    /// By kind, then unit.
    pub across: Vec<ClusterLink>,
    /// Where ties come from, by unit, then source, then row.
    pub traces: Vec<Trace>,
    /// Columns of `clusters`.
    #[serde(skip)]
    pub(super) columns: Vec<Column>,
    /// Columns of the register: `observed_KIND`, whether a facility in a cluster was asked.
    #[serde(skip)]
    pub(super) observed: Vec<Column>,
    /// The SQL table `links`, where an indicator wants it.
    #[serde(skip)]
    pub(super) links: LinkTable,
}

/// Kinds of ties, in the order of the pipeline file.
pub(super) fn kinds(tables: &Tables) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for table in tables.ties.iter() {
        if !kinds.contains(&table.kind) {
            kinds.push(table.kind.clone());
        }
    }
    kinds
}

/// Kinds that tell what is, and not what might be.
pub(super) fn observed_kinds(tables: &Tables) -> Vec<String> {
    let is_potential = |kind: &String| tables.ties.iter().any(|table| table.kind == *kind && table.is_potential());
    kinds(tables).into_iter().filter(|kind| !is_potential(kind)).collect()
}

/// The figures that ties give to `clusters`, each with its type.
pub(super) fn columns(tables: &Tables) -> Vec<(String, DataType)> {
    let of_kind = |kind: String| {
        let numbers = FIGURES.map(|figure| (names::of_kind(figure, &kind), DataType::Float64));
        numbers.into_iter().chain([(names::of_kind(ANCHOR, &kind), DataType::String)])
    };
    let several = (observed_kinds(tables).len() > 1).then(|| (MULTIPLEXITY.to_owned(), DataType::Float64));
    kinds(tables).into_iter().flat_map(of_kind).chain(several).collect()
}

/// What is asked of networks beside their figures.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// The SQL table `links`.
    pub links: bool,
    /// Whole networks, ties between clusters and where ties come from, or not.
    pub wanted: Wanted,
}

/// One kind of ties in one cluster and period: its facilities, and who is tied to whom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterPairs {
    /// The period.
    pub period: Option<i64>,
    /// Ids of the facilities, by place.
    pub ids: Vec<String>,
    /// Their operators.
    pub operators: Vec<Option<String>>,
    /// Whether each is observed.
    pub observed: Vec<bool>,
    /// Positions of those that are tied, the smaller first.
    pub tied: Vec<(u32, u32)>,
}

/// One kind of ties in all clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct KindPairs {
    /// The kind.
    pub kind: String,
    /// One a unit.
    pub clusters: Vec<ClusterPairs>,
}

impl Networks {
    /// Who is tied to whom in a kind, one entry a unit.
    pub(super) fn pairs(&self, kind: &str, layout: &Layout<'_>) -> Result<Vec<ClusterPairs>> {
        let facilities = layout.facilities;
        let fail = || Error::table("reading who is observed");
        let name = names::observed(kind);
        let observed = self.observed.iter().find(|column| column.name() == &name);
        let observed = observed.map(|column| column.bool()).transpose().map_err(fail())?;
        let mut rank = vec![0; facilities.ids.len()];
        facilities.by_place().into_iter().enumerate().for_each(|(at, facility)| rank[facility] = at);
        let mut all = Vec::new();
        let mut position: HashMap<(usize, &str), u32> = HashMap::new();
        for (unit, rows) in layout.rows.iter().enumerate() {
            let mut rows = rows.clone();
            rows.sort_by_key(|&row| (rank[facilities.facility[row]], row));
            let id = |&row: &usize| &facilities.ids[facilities.facility[row]];
            rows.iter().map(id).zip(0..).for_each(|(id, at)| _ = position.insert((unit, id), at));
            let is_observed = |&row: &usize| observed.is_some_and(|observed| observed.get(row) == Some(true));
            all.push(ClusterPairs {
                period: layout.units[unit].period,
                operators: rows.iter().map(|&row| facilities.operator.get(row).map(str::to_owned)).collect(),
                observed: rows.iter().map(is_observed).collect(),
                ids: rows.iter().map(|row| id(row).to_owned()).collect(),
                tied: Vec::new(),
            });
        }
        for (unit, from, to) in self.links.of_kind(kind) {
            let ends = [from, to].map(|id| position.get(&(unit, id)).copied());
            if let [Some(a), Some(b)] = ends {
                all[unit].tied.push((a.min(b), a.max(b)));
            }
        }
        Ok(all)
    }
}

/// One kind: its sources by numbers, and whom they declare observed.
struct Kind<'a> {
    name: String,
    /// Whether it tells what might be.
    is_potential: bool,
    sources: Vec<Resolved<'a>>,
    /// Names of its organisations, by number.
    organisations: Vec<&'a str>,
    /// One a row of the register.
    declared: Vec<bool>,
}

/// One kind in one period.
struct OfKind {
    nodes: Vec<Vec<Vertex>>,
    counted: Counted,
    figures: Vec<NetworkFigures>,
}

/// Figures of all units, as they come.
struct Found<'a> {
    /// One list a kind.
    figures: Vec<Vec<NetworkFigures>>,
    /// One list a kind: names.
    anchors: Vec<Vec<Option<&'a str>>>,
    multiplexity: Vec<Option<f64>>,
    /// One list a kind, one entry a row of the register.
    observed: Vec<Vec<Option<bool>>>,
}

/// The network figures of every kind; `frame` is the register as a table, for `observed`.
pub(super) fn networks(
    tables: &Tables,
    layout: &Layout<'_>,
    frame: &DataFrame,
    asked: Asked,
    findings: &mut Findings,
) -> Result<Networks> {
    let mut all = Networks::default();
    if tables.ties.is_empty() {
        return Ok(all);
    }
    let facilities = layout.facilities;
    let mut numbers = Numbers::new(facilities, &tables.ties);
    let kinds: Vec<Kind<'_>> = kinds(tables)
        .into_iter()
        .map(|kind| Kind::new(kind, tables, &mut numbers, (facilities, frame)))
        .collect::<Result<_>>()?;
    let named = numbers.of_register(facilities);
    let (units, details) = (layout.units.len(), asked.wanted == Wanted::Details);
    let mut found = Found {
        figures: vec![vec![NetworkFigures::default(); units]; kinds.len()],
        anchors: vec![vec![None; units]; kinds.len()],
        multiplexity: vec![None; units],
        observed: vec![vec![None; facilities.rows()]; kinds.len()],
    };
    let periods: BTreeSet<Option<i64>> = layout.units.iter().map(|unit| unit.period).collect();
    for &period in &periods {
        let standing = Standing::new(layout, &named, period);
        let sources: Vec<&Resolved<'_>> = kinds.iter().flat_map(|kind| &kind.sources).filter(|_| details).collect();
        let (measured, traced): (Vec<OfKind>, Vec<Vec<Trace>>) = rayon::join(
            || kinds.par_iter().map(|kind| kind.measure(facilities, &standing, period)).collect(),
            || sources.par_iter().map(|source| traces(source, &standing, period)).collect(),
        );
        found.take(&kinds, &measured, &standing);
        for (kind, own) in kinds.iter().zip(&measured).filter(|(kind, _)| !kind.is_potential) {
            if details {
                all.whole.push(whole(kind, period, own, &standing, facilities)?);
                all.across.extend(kind.across(own, &standing));
            }
            for source in kind.sources.iter().filter(|_| asked.links) {
                let node = |at: u32| node(at, &standing, facilities, true);
                all.links.add(source, &standing, period, facilities, node);
            }
        }
        all.traces.extend(traced.into_iter().flatten());
        note_within_firms(&kinds, &measured, findings);
    }
    note_large(&kinds, &all.whole, findings);
    all.traces.par_sort_unstable_by_key(|trace| (trace.unit, trace.table, trace.row));
    let observed = kinds.iter().zip(&found.observed);
    all.observed = observed.map(|(kind, rows)| Column::new(names::observed(&kind.name).into(), rows)).collect();
    all.columns = found.columns(&kinds);
    Ok(all)
}

fn note_within_firms(kinds: &[Kind<'_>], measured: &[OfKind], findings: &mut Findings) {
    for (kind, own) in kinds.iter().zip(measured) {
        let message = "links between plants of one firm: not counted".to_owned();
        findings.add(Severity::Info, &kind.name, Rule::WithinFirm, message, own.counted.within_firms);
    }
}

fn note_large(kinds: &[Kind<'_>], whole: &[WholeNetwork], findings: &mut Findings) {
    for kind in kinds.iter().filter(|kind| !kind.is_potential) {
        let unsearched = |row: &&WholeNetwork| row.kind == kind.name && row.strength > 0.0 && row.communities.is_none();
        let count = whole.iter().filter(unsearched).count();
        let message = format!("networks of more than {LARGEST_NETWORK} tied pairs: communities are not searched");
        findings.add(Severity::Info, &kind.name, Rule::LargeNetwork, message, count);
        let rough = whole.iter().filter(|row| row.kind == kind.name && row.is_rough).count();
        let message = format!(
            "networks of more than {LARGEST_REFINED} tied pairs: communities are Louvain's, without refinement"
        );
        findings.add(Severity::Info, &kind.name, Rule::LargeNetwork, message, rough);
    }
}

impl<'a> Kind<'a> {
    fn new(
        name: String,
        tables: &'a Tables,
        numbers: &mut Numbers,
        register: (&Facilities, &DataFrame),
    ) -> Result<Self> {
        let own: Vec<(usize, &TieTable)> =
            tables.ties.iter().enumerate().filter(|(_, table)| table.kind == name).collect();
        let plain: Vec<&TieTable> = own.iter().map(|(_, table)| *table).collect();
        let (organisations, of) = organisations(&plain);
        Ok(Self {
            is_potential: plain.iter().any(|table| table.is_potential()),
            sources: own.iter().map(|(position, table)| Resolved::new(*position, table, numbers, &of)).collect(),
            declared: declared_observed(&plain, register)?,
            organisations,
            name,
        })
    }

    /// The kind in all clusters of one period.
    fn measure(&self, facilities: &Facilities, standing: &Standing, period: Option<i64>) -> OfKind {
        let counted = Counted::new(&self.sources, period, standing);
        let one = |&at: &u32| {
            let observed = self.declared[standing.rows[at as usize]] || counted.appears[at as usize];
            node(at, standing, facilities, observed)
        };
        let nodes: Vec<Vec<Vertex>> = standing.nodes_of.iter().map(|nodes| nodes.iter().map(one).collect()).collect();
        let figures = nodes.par_iter().zip(&counted.sets).map(|(nodes, ties)| network::figures(nodes, ties)).collect();
        OfKind { nodes, counted, figures }
    }

    fn across(&self, own: &OfKind, standing: &Standing) -> Vec<ClusterLink> {
        let link = |(&(a, b), across): (&(u32, u32), &Across)| ClusterLink {
            kind: self.name.clone(),
            units: [a, b].map(|local| standing.units[local as usize]),
            links: across.links,
            organisations: across.organisations.iter().map(|&at| self.organisations[at as usize].to_owned()).collect(),
            strength: across.strength,
        };
        own.counted.between.iter().map(link).collect()
    }
}

impl<'a> Found<'a> {
    fn take(&mut self, kinds: &[Kind<'a>], measured: &[OfKind], standing: &Standing) {
        for (position, (kind, own)) in kinds.iter().zip(measured).enumerate() {
            for (&unit, figures) in standing.units.iter().zip(&own.figures) {
                self.anchors[position][unit] = figures.anchor.map(|number| kind.organisations[number as usize]);
                self.figures[position][unit] = figures.clone();
            }
            for (place, nodes) in standing.nodes_of.iter().zip(&own.nodes) {
                for (&at, node) in place.iter().zip(nodes) {
                    self.observed[position][standing.rows[at as usize]] = Some(node.observed);
                }
            }
        }
        let observed = kinds.iter().zip(measured).filter(|(kind, _)| !kind.is_potential);
        let observed: Vec<&OfKind> = observed.map(|(_, own)| own).collect();
        // One bit a kind.
        if (2..=64).contains(&observed.len()) {
            let shares: Vec<Option<f64>> =
                (0..standing.units.len()).into_par_iter().map(|local| tied_twice(&observed, local)).collect();
            standing.units.iter().zip(shares).for_each(|(&unit, share)| self.multiplexity[unit] = share);
        }
    }

    fn columns(self, kinds: &[Kind<'_>]) -> Vec<Column> {
        let mut columns = Vec::new();
        for ((kind, figures), anchors) in kinds.iter().zip(&self.figures).zip(&self.anchors) {
            for (at, name) in FIGURES.iter().enumerate() {
                let values: Vec<Option<f64>> = figures.iter().map(|found| found.numbers[at]).collect();
                columns.push(Column::new(names::of_kind(name, &kind.name).into(), values));
            }
            columns.push(Column::new(names::of_kind(ANCHOR, &kind.name).into(), anchors));
        }
        if kinds.iter().filter(|kind| !kind.is_potential).count() > 1 {
            columns.push(Column::new(MULTIPLEXITY.into(), self.multiplexity));
        }
        columns
    }
}

fn node(at: u32, standing: &Standing, facilities: &Facilities, observed: bool) -> Vertex {
    let [operator, sector] = standing.names[at as usize];
    Vertex { operator, sector, emissions_t: facilities.emissions_t.get(standing.rows[at as usize]), observed }
}

/// The share of tied pairs of a unit that are tied in two kinds or more; `None` where nobody is tied.
fn tied_twice(kinds: &[&OfKind], local: usize) -> Option<f64> {
    let sets: Vec<_> = kinds.iter().map(|own| &own.counted.sets[local]).collect();
    if let Some(plain) = sets.iter().map(|set| set.plain_pairs()).collect::<Option<Vec<_>>>() {
        // Each kind has each pair once: those that come again are tied twice.
        let mut pairs: Vec<[u32; 2]> = plain.into_iter().flatten().collect();
        pairs.par_sort_unstable();
        let (mut tied, mut twice) = (0_u64, 0_u64);
        for same in pairs.chunk_by(|a, b| a == b) {
            tied += 1;
            twice += u64::from(same.len() > 1);
        }
        return (tied > 0).then(|| twice as f64 / tied as f64);
    }
    let mut nodes = kinds[0].nodes[local].clone();
    for own in &kinds[1..] {
        nodes.iter_mut().zip(&own.nodes[local]).for_each(|(node, other)| node.observed |= other.observed);
    }
    let classes = Classes::new(&nodes, &sets);
    let tied = classes.ties_of(1);
    (tied > 0).then(|| classes.ties_of(2) as f64 / tied as f64)
}

fn whole(
    kind: &Kind<'_>,
    period: Option<i64>,
    own: &OfKind,
    standing: &Standing,
    facilities: &Facilities,
) -> Result<WholeNetwork> {
    let mut inner = vec![0.0; own.counted.outer.len()];
    own.figures.iter().zip(&mut inner).for_each(|(figures, inner)| *inner = figures.inner_strength);
    let outward = own.counted.outer.iter().sum::<f64>() / 2.0;
    let within: f64 = inner.iter().sum();
    let strength = outward + within;
    let part = |(inner, outer): (&f64, &f64)| inner / strength - ((2.0 * inner + outer) / (2.0 * strength)).powi(2);
    let some = strength > 0.0;
    let found = communities(&own.counted, standing, facilities)?;
    let clustered = found.of_node.as_ref().map(|of_node| {
        let both =
            found.nodes.iter().zip(of_node).map(|(&node, &community)| (standing.place[node as usize], community));
        both.filter(|(place, _)| standing.is_unit(*place)).collect::<Vec<_>>()
    });
    let count = |of_node: &Vec<u32>| of_node.iter().collect::<HashSet<_>>().len() as u64;
    Ok(WholeNetwork {
        kind: kind.name.clone(),
        period,
        tied: found.nodes.len() as u64,
        strength,
        ei_index: some.then(|| (outward - within) / strength),
        modularity: some.then(|| inner.iter().zip(&own.counted.outer).map(part).sum()),
        communities: found.of_node.as_ref().filter(|_| some).map(count),
        adjusted_rand: clustered.and_then(|labels| adjusted_rand(&labels)),
        left_out: found.left_out,
        is_rough: found.is_rough,
    })
}

/// The register's rows that some source of a kind declares observed.
fn declared_observed(sources: &[&TieTable], (facilities, frame): (&Facilities, &DataFrame)) -> Result<Vec<bool>> {
    let height = frame.height();
    let mut observed = vec![false; height];
    for source in sources {
        // Of a facility without a sector nothing is known by sectors.
        let complete = |row: usize| source.between != Between::Sector || facilities.sector.get(row).is_some();
        let mask: Vec<bool> = match &source.observed {
            None => (0..height).map(complete).collect(),
            Some(predicate) => {
                let mask = predicate.mask(frame, &|row| named(frame, row)).map_err(|failure| {
                    let hint = "write it so that it holds for every row";
                    Error::pipeline(failure.at(format!("{}.observed", source.place()), hint))
                })?;
                mask.into_iter().map(|mask| mask == Some(true)).collect()
            }
        };
        observed.iter_mut().zip(mask).for_each(|(observed, mask)| *observed |= mask);
    }
    Ok(observed)
}
