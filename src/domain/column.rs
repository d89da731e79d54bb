//! Columns of a table with their types, for file formats that keep types.

use chrono::{DateTime, Utc};

/// A column with its name and its values, one per row.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its values in the order of the rows.
    pub values: Values,
}

/// The values of a column, all of one type; `None` is an absent value.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Texts, untrusted.
    Text(Vec<Option<String>>),
    /// Numbers.
    Number(Vec<Option<f64>>),
    /// Whole numbers.
    Whole(Vec<Option<i64>>),
    /// Statements.
    Flag(Vec<Option<bool>>),
    /// Moments, UTC.
    Time(Vec<Option<DateTime<Utc>>>),
}

impl Values {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Flag(values) => values.len(),
            Self::Time(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
