//! `init`: a working pipeline to start from.

use std::path::{Component, Path, PathBuf};

use forerunner::pipeline::draft;
use forerunner::{Error, Result};

use super::say;

const FILES: [(&str, &str); 6] = [
    ("pipeline.toml", include_str!("../../data/sample/pipeline.toml")),
    ("base/rattle-taylor.toml", include_str!("../../pipelines/base/rattle-taylor.toml")),
    ("data/facilities.csv", include_str!("../../data/sample/facilities.csv")),
    ("data/co2_storage.csv", include_str!("../../data/sample/co2_storage.csv")),
    ("data/ports.csv", include_str!("../../data/sample/ports.csv")),
    ("data/README.md", include_str!("../../data/sample/README.md")),
];

/// A table of indicators in place of a register.
const TABLE: [(&str, &str); 2] = [
    ("pipeline.toml", include_str!("../../data/sample/indicator-table/pipeline.toml")),
    ("data/countries.csv", include_str!("../../data/sample/indicator-table/countries.csv")),
];

/// What there is to start from.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub enum Template {
    /// A register with layers and links: clusters, scores, types.
    #[default]
    Register,
    /// A table with one row a unit and one column an indicator: scores.
    IndicatorTable,
}

/// Writes a sample, or with `from` a draft for that file; overwrites nothing.
pub fn run(dir: &Path, template: Template, from: Option<&Path>) -> Result<()> {
    let sample: &[(&str, &str)] = match template {
        Template::Register => &FILES,
        Template::IndicatorTable => &TABLE,
    };
    let Some(file) = from else {
        return write(dir, sample.iter().map(|(name, text)| (*name, (*text).to_owned())).collect());
    };
    if dir.exists() {
        refuse_existing(dir, "pipeline.toml")?;
    }
    let shown = path_from(dir, file)?;
    let draft::Draft { kind, text, missing } = draft::draft(file, &shown, "base/rattle-taylor.toml")?;
    say(&format!("{} is taken for {}\n", file.display(), kind.as_str()));
    let base =
        FILES.iter().filter(|(name, _)| name.starts_with("base/")).map(|(name, text)| (*name, (*text).to_owned()));
    let files = base.filter(|(name, _)| !dir.join(name).exists());
    write(dir, files.chain([("pipeline.toml", text)]).collect())?;
    missing.iter().for_each(|missing| say(&format!("to fill in: {missing}\n")));
    Ok(())
}

fn refuse_existing(dir: &Path, name: &str) -> Result<()> {
    if !dir.join(name).exists() {
        return Ok(());
    }
    let message = format!("{} is there already", dir.join(name).display());
    Err(Error::usage(message, "give another folder: forerunner init DIR"))
}

fn write(dir: &Path, files: Vec<(&str, String)>) -> Result<()> {
    files.iter().try_for_each(|(name, _)| refuse_existing(dir, name))?;
    for (name, text) in files {
        let path = dir.join(name);
        let folder = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        std::fs::write(&path, text).map_err(Error::io(&path))?;
        say(&format!("wrote {}\n", path.display()));
    }
    say(&format!("\nnow: forerunner check {}\n", dir.join("pipeline.toml").display()));
    Ok(())
}

/// The path of a file as seen from a folder.
fn path_from(dir: &Path, file: &Path) -> Result<String> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(Error::io(path));
    let (dir, file) = (absolute(dir)?, absolute(file)?);
    let shared = dir.components().zip(file.components()).take_while(|(a, b)| a == b).count();
    let up = dir.components().skip(shared).filter(|part| *part != Component::CurDir).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(file.components().skip(shared)).collect();
    Ok(path.to_string_lossy().into_owned())
}
