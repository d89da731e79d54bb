//! The public hit rate of the same days and endpoint beside the own one.

use super::{OwnRate, PublicRate};
use crate::domain::format::percent;
use crate::snapshot::{Endpoint, Snapshot};
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// Who answered the calls of a group.
#[derive(Debug, Clone, Copy, Default)]
pub struct Served<'a> {
    /// Model of the public catalogue.
    pub model: Option<&'a str>,
    /// Upstream's id of the endpoint.
    pub endpoint_id: Option<&'a str>,
    /// Tag of the endpoint.
    pub tag: Option<&'a str>,
    /// Base slug of the provider.
    pub provider: Option<&'a str>,
}

/// The endpoints of a snapshot that may have answered: one if its id or tag is known, otherwise all of the provider.
pub fn candidates<'a>(snapshot: &'a Snapshot, served: &Served<'_>) -> Vec<&'a Endpoint> {
    let Some(model) = served.model.and_then(|model| snapshot.model(model)) else { return Vec::new() };
    let of = |fits: &dyn Fn(&Endpoint) -> bool| -> Vec<&'a Endpoint> {
        model.endpoints.iter().filter(|endpoint| fits(endpoint)).collect()
    };
    let by_id = served.endpoint_id.map(|id| of(&|endpoint| endpoint.endpoint_id.to_string() == id));
    let by_tag = || served.tag.map(|tag| of(&|endpoint| endpoint.tag.as_str() == tag));
    let by_provider = || served.provider.map(|slug| of(&|endpoint| endpoint.provider.as_str() == slug));
    let some = |found: &Vec<&Endpoint>| !found.is_empty();
    by_id.filter(some).or_else(|| by_tag().filter(some)).or_else(by_provider).unwrap_or_default()
}

/// The rate of an endpoint over some days, weighted by its tokens, and these days.
fn over_days(endpoint: &Endpoint, days: &BTreeSet<NaiveDate>) -> Option<(f64, f64, BTreeSet<NaiveDate>)> {
    let mut hits = 0.0;
    let mut tokens = 0.0;
    let mut found = BTreeSet::new();
    for day in endpoint.days.iter().filter(|day| days.contains(&day.day)) {
        if let Some((rate, of_day)) = day.hit_rate.zip(day.tokens).filter(|(_, tokens)| *tokens > 0) {
            hits += rate * of_day as f64;
            tokens += of_day as f64;
            found.insert(day.day);
        }
    }
    (tokens > 0.0).then(|| (hits / tokens, tokens, found))
}

/// The public rate over the days with own calls.
pub fn public_rate(
    snapshot: Option<&Snapshot>,
    served: &Served<'_>,
    days: &BTreeSet<NaiveDate>,
) -> PublicRate {
    let without = |why: &str| PublicRate {
        why: Some(why.to_owned()),
        own_days: days.len() as u64,
        ..PublicRate::default()
    };
    let Some(snapshot) = snapshot else { return without("there is no snapshot; run `hitrate collect`") };
    if served.model.is_none() {
        return without("the model is not in the public catalogue");
    }
    if served.endpoint_id.is_none() && served.tag.is_none() && served.provider.is_none() {
        return without("the log does not name a provider of the public catalogue");
    }
    let endpoints = candidates(snapshot, served);
    if endpoints.is_empty() {
        return without("the provider has no endpoint of the model in the newest snapshot");
    }
    let found: Vec<_> = endpoints.iter().filter_map(|endpoint| over_days(endpoint, days)).collect();
    let tokens: f64 = found.iter().map(|(_, tokens, _)| tokens).sum();
    let ends = |pick: fn(f64, f64) -> f64| found.iter().map(|(rate, _, _)| *rate).reduce(pick);
    let covered: BTreeSet<&NaiveDate> = found.iter().flat_map(|(_, _, days)| days).collect();
    let is_ambiguous = endpoints.len() > 1;
    let why = match days.is_empty() {
        true => "the calls have no time",
        false => "the snapshot has no hit rate for the days of the calls",
    };
    PublicRate {
        rate: (tokens > 0.0)
            .then(|| found.iter().map(|(rate, tokens, _)| rate * tokens).sum::<f64>() / tokens),
        low: ends(f64::min),
        high: ends(f64::max),
        endpoints: endpoints.iter().map(|endpoint| endpoint.tag.to_string()).collect(),
        is_ambiguous,
        days: covered.len() as u64,
        own_days: days.len() as u64,
        retention: endpoints
            .first()
            .filter(|_| !is_ambiguous)
            .and_then(|endpoint| endpoint.cost_basis.retention),
        why: found.is_empty().then(|| why.to_owned()),
    }
}

/// From this retention on, the cache is not the reason for a low hit rate.
const GOOD_RETENTION: f64 = 0.9;

/// What the difference between own and public rate may mean.
pub fn difference(own: &OwnRate, public: &PublicRate) -> Option<String> {
    let (rate, low, high) = (own.rate?, public.low?, public.high?);
    let points = |difference: f64| format!("{:.1} points", difference.abs() * 100.0);
    let Some(interval) = own.interval else {
        let distance = if rate < low { low - rate } else { (rate - high).max(0.0) };
        let why = own.no_interval.as_deref().unwrap_or("there is no interval");
        return Some(format!("The difference of {} may be chance ({why}).", points(distance)));
    };
    if interval.high >= low && interval.low <= high {
        return Some("The public rate is within the uncertainty of yours.".to_owned());
    }
    if rate > high {
        return Some(format!(
            "{} above the public rate: your sessions are longer or repeat more than its mean traffic.",
            points(rate - high)
        ));
    }
    let below = format!("{} below the public rate", points(low - rate));
    Some(match own.retention {
        None => format!("{below}; without sessions in the log the cause is unknown."),
        Some(kept) if kept >= GOOD_RETENTION || public.retention.is_some_and(|usual| kept >= usual) => {
            format!(
                "{below} although {} of the reusable tokens were read: your sessions are shorter or repeat less than its mean traffic.",
                percent(kept, 1)
            )
        }
        Some(kept) => format!(
            "{below}, and {} of the reusable tokens were not read: see `hitrate traffic misses`.",
            percent(1.0 - kept, 1)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::report::Interval;

    fn own(rate: f64, interval: Option<(f64, f64)>, retention: Option<f64>) -> OwnRate {
        OwnRate {
            rate: Some(rate),
            interval: interval.map(|(low, high)| Interval { low, high, coverage: 0.9 }),
            no_interval: interval.is_none().then(|| "2 sessions, at least 5 are needed".to_owned()),
            retention,
            ..OwnRate::default()
        }
    }

    #[test]
    fn the_difference_blames_the_provider_only_if_reusable_tokens_were_lost() {
        let public = PublicRate { rate: Some(0.7), low: Some(0.7), high: Some(0.7), ..PublicRate::default() };
        let says = |own: OwnRate| difference(&own, &public).expect("a sentence");
        assert!(says(own(0.6, Some((0.5, 0.75)), None)).contains("within the uncertainty"));
        assert!(says(own(0.6, Some((0.55, 0.65)), Some(0.95))).contains("your sessions are shorter"));
        assert!(
            says(own(0.6, Some((0.55, 0.65)), Some(0.7)))
                .contains("30.0 % of the reusable tokens were not read")
        );
        assert!(says(own(0.6, Some((0.55, 0.65)), None)).contains("the cause is unknown"));
        assert!(says(own(0.9, Some((0.85, 0.95)), None)).starts_with("20.0 points above"));
        assert!(
            says(own(0.6, None, None))
                .contains("10.0 points may be chance (2 sessions, at least 5 are needed)")
        );
        assert_eq!(difference(&OwnRate::default(), &public), None);
    }
}
