//! Writes rows with the name of each column beside its value.

use super::StoreError;
use super::columns::naive;
use crate::domain::units::UsdPerMtok;
use chrono::{DateTime, Utc};
use duckdb::ToSql;
use serde::Serialize;

/// Appends one row per item to a table. The values may use the item and return early with `?`. DuckDB refuses a name
/// that is not a column of the table; a column without a value gets its default, or null.
macro_rules! append {
    ($connection:expr, $table:literal, $item:pat in $items:expr => { $($column:ident: $value:expr),+ $(,)? }) => {{
        let mut appender = $connection.appender_with_columns($table, &[$(stringify!($column)),+])?;
        for $item in $items {
            appender.append_row(duckdb::params![$($value),+])?;
        }
        appender.flush()?;
    }};
}
pub(super) use append;

/// A value whose type decides how it is stored: DuckDB converts the text of a time or a decimal to the type of its
/// column.
pub(super) trait Stored {
    fn stored(&self) -> Result<impl ToSql, StoreError>;
}

impl<T: Stored> Stored for Option<T> {
    fn stored(&self) -> Result<impl ToSql, StoreError> {
        self.as_ref().map(T::stored).transpose()
    }
}

macro_rules! stored {
    ($($type:ty: |$value:ident| $stored:expr,)+) => {$(
        impl Stored for $type {
            fn stored(&self) -> Result<impl ToSql, StoreError> {
                let $value = self;
                Ok($stored)
            }
        }
    )+};
}
stored! {
    bool: |flag| *flag,
    i64: |number| *number,
    String: |text| text.as_str(),
    DateTime<Utc>: |time| naive(*time),
    UsdPerMtok: |price| price.0.to_string(),
}

/// A list, stored as JSON text.
impl<T: Serialize> Stored for Vec<T> {
    fn stored(&self) -> Result<impl ToSql, StoreError> {
        serde_json::to_string(self)
            .map_err(|error| StoreError::Content { what: "JSON value", detail: error.to_string() })
    }
}
