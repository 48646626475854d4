//! What the layers tell about every facility: distance to the nearest feature, counts and sums within radii.

use polars::prelude::*;
use rayon::prelude::*;

use super::Unit;
use crate::error::{Error, Result};
use crate::globe::near::{NearIndex, Nearest};
use crate::validate::{Facilities, Layer};

/// The columns that a layer gives to `facilities`.
pub(super) fn layer_columns(layer: &Layer) -> Vec<(String, DataType)> {
    let name = &layer.name;
    let mut columns = vec![(format!("km_to_{name}"), DataType::Float64), (format!("nearest_{name}"), DataType::String)];
    for radius in &layer.within_km {
        columns.push((format!("{name}_count_within_{radius}km"), DataType::Float64));
        columns
            .extend(layer.sums.iter().map(|(sum, _)| (format!("{name}_{sum}_within_{radius}km"), DataType::Float64)));
    }
    columns
}

/// The register with its distances to every layer and the unit of each row.
pub(super) fn with_layers(
    facilities: &Facilities,
    layers: &[Layer],
    units: &[Unit],
    rows: &[Vec<usize>],
) -> Result<DataFrame> {
    let mut frame = facilities.frame().clone();
    let mut columns = Vec::new();
    for layer in layers {
        let index = NearIndex::new(layer.features.iter().map(|feature| feature.geometry.as_ref()));
        let near: Vec<Near> = facilities.places.par_iter().map(|place| Near::new(&index, layer, *place)).collect();
        columns.extend(near_columns(layer, facilities, &near));
    }
    for column in columns {
        if frame.get_column_index(column.name()).is_none() {
            frame.with_column(column).map_err(Error::table("adding distances"))?;
        }
    }
    let mut unit: Vec<Option<u32>> = vec![None; facilities.rows()];
    for (position, rows) in rows.iter().enumerate().take(units.len()) {
        rows.iter().for_each(|&row| unit[row] = Some(position as u32));
    }
    frame.with_column(Column::new("__unit".into(), unit)).map_err(Error::table("adding clusters"))?;
    Ok(frame)
}

/// What a layer tells about one facility.
struct Near {
    nearest: Option<Nearest>,
    /// Count and sums a radius; `None` without a place.
    within: Vec<Option<Vec<f64>>>,
}

impl Near {
    fn new(index: &NearIndex, layer: &Layer, place: Option<(f64, f64)>) -> Self {
        let within = |radius: &f64| {
            let found = index.within(place?, *radius);
            let sum = |values: &Vec<Option<f64>>| {
                found.iter().filter_map(|&feature| values[feature]).fold(0.0, |sum, value| sum + value)
            };
            Some(std::iter::once(found.len() as f64).chain(layer.sums.iter().map(|(_, values)| sum(values))).collect())
        };
        Self {
            nearest: place.and_then(|place| index.nearest(place)),
            within: layer.within_km.iter().map(within).collect(),
        }
    }
}

fn near_columns(layer: &Layer, facilities: &Facilities, near: &[Near]) -> Vec<Column> {
    let rows = |value: &dyn Fn(&Near) -> Option<f64>| {
        facilities.facility.iter().map(|&at| value(&near[at])).collect::<Vec<_>>()
    };
    let mut names = layer_columns(layer).into_iter().map(|(name, _)| name);
    let mut name = || names.next().unwrap_or_default();
    let mut columns = vec![Column::new(name().into(), rows(&|near| near.nearest.map(|nearest| nearest.km)))];
    let id = |&at: &usize| near[at].nearest.map(|nearest| layer.features[nearest.feature].id.clone());
    columns.push(Column::new(name().into(), facilities.facility.iter().map(id).collect::<Vec<_>>()));
    for radius in 0..layer.within_km.len() {
        for figure in 0..=layer.sums.len() {
            let values = rows(&|near| near.within[radius].as_ref().map(|values| values[figure]));
            columns.push(Column::new(name().into(), values));
        }
    }
    columns
}
