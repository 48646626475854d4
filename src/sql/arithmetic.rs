//! The arithmetic of expressions: that of DOUBLE, whatever whole-number type a column, a count or a function has inside
//! polars, so that no result can depend on the width of a hidden type. Not the parsing.
//!
//! Whole numbers that are only compared with whole numbers stay as they are: codes of 17 digits differ in their last.

use std::sync::Arc;

use polars::lazy::dsl::{BooleanFunction, FunctionExpr};
use polars::prelude::arity::broadcast_binary_elementwise_values;
use polars::prelude::*;

/// The expression with all of its arithmetic in DOUBLE, over a table of this schema.
pub(super) fn in_double(expr: &Expr, schema: &Schema) -> Expr {
    Typed { schema }.kept(expr)
}

struct Typed<'s> {
    schema: &'s Schema,
}

impl Typed<'_> {
    /// The type of an expression; unknown where polars cannot tell, which the dry run then reports.
    fn dtype(&self, expr: &Expr) -> DataType {
        expr.to_field(self.schema).map_or(DataType::Null, |field| field.dtype)
    }

    fn is_whole(&self, expr: &Expr) -> bool {
        let dtype = self.dtype(expr);
        dtype.is_integer() || matches!(dtype, DataType::Unknown(UnknownKind::Int(_)))
    }

    fn is_number(&self, expr: &Expr) -> bool {
        let dtype = self.dtype(expr);
        dtype.is_primitive_numeric() || matches!(dtype, DataType::Unknown(UnknownKind::Int(_) | UnknownKind::Float))
    }

    /// The expression, its arithmetic in DOUBLE; a whole number that nothing was done to stays one.
    fn kept(&self, expr: &Expr) -> Expr {
        match expr {
            Expr::BinaryExpr { left, op, right } => self.binary(left, *op, right),
            Expr::Cast { expr, dtype, options } => {
                let expr = Arc::new(self.cast(expr, dtype));
                Expr::Cast { expr, dtype: dtype.clone(), options: *options }
            }
            Expr::Agg(AggExpr::Max { input, .. }) => {
                let kept = self.over_rows(self.kept(input));
                if !self.dtype(&kept).is_float() {
                    return kept.max();
                }
                // What is no number is the greatest of all, as in DuckDB and PostgreSQL: it must not go unseen.
                when(kept.clone().is_nan().any(true)).then(lit(f64::NAN)).otherwise(kept.max())
            }
            Expr::Agg(aggregate) => Expr::Agg(self.aggregate(aggregate)),
            Expr::Function { input, function } => self.function(input, function),
            Expr::AnonymousFunction { input, function, options, fmt_str } => Expr::AnonymousFunction {
                input: input.iter().map(|part| self.double(part)).collect(),
                function: function.clone(),
                options: *options,
                fmt_str: fmt_str.clone(),
            },
            Expr::Ternary { predicate, truthy, falsy } => {
                let branch = |branch: &Expr| if self.is_number(expr) { self.double(branch) } else { self.kept(branch) };
                let (truthy, falsy) = (Arc::new(branch(truthy)), Arc::new(branch(falsy)));
                Expr::Ternary { predicate: Arc::new(self.kept(predicate)), truthy, falsy }
            }
            Expr::Filter { input, by } => {
                Expr::Filter { input: Arc::new(self.kept(input)), by: Arc::new(self.kept(by)) }
            }
            Expr::Alias(inner, name) => Expr::Alias(Arc::new(self.kept(inner)), name.clone()),
            _ => expr.clone(),
        }
    }

    /// The expression as DOUBLE where it is a number or a truth value; else as it is.
    fn double(&self, expr: &Expr) -> Expr {
        if let Expr::Filter { input, by } = expr {
            return Expr::Filter { input: Arc::new(self.double(input)), by: Arc::new(self.kept(by)) };
        }
        let kept = self.kept(expr);
        let dtype = self.dtype(&kept);
        if self.is_whole(&kept) || dtype.is_bool() || dtype == DataType::Float32 {
            kept.cast(DataType::Float64)
        } else {
            kept
        }
    }

    /// An input of an aggregate: a constant stands in every row, so that `SUM(1)` counts them.
    fn over_rows(&self, input: Expr) -> Expr {
        if let Expr::Filter { input, by } = &input {
            let [input, by] = [input, by].map(|part| Arc::new(self.over_rows((**part).clone())));
            return Expr::Filter { input, by };
        }
        let has_rows = (&input).into_iter().any(|part| matches!(part, Expr::Column(_)));
        match self.schema.iter_names().find(|name| !name.starts_with("__")) {
            Some(any) if !has_rows => when(col(any.clone()).is_null()).then(input.clone()).otherwise(input),
            _ => input,
        }
    }

    /// Operands of arithmetic and of comparison.
    fn binary(&self, left: &Expr, op: Operator, right: &Expr) -> Expr {
        let plain = |expr: &Expr| matches!(expr, Expr::Column(_) | Expr::Literal(_)) && self.is_whole(expr);
        let arithmetic = op.is_arithmetic();
        let compares_numbers =
            op.is_comparison() && !(plain(left) && plain(right)) && (self.is_number(left) || self.is_number(right));
        let operand = |expr: &Expr| {
            let is_truth = self.dtype(expr).is_bool();
            if arithmetic || compares_numbers && !is_truth { self.double(expr) } else { self.kept(expr) }
        };
        let (left, right) = (operand(left), operand(right));
        let (left, right) = if op.is_comparison() { self.dated(left, right) } else { (left, right) };
        match op {
            // With the sign of the dividend, as in SQL.
            Operator::Modulus => by_row(left, &right, |dividend, divisor| dividend % divisor),
            // Polars multiplies by the reciprocal of a constant: 3 / 10 would be above 0.3.
            Operator::RustDivide | Operator::TrueDivide => by_row(left, &right, |dividend, divisor| dividend / divisor),
            _ => Expr::BinaryExpr { left: Arc::new(left), op, right: Arc::new(right) },
        }
    }

    /// A text that a date is compared with is read as one.
    fn dated(&self, left: Expr, right: Expr) -> (Expr, Expr) {
        let read = |text: Expr, other: &Expr| {
            let is_text = matches!(text, Expr::Literal(_)) && !self.dtype(&text).is_date();
            if is_text && self.dtype(other).is_date() { text.strict_cast(DataType::Date) } else { text }
        };
        let left = read(left, &right);
        let right = read(right, &left);
        (left, right)
    }

    /// What is to be cast. Numbers become whole by rounding, as in DuckDB and PostgreSQL, not by cutting off.
    fn cast(&self, expr: &Expr, dtype: &DataTypeExpr) -> Expr {
        let kept = self.kept(expr);
        let to_whole = dtype.as_literal().is_some_and(DataType::is_integer);
        if to_whole && self.dtype(&kept).is_float() { kept.round(0, RoundMode::HalfToEven) } else { kept }
    }

    fn aggregate(&self, aggregate: &AggExpr) -> AggExpr {
        let kept = |input: &Expr| Arc::new(self.over_rows(self.kept(input)));
        let double = |input: &Expr| Arc::new(self.over_rows(self.double(input)));
        match aggregate {
            AggExpr::Sum(input) => AggExpr::Sum(double(input)),
            AggExpr::Mean(input) => AggExpr::Mean(double(input)),
            AggExpr::Median(input) => AggExpr::Median(double(input)),
            AggExpr::Std(input, degrees) => AggExpr::Std(double(input), *degrees),
            AggExpr::Var(input, degrees) => AggExpr::Var(double(input), *degrees),
            AggExpr::Min { input, propagate_nans } => {
                AggExpr::Min { input: kept(input), propagate_nans: *propagate_nans }
            }
            AggExpr::Count { input, include_nulls } => {
                AggExpr::Count { input: kept(input), include_nulls: *include_nulls }
            }
            AggExpr::NUnique(input) => AggExpr::NUnique(kept(input)),
            // The list of `IN`, and what rests on the order of rows, which is refused.
            other => other.clone(),
        }
    }

    fn function(&self, input: &[Expr], function: &FunctionExpr) -> Expr {
        let call = |input: Vec<Expr>, function: FunctionExpr| Expr::Function { input, function };
        match function {
            FunctionExpr::Boolean(BooleanFunction::IsIn { .. }) => {
                let double = !matches!(input[0], Expr::Column(_)) && self.is_whole(&input[0]);
                let list = |expr: &Expr| match expr {
                    Expr::Agg(AggExpr::Implode { input, maintain_order }) if double => {
                        let input = Arc::new(self.double(input));
                        Expr::Agg(AggExpr::Implode { input, maintain_order: *maintain_order })
                    }
                    other => self.kept(other),
                };
                let first = if double { self.double(&input[0]) } else { self.kept(&input[0]) };
                let rest = input[1..].iter().map(list);
                call(std::iter::once(first).chain(rest).collect(), function.clone())
            }
            FunctionExpr::NullCount | FunctionExpr::DropNulls | FunctionExpr::Unique(_) => {
                call(input.iter().map(|part| self.over_rows(self.kept(part))).collect(), function.clone())
            }
            FunctionExpr::Boolean(_) => call(input.iter().map(|part| self.kept(part)).collect(), function.clone()),
            FunctionExpr::StringExpr(_) | FunctionExpr::ListExpr(_) | FunctionExpr::TemporalExpr(_) => {
                // Positions and lengths must be whole.
                let position = |expr: &Expr| {
                    let kept = self.kept(expr);
                    let was_whole = self.is_whole(expr) && !self.is_whole(&kept);
                    if was_whole { kept.strict_cast(DataType::Int64) } else { kept }
                };
                call(input.iter().map(position).collect(), function.clone())
            }
            FunctionExpr::MaxHorizontal => {
                let input: Vec<Expr> = input.iter().map(|part| self.double(part)).collect();
                let floats = input.iter().filter(|part| self.dtype(part).is_float());
                let none = floats.map(|part| part.clone().is_nan()).reduce(Expr::or);
                let greatest = call(input, function.clone());
                // As for `MAX`.
                none.map_or(greatest.clone(), |none| when(none).then(lit(f64::NAN)).otherwise(greatest))
            }
            FunctionExpr::Coalesce if input.iter().all(|part| self.dtype(part).is_bool()) => {
                call(input.iter().map(|part| self.kept(part)).collect(), function.clone())
            }
            FunctionExpr::Log => by_row(self.double(&input[0]), &self.double(&input[1]), logarithm),
            // Half away from zero, as SQL has it.
            FunctionExpr::Round { decimals, .. } => {
                let function = FunctionExpr::Round { decimals: *decimals, mode: RoundMode::HalfAwayFromZero };
                call(input.iter().map(|part| self.double(part)).collect(), function)
            }
            other => call(input.iter().map(|part| self.double(part)).collect(), other.clone()),
        }
    }
}

/// A logarithm; exact for powers of the bases 2 and 10, which a quotient of natural logarithms is not.
fn logarithm(of: f64, base: f64) -> f64 {
    if base == 10.0 {
        of.log10()
    } else if base == 2.0 {
        of.log2()
    } else if base == std::f64::consts::E {
        of.ln()
    } else {
        of.log10() / base.log10()
    }
}

/// An operation of DOUBLE by DOUBLE for each row, which polars cannot replace by another.
fn by_row(left: Expr, right: &Expr, operation: fn(f64, f64) -> f64) -> Expr {
    let calculate = move |columns: &mut [Column]| {
        let of = |column: &Column| Ok::<_, PolarsError>(column.cast(&DataType::Float64)?.f64()?.clone());
        let (left, right) = (of(&columns[0])?, of(&columns[1])?);
        let results: Float64Chunked = broadcast_binary_elementwise_values(&left, &right, operation);
        Ok(results.with_name(columns[0].name().clone()).into_column())
    };
    let output = |_: &Schema, fields: &[Field]| Ok(Field::new(fields[0].name().clone(), DataType::Float64));
    left.map_many(calculate, std::slice::from_ref(right), output)
}
