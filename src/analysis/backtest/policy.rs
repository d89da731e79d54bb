//! How each policy scores an endpoint: at the end of a day from that day and earlier days, and during a day from what is
//! known so far.

use crate::domain::backtest::{Policy, PricedDay, SoFar};
use crate::domain::thresholds::{
    BACKTEST_OUTPUT_SHARE, POLICY_DAY_THIN_CHARGE, POLICY_GAIN, POLICY_LONG_HALF_LIFE, POLICY_LONG_SHARE,
    POLICY_MOST_NEWS, POLICY_PACE_FLOOR, POLICY_THIN_CHARGE, POLICY_TODAY_HALF_LIFE, POLICY_TODAY_SHARE,
    POLICY_UNCHARGED_TOKENS,
};
use crate::domain::window::midnight;
use chrono::{DateTime, NaiveDate, Utc};

/// Half-life of the policy `half_life`, days.
const HALF_LIFE: f64 = 2.0;
/// Half-life of the policy `half_life_1d`, days.
const HALF_LIFE_1D: f64 = 1.0;

/// Cost of a million prompt tokens with their output, USD; `None` if a price is not positive.
pub fn cost(input: f64, output: f64) -> Option<f64> {
    let cost = input + BACKTEST_OUTPUT_SHARE * output;
    (cost.is_finite() && cost > 0.0).then_some(cost)
}

/// What an endpoint cost on a day; `None` if a price is not positive, or if no mix of list prices can explain it.
pub fn charged(row: &PricedDay) -> Option<f64> {
    cost(row.effective_input, row.effective_output).filter(|_| !row.impossible)
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
    /// Logarithm of the cost that the policy `hitrate` expects, as far as the days up to this one show.
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
            // These do not choose by a score of a day.
            Policy::TrafficAverage | Policy::EffectiveNow | Policy::Oracle => f64::INFINITY,
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
        let Some(cost) = charged(row) else { continue };
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
            hitrate: level - POLICY_DAY_THIN_CHARGE * traffic,
        });
    }
    judged
}

/// What was read of an endpoint today.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Today {
    /// Tokens since midnight.
    pub tokens: f64,
    /// The tokens with their decayed weights, and the logarithm of their mean cost; `None` without a cost above zero.
    pub recent: Option<(f64, f64)>,
}

/// Sums up the readings of a day up to a moment. They are in chronological order, each says whether its price is
/// possible; an impossible price is ignored. The traffic between two readings has a weight that halves with every
/// [`POLICY_TODAY_HALF_LIFE`] since the later one. A count that does not grow is ignored.
pub(super) fn today<'a>(readings: impl IntoIterator<Item = (&'a SoFar, bool)>, at: DateTime<Utc>) -> Today {
    let (mut tokens, mut spent, mut most) = (0.0, 0.0, 0.0_f64);
    let (mut tokens_before, mut spent_before) = (0.0, 0.0);
    for (reading, is_possible) in readings {
        let counted = reading.tokens as f64;
        most = most.max(counted);
        if !is_possible || counted <= tokens_before {
            continue;
        }
        let paid = counted * (reading.effective_input + BACKTEST_OUTPUT_SHARE * reading.effective_output);
        let age = hours(reading.read_at, at).max(0.0);
        let weight = 0.5_f64.powf(age / POLICY_TODAY_HALF_LIFE);
        tokens += weight * (counted - tokens_before);
        spent += weight * (paid - spent_before);
        (tokens_before, spent_before) = (counted, paid);
    }
    let cost = spent / tokens;
    Today { tokens: most, recent: (cost.is_finite() && cost > 0.0).then(|| (tokens, cost.ln())) }
}

/// What is known of an endpoint at a moment of the day under way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Known {
    /// [`Judged::level`] of the last priced day.
    pub level: f64,
    /// Logarithm of the list cost now divided by its mean over that day; `None` if one of them is unknown.
    pub list_step: Option<f64>,
    /// What was read today; `None` if the model was not read today.
    pub today: Option<Today>,
    /// Tokens of the last priced day.
    pub tokens: Option<i64>,
    /// The moment.
    pub at: DateTime<Utc>,
}

/// What the policy `hitrate` expects an endpoint to cost for the rest of the day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expectation {
    /// Logarithm of the expected cost.
    pub log_cost: f64,
    /// The score that the policy chooses by, lowest first: the same with a charge for thin traffic.
    pub chosen_by: f64,
}

/// The policy `hitrate`: the level of the days before, moved by the step of the list price since then, and mixed with
/// the price of today by the square roots of their traffic.
pub(super) fn now(known: &Known) -> Expectation {
    let before = known.level + known.list_step.unwrap_or(0.0);
    let passed = hours(midnight(known.at.date_naive()), known.at);
    let pace = |today: Today| (today.tokens * 24.0 / passed).max(POLICY_PACE_FLOOR);
    let pace = known.today.filter(|_| passed >= 1.0).map(pace);
    let yesterday = known.tokens.filter(|tokens| *tokens > 0).map(|tokens| tokens as f64);
    let usual = yesterday.or(pace);
    let mixed = |(tokens, log_cost): (f64, f64), usual: f64| {
        let weight = tokens.sqrt() / (tokens.sqrt() + (POLICY_TODAY_SHARE * usual).sqrt());
        before + weight * (log_cost - before)
    };
    let recent = known.today.and_then(|today| today.recent);
    let log_cost = recent.zip(usual).map_or(before, |(recent, usual)| mixed(recent, usual));
    // Without any count, the traffic counts as one token.
    let usual = usual.unwrap_or(1.0);
    let traffic = pace.map_or(usual, |pace| usual.min(pace));
    Expectation {
        log_cost,
        chosen_by: log_cost + POLICY_THIN_CHARGE * (POLICY_UNCHARGED_TOKENS / traffic).ln(),
    }
}

fn hours(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).as_seconds_f64() / 3600.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Duration;

    /// A time of 1 September 2026.
    fn hour(hours: i64) -> DateTime<Utc> {
        "2026-09-01T00:00:00Z".parse::<DateTime<Utc>>().expect("a time") + Duration::hours(hours)
    }

    fn read(hours: i64, millions: i64, price: f64) -> SoFar {
        SoFar {
            endpoint: 1,
            read_at: hour(hours),
            is_of_day: true,
            tokens: millions * 1_000_000,
            effective_input: price,
            effective_output: 0.0,
        }
    }

    fn of(readings: &[SoFar], at: i64) -> Today {
        today(readings.iter().map(|row| (row, true)), hour(at))
    }

    /// An endpoint that cost 2 USD on 100 million tokens yesterday.
    fn known(today: Option<Today>, at: i64) -> Known {
        let level = 2.0_f64.ln();
        Known { level, list_step: None, today, tokens: Some(100_000_000), at: hour(at) }
    }

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9 * wanted.abs().max(1.0), "{found}, not {wanted}");
    }

    /// The charge at a pace of this many million tokens a day.
    fn charge(millions: f64) -> f64 {
        POLICY_THIN_CHARGE * (1000.0 / millions).ln()
    }

    #[test]
    fn traffic_loses_half_of_its_weight_in_three_hours() {
        // 10 million tokens at 2 USD, six hours ago; 10 million at 1 USD now.
        let (tokens, log_cost) = of(&[read(6, 10, 2.0), read(12, 20, 1.5)], 12).recent.expect("read");
        near(tokens, 12.5e6);
        near(log_cost.exp(), 15.0 / 12.5);
        let later = of(&[read(6, 10, 2.0), read(12, 20, 1.5)], 15).recent.expect("read");
        near(later.0, 6.25e6);
        near(later.1, log_cost);
    }

    #[test]
    fn today_weighs_by_the_square_root_of_its_traffic() {
        for (millions, weight) in [(10, 0.5), (90, 0.75), (0, 0.0)] {
            let expected = now(&known(Some(of(&[read(12, millions, 1.0)], 12)), 12));
            near(expected.log_cost, (1.0 - weight) * 2.0_f64.ln());
        }
    }

    #[test]
    fn without_a_reading_only_the_days_before_and_the_list_count() {
        let unread = now(&known(None, 12));
        near(unread.log_cost, 2.0_f64.ln());
        near(unread.chosen_by, 2.0_f64.ln() + charge(100.0));
        let idle = now(&known(Some(of(&[], 12)), 12));
        near(idle.log_cost, 2.0_f64.ln());
        near(idle.chosen_by, 2.0_f64.ln() + charge(1.0));
        let stepped = now(&Known { list_step: Some(0.5_f64.ln()), ..known(None, 12) });
        near(stepped.log_cost, 0.0);
    }

    #[test]
    fn the_charge_is_for_the_slower_of_yesterday_and_today() {
        let chosen = |millions, at| {
            let expected = now(&known(Some(of(&[read(at, millions, 2.0)], at)), at));
            expected.chosen_by - expected.log_cost
        };
        near(chosen(20, 12), charge(40.0));
        near(chosen(200, 12), charge(100.0));
        // In the first hour after midnight there is no pace yet.
        near(chosen(0, 0), charge(100.0));
        near(chosen(1, 0), charge(100.0));
        near(chosen(1, 1), charge(24.0));
        let new = now(&Known { tokens: None, ..known(Some(of(&[read(12, 20, 2.0)], 12)), 12) });
        near(new.chosen_by - new.log_cost, charge(40.0));
        let unknown = now(&Known { tokens: None, ..known(None, 12) });
        near(unknown.chosen_by - unknown.log_cost, charge(1e-6));
    }

    #[test]
    fn a_count_that_falls_and_an_impossible_price_are_ignored() {
        let readings = [read(10, 10, 2.0), read(11, 9, 50.0), read(12, 20, 1.5)];
        assert_eq!(of(&readings, 12), of(&[read(10, 10, 2.0), read(12, 20, 1.5)], 12));
        let spoiled = [(read(10, 10, 2.0), true), (read(11, 15, 50.0), false)];
        let found = today(spoiled.iter().map(|(row, possible)| (row, *possible)), hour(11));
        assert_eq!(found.recent, of(&[read(10, 10, 2.0)], 11).recent);
        near(found.tokens, 15e6);
        assert_eq!(of(&[read(10, 10, 0.0)], 12).recent, None, "a price of zero has no logarithm");
    }
}
