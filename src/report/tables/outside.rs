//! Tables of what is not in clusters: dispersed sites and place-based initiatives.

use polars::prelude::{Column, DataType};

use super::places::point;
use super::{OutputTable, Written, column, frame};
use crate::classify::initiatives::{self, Assignment, Matched};
use crate::delineate::Home;
use crate::delineate::trials::{Gathered, Trial};
use crate::error::{Error, Result};
use crate::measure::DispersedSite;
use crate::names::{self, EMISSIONS, OfLayer};
use crate::report::Results;
use crate::validate::ATTRIBUTES;

/// The tables that the run has rows for.
pub(super) fn all(results: &Results<'_>) -> Result<Vec<OutputTable<'static>>> {
    let mut tables = Vec::new();
    if results.facilities().is_some() {
        tables.extend([dispersed(results)?, dispersed_sums(results)?, dispersed_groups(results)?]);
    }
    if !results.rating.initiatives.is_empty() {
        tables.push(initiatives(results)?);
    }
    Ok(tables)
}

/// One row a dispersed site and period, greatest emissions first.
fn dispersed(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let fail = || Error::table("building the dispersed sites");
    let sites = &results.details.dispersed.sites;
    let Some(table) = &results.details.facilities else {
        return OutputTable::new(results, "dispersed", Written::Csv, frame(vec![])?);
    };
    let rows: Vec<u32> = sites.iter().map(|site| site.row as u32).collect();
    let rows = polars::prelude::IdxCa::from_vec("".into(), rows);
    let own = |name: &str, renamed: &str| -> Result<Column> {
        let taken = table.column(name).and_then(|column| column.as_materialized_series().take(&rows));
        Ok(Column::from(taken.map_err(fail())?).with_name(renamed.into()))
    };
    let mut columns = vec![own("year", "period")?, own("id", "facility_id")?];
    columns.push(column("rank", sites.iter().map(|site| site.rank).collect::<Vec<u64>>()));
    for name in ["name", "operator", "sector"] {
        columns.push(own(name, name)?);
    }
    for name in results.details.dispersed.by.iter().filter(|name| *name != "sector" && *name != "operator") {
        columns.push(own(name, name)?.cast(&DataType::String).map_err(fail())?);
    }
    columns.push(own(EMISSIONS, EMISSIONS)?);
    columns.push(column("share", sites.iter().map(|site| site.share).collect::<Vec<_>>()));
    columns.push(own("lon", "lon")?);
    columns.push(own("lat", "lat")?);
    let clusters = &results.measured.clusters;
    let nearest = |site: &DispersedSite, of: &[String]| site.nearest.map(|(cluster, _)| of[cluster].clone());
    columns.push(column("km_to_cluster", sites.iter().map(|site| site.nearest.map(|near| near.1)).collect::<Vec<_>>()));
    for (name, of) in [("nearest_cluster_id", &clusters.ids), ("nearest_cluster_name", &clusters.names)] {
        columns.push(column(name, sites.iter().map(|site| nearest(site, of)).collect::<Vec<_>>()));
    }
    // A layer called `cluster`, or a register that brings such a column, gives way.
    let of_layer = |name: &&polars::prelude::PlSmallStr| {
        let is_of_layer = matches!(names::of_some_layer(name), Some(OfLayer::Distance | OfLayer::Mark));
        is_of_layer && *name != "km_to_cluster"
    };
    for name in table.get_column_names().into_iter().filter(of_layer) {
        columns.push(own(name, name)?);
    }
    columns.push(column("strategic", sites.iter().map(|site| site.strategic).collect::<Vec<_>>()));
    columns.push(column("would_group", sites.iter().map(|site| would_group(results, site)).collect::<Vec<_>>()));
    let table = OutputTable::new(results, "dispersed", Written::Csv, frame(columns)?)?;
    let register = results.facilities();
    let point = |site: &DispersedSite| register.and_then(|register| point(register, register.facility[site.row]));
    Ok(table.with_geometry(sites.iter().map(point).collect()))
}

/// "radius_km = 20: c-7702", one for each wider rule that takes the site in.
fn would_group(results: &Results<'_>, site: &DispersedSite) -> Option<String> {
    let clusters = &results.measured.clusters.ids;
    let group = |&(trial, group): &(usize, usize)| {
        let (trial, gathered) =
            (&results.details.dispersed.trials[trial], &results.details.dispersed.trials[trial].groups[group]);
        let with = gathered.joins.map_or(&gathered.id, |cluster| &clusters[cluster]);
        format!("{}: {with}", rule(trial))
    };
    let groups: Vec<String> = site.groups.iter().map(group).collect();
    (!groups.is_empty()).then(|| groups.join("; "))
}

/// The rule of a trial, as the pipeline file would have it.
pub fn rule(trial: &Trial) -> String {
    let radius = trial.radius_km.map(|radius| format!("radius_km = {radius}"));
    let least = trial.min_facilities.map(|least| format!("min_facilities = {least}"));
    let emissions = trial.min_emissions_t.map(|tonnes| format!("min_emissions_t = {tonnes}"));
    radius.into_iter().chain(least).chain(emissions).collect::<Vec<_>>().join(", ")
}

/// One row a period, column and value.
fn dispersed_sums(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.details.dispersed.sums;
    let of = |part: Option<f64>, whole: f64| part.filter(|_| whole > 0.0).map(|part| part / whole);
    let frame = frame(vec![
        column("period", rows.iter().map(|row| row.period).collect::<Vec<_>>()),
        column("by", rows.iter().map(|row| row.by.as_deref()).collect::<Vec<_>>()),
        column("value", rows.iter().map(|row| row.value.as_deref()).collect::<Vec<_>>()),
        column("facility_count", rows.iter().map(|row| row.facilities).collect::<Vec<u64>>()),
        column(EMISSIONS, rows.iter().map(|row| row.emissions_t).collect::<Vec<_>>()),
        column("share", rows.iter().map(|row| of(row.emissions_t, row.of_dispersed_t)).collect::<Vec<_>>()),
        column("dispersed_share", rows.iter().map(|row| of(row.emissions_t, row.of_all_t)).collect::<Vec<_>>()),
        column("strategic_count", rows.iter().map(|row| row.strategic).collect::<Vec<u64>>()),
    ])?;
    OutputTable::new(results, "dispersed_sums", Written::Csv, frame)
}

/// One row a wider rule and group of dispersed sites that it would gather.
fn dispersed_groups(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let trials = &results.details.dispersed.trials;
    let rows: Vec<(&Trial, &Gathered)> =
        trials.iter().flat_map(|trial| trial.groups.iter().map(move |group| (trial, group))).collect();
    let latest = results.latest();
    let tonnes = |group: &Gathered| -> Option<f64> {
        let register = results.facilities()?;
        let of = |&member: &usize| {
            let first = register.facility.partition_point(|facility| *facility < member);
            let own = (first..register.rows()).take_while(move |&row| register.facility[row] == member);
            own.filter(move |&row| register.period.get(row) == latest).filter_map(|row| register.emissions_t.get(row))
        };
        group.members.iter().flat_map(of).fold(None, |sum, tonnes| Some(sum.unwrap_or(0.0) + tonnes))
    };
    let ids = |group: &Gathered| {
        let ids = group
            .members
            .iter()
            .filter_map(|&member| results.facilities().map(|register| register.ids[member].to_owned()));
        ids.collect::<Vec<_>>().join("; ")
    };
    let clusters = &results.measured.clusters.ids;
    let joins = |group: &Gathered| group.joins.map(|cluster| clusters[cluster].as_str());
    let frame = frame(vec![
        column("wider", rows.iter().map(|row| rule(row.0)).collect::<Vec<_>>()),
        column("group_id", rows.iter().map(|row| row.1.id.as_str()).collect::<Vec<&str>>()),
        column("group_name", rows.iter().map(|row| row.1.name.as_str()).collect::<Vec<&str>>()),
        column("joins_cluster_id", rows.iter().map(|row| joins(row.1)).collect::<Vec<_>>()),
        column("facility_count", rows.iter().map(|row| row.1.members.len() as u64).collect::<Vec<u64>>()),
        column(EMISSIONS, rows.iter().map(|row| tonnes(row.1)).collect::<Vec<_>>()),
        column("facility_ids", rows.iter().map(|row| ids(row.1)).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "dispersed_groups", Written::Csv, frame)
}

/// One row an initiative.
fn initiatives(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let types = initiatives::types()?;
    let rows = &results.rating.initiatives;
    let id = |at: usize| types[at].id.as_str();
    let list = |names: &[&str]| Some(names.join(", ")).filter(|names| !names.is_empty());
    let ids = |of: &Matched| {
        Some(of.types.iter().map(|&at| id(at)).collect::<Vec<_>>().join("|")).filter(|ids| !ids.is_empty())
    };
    let runners = |of: &Matched| {
        let each = of.runners_up.iter().map(|(at, agree)| format!("{} ({agree})", id(*at)));
        Some(each.collect::<Vec<_>>().join(", ")).filter(|list| !list.is_empty())
    };
    let excluded = |of: &Matched| {
        let each = of.excluded.iter().map(|(at, by)| format!("{} by {}", id(*at), by.join(", ")));
        Some(each.collect::<Vec<_>>().join("; ")).filter(|list| !list.is_empty())
    };
    let clusters = &results.measured.clusters;
    let of_home = |home: &Option<Home>, of: &[String]| home.as_ref().map(|home| of[home.cluster].clone());
    let cluster_type = |home: &Option<Home>| {
        let cluster = home.as_ref()?.cluster;
        let unit = results.measured.units.iter().rposition(|unit| unit.cluster == cluster)?;
        Some(results.rating.classes[unit].of_type(results.about.typology)?.number)
    };
    let mut columns = vec![
        column("initiative", rows.iter().map(|row| row.initiative.name.as_str()).collect::<Vec<&str>>()),
        column("country", rows.iter().map(|row| row.initiative.country.as_deref()).collect::<Vec<_>>()),
    ];
    let attribute = |row: &Assignment, at: usize| row.initiative.attributes[at].clone();
    for (at, (name, _)) in ATTRIBUTES.iter().enumerate() {
        columns.push(column(name, rows.iter().map(|row| attribute(row, at)).collect::<Vec<_>>()));
    }
    columns.extend([
        column("types", rows.iter().map(|row| ids(&row.matched)).collect::<Vec<_>>()),
        column("agree", rows.iter().map(|row| list(&row.matched.agree)).collect::<Vec<_>>()),
        column("decided_by", rows.iter().map(|row| list(&row.matched.decided_by)).collect::<Vec<_>>()),
        column("missing", rows.iter().map(|row| list(&row.matched.missing)).collect::<Vec<_>>()),
        column("runners_up", rows.iter().map(|row| runners(&row.matched)).collect::<Vec<_>>()),
        column("excluded", rows.iter().map(|row| excluded(&row.matched)).collect::<Vec<_>>()),
        column("cluster_id", rows.iter().map(|row| of_home(&row.home, &clusters.ids)).collect::<Vec<_>>()),
        column("cluster_name", rows.iter().map(|row| of_home(&row.home, &clusters.names)).collect::<Vec<_>>()),
        column("cluster_type", rows.iter().map(|row| cluster_type(&row.home)).collect::<Vec<_>>()),
        column("found_by", rows.iter().map(|row| row.home.as_ref().map(|home| home.by)).collect::<Vec<_>>()),
        column("km", rows.iter().map(|row| row.home.as_ref().and_then(|home| home.km)).collect::<Vec<_>>()),
        column("file", rows.iter().map(|row| &*row.initiative.file).collect::<Vec<&str>>()),
        column("line", rows.iter().map(|row| row.initiative.line).collect::<Vec<u64>>()),
    ]);
    OutputTable::new(results, "initiatives", Written::Csv, frame(columns)?)
}
