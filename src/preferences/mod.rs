//! Instructions for routers, derived from verdicts: hard limits first, then the ranking.
//!
//! A preference is worth having only while it cannot do harm: it never names an endpoint that is down, phantom, new,
//! unread or unknown, never one that misses a limit, and never a tag that would also match an endpoint of another
//! verdict. Where nothing safe can be said it says so instead.

mod answer;
mod changes;
mod judge;
mod kept;
mod matching;
pub mod openrouter;
mod rank;
mod saving;
mod select;
pub mod targets;

pub use answer::{Wish, advise, known_workload, preference};
pub use changes::{Changes, changes};
pub use openrouter::{MaxPrice, ProviderObject};
pub use rank::{TRAFFIC, expected_cost};
pub use saving::{Compared, Saving};

use crate::domain::limits::Limits;
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
    /// Tries good endpoints one after the other, the best first. It switches the router's sticky routing off, so it is
    /// given only where it is asked for by name.
    Order,
}

impl Mode {
    /// The modes that are offered unasked, the gentlest first; the first is the default. `order` is not among them.
    pub const ALL: [Self; 3] = [Self::Avoid, Self::Shortlist, Self::Pin];

    /// The name in JSON, addresses and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avoid => "avoid",
            Self::Shortlist => "shortlist",
            Self::Pin => "pin",
            Self::Order => "order",
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
            .chain([Self::Order])
            .find(|mode| mode.as_str() == name)
            .ok_or_else(|| format!("unknown mode `{name}`: one of avoid, shortlist, pin, order"))
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
    /// The workload it ranks by.
    pub workload: String,
    /// The limits it keeps; empty where there are none.
    pub limits: Limits,
    /// What to put into the request; null where there is no preference, `why` then says why not.
    pub provider: Option<ProviderObject>,
    /// The limits alone, as far as the router keeps them itself: what to send where `provider` is null and the limits
    /// still hold; null without such limits.
    pub router_limits: Option<ProviderObject>,
    /// Advice on session ids, for people.
    pub session_id: String,
    /// Until when to use it; the data are stale afterwards.
    pub valid_until: DateTime<Utc>,
    /// The endpoints it names, lowest expected cost first.
    pub evidence: Vec<Evidence>,
    /// What to know before using it.
    pub warnings: Vec<String>,
    /// What it is expected to save.
    pub saving: Saving,
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
    /// Cost of a session, USD (of a million prompt tokens under the workload `traffic`).
    pub session_cost: Option<f64>,
    /// What it is ranked by: that cost, charged for thin traffic and for requests that fail.
    pub expected_cost: Option<f64>,
    /// Hit rate over the newest window, 0..1.
    pub hit_rate: Option<f64>,
    /// Published uptime over 30 minutes, or over a day where that is not known; fraction.
    pub uptime: Option<f64>,
    /// In one sentence.
    pub why: String,
}
