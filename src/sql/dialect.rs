//! What SQL means where polars' parser takes it otherwise: the syntax tree is put in words that mean the same to both.
//! Not the arithmetic.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, SelectItem, UnaryOperator, Value,
    visit_expressions_mut,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError, ParserOptions};

use crate::error::suggest;

/// The functions that expressions may call: each gives the same in DuckDB (`REGEXP_LIKE` in PostgreSQL), and none hangs on chance,
/// the clock, or the order of rows.
pub const FUNCTIONS: &[&str] = &[
    "ABS",
    "ACOS",
    "ASIN",
    "ATAN",
    "ATAN2",
    "AVG",
    "CBRT",
    "CEIL",
    "CEILING",
    "CHAR_LENGTH",
    "COALESCE",
    "CONCAT",
    "CONCAT_WS",
    "CORR",
    "COS",
    "COT",
    "COUNT",
    "COVAR_POP",
    "COVAR_SAMP",
    "DATE_PART",
    "DEGREES",
    "ENDS_WITH",
    "EXP",
    "EXTRACT",
    "FLOOR",
    "GREATEST",
    "IF",
    "IFNULL",
    "LEAST",
    "LEFT",
    "LENGTH",
    "LN",
    "LOG",
    "LOG10",
    "LOG2",
    "LOWER",
    "LPAD",
    "LTRIM",
    "MAX",
    "MEDIAN",
    "MIN",
    "MOD",
    "NULLIF",
    "PI",
    "POW",
    "POWER",
    "QUANTILE_CONT",
    "QUANTILE_DISC",
    "RADIANS",
    "REGEXP_LIKE",
    "REPLACE",
    "REVERSE",
    "RIGHT",
    "ROUND",
    "RPAD",
    "RTRIM",
    "SIGN",
    "SIN",
    "SPLIT_PART",
    "SQRT",
    "STARTS_WITH",
    "STDDEV",
    "STDDEV_SAMP",
    "STRFTIME",
    "STRPOS",
    "SUBSTR",
    "SUM",
    "TAN",
    "TRIM",
    "TRUNC",
    "UPPER",
    "VARIANCE",
    "VAR_SAMP",
];

/// The expression in words that polars takes as SQL does; unchanged where it does not parse, which polars then reports.
///
/// # Errors
///
/// What the expression uses that there is not, or that databases read in different ways, and what to write.
pub(super) fn as_polars_reads(text: &str) -> Result<String, (String, String)> {
    let Ok(mut item) = parse(text) else { return Ok(text.to_owned()) };
    let mut changed = false;
    let visited = visit_expressions_mut(&mut item, |expr| match refused(expr) {
        Some(reason) => ControlFlow::Break(reason),
        None => {
            if let Some(other) = reworded(expr).and_then(|text| parse(&text).ok()).and_then(unnamed) {
                *expr = Expr::Nested(Box::new(other));
                changed = true;
            }
            ControlFlow::Continue(())
        }
    });
    match visited {
        ControlFlow::Break((what, hint)) => Err((format!("`{text}` uses {what}"), hint)),
        ControlFlow::Continue(()) => Ok(if changed { item.to_string() } else { text.to_owned() }),
    }
}

fn parse(text: &str) -> Result<SelectItem, ParserError> {
    let options = ParserOptions { trailing_commas: true, ..ParserOptions::default() };
    Parser::new(&GenericDialect {}).with_options(options).try_with_sql(text)?.parse_select_item()
}

fn unnamed(item: SelectItem) -> Option<Expr> {
    if let SelectItem::UnnamedExpr(expr) = item { Some(expr) } else { None }
}

/// What there is not, and what databases do not agree upon.
fn refused(expr: &Expr) -> Option<(String, String)> {
    let differs = |what: &str, hint: &str| Some((what.to_owned(), hint.to_owned()));
    match expr {
        Expr::Function(function) => {
            let name = function.name.to_string().to_uppercase();
            let is_known = FUNCTIONS.contains(&name.as_str());
            (!is_known).then(|| {
                (format!("the function `{name}`, which there is not"), suggest(&name, FUNCTIONS.iter().copied()))
            })
        }
        Expr::BinaryOp { op: BinaryOperator::DuckIntegerDivide | BinaryOperator::MyIntegerDivide, .. } => {
            differs("a whole-number division", "write FLOOR(x / y)")
        }
        Expr::Substring { substring_from: Some(from), .. } if is_below_one(from) => differs(
            "a start below 1, which databases read in different ways",
            "count from 1; RIGHT(text, n) takes the last n characters",
        ),
        _ => None,
    }
}

fn is_below_one(expr: &Expr) -> bool {
    match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, .. } => true,
        Expr::Value(value) => matches!(&value.value, Value::Number(number, _) if number == "0"),
        Expr::Nested(inner) => is_below_one(inner),
        _ => false,
    }
}

/// An expression that means the same, where polars has another meaning for this one.
fn reworded(expr: &Expr) -> Option<String> {
    Some(match expr {
        // Polars makes a null of these where its operand is null.
        Expr::IsTrue(of) => format!("COALESCE({of}, FALSE)"),
        Expr::IsNotTrue(of) => format!("NOT COALESCE({of}, FALSE)"),
        Expr::IsFalse(of) => format!("NOT COALESCE({of}, TRUE)"),
        Expr::IsNotFalse(of) => format!("COALESCE({of}, TRUE)"),
        Expr::IsUnknown(of) => format!("({of}) IS NULL"),
        Expr::IsNotUnknown(of) => format!("({of}) IS NOT NULL"),
        // Polars takes a start that is computed for the result.
        Expr::Substring { expr: of, substring_from: Some(from), substring_for: None, .. }
            if !matches!(**from, Expr::Value(_)) =>
        {
            format!("SUBSTR({of}, {from}, {LONGEST})")
        }
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("log") => {
            match arguments(&function.args)[..] {
                [of] => format!("LOG10({of})"),
                // The base comes first in SQL, and second in polars.
                [base, of] => format!("LOG({of}, {base})"),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// Characters of a text, at the most.
const LONGEST: u32 = 1_000_000_000;

fn arguments(of: &FunctionArguments) -> Vec<&Expr> {
    let FunctionArguments::List(list) = of else { return Vec::new() };
    let plain = |argument| match argument {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Some(expr),
        _ => None,
    };
    list.args.iter().filter_map(plain).collect()
}
