//! The state that tiers start from: the tiers of each provider and endpoint on the previous day.

use super::ids::ProviderSlug;
use super::tier::{Lens, Tier};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The state of one tier at the end of a UTC day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// The tier that is held. While `naive` is unrated nothing is published, but this tier is remembered.
    pub tier: Tier,
    /// The tier that the day's figures alone give; [`Tier::Unrated`] if they give none.
    pub naive: Tier,
    /// The UTC day since which `tier` has applied.
    pub since: NaiveDate,
    /// The previous tier; `None` since the start of the series.
    pub previous: Option<Tier>,
    /// The measured figure in the lens's unit; `None` if there was none.
    pub effect: Option<f64>,
    /// Whether a gate capped the tier on that day.
    pub capped: bool,
    /// Number of consecutive days without a rating.
    pub unrated_days: u32,
}

impl Held {
    /// A tier that begins on a day.
    pub fn beginning(tier: Tier, since: NaiveDate) -> Self {
        Self { tier, naive: tier, since, ..Self::default() }
    }

    /// The tier that was published on that day.
    pub fn published(&self) -> Tier {
        if self.naive == Tier::Unrated { Tier::Unrated } else { self.tier }
    }

    /// The published figure: the measured one, within the row of the published tier. `None` if no tier was published.
    pub fn shown(&self, lens: Lens) -> Option<f64> {
        self.effect.filter(|_| self.naive != Tier::Unrated).map(|effect| lens.within(self.tier, effect))
    }
}

/// A provider in one tier list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProviderKey {
    /// The lens.
    pub lens: Lens,
    /// The workload, for `cost` and `overall`.
    pub workload: Option<String>,
    /// Base slug.
    pub provider: ProviderSlug,
}

/// An endpoint under one lens, within its model and the default workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndpointKey {
    /// The lens.
    pub lens: Lens,
    /// The endpoint.
    pub endpoint: Uuid,
}

/// All tier states at the end of one UTC day. An empty history is the start of a series: every tier is then the one
/// that the day's figures give.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Providers.
    pub providers: BTreeMap<ProviderKey, Held>,
    /// Endpoints.
    pub endpoints: BTreeMap<EndpointKey, Held>,
}

/// A UTC day with a run, and the run that closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunDay {
    /// The day.
    pub day: NaiveDate,
    /// Time of its last run with readings.
    pub closing: chrono::DateTime<chrono::Utc>,
}
