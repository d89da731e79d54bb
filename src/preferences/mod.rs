//! Instructions for routers, derived from verdicts: one file a target format.
//!
//! A preference is worth having only while it cannot do harm: it never names an endpoint that is down, phantom, new or
//! unknown, and never a tag that would also match an endpoint of another verdict. Where nothing safe can be said it says
//! so instead.

mod judge;
mod matching;
pub mod openrouter;
pub mod targets;

pub use openrouter::{ProviderObject, preference};

use crate::domain::tier::Tier;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// How much of the routing a preference takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Leaves the bad endpoints out and the routing to the router.
    Avoid,
    /// Admits good endpoints only.
    Shortlist,
    /// Admits the best endpoint only.
    Pin,
}

impl Mode {
    /// All modes, the gentlest first; the first is the default.
    pub const ALL: [Self; 3] = [Self::Avoid, Self::Shortlist, Self::Pin];

    /// The name in JSON, addresses and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avoid => "avoid",
            Self::Shortlist => "shortlist",
            Self::Pin => "pin",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == name)
            .ok_or_else(|| format!("unknown mode `{name}`: one of avoid, shortlist, pin"))
    }
}

/// A preference for one model, with the evidence for it; or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Preference {
    /// Public name of the model.
    pub model: String,
    /// The router it is written for.
    pub target: String,
    /// How much it takes over.
    pub mode: Mode,
    /// What to put into the request; null where there is no preference, `why` then says why not.
    pub provider: Option<ProviderObject>,
    /// Advice on session ids, for people.
    pub session_id: String,
    /// Until when to use it; the data are stale afterwards.
    pub valid_until: DateTime<Utc>,
    /// The endpoints it names, cheapest session first.
    pub evidence: Vec<Evidence>,
    /// What to know before using it.
    pub warnings: Vec<String>,
    /// Why there is no preference; null where there is one.
    #[serde(rename = "why")]
    pub reason: Option<String>,
}

/// Why a preference names an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Routing name.
    pub tag: String,
    /// Base slug of the provider.
    pub provider: String,
    /// Tier by session cost within the model, under the workload asked for.
    pub tier: Tier,
    /// Cost of a session, USD.
    pub session_cost: Option<f64>,
    /// Hit rate over the newest window, 0..1.
    pub hit_rate: Option<f64>,
    /// Published uptime over 30 minutes, or over a day where that is not known; fraction.
    pub uptime: Option<f64>,
    /// In one sentence.
    pub why: String,
}
