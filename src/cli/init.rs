//! `init`: a working pipeline to start from.

use std::path::Path;

use forerunner::{Error, Result};

use super::run::usage;

const FILES: [(&str, &str); 6] = [
    ("pipeline.toml", include_str!("../../data/sample/pipeline.toml")),
    ("base/rattle-taylor.toml", include_str!("../../pipelines/base/rattle-taylor.toml")),
    ("data/facilities.csv", include_str!("../../data/sample/facilities.csv")),
    ("data/co2_storage.csv", include_str!("../../data/sample/co2_storage.csv")),
    ("data/ports.csv", include_str!("../../data/sample/ports.csv")),
    ("data/README.md", include_str!("../../data/sample/README.md")),
];

/// Writes the sample; overwrites nothing.
pub fn run(dir: &Path) -> Result<()> {
    if let Some((name, _)) = FILES.iter().find(|(name, _)| dir.join(name).exists()) {
        let message = format!("{} is there already", dir.join(name).display());
        return Err(usage(message, Some("give another folder: forerunner init DIR".into())));
    }
    for (name, text) in FILES {
        let path = dir.join(name);
        let folder = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        std::fs::write(&path, text).map_err(Error::io(&path))?;
        eprintln!("wrote {}", path.display());
    }
    eprintln!("\nnow: forerunner run {}", dir.join("pipeline.toml").display());
    Ok(())
}
