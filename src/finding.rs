//! The facts a run learns about its data and keeps: findings (counted, not rejected) and rejected rows.
//! Nothing here stops a run.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::stage::Stage;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Look at it before you trust the result.
    Warning,
    /// Worth knowing.
    Info,
}

/// The closed list of what can be learnt of a row or of a table; the names appear in `quarantine.csv` and `findings.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A row with more or fewer fields than the header.
    FieldCount,
    /// A row that does not read in the file's encoding.
    Encoding,
    /// The header a second time.
    HeaderAgain,
    /// A cell that does not read as what its column holds.
    Unreadable,
    /// A cell longer than any name.
    TooLong,
    /// A row without a partner in the joined file.
    Join,
    /// A gas that has no CO2 equivalent here.
    Gas,
    /// An empty cell where there must be a value.
    Required,
    /// A value below the smallest.
    Min,
    /// A value above the greatest.
    Max,
    /// A value that is not in the list.
    Allowed,
    /// A text that does not match the pattern.
    Pattern,
    /// A value or key a second time.
    Unique,
    /// A column that both files of a join have.
    SameColumn,
    /// A name that another table does not have.
    Reference,
    /// A row for which a check is not true.
    Check,
    /// Coordinates beyond the reach of their system, or off the globe.
    CoordinateRange,
    /// Coordinates 0, 0: a placeholder.
    NullIsland,
    /// Latitude and longitude (or easting and northing) the wrong way round.
    SwappedCoordinates,
    /// A place outside of the declared country.
    OutOfCountry,
    /// A word for "not known" in a name or a year: read as missing.
    UnknownWord,
    /// One name has more of the register than a firm is likely to.
    LargeOwner,
    /// Rows without a year beside rows with one: a period of their own.
    NoYear,
    /// A year that no register of emissions can have.
    OddYear,
    /// Periods with a small part of the rows that others have.
    SmallPeriod,
    /// Several rows of one facility and period: it counts once a row.
    SeveralRows,
    /// Rows of one key that differ in what could not be put together: the first's value stands.
    FirstValue,
    /// A key of the pipeline file that says nothing of files of this format.
    IdleKey,
    /// A country by no known code or name: places in it are not checked.
    UnknownCountry,
    /// A file with a header and no rows.
    NoRows,
    /// Rows of one key added up, or replaced by the last.
    Merged,
    /// Rows of the joined file that no row asked for.
    UnusedJoin,
    /// More rows than `check` holds: what spans rows was not checked.
    CheckedByRow,
    /// A transformation less exact than the best for this system.
    CoarseTransformation,
    /// Facilities without coordinates: in no cluster by distance, kept among the dispersed sites.
    NoCoordinates,
    /// Facilities without emissions: outside every weighted figure.
    /// Rows without emissions.
    NoEmissions,
    /// Figures are weighted by another column than emissions.
    Weighted,
    /// A value that a person has put in the place of the register's.
    Corrected,
    /// A facility's coordinates differ between periods; the latest stand.
    MovedFacility,
    /// Links from a facility or operator to itself: not counted.
    SelfLink,
    /// The same tie given more than once in one source: counted once.
    DuplicateLink,
    /// One tie with two weights: it counts once, and its weight is not known.
    ContradictingLink,
    /// A tie that ends before it begins.
    Years,
    /// Shares of the members of one organisation that add up to more than 100 %.
    ShareSum,
    /// An organisation with one member: it ties nobody.
    LoneMember,
    /// A link end, member or figure names a facility or operator that `where` or the quarantine took away.
    LostReference,
    /// Some members of one cell are not in the register; the known ones are kept.
    UnknownMember,
    /// A feature without geometry: kept, and never near anything.
    NoGeometry,
    /// A line of one point: read as the point.
    OnePointLine,
    /// An edge over more than half of the globe: read as crossing the antimeridian.
    AcrossAntimeridian,
    /// A polygon whose rings touch or cross themselves: kept, inside by the even-odd rule.
    InvalidPolygon,
    /// A figure given for a facility that is in no cluster.
    FigureOutsideClusters,
    /// Two different values for one figure of one cluster and period: the figure is missing there.
    ConflictingFigures,
    /// An initiative that names a cluster which the run does not have.
    UnknownCluster,
    /// An indicator that gave no finite number for a cluster: missing there.
    NotFinite,
    /// An inherited indicator that rests on something this pipeline does not declare.
    Undeclared,
    /// The dimensions are not the typology's: scores, and no types.
    NoTypology,
    /// Missing values that were filled from other units.
    Imputed,
    /// Units with too few values to be scored.
    Screened,
    /// An indicator whose values have no scores by its normalisation.
    NoScores,
    /// Scores that move when other units come or go.
    RelativeScores,
    /// More pairs of indicators than are correlated.
    ManyCorrelations,
    /// Groups below `min_facilities` or `min_emissions_t`: dissolved into dispersed sites.
    Dissolved,
    /// Facilities that joined a group by `grow`.
    Grown,
    /// Boundaries without a facility.
    EmptyBoundary,
    /// Several radii: which one makes the clusters.
    SeveralRadii,
    /// A layer of which no feature is anywhere near a facility.
    FarLayer,
    /// A network too large for the search of communities.
    LargeNetwork,
    /// A layer without a single feature.
    EmptyLayer,
    /// Distances shorter than the precision of one of their ends.
    WithinPrecision,
    /// Links between plants of one firm, in sources that tie firms: not counted.
    WithinFirm,
    /// Later events without a year.
    UndatedEvent,
    /// Events that were not after the period in which clusters are scored.
    EarlyEvent,
    /// Events after the last year that counts.
    LateEvent,
    /// Events in no cluster.
    EventOutsideClusters,
    /// Events that name a cluster which the run does not have.
    StrangeCluster,
    /// Events at the place of another: one.
    RepeatedEvent,
    /// Too few clusters with an event to tell anything.
    FewEvents,
    /// A file that gives later events and feeds the scores as well.
    Leakage,
    /// Dimensions that are unknown: what is missing of them was drawn.
    DrawnMissing,
    /// Probabilities that are less certain than was asked for.
    TargetError,
    /// More clusters than are compared in pairs.
    ManyPairs,
    /// An expectation of `[[expect]]` that does not hold.
    Expectation,
    /// An expectation that compares with an earlier run, and there is none.
    NothingToCompare,
}

impl Rule {
    /// The stage that learns it.
    pub fn stage(self) -> Stage {
        match self {
            Self::Dissolved | Self::Grown | Self::EmptyBoundary | Self::SeveralRadii => Stage::Delineate,
            Self::FigureOutsideClusters
            | Self::ConflictingFigures
            | Self::NotFinite
            | Self::Undeclared
            | Self::FarLayer
            | Self::LargeNetwork
            | Self::EmptyLayer
            | Self::WithinPrecision
            | Self::WithinFirm => Stage::Measure,
            Self::Imputed | Self::Screened | Self::NoScores | Self::RelativeScores | Self::ManyCorrelations => {
                Stage::Score
            }
            Self::UnknownCluster | Self::NoTypology => Stage::Classify,
            Self::UndatedEvent
            | Self::EarlyEvent
            | Self::LateEvent
            | Self::EventOutsideClusters
            | Self::StrangeCluster
            | Self::RepeatedEvent
            | Self::FewEvents
            | Self::Leakage => Stage::Backtest,
            Self::Expectation | Self::NothingToCompare => Stage::Report,
            Self::DrawnMissing | Self::TargetError | Self::ManyPairs => Stage::Uncertainty,
            _ => Stage::Validate,
        }
    }
}

/// One fact about the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The stage that learnt it.
    pub stage: Stage,
    /// The source, as the pipeline file names it; empty where none.
    pub source: String,
    /// The file; empty where none.
    pub file: String,
    /// The first line that shows it.
    pub line: Option<u64>,
    /// The column; empty where none.
    pub column: String,
    /// Which fact.
    pub rule: Rule,
    /// The fact in words.
    pub message: String,
    /// How many rows or things it concerns.
    pub count: u64,
}

impl Finding {
    /// A fact that belongs to no line of a file.
    pub fn of(severity: Severity, source: &str, rule: Rule, message: String, count: usize) -> Self {
        Self {
            severity,
            stage: rule.stage(),
            source: source.to_owned(),
            file: String::new(),
            line: None,
            column: String::new(),
            rule,
            message,
            count: count as u64,
        }
    }

    /// What findings are ordered by: all that they are, stages by their names.
    fn order(&self) -> impl Ord + '_ {
        let place = (&self.source, &self.file, self.line, &self.column);
        (self.severity, self.stage.as_str(), place, self.rule, &self.message, self.count)
    }
}

/// One rejected row, as `quarantine.csv` has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rejection {
    /// The source, as the pipeline file names it.
    pub source: Arc<str>,
    /// The file, as the pipeline file names it.
    pub file: Arc<str>,
    /// The line of the file as an editor shows it; for GeoJSON the feature's number, for Parquet the row's.
    pub line: u64,
    /// The column of the file; empty where the whole row is at fault.
    pub column: Arc<str>,
    /// The original text.
    pub value: String,
    /// The rule that it broke.
    pub rule: Rule,
    /// The rule in words, and what to do.
    pub message: String,
}

/// All that a run has learnt.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Findings {
    /// Facts.
    pub findings: Vec<Finding>,
    /// Rejected rows.
    pub quarantine: Vec<Rejection>,
}

impl Findings {
    /// Adds a fact that belongs to no line of a file.
    pub fn add(&mut self, severity: Severity, source: &str, rule: Rule, message: String, count: usize) {
        if count > 0 {
            self.findings.push(Finding::of(severity, source, rule, message, count));
        }
    }

    /// The same and what was learnt of all of it, in order; itself where that is nothing.
    pub fn with(&self, learnt: Self) -> Cow<'_, Self> {
        if learnt.findings.is_empty() && learnt.quarantine.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut all = self.clone();
        all.gather(learnt);
        all.sort();
        Cow::Owned(all)
    }

    /// Takes what a stage has learnt from what it gives.
    ///
    /// # Errors
    ///
    /// That of the stage.
    pub fn of<T>(&mut self, stage: crate::Result<(T, Self)>) -> crate::Result<T> {
        let (value, learnt) = stage?;
        self.gather(learnt);
        Ok(value)
    }

    /// Takes what another stage has learnt.
    pub fn gather(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.quarantine.extend(other.quarantine);
    }

    /// Brings both lists into the fixed order in which they are written.
    pub fn sort(&mut self) {
        self.findings.sort_by(|a, b| a.order().cmp(&b.order()));
        self.quarantine.sort();
    }
}
