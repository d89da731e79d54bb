//! Reads of the pipeline: frames for the analysis, rows for the snapshot.

use super::columns::naive;
use super::columns::{self, Columns};
use super::{Store, StoreError};
use crate::domain::document::{Pair, RouteAnswer};
use crate::domain::endpoint::{PriceTier, Provider};
use crate::domain::finding::{Check, Finding, Findings};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::reading::{Known, RunStatus};
use crate::domain::thresholds::EMPTY_ANSWER_HOURS;
use crate::domain::window::{Basis, WindowKind};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use duckdb::{Row, params};
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

pub(super) const DAYS: &str = include_str!("../../queries/analysis/days.sql");
pub(super) const NEWEST: &str = include_str!("../../queries/analysis/newest.sql");
const MODELS: &str = include_str!("../../queries/analysis/models.sql");
const PROVIDERS: &str = include_str!("../../queries/analysis/providers.sql");

const RUN_COUNTS: &str = include_str!("../../queries/analysis/run_counts.sql");

const RUN_COLUMNS: &str =
    "SELECT run_id, epoch_us(observed_at), status, window_kind, simulated, requests, documents,
    readings, endpoints, quarantined, drift, duration_ms, failures, comparison, upstream_name FROM run";

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Id.
    pub run_id: String,
    /// Time of the run.
    pub observed_at: DateTime<Utc>,
    /// Outcome.
    pub status: RunStatus,
    /// Kind of window that its summaries cover.
    pub window_kind: WindowKind,
    /// Whether the upstream was the simulator.
    pub simulated: bool,
    /// Requests, documents, readings, endpoints, quarantined rows, distinct unknown paths.
    pub counts: [usize; 6],
    /// How long fetching took.
    pub duration_ms: i64,
    /// Failures.
    pub failures: Vec<String>,
    /// Result of the request for the comparison series; `None` if it was not requested.
    pub comparison: Option<RouteAnswer>,
    /// Name of the upstream.
    pub upstream_name: String,
}

/// The counts of an accepted run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunCounts {
    /// Time of the run.
    pub observed_at: DateTime<Utc>,
    /// Listed models.
    pub models: usize,
    /// Endpoints.
    pub endpoints: usize,
    /// Endpoints with usage.
    pub readings: usize,
    /// Tokens of all its readings.
    pub tokens: f64,
}

/// Values of past days that every response reports again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PastValues {
    /// Closing hit rates by endpoint and UTC day, fractions.
    pub closing_rates: HashMap<(Uuid, NaiveDate), f64>,
    /// Prompt and completion tokens by model and UTC day.
    pub activity: HashMap<(Pair, NaiveDate), [i64; 2]>,
}

/// An endpoint of the newest run and its known data.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointNow {
    /// Key.
    pub endpoint_id: Uuid,
    /// Model.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// Provider.
    pub provider: ProviderSlug,
    /// Display name.
    pub provider_name: String,
    /// Routing name.
    pub tag: Tag,
    /// First seen.
    pub first_seen: DateTime<Utc>,
    /// When its health was last read.
    pub reading_at: DateTime<Utc>,
    /// Hit rate of the newest window.
    pub hit_rate: Option<f64>,
    /// Tokens of the newest window.
    pub tokens: Option<i64>,
    /// Effective input and output price.
    pub effective: [Option<f64>; 2],
    /// List prices: input, output, cache read, cache write, cache write with a lifetime of one hour.
    pub list: [Option<f64>; 5],
    /// Conditional prices.
    pub price_tiers: Vec<PriceTier>,
    /// Uptime over 5 minutes, 30 minutes and one day.
    pub uptime: [Option<f64>; 3],
    /// Availability over one day.
    pub availability: Option<f64>,
    /// Upstream status code.
    pub status: Option<i32>,
    /// Output speed, tokens per second.
    pub throughput: Option<f64>,
    /// Time to first token, milliseconds.
    pub latency_ms: Option<f64>,
    /// Quantization.
    pub quantization: Option<String>,
    /// Context length.
    pub context_length: Option<i64>,
    /// Maximum length of a response, tokens.
    pub max_completion_tokens: Option<i64>,
    /// Region.
    pub region: Option<String>,
    /// Whether prompts are used for training.
    pub trains_on_prompts: Option<bool>,
    /// Whether prompts are retained.
    pub retains_prompts: Option<bool>,
    /// Supported request parameters.
    pub parameters: Vec<String>,
    /// Maximum prompt length, tokens.
    pub max_prompt_tokens: Option<i64>,
    /// When the upstream stops offering the endpoint.
    pub deprecation_date: Option<DateTime<Utc>>,
    /// When the upstream began to offer the endpoint.
    pub created_at: Option<DateTime<Utc>>,
}

/// One UTC day of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointDayRow {
    /// Key.
    pub endpoint_id: Uuid,
    /// Provider.
    pub provider: ProviderSlug,
    /// The day.
    pub day: NaiveDate,
    /// Hit rate.
    pub hit_rate: Option<f64>,
    /// What the hit rate is based on; `None` if there is none.
    pub basis: Option<Basis>,
    /// Tokens.
    pub tokens: Option<i64>,
    /// Effective input and output price.
    pub effective: [Option<f64>; 2],
    /// Share of the day covered.
    pub coverage: Option<f64>,
}

impl Store {
    /// The window kind of the newest accepted run before a time that knew it.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn last_window_kind(&self, before: DateTime<Utc>) -> Result<Option<WindowKind>, StoreError> {
        let kind: Option<String> = self.writer().query_row(
            "SELECT max_by(window_kind, run_no) FROM run WHERE window_kind <> 'unknown' AND status NOT IN ('failed', 'suspect') AND observed_at < CAST(? AS TIMESTAMP)",
            [naive(before)],
            |row| row.get(0),
        )?;
        Ok(kind.as_deref().and_then(WindowKind::parse))
    }

    /// The state of the newest accepted run before a time. If that run is too old to show what is missing, only the
    /// window kind.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn known(&self, before: DateTime<Utc>) -> Result<Known, StoreError> {
        let window_kind = self.last_window_kind(before)?;
        let mut known = Known { window_kind, ..Known::default() };
        let connection = self.writer();
        let mut statement = connection.prepare(
            "SELECT e.model, e.variant, bool_or(r.has_usage)
             FROM reading r JOIN endpoint e USING (endpoint_no)
             WHERE r.run_no = (
                SELECT max(run_no) FROM run
                WHERE status NOT IN ('failed', 'suspect') AND observed_at < CAST(? AS TIMESTAMP)
                    AND observed_at >= CAST(? AS TIMESTAMP))
             GROUP BY ALL",
        )?;
        let oldest = before - Duration::hours(EMPTY_ANSWER_HOURS);
        let rows = statement.query_map([naive(before), naive(oldest)], |row| {
            let (model, variant) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
            let pair = Pair { model: ModelSlug::new(model), variant: Variant::new(variant) };
            Ok((pair, row.get::<_, bool>(2)?))
        })?;
        for row in rows {
            let (pair, used) = row?;
            if used {
                known.used.insert(pair.clone());
            }
            known.listed.insert(pair);
        }
        Ok(known)
    }

    /// Whether an accepted run of the UTC day of `at` has what is requested once a day.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn has_daily(&self, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let count: i64 = self.writer().query_row(
            "SELECT count(*) FROM run
             WHERE activity AND status NOT IN ('failed', 'suspect') AND CAST(observed_at AS DATE) = CAST(? AS DATE)",
            [at.date_naive().to_string()],
            |row| row.get(0),
        )?;
        Ok(count > 0)
    }

    /// Whether an accepted run of the UTC day of `at` has the comparison series, or knows that it is not offered.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn has_comparison(&self, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let count: i64 = self.writer().query_row(
            "SELECT count(*) FROM run
             WHERE comparison IN ('answered', 'not_offered') AND status NOT IN ('failed', 'suspect')
               AND CAST(observed_at AS DATE) = CAST(? AS DATE)",
            [at.date_naive().to_string()],
            |row| row.get(0),
        )?;
        Ok(count > 0)
    }

    /// The runs up to `as_of`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn runs(&self, as_of: DateTime<Utc>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "{RUN_COLUMNS} WHERE observed_at <= CAST(? AS TIMESTAMP) ORDER BY observed_at DESC LIMIT ?"
            );
            let mut statement = connection.prepare(&sql)?;
            let rows = statement
                .query_map(params![naive(as_of), i64::try_from(limit).unwrap_or(i64::MAX)], run_row)?;
            rows.map(|row| row?).collect()
        })
    }

    /// The ids of all runs, including failed ones.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn run_ids(&self) -> Result<BTreeSet<String>, StoreError> {
        let connection = self.writer();
        let mut statement = connection.prepare("SELECT run_id FROM run")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The number of runs up to `as_of` and the time of the first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn extent(&self, as_of: DateTime<Utc>) -> Result<(usize, Option<DateTime<Utc>>), StoreError> {
        self.read(|connection| {
            let (count, first): (i64, Option<i64>) = connection.query_row(
                "SELECT count(*), epoch_us(min(observed_at)) FROM run WHERE observed_at <= CAST(? AS TIMESTAMP)",
                [naive(as_of)],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            Ok((usize::try_from(count).unwrap_or(0), first.and_then(DateTime::from_timestamp_micros)))
        })
    }

    /// The newest accepted run at or before `as_of`; `None` means no limit.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn newest_run(&self, as_of: Option<DateTime<Utc>>) -> Result<Option<RunRow>, StoreError> {
        let limit = as_of.map_or_else(|| "9999-12-31".to_owned(), naive);
        self.read(|connection| {
            let sql = format!(
                "{RUN_COLUMNS} WHERE observed_at <= CAST(? AS TIMESTAMP) AND status NOT IN ('failed', 'suspect') ORDER BY observed_at DESC LIMIT 1"
            );
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query_map([limit], run_row)?;
            rows.next().map(|row| row?).transpose()
        })
    }

    /// The counts of the accepted runs in `[from, to)`, oldest first: models, endpoints, endpoints with usage, and
    /// tokens.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn run_counts(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<RunCounts>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(RUN_COUNTS)?;
            let rows = statement.query_map(params![naive(from), naive(to)], |row| {
                let count = |value: i64| usize::try_from(value).unwrap_or(0);
                Ok(RunCounts {
                    observed_at: DateTime::from_timestamp_micros(row.get(0)?).unwrap_or_default(),
                    models: count(row.get(1)?),
                    endpoints: count(row.get(2)?),
                    readings: count(row.get(3)?),
                    tokens: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Values that the comparison series and the activity of models have reported for the past days `[from, to]`.
    pub fn past_values(&self, from: NaiveDate, to: NaiveDate) -> Result<PastValues, StoreError> {
        let days = [from.to_string(), to.to_string()];
        let day_of = |days: i64| {
            DateTime::from_timestamp(days * 86_400, 0).map(|time| time.date_naive()).unwrap_or_default()
        };
        self.read(|connection| {
            let mut past = PastValues::default();
            let mut statement = connection.prepare(
                "SELECT CAST(e.endpoint_id AS VARCHAR), CAST(c.day - DATE '1970-01-01' AS BIGINT), max_by(c.hit_rate, c.run_no)
                 FROM closing_rate c JOIN endpoint e USING (endpoint_no)
                 WHERE c.day BETWEEN CAST(? AS DATE) AND CAST(? AS DATE) GROUP BY ALL",
            )?;
            let rows = statement.query_map([&days[0], &days[1]], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, f64>(2)?))
            })?;
            for row in rows {
                let (id, day, rate) = row?;
                let id = Uuid::parse_str(&id)
                    .map_err(|error| StoreError::Content { what: "UUID", detail: error.to_string() })?;
                past.closing_rates.insert((id, day_of(day)), rate);
            }
            let mut statement = connection.prepare(
                "SELECT model, variant, CAST(day - DATE '1970-01-01' AS BIGINT), max_by(prompt_tokens, run_no),
                    max_by(completion_tokens, run_no)
                 FROM activity WHERE day BETWEEN CAST(? AS DATE) AND CAST(? AS DATE) GROUP BY ALL",
            )?;
            let rows = statement.query_map([&days[0], &days[1]], |row| {
                let pair = Pair {
                    model: ModelSlug::new(row.get::<_, String>(0)?),
                    variant: Variant::new(row.get::<_, String>(1)?),
                };
                Ok((pair, row.get::<_, i64>(2)?, [row.get::<_, i64>(3)?, row.get::<_, i64>(4)?]))
            })?;
            for row in rows {
                let (pair, day, tokens) = row?;
                past.activity.insert((pair, day_of(day)), tokens);
            }
            Ok(past)
        })
    }

    /// Time of the newest accepted run.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn newest_accepted(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(self.newest_run(None)?.map(|run| run.observed_at))
    }

    /// The run with an id, whatever its status.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn run(&self, run_id: &str) -> Result<Option<RunRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(&format!("{RUN_COLUMNS} WHERE run_id = ?"))?;
            let mut rows = statement.query_map([run_id], run_row)?;
            rows.next().map(|row| row?).transpose()
        })
    }

    /// The findings against a run: those that make it suspect, and the accepted ones.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn findings(&self, run_id: &str) -> Result<Findings, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT field, check_name, before, after, detail, accepted
                 FROM finding JOIN run USING (run_no) WHERE run_id = ? ORDER BY finding.rowid",
            )?;
            let rows = statement.query_map([run_id], |row| {
                let check: String = row.get(1)?;
                let finding = Finding {
                    field: row.get(0)?,
                    // The store of a newer version may contain a check that this version does not know.
                    check: Check::parse(&check).unwrap_or(Check::Changed),
                    before: row.get(2)?,
                    after: row.get(3)?,
                    detail: row.get(4)?,
                };
                Ok((finding, row.get::<_, bool>(5)?))
            })?;
            let mut findings = Findings::default();
            for row in rows {
                let (finding, accepted) = row?;
                if accepted { findings.accepted.push(finding) } else { findings.open.push(finding) }
            }
            Ok(findings)
        })
    }

    /// The newest run at or before `as_of` that did not fail, if it is suspect.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn suspect_run(&self, as_of: DateTime<Utc>) -> Result<Option<RunRow>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "{RUN_COLUMNS} WHERE observed_at <= CAST(? AS TIMESTAMP) AND status <> 'failed'
                 ORDER BY observed_at DESC LIMIT 1"
            );
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query_map([naive(as_of)], run_row)?;
            let newest = rows.next().map(|row| row?).transpose()?;
            Ok(newest.filter(|run: &RunRow| run.status == RunStatus::Suspect))
        })
    }

    /// Time of the newest run, including failed ones.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn newest_time(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let newest: Option<i64> =
            self.writer().query_row("SELECT epoch_us(max(observed_at)) FROM run", [], |row| row.get(0))?;
        Ok(newest.and_then(DateTime::from_timestamp_micros))
    }

    /// The endpoints of the newest run.
    pub fn endpoints(&self, as_of: DateTime<Utc>) -> Result<Vec<EndpointNow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(NEWEST)?;
            let rows = statement.query_map([naive(as_of)], |row| Ok(endpoint_now(row)))?;
            rows.map(|row| row?).collect()
        })
    }

    /// The days in `[from, to]` as rows.
    pub fn days(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<EndpointDayRow>, StoreError> {
        self.read(|connection| {
            let parameters = params![from.to_string(), to.to_string(), naive(as_of)];
            columns::rows(connection, DAYS, parameters, day_rows)
        })
    }

    /// The models listed at `as_of`.
    pub fn models(&self, as_of: DateTime<Utc>) -> Result<Vec<crate::domain::endpoint::Model>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(MODELS)?;
            let rows = statement.query_map([naive(as_of)], |row| {
                let created: Option<i64> = row.get("created_s")?;
                Ok(crate::domain::endpoint::Model {
                    model: ModelSlug::new(row.get::<_, String>("model")?),
                    variant: Variant::new(row.get::<_, String>("variant")?),
                    model_id: row.get("model_id")?,
                    name: row.get("name")?,
                    created: created.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
                    context_length: row.get("context_length")?,
                    is_free: None,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The providers known at `as_of`.
    pub fn providers(&self, as_of: DateTime<Utc>) -> Result<Vec<Provider>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(PROVIDERS)?;
            let rows = statement.query_map([naive(as_of)], |row| {
                Ok(Provider {
                    provider: ProviderSlug::new(row.get::<_, String>("provider")?),
                    name: row.get("name")?,
                    headquarters: row.get("headquarters")?,
                    status_page: row.get("status_page")?,
                    privacy_policy: row.get("privacy_policy")?,
                    terms_of_service: row.get("terms_of_service")?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn content(what: &'static str) -> impl Fn(String) -> StoreError {
    move |detail| StoreError::Content { what, detail }
}

pub(super) fn uuid(row: &Row<'_>) -> Result<Uuid, StoreError> {
    let text: String = row.get("endpoint_id")?;
    Uuid::parse_str(&text).map_err(|error| content("UUID")(error.to_string()))
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| content("JSON value")(error.to_string()))
}

fn time(micros: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| content("time")(micros.to_string()))
}

fn run_row(row: &Row<'_>) -> duckdb::Result<Result<RunRow, StoreError>> {
    let (observed, status, kind): (i64, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let (failures, comparison): (String, Option<String>) = (row.get(12)?, row.get(13)?);
    let mut counts = [0; 6];
    for (position, count) in counts.iter_mut().enumerate() {
        *count = usize::try_from(row.get::<_, i64>(5 + position)?).unwrap_or(0);
    }
    let (run_id, simulated, duration_ms) = (row.get(0)?, row.get(4)?, row.get(11)?);
    let upstream_name = row.get(14)?;
    Ok(time(observed).and_then(|observed_at| {
        Ok(RunRow {
            run_id,
            observed_at,
            status: RunStatus::parse(&status).ok_or_else(|| content("run status")(status))?,
            window_kind: WindowKind::parse(&kind).ok_or_else(|| content("window kind")(kind))?,
            simulated,
            counts,
            duration_ms,
            failures: serde_json::from_str(&failures)
                .map_err(|error| content("JSON value")(error.to_string()))?,
            comparison: comparison
                .map(|name| {
                    RouteAnswer::parse(&name).ok_or_else(|| content("result of the comparison series")(name))
                })
                .transpose()?,
            upstream_name,
        })
    }))
}

fn endpoint_now(row: &Row<'_>) -> Result<EndpointNow, StoreError> {
    Ok(EndpointNow {
        endpoint_id: uuid(row)?,
        model: ModelSlug::new(row.get::<_, String>("model")?),
        variant: Variant::new(row.get::<_, String>("variant")?),
        provider: ProviderSlug::new(row.get::<_, String>("provider")?),
        provider_name: row.get("provider_name")?,
        tag: Tag::new(row.get::<_, String>("tag")?),
        first_seen: time(row.get::<_, i64>("first_seen_s")? * 1_000_000)?,
        reading_at: time(row.get::<_, i64>("reading_s")? * 1_000_000)?,
        hit_rate: row.get("hit_rate")?,
        tokens: row.get("tokens")?,
        effective: [row.get("effective_input")?, row.get("effective_output")?],
        list: [
            row.get("list_input")?,
            row.get("list_output")?,
            row.get("list_cache_read")?,
            row.get("list_cache_write")?,
            row.get("list_cache_write_1h")?,
        ],
        price_tiers: from_json(row, "price_tiers_json")?,
        uptime: [row.get("uptime_5m")?, row.get("uptime_30m")?, row.get("uptime_1d")?],
        availability: row.get("availability_1d")?,
        status: row.get("status")?,
        throughput: row.get("throughput")?,
        latency_ms: row.get("latency_ms")?,
        quantization: row.get("quantization")?,
        context_length: row.get("context_length")?,
        max_completion_tokens: row.get("max_completion_tokens")?,
        region: row.get("region")?,
        trains_on_prompts: row.get("trains_on_prompts")?,
        retains_prompts: row.get("retains_prompts")?,
        parameters: from_json(row, "parameters")?,
        max_prompt_tokens: row.get("max_prompt_tokens")?,
        deprecation_date: row.get::<_, Option<i64>>("deprecation_us")?.map(time).transpose()?,
        created_at: row.get::<_, Option<i64>>("created_us")?.map(time).transpose()?,
    })
}

fn day_rows(columns: Columns<'_>, days: &mut Vec<EndpointDayRow>) -> Result<(), StoreError> {
    let (endpoint, provider) = (columns.texts("endpoint_id")?, columns.texts("provider")?);
    let (day, basis, tokens) =
        (columns.integers("day")?, columns.texts("basis")?, columns.integers("tokens")?);
    let (hit_rate, coverage) = (columns.floats("hit_rate")?, columns.floats("coverage")?);
    let (input, output) = (columns.floats("effective_input")?, columns.floats("effective_output")?);
    let parsed = |name: &str| Basis::parse(name).ok_or_else(|| content("basis of a day")(name.to_owned()));
    for row in 0..columns.height() {
        days.push(EndpointDayRow {
            endpoint_id: endpoint.uuid(row)?,
            provider: ProviderSlug::new(provider.must(row)?),
            day: day.date(row)?,
            hit_rate: hit_rate.get(row),
            basis: basis.get(row).map(parsed).transpose()?,
            tokens: tokens.get(row),
            effective: [input.get(row), output.get(row)],
            coverage: coverage.get(row),
        });
    }
    Ok(())
}
