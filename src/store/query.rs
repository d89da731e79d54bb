//! Answers a question in SQL over the documented views, within limits. DuckDB's own parser decides what a question is:
//! one SELECT over these views, common table expressions and a few harmless table functions.

use super::columns::{self, rows};
use super::link::Reader;
use super::views::{self, EVERYTHING};
use super::{Store, StoreError};
use chrono::DateTime;
use duckdb::Connection;
use duckdb::arrow::array::{Array, AsArray, RecordBatch};
use duckdb::arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use duckdb::arrow::util::display::array_value_to_string;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, TryLockError, mpsc};
use std::time::{Duration, Instant};

/// Longest question, bytes.
pub const MAX_SQL: usize = 16_000;
/// Most rows that an answer may have.
pub const MAX_ROWS: usize = 1_000_000;
/// Longest time that a question may take.
pub const MAX_QUERY_TIME: Duration = Duration::from_secs(120);
/// Most bytes that an answer may have as JSON: a server sends it in one response.
pub const MAX_ANSWER: usize = 24 * 1024 * 1024;
/// Most memory for intermediate results, in memory and spilled to disk, bytes.
pub const MAX_QUERY_MEMORY: i64 = 512 * 1024 * 1024;

/// How often memory is checked.
const WATCH_EVERY: Duration = Duration::from_millis(50);

/// Table functions that read nothing but their arguments.
const TABLE_FUNCTIONS: &[&str] = &["generate_series", "range", "unnest", "json_each", "json_tree"];
/// Functions that read the state of the process instead of data.
const REFUSED_FUNCTIONS: &[&str] =
    &["current_setting", "currval", "getenv", "getvariable", "nextval", "sleep_ms", "write_log"];
/// Macros in place of functions that could take any time or memory in one call.
const FUNCTION_LIMITS: &str = include_str!("../../queries/question/limits.sql");
/// Functions that write a number as wide as their first argument states.
const FORMATS: &[&str] = &["format", "printf"];

/// The tables, table functions and functions of a parsed question, with their places in its text.
const PARTS: &str = "
    SELECT value->>'type' AS kind, coalesce(value->>'table_name', '') AS table_name,
        coalesce(value->>'schema_name', '') || coalesce(value->>'catalog_name', '') AS schema_name,
        coalesce(value->'function'->>'function_name', value->>'function_name', '') AS function_name,
        coalesce(value->>'schema', '') || coalesce(value->>'catalog', '') AS qualifier,
        value->'children'->0->'value'->>'value' AS first_constant,
        json_type(value->'query') = 'OBJECT' AS has_query,
        TRY_CAST(value->>'query_location' AS BIGINT) AS place
    FROM json_tree(CAST(? AS JSON))
    WHERE type = 'OBJECT' AND (value->>'type') IN ('BASE_TABLE', 'TABLE_FUNCTION', 'SHOW_REF', 'FUNCTION', 'VALUE_PARAMETER')";
/// The names of its common table expressions.
const EXPRESSIONS: &str = "
    SELECT value->>'key' AS name FROM json_tree(CAST(? AS JSON))
    WHERE type = 'OBJECT' AND json_exists(value, '$.value.query')";
/// The tables and views that a question could read under the name of an expression that is not in its scope.
const TABLES: &str = "
    SELECT lower(table_name) AS name FROM duckdb_tables()
    UNION SELECT lower(view_name) FROM duckdb_views() WHERE schema_name <> 'information_schema'";

/// Limits of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryLimits {
    /// Most rows, at most [`MAX_ROWS`].
    pub rows: usize,
    /// Longest time, seconds, at most [`MAX_QUERY_TIME`].
    pub seconds: u64,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// The columns, in order.
    pub columns: Vec<QueryColumn>,
    /// The rows: numbers, texts and booleans; times as RFC 3339 texts, days as `YYYY-MM-DD`.
    pub rows: Vec<Vec<Value>>,
    /// Which limit cut the answer; null: it is complete.
    pub cut: Option<QueryCut>,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryColumn {
    /// Name.
    pub name: String,
    /// Type.
    pub r#type: String,
}

/// A limit that cut an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryCut {
    /// This number of rows.
    Rows(usize),
    /// This number of bytes.
    Bytes(usize),
}

/// One question at a time, so that questions share the limits instead of adding up.
static TURN: Mutex<()> = Mutex::new(());

impl Store {
    /// Answers a question in SQL over the documented views ([`Store::views`]). It reads on a connection of its own and
    /// changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if the question is not one SELECT over these views, or another one is being answered;
    /// [`StoreError::TimedOut`], [`StoreError::TooMuchMemory`], or the error of DuckDB with the place in the text.
    pub fn query(&self, sql: &str, limits: QueryLimits) -> Result<QueryAnswer, StoreError> {
        let limit = Duration::from_secs(limits.seconds).min(MAX_QUERY_TIME);
        let refused = |detail: String| Err(StoreError::Refused(detail));
        if sql.len() > MAX_SQL {
            return refused(format!("the SQL has {} bytes; at most {MAX_SQL} are accepted", sql.len()));
        }
        let _turn = match TURN.try_lock() {
            Ok(turn) => turn,
            // A panic while a question was answered leaves nothing behind: its connection is gone.
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return refused("another query is being answered; try again when it is done".to_owned());
            }
        };
        let connection = self.reader()?;
        let watch = self.reader()?;
        within(&connection, watch, limit, || {
            let used = check(&connection, sql)?;
            prepare(&connection, &used)?;
            answer(&connection, sql, limits.rows.min(MAX_ROWS))
        })
        .map_err(plain)
    }
}

/// The message of DuckDB about a question, without the words about this program's own queries.
fn plain(error: StoreError) -> StoreError {
    match error {
        StoreError::Query(duckdb::Error::DuckDBFailure(_, Some(message))) => {
            if message.starts_with("Out of Memory Error") {
                return StoreError::TooMuchMemory { mib: MAX_QUERY_MEMORY / (1024 * 1024) };
            }
            StoreError::Refused(message)
        }
        other => other,
    }
}

/// Whether a name can be that of a common table expression: it must not name a file or a table, because such a name
/// outside the scope of the expression would be read as one.
fn is_free(name: &str, tables: &[String]) -> bool {
    !name.contains(['.', '/', '\\', ':']) && !tables.iter().any(|table| table == name)
}

/// Whether the first argument of a format function is a constant that asks for no huge width.
fn is_narrow(constant: Option<&str>) -> bool {
    constant.is_some_and(|text| {
        let longest = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
        let mut depth = 0;
        // A width in braces of its own is an argument.
        let is_nested = text.replace("{{", "").replace("}}", "").chars().any(|c| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth > 1
        });
        longest < 5 && !text.contains('*') && !is_nested
    })
}

/// Runs a query, and interrupts it after a time or if it takes too much memory. `watch` is another connection.
fn within<T>(
    connection: &Connection,
    watch: Reader,
    limit: Duration,
    query: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let handle = connection.interrupt_handle();
    let (done, wait) = mpsc::channel::<()>();
    let (is_late, is_large) = (AtomicBool::new(false), AtomicBool::new(false));
    let until = Instant::now() + limit;
    let answered = std::thread::scope(|scope| {
        let (is_late, is_large) = (&is_late, &is_large);
        scope.spawn(move || {
            while wait.recv_timeout(WATCH_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                if Instant::now() >= until {
                    is_late.store(true, Ordering::Relaxed);
                } else if memory(&watch).is_ok_and(|used| used > MAX_QUERY_MEMORY) {
                    is_large.store(true, Ordering::Relaxed);
                } else {
                    continue;
                }
                // Again at every step: an interrupt between two statements is lost.
                handle.interrupt();
            }
        });
        let answered = query();
        drop(done);
        answered
    });
    match answered {
        Err(_) if is_late.load(Ordering::Relaxed) => Err(StoreError::TimedOut { seconds: limit.as_secs() }),
        Err(_) if is_large.load(Ordering::Relaxed) => {
            Err(StoreError::TooMuchMemory { mib: MAX_QUERY_MEMORY / (1024 * 1024) })
        }
        answered => answered,
    }
}

/// The memory that intermediate results of all queries take, in memory and spilled to disk, bytes. Cached parts of the
/// database file do not count: DuckDB drops them when memory is needed.
fn memory(watch: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT CAST(sum(temporary_storage_bytes) + sum(CASE WHEN tag IN
            ('BASE_TABLE', 'METADATA', 'OBJECT_CACHE', 'TRANSACTION', 'EXTERNAL_FILE_CACHE')
            THEN 0 ELSE memory_usage_bytes END) AS BIGINT) AS used
        FROM duckdb_memory()";
    Ok(rows!(watch, sql, [], |used: Option<i64>| used).pop().flatten().unwrap_or(0))
}

/// Checks that a question is one SELECT over the documented views, and returns the views that it names.
fn check(connection: &Connection, sql: &str) -> Result<Vec<&'static str>, StoreError> {
    let parse = "SELECT coalesce(parsed->>'error', '') = 'true' AS failed, coalesce(parsed->>'error_message', '') AS message,
            TRY_CAST(parsed->>'position' AS BIGINT) AS place,
            coalesce(CAST(json_array_length(parsed, '$.statements') AS BIGINT), 0) AS statements,
            CAST(parsed AS VARCHAR) AS tree
        FROM (SELECT json_serialize_sql(CAST(? AS VARCHAR)) AS parsed)";
    let parsed =
        rows!(connection, parse, [sql], |failed: bool,
                                         message: String,
                                         place: Option<i64>,
                                         statements: i64,
                                         tree: String| (
            failed, message, place, statements, tree
        ));
    let Some((failed, message, place, statements, tree)) = parsed.into_iter().next() else {
        return Err(StoreError::Refused("the SQL cannot be parsed".to_owned()));
    };
    let refused = |detail: String, place: Option<i64>| {
        let place = place.and_then(|at| position(sql, at)).map(|at| format!(" ({at})")).unwrap_or_default();
        Err(StoreError::Refused(format!("{detail}{place}")))
    };
    if failed && message.contains("Only SELECT") {
        return refused("only SELECT is answered; the record is read-only".to_owned(), None);
    }
    if failed {
        return refused(message, place);
    }
    if statements != 1 {
        return refused(format!("expected one SELECT, found {statements} statements"), None);
    }
    let expressions = rows!(connection, EXPRESSIONS, [&tree], |name: String| name.to_lowercase());
    let tables = rows!(connection, TABLES, [], |name: String| name);
    if let Some(taken) =
        expressions.iter().find(|name| !views::names().any(|view| view == **name) && !is_free(name, &tables))
    {
        return refused(format!("`{taken}` cannot be the name of an expression; choose another name"), None);
    }
    let limited: Vec<&str> = FUNCTION_LIMITS
        .lines()
        .filter_map(|line| line.strip_prefix("CREATE OR REPLACE TEMP MACRO ")?.split('(').next())
        .collect();
    let parts =
        rows!(connection, PARTS, [&tree], |kind: String,
                                           table_name: String,
                                           schema_name: String,
                                           function_name: String,
                                           qualifier: String,
                                           first_constant: Option<String>,
                                           has_query: Option<bool>,
                                           place: Option<i64>| (
            kind,
            table_name.to_lowercase(),
            schema_name,
            (function_name.to_lowercase(), qualifier, first_constant),
            has_query == Some(true),
            place
        ));
    let mut used = Vec::new();
    for (kind, table, schema, (function, qualifier, first_constant), has_query, place) in parts {
        let view = views::names().find(|name| schema.is_empty() && *name == table);
        match kind.as_str() {
            "BASE_TABLE" if view.is_some() => used.extend(view),
            "BASE_TABLE" if schema.is_empty() && expressions.contains(&table) => {}
            "BASE_TABLE" => {
                let known = views::names().collect::<Vec<_>>().join(", ");
                return refused(format!("there is no view `{table}`; the views are {known}"), place);
            }
            "TABLE_FUNCTION" if TABLE_FUNCTIONS.contains(&function.as_str()) => {}
            "TABLE_FUNCTION" => {
                let known = TABLE_FUNCTIONS.join(", ");
                return refused(
                    format!("the table function `{function}` is not available; {known} are"),
                    place,
                );
            }
            "SHOW_REF" if has_query => {}
            "SHOW_REF" => {
                return refused(
                    "SHOW is not available; `hitrate query --views` lists the views".to_owned(),
                    None,
                );
            }
            "VALUE_PARAMETER" => {
                return refused("there are no parameters; write the value into the SQL".to_owned(), place);
            }
            _ if REFUSED_FUNCTIONS.contains(&function.as_str()) => {
                return refused(format!("the function `{function}` is not available"), place);
            }
            _ if limited.contains(&function.as_str()) && !qualifier.is_empty() => {
                return refused(format!("write `{function}` without a schema"), place);
            }
            _ if FORMATS.contains(&function.as_str()) && !is_narrow(first_constant.as_deref()) => {
                return refused(
                    format!("the format of `{function}` must be a constant with widths under 10,000"),
                    place,
                );
            }
            _ => {}
        }
    }
    used.sort_unstable();
    used.dedup();
    Ok(used)
}

/// A place in a text, for people; `None` beyond its end.
fn position(sql: &str, at: i64) -> Option<String> {
    let before = sql.get(..usize::try_from(at).ok()?)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    Some(format!("line {line}, column {column}"))
}

/// Makes the views that a question names, on its connection alone, and keeps it from writing.
fn prepare(connection: &Connection, used: &[&str]) -> Result<(), StoreError> {
    connection.execute_batch("SET TimeZone = 'UTC'")?;
    let as_of = views::as_of(connection)?;
    for name in used {
        if let Some(query) = views::query(name, EVERYTHING, as_of) {
            connection.execute_batch(&format!("CREATE OR REPLACE TEMP VIEW {name} AS {query}"))?;
        }
    }
    connection.execute_batch(FUNCTION_LIMITS)?;
    Ok(connection.execute_batch("BEGIN TRANSACTION READ ONLY")?)
}

/// Reads the rows batch by batch, until a limit is reached: DuckDB computes no more than what is read.
fn answer(connection: &Connection, sql: &str, most: usize) -> Result<QueryAnswer, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let _ = statement.stream_arrow([])?;
    let schema = statement.schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| QueryColumn { name: field.name().clone(), r#type: kind(field.data_type()) });
    let mut answer = QueryAnswer { columns: columns.collect(), rows: Vec::new(), cut: None };
    let mut bytes = 0;
    while let Some(array) = statement.step()? {
        let batch = RecordBatch::from(&array);
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().map(|column| value(column.as_ref(), row));
            let values: Vec<Value> = values.collect::<Result<_, _>>()?;
            bytes += values.iter().map(size).sum::<usize>();
            if answer.rows.len() == most {
                answer.cut = Some(QueryCut::Rows(most));
                return Ok(answer);
            }
            if bytes > MAX_ANSWER {
                answer.cut = Some(QueryCut::Bytes(MAX_ANSWER));
                return Ok(answer);
            }
            answer.rows.push(values);
        }
    }
    Ok(answer)
}

/// The bytes of a value in an answer.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text)
            if !text.is_ascii() || text.contains(|c: char| c.is_control() || c == '"' || c == '\\') =>
        {
            value.to_string().len() + 1
        }
        Value::String(text) => text.len() + 3,
        _ => 12,
    }
}

/// The name of a type, as DuckDB names it.
fn kind(kind: &DataType) -> String {
    let name = match kind {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Utf8 => "VARCHAR",
        DataType::Date32 => "DATE",
        DataType::Timestamp(_, _) => "TIMESTAMP",
        DataType::Decimal128(_, 0) => "HUGEINT",
        other => return other.to_string(),
    };
    name.to_owned()
}

/// A value as JSON. Numbers that JSON does not have (NaN, infinity) and values of other types are texts.
fn value(column: &dyn Array, row: usize) -> Result<Value, StoreError> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    let float = |number: f64| {
        Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
    };
    let text = || {
        array_value_to_string(column, row)
            .map_err(|error| StoreError::Content { what: "value", detail: error.to_string() })
    };
    Ok(match column.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float32 => float(column.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            DateTime::from_timestamp(i64::from(days) * 86_400, 0)
                .map_or_else(|| Value::Null, |day| day.date_naive().to_string().into())
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let time = DateTime::from_timestamp_micros(micros);
            time.map_or(Value::Null, |time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true).into())
        }
        // Sums of whole numbers and exact decimals.
        DataType::Decimal32(_, _)
        | DataType::Decimal64(_, _)
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => {
            let text = text()?;
            let whole = text.parse::<i64>().map(Value::from);
            whole.or_else(|_| text.parse::<f64>().map(float)).unwrap_or(Value::String(text))
        }
        _ => Value::String(text()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_with_huge_or_variable_widths_are_not_narrow() {
        for narrow in ["%5.2f", "{:>9}", "{} {{}} {}", "{:.3f} of {:04d}"] {
            assert!(is_narrow(Some(narrow)), "{narrow}");
        }
        for wide in [Some("%200000d"), Some("%*d"), Some("{:>{}}"), Some("{:.{}f}"), None] {
            assert!(!is_narrow(wide), "{wide:?}");
        }
    }
}
