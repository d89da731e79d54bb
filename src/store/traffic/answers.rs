//! The queries behind the answers on own traffic: everything over all calls is grouped in the database, so that ten
//! million calls take seconds. Rates and wording are computed from these rows in `traffic`.

use super::TrafficStore;
pub use super::answer_rows::{
    AggregateRow, DayRow, ExampleRow, GroupRow, HostFacts, MissRow, OverheadRow, PaidRow, RateRow, Scope,
    SessionCallRow, SessionTotals, SourceRow, SpendRow, TimesRow, UnjudgedRow,
};
use crate::store::columns::{naive, records, rows};
use crate::store::link::Reader;
use crate::store::{StoreError, columns};
use duckdb::{Connection, Params};
use std::cell::OnceCell;

macro_rules! queries {
    ($($name:ident: $file:literal,)+) => {
        $(const $name: &str = include_str!(concat!("../../../queries/traffic/answers/", $file, ".sql"));)+
    };
}

queries! {
    SCOPE: "scope",
    TALLY: "tally",
    GROUPED: "grouped",
    DAY_TALLY: "day_tally",
    JUDGED: "judged",
    GROUPS: "groups",
    RATES: "rates",
    PAID: "paid",
    TIMES: "times",
    SPEND: "spend",
    AGGREGATES: "aggregates",
    OVERHEADS: "overheads",
    DAYS: "days",
    SOURCES: "sources",
    MISSES: "misses",
    EXAMPLES: "miss_examples",
    UNJUDGED: "unjudged",
    SESSION_TOTALS: "session_totals",
    SESSION_CALLS: "session_calls",
}

/// Reads calls of one scope. It is made by [`TrafficStore::answers`].
#[derive(Debug)]
pub struct Answers<'a> {
    store: &'a TrafficStore,
    scope: Scope,
    /// The connection with the temporary table `tally`, once a query needs it.
    tally: OnceCell<Reader>,
}

impl TrafficStore {
    /// The queries over the calls of a scope.
    pub fn answers(&self, scope: Scope) -> Answers<'_> {
        Answers { store: self, scope, tally: OnceCell::new() }
    }
}

/// A query over the scope.
fn over(query: &str) -> String {
    format!("WITH scope AS (\n{SCOPE}\n)\nFROM (\n{query}\n)")
}

/// A query over the groups of the tally. The grouping is one of a few names, so it is written into the text.
fn over_groups(query: &str, by: &str) -> String {
    format!("WITH grouped AS (\n{}\n)\nFROM (\n{query}\n)", GROUPED.replace("$1", &format!("'{by}'")))
}

/// A query over the judged calls. The facts are numbers, so they are written into the text.
fn over_judged(query: &str, hosts: &[HostFacts]) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "NULL".to_owned(), |value| format!("{value:e}"));
    let rows: Vec<String> = (hosts.iter())
        .map(|host| {
            let minimum = host.minimum.map(|tokens| tokens as f64);
            format!(
                "({}, {}, {}, {})",
                host.g,
                number(Some(host.lifetime)),
                number(minimum),
                number(host.price)
            )
        })
        .collect();
    let rows = if rows.is_empty() { "(NULL, NULL, NULL, NULL)".to_owned() } else { rows.join(",\n") };
    format!(
        "WITH scope AS (\n{SCOPE}\n), hosts AS (\n\
         SELECT CAST(g AS BIGINT) AS g, CAST(lifetime AS DOUBLE) AS lifetime, CAST(minimum AS DOUBLE) AS minimum, \
         CAST(price AS DOUBLE) AS price FROM (VALUES {rows}) AS facts (g, lifetime, minimum, price)\n\
         ), judged AS (\n{JUDGED}\n)\nFROM (\n{query}\n)"
    )
}

impl Answers<'_> {
    /// Runs a query on a separate connection and stops it after the time limit.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.store.read(query)
    }

    /// Runs a query over the table `tally`, which the first such query creates: all calls of the question are read once.
    fn read_tally<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.tally.get().is_none() {
            let connection = self.store.reader()?;
            let sql = TALLY.replace("FROM scope", &format!("FROM (\n{SCOPE}\n) AS scope"));
            self.store.read_on(&connection, |connection| {
                connection.execute(&sql, duckdb::params_from_iter(self.parameters()))?;
                Ok(())
            })?;
            // No other query of this question can run in between: it is not shared between threads.
            let _ = self.tally.set(connection);
        }
        match self.tally.get() {
            Some(connection) => self.store.read_on(connection, query),
            None => self.read(query),
        }
    }

    fn parameters(&self) -> [Option<String>; 6] {
        let scope = &self.scope;
        [
            scope.from.map(naive),
            scope.to.map(naive),
            scope.model.clone(),
            scope.provider.clone(),
            scope.source.clone(),
            Some(scope.by.to_owned()),
        ]
    }

    /// Calls by group.
    ///
    /// # Errors
    /// See [`TrafficStore`]; so do the other methods.
    pub fn groups(&self) -> Result<Vec<GroupRow>, StoreError> {
        self.read_tally(|connection| {
            Ok(rows!(
                connection,
                &over_groups(GROUPS, self.scope.by),
                [],
                GroupRow {
                    g,
                    model,
                    provider,
                    value,
                    provider_key,
                    provider_tag,
                    model_is_known,
                    endpoint_id,
                    calls,
                    replays,
                    first_at,
                    last_at,
                    stating,
                    failures,
                    rate_limited,
                    timeouts,
                    cancelled,
                    refused,
                    server_errors,
                    client_errors,
                    other_errors,
                    prompt,
                    read,
                    prompt_with_read,
                    cache_saving,
                    read_without_saving,
                    written,
                    output,
                    reasoning,
                    unpriced,
                    answered,
                    successful,
                    finish_not_recorded,
                    empty,
                    reasoning_only,
                    cut_off,
                }
            ))
        })
    }

    /// The sums of hit rates by group, and in all.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn rates(&self) -> Result<Vec<RateRow>, StoreError> {
        self.read(|connection| {
            Ok(rows!(
                connection,
                &over(RATES),
                self.parameters(),
                RateRow {
                    g,
                    calls,
                    without_session,
                    sessions,
                    clusters,
                    read,
                    prompt,
                    read_read,
                    read_prompt,
                    prompt_prompt,
                    later_read,
                    later_prompt,
                    hits,
                    reusable,
                    reused,
                    frozen,
                }
            ))
        })
    }

    /// Money by group and kind.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn paid(&self) -> Result<Vec<PaidRow>, StoreError> {
        self.read_tally(|connection| {
            Ok(rows!(
                connection,
                &over_groups(PAID, self.scope.by),
                [],
                PaidRow { g, kind, usd, calls, successes, output_tokens }
            ))
        })
    }

    /// Times by group and size class.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn times(&self) -> Result<Vec<TimesRow>, StoreError> {
        self.read(|connection| {
            Ok(rows!(
                connection,
                &over(TIMES),
                self.parameters(),
                TimesRow { g, size, latencies, latency_50, latency_95, ttfts, ttft_50, ttft_95 }
            ))
        })
    }

    /// Spend by platform, model, month, key and app.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn spend(&self) -> Result<Vec<SpendRow>, StoreError> {
        self.read_tally(|connection| {
            Ok(rows!(connection, SPEND, [], SpendRow { what, value, kind, usd, calls, unpriced }))
        })
    }

    /// Sums that sources export instead of calls.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn aggregates(&self) -> Result<Vec<AggregateRow>, StoreError> {
        self.read_tally(|connection| {
            Ok(rows!(
                connection,
                AGGREGATES,
                [],
                AggregateRow {
                    source,
                    platform,
                    model,
                    kind,
                    rows,
                    requests,
                    prompt,
                    read,
                    written,
                    output,
                    reasoning,
                    usd,
                }
            ))
        })
    }

    /// Overheads by platform; rows without calls are left out.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn overheads(&self) -> Result<Vec<OverheadRow>, StoreError> {
        let mut found = Vec::new();
        self.read(|connection| {
            for batch in columns::batches(&mut connection.prepare(&over(OVERHEADS))?, self.parameters())? {
                let batch = batch?;
                let router = records!(
                    &batch,
                    OverheadRow {
                        platform,
                        without_session: r_alone,
                        calls: r_calls,
                        clusters: r_clusters,
                        added: r_added,
                        added_added: r_added_added,
                        added_calls: r_added_calls,
                        calls_calls: r_calls_calls,
                        p50: r_p50,
                        p95: r_p95,
                        share: r_share,
                        ..OverheadRow { measure: "router_ms", ..OverheadRow::default() }
                    }
                );
                let all = records!(
                    &batch,
                    OverheadRow {
                        platform,
                        without_session: o_alone,
                        calls: o_calls,
                        clusters: o_clusters,
                        added: o_added,
                        added_added: o_added_added,
                        added_calls: o_added_calls,
                        calls_calls: o_calls_calls,
                        p50: o_p50,
                        p95: o_p95,
                        share: o_share,
                        ..OverheadRow { measure: "overhead_ms", ..OverheadRow::default() }
                    }
                );
                found.extend(router.into_iter().chain(all).filter(|row| row.calls > 0));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Days by model and provider, whatever the grouping of the scope.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn days(&self) -> Result<Vec<DayRow>, StoreError> {
        self.read_tally(|connection| day_rows(connection, DAYS, []))
    }

    /// The same without the table that the other methods read: faster if nothing else is asked.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn days_alone(&self) -> Result<Vec<DayRow>, StoreError> {
        let sql = format!("WITH scope AS (\n{SCOPE}\n), tally AS (\n{DAY_TALLY}\n)\nFROM (\n{DAYS}\n)");
        self.read(|connection| day_rows(connection, &sql, self.parameters()))
    }

    /// The imported sources.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn sources(&self) -> Result<Vec<SourceRow>, StoreError> {
        self.read_tally(|connection| {
            Ok(rows!(
                connection,
                SOURCES,
                [],
                SourceRow { source, format, files, calls, without_time, states_failures }
            ))
        })
    }

    /// Judged calls by group, cause and class of pause.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn misses(&self, hosts: &[HostFacts]) -> Result<Vec<MissRow>, StoreError> {
        self.read(|connection| {
            Ok(rows!(
                connection,
                &over_judged(MISSES, hosts),
                self.parameters(),
                MissRow { g, cause, gap, calls, hits, reusable, unread, with_unread }
            ))
        })
    }

    /// The most expensive misses, at most 20.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn miss_examples(&self, hosts: &[HostFacts]) -> Result<Vec<ExampleRow>, StoreError> {
        self.read(|connection| {
            Ok(rows!(
                connection,
                &over_judged(EXAMPLES, hosts),
                self.parameters(),
                ExampleRow { g, session, time, cause, pause, prompt, read, unread }
            ))
        })
    }

    /// Calls whose hits cannot be judged.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn unjudged(&self) -> Result<UnjudgedRow, StoreError> {
        self.read(|connection| {
            let rows = rows!(
                connection,
                &over(UNJUDGED),
                self.parameters(),
                UnjudgedRow { calls, without_session, without_prompt, without_read }
            );
            Ok(rows.into_iter().next().unwrap_or_default())
        })
    }

    /// Number and typical size of the sessions.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn session_totals(&self) -> Result<SessionTotals, StoreError> {
        self.read(|connection| {
            let rows = rows!(
                connection,
                &over(SESSION_TOTALS),
                self.parameters(),
                SessionTotals { sessions, without_session, turns, prompt, seconds, hit_rate }
            );
            Ok(rows.into_iter().next().unwrap_or_default())
        })
    }

    /// The calls of the `top` sessions with the most prompt tokens, session by session in chronological order.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn session_calls(&self, top: u32) -> Result<Vec<SessionCallRow>, StoreError> {
        let [from, to, model, provider, source, by] = self.parameters();
        let parameters = [from, to, model, provider, source, by, Some(top.to_string())];
        self.read(|connection| {
            Ok(rows!(
                connection,
                &over(SESSION_CALLS),
                parameters,
                SessionCallRow {
                    place,
                    session,
                    kind,
                    agent,
                    parent,
                    source,
                    time,
                    model,
                    provider,
                    host,
                    prompt,
                    read,
                    output,
                    paid,
                    paid_kind,
                    is_failure,
                }
            ))
        })
    }
}

fn day_rows(connection: &Connection, sql: &str, parameters: impl Params) -> Result<Vec<DayRow>, StoreError> {
    Ok(rows!(
        connection,
        sql,
        parameters,
        DayRow {
            model,
            provider,
            day,
            calls,
            with_read,
            read,
            prompt,
            prompts,
            typical_prompt,
            outputs,
            typical_output,
        }
    ))
}
