//! Writes rows with the name of each column beside its value.

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
