//! Internal consistency of a run: figures that the upstream publishes twice, in two documents or in two units.

use super::compare::Part;
use super::fields::beyond;
use super::flat::Tables;
use super::limits::{self, MIN_CHANGED, MIN_ROWS};
use super::rows::{failed_share, push};
use super::{Check, Seen};
use crate::analysis::identity_error;
use crate::domain::document::Subject;
use crate::domain::endpoint::ListPrices;
use crate::domain::format::percent;
use crate::domain::ids::{ModelSlug, Variant};
use crate::domain::reading::{ModelUsage, Reading, RunReadings, SourceAgreement, Usage};
use crate::domain::session::Pricing;
use crate::domain::statistics::median;
use crate::domain::thresholds::IDENTITY_TOLERANCE;
use crate::domain::units::{HitRate, UsdPerMtok};
use crate::domain::window::WindowKind;
use chrono::Timelike;
use std::collections::HashMap;
use uuid::Uuid;

/// Adds a contradiction, unless one of the fields that may be at fault is known to have moved, because that finding
/// names the cause. A contradiction that the last accepted run also had is normal: an operator may have accepted it.
fn contradiction(
    run: &RunReadings,
    paths: &[&str],
    check: Check,
    (part, usual): (Part, f64),
    limit: f64,
    what: &str,
    seen: &mut Vec<Seen>,
) {
    let limit = limit + usual;
    let explained = seen.iter().any(|one| paths.contains(&one.path.as_str()) || blames(run, one, paths));
    let Some(first) = paths.first() else { return };
    if explained || !beyond(part, limit) {
        return;
    }
    let (count, of, most) = (part.count, part.of, percent(limit, 0));
    let detail = format!("{what} for {count} of {of}; up to {most} would be plausible");
    seen.push(Seen::share(first, check, part, limit, detail));
}

/// Whether a finding blames one of the paths. Quarantined usage explains missing amounts in sums over usage.
fn blames(run: &RunReadings, one: &Seen, paths: &[&str]) -> bool {
    let of_usage = paths.iter().any(|path| path.starts_with("usage."));
    let mut usage = run.documents.iter().filter(|kind| kind.about == Subject::Usage);
    let quarantined = one.check == Check::Quarantined;
    quarantined && of_usage && usage.any(|kind| one.path.contains(&kind.counts.source))
}

/// Compares the list prices and the status of the two sources. With a history it is known which of the two moved: the
/// documented one, if that of the statistics did not.
pub fn price_sources(before: Option<&RunReadings>, run: &RunReadings, seen: &mut Vec<Seen>) {
    unmatched(before, run, seen);
    let differing = |agreement: &SourceAgreement| Part { count: agreement.differ, of: agreement.compared };
    let missing = |agreement: &SourceAgreement| Part {
        count: agreement.missing,
        of: agreement.compared + agreement.missing,
    };
    for (path, agreement) in &run.agreement {
        let (ours, theirs) = (path.clone(), format!("documented.{path}"));
        let old = before.and_then(|before| before.agreement.get(path));
        let usual = |part: &dyn Fn(&SourceAgreement) -> Part| old.map_or(0.0, |old| part(old).share());
        let have_lost = path == "prices.tiers" && lost_tiers(before, run) >= MIN_CHANGED;
        let paths = if before.is_none() || have_lost { [&*ours, &*theirs] } else { [&*theirs, &*ours] };
        let limit = if have_lost { limits::TIERS_DIFFER } else { limits::SOURCES_DIFFER };
        contradiction(
            run,
            &paths,
            Check::PriceSources,
            (differing(agreement), usual(&differing)),
            limit,
            "the sources disagree",
            seen,
        );
        let what = "only the documented API has the value";
        let part = (missing(agreement), usual(&missing));
        contradiction(run, &[&ours], Check::PriceSources, part, limits::SOURCES_DIFFER, what, seen);
    }
}

/// The number of endpoints whose statistics list fewer conditional prices than in the last accepted run. A price that a
/// provider adds reaches the two sources at different times, and is not a loss.
fn lost_tiers(before: Option<&RunReadings>, run: &RunReadings) -> usize {
    let count = |reading: &Reading| Some((reading.facts.endpoint_id?, reading.prices.tiers.len()));
    let old: HashMap<Uuid, usize> =
        before.into_iter().flat_map(|before| before.readings.iter().filter_map(count)).collect();
    let is_fewer = |(id, now): &(Uuid, usize)| old.get(id).is_some_and(|old| old > now);
    run.readings.iter().filter_map(count).filter(is_fewer).count()
}

/// Endpoints that both sources listed and that no longer match by tag. Documents that failed explain it.
fn unmatched(before: Option<&RunReadings>, run: &RunReadings, seen: &mut Vec<Seen>) {
    let matched = |run: &RunReadings| {
        run.agreement.get("prices.input").map_or(0, |agreement| agreement.compared + agreement.missing)
    };
    let (Some(usual), is) = (before.map(matched), matched(run)) else { return };
    let part = Part { count: usual.saturating_sub(is), of: usual };
    if failed_share(run, Subject::Endpoints) <= limits::FAILED_DOCUMENTS {
        let what = "endpoints no longer match the statistics";
        push("documented.facts.tag", Check::RowsLost, part, limits::UNMATCHED, what, seen);
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

/// A figure of a model: computed from its endpoints, and as the upstream aggregates it.
#[derive(Debug, Clone, Copy)]
struct Twice {
    ours: Option<f64>,
    theirs: Option<f64>,
}

impl Twice {
    fn both(self) -> Option<(f64, f64)> {
        self.ours.zip(self.theirs).filter(|(ours, theirs)| *ours > 0.0 || *theirs > 0.0)
    }
}

/// The figures that the upstream aggregates: hit rate, effective input price and effective output price.
const AGGREGATED: [&str; 3] = ["hit_rate", "effective_input", "effective_output"];

/// The aggregated figures of each model with several endpoints.
fn aggregated(run: &RunReadings) -> HashMap<Pair<'_>, [Twice; 3]> {
    let models = by_model(run);
    let figures = |aggregate: &'_ ModelUsage| {
        let usage = models.get(&(&aggregate.model, &aggregate.variant)).filter(|usage| usage.len() > 1)?;
        Some([
            Twice { ours: weighted(usage, |one| one.hit_rate.map(HitRate::get)), theirs: aggregate.hit_rate },
            Twice { ours: weighted(usage, |one| one.effective_input), theirs: aggregate.effective_input },
            Twice { ours: weighted(usage, |one| one.effective_output), theirs: aggregate.effective_output },
        ])
    };
    run.model_usage
        .iter()
        .filter_map(|aggregate| Some(((&aggregate.model, &aggregate.variant), figures(aggregate)?)))
        .collect()
}

/// Whether two values of an aggregated figure differ by more than rounding and time explain.
fn differ(figure: &str, (a, b): (f64, f64)) -> bool {
    if figure == AGGREGATED[0] {
        (a - b).abs() > limits::AGGREGATE_RATE
    } else {
        (a / b).max(b / a) > limits::AGGREGATE_PRICE
    }
}

/// The models whose aggregate contradicts their endpoints.
fn contradicted(figure: usize, models: &HashMap<Pair<'_>, [Twice; 3]>) -> Part {
    let pairs = models.values().filter_map(|twice| twice[figure].both());
    pairs.map(|pair| differ(AGGREGATED[figure], pair)).collect()
}

/// Compares the upstream's aggregate of each model with the token-weighted mean of its endpoints. With a history it is
/// known which of the two moved.
pub fn aggregates(before: Option<&RunReadings>, run: &RunReadings, seen: &mut Vec<Seen>) {
    let (old, new) = (before.map(aggregated).unwrap_or_default(), aggregated(run));
    let what = "the upstream's aggregate disagrees with its endpoints";
    for (number, figure) in AGGREGATED.into_iter().enumerate() {
        let moved = |side: fn(Twice) -> Option<f64>| {
            let pairs = new
                .iter()
                .filter_map(|(model, now)| Some((side(old.get(model)?[number])?, side(now[number])?)));
            pairs.filter(|pair| differ(figure, *pair)).count()
        };
        let (ours, theirs) = (format!("usage.{figure}"), format!("model_usage.{figure}"));
        let is_theirs = moved(|twice| twice.theirs) > moved(|twice| twice.ours);
        let first = if is_theirs { [&*theirs, &*ours] } else { [&*ours, &*theirs] };
        contradiction(
            run,
            &[first[0], first[1], "usage.tokens"],
            Check::Aggregate,
            (contradicted(number, &new), contradicted(number, &old).share()),
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
    let error = |reading: &Reading| {
        let usage = reading.usage.as_ref()?;
        let rate = usage.hit_rate.map(HitRate::get);
        identity_error(rate, usage.tokens, usage.effective_input, &pricing(&reading.prices))
    };
    run.readings.iter().filter_map(error).map(|error| error > IDENTITY_TOLERANCE).collect()
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
    contradiction(run, &paths, Check::PriceIdentity, part, limits::IDENTITY, what, seen);
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
        let middle = median(values.iter().copied()).filter(|_| values.len() >= MIN_ROWS);
        if let Some(middle) = middle.filter(|middle| *middle < limits::UPTIME) {
            let (count, is, least) = (values.len(), percent(middle, 1), percent(limits::UPTIME, 0));
            let detail = format!("the median of {count} values is {is}; from {least} on it is plausible");
            seen.push(Seen::new(path, Check::Shifted, 1.0 - middle, (limits::UPTIME, middle), detail));
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
    let Some(ratio) = median(logs.iter().copied()).map(f64::exp).filter(|_| logs.len() >= MIN_ROWS) else {
        return;
    };
    let known = ["usage.tokens", "activity.prompt_tokens", "activity.completion_tokens"];
    // Endpoints that are missing explain missing tokens.
    let lost = [Check::RowsLost, Check::DocumentsEmpty, Check::Quarantined];
    let explained = seen.iter().any(|one| known.contains(&one.path.as_str()) || lost.contains(&one.check));
    if !explained && ratio.max(1.0 / ratio) > limits::ACTIVITY {
        let (weight, count) = (1.0 - ratio.min(1.0 / ratio), logs.len());
        let detail = format!("over {count} models, the median is {ratio:.4} times their activity of the day");
        seen.push(Seen::new("usage.tokens", Check::Volume, weight, (1.0, ratio), detail));
    }
}
