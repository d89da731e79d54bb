//! One more sweep in the form that the decoder returns: every endpoint is read again one hour later.

use chrono::{DateTime, Duration, NaiveDate, Timelike, Utc};
use duckdb::Connection;
use hitrate::domain::endpoint::{EffectivePrices, ListPrices};
use hitrate::domain::ids::{ModelSlug, Variant};
use hitrate::domain::reading::{
    Activity, Health, ModelUsage, Reading, RunReadings, RunStatus, SourceReport, Usage,
};
use hitrate::domain::units::{HitRate, UsdPerMtok};
use hitrate::domain::window::WindowKind;
use hitrate::store::{EndpointNow, RunRecord, Store};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::Path;

/// Number of days that the upstream's charts cover.
const CHART_DAYS: i32 = 7;

type Closing = BTreeMap<NaiveDate, (Option<f64>, Option<f64>)>;

/// The data of the charts of the newest run.
pub struct Past {
    /// Time of the newest run.
    pub observed_at: DateTime<Utc>,
    closing: HashMap<String, Closing>,
    activity: Vec<Activity>,
}

impl Past {
    /// Reads it directly from the file; the store must not be open.
    pub fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        #[expect(clippy::disallowed_methods, reason = "the bench's own file")]
        let connection = Connection::open(path)?;
        let newest: i64 =
            connection.query_row("SELECT epoch_us(max(observed_at)) FROM run", [], |row| row.get(0))?;
        let mut closing: HashMap<String, Closing> = HashMap::new();
        let mut statement = connection.prepare(
            "SELECT CAST(endpoint_id AS VARCHAR), CAST(day AS VARCHAR), effective_input, effective_output
             FROM closing_price JOIN endpoint USING (endpoint_no)
             WHERE day > (SELECT max(day) FROM closing_price) - CAST(? AS INTEGER)",
        )?;
        let mut rows = statement.query([CHART_DAYS])?;
        while let Some(row) = rows.next()? {
            let (endpoint, day): (String, String) = (row.get(0)?, row.get(1)?);
            closing.entry(endpoint).or_default().insert(day.parse()?, (row.get(2)?, row.get(3)?));
        }
        let mut statement = connection.prepare(
            "SELECT model, variant, CAST(day AS VARCHAR), prompt_tokens, completion_tokens, cached_tokens, requests
             FROM activity WHERE day > (SELECT max(day) FROM activity) - CAST(? AS INTEGER)",
        )?;
        let mut rows = statement.query([CHART_DAYS])?;
        let mut activity = Vec::new();
        while let Some(row) = rows.next()? {
            activity.push(Activity {
                model: ModelSlug::new(row.get::<_, String>(0)?),
                variant: Variant::new(row.get::<_, String>(1)?),
                day: row.get::<_, String>(2)?.parse()?,
                prompt_tokens: row.get(3)?,
                completion_tokens: row.get(4)?,
                cached_tokens: row.get(5)?,
                requests: row.get(6)?,
            });
        }
        let observed_at = DateTime::from_timestamp_micros(newest).ok_or("a time")?;
        Ok(Self { observed_at, closing, activity })
    }
}

/// The sweep `hour` hours after the end of the record.
pub fn next(store: &Store, past: &Past, hour: u32) -> Result<(RunRecord, RunReadings), Box<dyn Error>> {
    let newest = past.observed_at + Duration::hours(i64::from(hour) - 1);
    let observed_at = past.observed_at + Duration::hours(hour.into());
    let part = f64::from(observed_at.hour() + 1) / 24.0;
    let before = f64::from(newest.hour() + 1) / 24.0;
    let mut readings = Vec::new();
    for now in store.endpoints(newest)?.rows()? {
        let closing = past.closing.get(&now.endpoint_id.to_string()).cloned().unwrap_or_default();
        readings.push(reading(now, part / before, observed_at, closing)?);
    }
    let daily = observed_at.hour() == 0;
    let count = readings.len();
    let source = |name: &str| SourceReport {
        source: name.into(),
        planned: count,
        ok: count,
        ..SourceReport::default()
    };
    let run = RunReadings {
        observed_at,
        window_kind: WindowKind::DayToDate,
        models: store.models(newest)?,
        providers: store.providers(newest)?,
        model_usage: usage_of_models(&readings),
        readings,
        activity: if daily { past.activity.clone() } else { Vec::new() },
        sources: vec![source("openrouter-api"), source("openrouter-stats")],
        ..RunReadings::default()
    };
    let record = RunRecord {
        run_id: observed_at.format("%Y%m%dT%H%M%SZ").to_string(),
        status: RunStatus::Ok,
        upstream: "generated".into(),
        upstream_name: "openrouter".into(),
        simulated: true,
        requests: 3 * count,
        documents: 3 * count,
        duration_ms: 300_000,
        activity: daily,
        failures: Vec::new(),
        findings: Default::default(),
    };
    Ok((record, run))
}

fn reading(
    now: EndpointNow,
    growth: f64,
    observed_at: DateTime<Utc>,
    mut closing_prices: Closing,
) -> Result<Reading, Box<dyn Error>> {
    let price = |value: Option<f64>| -> Result<Option<UsdPerMtok>, rust_decimal::Error> {
        value.map(|value| value.to_string().parse::<Decimal>().map(UsdPerMtok)).transpose()
    };
    let EffectivePrices { input: effective_input, output: effective_output } = now.effective;
    if let Some(yesterday) = observed_at.date_naive().pred_opt().filter(|_| effective_input.is_some()) {
        closing_prices.entry(yesterday).or_insert((effective_input, effective_output));
    }
    let usage = now.tokens.map(|tokens| Usage {
        hit_rate: now.hit_rate.map(|rate| rate * 0.999).and_then(HitRate::new),
        tokens: Some((tokens as f64 * growth) as i64),
        effective_input: effective_input.map(|price| price * 1.000_1),
        effective_output,
        day: None,
        read_at: None,
    });
    Ok(Reading {
        facts: now.facts,
        prices: ListPrices {
            input: price(now.list.input)?,
            output: price(now.list.output)?,
            cache_read: price(now.list.cache_read)?,
            cache_write: price(now.list.cache_write)?,
            cache_write_1h: price(now.list.cache_write_1h)?,
            discount: None,
            tiers: now.price_tiers,
        },
        health: Health { requests_30m: now.tokens.map(|tokens| 1 + tokens / 1_000_000), ..now.health },
        usage,
        closing_prices,
    })
}

/// Token-weighted means by model, as the upstream aggregates them.
fn usage_of_models(readings: &[Reading]) -> Vec<ModelUsage> {
    let mut models: BTreeMap<(&ModelSlug, &Variant), [f64; 4]> = BTreeMap::new();
    for reading in readings {
        let Some(usage) = reading.usage.filter(|usage| usage.tokens > Some(0)) else { continue };
        let tokens = usage.tokens.unwrap_or(0) as f64;
        let sums = models.entry((&reading.facts.model, &reading.facts.variant)).or_default();
        sums[0] += tokens;
        sums[1] += tokens * usage.hit_rate.map_or(0.0, HitRate::get);
        sums[2] += tokens * usage.effective_input.unwrap_or(0.0);
        sums[3] += tokens * usage.effective_output.unwrap_or(0.0);
    }
    let mean =
        |((model, variant), [tokens, hits, input, output]): ((&ModelSlug, &Variant), [f64; 4])| ModelUsage {
            model: model.clone(),
            variant: variant.clone(),
            hit_rate: HitRate::new(hits / tokens).map(HitRate::get),
            effective_input: Some(input / tokens),
            effective_output: Some(output / tokens),
        };
    models.into_iter().map(mean).collect()
}
