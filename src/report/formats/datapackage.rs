//! `datapackage.json` (Frictionless Data Package 1): what every file of the run is, with the schema of every CSV table.

use std::collections::HashMap;
use std::path::Path;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::csv::{guarded, unguarded};
use crate::error::{Error, Result};
use crate::report::Results;
use crate::report::columns::{Described, Kind};
use crate::report::manifest::Output;
use crate::report::tables::OutputTable;

/// The file's name.
pub const FILE: &str = "datapackage.json";

/// Writes the descriptor of the files that stand in the folder.
pub fn write(results: &Results<'_>, tables: &[OutputTable<'_>], outputs: &[Output], folder: &Path) -> Result<()> {
    let path = folder.join(FILE);
    let resources: Vec<Value> = outputs.iter().map(|output| resource(tables, output)).collect::<Result<_>>()?;
    let package = json!({
        "profile": "data-package",
        "name": slug(results.about.name),
        "title": results.about.title,
        "description": results.about.description,
        "created_by": format!("forerunner {}", env!("CARGO_PKG_VERSION")),
        "resources": resources,
        "sources": sources(results),
    });
    let text = serde_json::to_string_pretty(&package)
        .map_err(|error| Error::Run { path: path.clone(), message: error.to_string() })?;
    std::fs::write(&path, text + "\n").map_err(Error::io(&path))
}

/// The descriptor of a folder.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::Run`] if it does not read.
pub fn read(folder: &Path) -> Result<Value> {
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    serde_json::from_str(&text).map_err(|error| Error::Run { path, message: error.to_string() })
}

/// What the columns of a file in a folder are, by the descriptor of that.
///
/// # Errors
///
/// [`Error::Run`] if the descriptor does not tell of the file.
pub fn kinds(package: &Value, folder: &Path, file: &str) -> Result<HashMap<String, Kind>> {
    let damaged = |message: String| Error::Run { path: folder.join(FILE), message };
    let resources = package["resources"].as_array().into_iter().flatten();
    let resource = resources.into_iter().find(|resource| resource["path"] == file);
    let fields = resource.and_then(|resource| resource["schema"]["fields"].as_array());
    let fields = fields.ok_or_else(|| damaged(format!("it does not say what the columns of {file} are")))?;
    let kind = |field: &Value| {
        let name = field["name"].as_str()?;
        Some((unguarded(name).to_owned(), Kind::named(field["type"].as_str()?)?))
    };
    let kinds: Option<HashMap<String, Kind>> = fields.iter().map(kind).collect();
    kinds.ok_or_else(|| damaged(format!("it does not say what the columns of {file} are")))
}

/// A name as data packages want it: small letters, digits, `.`, `_` and `-`.
fn slug(name: &str) -> String {
    let small = name.to_lowercase();
    let kept: String = small
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' })
        .collect();
    if kept.is_empty() { "run".into() } else { kept }
}

fn resource(tables: &[OutputTable<'_>], output: &Output) -> Result<Value> {
    let (stem, ending) = output.path.rsplit_once('.').unwrap_or((&output.path, ""));
    let table = tables.iter().find(|table| table.name == stem || table.layer() == stem);
    let mut resource = json!({
        "name": slug(&format!("{stem}-{ending}")),
        "path": output.path,
        "format": ending,
        "mediatype": media_type(ending),
        "bytes": output.bytes,
        "hash": format!("sha256:{}", output.sha256),
    });
    if let Some(table) = table.filter(|_| ending != "sld") {
        resource["title"] = json!(table.about.title);
        resource["description"] = json!(format!("One row is {}.", table.about.row));
    }
    match (table, ending) {
        (Some(table), "csv") => {
            resource["profile"] = json!("tabular-data-resource");
            resource["encoding"] = json!("utf-8");
            resource["dialect"] = json!({
                "delimiter": ",",
                "lineTerminator": "\r\n",
                "quoteChar": "\"",
                "doubleQuote": true,
                "header": true,
            });
            resource["schema"] = schema(table)?;
        }
        (Some(_), ending) if ending != "sld" => {}
        _ => resource["title"] = json!(title(&output.path)),
    }
    // Validators are not to take other formats for rows of text.
    if ending != "csv" {
        resource["type"] = json!("file");
    }
    Ok(resource)
}

fn title(path: &str) -> &'static str {
    match path {
        "report.html" => "Report",
        "forerunner.gpkg" => "GIS layers (GeoPackage)",
        "forerunner.xlsx" => "All tables as a workbook",
        _ => "Style of a GIS layer (SLD)",
    }
}

fn media_type(ending: &str) -> &'static str {
    match ending {
        "csv" => "text/csv",
        "parquet" => "application/vnd.apache.parquet",
        "geojson" => "application/geo+json",
        "gpkg" => "application/geopackage+sqlite3",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "html" => "text/html",
        "sld" => "application/vnd.ogc.sld+xml",
        "fgb" => "application/flatgeobuf",
        _ => "application/octet-stream",
    }
}

fn schema(table: &OutputTable<'_>) -> Result<Value> {
    let field = |column: &Described| {
        let mut field = Map::new();
        field.insert("name".into(), json!(guarded(&column.name)));
        field.insert("type".into(), json!(column.kind.as_str()));
        field.insert("description".into(), json!(column.about));
        if !column.unit.is_empty() {
            field.insert("unit".into(), json!(column.unit));
        }
        if column.kind == Kind::Text {
            field.insert("format".into(), json!("default"));
        }
        Value::Object(field)
    };
    let mut schema = json!({
        "fields": table.columns.iter().map(field).collect::<Vec<_>>(),
        "missingValues": [""],
    });
    if let Some(key) = key(table)? {
        schema["primaryKey"] = json!(key);
    }
    Ok(schema)
}

/// The columns that tell rows apart, as far as data packages can say so: none of them may be empty anywhere.
fn key(table: &OutputTable<'_>) -> Result<Option<Vec<&'static str>>> {
    let nulls = table.rows.null_counts()?;
    let nulls = |name: &str| table.rows.columns().get_column_index(name).map(|at| nulls[at]);
    let is_used = |name: &&&str| nulls(name).is_some_and(|nulls| nulls < table.rows.height());
    let used: Vec<&'static str> = table.about.key.iter().filter(is_used).copied().collect();
    let whole = used.iter().all(|name| nulls(name) == Some(0));
    Ok(Some(used).filter(|used| whole && !used.is_empty()))
}

/// The inputs, each once.
fn sources(results: &Results<'_>) -> Vec<Value> {
    let mut sources: IndexMap<(&str, Option<&str>, Option<&str>), Value> = IndexMap::new();
    for account in &results.tables.accounts {
        for file in &account.files {
            let title = file.attribution.as_deref().unwrap_or(&account.source);
            let mut source = json!({ "title": title, "file": file.path, "sha256": file.sha256 });
            if let Some(licence) = &file.licence {
                source["license"] = json!(licence);
            }
            sources.entry((&file.path, file.licence.as_deref(), file.attribution.as_deref())).or_insert(source);
        }
    }
    sources.into_values().collect()
}
