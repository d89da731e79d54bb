//! Lists as tables: the same rows as JSON or as CSV, sorted by any column.
//!
//! The columns of a table are defined once, for `sort` and for the header of the CSV.

use super::page::{Page, page};
use super::problem::Problem;
use super::request::{ApiRequest, shortened};
use crate::domain::ids::names;
use crate::table::{Cell, Row};
use axum::response::Response;
use serde::Serialize;
use std::fmt::Debug;

/// Sorts rows by the column in `sort`, descending if it is prefixed with `-`. Rows without a value come last either
/// way; equal rows keep their order.
///
/// # Errors
/// 400 with the columns if `sort` is not one of them.
pub(super) fn sort<T: Row<N>, const N: usize>(rows: &mut Vec<T>, sort: Option<&str>) -> Result<(), Problem> {
    let Some(wanted) = sort else { return Ok(()) };
    let (name, descending) = wanted.strip_prefix('-').map_or((wanted, false), |name| (name, true));
    let column = T::COLUMNS.iter().position(|column| *column == name).ok_or_else(|| {
        let short = shortened(wanted);
        let known = T::COLUMNS.join(", ");
        Problem::bad_request(format!(
            "invalid `sort` `{short}`; expected one of {known}, prefixed with - for descending order"
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

names! {
    /// The format of an answer.
    #[derive(Default)]
    Format for "format" {
        /// `{data, meta}`.
        #[default]
        Json = "json",
        /// A CSV table.
        Csv = "csv",
    }
}

/// The requested part of a list.
pub(super) struct Cut<'a> {
    pub limit: Option<u32>,
    pub cursor: Option<&'a str>,
}

impl<Q: Debug, P> ApiRequest<Q, P> {
    /// Responds with a list: one page as JSON, or as CSV the whole list if no page is requested. `key` identifies a
    /// row.
    pub fn listed<T, const N: usize>(
        &self,
        format: Option<Format>,
        cut: &Cut<'_>,
        rows: impl FnOnce() -> Result<Vec<T>, Problem>,
        key: impl Fn(&T) -> String,
    ) -> Result<Response, Problem>
    where
        T: Row<N> + Serialize,
    {
        let paged = |rows: Vec<T>| page(rows.into_iter(), cut.limit, cut.cursor, key);
        match (format.unwrap_or_default(), cut.limit.is_some() || cut.cursor.is_some()) {
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
}
