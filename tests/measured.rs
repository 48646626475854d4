//! What a draw needs of `measure` is what a whole run measures, and registers with other emissions or places are registers.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::fs;

use forerunner::delineate::{self, Clusters, Geography};
use forerunner::measure::{self, Measured, Wanted};
use forerunner::pipeline::Pipeline;
use forerunner::validate::{self, Facilities, Scope, Tables};

const CASE: &str = "tests/cases/worked_example/pipeline.toml";

/// The worked example with an indicator over neighbours and one over links.
fn pipeline() -> Pipeline {
    let folder = tempfile::tempdir().unwrap();
    let case = fs::canonicalize(CASE).unwrap();
    let more = "[[indicators]]\nid = 'neighbours'\nparent = 'locational_advantage'\nexpr = 'AVG(local_moran)'\nworst = -1\nbest = 1\n\
                [[indicators]]\nid = 'rows'\nparent = 'locational_advantage'\nover = 'links'\nexpr = 'COUNT(*)'\nworst = 0\nbest = 9\n";
    let path = folder.path().join("p.toml");
    fs::write(&path, format!("name = 'p'\nextends = '{}'\n{more}", case.display())).unwrap();
    Pipeline::load(&path, &[]).unwrap()
}

fn tables(pipeline: &Pipeline) -> Tables {
    validate::validate(&pipeline.sources(), Scope { hold: None, profile: false }).unwrap().0
}

fn clusters(pipeline: &Pipeline, tables: &Tables) -> Clusters {
    let geography = Geography { boundaries: &tables.boundaries, places: &tables.places };
    let settings = pipeline.file.delineate.as_ref().unwrap();
    delineate::delineate(tables.facilities.as_ref().unwrap(), geography, settings, None, None).unwrap().0
}

fn measured(pipeline: &Pipeline, tables: &Tables, wanted: Wanted) -> Measured {
    let file = &pipeline.file;
    let (checked, _) = measure::check(&file.indicators, &pipeline.inherited, &file.dispersed, tables).unwrap();
    let indexes = measure::Indexes::new(&tables.layers, tables.facilities.as_ref());
    measure::measure((&file.indicators, &checked), (tables, &indexes), clusters(pipeline, tables), wanted).unwrap()
}

#[test]
fn scores_alone_rest_on_the_same_values() {
    let pipeline = pipeline();
    let tables = tables(&pipeline);
    let [scores, details] = [Wanted::Scores, Wanted::Details].map(|wanted| measured(&pipeline, &tables, wanted));
    assert_eq!(scores.measurements.indicators, details.measurements.indicators);
    assert_eq!(scores.measurements.times, details.measurements.times);
    let (some, all) = (&scores.measurements.figures, &details.measurements.figures);
    assert!(some.width() < all.width(), "what no score rests on is left out");
    assert!(some.columns().iter().all(|figure| figure.equals_missing(all.column(figure.name()).unwrap())));
    assert!(scores.findings.findings.iter().all(|finding| details.findings.findings.contains(finding)));
    let [last, before] = [1, 2].map(|back| &details.measurements.indicators[pipeline.file.indicators.len() - back]);
    assert!(last.iter().chain(before).any(|one| one.value.is_some_and(|value| value != 0.0)), "they are measured");
    assert!(scores.details.facilities.is_none() && scores.details.networks.traces.is_empty());
    assert!(details.details.facilities.is_some() && !details.details.networks.traces.is_empty());
}

/// The same tables with another register.
fn with(tables: &mut Tables, change: impl FnOnce(Facilities) -> Facilities) {
    tables.facilities = tables.facilities.take().map(change);
}

#[test]
fn other_emissions_and_places_are_seen_by_every_figure() {
    let pipeline = pipeline();
    let mut tables = tables(&pipeline);
    let plain = measured(&pipeline, &tables, Wanted::Details).measurements;
    let tonnes: Vec<Option<f64>> = tables.facilities.as_ref().unwrap().emissions_t.iter().collect();
    let places = tables.facilities.as_ref().unwrap().places.clone();
    with(&mut tables, |register| register.with_emissions(&tonnes).unwrap().with_places(places.clone()).unwrap());
    let same = measured(&pipeline, &tables, Wanted::Details).measurements;
    assert!(same.figures.equals_missing(&plain.figures), "their own emissions and places change nothing");

    let doubled: Vec<Option<f64>> = tonnes.iter().map(|tonnes| tonnes.map(|tonnes| tonnes * 2.0)).collect();
    with(&mut tables, |register| register.with_emissions(&doubled).unwrap());
    let twice = measured(&pipeline, &tables, Wanted::Scores).measurements;
    let [once, twice] = [&plain, &twice].map(|measured| measured.figure("emissions_t"));
    assert!(once.len() > 3 && once.iter().zip(&twice).all(|(once, twice)| once.map(|once| once * 2.0) == *twice));

    // A fifth of a degree east: hulls move, and stay as they are among themselves, for the cosine of the latitude is the same.
    let moved = places.iter().map(|place| place.map(|(lon, lat)| (lon + 0.2, lat))).collect();
    with(&mut tables, |register| register.with_places(moved).unwrap());
    let east = measured(&pipeline, &tables, Wanted::Details).measurements;
    let pairs = |name: &str| plain.figure(name).into_iter().zip(east.figure(name)).collect::<Vec<_>>();
    assert!(pairs("lon").iter().all(|(a, b)| (b.unwrap() - a.unwrap() - 0.2).abs() < 1e-9));
    assert!(pairs("mst_km").iter().all(|(a, b)| (b.unwrap() - a.unwrap()).abs() < 1e-6 * a.unwrap()));
    let register = tables.facilities.unwrap();
    assert!(register.clone().with_emissions(&doubled[1..]).is_err() && register.with_places(Vec::new()).is_err());
}
