//! What tiers start from: where each provider and endpoint stood on the day before.

use super::ids::ProviderSlug;
use super::tier::{Lens, Tier};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How one tier stood at the end of a UTC day.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The tier that is held. While `naive` is unrated nothing is published, and this one is kept in mind.
    pub tier: Tier,
    /// The tier of that day's figures alone; [`Tier::Unrated`] where they gave none.
    pub naive: Tier,
    /// The UTC day since which `tier` has held.
    pub since: NaiveDate,
    /// The tier before that; `None` since the series began.
    pub previous: Option<Tier>,
    /// The figure itself in the lens's unit; `None` where there was none.
    pub effect: Option<f64>,
    /// Whether a gate capped the tier on that day.
    pub capped: bool,
    /// The tier that the figure is past by the dead band, the nearest one of the days running.
    pub leaning: Option<Tier>,
    /// Days running that it has leaned the same way.
    pub leaning_days: u32,
    /// Days running without a tier of the day's own.
    pub unrated_days: u32,
}

impl Held {
    /// The tier that was published on that day.
    pub fn published(&self) -> Tier {
        if self.naive == Tier::Unrated { Tier::Unrated } else { self.tier }
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

/// Everything held at the end of one UTC day. The empty one is the beginning: every tier is then the day's own.
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
    /// When its last run that brought readings looked.
    pub closing: chrono::DateTime<chrono::Utc>,
}
