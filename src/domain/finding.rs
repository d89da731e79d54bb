//! Findings: upstream fields whose meaning changed, which is why a sweep is not published.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The check that a field failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Rows that the list had before are missing.
    RowsLost,
    /// Rows of a list are repeated.
    RowsRepeated,
    /// Documents are empty.
    DocumentsEmpty,
    /// Values that existed before are missing.
    ValuesLost,
    /// Values appeared where there were none before.
    ValuesAppeared,
    /// Values became 0.
    Zeroed,
    /// Zeros became other values.
    Raised,
    /// Numbers changed their sign.
    SignChanged,
    /// Numbers changed by one common factor, or most of them by some factor.
    Shifted,
    /// Texts or flags changed.
    Changed,
    /// Rows or values could not be used.
    Quarantined,
    /// The upstream's own aggregate disagrees.
    Aggregate,
    /// Effective price, hit rate and list prices contradict each other.
    PriceIdentity,
    /// The two sources list different prices.
    PriceSources,
    /// Tokens grow at a different rate, or fall within a day.
    Volume,
    /// Values of past days changed.
    Restated,
    /// Far fewer or far more than on recent days.
    Count,
}

impl Check {
    /// All checks.
    pub const ALL: [Self; 17] = [
        Self::RowsLost,
        Self::RowsRepeated,
        Self::DocumentsEmpty,
        Self::ValuesLost,
        Self::ValuesAppeared,
        Self::Zeroed,
        Self::Raised,
        Self::SignChanged,
        Self::Shifted,
        Self::Changed,
        Self::Quarantined,
        Self::Aggregate,
        Self::PriceIdentity,
        Self::PriceSources,
        Self::Volume,
        Self::Restated,
        Self::Count,
    ];

    /// The name used in SQL, JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RowsLost => "rows_lost",
            Self::RowsRepeated => "rows_repeated",
            Self::DocumentsEmpty => "documents_empty",
            Self::ValuesLost => "values_lost",
            Self::ValuesAppeared => "values_appeared",
            Self::Zeroed => "zeroed",
            Self::Raised => "raised",
            Self::SignChanged => "sign_changed",
            Self::Shifted => "shifted",
            Self::Changed => "changed",
            Self::Quarantined => "quarantined",
            Self::Aggregate => "aggregate",
            Self::PriceIdentity => "price_identity",
            Self::PriceSources => "price_sources",
            Self::Volume => "volume",
            Self::Restated => "restated",
            Self::Count => "count",
        }
    }

    /// Parses the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.as_str() == name)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One field of a sweep that is implausible compared with earlier sweeps, or in itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Document and field of the upstream, such as `effective_pricing.cacheHitRate`: the name that `hitrate accept`
    /// expects.
    pub field: String,
    /// The check that failed.
    pub check: Check,
    /// The figure in the last accepted run, or the largest plausible one; `detail` explains what it counts.
    pub before: Option<f64>,
    /// The same figure in this sweep.
    pub after: Option<f64>,
    /// One sentence for people: which field changed and how.
    pub detail: String,
}

/// The findings about a sweep, divided into open ones and those that an operator accepted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Findings that make the sweep suspect.
    pub open: Vec<Finding>,
    /// Findings that an operator accepted by field name.
    pub accepted: Vec<Finding>,
}

impl Findings {
    /// Divides the findings by whether an operator accepted the field.
    pub fn divide(found: Vec<Finding>, accepted: &[String]) -> Self {
        let (accepted, open) = found.into_iter().partition(|finding| accepted.contains(&finding.field));
        Self { open, accepted }
    }
}
