//! Routing preferences derived from verdicts: hard limits first, then the ranking.
//!
//! A preference must do no harm. It never names an endpoint that is down, new, unknown or without recent readings, or
//! that has a phantom cache. It never names an endpoint that violates a limit, and never a tag that would also match an
//! endpoint with a different verdict. If no safe preference exists, the answer says so.

mod answer;
mod changes;
mod charge;
mod judge;
mod kept;
mod matching;
mod one;
pub mod openrouter;
mod rank;
mod realised;
mod saving;
mod select;
mod speed;
pub mod targets;

pub use answer::{WARN_BELOW_SAVING, advise, known_workload, preference, workload_among};
pub use changes::{Changes, changes};
pub use charge::{Paid, PaidDay};
use kept::missed;
pub use one::of_endpoint;
pub use openrouter::{MaxPrice, ProviderObject};
pub use rank::{TRAFFIC, expected_cost};
pub use realised::{
    ChoiceCost, Contained, Horizons, INTERVAL_BOUNDS, INTERVAL_MIN_CASES, ModeReport, PreferenceCount,
    PreferenceReport,
};
pub use saving::{Compared, NO_DIFFERENCE, Saving};
pub use speed::Speed;

use crate::domain::ids::names;
use crate::domain::limits::Limits;
use crate::domain::tier::Tier;
use crate::domain::written_name::WrittenName;
use crate::snapshot::ModelEntry;
use crate::wording::targets::parts_of_name;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

names! {
    /// How much of the routing a preference takes over.
    Mode as "mode" {
        /// Excludes the bad endpoints; the router chooses among the rest.
        Avoid = "avoid",
        /// Admits good endpoints only.
        Shortlist = "shortlist",
        /// Admits the best endpoint only.
        Pin = "pin",
        /// Tries good endpoints one after another, best first. It disables the router's sticky routing, so it is returned
        /// only if it is requested by name.
        Order = "order",
    }
}

impl Mode {
    /// The mode of a request that names none: on the command line, in the API and in the feed. Pages show it first.
    pub const DEFAULT: Self = Self::Shortlist;
    /// The modes that are offered, the default first. `order` is not one of them.
    pub const OFFERED: [Self; 3] = [Self::DEFAULT, Self::Avoid, Self::Pin];
}

/// What the client requests.
#[derive(Debug, Clone, Copy)]
pub struct PreferenceOptions<'a> {
    /// How much of the routing to take over.
    pub mode: Mode,
    /// The workload to rank by: the name of a workload in the snapshot, or [`TRAFFIC`].
    pub workload: &'a str,
    /// Limits that an endpoint must meet.
    pub limits: &'a Limits,
}

/// A preference for one model with its evidence, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Preference {
    /// Public name of the model.
    pub model: String,
    /// The router that the preference is for.
    pub target: String,
    /// How much of the routing it takes over.
    pub mode: Mode,
    /// The workload that it ranks by.
    pub workload: String,
    /// The limits that it enforces; empty without limits.
    pub limits: Limits,
    /// Longest prompt of the workload, tokens, by which limits on prices are judged; `None` if it is unbounded.
    #[serde(skip)]
    #[schema(ignore)]
    pub longest_prompt: Option<f64>,
    /// The object to put into the request; null if there is no preference, in which case `why` gives the reason.
    pub provider: Option<ProviderObject>,
    /// The limits alone, as far as the router can enforce them. Send this if `provider` is null and the limits must
    /// still hold; null without such limits.
    pub router_limits: Option<ProviderObject>,
    /// Advice on session ids, for people.
    pub session_id: String,
    /// What the router does without this preference, for people.
    pub router_default: String,
    /// Time until which the preference is valid; the data are stale afterwards.
    pub valid_until: DateTime<Utc>,
    /// The endpoints that it names, lowest expected cost first.
    pub evidence: Vec<Evidence>,
    /// Warnings to read before using it.
    pub warnings: Vec<String>,
    /// Expected savings.
    pub saving: Saving,
    /// What it changes in speed.
    pub speed: Speed,
    /// Why there is no preference; null if there is one.
    #[serde(rename = "why")]
    pub reason: Option<String>,
}

impl Preference {
    /// The same preference with a warning for each part of the requested name that is more than the name of a model.
    pub fn for_name(mut self, name: &WrittenName) -> Self {
        self.warnings.extend(parts_of_name(name, &self.model));
        self
    }

    /// Why every request under the limits would fail: no endpoint of the model is known to meet all of them. `None` if
    /// one is, or without limits.
    pub fn unmet(&self, model: &ModelEntry) -> Option<String> {
        let meets = |endpoint| missed(&self.limits, endpoint, self.longest_prompt).is_empty();
        if self.limits.is_empty() || model.endpoints.iter().any(meets) {
            return None;
        }
        let reason = self.reason.as_deref().unwrap_or("every endpoint violates one of them");
        Some(format!(
            "no endpoint is known to meet all of your limits, so every request would fail: {reason}"
        ))
    }
}

/// Why a preference names an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Routing name.
    pub tag: String,
    /// Base slug of the provider.
    pub provider: String,
    /// Tier by session cost within the model, under the requested workload.
    pub tier: Tier,
    /// Cost of a session at the list prices of now, USD (under the workload `traffic`: of a million prompt tokens). The
    /// tier is based on the usual list prices.
    pub session_cost: Option<f64>,
    /// The cost that endpoints are ranked by: the session cost with a charge for thin traffic and for failed requests.
    pub expected_cost: Option<f64>,
    /// Hit rate over the newest window, 0..1.
    pub hit_rate: Option<f64>,
    /// Published uptime over 30 minutes, or over a day if that is unknown; fraction.
    pub uptime: Option<f64>,
    /// The reason, in one sentence.
    pub why: String,
}
