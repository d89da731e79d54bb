//! Converts the upstream's JSON to the project's own types, row by row. A bad row is quarantined with its JSON path and
//! an unknown field is counted; neither loses the rest of the body. A bad field does not lose the rest of its row,
//! unless the field is essential.

mod comparison;
mod mend;
mod row;

use self::row::{Fault, Row};
use super::price_override::Override;
use super::{Content, DocumentKind, drift, wire};
use crate::domain::bounds;
use crate::domain::document::Pair;
use crate::domain::endpoint::{EndpointFacts, ListPrices, Model, PriceTier, Provider};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::reading::{
    Activity, Counters, DriftPath, Health, ModelUsage, QuarantineReason, Quarantined, Reading,
};
use crate::upstream::Outcome;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A decoded document.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// The content; `None` if there is none (404, `data: null`, empty lists) or if it could not be read.
    pub content: Option<Content>,
    /// Values that could not be read, with their JSON paths.
    pub quarantined: Vec<Quarantined>,
    /// Fields that are unknown to the wire types.
    pub drift: BTreeMap<DriftPath, usize>,
    /// Whether the response as a whole is unusable (undecodable, as opposed to empty).
    pub failed: bool,
    /// Whether the upstream has no such route (404), as opposed to an empty response.
    pub missing: bool,
}

impl Decoded {
    /// The result for a document that cannot be read: unanswered, and quarantined by name.
    pub(super) fn undecodable(outcome: &Outcome<'_>, detail: String) -> Self {
        let Outcome { request, sha256, .. } = *outcome;
        let pair = request.pair.as_ref();
        let row = Quarantined {
            reason: QuarantineReason::Undecodable,
            kind: request.kind.clone(),
            model: pair.map(|pair| pair.model.clone()),
            variant: pair.map(|pair| pair.variant.clone()),
            path: "$".into(),
            detail,
            tokens: None,
            sha256: sha256.into(),
        };
        Self { quarantined: vec![row], failed: true, ..Self::default() }
    }
}

/// An endpoint in the statistics.
#[derive(Debug, Clone)]
pub struct StatsEndpoint {
    /// The model that the row says it is of.
    pub model: Option<ModelSlug>,
    /// What the row says, as a reading of the requested model.
    pub reading: Reading,
}

/// Usage of one endpoint that is not resolved yet: identified by UUID or, before 2026-08-04, by display name.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The endpoint's UUID, if published.
    pub endpoint_id: Option<Uuid>,
    /// Display name, with a suffix like "(1)" if it would be ambiguous.
    pub name: String,
    /// Published hit rate, not checked yet.
    pub hit_rate: Option<f64>,
    /// Effective input price, USD per million tokens.
    pub effective_input: Option<f64>,
    /// Effective output price, USD per million tokens.
    pub effective_output: Option<f64>,
    /// Tokens of the window; absent does not mean zero.
    pub tokens: Option<i64>,
    /// JSON path in the body.
    pub path: String,
}

/// Effective (input, output) prices by chart key (UUID or display name) and day, USD per million tokens.
pub type Charts = BTreeMap<String, BTreeMap<NaiveDate, (Option<f64>, Option<f64>)>>;

impl UsageBody {
    /// The UTC day that the body's summaries cover, if they cover a day: the day of its last chart point. The upstream
    /// replaces a body as a whole, so all of its summaries cover the same day.
    pub fn day(&self) -> Option<NaiveDate> {
        self.charts.values().filter_map(|days| days.keys().next_back()).max().copied()
    }
}

/// Usage of a pair: summaries, the daily charts, and the upstream's aggregate.
#[derive(Debug, Clone)]
pub struct UsageBody {
    /// One summary per endpoint with traffic.
    pub summaries: Vec<Summary>,
    /// The daily charts.
    pub charts: Charts,
    /// The upstream's own aggregate.
    pub aggregate: ModelUsage,
}

/// Maximum number of quarantined fields of one reason that a document lists one by one; the others become one row with
/// their number.
const NAMED_FAULTS: usize = 100;

/// Collects the findings while one document is decoded.
struct Reader<'a> {
    kind: DocumentKind,
    pair: Option<&'a Pair>,
    sha256: &'a str,
    quarantined: Vec<Quarantined>,
    /// Number of refused fields by reason.
    faults: BTreeMap<QuarantineReason, usize>,
    drift: BTreeMap<DriftPath, usize>,
}

/// Decodes a document; `None` if there was no complete response. 404 and `data: null` mean "no data". Any other status
/// than 200 is unexpected here and is reported, and so is a body of 0 bytes: the upstream answers with empty lists.
pub fn decode(outcome: &Outcome<'_>) -> Option<Decoded> {
    let Outcome { request, sha256, body, .. } = *outcome;
    let status = outcome.answered()?;
    let Some(kind) = DocumentKind::of(request) else {
        return Some(Decoded::undecodable(outcome, format!("unknown kind `{}`", request.kind)));
    };
    let mut reader = Reader {
        kind,
        pair: request.pair.as_ref(),
        sha256,
        quarantined: Vec::new(),
        faults: BTreeMap::new(),
        drift: BTreeMap::new(),
    };
    let answer = match status {
        404 => Ok(None),
        200 if body.trim_ascii().is_empty() => Err(("$".to_owned(), "the body is empty".to_owned())),
        200 => reader.content(body),
        status => Err(("$".to_owned(), format!("HTTP status {status}"))),
    };
    let (failed, missing) = (answer.is_err(), status == 404);
    let content = answer.unwrap_or_else(|(path, detail)| {
        reader.put_aside(QuarantineReason::Undecodable, &path, detail);
        None
    });
    reader.report_uncounted();
    Some(Decoded { content, quarantined: reader.quarantined, drift: reader.drift, failed, missing })
}

type Found<T> = Result<T, (String, String)>;

/// The path of an unreadable value and the reason.
struct Unreadable {
    path: serde_path_to_error::Path,
    detail: String,
}

impl Reader<'_> {
    fn content(&mut self, body: &[u8]) -> Found<Option<Content>> {
        if nothing_in(body) {
            return Ok(None);
        }
        match self.kind {
            DocumentKind::Models => self.models(body),
            DocumentKind::Providers | DocumentKind::AllProviders => self.providers(body),
            DocumentKind::PublicEndpoints => self.public_endpoints(body),
            DocumentKind::StatsEndpoint => {
                let pair = self.pair()?;
                let rows = self.rows(body, |wire, row| stats_endpoint(wire, row, &pair))?;
                Ok((!rows.is_empty()).then_some(Content::StatsEndpoints(rows)))
            }
            DocumentKind::EffectivePricing => self.usage(body),
            DocumentKind::ModelActivity => self.activity(body),
            DocumentKind::HitRateComparison => self.comparison(body),
        }
    }

    /// Reads a value at `row`. An unreadable field becomes null if its type allows that, and is recorded.
    fn read<T: DeserializeOwned>(&mut self, json: &[u8], row: &mut Row) -> Found<T> {
        self.parse(json).or_else(|first| self.mend(json, first, row))
    }

    /// Reads a value that contains unreadable fields.
    fn mend<T: DeserializeOwned>(&mut self, json: &[u8], first: Unreadable, row: &mut Row) -> Found<T> {
        let mut found: Vec<(String, String)> = Vec::new();
        let (mut text, mut bad) = (json.to_vec(), first);
        loop {
            let at = bad.path.to_string();
            let mended = (found.len() < mend::MOST_FIELDS).then(|| mend::without(&text, &bad.path)).flatten();
            let Some(mended) = mended else {
                // Null did not help: the first error names the value.
                let before = found.into_iter().find(|(path, _)| *path == at).map(|(_, detail)| detail);
                let path = join_path(&row.path, &at);
                // The path of a missing field ends at the object that lacks it.
                let path = join_path(&path, missing_field(&bad.detail).unwrap_or_default());
                return Err((path, before.unwrap_or(bad.detail)));
            };
            found.push((at, bad.detail));
            text = mended;
            match self.parse(&text) {
                Ok(value) => {
                    found
                        .into_iter()
                        .for_each(|(path, why)| row.fault(QuarantineReason::UnreadableField, &path, why));
                    return Ok(value);
                }
                Err(next) => bad = next,
            }
        }
    }

    /// Reads a value and counts unknown fields.
    fn parse<T: DeserializeOwned>(&mut self, json: &[u8]) -> Result<T, Unreadable> {
        let mut unknown = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
        let read = serde_ignored::deserialize(tracked, |path| unknown.push(pattern(&path)));
        let value = match read {
            Ok(value) => value,
            Err(error) => {
                let detail = serde_json::Error::to_string(&error);
                return Err(Unreadable { path: track.path(), detail });
            }
        };
        for path in unknown {
            let bare = path.strip_prefix("data.").unwrap_or(&path);
            if !drift::known(self.kind, bare) {
                let found = DriftPath { kind: self.kind.as_str().into(), path: bare.to_owned() };
                *self.drift.entry(found).or_default() += 1;
            }
        }
        Ok(value)
    }

    /// Reads the envelope around the rows of a document.
    fn envelope<T: DeserializeOwned>(&mut self, body: &[u8]) -> Found<T> {
        let mut row = Row::at("$".to_owned());
        let read = self.read(body, &mut row);
        self.take_faults(row);
        read
    }

    /// Reads `{"data": [...]}` row by row.
    fn rows<W: DeserializeOwned, T>(
        &mut self,
        body: &[u8],
        convert: impl Fn(W, &mut Row) -> Result<Option<T>, (&'static str, String)>,
    ) -> Found<Vec<T>> {
        let rows: wire::Rows = self.envelope(body)?;
        Ok(self.each(&rows.data, "$.data", convert))
    }

    /// Converts rows one by one. Unreadable or unusable rows are quarantined, and so are refused fields that are not
    /// essential.
    fn each<W: DeserializeOwned, T>(
        &mut self,
        rows: &[Box<RawValue>],
        prefix: &str,
        convert: impl Fn(W, &mut Row) -> Result<Option<T>, (&'static str, String)>,
    ) -> Vec<T> {
        let mut good = Vec::with_capacity(rows.len());
        for (position, json) in rows.iter().enumerate() {
            let mut row = Row::at(format!("{prefix}[{position}]"));
            match self.read::<W>(json.get().as_bytes(), &mut row) {
                Err((path, detail)) => self.put_aside(QuarantineReason::Undecodable, &path, detail),
                Ok(wire) => match convert(wire, &mut row) {
                    Ok(Some(value)) => good.push(value),
                    Ok(None) => {}
                    Err((field, detail)) => {
                        self.put_aside(QuarantineReason::Undecodable, &join_path(&row.path, field), detail);
                    }
                },
            }
            self.take_faults(row);
        }
        good
    }

    /// Quarantines the refused fields of a row, up to a maximum per reason.
    fn take_faults(&mut self, row: Row) {
        for Fault { reason, path, detail } in row.faults {
            let count = self.faults.entry(reason).or_default();
            *count += 1;
            if *count <= NAMED_FAULTS {
                self.put_aside(reason, &path, detail);
                if let (Some(pair), Some(last)) = (&row.pair, self.quarantined.last_mut()) {
                    (last.model, last.variant) = (Some(pair.model.clone()), Some(pair.variant.clone()));
                }
            }
        }
    }

    /// Reports the number of refused fields that were not listed.
    fn report_uncounted(&mut self) {
        for (reason, count) in std::mem::take(&mut self.faults) {
            if count > NAMED_FAULTS {
                self.put_aside(reason, "$", format!("and {} more fields", count - NAMED_FAULTS));
            }
        }
    }

    fn put_aside(&mut self, reason: QuarantineReason, path: &str, detail: String) {
        self.quarantined.push(Quarantined {
            reason,
            kind: self.kind.into(),
            model: self.pair.map(|pair| pair.model.clone()),
            variant: self.pair.map(|pair| pair.variant.clone()),
            path: path.into(),
            detail: detail.chars().take(300).collect(),
            tokens: None,
            sha256: self.sha256.into(),
        });
    }

    fn pair(&self) -> Found<Pair> {
        self.pair
            .cloned()
            .ok_or_else(|| ("$".into(), "the archive does not name the model of this document".into()))
    }

    fn public_endpoints(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let pair = self.pair()?;
        let model: wire::Envelope<wire::PublicModel> = self.envelope(body)?;
        let rows = self.each(&model.data.endpoints, "$.data.endpoints", |wire, row| {
            Ok(Some(public_endpoint(wire, row, &pair)))
        });
        Ok((!rows.is_empty()).then_some(Content::PublicEndpoints(rows)))
    }

    fn usage(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let pair = self.pair()?;
        let wire: wire::Envelope<wire::EffectivePricing> = self.envelope(body)?;
        let wire = wire.data;
        if wire.provider_summaries.is_empty() && wire.input_chart_data.is_empty() {
            return Ok(None);
        }
        let mut charts = BTreeMap::new();
        self.chart(&wire.input_chart_data, "inputChartData", &mut charts, |point, price| point.0 = price);
        self.chart(&wire.output_chart_data, "outputChartData", &mut charts, |point, price| point.1 = price);
        // Bodies before 2026-08-04 name endpoints in both places; a body with UUIDs has them in both.
        let with_ids = charts.keys().any(|key| Uuid::parse_str(key).is_ok());
        let convert = |wire: wire::Summary, row: &mut Row| {
            if with_ids && wire.endpoint_id.is_none() {
                row.fault(
                    QuarantineReason::ValueMissing,
                    "endpointId",
                    "the display name is used".to_owned(),
                );
            }
            summary(wire, row)
        };
        let summaries = self.each(&wire.provider_summaries, "$.data.providerSummaries", convert);
        let mut whole = Row::at("$.data".to_owned());
        let price = &bounds::EFFECTIVE_PRICE;
        let aggregate = ModelUsage {
            model: pair.model,
            variant: pair.variant,
            hit_rate: whole.within("weightedCacheHitRate", wire.weighted_cache_hit_rate, &bounds::FRACTION),
            effective_input: whole.within("weightedInputPrice", wire.weighted_input_price, price),
            effective_output: whole.within("weightedOutputPrice", wire.weighted_output_price, price),
        };
        self.take_faults(whole);
        Ok(Some(Content::Usage(UsageBody { summaries, charts, aggregate })))
    }

    fn chart(
        &mut self,
        points: &[Box<RawValue>],
        field: &str,
        charts: &mut Charts,
        set: impl Fn(&mut (Option<f64>, Option<f64>), Option<f64>),
    ) {
        let convert = |point: wire::ChartPoint, row: &mut Row| {
            let day = day("x", &point.x)?;
            let mut prices: Vec<_> = point.y.unwrap_or_default().into_iter().collect();
            prices.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, price) in &mut prices {
                price.0 = row.within(&format!("y.{key}"), price.0, &bounds::EFFECTIVE_PRICE);
            }
            Ok(Some((day, prices)))
        };
        for (day, prices) in self.each(points, &format!("$.data.{field}"), convert) {
            for (key, price) in prices {
                set(charts.entry(key).or_default().entry(day).or_default(), price.0);
            }
        }
    }

    /// The models to sweep. A second row of a model is quarantined, because its endpoints would count twice.
    fn models(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let rows =
            self.rows(body, |wire, row| Ok(model(wire, row)?.map(|model| (model, row.path.clone()))))?;
        let (mut ids, mut pairs) = (BTreeSet::new(), BTreeSet::new());
        let mut models = Vec::with_capacity(rows.len());
        for (model, path) in rows {
            let pair = Pair { model: model.model.clone(), variant: model.variant.clone() };
            let is_new_id = ids.insert(model.model_id.clone());
            if is_new_id && pairs.insert(pair.clone()) {
                models.push(model);
                continue;
            }
            let mut row = Row { pair: Some(pair), ..Row::at(path) };
            let field = if is_new_id { "canonical_slug" } else { "id" };
            row.fault(
                QuarantineReason::DuplicateModel,
                field,
                format!("duplicate row of `{}`", clip(&model.model_id)),
            );
            self.take_faults(row);
        }
        Ok(Some(Content::Models(models)))
    }

    /// The providers. A second row of a provider is quarantined, and so is a row of the statistics' list that lacks the name
    /// shown on pages: its other name is then used.
    fn providers(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let displays_names = self.kind == DocumentKind::AllProviders;
        let convert = |wire: wire::Provider, row: &mut Row| {
            if displays_names && wire.display_name.is_none() {
                row.fault(QuarantineReason::ValueMissing, "displayName", "another name is used".to_owned());
            }
            Ok(Some((provider(wire), row.path.clone())))
        };
        let rows = self.rows(body, convert)?;
        let mut known = BTreeSet::new();
        let mut providers = Vec::with_capacity(rows.len());
        for (provider, path) in rows {
            if known.insert(provider.provider.clone()) {
                providers.push(provider);
                continue;
            }
            let mut row = Row::at(path);
            row.fault(
                QuarantineReason::DuplicateProvider,
                "slug",
                format!("a second row of `{}`", provider.provider),
            );
            self.take_faults(row);
        }
        Ok(Some(Content::Providers(providers)))
    }

    fn activity(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let pair = self.pair()?;
        let wire: wire::Envelope<wire::ActivityBody> = self.envelope(body)?;
        let rows =
            self.each(&wire.data.analytics, "$.data.analytics", |wire, row| activity(wire, row, &pair));
        Ok((!rows.is_empty()).then_some(Content::Activity(rows)))
    }
}

/// Whether the `data` of a body is null.
fn nothing_in(body: &[u8]) -> bool {
    body.len() < 40 && body.iter().filter(|b| !b.is_ascii_whitespace()).eq(b"{\"data\":null}")
}

/// The name in the error of serde for a missing field.
fn missing_field(detail: &str) -> Option<&str> {
    detail.strip_prefix("missing field `")?.split_once('`').map(|(name, _)| name)
}

/// The path of an ignored field, with `*` for list positions.
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

/// The UTC day at the beginning of a text.
fn day(field: &'static str, text: &str) -> Result<NaiveDate, (&'static str, String)> {
    let day: Option<NaiveDate> = text.get(..10).and_then(|day| day.parse().ok());
    day.filter(|day| bounds::is_plausible_day(*day))
        .ok_or_else(|| (field, format!("`{}` is not a day from 2015 to 2099", clip(text))))
}

fn list_prices(wire: Option<wire::Pricing>, row: &mut Row) -> ListPrices {
    let Some(wire) = wire else { return ListPrices::default() };
    ListPrices {
        input: row.price("pricing.prompt", wire.prompt),
        output: row.price("pricing.completion", wire.completion),
        cache_read: row.price("pricing.input_cache_read", wire.input_cache_read),
        cache_write: row.price("pricing.input_cache_write", wire.input_cache_write),
        cache_write_1h: row.price("pricing.input_cache_write_1h", wire.input_cache_write_1h),
        discount: row.within("pricing.discount", wire.discount, &bounds::DISCOUNT),
        tiers: price_tiers(wire.overrides, row),
    }
}

/// The conditional prices that are fully understood. Without one of its conditions, a price would apply too often;
/// without one of its prices, the base price would apply instead. Such an override is never applied.
fn price_tiers(overrides: Vec<Option<Override>>, row: &mut Row) -> Vec<PriceTier> {
    let mut tiers = Vec::with_capacity(overrides.len());
    for (position, wire) in overrides.into_iter().enumerate() {
        let Some(wire) = wire else { continue };
        let before = row.faults.len();
        let tier = price_tier(wire, &format!("pricing.overrides[{position}]"), row);
        if row.faults.len() == before {
            tiers.push(tier);
        }
    }
    tiers
}

fn price_tier(wire: Override, path: &str, row: &mut Row) -> PriceTier {
    for (key, detail) in &wire.not_understood {
        let key = clip(key);
        let (field, named) = match key.as_str() {
            "" => (path.to_owned(), String::new()),
            key => (format!("{path}.{key}"), format!("`{key}`: ")),
        };
        row.fault(
            QuarantineReason::UnknownCondition,
            &field,
            format!("{named}{detail}; the price is never applied"),
        );
    }
    let at = |field: &str| format!("{path}.{field}");
    PriceTier {
        min_prompt_tokens: row.within(&at("min_prompt_tokens"), wire.min_prompt_tokens, &bounds::LENGTH),
        utc_start: wire.utc_start,
        utc_end: wire.utc_end,
        utc_days: wire.utc_days,
        input: row.price(&at("prompt"), wire.prompt),
        output: row.price(&at("completion"), wire.completion),
        cache_read: row.price(&at("input_cache_read"), wire.input_cache_read),
        cache_write: row.price(&at("input_cache_write"), wire.input_cache_write),
        cache_write_1h: row.price(&at("input_cache_write_1h"), wire.input_cache_write_1h),
    }
}

/// A time, or midnight UTC of a date. `None` if the field is absent; any other text is refused.
fn time(field: &'static str, text: Option<String>, row: &mut Row) -> Option<DateTime<Utc>> {
    let text = text.filter(|text| !text.is_empty())?;
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let time = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()).ok();
    let time = time.or_else(|| text.parse::<NaiveDate>().ok().map(midnight));
    let time = time.filter(|time| bounds::is_plausible_day(time.date_naive()));
    if time.is_none() {
        row.fault(
            QuarantineReason::ValueOutOfRange,
            field,
            format!("`{}` is not a time from 2015 to 2099", clip(&text)),
        );
    }
    time
}

/// A token limit; the upstream uses 0 for "no limit".
fn token_limit(field: &str, tokens: Option<i64>, row: &mut Row) -> Option<i64> {
    row.within(field, tokens.filter(|tokens| *tokens != 0), &bounds::LENGTH)
}

/// The tokenizer of router pseudo-models. Their price is a negative sentinel, because they have no fixed price.
const ROUTER: &str = "Router";

/// A model to sweep, or nothing for aliases and router pseudo-models.
fn model(wire: wire::Model, row: &mut Row) -> Result<Option<Model>, (&'static str, String)> {
    let is_router = wire.architecture.and_then(|a| a.tokenizer).is_some_and(|name| name == ROUTER);
    let price = wire.pricing.and_then(|pricing| pricing.prompt);
    let has_sentinel = price.is_some_and(|price| price < Decimal::ZERO);
    if wire.id.starts_with('~') || wire.alias_target.is_some() {
        return Ok(None);
    }
    if has_sentinel && !is_router {
        row.fault(
            QuarantineReason::ValueOutOfRange,
            "pricing.prompt",
            "a negative price; the model is left out".to_owned(),
        );
    }
    // A price that cannot be read has its own fault.
    if price.is_none() && !row.faults.iter().any(|fault| fault.path.contains("pricing")) {
        row.fault(QuarantineReason::ValueMissing, "pricing.prompt", "the model may be a router".to_owned());
    }
    // A router that is free is listed like a model.
    if has_sentinel || (is_router && price != Some(Decimal::ZERO)) {
        return Ok(None);
    }
    if wire.id.is_empty() || wire.canonical_slug.is_empty() {
        return Err(("id", "the model has no id or no canonical slug".into()));
    }
    let (_, variant) = Variant::split(&wire.id);
    let model = ModelSlug::new(wire.canonical_slug);
    row.pair = Some(Pair { model: model.clone(), variant: variant.clone() });
    let created = row.within("created", wire.created, &bounds::EPOCH);
    Ok(Some(Model {
        model,
        variant,
        name: wire.name.unwrap_or_else(|| wire.id.clone()),
        created: created.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        context_length: row.within("context_length", wire.context_length, &bounds::LENGTH),
        is_free: price.map(|price| price.is_zero()),
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

fn sorted(mut parameters: Vec<String>) -> Vec<String> {
    parameters.sort();
    parameters.dedup();
    parameters
}

/// An endpoint in the documented API as a reading without a UUID. It is named like its provider's internal name.
fn public_endpoint(wire: wire::PublicEndpoint, row: &mut Row, pair: &Pair) -> Reading {
    let median = |of: Option<wire::Percentiles>| of.as_ref().and_then(wire::Percentiles::median);
    let prices = list_prices(wire.pricing, row);
    let tag = Tag::new(wire.tag);
    let provider = ProviderSlug::of_tag(&tag);
    let facts = EndpointFacts {
        model: pair.model.clone(),
        variant: pair.variant.clone(),
        endpoint_id: None,
        tag,
        provider_name: wire.provider_name.unwrap_or_else(|| provider.to_string()),
        provider,
        quantization: wire.quantization,
        context_length: row.within("context_length", wire.context_length, &bounds::LENGTH),
        max_prompt_tokens: token_limit("max_prompt_tokens", wire.max_prompt_tokens, row),
        max_completion_tokens: row.within(
            "max_completion_tokens",
            wire.max_completion_tokens,
            &bounds::LENGTH,
        ),
        region: None,
        trains_on_prompts: None,
        retains_prompts: None,
        parameters: sorted(wire.supported_parameters),
        restricted: None,
        deranked: false,
        disabled: false,
        deprecation_date: None,
        created_at: None,
    };
    let health = Health {
        status: row.small("status", wire.status, &bounds::STATUS),
        uptime_5m: row.percent("uptime_last_5m", wire.uptime_last_5m),
        uptime_30m: row.percent("uptime_last_30m", wire.uptime_last_30m),
        uptime_1d: row.percent("uptime_last_1d", wire.uptime_last_1d),
        latency_ms: row.within("latency_last_30m", median(wire.latency_last_30m), &bounds::LATENCY),
        throughput: row.within("throughput_last_30m", median(wire.throughput_last_30m), &bounds::THROUGHPUT),
        ..Health::default()
    };
    Reading { facts, prices, health, usage: None, closing_prices: BTreeMap::new() }
}

/// The outcomes of a day's requests. A missing counter does not mean zero: all three are needed to compute a share.
fn counters(wire: wire::Counters, row: &mut Row) -> Option<Counters> {
    let mut count =
        |field: &str, value| row.within(&format!("status_heuristics_1d.{field}"), value, &bounds::REQUESTS);
    let success = count("success", wire.success);
    let error = count("derankableError", wire.derankable_error);
    let rate_limited = count("rateLimited", wire.rate_limited);
    Some(Counters { success: success?, error: error?, rate_limited: rate_limited? })
}

/// Whether one of the flags is set. A missing flag is not the same as one that is not set.
fn any_set(flags: [Option<bool>; 3]) -> Option<bool> {
    if flags.contains(&Some(true)) {
        return Some(true);
    }
    (!flags.contains(&None)).then_some(false)
}

fn stats_endpoint(
    wire: wire::StatsEndpoint,
    row: &mut Row,
    pair: &Pair,
) -> Result<Option<StatsEndpoint>, (&'static str, String)> {
    let endpoint_id =
        Uuid::parse_str(&wire.id).map_err(|_| ("id", format!("`{}` is not a UUID", clip(&wire.id))))?;
    let tag = Tag::new(wire.provider_slug);
    // The detailed slug includes regions and brands (`azure/eu`); the provider is the part before the slash.
    let detailed = wire.provider_info.and_then(|info| info.slug).map(Tag::new);
    let provider = ProviderSlug::of_tag(detailed.as_ref().unwrap_or(&tag));
    let policy = wire.data_policy.unwrap_or_default();
    let is = |flag: Option<bool>| flag == Some(true);
    let (throughput, latency_ms, requests_30m) =
        wire.stats.map_or((None, None, None), |s| (s.p50_throughput, s.p50_latency, s.request_count));
    let model = wire.model_variant_permaslug.filter(|name| !name.is_empty());
    let facts = EndpointFacts {
        model: pair.model.clone(),
        variant: pair.variant.clone(),
        endpoint_id: Some(endpoint_id),
        provider_name: wire
            .provider_display_name
            .or(wire.provider_name)
            .unwrap_or_else(|| provider.to_string()),
        tag,
        provider,
        region: wire.provider_region,
        quantization: wire.quantization,
        context_length: row.within("context_length", wire.context_length, &bounds::LENGTH),
        max_prompt_tokens: token_limit("max_prompt_tokens", wire.max_prompt_tokens, row),
        created_at: time("created_at", wire.created_at, row),
        deprecation_date: time("deprecation_date", wire.deprecation_date, row),
        max_completion_tokens: row.within(
            "max_completion_tokens",
            wire.max_completion_tokens,
            &bounds::LENGTH,
        ),
        parameters: sorted(wire.supported_parameters),
        trains_on_prompts: policy.training,
        retains_prompts: policy.retains_prompts,
        restricted: any_set([wire.is_hidden, wire.is_private, wire.is_byok_only]),
        deranked: is(wire.is_deranked),
        disabled: is(wire.is_disabled),
    };
    let prices = list_prices(wire.pricing, row);
    let health = Health {
        status: row.small("status", wire.status, &bounds::STATUS),
        throughput: row.within("stats.p50_throughput", throughput, &bounds::THROUGHPUT),
        latency_ms: row.within("stats.p50_latency", latency_ms, &bounds::LATENCY),
        requests_30m: row.within("stats.request_count", requests_30m, &bounds::REQUESTS),
        counters_1d: wire.status_heuristics_1d.and_then(|wire| counters(wire, row)),
        ..Health::default()
    };
    Ok(Some(StatsEndpoint {
        model: model.map(|name| ModelSlug::new(Variant::split(&name).0)),
        reading: Reading { facts, prices, health, usage: None, closing_prices: BTreeMap::new() },
    }))
}

fn summary(wire: wire::Summary, row: &mut Row) -> Result<Option<Summary>, (&'static str, String)> {
    let endpoint_id = match wire.endpoint_id {
        None => None,
        Some(id) => {
            Some(Uuid::parse_str(&id).map_err(|_| ("endpointId", format!("`{}` is not a UUID", clip(&id))))?)
        }
    };
    let price = &bounds::EFFECTIVE_PRICE;
    Ok(Some(Summary {
        endpoint_id,
        name: wire.provider_name.unwrap_or_default(),
        hit_rate: wire.cache_hit_rate,
        effective_input: row.within("effectiveInputPrice", wire.effective_input_price, price),
        effective_output: row.within("effectiveOutputPrice", wire.effective_output_price, price),
        tokens: tokens(wire.total_tokens, row),
        path: row.path.clone(),
    }))
}

/// The tokens of a summary. A negative number is accepted here; the join quarantines the whole summary.
fn tokens(total: Option<i64>, row: &mut Row) -> Option<i64> {
    match total {
        Some(negative) if negative < 0 => Some(negative),
        total => row.within("totalTokens", total, &bounds::TOKENS),
    }
}

/// A day of a model. Missing or refused tokens do not mean zero: such a day is skipped.
fn activity(
    wire: wire::Activity,
    row: &mut Row,
    pair: &Pair,
) -> Result<Option<Activity>, (&'static str, String)> {
    let day = day("date", &wire.date)?;
    let mut count = |field: &str, value: Option<i64>, bounds| {
        if value.is_none() {
            row.fault(QuarantineReason::ValueMissing, field, "the day is skipped without it".to_owned());
        }
        row.within(field, value, bounds)
    };
    let prompt = count("total_prompt_tokens", wire.total_prompt_tokens, &bounds::TOKENS);
    let completion = count("total_completion_tokens", wire.total_completion_tokens, &bounds::TOKENS);
    let cached_tokens =
        row.within("total_native_tokens_cached", wire.total_native_tokens_cached, &bounds::TOKENS);
    let requests = row.within("count", wire.count, &bounds::REQUESTS);
    Ok(prompt.zip(completion).map(|(prompt_tokens, completion_tokens)| Activity {
        model: pair.model.clone(),
        variant: pair.variant.clone(),
        day,
        prompt_tokens,
        completion_tokens,
        cached_tokens,
        requests,
    }))
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
