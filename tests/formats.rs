//! One register and two layers in every format that is read, as the programs write them that people use: the same tables come
//! out. Broken files end with an error that says what is wrong. `tests/oracles/formats/make.py` writes the files.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::fs;
use std::path::Path;

use forerunner::pipeline::{Pipeline, run};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/formats");
const COLUMNS: &str = "id = \"id\", name = \"site\", operator = \"firm\", year = \"year\", emissions_t = \"t\"";
const DELINEATE: &str = "[delineate]\nmethod = \"dbscan\"\nradius_km = 3\nmin_facilities = 2\n\
     [[dimensions]]\nid = \"d\"\nthreshold = 50\n\
     [[indicators]]\nid = \"sites\"\nparent = \"d\"\nexpr = \"COUNT(*)\"\nunit = \"1\"\nworst = 0\nbest = 10\n";

/// `facilities.csv` of a pipeline, or the error that ends it.
fn facilities(text: &str) -> Result<String, String> {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("p.toml");
    fs::write(&path, text).unwrap();
    let pipeline = Pipeline::load(&path, &[]).map_err(|error| error.to_string())?;
    let out = root.path().join("out");
    run(&pipeline, &out, None, &|_, _| {}).map_err(|error| {
        error
            .reports()
            .into_iter()
            .map(|(message, hint)| message + &hint.unwrap_or_default())
            .collect::<Vec<_>>()
            .join("\n")
    })?;
    Ok(fs::read_to_string(out.join("facilities.csv")).unwrap())
}

fn register(file: &str, keys: &str, places: &str) -> Result<String, String> {
    facilities(&format!(
        "name = \"f\"\n[facilities]\npath = \"{FOLDER}/{file}\"\n{keys}\ncolumns = {{ {COLUMNS}{places} }}\n{DELINEATE}"
    ))
}

fn layer(file: &str, keys: &str, columns: &str) -> String {
    let text = format!(
        "name = \"f\"\n[facilities]\npath = \"{FOLDER}/sites.csv\"\ncolumns = {{ {COLUMNS}, x = \"lon\", y = \"lat\" }}\n\
         [layers.near]\npath = \"{FOLDER}/{file}\"\nwithin_km = [100]\n{keys}\ncolumns = {{ {columns} }}\n{DELINEATE}"
    );
    facilities(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn a_register_in_every_format() {
    let xy = ", x = \"lon\", y = \"lat\"";
    let wanted = register("sites.csv", "", xy).unwrap();
    assert_eq!(wanted.lines().count(), 34);
    for (file, keys) in [
        ("sites.xlsx", "table = \"Sites\"\nskip_before_header = 3"),
        ("sites.ods", ""),
        ("sites.json", ""),
        ("sites.ndjson", ""),
        ("sites_plain.parquet", ""),
    ] {
        assert_eq!(register(file, keys, xy).unwrap_or_else(|error| panic!("{file}: {error}")), wanted, "{file}");
    }
    for file in [
        "sites_wkt.csv",
        "sites_hex.csv",
        "sites_json.csv",
        "sites.gpkg",
        "sites.shp",
        "sites.shp.zip",
        "sites.fgb",
        "sites.geojson",
        "sites.geojsonl",
        "sites.kml",
        "sites.parquet",
        "sites_10.parquet",
        "sites_geoarrow.parquet",
    ] {
        let found = register(file, "", ", geometry = \"geometry\"");
        assert_eq!(found.unwrap_or_else(|error| panic!("{file}: {error}")), wanted, "{file}");
    }
    // Packed once more.
    let root = tempfile::tempdir().unwrap();
    let packed = root.path().join("sites.fgb.gz");
    let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    std::io::copy(&mut fs::File::open(Path::new(FOLDER).join("sites.fgb")).unwrap(), &mut encoder).unwrap();
    encoder.finish().unwrap();
    let found = facilities(&format!(
        "name = \"f\"\n[facilities]\npath = {:?}\ncolumns = {{ {COLUMNS}, geometry = \"geometry\" }}\n{DELINEATE}",
        packed.to_str().unwrap()
    ));
    assert_eq!(found.unwrap(), wanted);
}

#[test]
fn a_layer_of_points_in_every_format() {
    let columns = "name = \"name\", x = \"lon\", y = \"lat\"";
    let wanted = layer("harbours.csv", "", columns);
    assert!(wanted.contains("nearest_near"));
    for (file, keys) in [
        ("harbours.xlsx", "table = \"Sites\"\nskip_before_header = 3"),
        ("harbours.ods", ""),
        ("harbours_plain.parquet", ""),
    ] {
        assert_eq!(layer(file, keys, columns), wanted, "{file}");
    }
    for file in every("harbours") {
        let columns = match file.rsplit('.').next() {
            Some("csv") => "name = \"name\", geometry = \"geometry\"",
            // GDAL gives placemarks ids of its own.
            Some("kml") => "id = \"name\"",
            _ => "name = \"name\"",
        };
        assert_eq!(layer(&file, "", columns), wanted, "{file}");
    }
}

#[test]
fn a_layer_of_polygons_in_every_format() {
    let wanted = layer("regions_wkt.csv", "", "name = \"name\", geometry = \"geometry\"");
    assert!(wanted.contains("nearest_near"));
    for file in every("regions") {
        let columns =
            if file.ends_with(".csv") { "name = \"name\", geometry = \"geometry\"" } else { "name = \"name\"" };
        assert_eq!(layer(&file, "", columns), wanted, "{file}");
    }
}

fn every(name: &str) -> Vec<String> {
    let ends = [
        "_wkt.csv",
        "_hex.csv",
        "_json.csv",
        ".gpkg",
        ".shp.zip",
        ".fgb",
        ".geojson",
        ".geojsonl",
        ".kml",
        ".parquet",
        "_10.parquet",
        "_geoarrow.parquet",
    ];
    ends.iter().map(|end| format!("{name}{end}")).collect()
}

/// DuckDB 1.4 writes Parquet's own type GEOMETRY, with or without the metadata of GeoParquet.
#[test]
fn geometries_of_parquets_own_type() {
    let of = |file: &str| {
        facilities(&format!(
            "name = \"f\"\n[facilities]\npath = \"{FOLDER}/{file}\"\ncolumns = {{ id = \"id\", geometry = \"geometry\", emissions_t = \"t\" }}\n{DELINEATE}"
        ))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
    };
    let wanted = of("duck_V1.parquet");
    assert_eq!(wanted.lines().count(), 3);
    assert!(wanted.contains(",10.0,50.0,"), "{wanted}");
    for file in ["duck_V2.parquet", "duck_BOTH.parquet", "duck_NONE.parquet"] {
        assert_eq!(of(file), wanted, "{file}");
    }
}

#[test]
fn broken_files_say_what_is_wrong() {
    let xy = ", x = \"lon\", y = \"lat\"";
    for (file, keys, wanted) in [
        ("cut.xlsx", "", "no workbook that reads"),
        ("cut.ods", "", "no workbook that reads"),
        ("cut.gpkg", "", "GeoPackage"),
        ("cut.fgb", "", "not FlatGeobuf"),
        ("cut.kml", "", "does not end as KML does"),
        ("cut.shp", "", "cut short"),
        ("alone.shp", "", "its .dbf is not there"),
        ("cut.geojsonl", "", "rejected"),
        ("sites.xlsx", "", "the file has 2 sheets"),
        ("sites.xlsx", "table = \"Plants\"", "the file has no sheet `Plants`"),
        ("sites.gpkg", "table = \"plants\"", "the file has no layer `plants`"),
        ("merged.xlsx", "", "the heading `place` in B1 stands over several columns"),
        ("formulas.xlsx", "", "the formula in D2 has no value"),
        ("sites.dbf", "", "a part of a shapefile"),
        ("make.py", "", "the file has no column"),
    ] {
        let keys = if file == "cut.geojsonl" { "contract = { max_rejected = 0 }" } else { keys };
        let placed = !file.contains("xlsx") && !file.contains("ods");
        let found = register(file, keys, if placed { ", geometry = \"geometry\"" } else { xy });
        let error = found.expect_err(file);
        assert!(error.contains(wanted), "{file}: {error}");
        assert!(!error.contains("panicked") && !error.contains("Err("), "{file}: {error}");
    }
}

/// What a file is, whatever it is called.
#[test]
fn formats_under_other_names_are_called_by_theirs() {
    let root = tempfile::tempdir().unwrap();
    for (file, wanted) in [
        ("sites.xlsx", "a zip archive or a workbook"),
        ("sites.gpkg", "SQLite"),
        ("sites.fgb", "FlatGeobuf"),
        ("sites.shp", "a shapefile"),
        ("sites.parquet", "Parquet"),
        ("sites.kml", "XML"),
    ] {
        let path = root.path().join("r.csv");
        fs::copy(Path::new(FOLDER).join(file), &path).unwrap();
        let text = format!(
            "name = \"f\"\n[facilities]\npath = {:?}\ncolumns = {{ id = \"id\", x = \"x\", y = \"y\" }}\n{DELINEATE}",
            path.to_str().unwrap()
        );
        let error = facilities(&text).expect_err(file);
        assert!(error.contains(wanted), "{file}: {error}");
    }
}

/// Bytes changed, cut out and put in at random: a reader ends with rows or with an error, never with a panic. `DAMAGES=N` tries
/// as many for each file.
#[test]
fn damaged_files_end_with_rows_or_an_error() {
    use forerunner::sources::{OneOrMany, Reading, Request, Source};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    let damages: u64 = std::env::var("DAMAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(40);
    let root = tempfile::tempdir().unwrap();
    for end in ["xlsx", "ods", "gpkg", "shp", "fgb", "geojson", "geojsonl", "kml", "parquet", "json", "ndjson"] {
        let whole = fs::read(format!("{FOLDER}/harbours.{end}")).unwrap();
        if end == "shp" {
            fs::copy(format!("{FOLDER}/harbours.dbf"), root.path().join("f.dbf")).unwrap();
        }
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..damages {
            let mut bytes = whole.clone();
            for _ in 0..=random.next_u32() % 4 {
                let at = random.next_u32() as usize % bytes.len();
                match random.next_u32() % 4 {
                    0 => bytes[at] = random.next_u32() as u8,
                    1 => bytes[at] ^= 1 << (random.next_u32() % 8),
                    2 => drop(bytes.drain(at..bytes.len().min(at + random.next_u32() as usize % 32))),
                    _ => bytes.insert(at, random.next_u32() as u8),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            let file = format!("f.{end}");
            fs::write(root.path().join(&file), &bytes).unwrap();
            let reading = Reading { path: OneOrMany::one(&*file), ..Reading::default() };
            let Ok(source) = Source::open(&Request::everything("f", root.path(), &reading)) else { continue };
            let mut rows = 0;
            let read = source.stream(&|batch| Ok(batch), &mut |batch| {
                rows += batch.rows();
                Ok(())
            });
            assert!(read.is_err() || rows <= 10_000, "{end}: {rows} rows");
        }
    }
}

#[test]
fn folders_give_the_columns_that_files_have_not() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("r/year=2021/gas=Carbon%20dioxide/a.csv", "id,lon,lat,t\na,1,50,10\nb,1.01,50,20\n");
    write("r/year=2022/gas=Carbon%20dioxide/a.csv", "id,lon,lat,t\na,1,50,11\nb,1.01,50,21\n");
    write("r/year=2022/gas=Methane/a.csv", "id,lon,lat,t\na,1,50,5\n");
    // A column of the file itself stands; what Hive writes for nothing is nothing.
    write("r/year=__HIVE_DEFAULT_PARTITION__/gas=none/a.csv", "id,lon,lat,t,gas\nc,1,50,7,Carbon dioxide\n");
    let read = |columns: &str, path: &str| {
        let path = root.path().join(path).display().to_string();
        facilities(&format!(
            "name = \"f\"\n[facilities]\npath = \"{path}\"\nwhere = \"gas = 'Carbon dioxide'\"\n\
             columns = {{ id = \"id\", x = \"lon\", y = \"lat\", emissions_t = \"t\", gas = \"gas\"{columns} }}\n{DELINEATE}"
        ))
    };
    let table = read(", year = \"year\"", "r/*/*/*.csv").unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let header = rows.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let found: Vec<[String; 3]> = rows
        .records()
        .map(|row| row.unwrap())
        .map(|row| ["facility_id", "period", "emissions_t"].map(|name| row[at(name)].to_owned()))
        .collect();
    let wanted =
        [["a", "2021", "10.0"], ["a", "2022", "11.0"], ["b", "2021", "20.0"], ["b", "2022", "21.0"], ["c", "", "7.0"]];
    assert_eq!(found, wanted);
    let error = read(", month = \"month\"", "r/year=2021/*/*.csv").unwrap_err();
    assert!(["month", "gas", "year", "lon"].iter().all(|name| error.contains(name)), "{error}");
}
