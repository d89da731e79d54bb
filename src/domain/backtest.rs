//! The backtest: what was known of an endpoint on a day, and what following each policy would have cost.

use super::tier_list::DayRange;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A standard endpoint on a UTC day that has a closing price.
#[derive(Debug, Clone, PartialEq)]
pub struct PricedDay {
    /// Key of the endpoint within the panel.
    pub endpoint: i64,
    /// Key of its model within the panel.
    pub model: i64,
    /// The day.
    pub day: NaiveDate,
    /// Closing effective input and output price, USD per million tokens.
    pub effective: [f64; 2],
    /// Whether no mix of list prices comes to that input price: the day then counts as one without a price.
    pub impossible: bool,
    /// List input and output price at the end of the day, USD per million tokens.
    pub list: [Option<f64>; 2],
    /// Tokens of the latest reading up to the end of the day.
    pub tokens: Option<i64>,
}

/// What the policy `hitrate` expects an endpoint to cost, effective input and [`crate::domain::thresholds::BACKTEST_OUTPUT_SHARE`]
/// of the effective output price together, USD per million prompt tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExpectedCost {
    /// The newest day with a closing price; what is expected is the cost of the day after.
    pub day: NaiveDate,
    /// The expectation.
    pub usd_per_mtok: f64,
    /// Lower end of its 90 % interval; null before anything was forecast that could be held against a price.
    pub low: Option<f64>,
    /// Upper end of its 90 % interval.
    pub high: Option<f64>,
    /// What the policy chooses by, lowest first: the expectation, with a charge for every factor by which the traffic is
    /// under 1000 M tokens a day (and a credit above).
    pub chosen_by: f64,
}

/// A way of choosing an endpoint of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Lowest list price.
    CheapestList,
    /// No choice: what the upstream's users paid, by their traffic.
    TrafficAverage,
    /// Lowest effective price of the day.
    Yesterday,
    /// Lowest decayed mean of the effective price, half-life 2 days.
    HalfLife,
    /// Lowest decayed mean of the logarithm of the effective price, half-life 1 day.
    #[serde(rename = "half_life_1d")]
    HalfLife1d,
    /// Ours.
    Hitrate,
    /// Lowest effective price of the next day: nobody can do better.
    Oracle,
}

impl Policy {
    /// All policies, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::CheapestList,
        Self::TrafficAverage,
        Self::Yesterday,
        Self::HalfLife,
        Self::HalfLife1d,
        Self::Hitrate,
        Self::Oracle,
    ];

    /// Its name in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::CheapestList => "cheapest_list",
            Self::TrafficAverage => "traffic_average",
            Self::Yesterday => "yesterday",
            Self::HalfLife => "half_life",
            Self::HalfLife1d => "half_life_1d",
            Self::Hitrate => "hitrate",
            Self::Oracle => "oracle",
        }
    }
}

/// What following a policy cost: the geometric mean of its cost over the oracle's, 1 or more, in three weightings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyCost {
    /// The policy.
    #[serde(rename = "name")]
    pub policy: Policy,
    /// Every model-day counts the same.
    pub equal: f64,
    /// A model-day counts the square root of its tokens.
    pub sqrt_tokens: f64,
    /// A model-day counts its tokens.
    pub tokens: f64,
}

/// What was left out, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exclusions {
    /// Endpoint-days: eligible on the day of the choice, without a price, or with an impossible one, on the next.
    pub gone_next_day: usize,
    /// Model-days with one endpoint to choose from.
    pub lone_endpoint: usize,
}

/// Results over some days of choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestedDays {
    /// First day of choice.
    pub from: NaiveDate,
    /// Last day of choice; what is charged is the price of the day after.
    pub to: NaiveDate,
    /// Choices made.
    pub model_days: usize,
    /// Models they were made for.
    pub models: usize,
    /// One row a policy.
    pub policies: Vec<PolicyCost>,
    /// What was left out.
    pub exclusions: Exclusions,
}

impl TestedDays {
    /// The row of a policy.
    pub fn of(&self, policy: Policy) -> Option<&PolicyCost> {
        self.policies.iter().find(|row| row.policy == policy)
    }
}

/// The backtest of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Backtest {
    /// Over all its days.
    #[serde(flatten)]
    pub all: TestedDays,
    /// The days that the settings of the policy `hitrate` were chosen on.
    pub tuned_on: DayRange,
    /// Over the days that they were not chosen on; null where there are none.
    pub reported_on: Option<TestedDays>,
}

impl Backtest {
    /// The result to tell people: that of the days the policy was not tuned on, else that of all.
    pub fn headline(&self) -> &TestedDays {
        self.reported_on.as_ref().unwrap_or(&self.all)
    }
}
