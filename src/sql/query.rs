//! Whole queries over the tables of a run, as `[[expect]]` has them: one SELECT, in the words of SQLite, that names tables and
//! calls none. Its arithmetic is that of DOUBLE here too.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, ObjectName, Query as Tree, Statement, TableFactor, Visit, VisitMut,
    Visitor, VisitorMut,
};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::Parser;

use crate::error::{Problem, suggest};

/// The schema of the earlier run's tables.
pub const PREVIOUS: &str = "previous";

/// A query that reads tables and does nothing else.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    /// The tables of the run that it names.
    pub tables: BTreeSet<String>,
    /// The tables of the earlier run that it names, as `previous.NAME`.
    pub previous: BTreeSet<String>,
}

impl Query {
    /// Parses one query; `is_known` tells the tables of a run.
    ///
    /// # Errors
    ///
    /// A [`Problem`] at `place` if the text is no query, or more than one, or does something else than read known tables.
    pub fn parse(text: &str, place: &str, known: &[&str]) -> Result<Self, Problem> {
        let hint = "write one SELECT over the tables of the run, in the words of SQLite";
        let refuse = |message: String| Problem::new(place, message, hint);
        let mut statements = Parser::parse_sql(&SQLiteDialect {}, text).map_err(|error| refuse(error.to_string()))?;
        let Some(Statement::Query(mut query)) = statements.pop().filter(|_| statements.is_empty()) else {
            return Err(refuse("this is not one SELECT".into()));
        };
        let mut reads = Reads::default();
        if let ControlFlow::Break(message) = query.visit(&mut reads) {
            return Err(refuse(message));
        }
        let Reads { own, mut tables, previous } = reads;
        tables.retain(|table| !own.contains(table));
        if let Some(stranger) = tables.iter().chain(&previous).find(|table| !known.contains(&table.as_str())) {
            let message = format!("a run has no table `{stranger}`");
            return Err(Problem::new(place, message, suggest(stranger, known.iter().copied())));
        }
        let _ = VisitMut::visit(&mut query, &mut Divisions);
        Ok(Self { text: query.to_string(), tables, previous })
    }

    /// The query as SQLite takes it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The tables that a query names.
#[derive(Default)]
struct Reads {
    /// Names that the query gives itself (WITH).
    own: BTreeSet<String>,
    tables: BTreeSet<String>,
    previous: BTreeSet<String>,
}

impl Visitor for Reads {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Tree) -> ControlFlow<String> {
        if let Some(with) = &query.with {
            if with.recursive {
                return ControlFlow::Break("WITH RECURSIVE might never end".into());
            }
            self.own.extend(with.cte_tables.iter().map(|table| table.alias.name.value.clone()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<String> {
        match factor {
            TableFactor::Table { args: None, .. } | TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => {
                ControlFlow::Continue(())
            }
            other => ControlFlow::Break(format!("`{other}` is no table: functions that give tables are not called")),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<String> {
        let parts: Vec<String> = relation.0.iter().filter_map(|part| Some(part.as_ident()?.value.clone())).collect();
        match parts.as_slice() {
            [table] => _ = self.tables.insert(table.clone()),
            [schema, table] if schema == PREVIOUS => _ = self.previous.insert(table.clone()),
            _ => return ControlFlow::Break(format!("`{relation}` is no table of this run or of `{PREVIOUS}`")),
        }
        ControlFlow::Continue(())
    }
}

/// Makes whole numbers divide as others do.
struct Divisions;

impl VisitorMut for Divisions {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::BinaryOp { left, op: BinaryOperator::Divide, .. } = expr {
            let whole = std::mem::replace(
                left.as_mut(),
                Expr::Wildcard(sqlparser::ast::helpers::attached_token::AttachedToken::empty()),
            );
            **left = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(whole),
                data_type: DataType::Real,
                array: false,
                format: None,
            };
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_its_tables_and_calls_none() {
        let known = ["clusters", "facilities"];
        let query = Query::parse(
            "WITH big AS (SELECT * FROM clusters) SELECT * FROM big JOIN previous.facilities f USING (cluster_id) WHERE 1 / 2 > 0",
            "expect.a.sql",
            &known,
        )
        .unwrap();
        assert_eq!(query.tables, ["clusters".to_owned()].into());
        assert_eq!(query.previous, ["facilities".to_owned()].into());
        assert!(query.text().contains("CAST(1 AS REAL) / 2"), "{}", query.text());
        for wrong in [
            "",
            "SELECT 1; SELECT 2",
            "DELETE FROM clusters",
            "ATTACH 'x.db' AS y",
            "PRAGMA database_list",
            "SELECT * FROM pragma_database_list",
            "SELECT * FROM pragma_table_info('clusters')",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM sqlite_master",
            "SELECT * FROM main.clusters",
            "SELECT (SELECT count(*) FROM json_each('[1]')) FROM clusters",
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT n FROM r",
            "SELECT * FROM cluster",
        ] {
            assert!(Query::parse(wrong, "expect.a.sql", &known).is_err(), "{wrong}");
        }
    }
}
