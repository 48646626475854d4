//! `explain`: one cluster from its type down to the rows that it rests on, and what would change it.

mod markdown;
mod text;

use std::path::Path;

use forerunner::Result;
use forerunner::report::stored::StoredRun;
use forerunner::story::{self, Story};

use super::{json_text, print};

/// How to show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a terminal of 100 columns.
    Text,
    /// With everything that the tables say.
    Markdown,
    /// One JSON document.
    Json,
}

/// Explains one cluster in one period; in the latest, unless told otherwise.
pub fn run(folder: &Path, wanted: &str, period: Option<i64>, form: Form) -> Result<()> {
    let run = StoredRun::open(folder)?;
    let clusters = run.table("clusters")?;
    let cluster = story::find(&clusters, wanted, period)?;
    let story: Story = story::story(&run, cluster, &clusters)?;
    match form {
        Form::Json => print(&json_text(&story)),
        Form::Markdown => print(&markdown::tell(&story)),
        Form::Text => print(&text::tell(&story)),
    }
}
