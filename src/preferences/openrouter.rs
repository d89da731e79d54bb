//! OpenRouter's `provider` object.
//!
//! `order` is never written: it switches both load balancing and sticky routing off, and with sticky routing the cache
//! that the whole preference is about. `ignore` and `only` leave it on.

use super::judge::{Judged, judge, record_is_young};
use super::matching::nameable;
use super::{Evidence, Mode, Preference};
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::domain::tier::Tier;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Name of this target.
pub const TARGET: &str = "openrouter";

/// A shortlist takes in tier B where S and A give fewer endpoints than this.
const SHORTLIST_MIN: usize = 3;

/// How long after its end of validity a preference is still given, with a warning.
const GRACE_HOURS: i64 = 24;

const SESSION_ADVICE: &str = "send one session_id for each conversation (at most 256 characters): the router then \
    keeps the conversation on the endpoint whose cache is warm";

/// The part of a request that steers the routing; fields that are not set are not written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderObject {
    /// Tags that are not used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ignore: Option<Vec<String>>,
    /// Tags that alone are used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub only: Option<Vec<String>>,
    /// Whether another endpoint of the list is tried where one fails.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allow_fallbacks: Option<bool>,
}

/// A choice of endpoints, or why there is none.
type Choice<'a> = Result<(ProviderObject, Vec<&'a Judged<'a>>), String>;

/// The preference for a model in a mode, ranked by the session cost of a workload; `now` decides whether the snapshot
/// is still fresh enough to say anything. Without a preference `provider` is `None` and `reason` says why.
pub fn preference(
    snapshot: &Snapshot,
    model: &ModelEntry,
    mode: Mode,
    workload: &str,
    now: DateTime<Utc>,
) -> Preference {
    let valid_until = snapshot.as_of + Duration::hours(STALE_AFTER_HOURS);
    let mut warnings = Vec::new();
    let judged = judge(snapshot, model, workload);
    let choice = refusal(snapshot, model, workload, now).map_or_else(
        || {
            warnings.extend(general_warnings(snapshot, now, valid_until));
            choose(mode, &model.endpoints, &judged, &mut warnings)
        },
        Err,
    );
    let (provider, evidence, reason): (_, Vec<Evidence>, _) = match choice {
        Ok((provider, named)) => (Some(provider), named.into_iter().map(Judged::evidence).collect(), None),
        Err(reason) => (None, Vec::new(), Some(reason)),
    };
    Preference {
        model: model.model_id.clone(),
        target: TARGET.to_owned(),
        mode,
        provider,
        session_id: SESSION_ADVICE.to_owned(),
        valid_until,
        evidence,
        warnings,
        reason,
    }
}

/// Why nothing can be said about a model before its endpoints are looked at.
fn refusal(snapshot: &Snapshot, model: &ModelEntry, workload: &str, now: DateTime<Utc>) -> Option<String> {
    let stale = Duration::hours(STALE_AFTER_HOURS + GRACE_HOURS);
    let variant = model.variant.as_str();
    if now - snapshot.as_of > stale {
        return Some(format!(
            "the data are stale: the newest run is of {}, more than {} hours ago",
            snapshot.as_of.to_rfc3339(),
            stale.num_hours()
        ));
    }
    if matches!(variant, "free" | "batch") {
        return Some(format!(
            "the variant `{variant}` has no session costs to compare: nothing is paid per cached token"
        ));
    }
    if snapshot.workloads.iter().all(|known| known.name != workload) {
        return Some(format!("no session costs under a workload `{workload}`"));
    }
    None
}

fn general_warnings(snapshot: &Snapshot, now: DateTime<Utc>, valid_until: DateTime<Utc>) -> Vec<String> {
    let mut warnings = Vec::new();
    if snapshot.simulated {
        warnings.push("these numbers are simulated: do not send them to a real router".to_owned());
    }
    if now > valid_until {
        warnings.push(format!("the data are old: valid until {}", valid_until.to_rfc3339()));
    }
    if record_is_young(snapshot) {
        warnings.push(
            "the record is younger than a day: newly appeared endpoints cannot be told apart".to_owned(),
        );
    }
    warnings
}

fn choose<'a>(
    mode: Mode,
    all: &[Endpoint],
    judged: &'a [Judged<'a>],
    warnings: &mut Vec<String>,
) -> Choice<'a> {
    match mode {
        Mode::Avoid => avoid(all, judged, warnings),
        Mode::Shortlist => shortlist(all, judged, warnings),
        Mode::Pin => pin(all, judged, warnings),
    }
}

fn avoid<'a>(all: &[Endpoint], judged: &'a [Judged<'a>], warnings: &mut Vec<String>) -> Choice<'a> {
    let bad: Vec<usize> = judged.iter().filter(|j| j.avoid.is_some()).map(|j| j.position).collect();
    if bad.is_empty() {
        return Err("nothing to avoid: no endpoint is down, phantom or of tier D or F".to_owned());
    }
    let remaining = judged.iter().any(|j| j.avoid.is_none() && j.good(&[Tier::S, Tier::A, Tier::B, Tier::C]));
    if !remaining {
        return Err(format!("no good endpoint would remain: {}", shortage(judged)));
    }
    let named = named(all, judged, &bad, warnings);
    let tags = tags(&named);
    if tags.is_empty() {
        return Err("the endpoints to avoid cannot be named without avoiding better ones too".to_owned());
    }
    Ok((ProviderObject { ignore: Some(tags), ..ProviderObject::default() }, named))
}

fn shortlist<'a>(all: &[Endpoint], judged: &'a [Judged<'a>], warnings: &mut Vec<String>) -> Choice<'a> {
    let mut left_out = Vec::new();
    let mut chosen = named(all, judged, &good(judged, &[Tier::S, Tier::A]), &mut left_out);
    if chosen.len() < SHORTLIST_MIN {
        left_out.clear();
        chosen = named(all, judged, &good(judged, &[Tier::S, Tier::A, Tier::B]), &mut left_out);
    }
    warnings.append(&mut left_out);
    let tags = tags(&chosen);
    if tags.is_empty() {
        return Err(format!("no endpoint can be recommended: {}", shortage(judged)));
    }
    if tags.len() < SHORTLIST_MIN {
        let count = tags.len();
        warnings
            .push(format!("only {count} of {} endpoints can be recommended: an outage hits hard", all.len()));
    }
    let provider =
        ProviderObject { only: Some(tags), allow_fallbacks: Some(true), ..ProviderObject::default() };
    Ok((provider, chosen))
}

/// Names one endpoint; a tag that matches two is no pin, even where both are good.
fn pin<'a>(all: &[Endpoint], judged: &'a [Judged<'a>], warnings: &mut Vec<String>) -> Choice<'a> {
    let mut left_out = Vec::new();
    let candidates = good(judged, &[Tier::S, Tier::A, Tier::B]);
    let best = candidates
        .iter()
        .find_map(|&position| named(all, judged, &[position], &mut left_out).into_iter().next());
    warnings.append(&mut left_out);
    let Some(best) = best else {
        return Err(format!("no endpoint can be recommended alone: {}", shortage(judged)));
    };
    warnings.push(
        "one endpoint only: when it is down or rate-limited, requests fail; a shortlist falls back. `order` would not \
         help: it switches sticky routing off"
            .to_owned(),
    );
    let only = Some(vec![best.endpoint.tag.to_string()]);
    Ok((ProviderObject { only, ..ProviderObject::default() }, vec![best]))
}

/// Positions of the endpoints that may be recommended, cheapest first.
fn good(judged: &[Judged], tiers: &[Tier]) -> Vec<usize> {
    judged.iter().filter(|j| j.good(tiers)).map(|j| j.position).collect()
}

fn named<'a>(
    all: &[Endpoint],
    judged: &'a [Judged<'a>],
    chosen: &[usize],
    warnings: &mut Vec<String>,
) -> Vec<&'a Judged<'a>> {
    let (positions, mut left_out) = nameable(all, chosen);
    warnings.append(&mut left_out);
    positions.into_iter().filter_map(|position| judged.iter().find(|j| j.position == position)).collect()
}

/// The tags of the endpoints, each once.
fn tags(named: &[&Judged]) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for judged in named {
        let tag = judged.endpoint.tag.to_string();
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// Why there is nothing to recommend, endpoint by endpoint, at most five of them.
fn shortage(judged: &[Judged]) -> String {
    if judged.is_empty() {
        return "the newest run saw no endpoint".to_owned();
    }
    let line = |j: &Judged| {
        let why = j.unfit.clone().unwrap_or_else(|| j.evidence().why);
        format!("{}: {why}", j.endpoint.tag)
    };
    let lines: Vec<String> = judged.iter().take(5).map(line).collect();
    let more = judged.len().saturating_sub(5);
    if more > 0 { format!("{}; and {more} more", lines.join("; ")) } else { lines.join("; ") }
}
