//! Greenhouse gases and their global warming potentials over 100 years.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Problem, suggest};

/// Whose global warming potentials (100 years) turn gases into CO2 equivalents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GwpSet {
    /// IPCC Fourth Assessment Report (2007), WG I, table 2.14.
    #[serde(rename = "AR4")]
    Ar4,
    /// IPCC Fifth Assessment Report (2013), WG I, table 8.A.1, without climate-carbon feedbacks.
    #[serde(rename = "AR5")]
    Ar5,
    /// IPCC Sixth Assessment Report (2021), WG I, table 7.SM.7.
    #[serde(rename = "AR6")]
    Ar6,
}

/// CO2 from biomass: kept apart in `emissions_biogenic_t`, never added to `emissions_t`.
pub const BIOGENIC: &str = "CO2_biogenic";

/// Name, AR4, AR5, AR6.
const GASES: [(&str, [f64; 3]); 23] = [
    ("CO2", [1.0, 1.0, 1.0]),
    ("CH4", [25.0, 28.0, 27.9]),
    ("N2O", [298.0, 265.0, 273.0]),
    ("SF6", [22_800.0, 23_500.0, 25_200.0]),
    ("NF3", [17_200.0, 16_100.0, 17_400.0]),
    ("HFC-23", [14_800.0, 12_400.0, 14_600.0]),
    ("HFC-32", [675.0, 677.0, 771.0]),
    ("HFC-125", [3_500.0, 3_170.0, 3_740.0]),
    ("HFC-134a", [1_430.0, 1_300.0, 1_530.0]),
    ("HFC-143a", [4_470.0, 4_800.0, 5_810.0]),
    ("HFC-152a", [124.0, 138.0, 164.0]),
    ("HFC-227ea", [3_220.0, 3_350.0, 3_600.0]),
    ("HFC-236fa", [9_810.0, 8_060.0, 8_690.0]),
    ("HFC-245fa", [1_030.0, 858.0, 962.0]),
    ("HFC-365mfc", [794.0, 804.0, 914.0]),
    ("HFC-43-10mee", [1_640.0, 1_650.0, 1_600.0]),
    ("CF4", [7_390.0, 6_630.0, 7_380.0]),
    ("C2F6", [12_200.0, 11_100.0, 12_400.0]),
    ("C3F8", [8_830.0, 8_900.0, 9_290.0]),
    ("c-C4F8", [10_300.0, 9_540.0, 10_200.0]),
    ("C4F10", [8_860.0, 9_200.0, 10_000.0]),
    ("C5F12", [9_160.0, 8_550.0, 9_220.0]),
    ("C6F14", [9_300.0, 7_910.0, 8_620.0]),
];

/// Tonnes of CO2 equivalents a tonne of the gas.
///
/// # Errors
///
/// A [`Problem`] at `place` for a gas that is not in the list, or without a named set for another gas than CO2.
pub fn equivalent(gas: &str, set: Option<GwpSet>, place: &str) -> Result<f64, Problem> {
    let Some((_, potentials)) = GASES.iter().find(|(name, _)| *name == gas) else {
        let known = GASES.iter().map(|(name, _)| *name).chain(["C", BIOGENIC]);
        return Err(Problem::new(place, format!("`{gas}` is no gas with one known potential"), suggest(gas, known)));
    };
    match set {
        Some(set) => Ok(potentials[set as usize]),
        None if gas == "CO2" => Ok(1.0),
        None => {
            let message = format!("`{gas}` needs global warming potentials");
            Err(Problem::new(place, message, "add gwp = \"AR5\" (or AR4, AR6) to [facilities]"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IPCC AR4 table 2.14, AR5 table 8.A.1, AR6 table 7.SM.7.
    #[test]
    fn potentials_are_the_published_ones() {
        let of = |gas| [GwpSet::Ar4, GwpSet::Ar5, GwpSet::Ar6].map(|set| equivalent(gas, Some(set), "").unwrap());
        assert_eq!(of("CH4"), [25.0, 28.0, 27.9]);
        assert_eq!(of("N2O"), [298.0, 265.0, 273.0]);
        assert_eq!(of("SF6"), [22_800.0, 23_500.0, 25_200.0]);
        assert_eq!(equivalent("CO2", None, "").unwrap(), 1.0);
        assert!(equivalent("CH4", None, "").unwrap_err().hint.contains("AR5"));
        assert!(equivalent("methane", None, "").unwrap_err().hint.contains("CH4"));
    }
}
