//! Earlier runs that are kept beside the published one, each named by its time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use chrono::DateTime;

use crate::report::manifest;

/// How the time of a run stands in its folder's name: in UTC, and without what some systems refuse in names.
const FORMAT: &str = "%Y-%m-%dT%H%M%SZ";

/// Keeps a run that has just been replaced, as `NAME.TIME`, and takes away what is more than so many. Nothing here may make a
/// published run a failed one: what cannot be done is told and left.
pub fn keep(replaced: &Path, out: &Path, keep: usize) {
    let Some(name) = out.file_name().map(|name| name.to_string_lossy().into_owned()) else { return };
    if keep > 0
        && let Some(time) = time_of(replaced)
    {
        let wanted = out.with_file_name(format!("{name}.{time}"));
        if let Err(error) = fs::rename(replaced, free(wanted)) {
            tracing::warn!("the earlier run is not kept: {error}");
        }
    }
    let mut kept = kept(out, &name);
    kept.sort();
    let surplus = kept.len().saturating_sub(keep);
    for folder in &kept[..surplus] {
        if let Err(error) = fs::remove_dir_all(folder) {
            tracing::warn!("{} cannot be taken away: {error}", folder.display());
        }
    }
}

/// The latest run that is kept beside a folder.
pub fn latest(out: &Path) -> Option<PathBuf> {
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned())?;
    kept(out, &name).into_iter().max()
}

/// When a run was written.
fn time_of(run: &Path) -> Option<String> {
    let modified = fs::metadata(run.join(manifest::FILE)).and_then(|file| file.modified()).ok()?;
    let seconds = modified.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)?.format(FORMAT).to_string())
}

/// The name, or with a number where two runs were written within a second.
fn free(wanted: PathBuf) -> PathBuf {
    let numbered = |number: u32| {
        wanted.with_file_name(format!("{}-{number}", wanted.file_name().unwrap_or_default().to_string_lossy()))
    };
    std::iter::once(wanted.clone()).chain((2..).map(numbered)).find(|path| !path.exists()).unwrap_or(wanted)
}

/// Runs that are kept beside a folder: those whose name is its own and a time, and which hold a manifest.
fn kept(out: &Path, name: &str) -> Vec<PathBuf> {
    let above = out.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_time = |text: &str| {
        let time = text.split_once('Z').map_or(text, |(time, _)| &text[..time.len() + 1]);
        let number = &text[time.len()..];
        let is_number =
            number.is_empty() || number.strip_prefix('-').is_some_and(|number| number.parse::<u32>().is_ok());
        is_number && chrono::NaiveDateTime::parse_from_str(time, FORMAT).is_ok()
    };
    let is_kept = |path: &PathBuf| {
        let own = path.file_name().map(|own| own.to_string_lossy().into_owned()).unwrap_or_default();
        let time = own.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
        time.is_some_and(is_time) && path.join(manifest::FILE).is_file() && !path.is_symlink()
    };
    fs::read_dir(above).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_kept).collect()
}
