//! Combines the data of the store and the results of the analysis into the published content.

use super::analyse::first_hour;
use super::changes::traffic::traffic_of;
use super::imports::shown;
use super::recommendations::Past;
use super::seasons::Recorded;
use crate::analysis::{Analysis, EndpointVerdicts, METHOD_VERSION};
use crate::archive::hex_sha256;
use crate::domain::backtest::{Backtest, ExpectedCost};
use crate::domain::change::Change;
use crate::domain::document::RouteAnswer;
use crate::domain::endpoint::{Model, Provider};
use crate::domain::hourly::{RequestSize, Stretch};
use crate::domain::ids::{ModelSlug, ProviderSlug, Variant};
use crate::domain::thresholds;
use crate::domain::tier::{Lens, Tier};
use crate::domain::window::{Basis, WindowKind};
use crate::domain::workload::Workload;
use crate::snapshot::{
    ComparisonAge, Endpoint, EndpointDay, FORMAT, HourlyRate, HourlyRates, Imports, ModelEntry, ProviderDay,
    ProviderEntry, RecentReading, Snapshot, Status, Summary, SuspectRun, TierList,
};
use crate::store::{EndpointDayRow, EndpointNow, HourlyRecord, RunRow, Store, StoreError};
use crate::upstream::UNSTATED;
use crate::wording::Missing;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Number of runs that the status page lists.
const SHOWN_RUNS: usize = 72;
/// Hours of readings that the API's `readings` route serves.
const READING_HOURS: i64 = 48;
/// Maximum number of readings in a snapshot; the newest are kept.
const MOST_READINGS: usize = 30_000;

/// Everything read from the store for one snapshot.
pub struct Material {
    newest: RunRow,
    runs: Vec<RunRow>,
    run_count: usize,
    first_run: DateTime<Utc>,
    providers: Vec<Provider>,
    models: Vec<Model>,
    endpoints: Vec<EndpointNow>,
    days: Vec<EndpointDayRow>,
    readings: Vec<RecentReading>,
    hourly: HourlyRecord,
    status: Status,
    recommended: Past,
    /// What changed on the last days, newest first.
    pub(super) changes: Vec<Change>,
    seasons: Recorded,
    imports: Imports,
}

impl Material {
    /// Reads what was known at the time of `newest`, besides the endpoints and days, which were read for the analysis;
    /// `workload` is the default one. The state of the collection is read as of `until`, because failed and suspect
    /// runs may follow the newest accepted one.
    pub fn read(
        store: &Store,
        newest: RunRow,
        (endpoints, days): (Vec<EndpointNow>, Vec<EndpointDayRow>),
        until: DateTime<Utc>,
        workload: &str,
    ) -> Result<Self, StoreError> {
        let as_of = newest.run.observed_at;
        let status_at = until.max(as_of);
        let (run_count, first) = store.extent(as_of)?;
        let runs = store.runs(status_at, SHOWN_RUNS)?;
        let until = as_of + Duration::seconds(1);
        let mut readings =
            store.newest_readings(until - Duration::hours(READING_HOURS), until, MOST_READINGS)?;
        readings.sort_by_key(|reading| std::cmp::Reverse(reading.observed_at));
        Ok(Self {
            run_count,
            first_run: first.unwrap_or(as_of),
            models: store.models(as_of)?,
            endpoints,
            days,
            readings,
            hourly: store.hourly(first_hour(as_of), until)?,
            status: status(store, status_at, &runs)?,
            providers: store.providers(as_of)?,
            recommended: Past::read(store, as_of, workload),
            changes: Vec::new(),
            seasons: Recorded::read(store, as_of)?,
            imports: shown(store, as_of)?,
            newest,
            runs,
        })
    }

    /// Reads only what preferences need besides the endpoints and days. What pages show is absent.
    pub fn for_preferences(
        store: &Store,
        newest: RunRow,
        (endpoints, days): (Vec<EndpointNow>, Vec<EndpointDayRow>),
    ) -> Result<Self, StoreError> {
        let as_of = newest.run.observed_at;
        let (run_count, first) = store.extent(as_of)?;
        Ok(Self {
            run_count,
            first_run: first.unwrap_or(as_of),
            models: store.models(as_of)?,
            endpoints,
            days,
            readings: Vec::new(),
            hourly: HourlyRecord::default(),
            status: Status::default(),
            providers: Vec::new(),
            recommended: Past::default(),
            changes: Vec::new(),
            seasons: Recorded::default(),
            imports: Imports::default(),
            newest,
            runs: Vec::new(),
        })
    }
}

fn status(store: &Store, as_of: DateTime<Utc>, runs: &[RunRow]) -> Result<Status, StoreError> {
    Ok(Status {
        runs: runs.iter().map(|row| row.run.clone()).collect(),
        sources: store.sources(as_of)?,
        comparison: store.comparison(as_of)?,
        quarantine: store.quarantined(as_of)?,
        drift: store.drift(as_of)?,
        suspect: suspect(store, as_of)?,
        trouble: store.trouble(as_of)?,
        missing: Vec::new(),
    })
}

/// The newest run, if it is suspect.
fn suspect(store: &Store, as_of: DateTime<Utc>) -> Result<Option<SuspectRun>, StoreError> {
    let Some(RunRow { run, .. }) = store.suspect_run(as_of)? else { return Ok(None) };
    let findings = store.findings(&run.run_id)?.open;
    Ok(Some(SuspectRun { run_id: run.run_id, observed_at: run.observed_at, findings }))
}

/// Assembles the published content.
pub fn snapshot(
    mut material: Material,
    analysis: Analysis,
    tested: (Option<Backtest>, BTreeMap<Uuid, ExpectedCost>),
    workloads: Vec<Workload>,
    built_at: DateTime<Utc>,
) -> Snapshot {
    let run_id = material.newest.run.run_id.clone();
    let recommended = std::mem::take(&mut material.recommended);
    let mut snapshot = content(material, analysis, tested, workloads, built_at);
    let records = recommended.with_present(&snapshot);
    for (model, record) in snapshot.models.iter_mut().zip(records) {
        model.recommendation = record;
    }
    snapshot.id = id(&snapshot, &run_id);
    snapshot
}

/// The content without its id and without what is recorded of its recommendations.
pub fn content(
    mut material: Material,
    mut analysis: Analysis,
    (backtest, expected): (Option<Backtest>, BTreeMap<Uuid, ExpectedCost>),
    workloads: Vec<Workload>,
    built_at: DateTime<Utc>,
) -> Snapshot {
    let observed_days = days_with(&material.days, |day| day.coverage.is_some());
    // Published by the upstream: observed or closing, not derived.
    let rated_days = days_with(&material.days, |day| day.basis.is_some_and(|basis| basis != Basis::Derived));
    let provider_days = provider_days(&material.days);
    let share = traffic_of(&material.days, &material.endpoints, material.newest.run.observed_at);
    let default_workload = workloads.first().map_or_else(String::new, |workload| workload.name.clone());
    let mut days: HashMap<Uuid, Vec<EndpointDay>> = HashMap::new();
    for row in material.days {
        days.entry(row.endpoint_id).or_default().push(row.of_day);
    }
    let endpoints = material.endpoints.len();
    let shown: BTreeSet<Uuid> = material.endpoints.iter().map(|endpoint| endpoint.endpoint_id).collect();
    let with_usage = material.endpoints.iter().filter(|endpoint| endpoint.hit_rate.is_some()).count();
    let mut models =
        model_entries(material.models, material.endpoints, &mut days, &mut analysis, &default_workload);
    for endpoint in models.iter_mut().flat_map(|model| &mut model.endpoints) {
        endpoint.expected_cost = expected.get(&endpoint.endpoint_id).copied();
        let size = material.hourly.request_sizes.get(&endpoint.endpoint_id);
        endpoint.tokens_per_request = size.and_then(RequestSize::tokens_per_request);
        endpoint.seasons = material.seasons.of(endpoint, &workloads, material.newest.run.observed_at);
    }
    let providers = provider_entries(&material.providers, &models, provider_days);
    let tokens_per_day = models.iter().fold(0.0, |sum, model| sum + model.tokens_per_day);
    let mut status = material.status;
    status.missing = missing(&material.newest, rated_days, status.comparison.as_ref(), &analysis);
    Snapshot {
        format: FORMAT,
        id: String::new(),
        method_version: METHOD_VERSION,
        as_of: material.newest.run.observed_at,
        built_at,
        upstream: Some(material.newest.upstream_name.clone()).filter(|name| name != UNSTATED),
        simulated: material.newest.simulated || material.runs.iter().any(|run| run.simulated),
        summary: Summary {
            endpoints,
            endpoints_with_usage: with_usage,
            models: models.len(),
            providers: providers.iter().filter(|provider| provider.is_offering()).count(),
            tokens_per_day,
            covered_share: covered_share(&analysis.tier_lists, tokens_per_day),
            runs: material.run_count,
            first_run: material.first_run,
            observed_days,
        },
        tier_lists: analysis.tier_lists,
        models,
        providers,
        backtest,
        workloads,
        hourly: hourly_rates(material.hourly, material.newest.run.observed_at, &shown),
        readings: material.readings,
        status,
        changes: material.changes,
        share,
        imports: material.imports,
        next_run: None,
        thresholds: thresholds::table(),
    }
}

/// The hourly rates of the endpoints that the snapshot shows.
fn hourly_rates(record: HourlyRecord, as_of: DateTime<Utc>, shown: &BTreeSet<Uuid>) -> HourlyRates {
    let from = first_hour(as_of);
    let stretches = record.stretches.into_iter().filter(|(endpoint, _)| shown.contains(endpoint));
    let rates = |(endpoint, list): (Uuid, Vec<Stretch>)| {
        (endpoint, list.iter().map(|stretch| HourlyRate::new(from, stretch)).collect())
    };
    HourlyRates { from, to: as_of, endpoints: stretches.map(rates).collect(), refused: record.refused }
}

/// The run's id and a digest of the content without the build time: the same content has the same id.
fn id(snapshot: &Snapshot, run_id: &str) -> String {
    // The JSON text of one list of all parts; the longest parts are serialized in parallel.
    let (hourly, models) = std::thread::scope(|scope| {
        let hourly = scope.spawn(|| json(&snapshot.hourly));
        let models = json(&snapshot.models);
        (hourly.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), models)
    });
    let (lists, providers, backtest) =
        (json(&snapshot.tier_lists), json(&snapshot.providers), json(&snapshot.backtest));
    let (status, version) = (json(&snapshot.status), json(&snapshot.method_version));
    let changes = json(&snapshot.changes);
    let mut parts = vec![lists, models, providers, backtest, hourly, status, changes, version];
    // Without imports, the id does not depend on them.
    parts.extend(Some(&snapshot.imports).filter(|imports| !imports.is_empty()).map(json));
    let bytes = [b"[".as_slice(), &parts.join(&b','), b"]"].concat();
    format!("{run_id}-{}", &hex_sha256(&bytes)[..8])
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Share of the tokens per day that the providers with a tier in the cache list serve; `None` without that list or without
/// tokens.
fn covered_share(lists: &[TierList], tokens_per_day: f64) -> Option<f64> {
    let list = lists.iter().find(|list| list.lens == Lens::Cache).filter(|_| tokens_per_day > 0.0)?;
    let rated = list.providers.iter().filter(|provider| provider.tier != Tier::Unrated);
    let tokens = rated.map(|provider| provider.tokens_per_day).sum::<f64>();
    Some((tokens / tokens_per_day).min(1.0))
}

/// Number of UTC days on which some endpoint's day has a property.
fn days_with(days: &[EndpointDayRow], has: impl Fn(&EndpointDay) -> bool) -> usize {
    let found = days.iter().map(|row| &row.of_day).filter(|day| has(day));
    found.map(|day| day.day).collect::<BTreeSet<_>>().len()
}

/// Token-weighted hit rate per provider and observed day.
fn provider_days(days: &[EndpointDayRow]) -> HashMap<ProviderSlug, Vec<ProviderDay>> {
    let mut sums: BTreeMap<(&ProviderSlug, NaiveDate), (f64, i64)> = BTreeMap::new();
    for EndpointDayRow { provider, of_day, .. } in days.iter().filter(|row| !row.of_day.derived()) {
        if let (Some(rate), Some(tokens)) = (of_day.hit_rate, of_day.tokens) {
            let sum = sums.entry((provider, of_day.day)).or_default();
            sum.0 += rate * tokens as f64;
            sum.1 += tokens;
        }
    }
    let mut by_provider: HashMap<ProviderSlug, Vec<ProviderDay>> = HashMap::new();
    for ((provider, day), (weighted, tokens)) in sums {
        let hit_rate = (tokens > 0).then(|| weighted / tokens as f64);
        by_provider.entry(provider.clone()).or_default().push(ProviderDay { day, hit_rate, tokens });
    }
    by_provider
}

fn model_entries(
    models: Vec<Model>,
    endpoints: Vec<EndpointNow>,
    days: &mut HashMap<Uuid, Vec<EndpointDay>>,
    analysis: &mut Analysis,
    default_workload: &str,
) -> Vec<ModelEntry> {
    let mut by_pair: HashMap<(ModelSlug, Variant), Vec<Endpoint>> = HashMap::new();
    for now in endpoints {
        let verdicts = analysis.endpoints.remove(&now.endpoint_id);
        let record = days.remove(&now.endpoint_id).unwrap_or_default();
        let pair = (now.facts.model.clone(), now.facts.variant.clone());
        by_pair.entry(pair).or_default().push(endpoint(now, verdicts, record));
    }
    let entry = |model: Model| {
        let mut endpoints = by_pair.remove(&(model.model.clone(), model.variant.clone()))?;
        let cost = |endpoint: &Endpoint| {
            endpoint.session_cost.get(default_workload).copied().unwrap_or(f64::INFINITY)
        };
        endpoints.sort_by(|a, b| cost(a).total_cmp(&cost(b)).then_with(|| a.tag.cmp(&b.tag)));
        let weights =
            endpoints.iter().filter_map(|endpoint| Some((endpoint.hit_rate?, endpoint.tokens? as f64)));
        let (weighted, tokens) =
            weights.fold((0.0, 0.0), |sum, (rate, tokens)| (sum.0 + rate * tokens, sum.1 + tokens));
        Some(ModelEntry {
            model_id: model.model_id,
            slug: model.model,
            variant: model.variant,
            name: model.name,
            created: model.created,
            context_length: model.context_length,
            aliases: model.aliases,
            hit_rate: (tokens > 0.0).then(|| weighted / tokens),
            // Folded from 0, because the sum of nothing is -0.
            tokens_per_day: endpoints.iter().filter_map(|e| e.tokens_per_day).fold(0.0, |sum, t| sum + t),
            endpoints,
            recommendation: None,
        })
    };
    let mut entries: Vec<ModelEntry> = models.into_iter().filter_map(entry).collect();
    entries.sort_by(|a, b| {
        b.tokens_per_day.total_cmp(&a.tokens_per_day).then_with(|| a.model_id.cmp(&b.model_id))
    });
    entries
}

fn endpoint(now: EndpointNow, verdicts: Option<EndpointVerdicts>, days: Vec<EndpointDay>) -> Endpoint {
    let verdicts = verdicts.unwrap_or_else(|| EndpointVerdicts {
        why: "not included in the newest analysis".into(),
        ..EndpointVerdicts::default()
    });
    let EndpointNow { facts, health, .. } = now;
    Endpoint {
        endpoint_id: now.endpoint_id,
        provider: facts.provider,
        name: facts.provider_name,
        tag: facts.tag,
        facts: facts.published,
        hit_rate: now.hit_rate,
        tokens: now.tokens,
        tokens_per_day: verdicts.tokens_per_day,
        tokens_per_request: None,
        list: now.list,
        list_window: verdicts.list_window,
        price_tiers: now.price_tiers,
        effective: now.effective,
        realised_discount: verdicts.realised_discount,
        efficiency: verdicts.efficiency,
        hit_rate_used: verdicts.hit_rate_used,
        written_share: verdicts.written_share,
        identity_error: verdicts.identity_error,
        status: health.status,
        uptime_5m: health.uptime_5m,
        uptime_30m: health.uptime_30m,
        uptime_1d: health.uptime_1d,
        availability: now.availability,
        throughput: health.throughput,
        latency_ms: health.latency_ms,
        tier: verdicts.tier,
        why: verdicts.why,
        verdicts: verdicts.verdicts,
        session_cost: verdicts.session_cost,
        session_cost_now: verdicts.session_cost_now,
        cost_basis: verdicts.cost_basis,
        flags: verdicts.flags,
        expected_cost: None,
        seasons: None,
        days,
        first_seen: now.first_seen,
        reading_at: now.reading_at,
    }
}

fn provider_entries(
    providers: &[Provider],
    models: &[ModelEntry],
    mut days: HashMap<ProviderSlug, Vec<ProviderDay>>,
) -> Vec<ProviderEntry> {
    #[derive(Default)]
    struct Seen {
        models: Vec<String>,
        endpoints: usize,
        tokens: f64,
    }
    let mut seen: HashMap<&ProviderSlug, Seen> = HashMap::new();
    for model in models {
        for endpoint in &model.endpoints {
            let entry = seen.entry(&endpoint.provider).or_default();
            // Models are sorted by tokens, descending, so a repeated one is the one that was just added.
            if entry.models.last() != Some(&model.model_id) {
                entry.models.push(model.model_id.clone());
            }
            entry.endpoints += 1;
            entry.tokens += endpoint.tokens_per_day.unwrap_or(0.0);
        }
    }
    let entry = |provider: &Provider| {
        let seen = seen.remove(&provider.provider).unwrap_or_default();
        ProviderEntry {
            provider: provider.provider.clone(),
            name: provider.name.clone(),
            headquarters: provider.headquarters.clone(),
            status_page: provider.status_page.clone(),
            privacy_policy: provider.privacy_policy.clone(),
            terms_of_service: provider.terms_of_service.clone(),
            models: seen.models,
            endpoints: seen.endpoints,
            tokens_per_day: seen.tokens,
            days: days.remove(&provider.provider).unwrap_or_default(),
        }
    };
    let mut entries: Vec<ProviderEntry> = providers.iter().map(entry).collect();
    entries.sort_by_key(|entry| (entry.name.to_lowercase(), entry.provider.clone()));
    entries
}

/// What is still missing from the data, for the status page.
fn missing(
    newest: &RunRow,
    rated_days: usize,
    comparison: Option<&ComparisonAge>,
    analysis: &Analysis,
) -> Vec<String> {
    let needed = thresholds::FULL_RECORD_DAYS.saturating_sub(rated_days);
    let days = (needed > 0).then_some(Missing::Days(needed));
    let day =
        (newest.run.window_kind != WindowKind::DayToDate).then_some(Missing::Day(newest.run.window_kind));
    let not_offered = comparison.is_some_and(|series| series.answer == RouteAnswer::NotOffered);
    let series = not_offered.then_some(Missing::DailySeries);
    let empty = |lens: &Lens| {
        let list = analysis.tier_lists.iter().find(|list| list.lens == *lens);
        list.is_none_or(|list| list.providers.iter().all(|provider| provider.tier == Tier::Unrated))
    };
    let lenses = Lens::ALL.into_iter().filter(empty).map(Missing::Ratings);
    [days, day, series].into_iter().flatten().chain(lenses).map(|missing| missing.to_string()).collect()
}
