//! Reads query results column by column. With tens of thousands of rows, looking up the column by name for every
//! single value takes longer than the query.

use super::StoreError;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use duckdb::arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use duckdb::{Connection, Params};
use uuid::Uuid;

/// A time in the format of DuckDB's naive TIMESTAMP.
pub(super) fn naive(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Runs a query and reads its result batch by batch: `read` appends the rows of a batch to the list.
///
/// # Errors
/// [`StoreError::Query`] if the query fails, and any error of `read`.
pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    mut read: impl FnMut(Columns<'_>, &mut Vec<T>) -> Result<(), StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = Vec::new();
    for batch in statement.query_arrow(parameters)? {
        read(Columns(&batch), &mut rows)?;
    }
    Ok(rows)
}

/// The columns of one batch by name.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a>(&'a RecordBatch);

impl<'a> Columns<'a> {
    /// Number of rows.
    pub fn height(self) -> usize {
        self.0.num_rows()
    }

    /// A text column.
    pub fn texts(self, name: &'static str) -> Result<Texts<'a>, StoreError> {
        let values = self.column(name)?.as_string_opt::<i32>();
        Ok(Texts { name, values: values.ok_or_else(|| self.other_type(name))? })
    }

    /// A DOUBLE column.
    pub fn floats(self, name: &'static str) -> Result<Floats<'a>, StoreError> {
        let values = self.column(name)?.as_primitive_opt::<Float64Type>();
        Ok(Floats(values.ok_or_else(|| self.other_type(name))?))
    }

    /// An INTEGER or BIGINT column.
    pub fn integers(self, name: &'static str) -> Result<Integers<'a>, StoreError> {
        let column = self.column(name)?;
        let long = column.as_primitive_opt::<Int64Type>().map(Whole::Long);
        let values = long.or_else(|| column.as_primitive_opt::<Int32Type>().map(Whole::Short));
        Ok(Integers { name, values: values.ok_or_else(|| self.other_type(name))? })
    }

    /// A BOOLEAN column.
    pub fn flags(self, name: &'static str) -> Result<Flags<'a>, StoreError> {
        let values = self.column(name)?.as_boolean_opt();
        Ok(Flags { name, values: values.ok_or_else(|| self.other_type(name))? })
    }

    fn column(self, name: &'static str) -> Result<&'a dyn Array, StoreError> {
        let found = self.0.column_by_name(name).map(AsRef::as_ref);
        found.ok_or_else(|| StoreError::Content {
            what: "query result",
            detail: format!("no column `{name}`"),
        })
    }

    fn other_type(self, name: &'static str) -> StoreError {
        let kind = self.column(name).map_or_else(|_| String::new(), |column| column.data_type().to_string());
        StoreError::UnsupportedColumn { column: name.into(), kind }
    }
}

fn null(name: &str) -> StoreError {
    StoreError::Content { what: "query result", detail: format!("null in column `{name}`") }
}

/// A text column.
pub(super) struct Texts<'a> {
    name: &'static str,
    values: &'a StringArray,
}

impl<'a> Texts<'a> {
    /// The text in a row, if any.
    pub fn get(&self, row: usize) -> Option<&'a str> {
        self.values.is_valid(row).then(|| self.values.value(row))
    }

    /// The text in a row; null is an error.
    pub fn must(&self, row: usize) -> Result<&'a str, StoreError> {
        self.get(row).ok_or_else(|| null(self.name))
    }

    /// The text in a row, as a UUID.
    pub fn uuid(&self, row: usize) -> Result<Uuid, StoreError> {
        Uuid::parse_str(self.must(row)?)
            .map_err(|error| StoreError::Content { what: "UUID", detail: error.to_string() })
    }
}

/// A column of floating-point numbers.
pub(super) struct Floats<'a>(&'a Float64Array);

impl Floats<'_> {
    /// The number in a row, if any.
    pub fn get(&self, row: usize) -> Option<f64> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

enum Whole<'a> {
    Short(&'a Int32Array),
    Long(&'a Int64Array),
}

/// A column of integers.
pub(super) struct Integers<'a> {
    name: &'static str,
    values: Whole<'a>,
}

impl Integers<'_> {
    /// The number in a row, if any.
    pub fn get(&self, row: usize) -> Option<i64> {
        match self.values {
            Whole::Short(values) => values.is_valid(row).then(|| values.value(row).into()),
            Whole::Long(values) => values.is_valid(row).then(|| values.value(row)),
        }
    }

    /// The number in a row; null is an error.
    pub fn must(&self, row: usize) -> Result<i64, StoreError> {
        self.get(row).ok_or_else(|| null(self.name))
    }

    /// The number in a row, in days since 1970-01-01, as a date; null is an error.
    pub fn date(&self, row: usize) -> Result<NaiveDate, StoreError> {
        let days = self.must(row)?;
        let midnight = days.checked_mul(86_400).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let day = midnight.map(|midnight| midnight.date_naive());
        day.ok_or_else(|| StoreError::Content { what: "day", detail: days.to_string() })
    }
}

/// A column of booleans.
pub(super) struct Flags<'a> {
    name: &'static str,
    values: &'a BooleanArray,
}

impl Flags<'_> {
    /// The value in a row; null is an error.
    pub fn must(&self, row: usize) -> Result<bool, StoreError> {
        let found = self.values.is_valid(row).then(|| self.values.value(row));
        found.ok_or_else(|| null(self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(
        sql: &str,
        value: impl Fn(Columns<'_>, usize) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        #[expect(clippy::disallowed_methods, reason = "in memory")]
        let connection = Connection::open_in_memory()?;
        rows(&connection, sql, [], |columns, out| {
            for row in 0..columns.height() {
                out.push(value(columns, row)?);
            }
            Ok(())
        })
    }

    #[test]
    fn values_and_nulls_come_as_they_are_over_many_batches() {
        let sql = "SELECT range AS n, CASE WHEN range % 2 = 0 THEN range / 4 END AS x,
                CASE WHEN range % 3 > 0 THEN concat('t', range) END AS t, CAST(range AS INTEGER) AS i
            FROM range(5000) ORDER BY range";
        let all = read(sql, |columns, row| {
            let (n, i) = (columns.integers("n")?.must(row)?, columns.integers("i")?.must(row)?);
            let text = columns.texts("t")?.get(row).map(str::to_owned);
            Ok((n, i, columns.floats("x")?.get(row), text))
        });
        let all = all.expect("readable");
        assert_eq!(all.len(), 5000);
        for (row, (n, i, x, text)) in (0_i64..).zip(&all) {
            assert_eq!((*n, *i), (row, row));
            assert_eq!(*x, (row % 2 == 0).then(|| row as f64 / 4.0));
            assert_eq!(*text, (row % 3 > 0).then(|| format!("t{row}")));
        }
    }

    #[test]
    fn a_wrong_column_is_refused_with_its_name() {
        let error =
            |sql: &str| read(sql, |columns, row| columns.integers("n")?.must(row)).expect_err("refused");
        assert!(error("SELECT 1 AS m").to_string().contains("no column `n`"));
        assert!(error("SELECT 'a' AS n").to_string().contains("`n` has the type Utf8"));
        assert!(error("SELECT CAST(NULL AS BIGINT) AS n").to_string().contains("null in column `n`"));
        let day = |sql: &str| read(sql, |columns, row| columns.integers("n")?.date(row));
        assert_eq!(day("SELECT 1 AS n").expect("a day")[0].to_string(), "1970-01-02");
        assert!(day("SELECT 9223372036854775807 AS n").is_err());
        assert!(read("SELECT 'x' AS t", |columns, row| columns.texts("t")?.uuid(row)).is_err());
    }
}
