//! `--metrics FILE`: what a run was, in OpenMetrics text for the textfile collector of a monitoring system.

use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use forerunner::finding::Severity;
use forerunner::pipeline::Outcome;
use forerunner::{Error, Result};

/// Writes the metrics of a run that was published, was not needed, or failed.
pub fn write(file: &Path, pipeline: &str, ended: &Result<Option<Outcome>>, started: Instant) -> Result<()> {
    let text = text(pipeline, ended, started);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Whole or not at all: a collector may read it at any moment.
    let mut unfinished = tempfile::Builder::new().prefix(".forerunner").tempfile_in(folder).map_err(Error::io(file))?;
    std::io::Write::write_all(&mut unfinished, text.as_bytes()).map_err(Error::io(file))?;
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    unfinished.as_file().set_permissions(readable).map_err(Error::io(file))?;
    unfinished.persist(file).map(|_| ()).map_err(|error| Error::io(file)(error.error))
}

fn text(pipeline: &str, ended: &Result<Option<Outcome>>, started: Instant) -> String {
    let mut page = Page { text: String::new(), pipeline: escaped(pipeline) };
    let status = ended.as_ref().err().map_or(0, Error::exit_status);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    page.gauge("run_exit_status", "Exit status of the last run", &[("", "", f64::from(status))]);
    page.gauge("run_end_timestamp_seconds", "When it ended", &[("", "", now.floor())]);
    page.gauge("run_duration_seconds", "How long it took", &[("", "", started.elapsed().as_secs_f64())]);
    let Ok(outcome) = ended else { return page.end() };
    page.gauge("run_up_to_date", "1 where nothing had changed", &[("", "", f64::from(u8::from(outcome.is_none())))]);
    let Some(outcome) = outcome else { return page.end() };
    let manifest = &outcome.manifest;
    let timing: Vec<(&str, &str, f64)> = manifest
        .timing
        .iter()
        .filter(|(stage, _)| !stage.contains(':'))
        .map(|(stage, seconds)| ("stage", stage.as_str(), *seconds))
        .collect();
    page.gauge("stage_duration_seconds", "How long a stage took", &timing);
    for (name, help, pick) in [
        ("source_rows_read", "Rows of a source", 0),
        ("source_rows_quarantined", "Rows of a source that were rejected", 1),
        ("source_rows_kept", "Rows of a source that are left", 2),
    ] {
        let rows = manifest.sources.iter().map(|account| {
            let rows = [&account.read, &account.quarantined, &account.kept][pick].rows;
            ("source", account.source.as_str(), rows as f64)
        });
        page.gauge(name, help, &rows.collect::<Vec<_>>());
    }
    let types: Vec<(&str, &str, f64)> =
        manifest.types.iter().map(|(kind, count)| ("type", kind.as_str(), *count as f64)).collect();
    page.gauge("clusters", "Clusters and periods of a type", &types);
    let count =
        |severity| outcome.findings.findings.iter().filter(|finding| finding.severity == severity).count() as f64;
    let findings = [("severity", "warning", count(Severity::Warning)), ("severity", "info", count(Severity::Info))];
    page.gauge("findings", "Facts about the data", &findings);
    page.end()
}

struct Page {
    text: String,
    pipeline: String,
}

impl Page {
    /// A metric with a value for each label.
    fn gauge(&mut self, name: &str, help: &str, values: &[(&str, &str, f64)]) {
        let pipeline = &self.pipeline;
        self.text += &format!("# TYPE forerunner_{name} gauge\n# HELP forerunner_{name} {help}.\n");
        for (label, of, value) in values {
            let more = if label.is_empty() { String::new() } else { format!(",{label}=\"{}\"", escaped(of)) };
            self.text += &format!("forerunner_{name}{{pipeline=\"{pipeline}\"{more}}} {value}\n");
        }
    }

    fn end(self) -> String {
        self.text + "# EOF\n"
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
