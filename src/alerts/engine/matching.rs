//! Which changes a rule reports.

use crate::config::Rule;
use crate::domain::change::{Change, ChangeKind, ChangedField};
use crate::domain::change_filter::{is_named, is_of_endpoint, is_of_model};
use chrono::{DateTime, Duration, Utc};

/// A threshold counts as reached also if the last bit of a difference is missing.
const ROUNDING: f64 = 1e-9;

/// Whether a rule watches what a change is about.
pub fn watches(rule: &Rule, change: &Change) -> bool {
    (rule.models.is_empty() || rule.models.iter().any(|name| is_of_model(change, name)))
        && (rule.providers.is_empty() || rule.providers.iter().any(|slug| change.concerns(slug)))
        && (rule.endpoints.is_empty() || rule.endpoints.iter().any(|name| is_of_endpoint(change, name)))
}

/// Whether a rule watches an endpoint of the newest data.
pub fn watches_endpoint(
    rule: &Rule,
    (model_id, slug): (&str, &str),
    (provider, tag, id): (&str, &str, &str),
) -> bool {
    let is_model = |name: &str| is_named(name, model_id) || is_named(name, slug);
    let is_endpoint = |name: &str| match name.rsplit_once('@') {
        Some((model, wanted)) => is_model(model) && is_named(wanted, tag),
        None => is_named(name, tag) || name.eq_ignore_ascii_case(id),
    };
    (rule.models.is_empty() || rule.models.iter().any(|name| is_model(name)))
        && (rule.providers.is_empty()
            || rule.providers.iter().any(|slug| slug.eq_ignore_ascii_case(provider)))
        && (rule.endpoints.is_empty() || rule.endpoints.iter().any(|name| is_endpoint(name)))
}

/// How long an outage has lasted at a moment.
pub fn length(outage: &Change, as_of: DateTime<Utc>) -> Duration {
    outage.until.unwrap_or(as_of).min(as_of) - outage.at
}

/// Whether a rule reports a change, as known at a moment. Session costs, preferences, the own traffic and the collection
/// are not changes: they are compared with what the rule remembers.
pub fn reports(rule: &Rule, change: &Change, as_of: DateTime<Utc>) -> bool {
    if !watches(rule, change) {
        return false;
    }
    let fell = |least: Option<f64>| {
        least.zip(change.percent).is_some_and(|(least, percent)| -percent >= least - ROUNDING)
    };
    let is_large_enough =
        || rule.min_percent.is_none_or(|least| change.percent.is_some_and(|p| p.abs() >= least - ROUNDING));
    (rule.kinds.contains(&change.kind) && is_large_enough())
        || match change.kind {
            ChangeKind::HitRateShift => fell(rule.hit_rate_drop),
            ChangeKind::UptimeShift => fell(rule.uptime_drop),
            ChangeKind::PriceChanged => rule.price_rise.is_some_and(|least| rises(change, least)),
            ChangeKind::Outage => rule
                .outage_minutes
                .is_some_and(|least| length(change, as_of) >= Duration::minutes(i64::from(least))),
            _ => false,
        }
}

/// Whether a list price rises by at least a percentage. A price that was zero and no longer is rises by any percentage; a
/// price that was absent does not rise.
fn rises(change: &Change, least: f64) -> bool {
    let is_list = change.field.is_some_and(|field| field.is_price() && field != ChangedField::EffectiveInput);
    let numbers = change
        .before
        .as_ref()
        .and_then(|value| value.number())
        .zip(change.after.as_ref().and_then(|value| value.number()));
    is_list
        && numbers.is_some_and(|(before, after)| match before == 0.0 {
            true => after > 0.0,
            false => (after / before - 1.0) * 100.0 >= least - ROUNDING,
        })
}

/// Whether two changes are the same one, read again: of the same kind, of the same thing, in the same direction, at most
/// three days apart. A shift is dated again when more readings are known.
pub fn is_same_read_again(one: &Change, other: &Change) -> bool {
    let sign = |change: &Change| change.percent.map(|percent| percent > 0.0);
    one.kind == other.kind
        && one.field == other.field
        && one.model == other.model
        && one.model_id == other.model_id
        && one.variant == other.variant
        && one.endpoint_id == other.endpoint_id
        && one.provider == other.provider
        && sign(one) == sign(other)
        && (one.at - other.at).abs() <= Duration::days(3)
}

/// Whether a change is estimated from many readings, so that later ones may take it back.
pub fn may_be_taken_back(kind: ChangeKind) -> bool {
    matches!(
        kind,
        ChangeKind::HitRateShift
            | ChangeKind::EffectivePriceShift
            | ChangeKind::SpeedShift
            | ChangeKind::UptimeShift
            | ChangeKind::TrafficJump
            | ChangeKind::TierChanged
            | ChangeKind::RecommendationChanged
            | ChangeKind::Outage
    )
}
