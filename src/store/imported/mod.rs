//! Imported data: tables of their own, compared with the record and with each other when they are stored. Nothing here
//! enters readings, tiers, recommendations or the backtest.

mod parquet;
mod read;
mod stage;

pub use read::ImportedDayRow;

use super::columns::{self, naive, rows};
use super::transaction::{of_file, taken_back, transaction};
use super::{Store, StoreError};
use crate::domain::format::grouped;
use crate::domain::imported::{ImportBatch, ImportReport, ImportSource, ImportedParts};
use crate::failpoint;
use duckdb::{Connection, params};
use std::collections::HashMap;

const STAGE: &str = include_str!("../../../queries/imports/stage.sql");
const VERDICT: &str = include_str!("../../../queries/imports/verdict.sql");

/// Most examples that a report lists.
const MOST_EXAMPLES: usize = 20;
/// Longest example, characters.
const LONGEST_EXAMPLE: usize = 300;

/// How to import a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImportedAs {
    /// Name of the source; by default its kind and the start of its sha256. A number is appended if it is taken.
    pub name: Option<String>,
    /// Whether to store nothing and only report what would be stored.
    pub dry_run: bool,
}

/// One kind of imported rows.
struct Rows {
    table: &'static str,
    /// Columns behind the key of the endpoint, or all columns if there is no such key.
    columns: &'static str,
    has_endpoint: bool,
    compare: &'static str,
    /// What a row is, for examples: an SQL expression over the staged row `s` and its endpoint `e`.
    label: &'static str,
}

const KINDS: [Rows; 4] = [
    Rows {
        table: "imported_day",
        columns: "day, read_at, hit_rate, basis, tokens, effective_input, effective_output, uptime, throughput, latency_ms",
        has_endpoint: true,
        compare: include_str!("../../../queries/imports/compare_days.sql"),
        label: "s.day",
    },
    Rows {
        table: "imported_price",
        columns: "since, list_input, list_output, list_cache_read, list_cache_write, discount",
        has_endpoint: true,
        compare: include_str!("../../../queries/imports/compare_prices.sql"),
        label: "s.since",
    },
    Rows {
        table: "imported_uptime",
        columns: "start, minutes, uptime",
        has_endpoint: true,
        compare: include_str!("../../../queries/imports/compare_uptimes.sql"),
        label: "s.start",
    },
    Rows {
        table: "imported_activity",
        columns: "model, variant, day, prompt_tokens, completion_tokens, cached_tokens, requests",
        has_endpoint: false,
        compare: include_str!("../../../queries/imports/compare_activity.sql"),
        label: "s.day",
    },
];

impl Store {
    /// Imports a batch: stores the rows that neither the record nor an earlier import has, and reports those that differ.
    /// The same content is imported once.
    ///
    /// # Errors
    /// [`StoreError::Query`]; then nothing of the batch is stored.
    pub fn import(&self, batch: &ImportBatch) -> Result<ImportReport, StoreError> {
        self.import_parts(batch, &ImportedParts::default(), &ImportedAs::default())
    }

    /// Imports a batch like [`Store::import`], with rows that cover parts of days and hours, under a given name or
    /// without storing it.
    ///
    /// # Errors
    /// As [`Store::import`].
    pub fn import_parts(
        &self,
        batch: &ImportBatch,
        parts: &ImportedParts,
        how: &ImportedAs,
    ) -> Result<ImportReport, StoreError> {
        let connection = self.writer()?;
        let change = || {
            let report = import(&connection, batch, parts, how)?;
            failpoint::reach("import.rows").map_err(of_file(&connection))?;
            Ok(report)
        };
        if how.dry_run { taken_back(&connection, change) } else { transaction(&connection, change) }
    }
}

fn import(
    connection: &Connection,
    batch: &ImportBatch,
    parts: &ImportedParts,
    how: &ImportedAs,
) -> Result<ImportReport, StoreError> {
    let rows_in_all = batch.days.len()
        + batch.prices.len()
        + batch.uptimes.len()
        + batch.activity.len()
        + parts.readings.len()
        + parts.half_hours.len();
    if is_imported(connection, &batch.source.sha256)? {
        let refused = batch.refused.len();
        return Ok(ImportReport { known: rows_in_all, refused, ..ImportReport::default() });
    }
    connection.execute_batch(STAGE)?;
    let refused = stage::stage(connection, batch, parts)?;
    let sql = "SELECT coalesce(max(source_no), 0) + 1 AS number FROM import_source";
    let source_no = rows!(connection, sql, [], |number: i32| number).pop().unwrap_or(1);
    let mut report = ImportReport { refused: batch.refused.len() + refused.len(), ..ImportReport::default() };
    for kind in &KINDS {
        kind.store(connection, source_no, &mut report)?;
    }
    let refused = reasons(batch.refused.iter().chain(&refused));
    // Half of the examples may be refused rows, more if there are fewer disagreements.
    report.examples.truncate(MOST_EXAMPLES);
    let room = (MOST_EXAMPLES - report.examples.len()).max(MOST_EXAMPLES / 2);
    report.examples.truncate(MOST_EXAMPLES - refused.len().min(room));
    report.examples.extend(refused.into_iter().take(room));
    for example in &mut report.examples {
        *example = shortened(example);
    }
    insert_source(connection, source_no, &batch.source, how.name.as_deref(), &report)?;
    Ok(report)
}

/// Why rows were refused, each reason once with the first of its rows: "line 7: it is not UTF-8 text (and 3 more)".
fn reasons<'a>(refused: impl Iterator<Item = &'a (String, String)>) -> Vec<String> {
    let mut reasons: Vec<(&str, &str, usize)> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (place, why) in refused.map(|(place, why)| (place.as_str(), why.as_str())) {
        let at = *known.entry(why).or_insert(reasons.len());
        match reasons.get_mut(at) {
            Some((_, _, more)) => *more += 1,
            None => reasons.push((place, why, 0)),
        }
    }
    let words = |(place, why, more): (&str, &str, usize)| match more {
        0 => format!("{place}: {why}"),
        more => format!("{place}: {why} (and {} more)", grouped(more as u64)),
    };
    reasons.into_iter().map(words).collect()
}

/// An example on one line, at most [`LONGEST_EXAMPLE`] characters: names in it are untrusted.
fn shortened(text: &str) -> String {
    let line = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut short: String = line.take(LONGEST_EXAMPLE).collect();
    if text.chars().nth(LONGEST_EXAMPLE).is_some() {
        short.push('…');
    }
    short
}

fn is_imported(connection: &Connection, sha256: &str) -> Result<bool, StoreError> {
    let sql = "SELECT source_no FROM import_source WHERE sha256 = ?";
    Ok(!rows!(connection, sql, [sha256], |source_no: i32| source_no).is_empty())
}

fn insert_source(
    connection: &Connection,
    source_no: i32,
    source: &ImportSource,
    name: Option<&str>,
    report: &ImportReport,
) -> Result<(), StoreError> {
    let start: String = source.sha256.chars().take(8).collect();
    let wanted = name.map_or_else(|| format!("{}-{start}", source.kind), str::to_owned);
    let sql = "SELECT name FROM import_source";
    let taken = rows!(connection, sql, [], |name: String| name);
    let numbered = (2..).map(|number: u32| format!("{wanted}-{number}"));
    let free = std::iter::once(wanted.clone()).chain(numbered).find(|name| !taken.contains(name));
    let examples = serde_json::to_string(&report.examples)
        .map_err(|error| StoreError::Content { what: "list of examples", detail: error.to_string() })?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT INTO import_source VALUES (?, ?, ?, ?, ?, CAST(? AS TIMESTAMP), ?, ?, ?, ?, ?, ?)",
        params![
            source_no,
            free.unwrap_or(wanted),
            source.kind.as_str(),
            source.origin,
            source.sha256,
            naive(source.fetched_at),
            count(report.stored),
            count(report.known),
            count(report.disagreements),
            count(report.unmatched),
            count(report.refused),
            examples,
        ],
    )?;
    Ok(())
}

impl Rows {
    /// Compares the staged rows, stores those that are new or differ, and adds them to the report.
    fn store(
        &self,
        connection: &Connection,
        source_no: i32,
        report: &mut ImportReport,
    ) -> Result<(), StoreError> {
        let Self { table, columns, .. } = self;
        connection.execute_batch(&format!("DELETE FROM compared;\n{};\n{VERDICT};", self.compare))?;
        let (key, join, names, label) = if self.has_endpoint {
            (
                "imported_no, ",
                "JOIN imported_who w USING (imported_no) JOIN imported_endpoint e USING (imported_no)",
                "w.who, ",
                "concat_ws(' ', e.model, e.variant, coalesce(e.tag, e.provider_name, CAST(e.endpoint_id AS VARCHAR)), ",
            )
        } else {
            ("", "", "", "concat_ws(' ', s.model, s.variant, ")
        };
        let unknown = if self.has_endpoint {
            "w.endpoint_no IS NULL AND NOT (coalesce(e.tag, e.provider_name, e.provider, CAST(e.endpoint_id AS VARCHAR)) \
             IS NULL AND e.model IN (SELECT model FROM model_history UNION SELECT model_id FROM model_history))"
        } else {
            "s.model NOT IN (SELECT model FROM model_history)"
        };
        // A row that an earlier import has as it is, also one that differs from the record, is known.
        connection.execute_batch(&format!(
            "CREATE OR REPLACE TEMP TABLE repeated AS
             SELECT place FROM (
                SELECT place, row_number() OVER (PARTITION BY {who}{columns} ORDER BY source_no, place) AS turn
                FROM (
                    SELECT CAST(-1 AS BIGINT) AS place, s.source_no, {names}{columns} FROM {table} s {join}
                    UNION ALL
                    SELECT s.place, 2147483647, {names}{columns} FROM stage_{table} s {join}
                )
             ) WHERE place >= 0 AND turn > 1",
            who = if self.has_endpoint { "who, " } else { "" },
        ))?;
        let judged = format!(
            "SELECT s.*, CASE WHEN r.place IS NULL THEN v.differs END AS differs,
                v.is_known OR r.place IS NOT NULL AS is_known, {unknown} AS is_unmatched,
                {label}{of}) AS label
             FROM stage_{table} s JOIN verdict v USING (place) LEFT JOIN repeated r USING (place) {join}",
            of = self.label
        );
        connection.execute_batch(&format!("CREATE OR REPLACE TEMP TABLE judged AS {judged}"))?;
        let sql = "SELECT count(*) FILTER (WHERE differs IS NULL AND NOT is_known) AS stored,
                count(*) FILTER (WHERE differs IS NULL AND is_known) AS known,
                count(*) FILTER (WHERE differs IS NOT NULL) AS disagreements,
                count(*) FILTER (WHERE is_unmatched) AS unmatched FROM judged";
        let counts =
            rows!(connection, sql, [], |stored: usize,
                                        known: usize,
                                        disagreements: usize,
                                        unmatched: usize| [
                stored,
                known,
                disagreements,
                unmatched
            ]);
        if let Some([stored, known, disagreements, unmatched]) = counts.first() {
            report.stored += stored;
            report.known += known;
            report.disagreements += disagreements;
            report.unmatched += unmatched;
        }
        let sql = format!(
            "SELECT concat(label, ': ', differs) AS example FROM judged WHERE differs IS NOT NULL ORDER BY place LIMIT {MOST_EXAMPLES}"
        );
        report.examples.extend(rows!(connection, &sql, [], |example: String| example));
        connection.execute_batch(&format!(
            "INSERT INTO {table} SELECT {source_no}, {key}{columns}, differs FROM judged
             WHERE differs IS NOT NULL OR NOT is_known ORDER BY place"
        ))?;
        Ok(())
    }
}
