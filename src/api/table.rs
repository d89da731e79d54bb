//! Lists as tables: the same rows as JSON, CSV or Parquet, sorted by any column.
//!
//! The columns of a table are defined once, for `sort`, for the header of the CSV and for the types of the Parquet.

use super::page::page;
use super::problem::Problem;
use super::request::{ApiRequest, shortened};
use crate::domain::ids::names;
use crate::table::{Cell, Row, TableFormat};
use axum::response::Response;
use serde::Serialize;
use std::fmt::Debug;

/// The rows sorted by the column in `sort`, descending if it is prefixed with `-`. Rows without a value come last
/// either way; equal rows keep their order.
///
/// # Errors
/// 400 with the columns if `sort` is not one of them.
pub(super) fn sorted<T: Row<N>, const N: usize>(
    rows: impl Iterator<Item = T>,
    sort: Option<&str>,
) -> Result<Vec<T>, Problem> {
    let Some(wanted) = sort else { return Ok(rows.collect()) };
    let (name, descending) = wanted.strip_prefix('-').map_or((wanted, false), |name| (name, true));
    let column = T::COLUMNS.iter().position(|column| *column == name).ok_or_else(|| {
        let short = shortened(wanted);
        let known = T::COLUMNS.join(", ");
        Problem::bad_request(format!(
            "invalid `sort` `{short}`; expected one of {known}, prefixed with - for descending order"
        ))
    })?;
    let mut keyed: Vec<(Cell, T)> = rows.map(|row| (row.cells()[column].clone(), row)).collect();
    keyed.sort_by(|(one, _), (other, _)| {
        let absent = one.is_absent().cmp(&other.is_absent());
        let order = one.compare(other);
        absent.then(if descending { order.reverse() } else { order })
    });
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
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
        /// A Parquet table.
        Parquet = "parquet",
    }
}

/// The format of the requested table; `None` for JSON.
pub(super) fn table_of(format: Option<Format>) -> Option<TableFormat> {
    match format.unwrap_or_default() {
        Format::Json => None,
        Format::Csv => Some(TableFormat::Csv),
        Format::Parquet => Some(TableFormat::Parquet),
    }
}

/// A query struct of a list: its own parameters, then those that lists have in common, each group if it is named. A
/// flattened struct would accept misspelt parameters.
macro_rules! list_query {
    ($(#[$about:meta])* $name:ident { $($(#[$own_about:meta])* $own:ident: $type:ty,)* }
        [$($sort:ident)?] [$($limit:ident $cursor:ident)?]) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(super) struct $name {
            $($(#[$own_about])* $own: $type,)*
            $(/// Column to sort by; prefix it with `-` for descending order. Absent values come last.
            $sort: Option<String>,)?
            $(/// Entries per page, 1 to 500.
            #[param(minimum = 1, maximum = 500, default = 100)]
            $limit: Option<u32>,
            /// `meta.next_cursor` of the previous page.
            $cursor: Option<String>,)?
            /// `json`, or `csv` or `parquet` for a table.
            #[serde(default, deserialize_with = "crate::api::request::named")]
            #[param(value_type = Option<String>)]
            format: Option<crate::api::table::Format>,
        }
    };
}
pub(super) use list_query;

impl<Q: Debug, P> ApiRequest<Q, P> {
    /// Responds with a list: one page as JSON, or as a table the whole list if no page is requested. `key` identifies a
    /// row.
    pub async fn listed<T, const N: usize>(
        &self,
        format: Option<Format>,
        (limit, cursor): (Option<u32>, Option<&str>),
        rows: impl FnOnce() -> Result<Vec<T>, Problem>,
        key: impl Fn(&T) -> String,
    ) -> Result<Response, Problem>
    where
        T: Row<N> + Serialize,
    {
        let paged = |rows: Vec<T>| page(rows.into_iter(), limit, cursor, key);
        match (table_of(format), limit.is_some() || cursor.is_some()) {
            (None, _) => self.kept(|| paged(rows()?)),
            (Some(format), true) => self.table(format, || Ok(paged(rows()?)?.0)).await,
            (Some(format), false) => self.table(format, rows).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::columns;

    #[derive(Debug, Clone, PartialEq)]
    struct Named(&'static str, Option<f64>);

    columns!(Named, |row| {
        "name": Cell::text(row.0),
        "rate": Cell::Number(row.1),
    });

    fn order(wanted: &str) -> Vec<&'static str> {
        let rows = [Named("b", None), Named("A", Some(-0.5)), Named("c", Some(2.0)), Named("", Some(2.0))];
        let rows = sorted(rows.into_iter(), Some(wanted));
        let rows = rows.unwrap_or_else(|problem| panic!("{}", problem.detail));
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
            let refused = sorted([Named("a", None)].into_iter(), Some(junk)).expect_err("refused");
            assert!(refused.detail.contains("name, rate"), "{}", refused.detail);
        }
    }
}
