//! The backtest: what was known about an endpoint on a day, and what each policy would have cost.

use super::ids::names;
use super::session::Pricing;
use super::tier_list::DayRange;
use chrono::{DateTime, NaiveDate, Utc};
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

/// A closing of a UTC day of a standard endpoint, as one source published it.
#[derive(Debug, Clone, PartialEq)]
pub struct Closing {
    /// Key of the endpoint in the panel.
    pub endpoint: i64,
    /// Key of its model in the panel.
    pub model: i64,
    /// The day.
    pub day: NaiveDate,
    /// Effective input price of the day, USD per million tokens.
    pub effective_input: Option<f64>,
    /// Effective output price of the day, USD per million tokens.
    pub effective_output: Option<f64>,
    /// Tokens of the day's last reading; a chart has none.
    pub tokens: Option<i64>,
    /// When the body with it was read.
    pub known_at: DateTime<Utc>,
    /// Whether it is the point of a chart, not the last reading of the day.
    pub is_charted: bool,
}

/// A usage summary of a standard endpoint that covers a UTC day so far.
#[derive(Debug, Clone, PartialEq)]
pub struct SoFar {
    /// Key of the endpoint in the panel.
    pub endpoint: i64,
    /// When its body was read.
    pub read_at: DateTime<Utc>,
    /// Whether it covers the day in question. If not, its body was of an earlier day: the model had no traffic since.
    pub is_of_day: bool,
    /// Tokens since midnight.
    pub tokens: i64,
    /// Effective input price since midnight, USD per million tokens.
    pub effective_input: f64,
    /// Effective output price since midnight, USD per million tokens.
    pub effective_output: f64,
}

/// List prices of a standard endpoint, in force until its next ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Key of the endpoint in the panel.
    pub endpoint: i64,
    /// The run before the first run that saw them: they came into force after it. For the first prices of a record, the
    /// same as `from`.
    pub after: DateTime<Utc>,
    /// The first run that saw them.
    pub from: DateTime<Utc>,
    /// The end of that run.
    pub known_at: DateTime<Utc>,
    /// The prices.
    pub pricing: Pricing,
}

/// What is known of the UTC day under way at a moment of it.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderWay {
    /// The moment.
    pub at: DateTime<Utc>,
    /// The readings up to then, sorted by endpoint and time.
    pub readings: Vec<SoFar>,
    /// The list prices up to then, sorted by endpoint and time.
    pub lists: Vec<Listed>,
}

/// The cost of an endpoint that the policy `hitrate` expects: the effective input price plus
/// [`crate::domain::thresholds::BACKTEST_OUTPUT_SHARE`] of the effective output price, USD per million prompt tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExpectedCost {
    /// The newest day with a closing price; the expectation is for the following day, from what is known of it so far.
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
        /// Lowest effective price of the last half hour to hour, as a router that measures it would choose; only charged
        /// by the hour.
        EffectiveNow = "effective_now",
        /// The policy of hitrate.
        Hitrate = "hitrate",
        /// Lowest effective price of what is charged: the best possible choice, in hindsight.
        Oracle = "oracle",
    }
}

impl Policy {
    /// The policies that choose once a day.
    pub const DAILY: [Self; 7] = [
        Self::CheapestList,
        Self::TrafficAverage,
        Self::Yesterday,
        Self::HalfLife,
        Self::HalfLife1d,
        Self::Hitrate,
        Self::Oracle,
    ];

    /// The policies that choose several times a day.
    pub const HOURLY: [Self; 7] = [
        Self::Hitrate,
        Self::Yesterday,
        Self::HalfLife1d,
        Self::CheapestList,
        Self::TrafficAverage,
        Self::EffectiveNow,
        Self::Oracle,
    ];
}

names! {
    /// How often the policies of a backtest choose.
    Decide as "time of decision" {
        /// Once, at the end of each UTC day, for the whole following day.
        Daily = "daily",
        /// At eight hours of each UTC day, for the rest of that day.
        Hourly = "hourly",
    }
}

/// The cost of following a policy: the geometric mean of its cost divided by the oracle's, 1 or more, in three
/// weightings. A choice is for one model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyCost {
    /// The policy.
    #[serde(rename = "name")]
    pub policy: Policy,
    /// Every choice has the same weight.
    pub equal: f64,
    /// The weight of a choice is the square root of the model's tokens.
    pub sqrt_tokens: f64,
    /// The weight of a choice is the model's tokens.
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

/// What a backtest by the hour leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Hours of decision before which no endpoint was read recently enough.
    pub hours_without_readings: usize,
    /// Choices for models that were not read recently enough, though others were.
    pub unread_models: usize,
    /// Choices with only one eligible endpoint.
    pub lone_endpoint: usize,
    /// Endpoints, over all choices, without a positive price of yesterday or of the rest of the day.
    pub unpriced_endpoints: usize,
    /// Endpoints, over all choices, with fewer tokens in the rest of the day than the floor.
    pub idle_endpoints: usize,
    /// Endpoints, over all choices, whose rest of the day costs less than any list price.
    pub impossible_endpoints: usize,
    /// Endpoints, over all choices, whose day has no reading late enough to close it.
    pub unclosed_endpoints: usize,
}

/// The backtest of a record by the hour: each choice is charged the rest of the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HourlyBacktest {
    /// First day of choice in the record.
    pub from: NaiveDate,
    /// Last such day.
    pub to: NaiveDate,
    /// The hours of decision, UTC.
    pub hours: Vec<u32>,
    /// Tokens that an endpoint needs in the rest of a day to be eligible.
    pub rest_floor: f64,
    /// Number of hours of decision with readings.
    pub decision_hours: usize,
    /// Number of choices.
    pub decisions: usize,
    /// Number of models with a choice.
    pub models: usize,
    /// One row per policy; none if there is no choice.
    pub policies: Vec<PolicyCost>,
    /// What was left out.
    pub skipped: Skipped,
}
