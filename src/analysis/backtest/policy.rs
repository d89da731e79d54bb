//! How each policy scores an endpoint at the end of a day, only from that day and earlier days.

use crate::domain::backtest::{Policy, PricedDay};
use crate::domain::thresholds::{
    BACKTEST_OUTPUT_SHARE, POLICY_GAIN, POLICY_LONG_HALF_LIFE, POLICY_LONG_SHARE, POLICY_MOST_NEWS,
    POLICY_THIN_CHARGE,
};
use chrono::NaiveDate;

/// Half-life of the policy `half_life`, days.
const HALF_LIFE: f64 = 2.0;
/// Half-life of the policy `half_life_1d`, days.
const HALF_LIFE_1D: f64 = 1.0;

/// Cost of a million prompt tokens with their output, USD; `None` if a price is not positive.
pub fn cost(input: f64, output: f64) -> Option<f64> {
    let cost = input + BACKTEST_OUTPUT_SHARE * output;
    (cost.is_finite() && cost > 0.0).then_some(cost)
}

/// An endpoint at the end of a day: its cost, and the score of each policy that uses past data (lower is better).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub model: i64,
    pub day: NaiveDate,
    pub cost: f64,
    pub list: Option<f64>,
    pub tokens: Option<i64>,
    half_life: f64,
    half_life_1d: f64,
    /// Logarithm of the next day's cost that the policy `hitrate` expects.
    pub level: f64,
    hitrate: f64,
}

impl Judged {
    /// The score of a policy that chooses from known data; infinite if it has no data.
    pub fn score(&self, policy: Policy) -> f64 {
        match policy {
            Policy::CheapestList => self.list.unwrap_or(f64::INFINITY),
            Policy::Yesterday => self.cost,
            Policy::HalfLife => self.half_life,
            Policy::HalfLife1d => self.half_life_1d,
            Policy::Hitrate => self.hitrate,
            // These two are only charged; they do not choose by a score.
            Policy::TrafficAverage | Policy::Oracle => f64::INFINITY,
        }
    }
}

/// An exponentially decayed mean: a value's weight halves with every half-life, counted in days with or without a
/// price.
#[derive(Debug, Clone, Copy, Default)]
struct Decayed {
    sum: f64,
    weight: f64,
}

impl Decayed {
    fn take(&mut self, value: f64, days: f64, half_life: f64) -> f64 {
        let kept = 0.5_f64.powf(days / half_life);
        self.sum = self.sum * kept + value;
        self.weight = self.weight * kept + 1.0;
        self.sum / self.weight
    }
}

/// Our level of the log price: it follows each day's surprise, but by at most a fixed amount per day.
fn follow(level: Option<f64>, log_cost: f64) -> f64 {
    level.map_or(log_cost, |level| {
        level + POLICY_GAIN * (log_cost - level).clamp(-POLICY_MOST_NEWS, POLICY_MOST_NEWS)
    })
}

/// Judges every day of one endpoint; `days` are in chronological order. Each result depends only on its own day and
/// earlier ones.
pub(super) fn judge(days: &[PricedDay]) -> Vec<Judged> {
    let (mut two_days, mut one_day, mut long) = (Decayed::default(), Decayed::default(), Decayed::default());
    let mut following = None;
    let mut before: Option<NaiveDate> = None;
    let mut judged = Vec::with_capacity(days.len());
    for row in days {
        let Some(cost) = cost(row.effective_input, row.effective_output).filter(|_| !row.impossible) else {
            continue;
        };
        let log_cost = cost.ln();
        let passed = before.map_or(0.0, |before| (row.day - before).num_days() as f64);
        before = Some(row.day);
        let followed = follow(following, log_cost);
        following = Some(followed);
        let long = long.take(log_cost, passed, POLICY_LONG_HALF_LIFE);
        let traffic = row.tokens.filter(|tokens| *tokens > 0).map_or(0.0, |tokens| (tokens as f64).ln());
        let level = (1.0 - POLICY_LONG_SHARE) * followed + POLICY_LONG_SHARE * long;
        judged.push(Judged {
            model: row.model,
            day: row.day,
            cost,
            list: row.list_input.zip(row.list_output).and_then(|(input, output)| self::cost(input, output)),
            tokens: row.tokens,
            half_life: two_days.take(cost, passed, HALF_LIFE),
            half_life_1d: one_day.take(log_cost, passed, HALF_LIFE_1D),
            level,
            hitrate: level - POLICY_THIN_CHARGE * traffic,
        });
    }
    judged
}
