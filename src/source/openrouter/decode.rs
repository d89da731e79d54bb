//! From the upstream's JSON to the project's own types, row by row: a bad row is put aside with its JSON path, an
//! unknown field is counted, and neither costs the rest of the body.

mod comparison;

use super::price_override::Override;
use super::{Content, drift, wire};
use crate::domain::endpoint::{ListPrices, Model, PriceTier, Provider};
use crate::domain::ids::{ProviderSlug, Tag, Variant};
use crate::domain::reading::{Activity, Counters, DriftPath, ModelUsage, Quarantined};
use crate::domain::units::{Percent, UsdPerMtok, UsdPerToken};
use crate::source::{Decoded, Document, DocumentKind, Pair};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use uuid::Uuid;

/// An endpoint as the documented API has it.
#[derive(Debug, Clone)]
pub struct PublicEndpoint {
    /// Routing name.
    pub tag: Tag,
    /// The upstream's internal name of the provider.
    pub provider_name: Option<String>,
    /// List prices after discount.
    pub prices: ListPrices,
    /// Self-declared quantization.
    pub quantization: Option<String>,
    /// Context length, tokens.
    pub context_length: Option<i64>,
    /// Longest prompt, tokens.
    pub max_prompt_tokens: Option<i64>,
    /// Longest answer, tokens.
    pub max_completion_tokens: Option<i64>,
    /// Request parameters it takes.
    pub parameters: Vec<String>,
    /// Upstream status code.
    pub status: Option<i32>,
    /// Uptime over 5 minutes, 30 minutes, a day; fractions.
    pub uptime: [Option<f64>; 3],
    /// Median time to first token, milliseconds (published to callers with a key).
    pub latency_ms: Option<f64>,
    /// Median output speed, tokens a second (published to callers with a key).
    pub throughput: Option<f64>,
}

/// An endpoint as the statistics have it.
#[derive(Debug, Clone)]
pub struct StatsEndpoint {
    /// Key.
    pub endpoint_id: Uuid,
    /// Routing name.
    pub tag: Tag,
    /// Base slug of the provider.
    pub provider: ProviderSlug,
    /// Display name.
    pub provider_name: String,
    /// Region.
    pub region: Option<String>,
    /// Self-declared quantization.
    pub quantization: Option<String>,
    /// Context length, tokens.
    pub context_length: Option<i64>,
    /// Longest prompt, tokens.
    pub max_prompt_tokens: Option<i64>,
    /// Longest answer, tokens.
    pub max_completion_tokens: Option<i64>,
    /// When the upstream began to offer it, as it says.
    pub created_at: Option<DateTime<Utc>>,
    /// When the upstream stops offering it.
    pub deprecation_date: Option<DateTime<Utc>>,
    /// Request parameters it takes.
    pub parameters: Vec<String>,
    /// Whether prompts are used for training.
    pub trains_on_prompts: Option<bool>,
    /// Whether prompts are kept.
    pub retains_prompts: Option<bool>,
    /// List prices after discount.
    pub prices: ListPrices,
    /// Hidden, private or bring-your-own-key only.
    pub restricted: bool,
    /// De-ranked by the upstream.
    pub deranked: bool,
    /// Switched off by the upstream.
    pub disabled: bool,
    /// Upstream status code.
    pub status: Option<i32>,
    /// Median output speed, tokens a second.
    pub throughput: Option<f64>,
    /// Median time to first token, milliseconds.
    pub latency_ms: Option<f64>,
    /// Requests over 30 minutes.
    pub requests_30m: Option<i64>,
    /// Request outcomes over a day.
    pub counters_1d: Option<Counters>,
}

/// Usage of one endpoint, before it is known which one: by UUID or, before 2026-08-04, by display name.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The endpoint's UUID, where it is told.
    pub endpoint_id: Option<Uuid>,
    /// Display name, with suffixes like "(1)" where it would be ambiguous.
    pub name: String,
    /// Hit rate as published, not yet checked.
    pub hit_rate: Option<f64>,
    /// Effective input price, USD per million.
    pub effective_input: Option<f64>,
    /// Effective output price, USD per million.
    pub effective_output: Option<f64>,
    /// Tokens of the window.
    pub tokens: i64,
    /// JSON path in the body.
    pub path: String,
}

/// Effective (input, output) prices by chart key (UUID or display name) and day, USD per million.
pub type Charts = BTreeMap<String, BTreeMap<NaiveDate, (Option<f64>, Option<f64>)>>;

/// Usage of a pair: summaries, the daily charts, and the upstream's aggregate.
#[derive(Debug, Clone)]
pub struct UsageBody {
    /// One an endpoint with traffic.
    pub summaries: Vec<Summary>,
    /// The daily charts.
    pub charts: Charts,
    /// The upstream's own aggregate.
    pub aggregate: ModelUsage,
}

/// One document under decoding: where findings are put.
struct Reader<'a> {
    kind: DocumentKind,
    pair: Option<&'a Pair>,
    sha256: &'a str,
    quarantined: Vec<Quarantined>,
    drift: BTreeMap<DriftPath, usize>,
}

/// Decodes a document. 404, an empty body and `data: null` are "nothing here"; every other status than 200 should not
/// have come this far and is reported.
pub fn decode(document: &Document<'_>) -> Decoded {
    let mut reader = Reader {
        kind: document.request.kind,
        pair: document.request.pair.as_ref(),
        sha256: document.sha256,
        quarantined: Vec::new(),
        drift: BTreeMap::new(),
    };
    let answer = match document.status {
        404 => Ok(None),
        200 => reader.content(document.body),
        status => Err(("$".to_owned(), format!("HTTP status {status}"))),
    };
    let (failed, missing) = (answer.is_err(), document.status == 404);
    let content = answer.unwrap_or_else(|(path, detail)| {
        reader.put_aside("undecodable", &path, detail, None);
        None
    });
    Decoded { content, quarantined: reader.quarantined, drift: reader.drift, failed, missing }
}

/// Reason of a conditional price that never applies: a condition of it is not understood, or it has none.
const UNKNOWN_CONDITION: &str = "unknown_condition";

type Found<T> = Result<T, (String, String)>;

impl Reader<'_> {
    fn content(&mut self, body: &[u8]) -> Found<Option<Content>> {
        if nothing_in(body) {
            return Ok(None);
        }
        match self.kind {
            DocumentKind::Models => Ok(Some(Content::Models(self.rows(body, |row, _| model(row))?))),
            DocumentKind::Providers | DocumentKind::AllProviders => Ok(Some(Content::Providers(
                self.rows(body, |row: wire::Provider, _| Ok(Some(provider(row))))?,
            ))),
            DocumentKind::PublicEndpoints => self.public_endpoints(body),
            DocumentKind::StatsEndpoint => {
                let rows = self.rows(body, stats_endpoint)?;
                let rows = self.without_notes(rows);
                Ok((!rows.is_empty()).then_some(Content::StatsEndpoints(rows)))
            }
            DocumentKind::EffectivePricing => self.usage(body),
            DocumentKind::ModelActivity => self.activity(body),
            DocumentKind::HitRateComparison => self.comparison(body),
        }
    }

    /// Reads a value, counting unknown fields under `prefix`, naming the JSON path of what is wrong.
    fn read<'b, T: Deserialize<'b>>(&mut self, json: &'b [u8], prefix: &str) -> Found<T> {
        let mut unknown = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
        let value = serde_ignored::deserialize(tracked, |path| unknown.push(pattern(&path))).map_err(
            |error: serde_json::Error| (join_path(prefix, &track.path().to_string()), error.to_string()),
        )?;
        for path in unknown {
            let bare = path.strip_prefix("data.").unwrap_or(&path);
            if !drift::known(self.kind, bare) {
                let found = DriftPath { kind: self.kind.as_str().into(), path: bare.to_owned() };
                *self.drift.entry(found).or_default() += 1;
            }
        }
        Ok(value)
    }

    /// Reads `{"data": [...]}` row by row.
    fn rows<'b, W: Deserialize<'b>, T>(
        &mut self,
        body: &'b [u8],
        convert: impl Fn(W, &str) -> Result<Option<T>, (&'static str, String)>,
    ) -> Found<Vec<T>> {
        let rows: wire::Rows<'b> = self.read(body, "$")?;
        Ok(self.each(&rows.data, "$.data", convert))
    }

    /// Converts rows one by one; a row that cannot be read or used is put aside.
    fn each<'b, W: Deserialize<'b>, T>(
        &mut self,
        rows: &[&'b RawValue],
        prefix: &str,
        convert: impl Fn(W, &str) -> Result<Option<T>, (&'static str, String)>,
    ) -> Vec<T> {
        let mut good = Vec::with_capacity(rows.len());
        for (position, row) in rows.iter().enumerate() {
            let path = format!("{prefix}[{position}]");
            match self.read::<W>(row.get().as_bytes(), &path) {
                Err((path, detail)) => self.put_aside("undecodable", &path, detail, None),
                Ok(wire) => match convert(wire, &path) {
                    Ok(Some(value)) => good.push(value),
                    Ok(None) => {}
                    Err((field, detail)) => {
                        self.put_aside("undecodable", &join_path(&path, field), detail, None);
                    }
                },
            }
        }
        good
    }

    /// The rows alone; what was noted about parts of them is quarantined.
    fn without_notes<T>(&mut self, rows: Vec<(T, Vec<Note>)>) -> Vec<T> {
        let mut bare = Vec::with_capacity(rows.len());
        for (row, notes) in rows {
            notes.into_iter().for_each(|note| self.put_aside(note.reason, &note.path, note.detail, None));
            bare.push(row);
        }
        bare
    }

    fn put_aside(&mut self, reason: &str, path: &str, detail: String, tokens: Option<i64>) {
        self.quarantined.push(Quarantined {
            reason: reason.into(),
            kind: self.kind.as_str().into(),
            model: self.pair.map(|pair| pair.model.clone()),
            variant: self.pair.map(|pair| pair.variant.clone()),
            path: path.into(),
            detail: detail.chars().take(300).collect(),
            tokens,
            sha256: self.sha256.into(),
        });
    }

    fn pair(&self) -> Found<Pair> {
        self.pair
            .cloned()
            .ok_or_else(|| ("$".into(), "the archive does not say which model this is about".into()))
    }

    fn public_endpoints(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let model: wire::Envelope<wire::PublicModel<'_>> = self.read(body, "$")?;
        let rows = self.each(&model.data.endpoints, "$.data.endpoints", |row, path| {
            Ok(Some(public_endpoint(row, path)))
        });
        let rows = self.without_notes(rows);
        Ok((!rows.is_empty()).then_some(Content::PublicEndpoints(rows)))
    }

    fn usage(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let pair = self.pair()?;
        let wire: wire::Envelope<wire::EffectivePricing<'_>> = self.read(body, "$")?;
        let wire = wire.data;
        if wire.provider_summaries.is_empty() && wire.input_chart_data.is_empty() {
            return Ok(None);
        }
        let summaries = self.each(&wire.provider_summaries, "$.data.providerSummaries", summary);
        let mut charts = BTreeMap::new();
        self.chart(&wire.input_chart_data, "inputChartData", &mut charts, |point, price| point.0 = price);
        self.chart(&wire.output_chart_data, "outputChartData", &mut charts, |point, price| point.1 = price);
        let aggregate = ModelUsage {
            model: pair.model,
            variant: pair.variant,
            hit_rate: wire.weighted_cache_hit_rate,
            effective_input: wire.weighted_input_price,
            effective_output: wire.weighted_output_price,
        };
        Ok(Some(Content::Usage(UsageBody { summaries, charts, aggregate })))
    }

    fn chart(
        &mut self,
        points: &[&RawValue],
        field: &str,
        charts: &mut Charts,
        set: impl Fn(&mut (Option<f64>, Option<f64>), Option<f64>),
    ) {
        let convert = |point: wire::ChartPoint, _: &str| {
            let day = day(&point.x).ok_or_else(|| ("x", format!("`{}` is not a day", clip(&point.x))))?;
            Ok(Some((day, point.y.unwrap_or_default())))
        };
        for (day, prices) in self.each(points, &format!("$.data.{field}"), convert) {
            for (key, price) in prices {
                set(charts.entry(key).or_default().entry(day).or_default(), price.0);
            }
        }
    }

    fn activity(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let pair = self.pair()?;
        let wire: wire::Envelope<wire::ActivityBody<'_>> = self.read(body, "$")?;
        let rows = self.each(&wire.data.analytics, "$.data.analytics", |row, _| activity(row, &pair));
        Ok((!rows.is_empty()).then_some(Content::Activity(rows)))
    }
}

/// Whether a body holds nothing: no bytes, or `data` is null.
fn nothing_in(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.is_empty()
        || (body.len() < 40 && body.iter().filter(|b| !b.is_ascii_whitespace()).eq(b"{\"data\":null}"))
}

/// A path of ignored fields with `*` for list positions.
fn pattern(path: &serde_ignored::Path<'_>) -> String {
    path.to_string()
        .split('.')
        .filter(|part| *part != "?")
        .map(|part| if part.bytes().all(|b| b.is_ascii_digit()) { "*" } else { part })
        .collect::<Vec<_>>()
        .join(".")
}

fn join_path(prefix: &str, path: &str) -> String {
    match path {
        "." | "" => prefix.to_owned(),
        path if path.starts_with('[') => format!("{prefix}{path}"),
        path => format!("{prefix}.{path}"),
    }
}

/// A part of a row that is not used while the rest of the row is.
struct Note {
    reason: &'static str,
    path: String,
    detail: String,
}

/// A time, or midnight UTC of a date without one. `None` where the field is absent; noted where it is neither.
fn time(text: Option<String>, path: &str, field: &str, notes: &mut Vec<Note>) -> Option<DateTime<Utc>> {
    let text = text.filter(|text| !text.is_empty())?;
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let time = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()).ok();
    let time = time.or_else(|| text.parse::<NaiveDate>().ok().map(midnight));
    let time = time.filter(|time| (1970..=9999).contains(&time.year()));
    if time.is_none() {
        let detail = format!("`{}` is not a time", clip(&text));
        notes.push(Note { reason: "undecodable", path: join_path(path, field), detail });
    }
    time
}

fn day(text: &str) -> Option<NaiveDate> {
    text.get(..10)?.parse().ok()
}

fn price(per_token: Option<Decimal>) -> Option<UsdPerMtok> {
    // A negative price is the upstream's sentinel for "no fixed price".
    per_token.filter(|price| !price.is_sign_negative() || price.is_zero()).map(|p| UsdPerToken(p).per_mtok())
}

/// `path`: that of the row.
fn list_prices(wire: Option<wire::Pricing>, path: &str, notes: &mut Vec<Note>) -> ListPrices {
    let Some(wire) = wire else { return ListPrices::default() };
    ListPrices {
        input: price(wire.prompt),
        output: price(wire.completion),
        cache_read: price(wire.input_cache_read),
        cache_write: price(wire.input_cache_write),
        cache_write_1h: price(wire.input_cache_write_1h),
        discount: wire.discount,
        tiers: wire
            .overrides
            .into_iter()
            .enumerate()
            .filter_map(|(position, wire)| {
                price_tier(wire, &format!("{path}.pricing.overrides[{position}]"), notes)
            })
            .collect(),
    }
}

/// A price tier whose conditions can all be tested. Any other would be charged to everybody, so that it is noted and left
/// out instead: it never applies.
fn price_tier(wire: Override, path: &str, notes: &mut Vec<Note>) -> Option<PriceTier> {
    for (key, detail) in &wire.not_understood {
        let path = if key.is_empty() { path.to_owned() } else { format!("{path}.{}", clip(key)) };
        let named = if key.is_empty() { String::new() } else { format!("`{}`: ", clip(key)) };
        let detail = format!("{named}{detail}; the price is never applied");
        notes.push(Note { reason: UNKNOWN_CONDITION, path, detail });
    }
    wire.not_understood.is_empty().then(|| PriceTier {
        min_prompt_tokens: wire.min_prompt_tokens,
        utc_start: wire.utc_start,
        utc_end: wire.utc_end,
        utc_days: wire.utc_days,
        input: price(wire.prompt),
        output: price(wire.completion),
        cache_read: price(wire.input_cache_read),
        cache_write: price(wire.input_cache_write),
        cache_write_1h: price(wire.input_cache_write_1h),
    })
}

/// A model to sweep, or nothing for aliases and router pseudo-models.
fn model(wire: wire::Model) -> Result<Option<Model>, (&'static str, String)> {
    let sentinel =
        wire.pricing.as_ref().and_then(|p| p.prompt).is_some_and(|p| p.is_sign_negative() && !p.is_zero());
    if wire.id.starts_with('~') || wire.alias_target.is_some() || sentinel {
        return Ok(None);
    }
    if wire.id.is_empty() || wire.canonical_slug.is_empty() {
        return Err(("id", "a model without id or canonical slug".into()));
    }
    let (_, variant) = Variant::split(&wire.id);
    Ok(Some(Model {
        model: crate::domain::ids::ModelSlug::new(wire.canonical_slug),
        variant,
        name: wire.name.unwrap_or_else(|| wire.id.clone()),
        created: wire.created.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        context_length: wire.context_length,
        model_id: wire.id,
    }))
}

fn provider(wire: wire::Provider) -> Provider {
    let policy = wire.data_policy.unwrap_or_default();
    Provider {
        name: wire.display_name.or(wire.name).unwrap_or_else(|| wire.slug.clone()),
        provider: ProviderSlug::new(wire.slug),
        headquarters: wire.headquarters,
        status_page: wire.status_page_url,
        privacy_policy: wire.privacy_policy_url.or(policy.privacy_policy_url),
        terms_of_service: wire.terms_of_service_url.or(policy.terms_of_service_url),
    }
}

fn status(code: Option<i64>) -> Option<i32> {
    code.and_then(|code| i32::try_from(code).ok())
}

fn sorted(mut parameters: Vec<String>) -> Vec<String> {
    parameters.sort();
    parameters.dedup();
    parameters
}

/// A limit of tokens; 0 is the upstream's word for none.
fn token_limit(tokens: Option<i64>) -> Option<i64> {
    tokens.filter(|tokens| *tokens > 0)
}

fn public_endpoint(wire: wire::PublicEndpoint, path: &str) -> (PublicEndpoint, Vec<Note>) {
    let mut notes = Vec::new();
    let uptime = |percent: Option<f64>| percent.and_then(|value| Percent(value).fraction());
    let endpoint = PublicEndpoint {
        tag: Tag::new(wire.tag),
        provider_name: wire.provider_name,
        prices: list_prices(wire.pricing, path, &mut notes),
        quantization: wire.quantization,
        context_length: wire.context_length,
        max_prompt_tokens: token_limit(wire.max_prompt_tokens),
        max_completion_tokens: wire.max_completion_tokens,
        parameters: sorted(wire.supported_parameters),
        status: status(wire.status),
        uptime: [uptime(wire.uptime_last_5m), uptime(wire.uptime_last_30m), uptime(wire.uptime_last_1d)],
        latency_ms: wire.latency_last_30m.as_ref().and_then(wire::Percentiles::median),
        throughput: wire.throughput_last_30m.as_ref().and_then(wire::Percentiles::median),
    };
    (endpoint, notes)
}

fn stats_endpoint(
    wire: wire::StatsEndpoint,
    path: &str,
) -> Result<Option<(StatsEndpoint, Vec<Note>)>, (&'static str, String)> {
    let mut notes = Vec::new();
    let endpoint_id =
        Uuid::parse_str(&wire.id).map_err(|_| ("id", format!("`{}` is not a UUID", clip(&wire.id))))?;
    let tag = Tag::new(wire.provider_slug);
    // The detailed slug names regions and brands (`azure/eu`); the provider is what stands before them.
    let detailed = wire.provider_info.and_then(|info| info.slug).map(Tag::new);
    let provider = ProviderSlug::of_tag(detailed.as_ref().unwrap_or(&tag));
    let policy = wire.data_policy.unwrap_or_default();
    let is = |flag: Option<bool>| flag == Some(true);
    let (throughput, latency_ms, requests_30m) =
        wire.stats.map_or((None, None, None), |s| (s.p50_throughput, s.p50_latency, s.request_count));
    let endpoint = StatsEndpoint {
        endpoint_id,
        provider_name: wire
            .provider_display_name
            .or(wire.provider_name)
            .unwrap_or_else(|| provider.to_string()),
        tag,
        provider,
        region: wire.provider_region,
        quantization: wire.quantization,
        context_length: wire.context_length,
        max_prompt_tokens: token_limit(wire.max_prompt_tokens),
        max_completion_tokens: wire.max_completion_tokens,
        created_at: time(wire.created_at, path, "created_at", &mut notes),
        deprecation_date: time(wire.deprecation_date, path, "deprecation_date", &mut notes),
        parameters: sorted(wire.supported_parameters),
        trains_on_prompts: policy.training,
        retains_prompts: policy.retains_prompts,
        prices: list_prices(wire.pricing, path, &mut notes),
        restricted: is(wire.is_hidden) || is(wire.is_private) || is(wire.is_byok_only),
        deranked: is(wire.is_deranked),
        disabled: is(wire.is_disabled),
        status: status(wire.status),
        throughput,
        latency_ms,
        requests_30m,
        counters_1d: wire.status_heuristics_1d.map(|c| Counters {
            success: c.success.unwrap_or(0),
            error: c.derankable_error.unwrap_or(0),
            rate_limited: c.rate_limited.unwrap_or(0),
        }),
    };
    Ok(Some((endpoint, notes)))
}

fn summary(wire: wire::Summary, path: &str) -> Result<Option<Summary>, (&'static str, String)> {
    let endpoint_id = match wire.endpoint_id {
        None => None,
        Some(id) => {
            Some(Uuid::parse_str(&id).map_err(|_| ("endpointId", format!("`{}` is not a UUID", clip(&id))))?)
        }
    };
    Ok(Some(Summary {
        endpoint_id,
        name: wire.provider_name.unwrap_or_default(),
        hit_rate: wire.cache_hit_rate,
        effective_input: wire.effective_input_price,
        effective_output: wire.effective_output_price,
        tokens: wire.total_tokens.unwrap_or(0),
        path: path.to_owned(),
    }))
}

fn activity(wire: wire::Activity, pair: &Pair) -> Result<Option<Activity>, (&'static str, String)> {
    let day = day(&wire.date).ok_or(("date", format!("`{}` is not a day", clip(&wire.date))))?;
    Ok(Some(Activity {
        model: pair.model.clone(),
        variant: pair.variant.clone(),
        day,
        prompt_tokens: wire.total_prompt_tokens.unwrap_or(0),
        completion_tokens: wire.total_completion_tokens.unwrap_or(0),
        cached_tokens: wire.total_native_tokens_cached.unwrap_or(0),
        requests: wire.count.unwrap_or(0),
    }))
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
