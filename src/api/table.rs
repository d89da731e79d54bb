//! Lists as tables: the same rows as JSON, sorted by any column, or as CSV (RFC 4180).
//!
//! A table's columns are told once: they are what `sort` takes and what the header of the CSV says.

use super::asked::Asked;
use super::page::{Page, page};
use super::problem::Problem;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use std::cmp::Ordering;
use std::fmt::{Debug, Write};

/// Content type of a table.
pub(super) const CSV: &str = "text/csv; charset=utf-8; header=present";

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Text, untrusted.
    Text(String),
    /// A number; absent is not zero.
    Number(Option<f64>),
    /// A count.
    Whole(Option<i64>),
    /// A moment, UTC.
    Time(Option<DateTime<Utc>>),
    /// A name of our own that stands in an order of its own: a tier.
    Ranked(usize, String),
}

impl Cell {
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub fn count(count: usize) -> Self {
        Self::Whole(i64::try_from(count).ok())
    }

    fn is_absent(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Number(value) => value.is_none(),
            Self::Whole(value) => value.is_none(),
            Self::Time(value) => value.is_none(),
            Self::Ranked(..) => false,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.to_lowercase().cmp(&other.to_lowercase()),
            (Self::Number(Some(one)), Self::Number(Some(other))) => one.total_cmp(other),
            (Self::Whole(one), Self::Whole(other)) => one.cmp(other),
            (Self::Time(one), Self::Time(other)) => one.cmp(other),
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
            Self::Number(None) | Self::Whole(None) | Self::Time(None) => {}
        }
    }
}

/// A text in quotation marks where it needs them. What a spreadsheet would run as a formula is led by an apostrophe:
/// names come from others.
fn write_text(text: &str, out: &mut String) {
    let lead = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if text.contains([',', '"', '\n', '\r']) {
        _ = write!(out, "\"{lead}{}\"", text.replace('"', "\"\""));
    } else {
        *out += lead;
        *out += text;
    }
}

/// A row of a table with `N` columns.
pub(super) trait Row<const N: usize> {
    /// Names of the columns, the fields of the JSON where there are such.
    const COLUMNS: [&'static str; N];
    /// The values in the order of the columns.
    fn cells(&self) -> [Cell; N];
}

impl<const N: usize, T: Row<N>> Row<N> for &T {
    const COLUMNS: [&'static str; N] = T::COLUMNS;
    fn cells(&self) -> [Cell; N] {
        (*self).cells()
    }
}

/// Sorts rows by the column that `sort` names, descending behind a `-`. Rows without a value come last either way; equal
/// ones keep their order.
///
/// # Errors
/// 400 with the columns, where it names none of them.
pub(super) fn sort<T: Row<N>, const N: usize>(rows: &mut Vec<T>, sort: Option<&str>) -> Result<(), Problem> {
    let Some(wanted) = sort else { return Ok(()) };
    let (name, descending) = wanted.strip_prefix('-').map_or((wanted, false), |name| (name, true));
    let column = T::COLUMNS.iter().position(|column| *column == name).ok_or_else(|| {
        let short: String = wanted.chars().take(80).collect();
        let known = T::COLUMNS.join(", ");
        Problem::bad_request(format!(
            "`sort` is `{short}`: it takes one of {known}, with a - before it for descending"
        ))
    })?;
    let mut keyed: Vec<(Cell, T)> = rows.drain(..).map(|row| (row.cells()[column].clone(), row)).collect();
    keyed.sort_by(|(one, _), (other, _)| {
        let absent = one.is_absent().cmp(&other.is_absent());
        let order = one.compare(other);
        absent.then(if descending { order.reverse() } else { order })
    });
    rows.extend(keyed.into_iter().map(|(_, row)| row));
    Ok(())
}

/// Rows as CSV: a header, then a line each, all ended by CRLF.
pub(super) fn csv<T: Row<N>, const N: usize>(rows: &[T]) -> Vec<u8> {
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

/// What an answer is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `{data, meta}`.
    Json,
    /// A table.
    Csv,
}

/// The names of the formats, the default first.
pub(super) const FORMATS: [&str; 2] = ["json", "csv"];

impl Format {
    /// The format of a name; JSON where there is none.
    ///
    /// # Errors
    /// 400 with the names.
    pub fn of(name: Option<&str>) -> Result<Self, Problem> {
        match name {
            None | Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some(other) => {
                let short: String = other.chars().take(80).collect();
                Err(Problem::bad_request(format!(
                    "`format` is `{short}`: it takes one of {}",
                    FORMATS.join(", ")
                )))
            }
        }
    }
}

/// How much of a list is asked for.
pub(super) struct Cut<'a> {
    pub limit: Option<u32>,
    pub cursor: Option<&'a str>,
}

impl<Q: Debug, P> Asked<Q, P> {
    /// Answers with a list: a page of it as JSON, or as CSV the whole where no page is asked for. `key` names a row.
    pub fn listed<T, const N: usize>(
        &self,
        format: Option<&str>,
        cut: &Cut<'_>,
        rows: impl FnOnce() -> Result<Vec<T>, Problem>,
        key: impl Fn(&T) -> String,
    ) -> Result<Response, Problem>
    where
        T: Row<N> + Serialize,
    {
        let paged = |rows: Vec<T>| page(rows.into_iter(), cut.limit, cut.cursor, key);
        match (Format::of(format)?, cut.limit.is_some() || cut.cursor.is_some()) {
            (Format::Json, _) => self.kept(|| {
                let Page { entries, next_cursor } = paged(rows()?)?;
                Ok((entries, next_cursor))
            }),
            (Format::Csv, true) => self.table(|| Ok(paged(rows()?)?.entries)),
            (Format::Csv, false) => self.table(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Named(&'static str, Option<f64>);

    impl Row<2> for Named {
        const COLUMNS: [&'static str; 2] = ["name", "rate"];
        fn cells(&self) -> [Cell; 2] {
            [Cell::text(self.0), Cell::Number(self.1)]
        }
    }

    fn order(wanted: &str) -> Vec<&'static str> {
        let mut rows =
            vec![Named("b", None), Named("A", Some(-0.5)), Named("c", Some(2.0)), Named("", Some(2.0))];
        sort(&mut rows, Some(wanted)).unwrap_or_else(|problem| panic!("{}", problem.detail));
        rows.into_iter().map(|row| row.0).collect()
    }

    #[test]
    fn absent_values_come_last_either_way_and_equal_ones_keep_their_order() {
        assert_eq!(order("rate"), ["A", "c", "", "b"]);
        assert_eq!(order("-rate"), ["c", "", "A", "b"]);
        assert_eq!(order("name"), ["A", "b", "c", ""]);
        assert_eq!(order("-name"), ["c", "b", "A", ""]);
    }

    #[test]
    fn unknown_columns_are_refused_with_the_known_ones() {
        for junk in ["", "-", "--rate", "Rate", "rate,name"] {
            let refused = sort(&mut vec![Named("a", None)], Some(junk)).expect_err("refused");
            assert!(refused.detail.contains("name, rate"), "{}", refused.detail);
        }
    }

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
}
