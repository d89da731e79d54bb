//! Query results that are read as data frames. Arrow record batches are converted column by column: without shared
//! memory and unsafe code, and with an error for types that would be misread.

use super::columns::naive;
use super::hourly::HOURLY;
use super::{Store, StoreError, columns};
use crate::domain::thresholds::{HOURLY_TOLERANCE, SHIFT_HOUR_MIN_TOKENS};
use chrono::{DateTime, Duration, Utc};
use duckdb::arrow::array::{Array, AsArray, RecordBatch};
use duckdb::arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use duckdb::{Connection, Params, params};
use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};

const NUMBERS: &str = include_str!("../../queries/analysis/numbers.sql");
const SHIFT_USAGE: &str = include_str!("../../queries/shifts/usage.sql");
const SHIFT_HEALTH: &str = include_str!("../../queries/shifts/health.sql");

/// The result of one query for two readers: a frame for the analysis, and typed rows for everything else.
pub struct Answer<T> {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    append: Append<T>,
}

/// Appends the rows of a batch to a list.
type Append<T> = fn(&RecordBatch, &mut Vec<T>) -> Result<(), StoreError>;

impl<T> Answer<T> {
    /// Runs a query.
    pub(super) fn of(
        connection: &Connection,
        sql: &str,
        parameters: impl Params,
        append: Append<T>,
    ) -> Result<Self, StoreError> {
        let mut statement = connection.prepare(sql)?;
        let batches = columns::batches(&mut statement, parameters)?.collect::<Result<_, _>>()?;
        Ok(Self { schema: statement.schema(), batches, append })
    }

    /// The rows.
    ///
    /// # Errors
    /// [`StoreError::Content`] for a value that cannot be read.
    pub fn rows(&self) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::with_capacity(self.batches.iter().map(RecordBatch::num_rows).sum());
        self.batches.iter().try_for_each(|batch| (self.append)(batch, &mut rows))?;
        Ok(rows)
    }

    /// The data frame. A TIMESTAMP becomes microseconds since 1970; DECIMAL and HUGEINT must be cast in the SQL.
    ///
    /// # Errors
    /// [`StoreError::UnsupportedColumn`] for an unsupported column type.
    pub fn frame(&self) -> Result<DataFrame, StoreError> {
        let mut columns: Vec<Column> = Vec::with_capacity(self.schema.fields().len());
        for (position, field) in self.schema.fields().iter().enumerate() {
            let parts: Vec<&dyn Array> =
                self.batches.iter().map(|batch| batch.column(position).as_ref()).collect();
            columns.push(column(field.name(), field.data_type(), &parts)?);
        }
        DataFrame::new(self.batches.iter().map(RecordBatch::num_rows).sum(), columns)
            .map_err(|error| StoreError::Content { what: "query result", detail: error.to_string() })
    }
}

impl Store {
    /// Frame for `hitrate check numbers`.
    pub fn numbers_frame(&self) -> Result<DataFrame, StoreError> {
        self.read(|connection| Answer::<()>::of(connection, NUMBERS, [], |_, _| Ok(()))?.frame())
    }

    /// What the change-point method reads of the runs in `[from, to]`: the rates of hours, also of those with too
    /// few tokens for a published hourly rate, and speed and uptime.
    pub fn shift_frames(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<(DataFrame, DataFrame), StoreError> {
        self.read(|connection| {
            let sql = SHIFT_USAGE.replace("hourly_rates h", &format!("({HOURLY}) h"));
            // The hourly rates end before their second parameter, and the last run counts.
            let end = naive(to + Duration::microseconds(1));
            let usage = params![naive(from), end, SHIFT_HOUR_MIN_TOKENS, HOURLY_TOLERANCE];
            let usage = Answer::<()>::of(connection, &sql, usage, |_, _| Ok(()))?.frame()?;
            let health = params![naive(from), naive(to)];
            let health = Answer::<()>::of(connection, SHIFT_HEALTH, health, |_, _| Ok(()))?.frame()?;
            Ok((usage, health))
        })
    }
}

fn column(name: &str, kind: &DataType, parts: &[&dyn Array]) -> Result<Column, StoreError> {
    Ok(match kind {
        DataType::Utf8 => joined(name, parts, |part| {
            part.as_string::<i32>().iter().map(|value| value.map(str::to_owned)).collect()
        }),
        DataType::Float64 => joined(name, parts, |part| part.as_primitive::<Float64Type>().iter().collect()),
        DataType::Int64 => joined(name, parts, |part| part.as_primitive::<Int64Type>().iter().collect()),
        DataType::Int32 => joined(name, parts, |part| part.as_primitive::<Int32Type>().iter().collect()),
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            joined(name, parts, |part| part.as_primitive::<TimestampMicrosecondType>().iter().collect())
        }
        DataType::Boolean => joined(name, parts, |part| part.as_boolean().iter().collect()),
        other => {
            return Err(StoreError::UnsupportedColumn { column: name.into(), kind: other.to_string() });
        }
    })
}

/// One column of the parts that the batches have of it.
fn joined<T>(name: &str, parts: &[&dyn Array], values: impl Fn(&dyn Array) -> Vec<Option<T>>) -> Column
where
    Series: NamedFrom<Vec<Option<T>>, [Option<T>]>,
{
    let all: Vec<Option<T>> = parts.iter().flat_map(|part| values(*part)).collect();
    Series::new(name.into(), all).into_column()
}
