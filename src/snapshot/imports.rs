//! What a snapshot contains of imported data. It is shown beside the record and never enters tiers or recommendations.

use crate::domain::imported::{ImportKind, ImportSummary};
use crate::domain::window::Basis;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Imported data: its sources, and the days of endpoints that the record does not have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Imports {
    /// Number of imported sources; all batches of one kind from one upstream are one.
    pub count: usize,
    /// The newest sources, newest first.
    pub sources: Vec<ImportSummary>,
    /// Days by endpoint, oldest first; only days that the record has no usage of.
    #[schema(value_type = Object)]
    pub days: BTreeMap<Uuid, Vec<ImportedPoint>>,
}

/// An imported day of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportedPoint {
    /// The day.
    pub day: NaiveDate,
    /// Name of the source.
    pub source: String,
    /// Kind of the source.
    #[schema(value_type = String)]
    pub kind: ImportKind,
    /// When it was read, if the day was not over then; null for whole days.
    pub read_at: Option<DateTime<Utc>>,
    /// Hit rate, 0..1.
    pub hit_rate: Option<f64>,
    /// Source of the hit rate; null if there is none.
    pub basis: Option<Basis>,
    /// Tokens.
    pub tokens: Option<i64>,
    /// Effective input price, USD per million tokens.
    pub effective_input: Option<f64>,
    /// Effective output price, USD per million tokens.
    pub effective_output: Option<f64>,
    /// Uptime, 0..1.
    pub uptime: Option<f64>,
    /// Output speed, tokens per second.
    pub throughput: Option<f64>,
    /// Time to the first token, milliseconds.
    pub latency_ms: Option<f64>,
}

impl Imports {
    /// Whether nothing is imported.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The imported days of an endpoint, oldest first.
    pub fn of(&self, endpoint_id: Uuid) -> &[ImportedPoint] {
        self.days.get(&endpoint_id).map_or(&[], Vec::as_slice)
    }
}
