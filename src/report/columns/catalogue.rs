//! Every output table and its columns, in the order in which they are written.

use super::Kind::{Any, Boolean, Integer, Number, Text};
use super::{Column, TableEntry, c};

/// All tables, in the order in which a reader needs them.
pub const TABLES: &[TableEntry] = &[
    TableEntry {
        name: "clusters",
        title: "Clusters: scores, levels and types",
        row: "a cluster and period",
        only: "",
        key: &["cluster_id", "period"],
        columns: CLUSTERS,
    },
    TableEntry {
        name: "figures",
        title: "Figures of clusters",
        row: "a cluster and period",
        only: "",
        key: &["cluster_id", "period"],
        columns: FIGURES,
    },
    TableEntry {
        name: "indicators",
        title: "Indicators of clusters",
        row: "a cluster, period and indicator",
        only: "",
        key: &["cluster_id", "period", "indicator"],
        columns: INDICATORS,
    },
    TableEntry {
        name: "scores",
        title: "Scores of components and dimensions",
        row: "a cluster, period and node of the score tree",
        only: "",
        key: &["cluster_id", "period", "node"],
        columns: SCORES,
    },
    TableEntry {
        name: "diagnostics",
        title: "Indicators: their values, outliers and treatment",
        row: "an indicator",
        only: "unless `score.diagnostics` is false",
        key: &["indicator"],
        columns: DIAGNOSTICS,
    },
    TableEntry {
        name: "correlations",
        title: "Correlations of scores",
        row: "two indicators, two siblings, or something and what stands above it",
        only: "unless `score.diagnostics` is false",
        key: &["first", "second"],
        columns: CORRELATIONS,
    },
    TableEntry {
        name: "loadings",
        title: "Principal components of the children of each node",
        row: "a node, principal component and child",
        only: "unless `score.diagnostics` is false",
        key: &["node", "principal_component", "child"],
        columns: LOADINGS,
    },
    TableEntry {
        name: "effective_weights",
        title: "What each part weighs in its dimension",
        row: "a dimension and the dimension itself, a component or an indicator of it",
        only: "unless `score.diagnostics` is false",
        key: &["dimension", "node"],
        columns: EFFECTIVE_WEIGHTS,
    },
    TableEntry {
        name: "removal",
        title: "Ranks without each part",
        row: "a cluster, period, dimension and part of it that is left out",
        only: "unless `score.diagnostics` is false",
        key: &["cluster_id", "period", "dimension", "removed"],
        columns: REMOVAL,
    },
    TableEntry {
        name: "strengths",
        title: "Strengths and weaknesses",
        row: "a cluster, period and indicator by which it stands out",
        only: "unless `score.diagnostics` is false",
        key: &["cluster_id", "period", "kind", "position"],
        columns: STRENGTHS,
    },
    TableEntry {
        name: "availability",
        title: "What data there are of clusters",
        row: "a cluster and period",
        only: "unless `score.diagnostics` is false",
        key: &["cluster_id", "period"],
        columns: AVAILABILITY,
    },
    TableEntry {
        name: "facilities",
        title: "Facilities",
        row: "a facility and period",
        only: "with a register",
        key: &["facility_id", "period"],
        columns: FACILITIES,
    },
    TableEntry {
        name: "types",
        title: "Clusters and emissions by type",
        row: "a period and type, clusters whose type is not known, or what is in no cluster",
        only: "",
        key: &["period", "type_name"],
        columns: TYPES,
    },
    TableEntry {
        name: "reach",
        title: "What clusters reach",
        row: "a cluster and feature that it reaches",
        only: "with layers",
        key: &["cluster_id", "layer", "km", "feature"],
        columns: REACH,
    },
    TableEntry {
        name: "sectors",
        title: "Sectors of clusters",
        row: "a cluster, period and sector",
        only: "with a register",
        key: &["cluster_id", "period", "sector"],
        columns: SECTORS,
    },
    TableEntry {
        name: "concentration",
        title: "Concentration of emissions",
        row: "a period and sector, or all sectors",
        only: "with a register",
        key: &["period", "sector"],
        columns: CONCENTRATION,
    },
    TableEntry {
        name: "stability",
        title: "Clusters at other radii",
        row: "a radius, cluster and group there that shares facilities with it",
        only: "with several radii",
        key: &["radius_km", "event", "cluster_id", "other_id"],
        columns: STABILITY,
    },
    TableEntry {
        name: "lineage",
        title: "Clusters of an earlier run",
        row: "an earlier cluster and one of this run that shares facilities with it",
        only: "with `--previous`",
        key: &["event", "previous_id", "cluster_id"],
        columns: LINEAGE,
    },
    TableEntry {
        name: "networks",
        title: "Whole networks",
        row: "a kind of tie and period",
        only: "with links or memberships",
        key: &["kind", "period"],
        columns: NETWORKS,
    },
    TableEntry {
        name: "cluster_links",
        title: "Ties between clusters",
        row: "a kind of tie, period and pair of clusters",
        only: "with links or memberships",
        key: &["kind", "period", "cluster_id", "other_id"],
        columns: CLUSTER_LINKS,
    },
    TableEntry {
        name: "ties",
        title: "Where ties come from",
        row: "a cluster, period and row of a source that names one of its facilities or operators",
        only: "with links or memberships",
        key: &["cluster_id", "period", "kind", "name", "from", "to", "organisation", "file", "line"],
        columns: TIES,
    },
    TableEntry {
        name: "levers",
        title: "Levers: what one indicator would have to be",
        row: "a cluster, period and indicator",
        only: "",
        key: &["cluster_id", "period", "indicator"],
        columns: LEVERS,
    },
    TableEntry {
        name: "lever_pairs",
        title: "Cheapest pairs of levers",
        row: "a cluster, period, dimension and set of indicators",
        only: "",
        key: &["cluster_id", "period", "dimension", "among"],
        columns: LEVER_PAIRS,
    },
    TableEntry {
        name: "type_distances",
        title: "Distances to types",
        row: "a cluster, period and type",
        only: "with a typology",
        key: &["cluster_id", "period", "type"],
        columns: TYPE_DISTANCES,
    },
    TableEntry {
        name: "type_memberships",
        title: "Memberships in types",
        row: "a cluster, period and type",
        only: "with `fuzzy_width`",
        key: &["cluster_id", "period", "type"],
        columns: TYPE_MEMBERSHIPS,
    },
    TableEntry {
        name: "moves",
        title: "Moves between types",
        row: "a cluster and two consecutive periods, both with a type",
        only: "with several periods",
        key: &["cluster_id", "from_period", "to_period"],
        columns: MOVES,
    },
    TableEntry {
        name: "move_parts",
        title: "Parts of moves",
        row: "a cluster, two consecutive periods and an indicator",
        only: "with several periods",
        key: &["cluster_id", "from_period", "to_period", "indicator"],
        columns: MOVE_PARTS,
    },
    TableEntry {
        name: "transitions",
        title: "Transitions between types",
        row: "two consecutive periods, a type before and a type after",
        only: "with several periods",
        key: &["from_period", "to_period", "from_type", "to_type"],
        columns: TRANSITIONS,
    },
    TableEntry {
        name: "warnings",
        title: "Early warnings",
        row: "a cluster and dimension that nears a threshold",
        only: "with several periods",
        key: &["cluster_id", "period", "dimension"],
        columns: WARNINGS,
    },
    TableEntry {
        name: "dispersed",
        title: "Dispersed sites",
        row: "a dispersed site and period",
        only: "with a register",
        key: &["period", "rank"],
        columns: DISPERSED,
    },
    TableEntry {
        name: "dispersed_sums",
        title: "Sums of dispersed sites",
        row: "a period, column and value",
        only: "with a register",
        key: &["period", "by", "value"],
        columns: DISPERSED_SUMS,
    },
    TableEntry {
        name: "dispersed_groups",
        title: "Groups of dispersed sites under wider rules",
        row: "a wider rule and group that it would gather",
        only: "with a register",
        key: &["wider", "group_id"],
        columns: DISPERSED_GROUPS,
    },
    TableEntry {
        name: "initiatives",
        title: "Place-based initiatives",
        row: "an initiative",
        only: "with `[initiatives]`",
        key: &["initiative"],
        columns: INITIATIVES,
    },
    TableEntry {
        name: "evidence",
        title: "Facts behind figures",
        row: "a fact that became a figure of a cluster and period",
        only: "",
        key: &["cluster_id", "period", "figure", "file", "line"],
        columns: EVIDENCE,
    },
    TableEntry {
        name: "sensitivity",
        title: "Which choice matters",
        row: "a cluster, period, result and factor",
        only: "with `[uncertainty.sensitivity]`",
        key: &["cluster_id", "period", "result", "factor"],
        columns: SENSITIVITY,
    },
    TableEntry {
        name: "one_at_a_time",
        title: "Single choices that make a type another",
        row: "a cluster, period and choice changed alone that gives it another type",
        only: "with `[uncertainty]`",
        key: &["cluster_id", "period", "factor", "setting"],
        columns: ONE_AT_A_TIME,
    },
    TableEntry {
        name: "order_probability",
        title: "Which of two clusters stands above the other",
        row: "a period, dimension and pair of clusters",
        only: "with `order_probability` among `uncertainty.tables`",
        key: &["cluster_id", "other_id", "period", "dimension"],
        columns: ORDER_PROBABILITY,
    },
    TableEntry {
        name: "replicates",
        title: "Replicates: results",
        row: "a replicate, cluster and period",
        only: "with `replicates` among `uncertainty.tables`",
        key: &["replicate", "cluster_id", "period"],
        columns: REPLICATES,
    },
    TableEntry {
        name: "replicate_factors",
        title: "Replicates: what was drawn",
        row: "a replicate and number or choice that was drawn",
        only: "with `replicates` among `uncertainty.tables`",
        key: &["replicate", "factor", "item"],
        columns: REPLICATE_FACTORS,
    },
    TableEntry {
        name: "backtest",
        title: "What scores foretold",
        row: "an outcome, period and predictor",
        only: "with outcomes",
        key: &["outcome", "period", "predictor"],
        columns: BACKTEST,
    },
    TableEntry {
        name: "outcome_events",
        title: "Later events, and what became of them",
        row: "an outcome, period and event",
        only: "with outcomes",
        key: &[],
        columns: OUTCOME_EVENTS,
    },
    TableEntry {
        name: "reliability",
        title: "How often it came, by how probable it was",
        row: "an outcome, period, dimension and fifth of all probabilities that has clusters",
        only: "with outcomes and `[uncertainty]`",
        key: &["outcome", "period", "dimension", "p_from"],
        columns: RELIABILITY,
    },
    TableEntry {
        name: "corrections",
        title: "Values that a person has put right",
        row: "a correction",
        only: "with corrections",
        key: &[],
        columns: CORRECTIONS,
    },
    TableEntry {
        name: "findings",
        title: "Findings: what was counted and kept",
        row: "a finding",
        only: "",
        key: &[],
        columns: FINDINGS,
    },
    TableEntry {
        name: "quarantine",
        title: "Quarantine: rejected rows",
        row: "a rejected row",
        only: "",
        key: &[],
        columns: QUARANTINE,
    },
    TableEntry {
        name: "links",
        title: "Ties as lines",
        row: "a cluster and tie of it, once over all periods",
        only: "as a GIS layer, with links or memberships",
        key: &[],
        columns: LINKS,
    },
    TableEntry {
        name: "layer",
        title: "Infrastructure",
        row: "a feature; one layer for the points, lines and areas of each `[layers.NAME]`",
        only: "as a GIS layer, with layers",
        key: &[],
        columns: LAYER,
    },
];

const CLUSTER_ID: Column = c("cluster_id", Text, "", "Id of the cluster");
const CLUSTER_NAME: Column = c("cluster_name", Text, "", "Name of the cluster");
const FILE: Column = c("file", Text, "", "File that the row comes from, as the pipeline file names it");
const LINE: Column =
    c("line", Integer, "", "Line of that file; of GeoJSON the number of the feature, of Parquet that of the row");
const PERIOD: Column = c("period", Integer, "", "Year; empty where the register has no years");

const RELIABILITY: &[Column] = &[
    c("outcome", Text, "", "Name of the outcome"),
    PERIOD,
    c("dimension", Text, "", "The dimension"),
    c("p_from", Number, "1", "Lower end of the fifth; it belongs to the one below"),
    c("p_to", Number, "1", "Upper end"),
    c("cluster_count", Integer, "", "Clusters of the period whose probability that the dimension is high lies there"),
    c("p_high", Number, "1", "Their mean probability that the dimension is high"),
    c(
        "share_with_event",
        Number,
        "1",
        "The share of them with an event after the period: equal to `p_high` if that foretold events",
    ),
];

const SENSITIVITY: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("result", Text, "", "The dimension whose score, or `type`: whether the type is the nominal one (1 or 0)"),
    c("factor", Text, "", "What is drawn: as `[uncertainty]` calls it; `missing` for what is not known of the cluster"),
    c(
        "first_order",
        Number,
        "1",
        "Share of the variance that goes with the factor alone (Saltelli et al. 2010); empty where the result does not vary",
    ),
    c("first_order_low", Number, "1", "Lower end of the interval that holds 95 % of the resamples"),
    c("first_order_high", Number, "1", "Upper end"),
    c(
        "total",
        Number,
        "1",
        "Share of the variance that goes with the factor and all that it does together with others (Jansen 1999)",
    ),
    c("total_low", Number, "1", "Lower end of the interval that holds 95 % of the resamples"),
    c("total_high", Number, "1", "Upper end"),
    c(
        "effect_mean",
        Number,
        "points; of `type` 1",
        "`method = \"morris\"`: mean size of what a new draw of the factor alone changes",
    ),
    c(
        "effect_deviation",
        Number,
        "points; of `type` 1",
        "`method = \"morris\"`: standard deviation of what it changes",
    ),
];

const ONE_AT_A_TIME: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("factor", Text, "", "The factor that the choice belongs to; `indicator_set`: one indicator left out"),
    c("setting", Text, "", "What is other than in the pipeline file"),
    c("type", Integer, "", "Number of the type as the pipeline file has everything; empty: not known"),
    c("type_name", Text, "", "Name of that type"),
    c("other_type", Integer, "", "Number of the type with the choice; empty: not known, or no cluster"),
    c("other_type_name", Text, "", "Name of that type"),
    c("is_cluster", Boolean, "", "Whether there is such a cluster with the choice"),
];

const ORDER_PROBABILITY: &[Column] = &[
    CLUSTER_ID,
    c("other_id", Text, "", "Id of the other cluster"),
    PERIOD,
    c("dimension", Text, "", "The dimension"),
    c(
        "p_above",
        Number,
        "1",
        "Share of the replicates with both in which the cluster scores more than the other; where they score alike it counts half",
    ),
];

const REPLICATES: &[Column] = &[
    c("replicate", Integer, "", "Number of the replicate, from 0"),
    CLUSTER_ID,
    PERIOD,
    c(
        "{dimension}",
        Number,
        "points",
        "Score of {dimension} in the replicate; empty where there is no such cluster in it",
    ),
    c("type", Integer, "", "Number of the type in the replicate"),
];

const REPLICATE_FACTORS: &[Column] = &[
    c("replicate", Integer, "", "Number of the replicate, from 0"),
    c("factor", Text, "", "What was drawn; errors of data are too many to be listed"),
    c("item", Text, "", "Which of it: the indicator or component of a weight, a goalpost, the number of a threshold"),
    c("value", Number, "", "Its value, where that is a number"),
    c("choice", Text, "", "Its value, where that is none"),
];

const BACKTEST: &[Column] = &[
    c("outcome", Text, "", "Name of the outcome"),
    PERIOD,
    c("predictor", Text, "", "The dimension, `emissions_t` or `facility_count` by which clusters are put in order"),
    c("cluster_count", Integer, "", "Clusters of the period that have the predictor"),
    c("with_event_count", Integer, "", "Those of them with an event after the period"),
    c("event_count", Integer, "", "Their events; phases at one place are one"),
    c("base_rate", Number, "", "Share of the clusters with an event: the precision of chance"),
    c(
        "auc",
        Number,
        "",
        "Probability that a cluster with an event stands before one without, ties counting half: 0.5 is chance; empty \
        where all clusters have one, or none has",
    ),
    c(
        "auc_low",
        Number,
        "",
        "Lower end of its interval: nine tenths of the resamples of clusters; empty where fewer than two clusters have an \
        event, or fewer than two have none",
    ),
    c("auc_high", Number, "", "Upper end of its interval"),
    c(
        "auc_over_emissions",
        Number,
        "",
        "AUC less that of emissions over the same clusters: what the predictor adds to size; empty for emissions themselves",
    ),
    c("auc_over_emissions_low", Number, "", "Lower end of its interval, over the same resamples for both"),
    c("auc_over_emissions_high", Number, "", "Upper end of its interval"),
    c(
        "auc_over_sites",
        Number,
        "",
        "AUC less that of the number of sites over the same clusters; empty for the number of sites itself",
    ),
    c("auc_over_sites_low", Number, "", "Lower end of its interval, over the same resamples for both"),
    c("auc_over_sites_high", Number, "", "Upper end of its interval"),
    c(
        "tau_b",
        Number,
        "",
        "Kendall's tau-b of the predictor and the number of events; empty where one of them is the same everywhere",
    ),
    c(
        "brier",
        Number,
        "1",
        "Of a dimension, with `[uncertainty]`: Brier score (1950) of the probability that it is high against whether an event came; 0 is perfect, 0.25 a coin",
    ),
    c(
        "precision_at_{top}",
        Number,
        "",
        "Share of the first {top} clusters with an event; of ties the mean over their orders; empty where there are fewer \
        clusters",
    ),
];

const OUTCOME_EVENTS: &[Column] = &[
    c("outcome", Text, "", "Name of the outcome"),
    PERIOD,
    c("event", Text, "", "Id of the event, else its name, else file and line"),
    c("name", Text, "", "Name of the event; empty where it has none"),
    c("year", Integer, "", "Year of the event; empty where not known"),
    c(
        "fate",
        Text,
        "",
        "`counted`; `phase`: at the place of another that counts; `undated`; `early`: before or in the period; `late`: \
        after `until`; `outside`: in no cluster",
    ),
    c("cluster_id", Text, "", "Id of its cluster; empty outside of all"),
    c("cluster_name", Text, "", "Name of its cluster; empty outside of all"),
    c("by", Text, "", "How the cluster was found: by `id`, `name`, `facility` or `location`"),
    c("km", Number, "km", "By location: geodesic distance to the nearest facility of the cluster"),
    FILE,
    LINE,
];

const CORRECTIONS: &[Column] = &[
    c("facility_id", Text, "", "Id of the facility"),
    c(
        "cluster_id",
        Text,
        "",
        "Id of the cluster that it is in; empty for a dispersed site, and where no row of it is left",
    ),
    c("period", Integer, "", "The period that it holds of; empty for all"),
    c("column", Text, "", "The mapped column, or `lon`, `lat`"),
    c("old", Text, "", "What the register has, after conversion; empty for nothing"),
    c("value", Text, "", "What stands in its place; empty where that is not known"),
    c("source", Text, "", "How a person knows"),
    FILE,
    LINE,
];

const CLUSTERS: &[Column] = &[
    CLUSTER_ID,
    CLUSTER_NAME,
    PERIOD,
    c("facility_count", Integer, "", "Facilities of the cluster in the period"),
    c(
        "operator_count",
        Integer,
        "",
        "Different operators named by its facilities; empty where the register maps no operator",
    ),
    c("emissions_t", Number, "t", "Emissions of its facilities in the period; empty where none are known"),
    c(
        "lon",
        Number,
        "degrees",
        "Longitude of the emission-weighted mean place, WGS 84; empty where no facility has both a place and emissions",
    ),
    c("lat", Number, "degrees", "Latitude of the emission-weighted mean place, WGS 84; empty as `lon`"),
    c("{dimension}", Number, "points", "Score of the dimension, 0 to 100; empty where nothing is known of it"),
    c(
        "{dimension}_level",
        Text,
        "",
        "`low`, `middle` (with two thresholds), `high`, or `unknown` where bounds and coverage do not decide",
    ),
    c("{dimension}_coverage", Number, "", "Share of the dimension's weight that rests on data, 0 to 1"),
    c("{dimension}_low", Number, "points", "Lower bound: the score if all that is unknown scored 0"),
    c("{dimension}_high", Number, "points", "Upper bound: the score if all that is unknown scored 100"),
    c(
        "type",
        Integer,
        "",
        "Number of the type in the typology; empty where several remain open or there is no typology",
    ),
    c("type_name", Text, "", "Name of the type; empty as `type`"),
    c(
        "possible_types",
        Text,
        "",
        "Numbers of all types that the levels leave open, joined by `|`; empty without a typology",
    ),
    c(
        "p_type_{number}",
        Number,
        "1",
        "Probability of type {number}: its share of the replicates in which the cluster is one; empty where it is one in none",
    ),
    c(
        "robustness",
        Text,
        "",
        "How sure the type is: `robust` (in nine tenths of all replicates or more), `likely` (two thirds), `contested`, `unknown` (there is no type)",
    ),
    c(
        "robustness_reads",
        Text,
        "",
        "The same as a sentence: how often which type came out, and what decides (by `sensitivity`, where there is one)",
    ),
    c(
        "p_exists",
        Number,
        "1",
        "Share of the replicates in which the cluster is one: below 1 only where radii or `redelineate` make clusters anew",
    ),
    c("{dimension}_p_high", Number, "1", "Probability that {dimension} is high"),
    c("{dimension}_q{share}", Number, "points", "{share} % quantile of the score of {dimension} over the replicates"),
    c(
        "{dimension}_rank_q{share}",
        Number,
        "",
        "{share} % quantile of the rank of {dimension} among the clusters of the period; 1 is the greatest score",
    ),
];

const FIGURES: &[Column] = &[
    CLUSTER_ID,
    CLUSTER_NAME,
    PERIOD,
    c("facility_count", Integer, "", "Facilities of the cluster in the period"),
    c(
        "operator_count",
        Integer,
        "",
        "Different operators named by its facilities; empty where the register maps no operator",
    ),
    c("emissions_t", Number, "t", "Emissions of its facilities in the period; empty where none are known"),
    c(
        "lon",
        Number,
        "degrees",
        "Longitude of the emission-weighted mean place, WGS 84; empty where no facility has both a place and emissions",
    ),
    c("lat", Number, "degrees", "Latitude of the emission-weighted mean place, WGS 84; empty as `lon`"),
    c(
        "area_km2",
        Number,
        "km2",
        "Geodesic area of the convex hull of its facilities; 0 for two or a row of them, empty for one place alone",
    ),
    c("mst_km", Number, "km", "Length of the minimum spanning tree of its facilities; empty for one place alone"),
    c(
        "nn_mean_km",
        Number,
        "km",
        "Mean distance from a facility to the nearest other of the cluster; empty for one place alone",
    ),
    c(
        "nn_median_km",
        Number,
        "km",
        "Median distance from a facility to the nearest other of the cluster; empty for one place alone",
    ),
    c(
        "clark_evans",
        Number,
        "",
        "`nn_mean_km` over that expected of as many random points in the hull: below 1 is clustered (Clark & Evans \
        1954); empty where the hull has no area",
    ),
    c(
        "standard_distance_km",
        Number,
        "km",
        "Root mean square distance from `lon`, `lat`, weighted by emissions; empty for one place alone or without \
        emissions",
    ),
    c("emissions_per_km2", Number, "t/km2", "`emissions_t` over `area_km2`, which counts as 1 km2 at least"),
    c(
        "herfindahl",
        Number,
        "",
        "Sum of the squared shares of its facilities in its emissions, 0 to 1 (Herfindahl 1950): 1 is one emitter; \
        empty without emissions",
    ),
    c("largest_share", Number, "", "Share of the largest facility in its emissions, 0 to 1; empty without emissions"),
    c(
        "sector_shannon",
        Number,
        "",
        "Shannon entropy of the sectors' shares in its emissions, nats: 0 is one sector; facilities without a sector \
        are left out",
    ),
    c(
        "km_to_next_cluster",
        Number,
        "km",
        "Smallest distance from one of its facilities to one of another cluster in the period; empty where there is no \
        other",
    ),
    c(
        "reachable_{sum}",
        Number,
        "",
        "Sum of the layers' column over features within the greatest radius of any facility, each once, per tonne of \
        the cluster's emissions; empty without emissions",
    ),
    c(
        "observed_share_{kind}",
        Number,
        "",
        "Share of the facilities that are observed for the kind, 0 to 1: a source declares them or names them in a row \
        that counts",
    ),
    c(
        "observed_emission_share_{kind}",
        Number,
        "",
        "Share of the cluster's emissions that is of facilities observed for the kind, 0 to 1; 0 where none is \
        observed",
    ),
    c(
        "linked_share_{kind}",
        Number,
        "",
        "Share of the observed facilities with a tie of the kind to another in the cluster, 0 to 1; empty where none \
        is observed",
    ),
    c(
        "linked_emission_share_{kind}",
        Number,
        "",
        "Share of the observed facilities' emissions that is of tied ones, 0 to 1; empty where none is observed or \
        none emits",
    ),
    c(
        "density_{kind}",
        Number,
        "",
        "Tied pairs over all pairs of observed facilities, 0 to 1; empty for fewer than two",
    ),
    c(
        "mean_degree_{kind}",
        Number,
        "",
        "Mean number of observed facilities that an observed facility is tied to; empty where none is observed",
    ),
    c(
        "largest_component_share_{kind}",
        Number,
        "",
        "Share of the observed facilities in the largest connected component, 0 to 1; 0 where nobody is tied, empty \
        where none is observed",
    ),
    c(
        "largest_organisation_share_{kind}",
        Number,
        "",
        "Greatest share of the cluster's emissions that is of the members of one organisation, 0 to 1; empty without a \
        source of memberships",
    ),
    c(
        "strength_{kind}",
        Number,
        "",
        "Mean strength of an observed facility's ties in the cluster: 1 a link, 1 / (members - 1) a shared \
        organisation (Newman 2001); empty where none is observed",
    ),
    c(
        "clustering_{kind}",
        Number,
        "",
        "Mean clustering coefficient (Watts & Strogatz 1998), 0 to 1; a facility with fewer than two ties counts 0; \
        empty where none is observed",
    ),
    c(
        "reciprocity_{kind}",
        Number,
        "",
        "Share of directed links within the cluster that are answered, 0 to 1; empty without a directed source or link",
    ),
    c(
        "centralisation_{kind}",
        Number,
        "",
        "Degree centralisation (Freeman 1978): 0 all have as many ties, 1 a star; empty for fewer than three observed",
    ),
    c(
        "mean_path_length_{kind}",
        Number,
        "",
        "Mean number of ties on the shortest path between two facilities of the largest component; sampled in very \
        large ones; empty where nobody is tied",
    ),
    c(
        "bridge_count_{kind}",
        Integer,
        "",
        "Ties whose loss splits the network of observed facilities; empty where none is observed",
    ),
    c(
        "articulation_firm_count_{kind}",
        Integer,
        "",
        "Firms whose leaving, with all their facilities, splits the network of firms; empty where no facility is \
        observed",
    ),
    c(
        "ei_index_{kind}",
        Number,
        "",
        "Strength of ties that leave the cluster against those within (Krackhardt & Stern 1988): -1 all within, 1 all \
        leave; empty where nobody is tied, and for potential kinds",
    ),
    c(
        "sector_assortativity_{kind}",
        Number,
        "",
        "Assortativity by sector over ties (Newman 2003): 1 within sectors only, below 0 where ties avoid them; empty \
        with one sector or no such tie",
    ),
    c(
        "organisation_count_{kind}",
        Integer,
        "",
        "Organisations with a member in the cluster; empty without a source of memberships or where no facility is \
        observed",
    ),
    c(
        "anchor_organisation_{kind}",
        Text,
        "",
        "Name of the organisation whose members emit most in the cluster (of equals the first by name); empty without \
        members or emissions",
    ),
    c(
        "multiplexity",
        Number,
        "",
        "Share of tied pairs that are tied in two kinds or more, over all kinds but potential ones, 0 to 1; empty \
        where nobody is tied",
    ),
    c(
        "{column}",
        Any,
        "",
        "Figure that a file of `[figures]` brings; empty where it says nothing of the cluster and period, or \
        contradicts itself",
    ),
];

const INDICATORS: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("indicator", Text, "", "Id of the indicator"),
    c("parent", Text, "", "Id of the component or dimension that it belongs to"),
    c("value", Number, "", "Value in the unit of the column `unit`; empty where it is missing"),
    c("unit", Text, "", "Unit of the value; empty for none"),
    c(
        "score",
        Number,
        "points",
        "Score by the goalposts: worst 0, crossover 50, best 100; by another `normalise` on its scale, which goes by the \
        sample; empty where the value is missing",
    ),
    c(
        "coverage",
        Number,
        "",
        "Share of the cluster on which the value rests, 0 to 1, by emissions, or by facilities where any lacks \
        emissions",
    ),
    c("weight", Number, "", "Weight among its siblings, as the pipeline file declares it or has it worked out"),
    c(
        "contribution",
        Number,
        "points",
        "Weight times score over the summed weights of the siblings that have a score; empty where it has none",
    ),
    c(
        "status",
        Text,
        "",
        "`observed`; `missing`: the data do not give it; `undeclared`: the pipeline declares nothing that could; \
        `imputed`: the value comes from other clusters; `screened`: too little is known of the cluster to score it",
    ),
    c(
        "within_km",
        Number,
        "km",
        "Of a distance shorter than what is known of the places at its ends: how well it is known (\"within 25 km\"); \
        empty for all others",
    ),
    c(
        "treated",
        Number,
        "",
        "With `[score]`: the value after outliers are treated, as it is normalised; empty where it is missing",
    ),
    c(
        "rank",
        Integer,
        "",
        "With `[score]`: rank by the score in the period, 1 the best, equal ones at the best; empty where it has none",
    ),
];

const SCORES: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("node", Text, "", "Id of the component or dimension"),
    c("kind", Text, "", "`component` or `dimension`"),
    c(
        "score",
        Number,
        "points",
        "Weighted mean of the children that have a score, 0 to 100 by goalposts; empty where none has, or too few",
    ),
    c("coverage", Number, "", "Share of the node's weight that rests on data, 0 to 1"),
    c("low", Number, "points", "Lower bound: the score if all that is unknown scored 0; empty on a scale without ends"),
    c(
        "high",
        Number,
        "points",
        "Upper bound: the score if all that is unknown scored 100; empty on a scale without ends",
    ),
    c(
        "rank",
        Integer,
        "",
        "With `[score]`: rank by the score in the period, 1 the best, equal ones at the best; empty where it has none",
    ),
];

const DIAGNOSTICS: &[Column] = &[
    c("indicator", Text, "", "Id of the indicator"),
    c("parent", Text, "", "Id of the component or dimension that it belongs to"),
    c("unit", Text, "", "Unit of its values; empty for none"),
    c("normalise", Text, "", "How its values become scores, as the pipeline file calls it"),
    c("relative", Boolean, "", "Whether scores go by the sample: they move when other clusters come or go"),
    c("unit_count", Integer, "", "Clusters and periods of the sample: those that are not screened"),
    c(
        "available",
        Integer,
        "",
        "Of these, those with a value that is not imputed; all that follows up to `kurtosis` is of them",
    ),
    c("available_share", Number, "", "Their share"),
    c("non_zero", Integer, "", "Values that are not 0"),
    c("non_zero_share", Number, "", "Their share of the values; empty without a value"),
    c("unique", Integer, "", "Values that differ"),
    c("unique_share", Number, "", "Their share of the values; empty without a value"),
    c("same", Integer, "", "Clusters and periods that have the most frequent value"),
    c("same_share", Number, "", "Their share of the values; empty without a value"),
    c("minimum", Number, "", "Least value; empty without a value"),
    c("maximum", Number, "", "Greatest value; empty without a value"),
    c("mean", Number, "", "Mean; empty without a value"),
    c("median", Number, "", "Median; empty without a value"),
    c("standard_deviation", Number, "", "Standard deviation, over n - 1; empty of less than two values"),
    c(
        "skewness",
        Number,
        "",
        "Skewness, adjusted for bias (G1 of Joanes & Gill 1998); empty of less than three values, or where all are equal",
    ),
    c(
        "kurtosis",
        Number,
        "",
        "Excess kurtosis, adjusted for bias (G2); empty of less than four values, or where all are equal",
    ),
    c("imputed", Integer, "", "Values that are imputed"),
    c(
        "skewness_before",
        Number,
        "",
        "Skewness of all values that are scored, before outliers are treated; empty where nothing is to be treated",
    ),
    c("kurtosis_before", Number, "", "Excess kurtosis likewise"),
    c("winsorised", Integer, "", "Points that were winsorised; empty where nothing is to be treated"),
    c(
        "transformed",
        Text,
        "",
        "`log`, `log_by_skew` or `box_cox`: what was done instead, or as well; empty where nothing was",
    ),
    c("skewness_after", Number, "", "Skewness after treatment; empty where nothing is to be treated"),
    c("kurtosis_after", Number, "", "Excess kurtosis likewise"),
    c(
        "passes",
        Boolean,
        "",
        "Whether skewness or kurtosis is within its limit now; empty where nothing is to be treated",
    ),
    c(
        "flags",
        Text,
        "",
        "What is odd, joined by `|`: `few_values` (below 65 %), `many_zeros` (half or more), `few_different` (less than half), `outliers` (skewness past 2 and kurtosis past 3.5); empty for nothing",
    ),
];

const CORRELATIONS: &[Column] = &[
    c("first", Text, "", "Id of an indicator, component or dimension"),
    c("first_kind", Text, "", "`indicator`, `component` or `dimension`"),
    c("second", Text, "", "Id of another"),
    c("second_kind", Text, "", "`indicator`, `component` or `dimension`"),
    c(
        "relation",
        Text,
        "",
        "`siblings`; `parent` or `ancestor`: the second stands above the first; `other`: indicators of different components",
    ),
    c("unit_count", Integer, "", "Clusters and periods that have both scores"),
    c("pearson", Number, "", "Pearson's correlation of their scores; empty where either is the same everywhere"),
    c("spearman", Number, "", "Spearman's"),
    c("kendall", Number, "", "Kendall's tau-b"),
    c(
        "flag",
        Text,
        "",
        "`collinear`: siblings from `score.collinear` on; `negative`: siblings, or something and its parent, up to `score.negative`; empty for neither",
    ),
];

const LOADINGS: &[Column] = &[
    c("node", Text, "", "Id of the component or dimension"),
    c("principal_component", Integer, "", "Number of the principal component, by falling variance"),
    c("child", Text, "", "Id of what stands right under the node"),
    c("child_kind", Text, "", "`indicator`, `component` or `dimension`"),
    c("loading", Number, "", "Its loading; the greatest of the children's is above 0"),
    c("standard_deviation", Number, "", "Standard deviation of the principal component"),
    c("variance_share", Number, "", "Its share of the variance of all"),
    c("unit_count", Integer, "", "Clusters and periods that have a score of every child"),
];

const EFFECTIVE_WEIGHTS: &[Column] = &[
    c("dimension", Text, "", "Id of the dimension"),
    c("node", Text, "", "Id of the dimension itself, or of a component or indicator of it"),
    c("kind", Text, "", "`indicator`, `component` or `dimension`"),
    c("parent", Text, "", "Id of the node right above; empty of the dimension"),
    c(
        "weights",
        Text,
        "",
        "Where the weights under the parent come from, as the pipeline file calls it; empty of the dimension",
    ),
    c("weight", Number, "", "Weight among its siblings; 1 of the dimension"),
    c("nominal_share", Number, "", "Its share of their sum"),
    c("effective_weight", Number, "", "Its share of the dimension: the product of these shares down the tree"),
    c(
        "correlation",
        Number,
        "",
        "Pearson's correlation of its scores with the dimension's; empty where either is the same everywhere",
    ),
    c(
        "correlation_ratio",
        Number,
        "",
        "Share of the variance of the dimension's scores that goes with it, 0 to 1 (docs/method/4-score.md); empty of few clusters",
    ),
    c(
        "ratio_share",
        Number,
        "",
        "Its share of the correlation ratios of its siblings, to be held against `nominal_share`",
    ),
    c(
        "cronbach_alpha",
        Number,
        "",
        "Cronbach's alpha of its children; empty of an indicator, or of less than two children",
    ),
    c(
        "consistency_ratio",
        Number,
        "",
        "Of weights of its children that were judged in pairs: how far the judgements contradict each other; else empty",
    ),
    c(
        "mean_rank_change",
        Number,
        "",
        "Mean absolute change of ranks if it is left out; empty of the dimension, or where nothing else would be left",
    ),
];

const REMOVAL: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("dimension", Text, "", "Id of the dimension"),
    c("removed", Text, "", "Id of the indicator or component that is left out"),
    c("kind", Text, "", "`indicator` or `component`"),
    c("score", Number, "points", "Score of the dimension without it; empty where it has none"),
    c("rank", Integer, "", "Rank by that score in the period, 1 the best"),
    c("change", Integer, "", "That rank less the rank with it: above 0 where it helps the cluster"),
];

const STRENGTHS: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("kind", Text, "", "`strength` or `weakness`"),
    c("position", Integer, "", "From the best rank on, from 1"),
    c("indicator", Text, "", "Id of the indicator"),
    c("parent", Text, "", "Id of the component or dimension that it belongs to"),
    c("rank", Integer, "", "Rank by its score in the period, 1 the best; the worst of all is in no list"),
    c("of", Integer, "", "Clusters that have a rank"),
    c("value", Number, "", "Value in the unit of the column `unit`"),
    c("score", Number, "points", "Score"),
    c("unit", Text, "", "Unit of the value; empty for none"),
];

const AVAILABILITY: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("indicators", Integer, "", "Indicators"),
    c("missing", Integer, "", "Those without a value of its own"),
    c("zero", Integer, "", "Those of value 0"),
    c("available_share", Number, "", "Share of the indicators that have a value"),
    c("non_zero_share", Number, "", "Share of the values that are not 0; empty without a value"),
    c("screened", Boolean, "", "Whether it has too few to be scored (`score.screen`)"),
];

const FACILITIES: &[Column] = &[
    c("facility_id", Text, "", "Id of the facility in the register"),
    c("name", Text, "", "Name of the facility; empty where the register has none"),
    c("operator", Text, "", "Operator, after spellings and aliases are settled; empty where not known"),
    c("sector", Text, "", "Sector, as the register has it; empty where not known"),
    PERIOD,
    c("cluster_id", Text, "", "Id of the cluster that it is in; empty for a dispersed site"),
    c("emissions_t", Number, "t", "Emissions in the period; empty where not known"),
    c("lon", Number, "degrees", "Longitude, WGS 84, of its latest period; empty for a facility without a place"),
    c("lat", Number, "degrees", "Latitude, WGS 84, of its latest period; empty for a facility without a place"),
    c(
        "km_to_{layer}",
        Number,
        "km",
        "Geodesic distance to the nearest feature of the layer, 0 inside a polygon; empty without a place or feature",
    ),
    c(
        "{column}",
        Any,
        "",
        "Column carried from the register, among them `operator_as_given` (the register's own spelling) and \
        `source_file` (of several files)",
    ),
    c("nearest_{layer}", Text, "", "Id of the nearest feature of the layer; empty without a place or feature"),
    c(
        "within_km_{layer}",
        Number,
        "km",
        "How well the distance to the layer is known, where it is shorter than the precision of the feature or the \
        facility: \"within\" so many km, and no more; else empty",
    ),
    c(
        "{layer}_count_within_{radius}km",
        Number,
        "",
        "Features of the layer within the radius; 0 where there is none, empty without a place",
    ),
    c(
        "{layer}_{sum}_within_{radius}km",
        Number,
        "",
        "Sum of the layer's column over its features within the radius; 0 where there is none, empty without a place",
    ),
    c(
        "local_moran",
        Number,
        "",
        "Local Moran's I of emissions among the 8 nearest facilities of the period (Anselin 1995): above 0 like stands \
        by like; empty without a place or emissions",
    ),
    c(
        "local_moran_quadrant",
        Integer,
        "",
        "1 high among high, 2 low among high, 3 low among low, 4 high among low; empty as `local_moran`",
    ),
    c("observed_{kind}", Boolean, "", "Whether the facility is observed for the kind of tie; empty outside clusters"),
    c(
        "type",
        Integer,
        "",
        "Number of its cluster's type in the period; empty for a dispersed site, or where the type is not known",
    ),
];

const REACH: &[Column] = &[
    CLUSTER_ID,
    CLUSTER_NAME,
    c("layer", Text, "", "Name of the layer"),
    c("feature", Text, "", "Id of the feature: its `id`, else its name, else file and row"),
    c("feature_name", Text, "", "Name of the feature; empty where it has none"),
    c(
        "km",
        Number,
        "km",
        "Geodesic distance from the nearest facility of the cluster to the feature, 0 inside a polygon",
    ),
    c(
        "within_km",
        Number,
        "km",
        "How well that is known, where it is shorter than the precision of the feature or the facility; else empty",
    ),
    c("facility_id", Text, "", "Facility from which it is so far"),
    c(
        "within_reach",
        Boolean,
        "",
        "Whether it lies within the layer's `reach_km`; if not, it is the nearest. Empty where the layer has no reach",
    ),
    c(
        "{sum}",
        Number,
        "",
        "Value of the feature in a column that a layer sums; empty where the feature or its layer has none",
    ),
];

const SECTORS: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("sector", Text, "", "Sector"),
    c("facility_count", Integer, "", "Facilities of the sector in the cluster whose emissions are known"),
    c("emissions_t", Number, "t", "Their emissions in the period"),
    c(
        "share",
        Number,
        "",
        "Share of the sector in the emissions of all facilities of the cluster with a known sector, 0 to 1",
    ),
    c(
        "location_quotient",
        Number,
        "",
        "That share over the sector's share in the emissions of all facilities of the period: above 1 the cluster \
        specialises in it; empty where the sector emits nothing",
    ),
];

const CONCENTRATION: &[Column] = &[
    PERIOD,
    c("sector", Text, "", "Sector; empty: all facilities together, those without a sector too"),
    c("facility_count", Integer, "", "Facilities, in clusters or not, those without emissions too"),
    c("emissions_t", Number, "t", "Their emissions; empty where none are known"),
    c("clustered_share", Number, "", "Share of those emissions that is in clusters, 0 to 1; empty without emissions"),
    c(
        "herfindahl",
        Number,
        "",
        "Sum of the squared shares of the facilities in the emissions, 0 to 1 (Herfindahl 1950): 1 is one emitter; \
        empty without emissions",
    ),
    c(
        "ellison_glaeser",
        Number,
        "",
        "Ellison & Glaeser's index (1997), clusters as regions, dispersed sites one more: above 0 beyond chance and \
        large plants; empty over all sectors, or where one region or plant has all",
    ),
    c(
        "moran_i",
        Number,
        "",
        "Moran's I (1950) of emissions over the 8 nearest facilities: near 0 no pattern, above 0 like stands by like; \
        only over all sectors",
    ),
    c(
        "geary_c",
        Number,
        "",
        "Geary's C (1954) of emissions over the 8 nearest facilities: 1 no pattern, below 1 like stands by like; only \
        over all sectors",
    ),
];

const STABILITY: &[Column] = &[
    c("radius_km", Number, "km", "The other radius"),
    c(
        "event",
        Text,
        "",
        "What becomes of the cluster there: `continued`, `split`, `merged`, `split_and_merged`, `died` (shares with \
        none) or `born` (a group that shares with none)",
    ),
    c("cluster_id", Text, "", "Id of the cluster of this run; empty where a group is born"),
    c("cluster_name", Text, "", "Name of the cluster of this run; empty where a group is born"),
    c(
        "other_id",
        Text,
        "",
        "Id of the group at the other radius: `c-` and its largest facility; empty where the cluster died",
    ),
    c("other_name", Text, "", "Name of that facility; empty where the cluster died"),
    c("facility_count", Integer, "", "Facilities of the cluster over all periods; empty where a group is born"),
    c(
        "emissions_t",
        Number,
        "t",
        "Their emissions summed over all periods, 0 where none are known; empty where a group is born",
    ),
    c("other_facility_count", Integer, "", "Facilities of the group over all periods; empty where the cluster died"),
    c(
        "other_emissions_t",
        Number,
        "t",
        "Their emissions summed over all periods, 0 where none are known; empty where the cluster died",
    ),
    c("shared_facility_count", Integer, "", "Facilities in both; 0 where nothing is shared"),
    c("shared_emissions_t", Number, "t", "Their emissions summed over all periods; 0 where nothing is shared"),
];

const LINEAGE: &[Column] = &[
    c(
        "event",
        Text,
        "",
        "What became of the earlier cluster: `continued`, `split`, `merged`, `split_and_merged`, `died` (shares with \
        none) or `born` (a cluster that shares with none)",
    ),
    c("cluster_id", Text, "", "Id of the cluster of this run; empty where the earlier one died"),
    c("cluster_name", Text, "", "Name of the cluster of this run; empty where the earlier one died"),
    c("previous_id", Text, "", "Id of the cluster in the earlier run; empty where the cluster was born"),
    c("previous_name", Text, "", "Name of the cluster in the earlier run; empty where the cluster was born"),
    c(
        "facility_count",
        Integer,
        "",
        "Facilities of this run's cluster over all periods; empty where the earlier one died",
    ),
    c(
        "emissions_t",
        Number,
        "t",
        "Their emissions in this run's register, summed over all periods, 0 where none are known; empty where the \
        earlier one died",
    ),
    c(
        "previous_facility_count",
        Integer,
        "",
        "Facilities of the earlier cluster that this run's register has; empty where the cluster was born",
    ),
    c(
        "previous_emissions_t",
        Number,
        "t",
        "Their emissions in this run's register, summed over all periods, 0 where none are known; empty where the \
        cluster was born",
    ),
    c("shared_facility_count", Integer, "", "Facilities in both; 0 where nothing is shared"),
    c(
        "shared_emissions_t",
        Number,
        "t",
        "Their emissions in this run's register, summed over all periods; 0 where nothing is shared",
    ),
];

const NETWORKS: &[Column] = &[
    PERIOD,
    c("kind", Text, "", "Kind of tie; potential kinds are left out"),
    c(
        "tied_count",
        Integer,
        "",
        "Facilities with a tie, in clusters or not, apart from ties by organisations that were left out",
    ),
    c(
        "strength",
        Number,
        "",
        "Summed strength of all ties: 1 a link, 1 / (members - 1) a pair in one organisation (Newman 2001)",
    ),
    c(
        "ei_index",
        Number,
        "",
        "Strength of ties between clusters or sites against those within clusters (Krackhardt & Stern 1988): -1 all \
        within, 1 all between; empty where nobody is tied",
    ),
    c(
        "modularity",
        Number,
        "",
        "Modularity of the clusters by strength of ties, each dispersed site by itself (Newman 2004); empty where \
        nobody is tied",
    ),
    c(
        "community_count",
        Integer,
        "",
        "Communities of the Leiden algorithm (Traag et al. 2019); empty where nobody is tied or the network is too \
        large to search",
    ),
    c(
        "adjusted_rand",
        Number,
        "",
        "Adjusted Rand index of communities and clusters over tied facilities in clusters (Hubert & Arabie 1985): 1 \
        they agree, near 0 as by chance; empty where not comparable",
    ),
    c(
        "left_out_organisation_count",
        Integer,
        "",
        "Organisations of more than 100 facilities, which the search of communities leaves out; 0 where there was no \
        search",
    ),
];

const CLUSTER_LINKS: &[Column] = &[
    CLUSTER_ID,
    CLUSTER_NAME,
    c("other_id", Text, "", "Id of the other cluster; each pair stands once"),
    c("other_name", Text, "", "Name of the other cluster"),
    PERIOD,
    c("kind", Text, "", "Kind of tie; potential kinds are left out"),
    c(
        "link_count",
        Integer,
        "",
        "Pairs of facilities, one in each cluster, with a link between them or their operators",
    ),
    c(
        "organisation_count",
        Integer,
        "",
        "Organisations with members in both clusters; those in more than 200 clusters do not count",
    ),
    c(
        "strength",
        Number,
        "",
        "Summed strength of these ties: 1 a link, 1 / (members - 1) a pair in one organisation (Newman 2001)",
    ),
    c("organisations", Text, "", "Names of these organisations, joined by `; `; empty where there is none"),
];

const TIES: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("kind", Text, "", "Kind of tie"),
    c("name", Text, "", "Name of the source in the pipeline file"),
    c("basis", Text, "", "`given` by a file, or `inferred` from places or ownership"),
    c("from", Text, "", "One end of the link, or the member: a facility or an operator, as the source is declared"),
    c("to", Text, "", "Other end of the link; empty for a membership"),
    c("from_name", Text, "", "Name of the plant that `from` is among operators; else empty"),
    c("to_name", Text, "", "Name of the plant that `to` is among operators; else empty"),
    c("organisation", Text, "", "Organisation, feature or owner that the member belongs to; empty for a link"),
    c("share", Number, "percent", "Share of the member in the organisation; empty where the source gives none"),
    c("role", Text, "", "What the member does in the organisation; empty where the source does not say"),
    c("weight", Number, "", "Weight of the link, as the source gives it; empty where it gives none, or two"),
    c("from_year", Integer, "", "First year in which the tie counts; empty: open"),
    c("to_year", Integer, "", "Last year in which the tie counts; empty: open"),
    c(
        "source",
        Text,
        "",
        "The source's own reference, or the name of the feature near which the member lies; empty where there is none",
    ),
    c("file", Text, "", "File that the row comes from; empty where it follows from the register alone"),
    c(
        "line",
        Integer,
        "",
        "Line of that file; of GeoJSON the number of the feature, of Parquet that of the row; empty as `file`",
    ),
];

const LEVERS: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("indicator", Text, "", "Id of the indicator"),
    c("dimension", Text, "", "Id of its dimension"),
    c("value", Number, "", "Present value in the unit of the column `unit`; empty where it is missing"),
    c(
        "flip_value",
        Number,
        "",
        "Nearest value that alone puts its dimension on the threshold; empty where it alone cannot, or the level is \
        unknown or rests on bounds alone",
    ),
    c("change", Number, "", "`flip_value` less `value`; empty as `flip_value`"),
    c("unit", Text, "", "Unit of value, flip_value and change; empty for none"),
    c("reads", Text, "", "The change in words; empty as `flip_value`"),
    c(
        "points",
        Number,
        "points",
        "Change of the indicator's score that it takes, with its sign; empty as `flip_value`",
    ),
    c("from_level", Text, "", "Present level of the dimension: `low`, `middle` or `high`; empty as `flip_value`"),
    c("to_level", Text, "", "Level that the dimension would have; empty as `flip_value`"),
    c(
        "to_type",
        Integer,
        "",
        "Number of the type that the cluster would have; empty also where another dimension is unknown or there is no \
        typology",
    ),
    c(
        "changeable",
        Boolean,
        "",
        "Whether people can change the indicator, or geography fixes it; empty where the pipeline does not say",
    ),
];

const LEVER_PAIRS: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("dimension", Text, "", "Id of the dimension that the two indicators take to another level"),
    c("among", Text, "", "Indicators that were tried: `all`, or those that people can change, `changeable`"),
    c("first", Text, "", "Id of the first indicator that changes"),
    c("first_value", Number, "", "Its present value, in the indicator's unit"),
    c("first_flip_value", Number, "", "Value that it would need, in the indicator's unit"),
    c("second", Text, "", "Id of the second indicator that changes; empty where one indicator alone is as cheap"),
    c("second_value", Number, "", "Its present value, in the indicator's unit; empty as `second`"),
    c("second_flip_value", Number, "", "Value that it would need, in the indicator's unit; empty as `second`"),
    c(
        "points",
        Number,
        "points",
        "Score points that the two change by, without their signs, summed: the least that is enough",
    ),
    c("to_level", Text, "", "Level that the dimension would have: `low`, `middle` or `high`"),
    c(
        "to_type",
        Integer,
        "",
        "Number of the type that the cluster would have; empty where another dimension is unknown or there is no \
        typology",
    ),
];

const TYPE_DISTANCES: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("type", Integer, "", "Number of the type in the typology"),
    c("type_name", Text, "", "Name of the type"),
    c(
        "points",
        Number,
        "points",
        "Score points to the nearest scores that make the type, summed over the dimensions; 0 for its own, empty where \
        a level is unknown",
    ),
];

const TYPE_MEMBERSHIPS: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("type", Integer, "", "Number of the type in the typology"),
    c("type_name", Text, "", "Name of the type"),
    c(
        "membership",
        Number,
        "",
        "Fuzzy membership in the type, 0 to 1 (Zadeh 1965; Ragin 2008); empty where a level is unknown",
    ),
];

const MOVES: &[Column] = &[
    CLUSTER_ID,
    CLUSTER_NAME,
    c("from_period", Integer, "", "Year before; empty where the register has no years"),
    c("to_period", Integer, "", "Year after: the next one of the run"),
    c("from_type", Integer, "", "Number of the type in the period before"),
    c("to_type", Integer, "", "Number of the type in the period after"),
    c("move", Text, "", "Name of the change of type; `none` where the type stays"),
    c("{dimension}_change", Number, "points", "Change of the dimension's score; empty without a score in both periods"),
    c(
        "direction_deg",
        Number,
        "degrees",
        "Direction on the plane of two dimensions: 0 more of the first alone, 90 more of the second alone; empty \
        without exactly two changes, or where both are 0",
    ),
];

const MOVE_PARTS: &[Column] = &[
    CLUSTER_ID,
    c("from_period", Integer, "", "Year before; empty where the register has no years"),
    c("to_period", Integer, "", "Year after: the next one of the run"),
    c("dimension", Text, "", "Id of the dimension whose change is split"),
    c("indicator", Text, "", "Id of the indicator"),
    c("from_value", Number, "", "Value in the period before, in the indicator's unit; empty where it was missing"),
    c("to_value", Number, "", "Value in the period after, in the indicator's unit; empty where it is missing"),
    c(
        "part",
        Number,
        "points",
        "Part of the indicator in the change of its dimension's score (Shapley 1953; Owen 1977); the parts add up to \
        it",
    ),
];

const TRANSITIONS: &[Column] = &[
    c("from_period", Integer, "", "Year before; empty where the register has no years"),
    c("to_period", Integer, "", "Year after: the next one of the run"),
    c("from_type", Integer, "", "Number of the type before"),
    c("to_type", Integer, "", "Number of the type after"),
    c("cluster_count", Integer, "", "Clusters that went from the one to the other, or stayed; 0 where none did"),
    c("from_emissions_t", Number, "t", "Their emissions in the period before; empty where none are known"),
    c("to_emissions_t", Number, "t", "Their emissions in the period after; empty where none are known"),
];

const WARNINGS: &[Column] = &[
    CLUSTER_ID,
    c("period", Integer, "", "Last year of the cluster"),
    c("dimension", Text, "", "Id of the dimension"),
    c("score", Number, "points", "Score of the dimension, 0 to 100"),
    c("threshold", Number, "points", "Threshold that it moves towards"),
    c("points", Number, "points", "Distance of the score from the threshold: at most `warning_points`"),
    c("change", Number, "points", "Change of the score since the period before"),
    c(
        "years_at_this_pace",
        Number,
        "years",
        "Years until the threshold is reached if the change goes on at the same pace",
    ),
];

const DISPERSED: &[Column] = &[
    PERIOD,
    c("facility_id", Text, "", "Id of the facility in the register"),
    c("rank", Integer, "", "1 for the greatest emissions of the period; sites without emissions come last"),
    c("name", Text, "", "Name of the facility; empty where the register has none"),
    c("operator", Text, "", "Operator, after spellings and aliases are settled; empty where not known"),
    c("sector", Text, "", "Sector, as the register has it; empty where not known"),
    c("{column}", Any, "", "Column of `[dispersed] by` beside sector and operator, as text"),
    c("emissions_t", Number, "t", "Emissions in the period; empty where not known"),
    c(
        "share",
        Number,
        "",
        "Share in the emissions of all dispersed sites of the period, 0 to 1; empty without emissions",
    ),
    c("lon", Number, "degrees", "Longitude, WGS 84; empty for a site without a place"),
    c("lat", Number, "degrees", "Latitude, WGS 84; empty for a site without a place"),
    c(
        "km_to_cluster",
        Number,
        "km",
        "Geodesic distance to the nearest facility in a cluster; empty without a place or cluster",
    ),
    c("nearest_cluster_id", Text, "", "Id of that facility's cluster; empty as `km_to_cluster`"),
    c("nearest_cluster_name", Text, "", "Name of that facility's cluster; empty as `km_to_cluster`"),
    c(
        "km_to_{layer}",
        Number,
        "km",
        "Geodesic distance to the nearest feature of the layer, 0 inside a polygon; empty without a place or feature",
    ),
    c(
        "strategic",
        Boolean,
        "",
        "Whether the site meets the rule `[dispersed] strategic`; empty where there is none, or it says nothing of the \
        site",
    ),
    c(
        "would_group",
        Text,
        "",
        "Wider rules that would take the site in, each with the id of the group or cluster, joined by `; `; empty \
        where none would",
    ),
];

const DISPERSED_SUMS: &[Column] = &[
    PERIOD,
    c("by", Text, "", "Column that the sites are split by; empty: all dispersed sites of the period"),
    c("value", Text, "", "Value of that column; empty where the sites have none, and for all"),
    c("facility_count", Integer, "", "Dispersed sites"),
    c("emissions_t", Number, "t", "Their emissions; empty where none are known"),
    c(
        "share",
        Number,
        "",
        "Share in the emissions of all dispersed sites of the period, 0 to 1; empty without emissions",
    ),
    c(
        "dispersed_share",
        Number,
        "",
        "Share in the emissions of all facilities of that value, in clusters or not, 0 to 1; empty without emissions",
    ),
    c("strategic_count", Integer, "", "Sites that meet the rule `[dispersed] strategic`; 0 also where there is none"),
];

const DISPERSED_GROUPS: &[Column] = &[
    c("wider", Text, "", "The rule, as the pipeline file would have it: radius, least facilities, least emissions"),
    c("group_id", Text, "", "`c-` and the id of the largest facility of the whole group"),
    c("group_name", Text, "", "Name of that facility"),
    c(
        "joins_cluster_id",
        Text,
        "",
        "Id of the cluster that the sites would join, of several the one with most facilities in the group; empty: a \
        new cluster",
    ),
    c("facility_count", Integer, "", "Dispersed sites in the group"),
    c("emissions_t", Number, "t", "Their emissions in the latest period of the register; empty where none are known"),
    c("facility_ids", Text, "", "Ids of these sites, joined by `; `"),
];

const INITIATIVES: &[Column] = &[
    c("initiative", Text, "", "Name of the initiative"),
    c("country", Text, "", "Country, as the file has it; empty where not known"),
    c(
        "objective",
        Text,
        "",
        "`industrial_emissions_reduction`, `hydrogen_production`, `co2_capture` or `co2_transport_and_storage`; empty \
        where not known",
    ),
    c("market", Text, "", "Market of the product, `domestic` or `export`; empty where not known"),
    c("co_location", Text, "", "Whether its sites stand together, `yes` or `no`; empty where not known"),
    c("existing_area", Text, "", "Whether it is in an existing industrial area, `yes` or `no`; empty where not known"),
    c("industrial_customers", Text, "", "Whether it has industrial customers, `yes` or `no`; empty where not known"),
    c(
        "types",
        Text,
        "",
        "Types that fit best, joined by `|` (Rattle & Taylor 2025, Table 1); empty where all are excluded",
    ),
    c("agree", Text, "", "Attributes that agree with these types; empty where none does"),
    c("decided_by", Text, "", "Attributes that agree and that excluded another type; empty where none did"),
    c("missing", Text, "", "Attributes that are not known and that a type still open asks for; empty where none is"),
    c(
        "runners_up",
        Text,
        "",
        "Types that are not excluded but agree in less, each with the number of attributes that agree; empty where \
        there is none",
    ),
    c(
        "excluded",
        Text,
        "",
        "Types that a known attribute contradicts, each with those attributes; empty where there is none",
    ),
    c("cluster_id", Text, "", "Id of the cluster that it belongs to; empty where none was found"),
    c("cluster_name", Text, "", "Name of that cluster; empty where none was found"),
    c("cluster_type", Integer, "", "Number of that cluster's type in its latest period; empty where not known"),
    c(
        "found_by",
        Text,
        "",
        "How the cluster was found: `id`, `name`, `facility` or `location`; empty where none was found",
    ),
    c("km", Number, "km", "Distance to the nearest facility of that cluster; only where it was found by `location`"),
    FILE,
    LINE,
];

const EVIDENCE: &[Column] = &[
    CLUSTER_ID,
    PERIOD,
    c("figure", Text, "", "Name of the figure"),
    c("value", Number, "", "Value that the file gives; the figure is empty where two facts contradict each other"),
    c("source", Text, "", "The file's own reference; empty where it gives none"),
    c("note", Text, "", "The file's note; empty where it gives none"),
    FILE,
    LINE,
];

const FINDINGS: &[Column] = &[
    c("severity", Text, "", "`warning`: look at it before you trust the result; `info`: worth knowing"),
    c("stage", Text, "", "Stage that found it, such as `validate`, `delineate`, `measure` or `classify`"),
    c("source", Text, "", "Source or table of the pipeline file that it concerns; empty for none"),
    c("file", Text, "", "File; empty for none"),
    c("line", Integer, "", "First line that shows it; empty for none"),
    c("column", Text, "", "Column; empty for none"),
    c("rule", Text, "", "Name of the rule, of a closed list"),
    c("message", Text, "", "The fact in words"),
    c("count", Integer, "", "Rows or things that it concerns"),
];

const QUARANTINE: &[Column] = &[
    c("source", Text, "", "Source, as the pipeline file names it"),
    FILE,
    LINE,
    c("column", Text, "", "Column of the file; empty where the whole row is at fault"),
    c("value", Text, "", "The original text"),
    c("rule", Text, "", "Name of the rule that the row broke, of a closed list"),
    c("message", Text, "", "The rule in words, and what to do"),
];

const LINKS: &[Column] = &[
    CLUSTER_ID,
    c("kind", Text, "", "Kind of the tie"),
    c("name", Text, "", "Name of its source in the pipeline file"),
    c("basis", Text, "", "What it rests on: `given` by a file, `inferred` from places or owners"),
    c(
        "from",
        Text,
        "",
        "One end, or the member; the line begins at that facility, or at the operator's greatest emitter",
    ),
    c("to", Text, "", "The other end; empty for a membership"),
    c("organisation", Text, "", "The organisation; the line ends in the middle of its members. Empty for a link"),
    c("weight", Number, "", "Weight that the source gives; empty where it gives none"),
    c("from_year", Integer, "", "First year in which it counts; empty: open"),
    c("to_year", Integer, "", "Last year in which it counts; empty: open"),
    c("source", Text, "", "The source's own reference; empty where it gives none"),
];

const LAYER: &[Column] = &[
    c("feature", Text, "", "The feature's id, else its name, else file and line"),
    c("feature_name", Text, "", "Its name; empty where it has none"),
    FILE,
    LINE,
    c("{sum}", Number, "", "Column that the layer sums, as the file has it"),
];

const TYPES: &[Column] = &[
    PERIOD,
    c(
        "type",
        Integer,
        "",
        "Number of the type; empty for clusters whose type is not known and for what is in no cluster",
    ),
    c("type_name", Text, "", "Name of the type; `not known`; `in no cluster`"),
    c("cluster_count", Integer, "", "Clusters of the type; empty for what is in no cluster"),
    c("facility_count", Integer, "", "Their facilities; empty where that is not known of one of them"),
    c("emissions_t", Number, "t", "Their CO2; empty where none is known"),
    c("share", Number, "", "Its share in the emissions of all rows of the period, 0 to 1"),
];
