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
