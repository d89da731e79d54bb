//! Query results that are read as data frames. Arrow record batches are converted column by column: without shared
//! memory and unsafe code, and with an error for types that would be misread.

use super::{Store, StoreError};
use duckdb::arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use duckdb::arrow::datatypes::{DataType, SchemaRef};
use duckdb::{Connection, Params};
use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};

const NUMBERS: &str = include_str!("../../queries/analysis/numbers.sql");

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
        let arrow = statement.query_arrow(parameters)?;
        Ok(Self { schema: arrow.get_schema(), batches: arrow.collect(), append })
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

    /// The data frame. DECIMAL, HUGEINT and TIMESTAMP must be cast in the SQL.
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
