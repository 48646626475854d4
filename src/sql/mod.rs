//! SQL expressions of the pipeline file: parsed, their columns named, their dry run typed. An expression
//! sees the columns of one table and nothing else; it reaches neither files nor other tables. Its arithmetic is that of
//! DOUBLE (`arithmetic`), its words those of SQL (`dialect`).

mod arithmetic;
mod dialect;
mod evaluate;
pub mod query;
mod reason;

use polars::prelude::*;
use polars::sql::sql_expr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Problem, suggest};
pub use dialect::FUNCTIONS;
pub use evaluate::Failure;

/// What an expression must give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yields {
    /// True or false for each row.
    Predicate,
    /// One number for each group of rows.
    Aggregate,
    /// One number for each row.
    Row,
}

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    expr: Expr,
    columns: Vec<String>,
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?, "").map_err(serde::de::Error::custom)
    }
}

impl Expression {
    /// Parses one SQL expression.
    ///
    /// # Errors
    ///
    /// A [`Problem`] at `place` if the text is not one SQL expression or calls an unknown function.
    pub fn parse(text: &str, place: &str) -> Result<Self, Problem> {
        let refuse = |message: String| {
            let exponent = message.contains("cannot parse literal");
            let hint = if exponent {
                "write numbers out, as in 1000000"
            } else {
                "write one SQL expression over the columns of one table"
            };
            Problem::new(place, message, hint)
        };
        if text.trim().is_empty() {
            return Err(refuse("the expression is empty".into()));
        }
        if has_second_statement(text) {
            return Err(refuse(format!("`{text}` holds more than one statement")));
        }
        let reworded = dialect::as_polars_reads(text).map_err(|(message, hint)| Problem::new(place, message, hint))?;
        let expr = sql_expr(&reworded).map_err(|error| refuse(format!("`{text}` is not a SQL expression: {error}")))?;
        if (&expr).into_iter().any(goes_by_order) {
            let message = format!("`{text}` rests on the order of rows, which says nothing");
            return Err(Problem::new(place, message, "use an aggregate such as MIN, MAX, AVG, MEDIAN"));
        }
        let mut columns: Vec<String> = expr.clone().meta().root_names().iter().map(ToString::to_string).collect();
        columns.sort();
        columns.dedup();
        Ok(Self { text: text.to_owned(), expr, columns })
    }

    /// The text as the pipeline file has it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns it names, sorted.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The expression for polars, over a table of this schema; its arithmetic is that of DOUBLE.
    fn expr(&self, schema: &Schema) -> Expr {
        arithmetic::in_double(&self.expr, schema)
    }

    /// The first column it names that a table lacks.
    pub fn unknown_column(&self, schema: &Schema) -> Option<&str> {
        self.columns.iter().map(String::as_str).find(|column| schema.get(column).is_none())
    }

    /// Checks the expression against a table's schema: known columns, and a result of the right kind.
    ///
    /// # Errors
    ///
    /// A [`Problem`] at `place` that names the unknown column or what came out.
    pub fn check(&self, schema: &Schema, yields: Yields, place: &str) -> Result<(), Problem> {
        if let Some(column) = self.unknown_column(schema) {
            let known = schema.iter_names().map(|name| name.as_str()).filter(|name| !name.starts_with("__"));
            return Err(Problem::new(
                place,
                format!("`{}` names no column: `{column}`", self.text),
                suggest(column, known),
            ));
        }
        let fail = |error: PolarsError| {
            let compares = error.to_string().contains("cannot compare");
            let hint = "a column in which all values are numbers is one: declare it with type = \"text\", or compare it with a number";
            let message = format!("`{}` does not evaluate: {}", self.text, reason::reason(&error));
            Problem::new(place, message, if compares { hint } else { "" })
        };
        let empty = DataFrame::empty_with_schema(schema);
        let result = self.expr(schema).alias("__result");
        let out = match yields {
            Yields::Aggregate => {
                empty.lazy().with_column(lit(0i32).alias("__group")).group_by([col("__group")]).agg([result]).collect()
            }
            Yields::Row | Yields::Predicate => empty.lazy().select([result]).collect(),
        };
        let frame = out.map_err(fail)?;
        let dtype = frame.column("__result").map_err(fail)?.dtype().clone();
        let wanted = match yields {
            Yields::Predicate => "true or false for each row",
            Yields::Aggregate => "one number for each cluster: use an aggregate such as SUM, AVG, MAX, COUNT",
            Yields::Row => "one number for each row: plain arithmetic over its columns, without aggregates",
        };
        let right = match yields {
            Yields::Predicate => dtype.is_bool() && !self.aggregates(),
            Yields::Aggregate => dtype.is_primitive_numeric() || dtype.is_bool() || dtype.is_null(),
            Yields::Row => (dtype.is_primitive_numeric() || dtype.is_bool() || dtype.is_null()) && !self.aggregates(),
        };
        if right {
            return Ok(());
        }
        let found = if dtype.is_list() { "a list of values".to_owned() } else { format!("{dtype}") };
        let found = if self.aggregates() && yields != Yields::Aggregate { "an aggregate".to_owned() } else { found };
        Err(Problem::new(place, format!("`{}` yields {found}", self.text), format!("it must give {wanted}")))
    }

    /// The type of what it gives for each row of a table; `None` for an aggregate, a list, or where polars cannot tell.
    ///
    /// # Errors
    ///
    /// A [`Problem`] at `place` for an unknown column, or types that do not go together.
    pub fn row_type(&self, schema: &Schema, place: &str) -> Result<Option<DataType>, Problem> {
        if self.unknown_column(schema).is_some() {
            return self.check(schema, Yields::Row, place).map(|()| None);
        }
        let empty = DataFrame::empty_with_schema(schema);
        let frame = empty.lazy().select([self.expr(schema).alias("__result")]).collect();
        let frame = frame.map_err(|error| {
            Problem::new(place, format!("`{}` does not evaluate: {}", self.text, reason::reason(&error)), "")
        })?;
        let dtype = frame.dtypes().into_iter().next();
        Ok(dtype.filter(|dtype| !dtype.is_nested() && !self.aggregates()))
    }

    fn aggregates(&self) -> bool {
        let aggregates = |part: &Expr| match part {
            // The list of `IN (...)` is one value for all rows.
            Expr::Agg(AggExpr::Implode { .. }) => false,
            Expr::Agg(_) | Expr::Len | Expr::Over { .. } => true,
            _ => false,
        };
        self.expr.into_iter().any(aggregates)
    }
}

/// Whether a part of an expression depends on the order of rows (`FIRST`, `LAST`, lists).
fn goes_by_order(part: &Expr) -> bool {
    let of_rows = |aggregate: &AggExpr| {
        matches!(
            aggregate,
            AggExpr::First(_)
                | AggExpr::FirstNonNull(_)
                | AggExpr::Last(_)
                | AggExpr::LastNonNull(_)
                | AggExpr::Item { .. }
                | AggExpr::AggGroups(_)
        )
    };
    match part {
        Expr::Agg(aggregate) => of_rows(aggregate),
        Expr::Gather { .. } | Expr::Slice { .. } | Expr::Explode { .. } => true,
        _ => false,
    }
}

/// Whether a semicolon outside of quotes is followed by more text.
fn has_second_statement(text: &str) -> bool {
    let mut quote = None;
    for (position, character) in text.char_indices() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, ';') => return !text[position + 1..].trim().is_empty(),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::from_iter([
            Field::new("emissions_t".into(), DataType::Float64),
            Field::new("sector".into(), DataType::String),
        ])
    }

    #[test]
    fn what_is_refused() {
        for (text, shape) in [
            ("emissions_t", Yields::Aggregate),
            ("AVG(emissions_t) OVER (PARTITION BY sector)", Yields::Aggregate),
            ("SUM(km)", Yields::Aggregate),
            ("MAX(sector)", Yields::Aggregate),
            ("SUM(emissions_t)", Yields::Row),
            ("emissions_t", Yields::Predicate),
        ] {
            let expression = Expression::parse(text, "x").unwrap();
            assert!(expression.check(&schema(), shape, "x").is_err(), "{text} must be refused as {shape:?}");
        }
        for text in ["emissions_t // 2", "SUBSTR(sector, -1) = 'x'", "SUBSTRING(sector, 0) = 'x'"] {
            assert!(Expression::parse(text, "x").is_err(), "{text}: databases differ");
        }
        for text in ["SUM(emissions_t); DROP TABLE x", "NOSUCH(emissions_t)", "(SELECT 1)", "SUM(", "", "read_csv('x')"]
        {
            assert!(Expression::parse(text, "x").is_err(), "{text} must not parse");
        }
    }

    #[test]
    fn what_is_taken() {
        for (text, shape) in [
            ("COUNT(*) FILTER (WHERE emissions_t >= 50000)", Yields::Aggregate),
            ("SUM(emissions_t) / 1000000", Yields::Aggregate),
            ("emissions_t / 1000 / CASE WHEN emissions_t < 1 THEN 1 ELSE emissions_t END", Yields::Row),
            ("sector LIKE 'Wind%' OR sector IN ('a; b')", Yields::Predicate),
            ("TRUE", Yields::Predicate),
        ] {
            let expression = Expression::parse(text, "x").unwrap();
            expression.check(&schema(), shape, "x").unwrap();
        }
        let names = Expression::parse("SUM(b) FILTER (WHERE a IS NOT NULL)", "x").unwrap();
        assert_eq!(names.columns(), ["a", "b"]);
    }
}
