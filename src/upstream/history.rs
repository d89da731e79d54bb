//! What an upstream still offers of the time before the record.

use crate::domain::document::Pair;
use crate::domain::endpoint::Prices;
use crate::domain::ids::names;
use crate::domain::imported::{
    ImportKind, ImportedActivity, ImportedDay, ImportedEndpoint, ImportedPrices, ImportedUptime,
};
use std::collections::BTreeMap;

names! {
    /// How far back the requests for charts and price logs reach.
    HistoryRange as "range" {
        /// As far as the upstream goes.
        All = "all",
        /// About 30 days.
        Month = "1m",
    }
}

/// An endpoint of the newest run.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownEndpoint {
    /// Its names.
    pub endpoint: ImportedEndpoint,
    /// Its list prices after discount, USD per million tokens.
    pub list: Prices,
}

/// A pair with its endpoints in the newest run.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownPair {
    /// The pair.
    pub pair: Pair,
    /// Its endpoints.
    pub endpoints: Vec<KnownEndpoint>,
}

/// What to request of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryQuery {
    /// The kinds of data.
    pub kinds: Vec<ImportKind>,
    /// How far back.
    pub range: HistoryRange,
    /// The pairs.
    pub pairs: Vec<KnownPair>,
}

/// The status of each request that was answered, by its path. Requests without an answer and refused ones are not in it.
pub type Answered = BTreeMap<String, u16>;

/// What one document says of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct PastBody {
    /// Its kind.
    pub kind: ImportKind,
    /// Days of endpoints that are over. Days of price charts have no hit rate yet: deriving it needs the list prices.
    pub days: Vec<ImportedDay>,
    /// List prices, sorted by endpoint and time.
    pub prices: Vec<ImportedPrices>,
    /// Whole hours of uptime.
    pub uptimes: Vec<ImportedUptime>,
    /// Days of models that are over.
    pub activity: Vec<ImportedActivity>,
    /// Values that could not be used: the JSON path, and why.
    pub refused: Vec<(String, String)>,
}

impl PastBody {
    /// A document without rows.
    pub fn of(kind: ImportKind) -> Self {
        Self {
            kind,
            days: Vec::new(),
            prices: Vec::new(),
            uptimes: Vec::new(),
            activity: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Whether it has neither rows nor refused values.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
            && self.prices.is_empty()
            && self.uptimes.is_empty()
            && self.activity.is_empty()
            && self.refused.is_empty()
    }
}
