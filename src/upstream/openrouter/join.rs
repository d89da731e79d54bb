//! Joins the decoded documents of one run into its readings. Summaries are joined to endpoints by UUID or, before
//! 2026-08-04, by display name within the pair. Rows of the documented API are joined to rows of the statistics by tag
//! within the pair.

use super::kind::{API, STATS};
use super::{Content, Decoded, DocumentKind, StatsEndpoint, Summary, UsageBody};
use crate::domain::document::{Pair, Request, RouteAnswer};
use crate::domain::endpoint::{ListPrices, Model, Provider};
use crate::domain::ids::{ProviderSlug, Tag, Variant};
use crate::domain::reading::{
    DocumentReport, Known, QuarantineReason, Quarantined, Reading, RunReadings, SourceReport, Usage,
};
use crate::domain::thresholds;
use crate::domain::units::{HitRate, UsdPerMtok};
use crate::domain::window::{WindowKind, WindowWitness};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

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
    /// Whether each endpoint list was requested and answered; "no data" is an answer.
    stats_answered: bool,
    public_answered: bool,
    stats_asked: bool,
    public_asked: bool,
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
        window_kind: WindowKind::Unknown,
        models: Vec::new(),
        providers: Vec::new(),
        readings: Vec::new(),
        model_usage: Vec::new(),
        activity: Vec::new(),
        closing_rates: Vec::new(),
        comparison: comparison_answer(&answers),
        quarantined: Vec::new(),
        drift: BTreeMap::new(),
        unanswered: Vec::new(),
        incomplete: Vec::new(),
        sources: source_reports(&answers),
        documents: document_reports(&answers),
        agreement: BTreeMap::new(),
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

/// Fails an empty response if the previous run had rows there: the known state remains unchanged.
fn refuse_empty(answer: &mut Answer, known: &Known) {
    if !had_rows(known, &answer.request) {
        return;
    }
    let Answer { request, sha256, decoded, .. } = answer;
    let Some(decoded) = decoded.as_mut().filter(|decoded| !decoded.failed && has_no_rows(decoded)) else {
        return;
    };
    (decoded.failed, decoded.content) = (true, None);
    let how = if decoded.missing { "HTTP status 404" } else { "an empty response" };
    decoded.quarantined.push(Quarantined {
        reason: QuarantineReason::EmptyAnswer,
        kind: request.kind.clone(),
        model: request.pair.as_ref().map(|pair| pair.model.clone()),
        variant: request.pair.as_ref().map(|pair| pair.variant.clone()),
        path: "$".into(),
        detail: format!("{how}, but the previous run had rows here"),
        tokens: None,
        sha256: sha256.clone(),
    });
}

/// Whether the requested document had rows in the last accepted run.
fn had_rows(known: &Known, request: &Request) -> bool {
    let Some(pair) = &request.pair else { return false };
    match DocumentKind::of(request) {
        Some(DocumentKind::StatsEndpoint | DocumentKind::PublicEndpoints) => known.listed.contains(pair),
        Some(DocumentKind::EffectivePricing) => known.used.contains(pair),
        _ => false,
    }
}

/// Whether a readable response has no rows. Charts without a summary do not count as rows: a body with charts covers
/// the last day with traffic, so it has summaries.
fn has_no_rows(decoded: &Decoded) -> bool {
    match &decoded.content {
        None => true,
        Some(Content::Usage(body)) => body.summaries.is_empty(),
        Some(_) => false,
    }
}

/// The read time of a response: the fetch time, if that is plausible for the run. The archive of a run that was
/// collected for another time contains unrelated fetch times.
fn read_at(fetched_at: DateTime<Utc>, observed_at: DateTime<Utc>) -> DateTime<Utc> {
    let longest = chrono::Duration::hours(thresholds::LONGEST_SWEEP_HOURS);
    if (observed_at..=observed_at + longest).contains(&fetched_at) { fetched_at } else { observed_at }
}

/// The result of the requests for the comparison series.
fn comparison_answer(answers: &[Answer]) -> Option<RouteAnswer> {
    let (mut answered, mut missing, mut failed) = (0, 0, 0);
    for answer in answers.iter().filter(|a| a.request.kind == DocumentKind::HitRateComparison) {
        match &answer.decoded {
            Some(decoded) if decoded.missing => missing += 1,
            Some(decoded) if !decoded.failed => answered += 1,
            _ => failed += 1,
        }
    }
    RouteAnswer::judge(answered, missing, failed)
}

/// Whether the pair's endpoints are known: from the statistics if they were requested, otherwise from the documented
/// API.
fn list_answered(parts: &PairParts) -> bool {
    if parts.stats_asked { parts.stats_answered } else { !parts.public_asked || parts.public_answered }
}

fn source_reports(answers: &[Answer]) -> Vec<SourceReport> {
    [API, STATS]
        .into_iter()
        .filter_map(|source| report(source, answers, |kind| kind.source() == source))
        .collect()
}

/// The outcome of each requested kind of document.
fn document_reports(answers: &[Answer]) -> Vec<DocumentReport> {
    let kinds: BTreeSet<DocumentKind> =
        answers.iter().filter_map(|answer| DocumentKind::of(&answer.request)).collect();
    let of_kind = |kind: DocumentKind| {
        let counts = report(kind.as_str(), answers, |other| other == kind)?;
        Some(DocumentReport { about: kind.about(), counts })
    };
    kinds.into_iter().filter_map(of_kind).collect()
}

fn report(name: &str, answers: &[Answer], counts: impl Fn(DocumentKind) -> bool) -> Option<SourceReport> {
    let mut report = SourceReport { source: name.into(), ..SourceReport::default() };
    for answer in answers.iter().filter(|answer| DocumentKind::of(&answer.request).is_some_and(&counts)) {
        report.planned += 1;
        match &answer.decoded {
            None => report.failed += 1,
            Some(decoded) if decoded.failed => report.failed += 1,
            Some(decoded) if decoded.content.is_none() => report.no_data += 1,
            Some(_) => report.ok += 1,
        }
    }
    (report.planned > 0).then_some(report)
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
                (parts.stats_asked, parts.stats_answered) = (true, answered);
                let rows = decoded.as_ref().map_or(&[][..], |decoded| &decoded.quarantined);
                parts.stats_incomplete = rows.iter().any(|row| row.reason == QuarantineReason::Undecodable);
            }
            Some(DocumentKind::PublicEndpoints) => {
                (parts.public_asked, parts.public_answered) = (true, answered)
            }
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

/// The UUID of a row of the statistics; each has one.
fn id_of(row: &Reading) -> Uuid {
    row.facts.endpoint_id.unwrap_or_default()
}

/// A row of the statistics that names another model than the one that was requested.
fn other_model(row: &StatsEndpoint, pair: Option<&Pair>, sha256: &str) -> Quarantined {
    let named = row.model.as_ref().map(ToString::to_string).unwrap_or_default();
    Quarantined {
        reason: QuarantineReason::OtherModel,
        kind: DocumentKind::StatsEndpoint.into(),
        model: pair.map(|pair| pair.model.clone()),
        variant: pair.map(|pair| pair.variant.clone()),
        path: "$.data[].model_variant_permaslug".into(),
        detail: format!("endpoint {} belongs to the model `{named}`", id_of(&row.reading)),
        tokens: None,
        sha256: sha256.to_owned(),
    }
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
    let answered = !parts.stats_asked || parts.stats_answered;
    let mut readings = join_endpoints(pair, parts, providers, run);
    if let Some(UsageAnswer { body, sha256, read_at }) = usage {
        let mut aside = join_usage(pair, body, read_at, answered, &mut readings, witness, run);
        aside.iter_mut().for_each(|row| row.sha256.clone_from(&sha256));
        run.quarantined.extend(aside);
    }
    readings.sort_by(|a, b| (&a.facts.endpoint_id, &a.facts.tag).cmp(&(&b.facts.endpoint_id, &b.facts.tag)));
    run.readings.extend(readings);
}

/// The endpoints of a pair: those of the statistics, each with its documented row, then those that are only documented.
fn join_endpoints(
    pair: &Pair,
    parts: PairParts,
    providers: &BTreeMap<ProviderSlug, Provider>,
    run: &mut RunReadings,
) -> Vec<Reading> {
    let put_aside = |reason, kind: DocumentKind, path: &str, detail: String| Quarantined {
        reason,
        kind: kind.into(),
        model: Some(pair.model.clone()),
        variant: Some(pair.variant.clone()),
        path: path.into(),
        detail,
        tokens: None,
        sha256: String::new(),
    };
    let mut known: BTreeSet<Option<Uuid>> = BTreeSet::new();
    let (listed, repeated): (Vec<Reading>, Vec<Reading>) =
        parts.stats.into_iter().partition(|row| known.insert(row.facts.endpoint_id));
    for row in repeated {
        let detail = format!("duplicate row of endpoint {}", id_of(&row));
        let kind = DocumentKind::StatsEndpoint;
        run.quarantined.push(put_aside(QuarantineReason::DuplicateEndpoint, kind, "$.data", detail));
    }
    let mut public: HashMap<Tag, Vec<Reading>> = HashMap::new();
    for row in parts.public {
        public.entry(row.facts.tag.clone()).or_default().push(row);
    }
    let mut tags: HashMap<&Tag, usize> = HashMap::new();
    listed.iter().for_each(|row| *tags.entry(&row.facts.tag).or_default() += 1);
    let mut reported: BTreeSet<&Tag> = BTreeSet::new();
    let mut readings: Vec<Reading> = Vec::with_capacity(listed.len());
    for row in &listed {
        let rows = public.get(&row.facts.tag).map_or(&[][..], Vec::as_slice);
        let matched = (tags[&row.facts.tag] == 1 && rows.len() == 1).then(|| &rows[0]);
        if matched.is_none() && !rows.is_empty() && reported.insert(&row.facts.tag) {
            let (tag, count) = (&row.facts.tag, rows.len().max(tags[&row.facts.tag]));
            let detail = format!("{count} endpoints carry the tag `{tag}`");
            run.quarantined.push(put_aside(
                QuarantineReason::AmbiguousTag,
                DocumentKind::PublicEndpoints,
                "$",
                detail,
            ));
        }
        if let Some(documented) = matched {
            compare_sources(row, documented, run);
        }
        readings.push(from_stats(row.clone(), matched, run.observed_at));
    }
    // If rows of the statistics could not be read, a documented row may belong to one of them.
    let may_be_new = |tag: &&Tag| !parts.stats_incomplete && !tags.contains_key(*tag);
    let mut unmatched: Vec<&Tag> = public.keys().filter(may_be_new).collect();
    unmatched.sort();
    for tag in unmatched {
        match public[tag].as_slice() {
            [row] => readings.push(from_public(row.clone(), providers)),
            rows => {
                let detail = format!("{} endpoints carry the tag `{tag}` and none has a UUID", rows.len());
                run.quarantined.push(put_aside(
                    QuarantineReason::AmbiguousTag,
                    DocumentKind::PublicEndpoints,
                    "$",
                    detail,
                ));
            }
        }
    }
    readings
}

/// Adds an endpoint that both sources list to the comparison of the two. The keys are domain paths.
fn compare_sources(row: &Reading, documented: &Reading, run: &mut RunReadings) {
    let (ours, theirs) = (&row.prices, &documented.prices);
    let price = |price: Option<UsdPerMtok>| price.map(UsdPerMtok::to_f64);
    for (path, ours, theirs) in [
        ("prices.input", price(ours.input), price(theirs.input)),
        ("prices.output", price(ours.output), price(theirs.output)),
        ("prices.cache_read", price(ours.cache_read), price(theirs.cache_read)),
        ("prices.cache_write", price(ours.cache_write), price(theirs.cache_write)),
        ("prices.cache_write_1h", price(ours.cache_write_1h), price(theirs.cache_write_1h)),
        ("health.status", row.health.status.map(f64::from), documented.health.status.map(f64::from)),
    ] {
        run.agreement.entry(path.to_owned()).or_default().add(ours, theirs);
    }
    // Only a conditional price that the statistics lack counts: it could have been lost.
    let (ours, theirs) = (ours.tiers.len(), theirs.tiers.len());
    if ours.max(theirs) > 0 {
        let counts = (Some(ours.min(theirs) as f64), Some(theirs as f64));
        run.agreement.entry("prices.tiers".to_owned()).or_default().add(counts.0, counts.1);
    }
}

/// A deprecation date further ahead is a placeholder for "not planned": the recorded upstream writes 2098-12-31.
const FAR_FUTURE: chrono::Duration = chrono::Duration::days(5 * 366);

/// A row of the statistics, completed by the documented row of the same endpoint.
fn from_stats(mut row: Reading, public: Option<&Reading>, observed_at: DateTime<Utc>) -> Reading {
    let Reading { facts, health, .. } = &mut row;
    let documented = public.map(|public| public.health.clone()).unwrap_or_default();
    facts.max_prompt_tokens =
        facts.max_prompt_tokens.or_else(|| public.and_then(|public| public.facts.max_prompt_tokens));
    facts.deprecation_date = facts.deprecation_date.filter(|time| *time <= observed_at + FAR_FUTURE);
    // An endpoint cannot be read before it was created: such a time says nothing about its age.
    facts.created_at = facts.created_at.filter(|time| *time <= observed_at);
    // The codes are 0 or negative, and lower is worse: an outage that one source reports counts as an outage.
    health.status = [health.status, documented.status].into_iter().flatten().min();
    health.uptime_5m = documented.uptime_5m;
    health.uptime_30m = documented.uptime_30m;
    let counted = health.counters_1d.and_then(|counters| counters.uptime());
    health.uptime_1d = documented.uptime_1d.or(counted);
    health.throughput = health.throughput.or(documented.throughput);
    health.latency_ms = health.latency_ms.or(documented.latency_ms);
    with_checked_prices(row)
}

/// A documented row of an endpoint that the statistics do not list, under the name that its provider has there.
fn from_public(mut row: Reading, providers: &BTreeMap<ProviderSlug, Provider>) -> Reading {
    if let Some(known) = providers.get(&row.facts.provider) {
        row.facts.provider_name.clone_from(&known.name);
    }
    with_checked_prices(row)
}

/// A price of 0 means "missing" for variants that are billed elsewhere.
fn with_checked_prices(mut row: Reading) -> Reading {
    if row.facts.variant.zero_price_is_missing() {
        let ListPrices { input, output, cache_read, cache_write, cache_write_1h, .. } = &mut row.prices;
        for price in [input, output, cache_read, cache_write, cache_write_1h] {
            *price = price.filter(|p| !p.0.is_zero());
        }
    }
    row
}

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
        match self.by_name.get(name).map(Vec::as_slice) {
            Some([position]) => Ok(*position),
            Some(several) => Err((
                QuarantineReason::AmbiguousName,
                format!("{} endpoints are named `{name}`", several.len()),
            )),
            None if has_ordinal(name) => Err((
                QuarantineReason::AmbiguousName,
                format!(
                    "`{name}` is ambiguous: several endpoints share this name and the upstream does not state which one is meant"
                ),
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

fn join_usage(
    pair: &Pair,
    body: UsageBody,
    read_at: DateTime<Utc>,
    list_answered: bool,
    readings: &mut [Reading],
    witness: &mut WindowWitness,
    run: &mut RunReadings,
) -> Vec<Quarantined> {
    let resolver = Resolver::new(readings);
    let mut aside = Vec::new();
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
            Err((reason, detail)) => aside.push(Quarantined {
                reason,
                kind: DocumentKind::EffectivePricing.into(),
                model: Some(pair.model.clone()),
                variant: Some(pair.variant.clone()),
                path: summary.path.clone(),
                detail,
                tokens: summary.tokens,
                sha256: String::new(),
            }),
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
    aside
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
