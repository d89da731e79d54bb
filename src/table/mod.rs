//! Tables with named columns and sortable cells, written as CSV (RFC 4180). The API and the site offer them as files.

pub mod explore;
mod offer;

pub use offer::Offer;

use crate::domain::tier::Tier;
use chrono::{DateTime, SecondsFormat, Utc};
use std::cmp::Ordering;
use std::fmt::Write;

/// Content type of a table.
pub const CSV: &str = "text/csv; charset=utf-8; header=present";

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
            (Self::Ranked(one, _), Self::Ranked(other, _)) => one.cmp(other),
            _ => Ordering::Equal,
        }
    }

    fn write(&self, out: &mut String, write_text: fn(&str, &mut String)) {
        match self {
            Self::Text(text) => write_text(text, out),
            Self::Ranked(_, name) => out.push_str(name),
            // Writing to a String cannot fail.
            Self::Number(Some(value)) => _ = write!(out, "{value}"),
            Self::Whole(Some(value)) => _ = write!(out, "{value}"),
            Self::Time(Some(time)) => *out += &time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            Self::Number(None) | Self::Whole(None) | Self::Time(None) => {}
        }
    }
}

/// Writes a text, quoted if necessary. A text that a spreadsheet would run as a formula gets a leading apostrophe,
/// because names are untrusted.
fn write_text(text: &str, out: &mut String) {
    let lead = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if text.contains([',', '"', '\n', '\r']) {
        _ = write!(out, "\"{lead}{}\"", text.replace('"', "\"\""));
    } else {
        *out += lead;
        *out += text;
    }
}

/// Writes a text as one field of tab-separated values: backslash, tab, line breaks and other controls are escaped.
fn write_escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\\' => *out += "\\\\",
            '\t' => *out += "\\t",
            '\n' => *out += "\\n",
            '\r' => *out += "\\r",
            c if c.is_control() => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
            c => out.push(c),
        }
    }
}

/// A row of a table with `N` columns.
pub trait Row<const N: usize> {
    /// Names of the columns, equal to the JSON fields where such fields exist.
    const COLUMNS: [&'static str; N];
    /// The values in the order of the columns.
    fn cells(&self) -> [Cell; N];
}

/// Makes a type a row: the name of each column beside its value.
macro_rules! columns {
    ($type:ty, |$row:ident| { $($name:literal: $cell:expr,)+ }) => {
        impl $crate::table::Row<{ [$($name),+].len() }> for $type {
            const COLUMNS: [&'static str; [$($name),+].len()] = [$($name),+];
            fn cells(&self) -> [$crate::table::Cell; [$($name),+].len()] {
                let $row = self;
                [$($cell),+]
            }
        }
    };
}
pub(crate) use columns;

impl<const N: usize, T: Row<N>> Row<N> for &T {
    const COLUMNS: [&'static str; N] = T::COLUMNS;
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
            cell.write(&mut out, write_text);
        }
        out += "\r\n";
    }
    out.into_bytes()
}

/// Rows as tab-separated values: a header, then one line per row, each terminated by a line feed. An absent value is
/// empty; texts are escaped like in Rust: `\\`, `\t`, `\n`, `\r`, `\u{1b}`.
pub fn tsv<T: Row<N>, const N: usize>(rows: impl IntoIterator<Item = T>) -> String {
    let mut out = T::COLUMNS.join("\t");
    out.push('\n');
    for row in rows {
        for (at, cell) in row.cells().iter().enumerate() {
            if at > 0 {
                out.push('\t');
            }
            cell.write(&mut out, write_escaped);
        }
        out.push('\n');
    }
    out
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
    fn a_field_of_tab_separated_values_is_one_field_on_one_line() {
        let rows = [Named("a\tb\r\nc\\d\u{1b}[31m", None), Named("=1+1", Some(0.25))];
        assert_eq!(tsv(&rows), "name\trate\na\\tb\\r\\nc\\\\d\\u{1b}[31m\t\n=1+1\t0.25\n");
    }
}
