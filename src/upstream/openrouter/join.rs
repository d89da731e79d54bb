//! Joins the decoded documents of one run into its readings. Summaries are joined to endpoints by UUID or, before
//! 2026-08-04, by display name within the pair. Rows of the documented API are joined to rows of the statistics by tag
//! within the pair.

mod answers;
mod endpoints;
mod usage;

use self::answers::{comparison_answer, document_reports, refuse_empty, source_reports};
use self::endpoints::{id_of, join_endpoints};
use self::usage::join_usage;
use super::{Content, Decoded, DocumentKind, StatsEndpoint, UsageBody};
use crate::domain::document::{Pair, Request};
use crate::domain::endpoint::{Model, Provider};
use crate::domain::ids::ProviderSlug;
use crate::domain::reading::{Known, QuarantineReason, Quarantined, Reading, RunReadings};
use crate::domain::thresholds;
use crate::domain::window::WindowWitness;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// The result of one request; `decoded` is `None` if there was no response.
#[derive(Debug)]
pub struct Answer {
    /// The request.
    pub request: Request,
    /// sha256 of the body, hex; empty if there is no body.
    pub sha256: String,
    /// The decoded response.
    pub decoded: Option<Decoded>,
    /// When the response arrived.
    pub fetched_at: DateTime<Utc>,
}

/// The documents of one pair.
#[derive(Default)]
struct PairParts {
    stats: Vec<Reading>,
    public: Vec<Reading>,
    usage: Option<UsageAnswer>,
    /// Whether each endpoint list was answered, if it was requested; "no data" is an answer.
    stats_answered: Option<bool>,
    public_answered: Option<bool>,
    /// Whether some rows of the statistics' list could not be read.
    stats_incomplete: bool,
}

/// A usage body with its digest and its read time.
struct UsageAnswer {
    body: UsageBody,
    sha256: String,
    read_at: DateTime<Utc>,
}

/// Joins the responses of one run. `known` is the state of the last accepted run.
pub fn join(mut answers: Vec<Answer>, observed_at: DateTime<Utc>, known: &Known) -> RunReadings {
    answers.iter_mut().for_each(|answer| refuse_empty(answer, known));
    let mut run = RunReadings {
        observed_at,
        comparison: comparison_answer(&answers),
        sources: source_reports(&answers),
        documents: document_reports(&answers),
        ..RunReadings::default()
    };
    let mut pairs: BTreeMap<Pair, PairParts> = BTreeMap::new();
    let mut providers: BTreeMap<ProviderSlug, Provider> = BTreeMap::new();
    for answer in answers {
        take(answer, &mut run, &mut pairs, &mut providers);
    }
    let mut witness = WindowWitness::default();
    for (pair, parts) in pairs {
        if !list_answered(&parts) {
            run.unanswered.push((pair.model.clone(), pair.variant.clone()));
        } else if parts.stats_incomplete {
            run.incomplete.push((pair.model.clone(), pair.variant.clone()));
        }
        join_pair(&pair, parts, &providers, &mut run, &mut witness);
    }
    run.window_kind = witness.detect(observed_at, known.window_kind);
    // The last day of the series is the current day: only completed days have a closing value.
    let today = observed_at.date_naive();
    run.closing_rates.retain(|rate| rate.day < today);
    run.closing_rates.sort_by_key(|rate| (rate.endpoint_id, rate.day));
    run.providers = providers.into_values().collect();
    run.models.sort_by(|a: &Model, b| (&a.model, &a.variant).cmp(&(&b.model, &b.variant)));
    run
}

/// The read time of a response: the fetch time, if that is plausible for the run. The archive of a run that was
/// collected for another time contains unrelated fetch times.
fn read_at(fetched_at: DateTime<Utc>, observed_at: DateTime<Utc>) -> DateTime<Utc> {
    let longest = chrono::Duration::hours(thresholds::LONGEST_SWEEP_HOURS);
    if (observed_at..=observed_at + longest).contains(&fetched_at) { fetched_at } else { observed_at }
}

/// Whether the pair's endpoints are known: from the statistics if they were requested, otherwise from the documented
/// API.
fn list_answered(parts: &PairParts) -> bool {
    parts.stats_answered.or(parts.public_answered).unwrap_or(true)
}

fn take(
    answer: Answer,
    run: &mut RunReadings,
    pairs: &mut BTreeMap<Pair, PairParts>,
    providers: &mut BTreeMap<ProviderSlug, Provider>,
) {
    let Answer { request, sha256, decoded, fetched_at } = answer;
    let answered = decoded.as_ref().is_some_and(|decoded| !decoded.failed);
    if let Some(pair) = &request.pair {
        let parts = pairs.entry(pair.clone()).or_default();
        match DocumentKind::of(&request) {
            Some(DocumentKind::StatsEndpoint) => {
                parts.stats_answered = Some(answered);
                let rows = decoded.as_ref().map_or(&[][..], |decoded| &decoded.quarantined);
                parts.stats_incomplete = rows.iter().any(|row| row.reason == QuarantineReason::Undecodable);
            }
            Some(DocumentKind::PublicEndpoints) => parts.public_answered = Some(answered),
            _ => {}
        }
    }
    let Some(decoded) = decoded else { return };
    run.quarantined.extend(decoded.quarantined);
    for (path, count) in decoded.drift {
        *run.drift.entry(path).or_default() += count;
    }
    let Some(content) = decoded.content else { return };
    let pair = request.pair.clone();
    let parts = request.pair.map(|pair| pairs.entry(pair).or_default());
    match (content, parts) {
        (Content::Models(models), _) => run.models = models,
        (Content::Providers(list), _) => list.into_iter().for_each(|p| merge_provider(providers, p)),
        (Content::Activity(days), _) => run.activity.extend(days),
        (Content::Comparison(rates), _) => run.closing_rates.extend(rates),
        (Content::StatsEndpoints(rows), Some(parts)) => {
            // A cache that answers with the body of another model would give that model's endpoints a second model.
            let is_own = |row: &StatsEndpoint| {
                row.model.is_none() || row.model.as_ref() == pair.as_ref().map(|pair| &pair.model)
            };
            let (own, foreign): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_own);
            parts.stats_incomplete |= !foreign.is_empty();
            run.quarantined.extend(foreign.iter().map(|row| other_model(row, pair.as_ref(), &sha256)));
            parts.stats = own.into_iter().map(|row| row.reading).collect();
        }
        (Content::PublicEndpoints(rows), Some(parts)) => parts.public = rows,
        (Content::Usage(body), Some(parts)) => {
            let read_at = read_at(fetched_at, run.observed_at);
            parts.usage = Some(UsageAnswer { body, sha256, read_at });
        }
        _ => {}
    }
}

/// A row of the statistics that names another model than the one that was requested.
fn other_model(row: &StatsEndpoint, pair: Option<&Pair>, sha256: &str) -> Quarantined {
    let named = row.model.as_ref().map(ToString::to_string).unwrap_or_default();
    let detail = format!("endpoint {} belongs to the model `{named}`", id_of(&row.reading));
    let path = "$.data[].model_variant_permaslug";
    Quarantined::new(QuarantineReason::OtherModel, DocumentKind::StatsEndpoint, pair, path, detail, sha256)
}

fn merge_provider(providers: &mut BTreeMap<ProviderSlug, Provider>, new: Provider) {
    let old = providers.entry(new.provider.clone()).or_insert_with(|| new.clone());
    old.headquarters = old.headquarters.take().or(new.headquarters);
    old.status_page = old.status_page.take().or(new.status_page);
    old.privacy_policy = old.privacy_policy.take().or(new.privacy_policy);
    old.terms_of_service = old.terms_of_service.take().or(new.terms_of_service);
}

fn join_pair(
    pair: &Pair,
    mut parts: PairParts,
    providers: &BTreeMap<ProviderSlug, Provider>,
    run: &mut RunReadings,
    witness: &mut WindowWitness,
) {
    let usage = parts.usage.take();
    let answered = parts.stats_answered.unwrap_or(true);
    let mut readings = join_endpoints(pair, parts, providers, run);
    if let Some(usage) = usage {
        join_usage(pair, usage, answered, &mut readings, witness, run);
    }
    readings.sort_by(|a, b| (&a.facts.endpoint_id, &a.facts.tag).cmp(&(&b.facts.endpoint_id, &b.facts.tag)));
    run.readings.extend(readings);
}
