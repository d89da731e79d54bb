//! Reads of the pipeline: frames for the analysis, rows for the snapshot.

use super::columns::{self, Json, each_row, naive, rows};
use super::frame::Answer;
use super::{Store, StoreError};
use crate::domain::document::{Pair, RouteAnswer};
use crate::domain::endpoint::{EffectivePrices, EndpointFacts, Model, PriceTier, Prices, Provider};
use crate::domain::finding::{Check, Finding, Findings};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::reading::{Health, Known, RunStatus};
use crate::domain::record::{Counts, EndpointDay, RunSummary};
use crate::domain::thresholds::EMPTY_ANSWER_HOURS;
use crate::domain::window::{Basis, WindowKind};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use duckdb::Connection;
use duckdb::arrow::array::RecordBatch;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

pub(super) const DAYS: &str = include_str!("../../queries/analysis/days.sql");
const NEWEST: &str = include_str!("../../queries/analysis/newest.sql");
const MODELS: &str = include_str!("../../queries/analysis/models.sql");
const PROVIDERS: &str = include_str!("../../queries/analysis/providers.sql");
const RUN_COUNTS: &str = include_str!("../../queries/analysis/run_counts.sql");

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// What is published of it.
    pub run: RunSummary,
    /// Whether the upstream was the simulator.
    pub simulated: bool,
    /// Result of the request for the comparison series; `None` if it was not requested.
    pub comparison: Option<RouteAnswer>,
    /// Name of the upstream.
    pub upstream_name: String,
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
    /// Its facts.
    pub facts: EndpointFacts,
    /// First seen.
    pub first_seen: DateTime<Utc>,
    /// When its health was last read.
    pub reading_at: DateTime<Utc>,
    /// Hit rate of the newest window.
    pub hit_rate: Option<f64>,
    /// Tokens of the newest window.
    pub tokens: Option<i64>,
    /// Effective prices of the newest window.
    pub effective: EffectivePrices,
    /// List prices.
    pub list: Prices,
    /// Conditional prices.
    pub price_tiers: Vec<PriceTier>,
    /// Its health, without the numbers of requests.
    pub health: Health,
    /// Availability over one day.
    pub availability: Option<f64>,
}

/// One UTC day of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointDayRow {
    /// Key.
    pub endpoint_id: Uuid,
    /// Provider.
    pub provider: ProviderSlug,
    /// Its numbers.
    pub of_day: EndpointDay,
}

impl Store {
    /// The window kind of the newest accepted run before a time that knew it.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn last_window_kind(&self, before: DateTime<Utc>) -> Result<Option<WindowKind>, StoreError> {
        let sql = "SELECT max_by(window_kind, run_no) AS kind FROM run WHERE window_kind <> 'unknown' AND status NOT IN ('failed', 'suspect') AND observed_at < CAST(? AS TIMESTAMP)";
        Ok(rows!(self.writer(), sql, [naive(before)], |kind: Option<WindowKind>| kind).pop().flatten())
    }

    /// The state of the newest accepted run before a time. If that run is too old to show what is missing, only the
    /// window kind.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn known(&self, before: DateTime<Utc>) -> Result<Known, StoreError> {
        let window_kind = self.last_window_kind(before)?;
        let mut known = Known { window_kind, ..Known::default() };
        let oldest = before - Duration::hours(EMPTY_ANSWER_HOURS);
        let sql = "SELECT e.model, e.variant, bool_or(r.has_usage) AS used
             FROM reading r JOIN endpoint e USING (endpoint_no)
             WHERE r.run_no = (
                SELECT max(run_no) FROM run
                WHERE status NOT IN ('failed', 'suspect') AND observed_at < CAST(? AS TIMESTAMP)
                    AND observed_at >= CAST(? AS TIMESTAMP))
             GROUP BY ALL";
        let span = [naive(before), naive(oldest)];
        let pairs = rows!(self.writer(), sql, span, |model: ModelSlug, variant: Variant, used: bool| {
            (Pair { model, variant }, used)
        });
        for (pair, used) in pairs {
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
        self.has_run(at, "activity")
    }

    /// Whether an accepted run of the UTC day of `at` has the comparison series, or knows that it is not offered.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn has_comparison(&self, at: DateTime<Utc>) -> Result<bool, StoreError> {
        self.has_run(at, "comparison IN ('answered', 'not_offered')")
    }

    fn has_run(&self, at: DateTime<Utc>, condition: &str) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT run_id FROM run
             WHERE {condition} AND status NOT IN ('failed', 'suspect')
               AND CAST(observed_at AS DATE) = CAST(? AS DATE) LIMIT 1"
        );
        let day = at.date_naive().to_string();
        Ok(!rows!(self.writer(), &sql, [&day], |run_id: String| run_id).is_empty())
    }

    /// The runs up to `as_of`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn runs(&self, as_of: DateTime<Utc>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let newest_first =
            format!("WHERE observed_at <= CAST(? AS TIMESTAMP) ORDER BY observed_at DESC LIMIT {limit}");
        self.runs_where(&newest_first, naive(as_of))
    }

    /// The runs that the end of a query selects.
    fn runs_where(&self, end: &str, parameter: String) -> Result<Vec<RunRow>, StoreError> {
        let sql = format!("SELECT * FROM run {end}");
        self.read(|connection| {
            Ok(rows!(
                connection,
                &sql,
                [&parameter],
                |run_id: String,
                 observed_at: DateTime<Utc>,
                 status: RunStatus,
                 window_kind: WindowKind,
                 simulated: bool,
                 requests: usize,
                 documents: usize,
                 readings: usize,
                 endpoints: usize,
                 quarantined: usize,
                 drift: usize,
                 duration_ms: i64,
                 failures: Json<Vec<String>>,
                 comparison: Option<RouteAnswer>,
                 upstream_name: String| {
                    let Json(failures) = failures;
                    let run = RunSummary {
                        run_id,
                        observed_at,
                        status,
                        window_kind,
                        requests,
                        documents,
                        readings,
                        endpoints,
                        quarantined,
                        drift,
                        duration_ms,
                        failures,
                    };
                    RunRow { run, simulated, comparison, upstream_name }
                }
            ))
        })
    }

    /// The ids of all runs, including failed ones.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn run_ids(&self) -> Result<BTreeSet<String>, StoreError> {
        let ids = rows!(self.writer(), "SELECT run_id FROM run", [], |run_id: String| run_id);
        Ok(ids.into_iter().collect())
    }

    /// The number of runs up to `as_of` and the time of the first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn extent(&self, as_of: DateTime<Utc>) -> Result<(usize, Option<DateTime<Utc>>), StoreError> {
        let sql = "SELECT count(*) AS runs, min(observed_at) AS first FROM run WHERE observed_at <= CAST(? AS TIMESTAMP)";
        self.read(|connection| {
            let extent =
                rows!(connection, sql, [naive(as_of)], |runs: usize, first: Option<DateTime<Utc>>| (
                    runs, first
                ));
            Ok(extent.into_iter().next().unwrap_or_default())
        })
    }

    /// The newest accepted run at or before `as_of`; `None` means no limit.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn newest_run(&self, as_of: Option<DateTime<Utc>>) -> Result<Option<RunRow>, StoreError> {
        let limit = as_of.map_or_else(|| "9999-12-31".to_owned(), naive);
        let newest = "WHERE observed_at <= CAST(? AS TIMESTAMP) AND status NOT IN ('failed', 'suspect') ORDER BY observed_at DESC LIMIT 1";
        Ok(self.runs_where(newest, limit)?.pop())
    }

    /// The counts of the accepted runs in `[from, to)`, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn run_counts(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Counts>, StoreError> {
        self.read(|connection| {
            Ok(rows!(
                connection,
                RUN_COUNTS,
                [naive(from), naive(to)],
                |observed_at: DateTime<Utc>,
                 models: usize,
                 endpoints: usize,
                 readings: usize,
                 tokens: f64| Counts { observed_at, models, endpoints, readings, tokens }
            ))
        })
    }

    /// Values that the comparison series and the activity of models have reported for the past days `[from, to]`.
    pub fn past_values(&self, from: NaiveDate, to: NaiveDate) -> Result<PastValues, StoreError> {
        let days = [from.to_string(), to.to_string()];
        let rates = "SELECT CAST(e.endpoint_id AS VARCHAR) AS id, c.day, max_by(c.hit_rate, c.run_no) AS rate
             FROM closing_rate c JOIN endpoint e USING (endpoint_no)
             WHERE c.day BETWEEN CAST(? AS DATE) AND CAST(? AS DATE) GROUP BY ALL";
        let tokens = "SELECT model, variant, day, max_by(prompt_tokens, run_no) AS prompt,
                max_by(completion_tokens, run_no) AS completion
             FROM activity WHERE day BETWEEN CAST(? AS DATE) AND CAST(? AS DATE) GROUP BY ALL";
        self.read(|connection| {
            let rates =
                rows!(connection, rates, [&days[0], &days[1]], |id: Uuid, day: NaiveDate, rate: f64| (
                    (id, day),
                    rate
                ));
            let tokens = rows!(
                connection,
                tokens,
                [&days[0], &days[1]],
                |model: ModelSlug, variant: Variant, day: NaiveDate, prompt: i64, completion: i64| {
                    ((Pair { model, variant }, day), [prompt, completion])
                }
            );
            Ok(PastValues {
                closing_rates: rates.into_iter().collect(),
                activity: tokens.into_iter().collect(),
            })
        })
    }

    /// Time of the newest accepted run.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn newest_accepted(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(self.newest_run(None)?.map(|row| row.run.observed_at))
    }

    /// The run with an id, whatever its status.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn run(&self, run_id: &str) -> Result<Option<RunRow>, StoreError> {
        Ok(self.runs_where("WHERE run_id = ?", run_id.to_owned())?.pop())
    }

    /// The findings against a run: those that make it suspect, and the accepted ones.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn findings(&self, run_id: &str) -> Result<Findings, StoreError> {
        let sql = "SELECT field, check_name, before, after, detail, accepted
             FROM finding JOIN run USING (run_no) WHERE run_id = ? ORDER BY finding.rowid";
        let all = self.read(|connection| {
            Ok(rows!(
                connection,
                sql,
                [run_id],
                |field: String,
                 check_name: String,
                 before: Option<f64>,
                 after: Option<f64>,
                 detail: String,
                 accepted: bool| {
                    // The store of a newer version may contain a check that this version does not know.
                    let check = Check::parse(&check_name).unwrap_or(Check::Changed);
                    (Finding { field, check, before, after, detail }, accepted)
                }
            ))
        })?;
        let mut findings = Findings::default();
        for (finding, accepted) in all {
            if accepted { findings.accepted.push(finding) } else { findings.open.push(finding) }
        }
        Ok(findings)
    }

    /// The newest run at or before `as_of` that did not fail, if it is suspect.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn suspect_run(&self, as_of: DateTime<Utc>) -> Result<Option<RunRow>, StoreError> {
        let newest = "WHERE observed_at <= CAST(? AS TIMESTAMP) AND status <> 'failed' ORDER BY observed_at DESC LIMIT 1";
        let newest = self.runs_where(newest, naive(as_of))?.pop();
        Ok(newest.filter(|row| row.run.status == RunStatus::Suspect))
    }

    /// Time of the newest run, including failed ones.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn newest_time(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        newest_time(&self.writer())
    }

    /// The endpoints of the newest run: as a frame, `newest` of the analysis.
    pub fn endpoints(&self, as_of: DateTime<Utc>) -> Result<Answer<EndpointNow>, StoreError> {
        self.read(|connection| Answer::of(connection, NEWEST, [naive(as_of)], endpoints_of))
    }

    /// One row per endpoint and UTC day in `[from, to]`: as a frame, `days` of the analysis.
    pub fn days(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<Answer<EndpointDayRow>, StoreError> {
        let parameters = [from.to_string(), to.to_string(), naive(as_of)];
        self.read(|connection| Answer::of(connection, DAYS, parameters, days_of))
    }

    /// The models listed at `as_of`.
    pub fn models(&self, as_of: DateTime<Utc>) -> Result<Vec<Model>, StoreError> {
        self.read(|connection| {
            Ok(rows!(
                connection,
                MODELS,
                [naive(as_of)],
                |model: ModelSlug,
                 variant: Variant,
                 model_id: String,
                 name: String,
                 created_s: Option<i64>,
                 context_length: Option<i64>| {
                    let created = created_s.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                    Model { model, variant, model_id, name, created, context_length, is_free: None }
                }
            ))
        })
    }

    /// The providers known at `as_of`.
    pub fn providers(&self, as_of: DateTime<Utc>) -> Result<Vec<Provider>, StoreError> {
        self.read(|connection| {
            Ok(rows!(
                connection,
                PROVIDERS,
                [naive(as_of)],
                |provider: ProviderSlug,
                 name: String,
                 headquarters: Option<String>,
                 status_page: Option<String>,
                 privacy_policy: Option<String>,
                 terms_of_service: Option<String>| {
                    Provider { provider, name, headquarters, status_page, privacy_policy, terms_of_service }
                }
            ))
        })
    }
}

/// Time of the newest run, including failed ones.
pub(super) fn newest_time(connection: &Connection) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT max(observed_at) AS newest FROM run";
    Ok(rows!(connection, sql, [], |newest: Option<DateTime<Utc>>| newest).pop().flatten())
}

fn seconds(seconds: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp(seconds, 0)
        .ok_or_else(|| StoreError::Content { what: "time", detail: seconds.to_string() })
}

fn endpoints_of(batch: &RecordBatch, endpoints: &mut Vec<EndpointNow>) -> Result<(), StoreError> {
    let mut facts = facts_of(batch)?.into_iter();
    let mut health = health_of(batch)?.into_iter();
    each_row!(batch, |endpoint_id: Uuid,
                      first_seen_s: i64,
                      reading_s: i64,
                      hit_rate: Option<f64>,
                      tokens: Option<i64>,
                      effective_input: Option<f64>,
                      effective_output: Option<f64>,
                      list_input: Option<f64>,
                      list_output: Option<f64>,
                      list_cache_read: Option<f64>,
                      list_cache_write: Option<f64>,
                      list_cache_write_1h: Option<f64>,
                      price_tiers_json: Json<Vec<PriceTier>>,
                      availability_1d: Option<f64>| {
        let Json(price_tiers) = price_tiers_json;
        let (first_seen, reading_at) = (seconds(first_seen_s)?, seconds(reading_s)?);
        endpoints.extend(facts.next().zip(health.next()).map(|(facts, health)| EndpointNow {
            endpoint_id,
            facts,
            first_seen,
            reading_at,
            hit_rate,
            tokens,
            effective: EffectivePrices { input: effective_input, output: effective_output },
            list: Prices {
                input: list_input,
                output: list_output,
                cache_read: list_cache_read,
                cache_write: list_cache_write,
                cache_write_1h: list_cache_write_1h,
            },
            price_tiers,
            health,
            availability: availability_1d,
        }));
    });
    Ok(())
}

/// The facts of the endpoints, row by row.
fn facts_of(batch: &RecordBatch) -> Result<Vec<EndpointFacts>, StoreError> {
    let mut all = Vec::with_capacity(batch.num_rows());
    each_row!(batch, |endpoint_id: Uuid,
                      model: ModelSlug,
                      variant: Variant,
                      provider: ProviderSlug,
                      provider_name: String,
                      tag: Tag,
                      quantization: Option<String>,
                      context_length: Option<i64>,
                      max_completion_tokens: Option<i64>,
                      region: Option<String>,
                      trains_on_prompts: Option<bool>,
                      retains_prompts: Option<bool>,
                      parameters: Json<Vec<String>>,
                      restricted: bool,
                      deranked: bool,
                      disabled: bool,
                      max_prompt_tokens: Option<i64>,
                      deprecation_us: Option<DateTime<Utc>>,
                      created_us: Option<DateTime<Utc>>| {
        let Json(parameters) = parameters;
        all.push(EndpointFacts {
            model,
            variant,
            endpoint_id: Some(endpoint_id),
            tag,
            provider,
            provider_name,
            quantization,
            context_length,
            max_completion_tokens,
            region,
            trains_on_prompts,
            retains_prompts,
            parameters,
            restricted: Some(restricted),
            deranked,
            disabled,
            max_prompt_tokens,
            deprecation_date: deprecation_us,
            created_at: created_us,
        });
    });
    Ok(all)
}

/// The health of the endpoints without the numbers of requests, row by row.
fn health_of(batch: &RecordBatch) -> Result<Vec<Health>, StoreError> {
    let mut all = Vec::with_capacity(batch.num_rows());
    each_row!(batch, |status: Option<i32>,
                      uptime_5m: Option<f64>,
                      uptime_30m: Option<f64>,
                      uptime_1d: Option<f64>,
                      throughput: Option<f64>,
                      latency_ms: Option<f64>| {
        all.push(Health {
            status,
            uptime_5m,
            uptime_30m,
            uptime_1d,
            throughput,
            latency_ms,
            ..Health::default()
        });
    });
    Ok(all)
}

fn days_of(batch: &RecordBatch, days: &mut Vec<EndpointDayRow>) -> Result<(), StoreError> {
    each_row!(batch, |endpoint_id: Uuid,
                      provider: ProviderSlug,
                      day: NaiveDate,
                      hit_rate: Option<f64>,
                      basis: Option<Basis>,
                      tokens: Option<i64>,
                      effective_input: Option<f64>,
                      effective_output: Option<f64>,
                      coverage: Option<f64>| {
        let of_day =
            EndpointDay { day, hit_rate, basis, tokens, effective_input, effective_output, coverage };
        days.push(EndpointDayRow { endpoint_id, provider, of_day });
    });
    Ok(())
}
