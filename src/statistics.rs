//! Small statistics that several stages need.

/// A quantile of sorted values, between two of them on a straight line (type 7 of Hyndman & Fan 1996, as in numpy and R).
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * (place - place.floor())
}
