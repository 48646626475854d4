//! Units of the file's numbers, converted to tonnes, kilometres and megawatts.

use crate::error::{Problem, suggest};
use crate::sources::ColumnSpec;

/// What a column measures, with its unit inside the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Tonnes.
    Mass,
    /// Kilometres.
    Length,
    /// Megawatts.
    Power,
}

impl Quantity {
    /// The quantity that a column's name tells: `_t`, `km_to_` and `_km`, `_mw`.
    pub fn of_column(name: &str) -> Option<Self> {
        match name {
            _ if name.ends_with("_t") => Some(Self::Mass),
            _ if name.starts_with("km_to_") || name.ends_with("_km") => Some(Self::Length),
            _ if name.ends_with("_mw") => Some(Self::Power),
            _ => None,
        }
    }

    fn units(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Mass => &[("kg", 1e-3), ("t", 1.0), ("kt", 1e3), ("Mt", 1e6)],
            Self::Length => &[("m", 1e-3), ("km", 1.0)],
            Self::Power => &[("kW", 1e-3), ("MW", 1.0), ("GW", 1e3)],
        }
    }
}

/// The factor that brings a column's numbers to the program's unit.
///
/// Powers of ten below one are applied as a division, so that 15900.1 kg is exactly 15.9001 t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factor {
    multiply: f64,
    divide: f64,
}

impl Factor {
    /// No conversion.
    pub const ONE: Self = Self { multiply: 1.0, divide: 1.0 };

    /// Converts one value.
    pub fn apply(self, value: f64) -> f64 {
        value * self.multiply / self.divide
    }
}

/// The factor for a column, from its `unit` and `of`.
///
/// # Errors
///
/// A [`Problem`] that lists the units there are, for an unknown one or a column whose name tells no quantity.
pub fn factor(name: &str, spec: &ColumnSpec, place: &str) -> Result<Factor, Problem> {
    let quantity = Quantity::of_column(name);
    let mut factor = match (&spec.unit, quantity) {
        (None, _) => Factor::ONE,
        (Some(unit), None) => {
            let message = format!("`{name}` has the unit `{unit}`, but its name does not say which unit it is to have");
            return Err(Problem::new(place, message, "end the name in _t, _km or _mw, or leave the unit out"));
        }
        (Some(unit), Some(quantity)) => {
            let units = quantity.units();
            let Some((_, scale)) = units.iter().find(|(known, _)| known == unit) else {
                let hint = suggest(unit, units.iter().map(|(known, _)| *known));
                return Err(Problem::new(place, format!("`{unit}` is no unit of `{name}`"), hint));
            };
            if *scale < 1.0 {
                Factor { multiply: 1.0, divide: 1.0 / scale }
            } else {
                Factor { multiply: *scale, divide: 1.0 }
            }
        }
    };
    match spec.of.as_deref() {
        None => {}
        Some("C") if quantity == Some(Quantity::Mass) => {
            factor = Factor { multiply: factor.multiply * 44.0, divide: factor.divide * 12.0 };
        }
        Some(other) => {
            let message = format!("`of = \"{other}\"` is not known for `{name}`");
            return Err(Problem::new(place, message, "of = \"C\" says that a mass is of carbon"));
        }
    }
    Ok(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(unit: &str, of: Option<&str>) -> ColumnSpec {
        ColumnSpec { unit: Some(unit.into()), of: of.map(Into::into), ..ColumnSpec::default() }
    }

    #[test]
    fn tonnes_of_carbon_to_co2() {
        let factor = |unit, of| factor("emissions_t", &spec(unit, of), "").unwrap();
        assert_eq!(factor("t", Some("C")).apply(12.0), 44.0);
        assert_eq!(factor("kt", None).apply(461.414), 461_414.0);
        assert_eq!(factor("kg", None).apply(1500.0), 1.5);
    }

    #[test]
    fn a_wrong_unit_lists_the_right_ones() {
        let problem = factor("emissions_t", &spec("tonnes", None), "").unwrap_err();
        assert!(problem.hint.contains("kg, t, kt, Mt"), "{}", problem.hint);
    }
}
