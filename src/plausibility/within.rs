//! Internal consistency of a run: figures that the upstream publishes twice, in two documents or in two units.

use super::compare::{Part, median};
use super::fields::beyond;
use super::flat::Tables;
use super::limits::{self, MIN_ROWS};
use super::{Check, Seen};
use crate::analysis::identity_error;
use crate::domain::endpoint::ListPrices;
use crate::domain::ids::{ModelSlug, Variant};
use crate::domain::reading::{PriceAgreement, Reading, RunReadings, Usage};
use crate::domain::session::Pricing;
use crate::domain::thresholds::IDENTITY_TOLERANCE;
use crate::domain::units::{HitRate, UsdPerMtok};
use crate::domain::window::WindowKind;
use chrono::Timelike;
use std::collections::HashMap;

/// Adds a contradiction, unless one of the fields that may be at fault is known to have moved, because that finding
/// names the cause. A contradiction that the last accepted run also had is normal: an operator may have accepted it.
fn contradiction(
    paths: &[&str],
    check: Check,
    (part, usual): (Part, f64),
    limit: f64,
    what: &str,
    seen: &mut Vec<Seen>,
) {
    let limit = limit + usual;
    let explained = seen.iter().any(|one| paths.contains(&one.path.as_str()) || blames(one, paths));
    let Some(first) = paths.first() else { return };
    if explained || !beyond(part, limit) {
        return;
    }
    seen.push(Seen {
        path: (*first).to_owned(),
        check,
        weight: part.share(),
        before: Some(limit),
        after: Some(part.share()),
        detail: format!(
            "{what} for {} of {}; up to {:.0} % would be plausible",
            part.count,
            part.of,
            limit * 100.0
        ),
    });
}

/// Whether a finding blames one of the paths. Quarantined usage explains missing amounts in sums over usage.
fn blames(one: &Seen, paths: &[&str]) -> bool {
    let of_usage = paths.iter().any(|path| path.starts_with("usage."));
    one.check == Check::Quarantined && of_usage && one.path.contains("effective_pricing")
}

/// Compares the list prices of the two sources. With a history it is known which price moved: the documented one, if
/// the price of the statistics did not move.
pub fn price_sources(before: Option<&RunReadings>, run: &RunReadings, seen: &mut Vec<Seen>) {
    let differing = |agreement: &PriceAgreement| Part { count: agreement.differ, of: agreement.compared };
    let missing = |agreement: &PriceAgreement| Part {
        count: agreement.missing,
        of: agreement.compared + agreement.missing,
    };
    for (name, agreement) in &run.price_sources {
        let (ours, theirs) = (format!("prices.{name}"), format!("documented.prices.{name}"));
        let old = before.and_then(|before| before.price_sources.get(name));
        let usual = |part: &dyn Fn(&PriceAgreement) -> Part| old.map_or(0.0, |old| part(old).share());
        let paths = if before.is_some() { [&*theirs, &*ours] } else { [&*ours, &*theirs] };
        contradiction(
            &paths,
            Check::PriceSources,
            (differing(agreement), usual(&differing)),
            limits::SOURCES_DIFFER,
            "the sources disagree",
            seen,
        );
        let what = "only the documented API lists a price";
        let part = (missing(agreement), usual(&missing));
        contradiction(&[&ours], Check::PriceSources, part, limits::SOURCES_DIFFER, what, seen);
    }
}

type Pair<'a> = (&'a ModelSlug, &'a Variant);

fn by_model(run: &RunReadings) -> HashMap<Pair<'_>, Vec<&Usage>> {
    let mut models: HashMap<Pair<'_>, Vec<&Usage>> = HashMap::new();
    for reading in &run.readings {
        if let Some(usage) = &reading.usage {
            models.entry((&reading.facts.model, &reading.facts.variant)).or_default().push(usage);
        }
    }
    models
}

/// The weight of a usage: its tokens, or 0 without tokens.
fn weight(usage: &Usage) -> f64 {
    usage.tokens.unwrap_or(0) as f64
}

/// The token-weighted mean of a figure over the usages that have it.
fn weighted(usage: &[&Usage], figure: fn(&Usage) -> Option<f64>) -> Option<f64> {
    let known = || usage.iter().filter_map(|one| Some((figure(one)?, weight(one))));
    let tokens: f64 = known().map(|(_, tokens)| tokens).sum();
    (tokens > 0.0).then(|| known().map(|(value, tokens)| value * tokens).sum::<f64>() / tokens)
}

/// The number of models that the upstream's aggregate contradicts: in hit rate, effective input price and effective
/// output price.
fn aggregate_parts(run: &RunReadings) -> [Part; 3] {
    let models = by_model(run);
    let (mut rates, mut inputs, mut outputs) = (Part::default(), Part::default(), Part::default());
    let price = |part: &mut Part, ours: Option<f64>, theirs: Option<f64>| {
        if let (Some(ours), Some(theirs)) = (ours, theirs)
            && ours.max(theirs) > 0.0
        {
            let ratio = (ours / theirs).max(theirs / ours);
            part.of += 1;
            part.count += usize::from(ratio > limits::AGGREGATE_PRICE);
        }
    };
    for aggregate in &run.model_usage {
        let usage = models.get(&(&aggregate.model, &aggregate.variant)).filter(|usage| usage.len() > 1);
        let Some(usage) = usage else { continue };
        let ours = weighted(usage, |one| one.hit_rate.map(HitRate::get));
        if let (Some(ours), Some(theirs)) = (ours, aggregate.hit_rate)
            && (ours > 0.0 || theirs > 0.0)
        {
            rates.of += 1;
            rates.count += usize::from((ours - theirs).abs() > limits::AGGREGATE_RATE);
        }
        price(&mut inputs, weighted(usage, |one| one.effective_input), aggregate.effective_input);
        price(&mut outputs, weighted(usage, |one| one.effective_output), aggregate.effective_output);
    }
    [rates, inputs, outputs]
}

/// Compares the upstream's aggregate of each model with the token-weighted mean of its endpoints.
pub fn aggregates(before: Option<&RunReadings>, run: &RunReadings, seen: &mut Vec<Seen>) {
    let usual = before.map_or([0.0; 3], |before| aggregate_parts(before).map(|part| part.share()));
    let what = "the upstream's aggregate disagrees with its endpoints";
    let fields = ["hit_rate", "effective_input", "effective_output"];
    for ((field, part), usual) in fields.into_iter().zip(aggregate_parts(run)).zip(usual) {
        let (ours, theirs) = (format!("usage.{field}"), format!("model_usage.{field}"));
        contradiction(
            &[&ours, &theirs, "usage.tokens"],
            Check::Aggregate,
            (part, usual),
            limits::AGGREGATE,
            what,
            seen,
        );
    }
}

fn pricing(prices: &ListPrices) -> Pricing {
    let float = |price: Option<UsdPerMtok>| price.map(UsdPerMtok::to_f64);
    Pricing {
        input: float(prices.input),
        output: float(prices.output),
        cache_read: float(prices.cache_read),
        cache_write: float(prices.cache_write),
        cache_write_1h: float(prices.cache_write_1h),
        billed_writes: false,
        tiers: prices.tiers.clone(),
    }
}

/// The number of endpoints that contradict the price identity.
fn identity_part(run: &RunReadings) -> Part {
    let mut part = Part::default();
    let error = |reading: &Reading| {
        let usage = reading.usage.as_ref()?;
        let rate = usage.hit_rate.map(HitRate::get);
        identity_error(rate, usage.tokens, usage.effective_input, &pricing(&reading.prices))
    };
    for error in run.readings.iter().filter_map(error) {
        part.of += 1;
        part.count += usize::from(error > IDENTITY_TOLERANCE);
    }
    part
}

/// Compares effective prices with hit rates and list prices.
pub fn identity(before: Option<&RunReadings>, run: &RunReadings, seen: &mut Vec<Seen>) {
    let part = (identity_part(run), before.map_or(0.0, |before| identity_part(before).share()));
    let paths = [
        "usage.effective_input",
        "usage.hit_rate",
        "prices.input",
        "prices.cache_read",
        "prices.cache_write",
        "prices.tiers",
        "prices.tiers[]",
        "usage.tokens",
    ];
    let what = "effective price, hit rate and list prices contradict each other";
    contradiction(&paths, Check::PriceIdentity, part, limits::IDENTITY, what, seen);
}

/// Checks uptime without a history: most endpoints answer most requests. This catches a withdrawn field that returns in
/// another unit or as 0.
pub fn uptime(run: &RunReadings, seen: &mut Vec<Seen>) {
    type Field = (&'static str, fn(&Reading) -> Option<f64>);
    let fields: [Field; 3] = [
        ("health.uptime_5m", |one| one.health.uptime_5m),
        ("health.uptime_30m", |one| one.health.uptime_30m),
        ("health.uptime_1d", |one| one.health.uptime_1d),
    ];
    for (path, uptime) in fields {
        let values: Vec<f64> = run.readings.iter().filter_map(uptime).collect();
        let middle = median(&values).filter(|_| values.len() >= MIN_ROWS);
        if let Some(middle) = middle.filter(|middle| *middle < limits::UPTIME) {
            seen.push(Seen {
                path: path.to_owned(),
                check: Check::Shifted,
                weight: 1.0 - middle,
                before: Some(limits::UPTIME),
                after: Some(middle),
                detail: format!(
                    "the median of {} values is {:.1} %; from {:.0} % on it is plausible",
                    values.len(),
                    middle * 100.0,
                    limits::UPTIME * 100.0
                ),
            });
        }
    }
}

/// Compares the tokens of a model's endpoints with its activity on the same day: both count from midnight UTC on.
pub fn activity(run: &RunReadings, now: &Tables, seen: &mut Vec<Seen>) {
    let hours = f64::from(now.observed_at.num_seconds_from_midnight()) / 3600.0;
    if run.window_kind != WindowKind::DayToDate || hours < limits::ACTIVITY_HOURS {
        return;
    }
    let today = now.observed_at.date_naive();
    let models = by_model(run);
    let mut logs = Vec::new();
    for day in run.activity.iter().filter(|day| day.day == today) {
        let Some(usage) = models.get(&(&day.model, &day.variant)) else { continue };
        let ours: f64 = usage.iter().map(|one| weight(one)).sum();
        let theirs = day.prompt_tokens as f64 + day.completion_tokens as f64;
        if ours > 0.0 && theirs > 0.0 {
            logs.push((ours / theirs).ln());
        }
    }
    let Some(ratio) = median(&logs).map(f64::exp).filter(|_| logs.len() >= MIN_ROWS) else { return };
    let known = ["usage.tokens", "activity.prompt_tokens", "activity.completion_tokens"];
    // Endpoints that are missing explain missing tokens.
    let lost = [Check::RowsLost, Check::DocumentsEmpty, Check::Quarantined];
    let explained = seen.iter().any(|one| known.contains(&one.path.as_str()) || lost.contains(&one.check));
    if !explained && ratio.max(1.0 / ratio) > limits::ACTIVITY {
        seen.push(Seen {
            path: "usage.tokens".into(),
            check: Check::Volume,
            weight: 1.0 - ratio.min(1.0 / ratio),
            before: Some(1.0),
            after: Some(ratio),
            detail: format!(
                "over {} models, the median is {ratio:.4} times their activity of the day",
                logs.len()
            ),
        });
    }
}
