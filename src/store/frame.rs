//! Converts Arrow record batches to data frames, column by column: without shared memory and unsafe code, and with an
//! error for types that would be misread.

use super::columns::naive;
use super::read::{DAYS, NEWEST};
use super::{Store, StoreError};
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::Connection;
use duckdb::arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use duckdb::arrow::datatypes::DataType;
use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};

const NUMBERS: &str = include_str!("../../queries/analysis/numbers.sql");

impl Store {
    /// Frame `days` of the analysis: one row per endpoint and UTC day in `[from, to]`.
    pub fn days_frame(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<DataFrame, StoreError> {
        self.read(|connection| {
            query_frame(connection, DAYS, &[&from.to_string(), &to.to_string(), &naive(as_of)])
        })
    }

    /// Frame `newest` of the analysis: one row per endpoint of the newest run.
    pub fn newest_frame(&self, as_of: DateTime<Utc>) -> Result<DataFrame, StoreError> {
        self.read(|connection| query_frame(connection, NEWEST, &[&naive(as_of)]))
    }

    /// Frame for `hitrate check numbers`.
    pub fn numbers_frame(&self) -> Result<DataFrame, StoreError> {
        self.read(|connection| query_frame(connection, NUMBERS, &[]))
    }
}

/// Runs a query and returns its result as a data frame. DECIMAL, HUGEINT and TIMESTAMP must be cast in the SQL.
///
/// # Errors
/// [`StoreError::UnsupportedColumn`] for an unsupported column type, [`StoreError::Query`] if the query fails.
fn query_frame(
    connection: &Connection,
    sql: &str,
    parameters: &[&dyn duckdb::ToSql],
) -> Result<DataFrame, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let arrow = statement.query_arrow(parameters)?;
    let schema = arrow.get_schema();
    let batches: Vec<RecordBatch> = arrow.collect();
    let mut columns: Vec<Column> = Vec::with_capacity(schema.fields().len());
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    for (position, field) in schema.fields().iter().enumerate() {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(position).as_ref()).collect();
        columns.push(column(field.name(), field.data_type(), &parts)?);
    }
    DataFrame::new(rows, columns)
        .map_err(|error| StoreError::Content { what: "query result", detail: error.to_string() })
}

fn column(name: &str, kind: &DataType, parts: &[&dyn Array]) -> Result<Column, StoreError> {
    let series = match kind {
        DataType::Utf8 => {
            let values = parts.iter().flat_map(|part| strings(part.as_string::<i32>()));
            Series::new(name.into(), values.collect::<Vec<Option<String>>>())
        }
        DataType::Float64 => {
            let values = parts.iter().flat_map(|part| {
                let part: &Float64Array = part.as_primitive();
                part.iter().collect::<Vec<_>>()
            });
            Series::new(name.into(), values.collect::<Vec<Option<f64>>>())
        }
        DataType::Int64 => {
            let values = parts.iter().flat_map(|part| {
                let part: &Int64Array = part.as_primitive();
                part.iter().collect::<Vec<_>>()
            });
            Series::new(name.into(), values.collect::<Vec<Option<i64>>>())
        }
        DataType::Int32 => {
            let values = parts.iter().flat_map(|part| {
                let part: &Int32Array = part.as_primitive();
                part.iter().collect::<Vec<_>>()
            });
            Series::new(name.into(), values.collect::<Vec<Option<i32>>>())
        }
        DataType::Boolean => {
            let values = parts.iter().flat_map(|part| {
                let part: &BooleanArray = part.as_boolean();
                part.iter().collect::<Vec<_>>()
            });
            Series::new(name.into(), values.collect::<Vec<Option<bool>>>())
        }
        other => {
            return Err(StoreError::UnsupportedColumn { column: name.into(), kind: other.to_string() });
        }
    };
    Ok(series.into_column())
}

fn strings(part: &StringArray) -> Vec<Option<String>> {
    part.iter().map(|value| value.map(str::to_owned)).collect()
}
