//! Rows of one key, added up.

use geo::Geometry;
use polars::prelude::*;

use crate::error::{Error, Result};
use crate::sources::Origin;

/// One row a key, in the order of their first rows: columns in `_t` added up (null where all are), the rest the first's.
pub fn add_up(
    frame: &DataFrame,
    columns: &[String],
    origin: &mut Vec<Origin>,
    geometry: &mut Vec<Option<Geometry>>,
) -> Result<DataFrame> {
    let key: Vec<Expr> = columns.iter().map(|name| col(name.as_str())).collect();
    let others = frame.columns().iter().map(|column| column.name().as_str());
    let values = others.filter(|name| !columns.iter().any(|column| column == name)).map(|name| {
        if name.ends_with("_t") {
            when(col(name).count().gt(lit(0))).then(col(name).sum()).otherwise(lit(NULL)).alias(name)
        } else {
            col(name).first()
        }
    });
    let values: Vec<Expr> = values.chain([col("__row").first()]).collect();
    let rows = Column::new("__row".into(), (0..frame.height() as u64).collect::<Vec<_>>());
    let order: Vec<&str> = frame.columns().iter().map(|column| column.name().as_str()).collect();
    let mut numbered = frame.clone();
    numbered.with_column(rows).map_err(Error::table("numbering rows"))?;
    let merged = numbered.lazy().group_by_stable(key).agg(values).collect().map_err(Error::table("adding rows up"))?;
    let first = merged.column("__row").and_then(|column| Ok(column.u64()?.iter().flatten().collect::<Vec<u64>>()));
    let first = first.map_err(Error::table("adding rows up"))?;
    *origin = first.iter().map(|&row| origin[row as usize]).collect();
    if !geometry.is_empty() {
        *geometry = first.iter().map(|&row| geometry[row as usize].take()).collect();
    }
    merged.select(order).map_err(Error::table("adding rows up"))
}
