//! The whole run, from files to published outputs, on a synthetic national register (seeded; for timing only).
//!
//! `cargo bench` times 100,000 facilities; `FORERUNNER_BENCH_FACILITIES=10000` another number. The files stay in
//! `target/bench-data/`, so that another program can be timed on the same data.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use forerunner::pipeline::{Pipeline, run};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const SECTORS: [&str; 12] = [
    "cement",
    "steel",
    "refining",
    "chemicals",
    "glass",
    "paper",
    "food",
    "ceramics",
    "lime",
    "aluminium",
    "waste",
    "fertiliser",
];
const WEST: f64 = -9.5;
const EAST: f64 = 16.0;
const SOUTH: f64 = 36.0;
const NORTH: f64 = 59.0;

/// Uniform and normal numbers from one seeded stream.
struct Random(ChaCha8Rng);

impl Random {
    fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.uniform(0.0, bound as f64)) as usize
    }

    /// Box and Muller (1958).
    fn normal(&mut self, sigma: f64) -> f64 {
        let radius = (-2.0 * self.uniform(f64::MIN_POSITIVE, 1.0).ln()).sqrt();
        sigma * radius * (std::f64::consts::TAU * self.uniform(0.0, 1.0)).cos()
    }

    fn place(&mut self) -> (f64, f64) {
        (self.uniform(WEST, EAST), self.uniform(SOUTH, NORTH))
    }
}

/// 70 % of the facilities lie around a centre for every 150 of them (sigma 4 km), the rest anywhere.
fn facilities(count: usize, random: &mut Random) -> String {
    let centres: Vec<(f64, f64)> = (0..(count / 150).max(1)).map(|_| random.place()).collect();
    let mut text = String::from("facility_id,facility_name,operator,lon,lat,sector,year,emissions_t\n");
    for facility in 0..count {
        let (mut lon, mut lat) = random.place();
        if random.uniform(0.0, 1.0) > 0.3 {
            let centre = centres[random.below(centres.len())];
            lat = centre.1 + random.normal(4.0 / 111.2);
            lon = centre.0 + random.normal(4.0 / 111.2) / lat.to_radians().cos();
        }
        let (operator, sector) = (random.below((count / 3).max(10)), SECTORS[random.below(SECTORS.len())]);
        let emissions = (9.5 + random.normal(1.8)).exp();
        let _ = writeln!(
            text,
            "F{facility:09},Site {facility},Operator {operator},{lon:.6},{lat:.6},{sector},2022,{emissions:.2}"
        );
    }
    text
}

fn points(count: usize, letter: char, random: &mut Random) -> String {
    let mut text = String::from("id,lon,lat\n");
    for point in 0..count {
        let (lon, lat) = random.place();
        let _ = writeln!(text, "{letter}{point},{lon:.6},{lat:.6}");
    }
    text
}

fn lines(count: usize, random: &mut Random) -> String {
    let mut text = String::from("id,wkt\n");
    for line in 0..count {
        let (mut lon, mut lat) = random.place();
        let mut vertices = Vec::new();
        for _ in 0..5 + random.below(45) {
            (lon, lat) = (lon + random.normal(0.05), lat + random.normal(0.05));
            vertices.push(format!("{lon:.6} {lat:.6}"));
        }
        let _ = writeln!(text, "L{line},\"LINESTRING({})\"", vertices.join(", "));
    }
    text
}

fn links(count: usize, random: &mut Random) -> String {
    let mut text = String::from("from,to,kind,weight\n");
    for _ in 0..3 * count {
        let from = random.below(count);
        let near = (from + random.below(81)).saturating_sub(40).min(count - 1);
        let to = if random.uniform(0.0, 1.0) < 0.6 { near } else { random.below(count) };
        let kind = if random.uniform(0.0, 1.0) < 0.5 { "formal" } else { "informal" };
        let _ = writeln!(text, "F{from:09},F{to:09},{kind},{:.4}", random.uniform(0.0, 1.0));
    }
    text
}

fn prepare(count: usize) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/bench-data/{count}"));
    fs::create_dir_all(&folder).unwrap();
    let mut random = Random(ChaCha8Rng::seed_from_u64(1));
    fs::write(folder.join("facilities.csv"), facilities(count, &mut random)).unwrap();
    fs::write(folder.join("storage.csv"), points((count / 5000).max(20), 'S', &mut random)).unwrap();
    fs::write(folder.join("ports.csv"), points((count / 500).max(20), 'P', &mut random)).unwrap();
    fs::write(folder.join("pipelines.csv"), lines((count / 100).clamp(20, 20_000), &mut random)).unwrap();
    fs::write(folder.join("links.csv"), links(count, &mut random)).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/whole_run.toml"), folder.join("pipeline.toml"))
        .unwrap();
    folder
}

fn whole_run(criterion: &mut Criterion) {
    let count =
        std::env::var("FORERUNNER_BENCH_FACILITIES").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let folder = prepare(count);
    let pipeline = Pipeline::load(&folder.join("pipeline.toml"), &[]).unwrap();
    let mut group = criterion.benchmark_group("whole_run");
    group.sample_size(10);
    group.bench_function(format!("{count} facilities"), |bencher| {
        bencher.iter(|| run(&pipeline, &folder.join("out"), None, &|_, _| {}).unwrap())
    });
    group.finish();
}

criterion_group!(benches, whole_run);
criterion_main!(benches);
