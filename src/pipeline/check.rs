//! Cross-checks of a pipeline file: everything that its types cannot see, all of it at once.

use super::check_score::check_score;
use super::settings::PipelineFile;
use crate::backtest::BacktestSettings;
use crate::delineate::settings::NameBy;
use crate::delineate::{Delineation, Method};
use crate::error::{Problem, suggest};
use crate::names::{EMISSIONS, WEIGHT};
use crate::report::shapes::ClusterShape;
use crate::score::Dimension;
use crate::sources::settings::Columns;
use crate::sources::{self, ColumnSpec, Reading};
use crate::sql::Expression;
use crate::uncertainty::check::Known;
use crate::validate::check_column;
use crate::validate::gases::GwpSet;
use crate::validate::settings::{
    Between, Combine, Contract, FacilitySource, FigureShape, FigureSource, Keep, LayerSource, LinkSource,
    MembershipSource, OutcomeSource,
};

/// Everything that the types cannot see.
pub fn check(file: &PipelineFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    let name = &file.name;
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        problems.push(Problem::new("name", format!("`{name}` cannot name a folder"), "use letters, digits and dashes"));
    }
    if file.dimensions.is_empty() && !is_of_initiatives(file) {
        problems.push(Problem::new(
            "dimensions",
            "there is no dimension",
            "add [[dimensions]], or extend a pipeline that has them",
        ));
    }
    problems.extend(file.dimensions.iter().flat_map(check_dimension));
    problems.extend(check_score(file));
    if !(0.0..=1.0).contains(&file.classify.coverage_floor) {
        problems.push(Problem::new("classify.coverage_floor", "the coverage floor is a share from 0 to 1", ""));
    }
    if !(0.0..=100.0).contains(&file.classify.warning_points) {
        problems.push(Problem::new("classify.warning_points", "a distance in score points, from 0 to 100", ""));
    }
    for radius in file.dispersed.radius_km.iter().filter(|radius| !(**radius > 0.0 && **radius < 10_000.0)) {
        let message = format!("{radius}: the radius must be above 0 and below 10,000 km");
        problems.push(Problem::new("dispersed.radius_km", message, ""));
    }
    if file.dispersed.min_facilities.iter().any(|least| *least < 2) {
        problems.push(Problem::new("dispersed.min_facilities", "must be 2 or more: one site is no group", ""));
    }
    problems.extend(check_shape(file.outputs.cluster_shape));
    problems.extend(check_backtest(file));
    problems.extend(check_uncertainty(file));
    problems.extend(crate::expect::check(&file.expect, &file.tables()));
    if let Some(typology) = &file.typology {
        problems.extend(typology.check(&file.dimensions));
    }
    for indicator in &file.indicators {
        problems.extend(Expression::parse(&indicator.expr, &format!("indicators.{}.expr", indicator.id)).err());
    }
    match &file.facilities {
        Some(source) => {
            problems.extend(check_register(source, file.delineate.as_ref()));
            problems.extend(check_geography(file));
        }
        None => problems.extend(check_without_register(file)),
    }
    problems.extend(check_sources(file));
    problems
}

fn check_shape(shape: ClusterShape) -> Option<Problem> {
    let message = match shape {
        ClusterShape::BufferKm(km) if !(km > 0.0 && km <= 500.0) => {
            format!("buffer_km = {km}: must be above 0, and 500 km at most")
        }
        ClusterShape::ConcaveHull(concavity) if !(concavity > 0.0 && concavity.is_finite()) => {
            format!("concave_hull = {concavity}: must be above 0; 2 is common, more is closer to the convex hull")
        }
        _ => return None,
    };
    Some(Problem::new("outputs.cluster_shape", message, ""))
}

/// Whether initiatives are all that there is.
fn is_of_initiatives(file: &PipelineFile) -> bool {
    file.initiatives.is_some() && file.facilities.is_none() && file.figures.is_empty()
}

fn check_dimension(dimension: &Dimension) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |key: &str, message: String, hint: &str| {
        problems.push(Problem::new(format!("dimensions.{}.{key}", dimension.id), message, hint));
    };
    let thresholds = &dimension.threshold.0;
    let gap = thresholds.windows(2).map(|pair| pair[1] - pair[0]).fold(100.0, f64::min);
    if gap <= 0.0 {
        refuse("threshold", "of two thresholds the second must be above the first".into(), "");
    }
    if let Some(width) = dimension.fuzzy_width.filter(|width| !(*width > 0.0 && *width <= gap)) {
        let message = format!("{width} is no width in score points");
        refuse("fuzzy_width", message, "above 0, and not above the distance of two thresholds");
    }
    problems
}

fn check_register(source: &FacilitySource, delineate: Option<&Delineation>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let has = |column: &str| source.columns.contains_key(column);
    let brings_places = |path: &String| {
        let of_geometries = ["json", "ndjson", "parquet", "gpkg", "shp", "fgb", "kml", "kmz", "zip"];
        of_geometries.iter().any(|end| path.to_ascii_lowercase().contains(end))
    };
    let placed = has("x") && has("y") || has("geometry") || source.path.0.iter().any(brings_places);
    problems.extend(check_precision("facilities", source.precision_km));
    let mut refuse = |place: &str, message: &str, hint: &str| problems.push(Problem::new(place, message, hint));
    if !has("id") {
        refuse("facilities.columns", "`id` is not mapped", "add id = \"COLUMN\"");
    }
    if source.weight != EMISSIONS && !has(&source.weight) {
        let hint = suggest(&source.weight, source.columns.keys().map(String::as_str));
        refuse("facilities.weight", &format!("no mapped column is called `{}`", source.weight), &hint);
    }
    if has(WEIGHT) && source.weight != WEIGHT {
        let message = "`weight` is what the facilities are weighted by in SQL";
        refuse("facilities.columns.weight", message, "say weight = \"weight\" in [facilities], or choose another name");
    }
    match delineate.map(|delineate| delineate.method) {
        None => refuse("delineate", "there is no [delineate]", "say how clusters are found"),
        Some(method) if method != Method::Label && !placed => {
            let hint = format!("method = \"{}\" needs columns `x` and `y`, or `geometry`", method.as_str());
            refuse("facilities.columns", "no coordinates are mapped", &hint);
        }
        Some(Method::Label) if !has("label") => {
            refuse("facilities.columns", "`label` is not mapped", "method = \"label\" needs a column `label`");
        }
        Some(_) => {}
    }
    for column in source.columns.keys() {
        let reserved = ["facility_id", "period", "cluster_id", "type", "lon", "lat", "operator_as_given"]
            .contains(&column.as_str());
        if reserved || column.starts_with("__") {
            let message = format!("`{column}` is a name that the outputs need");
            refuse(&format!("facilities.columns.{column}"), &message, "choose another name");
        }
    }
    for (column, rule) in &source.contract.columns {
        if rule.references.is_some() {
            let place = format!("facilities.contract.{column}");
            problems.push(Problem::new(place, "the register cannot refer to itself", "refer to it from other sources"));
        }
    }
    problems.extend(delineate.map(Delineation::check).unwrap_or_default());
    problems
}

/// What [delineate] needs beside the register.
fn check_geography(file: &PipelineFile) -> Vec<Problem> {
    let Some(delineate) = &file.delineate else { return Vec::new() };
    let mut problems = Vec::new();
    let mut refuse = |place: &str, message: &str, hint: &str| problems.push(Problem::new(place, message, hint));
    if delineate.method == Method::Boundary && file.boundaries.is_none() {
        refuse("delineate.method", "`boundary` needs polygons", "add [boundaries] with a path");
    }
    match delineate.name_by {
        Some(NameBy::Place) if file.places.is_none() => {
            refuse("delineate.name_by", "`place` needs towns", "add [places] with a path");
        }
        Some(NameBy::Region) if file.boundaries.is_none() => {
            refuse("delineate.name_by", "`region` needs polygons", "add [boundaries] with a path");
        }
        _ => {}
    }
    problems
}

fn check_without_register(file: &PipelineFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, given) in [
        ("delineate", file.delineate.is_some()),
        ("layers", !file.layers.is_empty()),
        ("links", !file.links.is_empty()),
        ("memberships", !file.memberships.is_empty()),
        ("operators", file.operators.is_some()),
        ("boundaries", file.boundaries.is_some()),
        ("places", file.places.is_some()),
        ("scenario", file.scenario.is_some()),
    ] {
        if given {
            problems.push(Problem::new(key, format!("`{key}` needs facilities"), "add [facilities]"));
        }
    }
    if file.figures.is_empty() && file.initiatives.is_none() {
        problems.push(Problem::new("facilities", "there is nothing to read", "add [facilities] or [figures.NAME]"));
    }
    problems
}

/// The contract and the columns of every source, by its place in the file.
fn contracts(file: &PipelineFile) -> Vec<(String, &Contract, &Columns)> {
    let mut all = Vec::new();
    all.extend(file.facilities.iter().map(|source| ("facilities".to_owned(), &source.contract, &source.columns)));
    let aliases = file.operators.as_ref().and_then(|operators| operators.aliases.as_ref());
    all.extend(aliases.map(|source| ("operators.aliases".to_owned(), &source.contract, &source.columns)));
    for (place, source) in [("boundaries", &file.boundaries), ("places", &file.places)] {
        all.extend(source.iter().map(|source| (place.to_owned(), &source.contract, &source.columns)));
    }
    all.extend(file.initiatives.iter().map(|source| ("initiatives".to_owned(), &source.contract, &source.columns)));
    all.extend(file.layers.iter().map(|(name, source)| (format!("layers.{name}"), &source.contract, &source.columns)));
    all.extend(file.links.iter().map(|(name, source)| (format!("links.{name}"), &source.contract, &source.columns)));
    let memberships = file.memberships.iter();
    all.extend(memberships.map(|(name, source)| (format!("memberships.{name}"), &source.contract, &source.columns)));
    all.extend(
        file.figures.iter().map(|(name, source)| (format!("figures.{name}"), &source.contract, &source.columns)),
    );
    let outcomes = file.outcomes.iter();
    all.extend(outcomes.map(|(name, source)| (format!("outcomes.{name}"), &source.contract, &source.columns)));
    let corrections = file.facilities.iter().filter_map(|source| source.corrections.as_ref());
    all.extend(corrections.map(|source| ("facilities.corrections".to_owned(), &source.contract, &source.columns)));
    let perimeters = file.memberships.iter().filter_map(|(name, source)| Some((name, source.perimeters.as_ref()?)));
    let place = |name: &str| format!("memberships.{name}.perimeters");
    all.extend(perimeters.map(|(name, source)| (place(name), &source.contract, &source.columns)));
    all
}

fn check_sources(file: &PipelineFile) -> Vec<Problem> {
    let of_contract =
        |(place, contract, columns): (String, &Contract, &Columns)| check_contract(&place, contract, columns);
    let mut problems: Vec<Problem> = contracts(file).into_iter().flat_map(of_contract).collect();
    if let Some(source) = &file.facilities {
        problems.extend(check_source("facilities", &source.columns, &source.reading(), &[], source.gwp));
    }
    let has_years = file.facilities.as_ref().is_some_and(has_years);
    problems.extend(file.layers.iter().flat_map(|(name, source)| check_layer(name, source, has_years)));
    if let Some(source) = file.facilities.as_ref().and_then(|source| source.corrections.as_ref()) {
        problems.extend(check_source("facilities.corrections", &source.columns, &source.reading(), &[], None));
    }
    problems.extend(file.outcomes.iter().flat_map(|(name, source)| check_outcome(name, source, file)));
    if let Some(source) = file.operators.as_ref().and_then(|operators| operators.aliases.as_ref()) {
        problems.extend(check_source("operators.aliases", &source.columns, &source.reading(), &[], None));
    }
    for (place, source) in [("boundaries", &file.boundaries), ("places", &file.places)] {
        if let Some(source) = source {
            problems.extend(check_source(place, &source.columns, &source.reading(), &[], None));
        }
    }
    if let Some(source) = &file.initiatives {
        problems.extend(check_source("initiatives", &source.columns, &source.reading(), &[], None));
        if !(source.within_km >= 0.0 && source.within_km.is_finite()) {
            let message = format!("{} is no distance", source.within_km);
            problems.push(Problem::new("initiatives.within_km", message, ""));
        }
    }
    for (name, source) in &file.links {
        problems.extend(check_source(
            &format!("links.{name}"),
            &source.columns,
            &source.reading(),
            &["from", "to"],
            None,
        ));
    }
    problems.extend(file.links.iter().flat_map(|(name, source)| {
        let of_rows = source.columns.contains_key("kind");
        check_kind(&format!("links.{name}"), source.kind.as_deref(), of_rows, source.between == Between::Sector)
    }));
    problems.extend(file.memberships.iter().flat_map(|(name, source)| check_memberships(name, source, file)));
    problems.extend(check_potential(file));
    let has_register = file.facilities.is_some();
    problems.extend(file.figures.iter().flat_map(|(name, source)| check_figures(name, source, has_register)));
    problems
}

fn check_figures(name: &str, source: &FigureSource, has_register: bool) -> Vec<Problem> {
    let place = format!("figures.{name}");
    let made = !source.aggregate.is_empty();
    let needed: &[&str] = if source.shape == FigureShape::Long && !made { &["figure", "value"] } else { &[] };
    let mut problems = check_source(&place, &source.columns, &source.reading(), needed, None);
    let idle = ["period", "figure", "value"].into_iter().filter(|column| made && source.columns.contains_key(*column));
    problems.extend(idle.map(|column| {
        let message = format!("`{column}` says nothing where `aggregate` makes the figures");
        let hint = "map years as `from_year` and `to_year`, and other columns by names of their own";
        Problem::new(format!("{place}.columns.{column}"), message, hint)
    }));
    if !source.separator.is_empty() && !source.columns.contains_key("facility") {
        let message = "`separator` belongs to cells with several facilities";
        problems.push(Problem::new(format!("{place}.separator"), message, "take it out"));
    }
    if made && !has_register {
        let message = "without a register there is no period to count rows in";
        problems.push(Problem::new(
            format!("{place}.aggregate"),
            message,
            "give the figures themselves: figure, value, period",
        ));
    }
    if made && source.shape == FigureShape::Wide {
        let message = "`aggregate` makes figures of rows: there is no other shape";
        problems.push(Problem::new(format!("{place}.shape"), message, "take it out"));
    }
    problems
}

/// Ties are of one kind, which the pipeline file says, or of several, which a column does. Where the file says it, a column of
/// that name is one like any other: there to filter by.
fn check_kind(place: &str, kind: Option<&str>, of_rows: bool, is_potential: bool) -> Option<Problem> {
    let place = format!("{place}.kind");
    match (kind, of_rows) {
        (None, false) => {
            let hint = "add kind = \"...\", or map a column `kind`";
            Some(Problem::new(place, "`kind` is missing", hint))
        }
        (None, true) if is_potential => {
            Some(Problem::new(place, "ties between sectors are of one kind", "add kind = \"...\""))
        }
        _ => None,
    }
}

fn check_layer(name: &str, source: &LayerSource, has_years: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let place = format!("layers.{name}");
    problems.extend(check_source(&place, &source.columns, &source.reading(), &[], None));
    if !source.sum.is_empty() && source.within_km.is_empty() {
        let message = "a sum needs a radius: it would do nothing";
        problems.push(Problem::new(format!("{place}.sum"), message, "add within_km = [50], or take it out"));
    }
    for (key, column) in [("begins", &source.begins), ("ends", &source.ends)] {
        if column.is_some() && !has_years {
            let message = "the facilities have no year, so that no feature is known to stand in it";
            let hint = "map `year` under [facilities], or give it as { value = 2022 }";
            problems.push(Problem::new(format!("{place}.{key}"), message, hint));
        }
    }
    problems.extend(check_precision(&place, source.precision_km));
    let keys = source.within_km.iter().map(|radius| ("within_km", radius));
    for (key, radius) in keys.chain(source.reach_km.iter().map(|radius| ("reach_km", radius))) {
        if !(*radius > 0.0 && radius.is_finite()) {
            problems.push(Problem::new(format!("{place}.{key}"), format!("{radius} is no radius"), ""));
        }
    }
    problems
}

/// How outcomes are judged.
fn check_backtest(file: &PipelineFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut tops = file.backtest.top.clone();
    tops.sort_unstable();
    if tops.contains(&0) || tops.windows(2).any(|pair| pair[0] == pair[1]) {
        problems.push(Problem::new("backtest.top", "numbers of clusters, 1 or more, each once", ""));
    }
    if file.outcomes.is_empty() && file.backtest != BacktestSettings::default() {
        problems.push(Problem::new(
            "backtest",
            "there is no outcome to judge by",
            "add [outcomes.NAME], or take it out",
        ));
    }
    problems
}

fn check_uncertainty(file: &PipelineFile) -> Vec<Problem> {
    let Some(settings) = &file.uncertainty else { return Vec::new() };
    let says_precision =
        |source: &LayerSource| source.precision_km.is_some() || source.columns.contains_key(crate::names::PRECISION);
    settings.check(&Known {
        dimensions: &file.dimensions,
        register: file.facilities.as_ref().map(|source| source.columns.keys().map(String::as_str).collect()),
        layers: file.layers.iter().map(|(name, source)| (name.as_str(), says_precision(source))).collect(),
        has_ties: !(file.links.is_empty() && file.memberships.is_empty()),
        has_typology: file.typology.is_some(),
        delineation: file.delineate.as_ref(),
    })
}

/// An outcome is judged by clusters that have a year.
fn check_outcome(name: &str, source: &OutcomeSource, file: &PipelineFile) -> Vec<Problem> {
    let place = format!("outcomes.{name}");
    let mut problems = check_source(&place, &source.columns, &source.reading(), &["year"], None);
    if !(source.within_km > 0.0 && source.within_km.is_finite()) {
        problems.push(Problem::new(format!("{place}.within_km"), format!("{} is no radius", source.within_km), ""));
    }
    let has = |column: &str| source.columns.contains_key(column);
    if has("x") != has("y") {
        let message = "`x` and `y` go together";
        problems.push(Problem::new(format!("{place}.columns"), message, "map the other, or take it out"));
    }
    if file.facilities.is_none() && !has("cluster") {
        let message = "without a register an event belongs to the cluster that it names";
        problems.push(Problem::new(format!("{place}.columns"), message, "map `cluster`"));
    }
    if file.facilities.as_ref().is_some_and(|source| !has_years(source)) {
        let message = "the facilities have no year, so that no event is known to come after them";
        let hint = "map `year` under [facilities], or give it as { value = 2014 }";
        problems.push(Problem::new(place, message, hint));
    }
    problems
}

fn has_years(source: &FacilitySource) -> bool {
    source.columns.contains_key("year") || source.columns.values().flat_map(ColumnSpec::parts).any(|spec| spec.by_year)
}

fn check_precision(place: &str, precision_km: Option<f64>) -> Option<Problem> {
    let wrong = precision_km.filter(|km| !(*km >= 0.0 && km.is_finite()))?;
    Some(Problem::new(format!("{place}.precision_km"), format!("{wrong} is no distance in km"), ""))
}

/// Memberships from files need to be told what they are; inferred ones what they follow from.
fn check_memberships(name: &str, source: &MembershipSource, file: &PipelineFile) -> Vec<Problem> {
    let place = format!("memberships.{name}");
    let mut problems = Vec::new();
    let mut refuse = |key: &str, message: &str, hint: String| {
        problems.push(Problem::new(format!("{place}.{key}"), message, hint));
    };
    if source.between == Some(Between::Sector) {
        refuse("between", "sectors are members of nothing", "facility or operator".into());
    }
    for (key, reason) in idle_keys(source) {
        refuse(key, reason, "take it out".into());
    }
    match (&source.layer, source.owners) {
        (Some(_), true) => refuse("owners", "`layer` and `owners` do not go together", "take one out".into()),
        (Some(layer), false) => {
            if !file.layers.contains_key(layer) {
                let known = file.layers.keys().map(String::as_str);
                refuse("layer", &format!("no layer is called `{layer}`"), suggest(layer, known));
            }
            if !source.within_km.is_some_and(|radius| radius > 0.0 && radius.is_finite()) {
                refuse("within_km", "a layer's features need a reach", "add within_km = 2".into());
            }
        }
        (None, true) if source.path.0.is_empty() => {}
        (None, owners) => {
            if !owners {
                if source.between.is_none() {
                    refuse("between", "`between` is missing", "add between = \"...\"".into());
                }
                let of_rows = source.columns.contains_key("kind");
                problems.extend(check_kind(&place, source.kind.as_deref(), of_rows, false));
            }
            let needed = if owners { ["operator", "parent"] } else { ["member", "organisation"] };
            problems.extend(check_source(&place, &source.columns, &source.reading(), &needed, None));
        }
    }
    problems
}

/// Keys of a source of memberships that would do nothing, and why.
fn idle_keys(source: &MembershipSource) -> Vec<(&'static str, &'static str)> {
    let from_file = source.layer.is_none() && !source.path.0.is_empty();
    let reading = source.reading();
    let nothing = Reading { path: reading.path.clone(), ..Reading::default() };
    let mut idle = Vec::new();
    if !from_file {
        let reason = "what is inferred is read from no file";
        let given = [
            ("columns", !source.columns.is_empty()),
            ("where", !source.filters.is_empty()),
            ("contract", source.contract != Contract::default()),
            ("separator", !source.separator.is_empty()),
            ("organisation_separator", !source.organisation_separator.is_empty()),
            ("perimeters", source.perimeters.is_some()),
            ("path", source.layer.is_some() && !source.path.0.is_empty()),
        ];
        idle.extend(given.into_iter().filter(|(_, given)| *given).map(|(key, _)| (key, reason)));
        if reading != nothing {
            idle.push(("path", "keys that say how a file is read belong to a `path`"));
        }
    }
    if source.owners {
        let reason = "ownership is of no other kind, and has no list";
        let given =
            [("columns.kind", source.columns.contains_key("kind")), ("perimeters", source.perimeters.is_some())];
        idle.extend(given.into_iter().filter(|(_, given)| *given).map(|(key, _)| (key, reason)));
    }
    let inferred = source.layer.is_some() || source.owners;
    if inferred && source.between.is_some_and(|between| between != Between::Facility) {
        idle.push(("between", "what is inferred are memberships of facilities"));
    }
    if source.layer.is_none() && source.within_km.is_some() {
        idle.push(("within_km", "a reach belongs to a `layer`"));
    }
    if source.least_share.is_some() && !(source.owners && from_file) {
        idle.push(("least_share", "a least share belongs to `owners` with a `path`"));
    }
    idle
}

/// Keys of a contract that would do nothing in a source of this kind.
fn check_contract(place: &str, contract: &Contract, columns: &Columns) -> Vec<Problem> {
    let is_register = place == "facilities";
    let mut problems = Vec::new();
    let mut refuse = |key: &str, message: &str, hint: &str| {
        problems.push(Problem::new(format!("{place}.contract.{key}"), message, hint));
    };
    if contract.places.is_some() && !is_register {
        refuse("places", "places are looked at in the register alone", "take it out");
    }
    if contract.max_rejected_tonnes.is_some() && !columns.contains_key(EMISSIONS) {
        refuse("max_rejected_tonnes", "the source has no tonnes", "map `emissions_t`, or take it out");
    }
    // What is the key where the contract names none.
    let has_key = is_register || place.starts_with("figures.") || place == "initiatives" || contract.key.is_some();
    if contract.keep != Keep::First && !has_key {
        refuse("keep", "without a key no two rows are of one", "name the columns that make up a `key`");
    }
    let fixed = ["id", "year", "x", "y", "geometry", "label", "lon", "lat"];
    for (column, rule) in &contract.columns {
        if matches!(rule.keep, Some(Combine::Sum | Combine::Max)) && fixed.contains(&column.as_str()) {
            let message = format!("`{column}` is where or which a facility is, and is no amount");
            refuse(&format!("{column}.keep"), &message, "take it out: the first row's stands");
        }
    }
    if contract.keep != Keep::Sum {
        for (column, _) in contract.columns.iter().filter(|(_, rule)| rule.keep.is_some()) {
            refuse(
                &format!("{column}.keep"),
                "rows are put together by keep = \"sum\" alone",
                "add it, or take this out",
            );
        }
    }
    problems
}

/// Ties between sectors are of a kind of their own: what might be never counts with what is.
fn check_potential(file: &PipelineFile) -> Vec<Problem> {
    let is_potential = |source: &&LinkSource| source.between == Between::Sector;
    let potential = file.links.values().filter(is_potential).filter_map(|source| source.kind.as_deref());
    let potential: Vec<&str> = potential.collect();
    let links = file.links.iter().filter(|(_, source)| source.between != Between::Sector);
    let links = links.filter_map(|(name, source)| Some((format!("links.{name}.kind"), source.kind.as_deref()?)));
    let memberships = file.memberships.iter().map(|(name, source)| (format!("memberships.{name}.kind"), source.kind()));
    let mixed = links.chain(memberships).filter(|(_, kind)| potential.contains(kind));
    let message = |kind: &str| format!("`{kind}` is a kind of potential ties between sectors");
    mixed.map(|(place, kind)| Problem::new(place, message(kind), "give observed ties another kind")).collect()
}

fn check_source(
    place: &str,
    columns: &Columns,
    reading: &Reading,
    needed: &[&str],
    gwp: Option<GwpSet>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse =
        |key: &str, message: String, hint: String| problems.push(Problem::new(format!("{place}.{key}"), message, hint));
    for (key, character) in [("delimiter", reading.delimiter), ("quote", reading.quote)] {
        if character.is_some_and(|character| !character.is_ascii()) {
            refuse(key, "must be one ASCII character".into(), String::new());
        }
    }
    if let Some(label) = reading.encoding.as_deref().filter(|label| !sources::is_encoding(label)) {
        let hint = "write a name such as utf-8, utf-16le, windows-1252, iso-8859-2";
        refuse("encoding", format!("`{label}` is no encoding"), hint.into());
    }
    if reading.thousands.is_some() && reading.thousands == Some(reading.decimal.unwrap_or('.')) {
        let message = "the decimal mark and the separator of thousands are the same".to_owned();
        refuse("thousands", message, "declare `decimal` too".into());
    }
    if reading.path.0.is_empty() {
        refuse("path", "there is no file".into(), "name a file".into());
    }
    for column in needed.iter().filter(|column| !columns.contains_key(**column)) {
        refuse("columns", format!("`{column}` is not mapped"), format!("add {column} = \"COLUMN\""));
    }
    for (column, spec) in columns {
        if spec.column.0.is_empty() && spec.sum.is_empty() && spec.value.is_empty() && spec.compute.is_none() {
            refuse(&format!("columns.{column}"), "there is no column name".into(), "name a column of the file".into());
        }
    }
    let by_year = |spec: &ColumnSpec| spec.parts().any(|part| part.by_year);
    for column in columns.iter().filter(|(_, spec)| by_year(spec)).map(|(column, _)| column) {
        let place = format!("{place}.columns.{column}");
        if !place.starts_with("facilities.") {
            problems.push(Problem::new(&place, "years side by side are read in the register alone", "one row a year"));
        } else if columns.contains_key("year") {
            problems.push(Problem::new(&place, "`by_year` gives the year itself", "take `year` out of the columns"));
        }
    }
    for (column, spec) in columns {
        problems.extend(check_column(column, spec, gwp, &format!("{place}.columns.{column}")));
    }
    problems
}
