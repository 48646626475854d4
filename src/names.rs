//! Names of columns: those that are fixed, and those that are made of a layer's, a column's or a kind's name. Each is built
//! and read here.

/// Emissions, t.
pub const EMISSIONS: &str = "emissions_t";
/// What the register's rows weigh in shares and means.
pub const WEIGHT: &str = "weight";
/// The unit (cluster and period) of each row of a table that SQL sees.
pub const UNIT: &str = "__unit";
/// The share of a unit's facilities that was asked about a kind of ties.
pub const OBSERVED_SHARE: &str = "observed_share";
/// The share of a unit's emissions that stands with facilities that were asked.
pub const OBSERVED_EMISSION_SHARE: &str = "observed_emission_share";

const DISTANCE: &str = "km_to_";
const NEAREST: &str = "nearest_";
const WITHIN: &str = "_within_";
const WITHIN_KM: &str = "within_km_";
/// How far a thing may lie from where its file has it, km.
pub const PRECISION: &str = "precision_km";

/// What a column tells of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfLayer {
    /// The distance to its nearest feature, km.
    Distance,
    /// The id of its nearest feature.
    Nearest,
    /// How well the distance is known, km.
    Mark,
    /// A count or a sum of its features within a radius.
    Within,
}

/// The level of a dimension.
pub fn level(dimension: &str) -> String {
    format!("{dimension}_level")
}

/// The share of a dimension's weight that rests on data.
pub fn coverage(dimension: &str) -> String {
    format!("{dimension}_coverage")
}

/// The bounds of a dimension's score: the lower, the higher.
pub fn bounds(dimension: &str) -> [String; 2] {
    [format!("{dimension}_low"), format!("{dimension}_high")]
}

/// The probability of a type, by its number.
pub fn p_type(number: i64) -> String {
    format!("p_type_{number}")
}

/// The probability that a dimension is in its highest level.
pub fn p_high(dimension: &str) -> String {
    format!("{dimension}_p_high")
}

/// A quantile of a dimension's scores over replicates.
pub fn quantile(dimension: &str, share: f64) -> String {
    format!("{dimension}_q{:02.0}", 100.0 * share)
}

/// A quantile of a dimension's ranks over replicates.
pub fn rank_quantile(dimension: &str, share: f64) -> String {
    format!("{dimension}_rank_q{:02.0}", 100.0 * share)
}

/// The distance to the nearest feature of a layer, km.
pub fn distance(layer: &str) -> String {
    format!("{DISTANCE}{layer}")
}

/// How well the distance to a layer is known, km, where that is more than the distance itself.
pub fn within_km(layer: &str) -> String {
    format!("{WITHIN_KM}{layer}")
}

/// The id of the nearest feature of a layer.
pub fn nearest(layer: &str) -> String {
    format!("{NEAREST}{layer}")
}

/// The number of features of a layer within a radius, km.
pub fn count_within(layer: &str, radius_km: f64) -> String {
    sum_within(layer, "count", radius_km)
}

/// The sum of a column over the features of a layer within a radius, km.
pub fn sum_within(layer: &str, column: &str, radius_km: f64) -> String {
    format!("{layer}_{column}{WITHIN}{radius_km}km")
}

/// The sum of a column over all features that a cluster reaches, a tonne of its emissions.
pub fn reachable(column: &str) -> String {
    format!("reachable_{column}")
}

/// A figure of one kind of ties.
pub fn of_kind(figure: &str, kind: &str) -> String {
    format!("{figure}_{kind}")
}

/// Whether a facility was asked about a kind of ties.
pub fn observed(kind: &str) -> String {
    of_kind("observed", kind)
}

/// The kind of ties of a figure's column; `None` for a column of another figure.
pub fn kind_of<'a>(column: &'a str, figure: &str) -> Option<&'a str> {
    column.strip_prefix(figure)?.strip_prefix('_')
}

/// The layer of a distance's column; `None` for another column.
pub fn layer_of_distance(column: &str) -> Option<&str> {
    column.strip_prefix(DISTANCE)
}

/// Whether a column is a distance in kilometres to something that is named.
pub fn is_distance(column: &str) -> bool {
    layer_of_distance(column).is_some()
}

/// What a column tells of a layer, by its make alone: of which layer cannot be told, for names may hold anything.
pub fn of_some_layer(column: &str) -> Option<OfLayer> {
    let makes = [
        (is_distance(column), OfLayer::Distance),
        (column.starts_with(NEAREST), OfLayer::Nearest),
        (column.starts_with(WITHIN_KM), OfLayer::Mark),
        (column.contains(WITHIN), OfLayer::Within),
    ];
    makes.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
}

/// What a column tells of this layer; `None` for one that is not made of its name.
pub fn of_layer(column: &str, layer: &str) -> Option<OfLayer> {
    if column == distance(layer) {
        Some(OfLayer::Distance)
    } else if column == nearest(layer) {
        Some(OfLayer::Nearest)
    } else if column == within_km(layer) {
        Some(OfLayer::Mark)
    } else {
        let rest = column.strip_prefix(layer)?.strip_prefix('_')?;
        let is_within = format!("_{rest}").contains(WITHIN) && rest.ends_with("km");
        is_within.then_some(OfLayer::Within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read_back() {
        for layer in ["ports", "co2_within", "a_b"] {
            let within = [count_within(layer, 50.0), sum_within(layer, "mw", 2.5)];
            let [count, sum] = within;
            let made = [distance(layer), nearest(layer), within_km(layer), count, sum];
            let told = made.each_ref().map(|column| of_layer(column, layer));
            let wanted = [OfLayer::Distance, OfLayer::Nearest, OfLayer::Mark, OfLayer::Within, OfLayer::Within];
            assert_eq!(told, wanted.map(Some), "{made:?}");
            assert!(made.iter().all(|column| of_layer(column, "port").is_none() && of_some_layer(column).is_some()));
        }
        assert_eq!(count_within("ports", 50.0), "ports_count_within_50km");
        assert_eq!(kind_of(&of_kind(OBSERVED_SHARE, "formal"), OBSERVED_SHARE), Some("formal"));
        assert_eq!(kind_of("observed_emission_share_formal", OBSERVED_SHARE), None);
    }
}
