//! Work that others do changes nothing: however it is cut, in whatever order it is done, and though a piece be done twice.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

mod few;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use forerunner::delineate::dbscan::dbscan;
use forerunner::delineate::tiles::dbscan_by;
use forerunner::pipeline::work::work;
use forerunner::pipeline::{self, Options, Outcome, Pipeline};
use forerunner::workers::Workers;
use forerunner::{Error, Result};
use proptest::prelude::*;

type Answers = Vec<Vec<u8>>;

/// Workers in this process: last piece first, and the middle one twice.
#[derive(Debug)]
struct Here {
    pieces: usize,
    /// What is done to a job on its way.
    travel: fn(&[u8]) -> Vec<u8>,
    /// What becomes of all answers.
    back: fn(Answers) -> Result<Answers>,
}

impl Here {
    fn new(pieces: usize) -> Self {
        Self { pieces, travel: <[u8]>::to_vec, back: Ok }
    }
}

impl Workers for Here {
    fn answers(&self, job: &[u8], pieces: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let job = (self.travel)(job);
        let mut answers = vec![Vec::new(); pieces.len()];
        for at in (0..pieces.len()).rev().chain([pieces.len() / 2]).filter(|&at| at < pieces.len()) {
            answers[at] = work(&job, &pieces[at]);
        }
        (self.back)(answers)
    }

    fn count(&self) -> usize {
        self.pieces
    }
}

/// One run from its files on, by workers or without.
fn run(pipeline: &Pipeline, out: &Path, workers: Option<Here>) -> Result<Outcome> {
    let workers = workers.map(|workers| Arc::new(workers) as Arc<dyn Workers>);
    let options = Options { workers, ..Options::default() };
    Ok(pipeline::update(pipeline, out, &options, &|_, _| {})?.unwrap())
}

/// Every output with its hash.
fn outputs(outcome: &Outcome) -> Vec<(String, String)> {
    outcome.manifest.outputs.iter().map(|output| (output.path.clone(), output.sha256.clone())).collect()
}

#[test]
fn shipped_studies_come_out_the_same() {
    for name in ["great-britain", "uk-clusters", "north-west-europe", "three-profiles"] {
        let path = PathBuf::from(format!("pipelines/{name}.toml"));
        let pipeline = Pipeline::load(&path, &few::few(&path)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let alone = run(&pipeline, &folder.path().join("alone"), None).unwrap();
        let shared = run(&pipeline, &folder.path().join("shared"), Some(Here::new(7))).unwrap();
        assert_eq!(outputs(&alone), outputs(&shared), "{name}");
    }
}

/// The worked example with its register in so many files.
fn split(files: usize, folder: &Path) -> Pipeline {
    let example = Path::new("tests/cases/worked_example");
    for entry in fs::read_dir(example).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let text = fs::read_to_string(example.join("facilities.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    for part in 0..files {
        let own: Vec<&str> = rows.iter().skip(part).step_by(files).copied().collect();
        fs::write(folder.join(format!("register-{part}.csv")), format!("{header}\n{}\n", own.join("\n"))).unwrap();
    }
    let file = fs::read_to_string(folder.join("pipeline.toml")).unwrap();
    let glob = file.replace("\"facilities.csv\"", "\"register-*.csv\"");
    assert_ne!(file, glob);
    fs::write(folder.join("pipeline.toml"), glob).unwrap();
    Pipeline::load(&folder.join("pipeline.toml"), &[]).unwrap()
}

#[test]
fn partitions_and_pieces_decide_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let of = |files: usize, pieces: Option<usize>| {
        let name = format!("{files}-{pieces:?}");
        let at = folder.path().join(&name);
        fs::create_dir(&at).unwrap();
        run(&split(files, &at), &folder.path().join(format!("out-{name}")), pieces.map(Here::new)).unwrap();
        let tables = ["clusters", "scores", "indicators", "levers", "figures", "facilities"];
        let read = |table| fs::read_to_string(folder.path().join(format!("out-{name}/{table}.csv"))).unwrap();
        // Of several files each row says which it comes from.
        let without_file = |text: String| if files > 1 { text.replace("source_file", "") } else { text };
        tables.map(read).map(without_file)
    };
    let whole = of(1, None);
    assert_eq!(whole, of(1, Some(1)));
    assert_eq!(whole, of(1, Some(7)));
    let split = of(7, None);
    assert_eq!(whole[..5], split[..5]);
    for pieces in [1, 2, 7, 20] {
        assert_eq!(split, of(7, Some(pieces)), "{pieces}");
    }
}

#[test]
fn types_rest_on_the_values_of_all_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("a.csv", "id,x,y,t,code\na,1,50,5,1\nb,1.01,50,5,2\n");
    write("b.csv", "id,x,y,t,code\nc,1.02,50,5,3.5\nd,1.03,50,bad,4\n");
    write("c.csv", "id,x,y,t,code\ne,1.04,50,5,x\nf,1.05,50,5,NA\na,1,50,9,6\n");
    write(
        "p.toml",
        "name = \"p\"\n[facilities]\npath = \"?.csv\"\nmissing = [\"NA\"]\n\
         columns = { id = \"id\", x = \"x\", y = \"y\", emissions_t = \"t\", code = \"code\" }\n\
         [facilities.contract]\nmax_rejected = 0.9\n[delineate]\nmethod = \"dbscan\"\nradius_km = 5\nmin_facilities = 2\n\
         [[dimensions]]\nid = \"d\"\n[[components]]\nid = \"c\"\nparent = \"d\"\n\
         [[indicators]]\nid = \"i\"\nparent = \"c\"\nexpr = \"COUNT(code)\"\nworst = 0\nbest = 9\n",
    );
    let pipeline = Pipeline::load(&folder.path().join("p.toml"), &[]).unwrap();
    let alone = run(&pipeline, &folder.path().join("alone"), None).unwrap();
    let shared = run(&pipeline, &folder.path().join("shared"), Some(Here::new(3))).unwrap();
    assert_eq!(outputs(&alone), outputs(&shared));
    let facilities = fs::read_to_string(folder.path().join("shared/facilities.csv")).unwrap();
    assert!(facilities.contains("3.5") && facilities.contains(",x"), "{facilities}");
    assert_eq!(shared.manifest.quarantined, 2, "what does not read, and the second row of one id");
    assert_eq!(alone.manifest.sources, shared.manifest.sources);
    let strict = ["facilities.contract.max_rejected=0".to_owned()];
    let pipeline = Pipeline::load(&folder.path().join("p.toml"), &strict).unwrap();
    let [alone, shared] =
        [None, Some(Here::new(3))].map(|workers| run(&pipeline, &folder.path().join("strict"), workers).err().unwrap());
    assert_eq!((alone.exit_status(), alone.to_string()), (3, shared.to_string()));
    assert!(!folder.path().join("strict").exists());
}

#[test]
fn what_was_not_done_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = split(3, folder.path());
    let out = folder.path().join("out");
    let ends = |workers: Here| {
        let error = run(&pipeline, &out, Some(workers)).err().unwrap();
        assert!(matches!(error, Error::Workers { .. }), "{error:?}");
        assert_eq!(error.exit_status(), 1);
        assert!(!out.exists());
        error.to_string()
    };
    let other = |job: &[u8]| {
        let at = job.windows(6).position(|bytes| bytes == b", buil").unwrap();
        let mut job = job.to_vec();
        job[at] = b';';
        job
    };
    let message = ends(Here { travel: other, ..Here::new(3) });
    assert!(message.contains("start both from one build"), "{message}");
    ends(Here { back: |answers| Ok(answers[1..].to_vec()), ..Here::new(3) });
    ends(Here { back: |_| Err(Error::Workers { message: "gone".into() }), ..Here::new(3) });
    ends(Here {
        back: |answers| Ok(answers.iter().map(|answer| answer[..answer.len() / 2].to_vec()).collect()),
        ..Here::new(3)
    });
    run(&pipeline, &out, Some(Here::new(3))).unwrap();
}

/// Points in heaps, by preference where tiles are hard to lay: at the poles and at 180 degrees.
fn points() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let heap = (prop_oneof![Just((180.0, 0.0)), Just((40.0, 90.0)), Just((-3.0, 54.0)), Just((0.0, -89.9))], 0.0..0.6);
    let point =
        (heap, -1.0..1.0, -1.0..1.0).prop_map(|(((lon, lat), spread), east, north): (((f64, f64), f64), f64, f64)| {
            let lon = lon + spread * east;
            (if lon > 180.0 { lon - 360.0 } else { lon }, (lat + spread * north).clamp(-90.0, 90.0))
        });
    proptest::collection::vec(point, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn tiles_find_the_same_clusters(points in points(), pieces in 1_usize..12, least in 1_usize..7, km in 0.5..40.0) {
        let found = dbscan_by(&Here::new(pieces), &points, km, least).unwrap();
        prop_assert_eq!(found, dbscan(&points, km, least));
    }
}
