//! Providers whose hit rate changed: the last week compared with the week before, on the same endpoints.

use super::{Endpoint, EndpointDay, ProviderEntry, Snapshot};
use crate::domain::ids::ProviderSlug;
use crate::domain::thresholds::{MOVER_DAYS, MOVER_MIN_CHANGE, MOVER_MIN_DAYS, MOVER_MIN_TOKENS};
use crate::domain::tier_list::DayRange;
use crate::domain::window::Basis;
use chrono::Duration;

/// A provider whose hit rate changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Mover {
    /// Base slug.
    pub provider: ProviderSlug,
    /// Display name, untrusted.
    pub name: String,
    /// Token-weighted hit rate of the compared endpoints in the week before, 0..1.
    pub before: f64,
    /// The same in the last week.
    pub now: f64,
    /// Endpoints with enough days in both weeks.
    pub endpoints: usize,
    /// Their mean tokens a day over both weeks.
    pub tokens_per_day: f64,
}

impl Mover {
    /// Difference of hit rates, as a fraction.
    pub fn change(&self) -> f64 {
        self.now - self.before
    }
}

/// The largest changes of a week.
#[derive(Debug, Clone, PartialEq)]
pub struct Movers {
    /// Providers that rose, largest change first.
    pub up: Vec<Mover>,
    /// Providers that fell, largest change first.
    pub down: Vec<Mover>,
    /// Number of providers that could be compared.
    pub compared: usize,
    /// The last week.
    pub last: DayRange,
    /// The week before it.
    pub before: DayRange,
}

/// The weeks that are compared, ending with the day of the newest run: (last, before).
fn weeks(snapshot: &Snapshot) -> (DayRange, DayRange) {
    let week = |back: i64| {
        let to = snapshot.as_of.date_naive() - Duration::days(back);
        DayRange { from: to - Duration::days(MOVER_DAYS - 1), to }
    };
    (week(0), week(MOVER_DAYS))
}

/// Token-weighted hit rate and tokens a day over the observed days of a range; `None` with too few of them.
fn week_of(days: &[EndpointDay], range: DayRange) -> Option<(f64, f64)> {
    let seen: Vec<(f64, f64)> = days
        .iter()
        .filter(|d| d.basis != Some(Basis::Derived) && (range.from..=range.to).contains(&d.day))
        .filter_map(|d| Some((d.hit_rate?, d.tokens.filter(|tokens| *tokens > 0)? as f64)))
        .collect();
    let tokens: f64 = seen.iter().map(|(_, tokens)| tokens).sum();
    let hits: f64 = seen.iter().map(|(hit_rate, tokens)| hit_rate * tokens).sum();
    (seen.len() >= MOVER_MIN_DAYS).then(|| (hits / tokens, tokens / seen.len() as f64))
}

/// A provider over both weeks. Each endpoint has the same weight in both, its mean tokens per day, so that a shift of
/// traffic between endpoints does not change the hit rate.
fn compare(snapshot: &Snapshot, provider: &ProviderEntry, weeks: (DayRange, DayRange)) -> Option<Mover> {
    let standard = snapshot.endpoints_of(provider.provider.as_str()).filter(|(m, _)| m.variant.is_standard());
    let both = |endpoint: &Endpoint| {
        let (now, then) = (week_of(&endpoint.days, weeks.0)?, week_of(&endpoint.days, weeks.1)?);
        Some((now.0, then.0, (now.1 + then.1) / 2.0))
    };
    let pairs: Vec<(f64, f64, f64)> = standard.filter_map(|(_, e)| both(e)).collect();
    let weight: f64 = pairs.iter().map(|p| p.2).sum();
    let mean = |of: fn(&(f64, f64, f64)) -> f64| pairs.iter().map(|p| of(p) * p.2).sum::<f64>() / weight;
    (weight >= MOVER_MIN_TOKENS).then(|| Mover {
        provider: provider.provider.clone(),
        name: provider.name.clone(),
        now: mean(|p| p.0),
        before: mean(|p| p.1),
        endpoints: pairs.len(),
        tokens_per_day: weight,
    })
}

/// The providers with the largest changes, at most `most` in each direction; `None` while no provider has enough
/// observed days in both weeks.
pub fn movers(snapshot: &Snapshot, most: usize) -> Option<Movers> {
    let weeks = weeks(snapshot);
    let all: Vec<Mover> = snapshot.providers.iter().filter_map(|p| compare(snapshot, p, weeks)).collect();
    let compared = all.len();
    let (mut up, mut down): (Vec<Mover>, Vec<Mover>) =
        all.into_iter().filter(|m| m.change().abs() >= MOVER_MIN_CHANGE).partition(|m| m.change() > 0.0);
    up.sort_by(|a, b| b.change().total_cmp(&a.change()));
    down.sort_by(|a, b| a.change().total_cmp(&b.change()));
    up.truncate(most);
    down.truncate(most);
    (compared > 0).then_some(Movers { up, down, compared, last: weeks.0, before: weeks.1 })
}
