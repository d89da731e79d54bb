//! A field of the upstream whose meaning moved: why a sweep is not published as fact.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One field of a sweep that is not plausible beside the sweeps before it, or in itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Document and field of the upstream, as `effective_pricing.cacheHitRate`: the name that `hitrate accept` takes.
    pub field: String,
    /// Machine name of the check that failed.
    pub check: String,
    /// The measure before, in the unit of the check.
    pub before: Option<f64>,
    /// The measure in this sweep.
    pub after: Option<f64>,
    /// One sentence for people: which field moved and how.
    pub detail: String,
}

/// What is known against a sweep, and what an operator accepted of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// What makes the sweep suspect.
    pub open: Vec<Finding>,
    /// What was found and accepted by name.
    pub accepted: Vec<Finding>,
}

impl Findings {
    /// Divides what was found by the fields that an operator accepted.
    pub fn divide(found: Vec<Finding>, accepted: &[String]) -> Self {
        let (accepted, open) = found.into_iter().partition(|finding| accepted.contains(&finding.field));
        Self { open, accepted }
    }
}
