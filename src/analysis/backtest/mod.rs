//! Does it pay to follow the policy? For each day and model, an endpoint is chosen from the data known at the end of
//! the day, and charged the actual cost of that endpoint on the following day. By the hour, it is chosen from what is
//! known then, and charged the rest of the day ([`HourlyTest`]).

mod choice;
mod expect;
mod hourly;
mod lists;
mod policy;

pub use expect::expected_costs;
pub use hourly::HourlyTest;
pub use policy::{charged, cost};

use crate::domain::backtest::{Backtest, Exclusions, Policy, PricedDay, TestedDays};
use crate::domain::thresholds::BACKTEST_MIN_TOKENS;
use crate::domain::tier_list::DayRange;
use choice::{Candidate, Paid, choose, costs};
use chrono::NaiveDate;
use policy::judge;
use std::collections::{BTreeMap, BTreeSet};

/// First recorded day on which the settings of the policy `hitrate` were tuned.
const TUNED_FROM: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 7, 13);
/// Last such day.
const TUNED_TO: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 7, 28);

/// One choice: a model on a day.
struct Choice {
    day: NaiveDate,
    model: i64,
    paid: Paid,
}

/// Exclusions, by the day of choice.
type Excluded = BTreeMap<NaiveDate, Exclusions>;

/// Runs the backtest over the choices of `days`. The panel holds one row per endpoint and priced day, sorted by
/// endpoint and day; rows from before `days` feed the smoothed policies. `None` if there is no choice to make: this
/// requires two consecutive days with closing prices and a model with two endpoints with enough traffic.
pub fn backtest(panel: &[PricedDay], days: DayRange) -> Option<Backtest> {
    let (choices, excluded) = choices(panel, days);
    let tuned_on = TUNED_FROM.zip(TUNED_TO).map(|(from, to)| DayRange { from, to })?;
    let untuned = |day: NaiveDate| day < tuned_on.from || day > tuned_on.to;
    Some(Backtest {
        all: summary(&choices, &excluded, |_| true)?,
        tuned_on,
        reported_on: summary(&choices, &excluded, untuned),
    })
}

fn choices(panel: &[PricedDay], days: DayRange) -> (Vec<Choice>, Excluded) {
    let priced: BTreeSet<NaiveDate> = panel.iter().map(|row| row.day).collect();
    let mut by_model_day: BTreeMap<(NaiveDate, i64), Vec<Candidate>> = BTreeMap::new();
    let mut excluded = Excluded::new();
    for endpoint in panel.chunk_by(|a, b| a.endpoint == b.endpoint) {
        let judged = judge(endpoint);
        for (at, today) in judged.iter().enumerate() {
            let eligible = today.tokens.is_some_and(|tokens| tokens as f64 >= BACKTEST_MIN_TOKENS);
            let Some(tomorrow) = today.day.succ_opt().filter(|day| priced.contains(day)) else { continue };
            if !eligible || today.day < days.from || today.day > days.to {
                continue;
            }
            match judged.get(at + 1).filter(|next| next.day == tomorrow) {
                None => excluded.entry(today.day).or_default().gone_next_day += 1,
                Some(next) => by_model_day.entry((today.day, today.model)).or_default().push(Candidate {
                    tokens: today.tokens.unwrap_or_default() as f64,
                    charged: next.cost,
                    scores: Policy::DAILY.map(|policy| today.score(policy)).to_vec(),
                }),
            }
        }
    }
    let mut choices = Vec::with_capacity(by_model_day.len());
    for ((day, model), candidates) in by_model_day {
        match candidates.len() {
            1 => excluded.entry(day).or_default().lone_endpoint += 1,
            _ => choices.push(Choice { day, model, paid: choose(&Policy::DAILY, &candidates) }),
        }
    }
    (choices, excluded)
}

fn summary(
    choices: &[Choice],
    excluded: &Excluded,
    counts: impl Fn(NaiveDate) -> bool,
) -> Option<TestedDays> {
    let choices: Vec<&Choice> = choices.iter().filter(|choice| counts(choice.day)).collect();
    let (first, last) = (choices.first()?, choices.last()?);
    let paid: Vec<&Paid> = choices.iter().map(|choice| &choice.paid).collect();
    let mut exclusions = Exclusions::default();
    for (_, day) in excluded.iter().filter(|(day, _)| counts(**day)) {
        exclusions.gone_next_day += day.gone_next_day;
        exclusions.lone_endpoint += day.lone_endpoint;
    }
    Some(TestedDays {
        from: first.day,
        to: last.day,
        model_days: choices.len(),
        models: choices.iter().map(|choice| choice.model).collect::<BTreeSet<_>>().len(),
        policies: costs(&Policy::DAILY, &paid),
        exclusions,
    })
}
