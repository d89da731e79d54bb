//! Tables with named columns and sortable cells, written as CSV (RFC 4180). The API and the site offer them as files.

pub mod changes;
pub mod explore;
mod offer;
mod tsv;

pub use offer::Offer;
pub use tsv::tsv;

use crate::domain::column::{Column, Values};
use crate::domain::tier::Tier;
use chrono::{DateTime, SecondsFormat, Utc};
use std::cmp::Ordering;
use std::fmt::Write;

/// Content type of a table.
pub const CSV: &str = "text/csv; charset=utf-8; header=present";

/// Content type of a Parquet file.
pub const PARQUET: &str = "application/vnd.apache.parquet";

/// The format of a table as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// RFC 4180.
    Csv,
    /// Parquet, with the types of the columns.
    Parquet,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text, untrusted.
    Text(String),
    /// A number; absent is not zero.
    Number(Option<f64>),
    /// A count.
    Whole(Option<i64>),
    /// A moment, UTC.
    Time(Option<DateTime<Utc>>),
    /// A statement.
    Flag(Option<bool>),
    /// A name with its rank in a fixed order: a tier.
    Ranked(usize, String),
}

impl Cell {
    /// A text.
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// A count.
    pub fn count(count: usize) -> Self {
        Self::Whole(i64::try_from(count).ok())
    }

    /// A text that may be absent.
    pub fn maybe(text: Option<impl ToString>) -> Self {
        Self::Text(text.map(|text| text.to_string()).unwrap_or_default())
    }

    /// A tier, the best first.
    pub fn tier(tier: Tier) -> Self {
        Self::Ranked(tier as usize, tier.to_string())
    }

    /// Whether there is no value.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Number(value) => value.is_none(),
            Self::Whole(value) => value.is_none(),
            Self::Time(value) => value.is_none(),
            Self::Flag(value) => value.is_none(),
            Self::Ranked(..) => false,
        }
    }

    /// Compares two values of one column; texts are compared case-insensitively.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.to_lowercase().cmp(&other.to_lowercase()),
            (Self::Number(Some(one)), Self::Number(Some(other))) => one.total_cmp(other),
            (Self::Whole(one), Self::Whole(other)) => one.cmp(other),
            (Self::Time(one), Self::Time(other)) => one.cmp(other),
            (Self::Flag(one), Self::Flag(other)) => one.cmp(other),
            (Self::Ranked(one, _), Self::Ranked(other, _)) => one.cmp(other),
            _ => Ordering::Equal,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_text(text, out),
            Self::Ranked(_, name) => out.push_str(name),
            // Writing to a String cannot fail.
            Self::Number(Some(value)) => _ = write!(out, "{value}"),
            Self::Whole(Some(value)) => _ = write!(out, "{value}"),
            Self::Time(Some(time)) => *out += &time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            Self::Flag(Some(value)) => _ = write!(out, "{value}"),
            Self::Number(None) | Self::Whole(None) | Self::Time(None) | Self::Flag(None) => {}
        }
    }
}

/// What a text in CSV is led by: an apostrophe if a spreadsheet would run it as a formula, because names are untrusted.
pub(crate) fn formula_lead(text: &str) -> &'static str {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" }
}

/// Writes a text, quoted if necessary.
fn write_text(text: &str, out: &mut String) {
    let lead = formula_lead(text);
    if text.contains([',', '"', '\n', '\r']) {
        _ = write!(out, "\"{lead}{}\"", text.replace('"', "\"\""));
    } else {
        *out += lead;
        *out += text;
    }
}

/// The type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts.
    Text,
    /// Numbers.
    Number,
    /// Whole numbers.
    Whole,
    /// Moments, UTC.
    Time,
    /// Statements.
    Flag,
}

impl Kind {
    /// The type of the cells that a variant or function of [`Cell`] makes, so that the type of a column is known
    /// without a row.
    ///
    /// # Panics
    /// When the program is compiled, for a name without a row here.
    pub const fn made_by(name: &str) -> Self {
        match name.as_bytes() {
            b"Text" | b"text" | b"maybe" | b"Ranked" | b"tier" => Self::Text,
            b"Number" => Self::Number,
            b"Whole" | b"count" => Self::Whole,
            b"Time" => Self::Time,
            b"Flag" => Self::Flag,
            _ => panic!("add the type of these cells to Kind::made_by"),
        }
    }
}

/// A row of a table with `N` columns.
pub trait Row<const N: usize> {
    /// Names of the columns, equal to the JSON fields where such fields exist.
    const COLUMNS: [&'static str; N];
    /// Types of the columns.
    const KINDS: [Kind; N];
    /// The values in the order of the columns.
    fn cells(&self) -> [Cell; N];
}

/// Makes a type a row: the name of each column beside its value, `Cell::KIND(…)`.
macro_rules! columns {
    ($type:ty, |$row:ident| { $($name:literal: $cell:ident::$kind:ident($($value:tt)*),)+ }) => {
        impl $crate::table::Row<{ [$($name),+].len() }> for $type {
            const COLUMNS: [&'static str; [$($name),+].len()] = [$($name),+];
            const KINDS: [$crate::table::Kind; [$($name),+].len()] =
                [$($crate::table::Kind::made_by(stringify!($kind))),+];
            fn cells(&self) -> [$crate::table::Cell; [$($name),+].len()] {
                let $row = self;
                [$($cell::$kind($($value)*)),+]
            }
        }
    };
}
pub(crate) use columns;

impl<const N: usize, T: Row<N>> Row<N> for &T {
    const COLUMNS: [&'static str; N] = T::COLUMNS;
    const KINDS: [Kind; N] = T::KINDS;
    fn cells(&self) -> [Cell; N] {
        (*self).cells()
    }
}

/// Rows as CSV: a header, then one line per row, each terminated by CRLF.
pub fn csv<T: Row<N>, const N: usize>(rows: &[T]) -> Vec<u8> {
    let mut out = T::COLUMNS.join(",");
    out += "\r\n";
    for row in rows {
        for (at, cell) in row.cells().iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            cell.write(&mut out);
        }
        out += "\r\n";
    }
    out.into_bytes()
}

/// Rows as columns with their types. Texts are those of the rows, without the apostrophe of [`csv`]; an empty text is
/// an absent one.
pub fn typed<T: Row<N>, const N: usize>(rows: &[T]) -> Vec<Column> {
    let mut columns: Vec<Column> = T::COLUMNS
        .into_iter()
        .zip(T::KINDS)
        .map(|(name, kind)| Column { name, values: empty(kind, rows.len()) })
        .collect();
    for row in rows {
        for (column, cell) in columns.iter_mut().zip(row.cells()) {
            push(&mut column.values, cell);
        }
    }
    columns
}

fn empty(kind: Kind, rows: usize) -> Values {
    match kind {
        Kind::Text => Values::Text(Vec::with_capacity(rows)),
        Kind::Number => Values::Number(Vec::with_capacity(rows)),
        Kind::Whole => Values::Whole(Vec::with_capacity(rows)),
        Kind::Time => Values::Time(Vec::with_capacity(rows)),
        Kind::Flag => Values::Flag(Vec::with_capacity(rows)),
    }
}

/// Adds a cell to the values of its column. The type of a column is that of its cells (`columns!`); a cell of another
/// type would be absent.
fn push(values: &mut Values, cell: Cell) {
    match (values, cell) {
        (Values::Text(values), Cell::Text(text) | Cell::Ranked(_, text)) => {
            values.push(Some(text).filter(|text| !text.is_empty()));
        }
        (Values::Number(values), Cell::Number(value)) => values.push(value),
        (Values::Whole(values), Cell::Whole(value)) => values.push(value),
        (Values::Time(values), Cell::Time(value)) => values.push(value),
        (Values::Flag(values), Cell::Flag(value)) => values.push(value),
        (Values::Text(values), _) => values.push(None),
        (Values::Number(values), _) => values.push(None),
        (Values::Whole(values), _) => values.push(None),
        (Values::Time(values), _) => values.push(None),
        (Values::Flag(values), _) => values.push(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Named(&'static str, Option<f64>);

    columns!(Named, |row| {
        "name": Cell::text(row.0),
        "rate": Cell::Number(row.1),
    });

    #[test]
    fn names_stay_names_in_a_spreadsheet_and_numbers_numbers() {
        let rows = [
            Named("=1+1", Some(-0.25)),
            Named("@a,\"b\"", None),
            Named("-x\r\ny", Some(1e-7)),
            Named("\tx", Some(0.0)),
        ];
        let text = String::from_utf8(csv(&rows)).expect("UTF-8");
        let expected =
            "name,rate\r\n'=1+1,-0.25\r\n\"'@a,\"\"b\"\"\",\r\n\"'-x\r\ny\",0.0000001\r\n'\tx,0\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn columns_have_types_with_and_without_rows() {
        let rows = [Named("=1+1", Some(-0.25)), Named("", None)];
        let column = |name, values| Column { name, values };
        let expected = [
            column("name", Values::Text(vec![Some("=1+1".to_owned()), None])),
            column("rate", Values::Number(vec![Some(-0.25), None])),
        ];
        assert_eq!(typed(&rows), expected, "a program runs no formulas, so the text is unchanged");
        let none = typed::<Named, 2>(&[]);
        assert_eq!(none[1], column("rate", Values::Number(Vec::new())));
        assert!(none.iter().all(|column| column.values.is_empty()));
    }
}
