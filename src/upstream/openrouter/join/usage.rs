//! The usage of a pair: summaries and charts, joined to endpoints by UUID or, before 2026-08-04, by display name.

use super::UsageAnswer;
use crate::domain::document::Pair;
use crate::domain::ids::Variant;
use crate::domain::reading::{QuarantineReason, Quarantined, Reading, RunReadings, Usage};
use crate::domain::thresholds;
use crate::domain::units::HitRate;
use crate::domain::window::WindowWitness;
use crate::upstream::openrouter::{DocumentKind, Summary, UsageBody};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Resolves the reading that a summary or chart belongs to.
struct Resolver {
    by_id: HashMap<Uuid, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

/// Why a summary does not belong to any reading: reason and detail.
type Unresolved = (QuarantineReason, String);

impl Resolver {
    fn new(readings: &[Reading]) -> Self {
        let mut by_id = HashMap::new();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (position, reading) in readings.iter().enumerate() {
            // Rows that only the documented API has carry internal provider names, which summaries do not use.
            if let Some(id) = reading.facts.endpoint_id {
                by_id.insert(id, position);
                by_name.entry(reading.facts.provider_name.clone()).or_default().push(position);
            }
        }
        Self { by_id, by_name }
    }

    fn by_id(&self, id: Uuid) -> Result<usize, Unresolved> {
        let missing = || (QuarantineReason::NoSuchEndpoint, format!("no endpoint has the UUID {id}"));
        self.by_id.get(&id).copied().ok_or_else(missing)
    }

    fn by_name(&self, name: &str) -> Result<usize, Unresolved> {
        let ambiguous = |detail: String| Err((QuarantineReason::AmbiguousName, detail));
        match self.by_name.get(name).map(Vec::as_slice) {
            Some([position]) => Ok(*position),
            Some(several) => ambiguous(format!("{} endpoints are named `{name}`", several.len())),
            None if has_ordinal(name) => ambiguous(format!(
                "`{name}` is ambiguous: several endpoints share this name and the upstream does not state which one is meant"
            )),
            None => Err((QuarantineReason::NoSuchEndpoint, format!("no endpoint is named `{name}`"))),
        }
    }

    fn chart(&self, key: &str) -> Result<usize, Unresolved> {
        match Uuid::parse_str(key) {
            Ok(id) => self.by_id(id),
            Err(_) => self.by_name(key),
        }
    }
}

/// Whether a display name ends in "(1)", "(2)", …, which the upstream appends to distinguish equal names.
fn has_ordinal(name: &str) -> bool {
    let inside = name.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")).map(|(_, inside)| inside);
    inside.is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn join_usage(
    pair: &Pair,
    UsageAnswer { body, sha256, read_at }: UsageAnswer,
    list_answered: bool,
    readings: &mut [Reading],
    witness: &mut WindowWitness,
    run: &mut RunReadings,
) {
    let resolver = Resolver::new(readings);
    let mut taken = BTreeSet::new();
    let day = body.day();
    // A run that began before midnight may contain bodies of the next day, even if their own time is unknown.
    let latest = run.observed_at.max(read_at) + chrono::Duration::hours(thresholds::LONGEST_SWEEP_HOURS);
    let from_the_future = day.filter(|day| *day > latest.date_naive());
    let midnight = day.map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc());
    let read_at = midnight.map_or(read_at, |midnight| read_at.max(midnight));
    for summary in &body.summaries {
        see_window(summary, &body, day.filter(|day| *day >= run.observed_at.date_naive()), witness);
        let placed = match from_the_future {
            Some(day) => {
                Err((QuarantineReason::FutureDay, format!("the date of the newest chart point is {day}")))
            }
            None => place(summary, &resolver, list_answered, &taken),
        };
        match placed {
            Ok(position) => {
                taken.insert(position);
                let usage = Usage { day, read_at: Some(read_at), ..usage(&pair.variant, summary) };
                readings[position].usage = (!usage.is_empty()).then_some(usage);
            }
            Err((reason, detail)) => {
                let (kind, path) = (DocumentKind::EffectivePricing, &summary.path);
                let row = Quarantined::new(reason, kind, Some(pair), path, detail, &sha256);
                run.quarantined.push(Quarantined { tokens: summary.tokens, ..row });
            }
        }
    }
    for (key, days) in &body.charts {
        // Charts include removed endpoints, which have no reading.
        let Ok(position) = resolver.chart(key) else { continue };
        let past = days.iter().filter(|(day, _)| is_closed(**day, body.day(), read_at));
        readings[position].closing_prices = past
            .map(|(day, (input, output))| (*day, (paid(&pair.variant, *input), paid(&pair.variant, *output))))
            .collect();
    }
    if !body.summaries.is_empty() {
        run.model_usage.push(body.aggregate);
    }
}

/// Whether a chart point is final. Days before the body's own day are; the body's own day is final once it ended so
/// long ago that no cache of the upstream can predate its end.
fn is_closed(day: NaiveDate, body_day: Option<NaiveDate>, read_at: DateTime<Utc>) -> bool {
    let settled = read_at - chrono::Duration::minutes(i64::from(thresholds::CLOSING_SETTLE_MINUTES));
    day < settled.date_naive() || (Some(day) < body_day && day < read_at.date_naive())
}

/// Compares a summary with the last point of its chart, if that point is of the current day.
fn see_window(summary: &Summary, body: &UsageBody, today: Option<NaiveDate>, witness: &mut WindowWitness) {
    let key = summary.endpoint_id.map_or_else(|| summary.name.clone(), |id| id.to_string());
    let last = body.charts.get(&key).and_then(|days| days.last_key_value());
    if let (Some((day, (Some(chart), _))), Some(price)) = (last, summary.effective_input)
        && Some(*day) == today
    {
        witness.see(price, *chart);
    }
}

fn place(
    summary: &Summary,
    resolver: &Resolver,
    list_answered: bool,
    taken: &BTreeSet<usize>,
) -> Result<usize, Unresolved> {
    if let Some(rate) = summary.hit_rate
        && HitRate::new(rate).is_none()
    {
        return Err((QuarantineReason::HitRateOutOfRange, format!("the hit rate {rate} is not within 0..1")));
    }
    if let Some(tokens) = summary.tokens.filter(|tokens| *tokens < 0) {
        return Err((QuarantineReason::NegativeTokens, format!("{tokens} tokens")));
    }
    if !list_answered {
        return Err((
            QuarantineReason::EndpointListMissing,
            "this run has no response for the endpoints of this model".into(),
        ));
    }
    let position = match summary.endpoint_id {
        Some(id) => resolver.by_id(id),
        None => resolver.by_name(&summary.name),
    }?;
    if taken.contains(&position) {
        return Err((QuarantineReason::DuplicateSummary, format!("duplicate summary of `{}`", summary.name)));
    }
    Ok(position)
}

fn usage(variant: &Variant, summary: &Summary) -> Usage {
    Usage {
        hit_rate: summary.hit_rate.and_then(HitRate::new),
        tokens: summary.tokens,
        effective_input: paid(variant, summary.effective_input),
        effective_output: paid(variant, summary.effective_output),
        day: None,
        read_at: None,
    }
}

fn paid(variant: &Variant, price: Option<f64>) -> Option<f64> {
    price.filter(|price| {
        price.is_finite() && *price >= 0.0 && !(*price == 0.0 && variant.zero_price_is_missing())
    })
}

#[cfg(test)]
mod tests {
    use super::has_ordinal;

    #[test]
    fn only_numbers_in_brackets_are_ordinals() {
        assert!(has_ordinal("North Cloud (1)"));
        assert!(!has_ordinal("North Cloud (EU)"));
        assert!(!has_ordinal("North Cloud"));
        assert!(!has_ordinal("()"));
    }
}
