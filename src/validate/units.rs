//! Units of the file's numbers, converted to tonnes, kilometres, square kilometres and megawatts.

use super::gases::{GwpSet, equivalent};
use crate::error::{Problem, suggest};
use crate::sources::ColumnSpec;

/// What a column measures, with its unit inside the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Tonnes.
    Mass,
    /// Kilometres.
    Length,
    /// Square kilometres.
    Area,
    /// Megawatts.
    Power,
}

impl Quantity {
    /// The quantity that a column's name tells: `_t`, `km_to_` and `_km`, `_km2`, `_mw`; also `_mt` for megatonnes.
    pub fn of_column(name: &str) -> Option<Self> {
        match name {
            _ if name.ends_with("_t") || name.ends_with("_mt") => Some(Self::Mass),
            _ if crate::names::is_distance(name) || name.ends_with("_km") => Some(Self::Length),
            _ if name.ends_with("_km2") => Some(Self::Area),
            _ if name.ends_with("_mw") => Some(Self::Power),
            _ => None,
        }
    }

    /// Unit, and what one of it is: a multiple, and a divisor where that is exact (a kilogram is 1/1000 t).
    fn units(self) -> &'static [(&'static str, f64, f64)] {
        match self {
            Self::Mass => &[
                ("g", 1.0, 1e6),
                ("kg", 1.0, 1e3),
                ("t", 1.0, 1.0),
                ("kt", 1e3, 1.0),
                ("Mt", 1e6, 1.0),
                ("Gt", 1e9, 1.0),
                // International avoirdupois pound, 0.45359237 kg exactly.
                ("lb", 0.453_592_37, 1e3),
                ("short ton", 0.907_184_74, 1.0),
                ("long ton", 1.016_046_908_8, 1.0),
            ],
            Self::Length => {
                &[("m", 1.0, 1e3), ("km", 1.0, 1.0), ("ft", 0.3048, 1e3), ("mi", 1.609_344, 1.0), ("nmi", 1.852, 1.0)]
            }
            Self::Area => &[
                ("m2", 1.0, 1e6),
                ("ha", 1.0, 100.0),
                ("km2", 1.0, 1.0),
                ("acre", 4_046.856_422_4, 1e6),
                ("mi2", 2.589_988_110_336, 1.0),
            ],
            Self::Power => &[("W", 1.0, 1e6), ("kW", 1.0, 1e3), ("MW", 1.0, 1.0), ("GW", 1e3, 1.0)],
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

    /// Also multiplies by a number.
    pub fn times(self, by: f64) -> Self {
        Self { multiply: self.multiply * by, ..self }
    }
}

/// The factor for a column, from its `unit` and `of`.
///
/// # Errors
///
/// A [`Problem`] that lists the units there are, for an unknown one or a column whose name tells no quantity.
pub fn factor(name: &str, spec: &ColumnSpec, gwp: Option<GwpSet>, place: &str) -> Result<Factor, Problem> {
    let quantity = Quantity::of_column(name);
    let mut factor = match (&spec.unit, quantity) {
        (None, _) => Factor::ONE,
        (Some(unit), None) => {
            let message = format!("`{name}` has the unit `{unit}`, but its name does not say which unit it is to have");
            return Err(Problem::new(place, message, "end the name in _t, _km, _km2 or _mw, or leave the unit out"));
        }
        (Some(unit), Some(quantity)) => {
            let units = quantity.units();
            let Some((_, multiply, divide)) = units.iter().find(|(known, ..)| known == unit) else {
                let hint = suggest(unit, units.iter().map(|(known, ..)| *known));
                return Err(Problem::new(place, format!("`{unit}` is no unit of `{name}`"), hint));
            };
            Factor { multiply: *multiply, divide: *divide }
        }
    };
    if spec.unit.is_some() && name.ends_with("_mt") {
        factor.divide *= 1e6;
    }
    match spec.of.as_deref() {
        None => {}
        Some(of) if quantity != Some(Quantity::Mass) => {
            let message = format!("`of = \"{of}\"` is not known for `{name}`");
            return Err(Problem::new(place, message, "`of` says of what a mass is: end the name in _t"));
        }
        Some("C") => factor = Factor { multiply: factor.multiply * 44.0, divide: factor.divide * 12.0 },
        Some(gas) => factor = factor.times(equivalent(gas, gwp, place)?),
    }
    Ok(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(unit: &str, of: Option<&str>) -> ColumnSpec {
        ColumnSpec { unit: Some(unit.into()), of: of.map(Into::into), ..ColumnSpec::default() }
    }

    /// NIST Special Publication 811 (2008), appendix B; carbon to CO2 by 44/12.
    #[test]
    fn units_are_the_defined_ones() {
        for (name, unit, of, value, wanted) in [
            ("emissions_t", "t", Some("C"), 12.0, 44.0),
            ("emissions_t", "kt", None, 461.414, 461_414.0),
            ("emissions_t", "kg", None, 1500.0, 1.5),
            ("emissions_t", "lb", None, 2000.0, 0.907_184_74),
            ("emissions_t", "short ton", None, 1.0, 0.907_184_74),
            ("emissions_t", "kg", Some("CH4"), 1000.0, 28.0),
            ("capacity_mt", "Mt", None, 3.0, 3.0),
            ("capacity_mt", "t", None, 3e6, 3.0),
            ("km_to_port", "nmi", None, 10.0, 18.52),
            ("km_to_port", "mi", None, 1.0, 1.609_344),
            ("area_km2", "ha", None, 250.0, 2.5),
            ("capacity_mw", "kW", None, 1500.0, 1.5),
        ] {
            let found = factor(name, &spec(unit, of), Some(GwpSet::Ar5), "").unwrap().apply(value);
            assert_eq!(found, wanted, "{value} {unit}");
        }
    }

    #[test]
    fn a_wrong_unit_lists_the_right_ones() {
        let problem = factor("emissions_t", &spec("tonnes", None), None, "").unwrap_err();
        assert!(problem.hint.contains("kg, t, kt, Mt"), "{}", problem.hint);
    }
}
