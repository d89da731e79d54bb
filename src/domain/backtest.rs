//! The backtest: what was known about an endpoint on a day, and what each policy would have cost.

use super::ids::names;
use super::tier_list::DayRange;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A standard endpoint on a UTC day that has a closing price.
#[derive(Debug, Clone, PartialEq)]
pub struct PricedDay {
    /// Key of the endpoint in the panel.
    pub endpoint: i64,
    /// Key of its model in the panel.
    pub model: i64,
    /// The day.
    pub day: NaiveDate,
    /// Closing effective input price, USD per million tokens.
    pub effective_input: f64,
    /// Closing effective output price, USD per million tokens.
    pub effective_output: f64,
    /// Whether no mix of list prices can explain that input price. Such a day counts as a day without a price.
    pub impossible: bool,
    /// List input price at the end of the day, USD per million tokens.
    pub list_input: Option<f64>,
    /// List output price at the end of the day, USD per million tokens.
    pub list_output: Option<f64>,
    /// Tokens of the latest reading up to the end of the day.
    pub tokens: Option<i64>,
}

/// The cost of an endpoint that the policy `hitrate` expects: the effective input price plus
/// [`crate::domain::thresholds::BACKTEST_OUTPUT_SHARE`] of the effective output price, USD per million prompt tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExpectedCost {
    /// The newest day with a closing price; the expectation is for the following day.
    pub day: NaiveDate,
    /// Expected cost.
    pub usd_per_mtok: f64,
    /// Lower end of its 90 % interval; null as long as no forecast can be compared with a price.
    pub low: Option<f64>,
    /// Upper end of its 90 % interval.
    pub high: Option<f64>,
    /// The score that the policy chooses by, lowest first: the expected cost with a charge for each factor by which the
    /// traffic is below 1000 M tokens a day (and a credit above).
    pub chosen_by: f64,
}

names! {
    /// A way of choosing an endpoint of a model.
    Policy {
        /// Lowest list price.
        CheapestList = "cheapest_list",
        /// No choice: the traffic-weighted mean of what the upstream's users paid.
        TrafficAverage = "traffic_average",
        /// Lowest effective price of the day.
        Yesterday = "yesterday",
        /// Lowest decayed mean of the effective price, half-life 2 days.
        HalfLife = "half_life",
        /// Lowest decayed mean of the logarithm of the effective price, half-life 1 day.
        HalfLife1d = "half_life_1d",
        /// The policy of hitrate.
        Hitrate = "hitrate",
        /// Lowest effective price of the next day: the best possible choice, in hindsight.
        Oracle = "oracle",
    }
}

/// The cost of following a policy: the geometric mean of its cost divided by the oracle's, 1 or more, in three
/// weightings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyCost {
    /// The policy.
    #[serde(rename = "name")]
    pub policy: Policy,
    /// Every model-day has the same weight.
    pub equal: f64,
    /// The weight of a model-day is the square root of its tokens.
    pub sqrt_tokens: f64,
    /// The weight of a model-day is its tokens.
    pub tokens: f64,
}

/// Numbers of exclusions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exclusions {
    /// Endpoint-days that were eligible on the day of the choice, but had no price or an impossible price on the next
    /// day.
    pub gone_next_day: usize,
    /// Model-days with only one endpoint to choose from.
    pub lone_endpoint: usize,
}

/// Results for a range of choice days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestedDays {
    /// First day of choice.
    pub from: NaiveDate,
    /// Last day of choice; the price charged is that of the following day.
    pub to: NaiveDate,
    /// Number of choices.
    pub model_days: usize,
    /// Number of models with a choice.
    pub models: usize,
    /// One row per policy.
    pub policies: Vec<PolicyCost>,
    /// Exclusions.
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
    /// Results for all days.
    #[serde(flatten)]
    pub all: TestedDays,
    /// The days on which the settings of the policy `hitrate` were tuned.
    pub tuned_on: DayRange,
    /// Results for the days that were not used for tuning; null if there are none.
    pub reported_on: Option<TestedDays>,
}

impl Backtest {
    /// The result to publish: that of the days not used for tuning, otherwise that of all days.
    pub fn headline(&self) -> &TestedDays {
        self.reported_on.as_ref().unwrap_or(&self.all)
    }
}
