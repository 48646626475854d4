//! Why an expression does not evaluate, in words that know nothing of how it is evaluated.

use std::sync::LazyLock;

use polars::prelude::PolarsError;
use regex::Regex;

/// Types as polars names them, and as people do.
const TYPES: [(&str, &str); 14] = [
    ("str", "text"),
    ("i8", "a whole number"),
    ("i16", "a whole number"),
    ("i32", "a whole number"),
    ("i64", "a whole number"),
    ("u8", "a whole number"),
    ("u16", "a whole number"),
    ("u32", "a whole number"),
    ("u64", "a whole number"),
    ("f32", "a number"),
    ("f64", "a number"),
    ("bool", "true or false"),
    ("date", "a date"),
    ("null", "nothing"),
];

fn called(kind: &str) -> &str {
    let kind = kind.trim_matches(['`', '\'', '"']);
    TYPES.iter().find(|(known, _)| *known == kind).map_or(kind, |(_, word)| word)
}

static CAST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?s)conversion from `?(\w+)`? to `?(\w+)(?:\[\w+\])?`? failed.*?values: \[(.*?)\]").ok()
});
static OPERATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"`?(\w+)`? operation not supported for dtype `?(\w+)`?").ok());
static COMPARISON: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"cannot compare (?:string|str) with (?:numeric|number)").ok());

/// The reason, in one line.
pub(super) fn reason(error: &PolarsError) -> String {
    let text = error.to_string();
    let find = |regex: &LazyLock<Option<Regex>>| {
        let found = regex.as_ref()?.captures(&text)?;
        Some(found.iter().skip(1).map(|part| part.map_or("", |part| part.as_str()).to_owned()).collect::<Vec<_>>())
    };
    if let Some([_, to, values]) = find(&CAST).as_deref() {
        return format!("{values} cannot be read as {}", called(to));
    }
    if let Some([operation, kind]) = find(&OPERATION).as_deref() {
        return format!("{} cannot be taken of {}", operation.to_uppercase(), called(kind));
    }
    if COMPARISON.as_ref().is_some_and(|regex| regex.is_match(&text)) {
        return "it compares text with a number".into();
    }
    let first = text.split("\n\n").next().unwrap_or_default().lines().next().unwrap_or_default();
    let first = first.split("Resolved plan").next().unwrap_or_default().trim();
    let bare = first.split_once("error: ").map_or(first, |(_, rest)| rest);
    bare.to_owned()
}
