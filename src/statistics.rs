//! Small statistics that several stages need.

/// A quantile of sorted values, between two of them on a straight line (type 7 of Hyndman & Fan 1996, as in numpy and R).
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    between(sorted[place.floor() as usize], sorted[place.ceil() as usize], place)
}

/// The value at a place between two sorted values, of which the first stands at its whole part.
pub fn between(low: f64, high: f64, place: f64) -> f64 {
    low + (high - low) * (place - place.floor())
}

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The median; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| quantile(&sorted(values), 0.5))
}

/// Values, ascending.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The least and the greatest; `None` of nothing.
pub fn ends(values: &[f64]) -> Option<(f64, f64)> {
    let least = values.iter().copied().reduce(f64::min)?;
    Some((least, values.iter().copied().reduce(f64::max)?))
}

/// The standard deviation of a sample (over n - 1); `None` of less than two.
pub fn deviation(values: &[f64]) -> Option<f64> {
    covariance(values, values).map(f64::sqrt)
}

/// The covariance of a sample (over n - 1); `None` of less than two pairs.
pub fn covariance(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() < 2 {
        return None;
    }
    let (of_a, of_b) = (mean(a)?, mean(b)?);
    Some(a.iter().zip(b).map(|(a, b)| (a - of_a) * (b - of_b)).sum::<f64>() / (a.len() - 1) as f64)
}

/// The sum of the powers of distances from the mean, over n.
fn moment(values: &[f64], mean: f64, power: i32) -> f64 {
    values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / values.len() as f64
}

/// The skewness, adjusted for bias (G1 of Joanes & Gill 1998); `None` of less than three, or where all are equal.
pub fn skewness(values: &[f64]) -> Option<f64> {
    let (count, mean) = (values.len() as f64, mean(values)?);
    let second = moment(values, mean, 2);
    let is_defined = values.len() >= 3 && !is_constant(values) && second > 0.0;
    is_defined
        .then(|| moment(values, mean, 3) / second.powf(1.5) * (count * (count - 1.0)).sqrt() / (count - 2.0))
        .filter(|skewness| skewness.is_finite())
}

/// The excess kurtosis, adjusted for bias (G2 of Joanes & Gill 1998); `None` of less than four, or where all are equal.
pub fn kurtosis(values: &[f64]) -> Option<f64> {
    let (count, mean) = (values.len() as f64, mean(values)?);
    let second = moment(values, mean, 2);
    let is_defined = values.len() >= 4 && !is_constant(values) && second > 0.0;
    let plain = moment(values, mean, 4) / second.powi(2) - 3.0;
    is_defined
        .then(|| ((count + 1.0) * plain + 6.0) * (count - 1.0) / ((count - 2.0) * (count - 3.0)))
        .filter(|kurtosis| kurtosis.is_finite())
}

/// How far two values may lie apart by rounding and be one, as a share of them: what a sum in another order may make of
/// one.
pub const ROUNDING: f64 = 1e-12;

/// Whether all values are one, but for rounding.
pub fn is_constant(values: &[f64]) -> bool {
    ends(values).is_none_or(|(least, most)| most - least <= ROUNDING * least.abs().max(most.abs()))
}

/// Runs of ascending values that are one, but for rounding.
fn runs(sorted: &[f64]) -> impl Iterator<Item = &[f64]> {
    sorted.chunk_by(|a, b| b - a <= ROUNDING * a.abs().max(b.abs()))
}

/// Values of which those that are one but for rounding are one; NaN stays.
pub fn snapped(values: &[f64]) -> Vec<f64> {
    let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    let sorted = sorted(&known);
    let firsts: Vec<f64> = runs(&sorted).flat_map(|run| std::iter::repeat_n(run[0], run.len())).collect();
    let snap =
        |value: &f64| if value.is_nan() { *value } else { firsts[sorted.partition_point(|other| other < value)] };
    values.iter().map(snap).collect()
}

/// Pearson's correlation; `None` of less than two pairs, or where either is constant.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    if is_constant(a) || is_constant(b) {
        return None;
    }
    let correlation = covariance(a, b)? / (covariance(a, a)?.sqrt() * covariance(b, b)?.sqrt());
    correlation.is_finite().then(|| correlation.clamp(-1.0, 1.0))
}

/// Spearman's: Pearson's of mean ranks.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    pearson(&mean_ranks(a), &mean_ranks(b))
}

/// The rank of each value from 1, equal ones at their mean rank.
pub fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let sorted = sorted(values);
    let rank = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let up_to = sorted.partition_point(|other| other <= value);
        (below + 1 + up_to) as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

/// Kendall's tau-b (1945): pairs in the same order less pairs in the opposite one, over the geometric mean of the pairs
/// that are not tied in either; `None` where either is constant.
///
/// # Source
///
/// Knight (1966): pairs out of order are counted while sorting.
pub fn kendall(a: &[f64], b: &[f64]) -> Option<f64> {
    // Plus 0: -0.0 is sorted before it, and equal to it.
    let mut pairs: Vec<(f64, f64)> = a.iter().zip(b).map(|(a, b)| (a + 0.0, b + 0.0)).collect();
    pairs.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let all = pairs_of(pairs.len());
    let tied_in_a = ties(&pairs, |one, other| one.0 == other.0);
    let tied_in_both = ties(&pairs, |one, other| one == other);
    let mut order: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let discordant = inversions(&mut order);
    let tied_in_b = ties(&order, |one, other| one == other);
    let untied = (all - tied_in_a) as f64 * (all - tied_in_b) as f64;
    let concordant = (all + tied_in_both) as f64 - (tied_in_a + tied_in_b) as f64 - discordant as f64;
    (untied > 0.0).then(|| (concordant - discordant as f64) / untied.sqrt())
}

fn pairs_of(count: usize) -> u64 {
    (count as u64) * (count as u64).saturating_sub(1) / 2
}

/// Pairs within runs of equal neighbours.
fn ties<T>(sorted: &[T], same: impl Fn(&T, &T) -> bool) -> u64 {
    sorted.chunk_by(same).map(|run| pairs_of(run.len())).sum()
}

/// Sorts values, and counts the pairs that were out of order.
fn inversions(values: &mut [f64]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut count = inversions(left) + inversions(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut at, mut of_right) = (0, right.iter().peekable());
    while let (Some(&first), Some(&&second)) = (left.get(at), of_right.peek()) {
        if first <= second {
            merged.push(first);
            at += 1;
        } else {
            merged.push(second);
            of_right.next();
            count += (left.len() - at) as u64;
        }
    }
    merged.extend_from_slice(&left[at..]);
    merged.extend(of_right);
    values.copy_from_slice(&merged);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats: `skew(bias=False)`, `kurtosis(bias=False)`, `pearsonr`, `spearmanr`, `kendalltau`.
    #[test]
    fn as_scipy_has_them() {
        let a = [2.0, 7.0, 1.0, 8.0, 2.0, 8.0, 1.0, 8.0, 2.0, 8.0];
        let b = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0];
        let close =
            |found: Option<f64>, wanted: f64| assert!((found.unwrap() - wanted).abs() < 1e-12, "{found:?}, {wanted}");
        close(skewness(&b), 0.806_457_574_727_363);
        close(kurtosis(&b), 0.673_909_983_235_432_7);
        close(pearson(&a, &b), 0.104_922_842_877_358_81);
        close(spearman(&a, &b), 0.134_715_062_810_912_67);
        close(kendall(&a, &b), 0.130_410_132_739_325_25);
        close(deviation(&b), 2.469_817_807_045_693_8);
    }

    #[test]
    fn nothing_to_say_of_what_is_all_one() {
        let constant = [0.1; 7];
        assert_eq!((skewness(&constant), kurtosis(&constant)), (None, None));
        assert_eq!(pearson(&constant, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), None);
        assert_eq!(kendall(&constant, &constant), None);
        assert_eq!((mean(&[]), median(&[]), ends(&[]), deviation(&[1.0])), (None, None, None, None));
        assert_eq!(median(&[4.0, 1.0, 3.0]), Some(3.0));
    }
}
