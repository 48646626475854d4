//! Figures over the emissions of one cluster. Slices in, numbers out; a facility without emissions is left out.

/// Sum of squared shares (Herfindahl 1950); `None` where no emissions are known or their sum is 0.
pub fn herfindahl(emissions: &[Option<f64>]) -> Option<f64> {
    Some(shares(emissions)?.iter().map(|share| share * share).sum())
}

/// Share of the largest site.
pub fn largest_share(emissions: &[Option<f64>]) -> Option<f64> {
    shares(emissions)?.into_iter().reduce(f64::max)
}

/// Shannon entropy of the sectors' emission shares, nats; facilities without a sector are left out.
pub fn sector_shannon(emissions: &[Option<f64>], sectors: &[Option<&str>]) -> Option<f64> {
    let mut sums: std::collections::BTreeMap<&str, f64> = std::collections::BTreeMap::new();
    for (emissions, sector) in emissions.iter().zip(sectors) {
        if let (Some(emissions), Some(sector)) = (emissions, sector) {
            *sums.entry(sector).or_default() += emissions;
        }
    }
    let total: f64 = sums.values().sum();
    let entropy =
        || sums.values().map(|sum| sum / total).filter(|share| *share > 0.0).map(|share| -share * share.ln()).sum();
    (total > 0.0).then(entropy)
}

/// Sum of what is there; `None` over nothing, as in SQL.
pub fn sum(emissions: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    emissions.into_iter().flatten().fold(None, |sum: Option<f64>, value| Some(sum.unwrap_or(0.0) + value))
}

fn shares(emissions: &[Option<f64>]) -> Option<Vec<f64>> {
    let total = sum(emissions.iter().copied()).filter(|total| *total > 0.0)?;
    Some(emissions.iter().flatten().map(|value| value / total).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::geometry::spread;

    #[test]
    fn nothing_is_not_zero() {
        assert_eq!(herfindahl(&[None, None]), None);
        assert_eq!(largest_share(&[Some(0.0)]), None);
        assert_eq!(sum([None]), None);
        assert_eq!(herfindahl(&[Some(1.0), Some(3.0), None]), Some(0.0625 + 0.5625));
    }

    /// tests/oracles/concentration: pyproj, shapely and pandas.
    #[test]
    fn figures_agree_with_pandas_and_pyproj() {
        let rows = |path: &str| {
            csv::Reader::from_path(path).unwrap().into_records().map(|row| row.unwrap()).collect::<Vec<_>>()
        };
        let facilities = rows("tests/oracles/concentration/facilities.csv");
        let expected = rows("tests/oracles/concentration/clusters.csv");
        for row in &expected {
            let members: Vec<_> = facilities.iter().filter(|facility| facility[3] == row[0]).collect();
            let emissions: Vec<Option<f64>> = members.iter().map(|member| member[4].parse().ok()).collect();
            let sectors: Vec<Option<&str>> = members.iter().map(|member| Some(&member[5])).collect();
            let place = |member: &csv::StringRecord| (member[1].parse().unwrap(), member[2].parse().unwrap());
            let places: Vec<_> =
                members.iter().zip(&emissions).map(|(member, emissions)| (place(member), *emissions)).collect();
            let spread = spread(&places);
            let found = [
                sum(emissions.iter().copied()),
                spread.area_km2,
                spread.nn_mean_km,
                spread.nn_median_km,
                herfindahl(&emissions),
                largest_share(&emissions),
                sector_shannon(&emissions, &sectors),
            ];
            assert_eq!(members.len().to_string(), row[1]);
            for (found, column) in found.into_iter().zip([2, 3, 4, 5, 6, 7, 8]) {
                let wanted: f64 = row[column].parse().unwrap();
                let error = (found.unwrap() - wanted).abs();
                assert!(
                    error <= 1e-9 * wanted.abs(),
                    "cluster {} column {column}: {found:?} instead of {wanted}",
                    &row[0]
                );
            }
        }
        assert_eq!(expected.len(), 24);
    }
}
