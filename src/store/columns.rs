//! Reads query results: the only way from SQL to Rust values. Columns are found by name once per batch, because with
//! tens of thousands of rows a search for every single value takes longer than the query.

use super::StoreError;
use crate::domain::change::ChangedField;
use crate::domain::document::RouteAnswer;
use crate::domain::hourly::Refusal;
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::imported::ImportKind;
use crate::domain::reading::RunStatus;
use crate::domain::tier::{Lens, Tier};
use crate::domain::window::{Basis, WindowKind};
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::arrow::array::{
    Array, AsArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use duckdb::arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use duckdb::{Params, Statement};
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A time in the format of DuckDB's naive TIMESTAMP.
pub(super) fn naive(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// The batches of a query's result. The iterator of the library panics if one of them cannot be fetched; this one returns
/// the error.
pub(super) fn batches<P: Params>(
    statement: &mut Statement<'_>,
    parameters: P,
) -> Result<impl Iterator<Item = Result<RecordBatch, StoreError>>, StoreError> {
    let _ = statement.query_arrow(parameters)?;
    let statement = &*statement;
    Ok(std::iter::from_fn(move || statement.step().transpose()).map(|array| Ok(RecordBatch::from(&array?))))
}

/// Evaluates an expression for each row of a batch. Its variables are the columns of the same names, each as its type;
/// null is an error unless the type is an `Option`.
macro_rules! each_row {
    ($batch:expr, |$($name:ident: $kind:ty),+ $(,)?| $row:expr) => {
        $(let $name = columns::Column::of($batch, stringify!($name))?;)+
        for row in 0..$batch.num_rows() {
            $(let $name: $kind = $name.get(row)?;)+
            $row;
        }
    };
}
pub(super) use each_row;

/// The rows of a batch as a list of structs: each field has the value of the column of its name, or of the column named
/// behind it, as its type.
macro_rules! records {
    ($batch:expr, $type:ident { $($field:ident $(: $column:ident)?),+ $(, ..$rest:expr)? $(,)? }) => {{
        $(let $field = columns::Column::of($batch, columns::column_name!($field $($column)?))?;)+
        let mut records = Vec::with_capacity($batch.num_rows());
        for row in 0..$batch.num_rows() {
            records.push($type { $($field: $field.get(row)?,)+ $(..$rest)? });
        }
        records
    }};
}
pub(super) use records;

macro_rules! column_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $column:ident) => {
        stringify!($column)
    };
}
pub(super) use column_name;

/// Runs a query and returns the list of its rows: each made by an expression as in [`each_row`], or a struct as in
/// [`records`].
macro_rules! rows {
    ($connection:expr, $sql:expr, $parameters:expr, $type:ident { $($fields:tt)+ }) => {{
        let mut rows = Vec::new();
        for batch in columns::batches(&mut $connection.prepare($sql)?, $parameters)? {
            let batch = batch?;
            rows.extend(columns::records!(&batch, $type { $($fields)+ }));
        }
        rows
    }};
    ($connection:expr, $sql:expr, $parameters:expr, |$($name:ident: $kind:ty),+ $(,)?| $row:expr) => {{
        let mut rows = Vec::new();
        for batch in columns::batches(&mut $connection.prepare($sql)?, $parameters)? {
            let batch = batch?;
            columns::each_row!(&batch, |$($name: $kind),+| rows.push($row));
        }
        rows
    }};
}
pub(super) use rows;

/// The rows of a query as in [`rows`], read by a store within its time limit.
macro_rules! select {
    ($store:expr, $sql:expr, $parameters:expr, $($row:tt)+) => {
        $store.read(|connection| Ok(columns::rows!(connection, $sql, $parameters, $($row)+)))
    };
}
pub(super) use select;

/// A column of one batch.
pub(super) struct Column<'a> {
    name: &'static str,
    values: Values<'a>,
}

enum Values<'a> {
    Text(&'a StringArray),
    Float(&'a Float64Array),
    Short(&'a Int32Array),
    Long(&'a Int64Array),
    Flag(&'a BooleanArray),
    Time(&'a TimestampMicrosecondArray),
    Date(&'a Date32Array),
}

impl<'a> Column<'a> {
    /// The column of a name.
    ///
    /// # Errors
    /// If there is none, or if it has a type that is not read.
    pub fn of(batch: &'a RecordBatch, name: &'static str) -> Result<Self, StoreError> {
        let column = batch.column_by_name(name).ok_or_else(|| StoreError::Content {
            what: "query result",
            detail: format!("no column `{name}`"),
        })?;
        let values = match column.data_type() {
            DataType::Utf8 => Values::Text(column.as_string()),
            DataType::Float64 => Values::Float(column.as_primitive::<Float64Type>()),
            DataType::Int32 => Values::Short(column.as_primitive::<Int32Type>()),
            DataType::Int64 => Values::Long(column.as_primitive::<Int64Type>()),
            DataType::Boolean => Values::Flag(column.as_boolean()),
            DataType::Timestamp(TimeUnit::Microsecond, None) => {
                Values::Time(column.as_primitive::<TimestampMicrosecondType>())
            }
            DataType::Date32 => Values::Date(column.as_primitive::<Date32Type>()),
            other => return Err(unsupported(name, other)),
        };
        Ok(Self { name, values })
    }

    /// The value in a row.
    ///
    /// # Errors
    /// If the value is not one of this type, or null where the type has no null.
    pub fn get<T: Value>(&self, row: usize) -> Result<T, StoreError> {
        if self.array().is_null(row) { T::null(self.name) } else { T::read(self, row) }
    }

    fn array(&self) -> &dyn Array {
        match self.values {
            Values::Text(values) => values,
            Values::Float(values) => values,
            Values::Short(values) => values,
            Values::Long(values) => values,
            Values::Flag(values) => values,
            Values::Time(values) => values,
            Values::Date(values) => values,
        }
    }

    pub fn text(&self, row: usize) -> Result<&'a str, StoreError> {
        match self.values {
            Values::Text(values) => Ok(values.value(row)),
            _ => Err(self.other_type()),
        }
    }

    fn other_type(&self) -> StoreError {
        unsupported(self.name, self.array().data_type())
    }
}

fn unsupported(column: &str, kind: &DataType) -> StoreError {
    StoreError::UnsupportedColumn { column: column.into(), kind: kind.to_string() }
}

/// What a value in a query result can be read as.
pub(super) trait Value: Sized {
    /// A value that is not null.
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError>;

    /// What null means.
    fn null(column: &str) -> Result<Self, StoreError> {
        Err(StoreError::Content { what: "query result", detail: format!("null in column `{column}`") })
    }
}

impl<T: Value> Value for Option<T> {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        T::read(column, row).map(Some)
    }
    fn null(_: &str) -> Result<Self, StoreError> {
        Ok(None)
    }
}

impl Value for f64 {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        match column.values {
            Values::Float(values) => Ok(values.value(row)),
            _ => Err(column.other_type()),
        }
    }
}

impl Value for bool {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        match column.values {
            Values::Flag(values) => Ok(values.value(row)),
            _ => Err(column.other_type()),
        }
    }
}

impl Value for i64 {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        match column.values {
            Values::Short(values) => Ok(values.value(row).into()),
            Values::Long(values) => Ok(values.value(row)),
            _ => Err(column.other_type()),
        }
    }
}

/// A UTC day: a DATE, or a number of days since 1970-01-01.
impl Value for NaiveDate {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        let days = match column.values {
            Values::Date(values) => values.value(row).into(),
            _ => i64::read(column, row)?,
        };
        let midnight = days.checked_mul(86_400).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        midnight.map(|midnight| midnight.date_naive()).ok_or_else(|| content("day", days))
    }
}

/// A time: a TIMESTAMP, or a number of microseconds since 1970.
impl Value for DateTime<Utc> {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        let micros = match column.values {
            Values::Time(values) => values.value(row),
            _ => i64::read(column, row)?,
        };
        DateTime::from_timestamp_micros(micros).ok_or_else(|| content("time", micros))
    }
}

impl Value for String {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        column.text(row).map(str::to_owned)
    }
}

impl Value for Uuid {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        Uuid::parse_str(column.text(row)?).map_err(|error| content("UUID", error))
    }
}

/// A list, stored as JSON text.
impl<T: DeserializeOwned> Value for Vec<T> {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        serde_json::from_str(column.text(row)?).map_err(|error| content("JSON value", error))
    }
}

macro_rules! smaller_integers {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
                let number = i64::read(column, row)?;
                number.try_into().map_err(|_| content("number", number))
            }
        }
    )+};
}
smaller_integers!(i32, u32, usize);

macro_rules! upstream_names {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
                column.text(row).map(<$type>::new)
            }
        }
    )+};
}
upstream_names!(ModelSlug, ProviderSlug, Tag, Variant);

macro_rules! closed_sets {
    ($($type:ty: $what:literal,)+) => {$(
        impl Value for $type {
            fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
                let name = column.text(row)?;
                <$type>::parse(name).ok_or_else(|| content($what, name))
            }
        }
    )+};
}
closed_sets! {
    Basis: "basis of a day",
    ChangedField: "changed field",
    ImportKind: "kind of source",
    Lens: "lens",
    Refusal: "hourly rate",
    RouteAnswer: "result of the comparison series",
    RunStatus: "run status",
    Tier: "tier",
    WindowKind: "window kind",
}

fn content(what: &'static str, detail: impl ToString) -> StoreError {
    StoreError::Content { what, detail: detail.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::columns;
    use super::*;
    use duckdb::Connection;

    fn memory() -> Connection {
        #[expect(clippy::disallowed_methods, reason = "in memory")]
        Connection::open_in_memory().expect("it opens")
    }

    #[test]
    fn values_and_nulls_come_as_they_are_over_many_batches() {
        let sql = "SELECT range AS n, CASE WHEN range % 2 = 0 THEN range / 4 END AS x,
                CASE WHEN range % 3 > 0 THEN concat('t', range) END AS t, CAST(range AS INTEGER) AS i,
                DATE '1970-01-01' + CAST(range AS INTEGER) AS day, make_timestamp(range) AS time
            FROM range(5000) ORDER BY range";
        type Row = (i64, i32, Option<f64>, Option<String>, NaiveDate, DateTime<Utc>);
        let read = || -> Result<Vec<Row>, StoreError> {
            Ok(rows!(memory(), sql, [], |n: i64,
                                         i: i32,
                                         x: Option<f64>,
                                         t: Option<String>,
                                         day: NaiveDate,
                                         time: DateTime<Utc>| (
                n, i, x, t, day, time
            )))
        };
        let all = read().expect("readable");
        assert_eq!(all.len(), 5000);
        for (row, (n, i, x, text, day, time)) in (0_i64..).zip(&all) {
            assert_eq!((*n, i64::from(*i)), (row, row));
            assert_eq!(*x, (row % 2 == 0).then(|| row as f64 / 4.0));
            assert_eq!(*text, (row % 3 > 0).then(|| format!("t{row}")));
            assert_eq!((i64::from(day.to_epoch_days()), time.timestamp_micros()), (row, row));
        }
    }

    #[test]
    fn a_wrong_column_is_refused_with_its_name() {
        fn read<T: Value>(sql: &str) -> Result<Vec<T>, StoreError> {
            Ok(rows!(memory(), sql, [], |n: T| n))
        }
        let error = |sql: &str| read::<i64>(sql).expect_err("refused").to_string();
        assert!(error("SELECT 1 AS m").contains("no column `n`"));
        assert!(error("SELECT 'a' AS n").contains("`n` has the type Utf8"));
        assert!(error("SELECT CAST(NULL AS BIGINT) AS n").contains("null in column `n`"));
        assert_eq!(read::<NaiveDate>("SELECT 1 AS n").expect("a day")[0].to_string(), "1970-01-02");
        assert!(read::<NaiveDate>("SELECT 9223372036854775807 AS n").is_err());
        assert!(read::<Uuid>("SELECT 'x' AS n").is_err());
        assert!(read::<u32>("SELECT -1 AS n").is_err());
    }
}
