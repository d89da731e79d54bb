//! The documented views of the record: what `hitrate query` reads and what `hitrate dataset` writes. Each is a file in
//! `queries/views/` whose comments describe it: a sentence, the column of its time, then one line per column with its
//! unit and meaning.

use super::columns::{self, naive, rows};
use super::export::{DAYS_EXPORT, HOURLY_EXPORT, READINGS, in_span};
use super::hourly::HOURLY;
use super::read::DAYS;
use super::{Store, StoreError};
use crate::domain::thresholds::{HOURLY_MIN_TOKENS, HOURLY_TOLERANCE};
use crate::domain::window::midnight;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::Connection;
use serde::{Deserialize, Serialize};

/// A view: its name and the text of its file.
struct View {
    name: &'static str,
    text: &'static str,
}

macro_rules! views {
    ($($name:literal),+ $(,)?) => {
        &[$(View { name: $name, text: include_str!(concat!("../../queries/views/", $name, ".sql")) }),+]
    };
}

/// All views, in the order of the documentation.
const VIEWS: &[View] = views![
    "days",
    "hourly",
    "readings",
    "prices",
    "price_changes",
    "endpoints",
    "models",
    "providers",
    "tiers",
    "recommendations",
    "shifts",
    "model_days",
    "runs",
    "imported_days",
    "imported_prices",
];

/// The description of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewDescription {
    /// Name.
    pub name: String,
    /// What a row is.
    pub about: String,
    /// The column by which the view is divided into months.
    pub time: String,
    /// The columns, in order.
    pub columns: Vec<ViewColumn>,
}

/// The description of a column of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewColumn {
    /// Name.
    pub name: String,
    /// Type, as DuckDB names it.
    pub r#type: String,
    /// Unit; empty if it has none.
    pub unit: String,
    /// What it contains.
    pub meaning: String,
}

/// The names of the views.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    VIEWS.iter().map(|view| view.name)
}

/// The column by which a view is divided into months; `None` if there is no such view.
pub(super) fn time(name: &str) -> Option<&'static str> {
    let view = VIEWS.iter().find(|view| view.name == name)?;
    view.text.lines().find_map(|line| line.strip_prefix("-- time: "))
}

/// A span that contains every row.
pub(super) const EVERYTHING: (NaiveDate, NaiveDate) = (date(1970), date(9999));

const fn date(year: i32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, 1, 1) {
        Some(date) => date,
        None => NaiveDate::MIN,
    }
}

/// The query of a view over the rows of the UTC days in `[from, to)`; `None` if there is no such view. `as_of` is the
/// newest run.
pub(super) fn query(name: &str, (from, to): (NaiveDate, NaiveDate), as_of: DateTime<Utc>) -> Option<String> {
    let view = VIEWS.iter().find(|view| view.name == name)?;
    let last = to.pred_opt().unwrap_or(to);
    let hourly =
        HOURLY.replace("$3", &HOURLY_MIN_TOKENS.to_string()).replace("$4", &HOURLY_TOLERANCE.to_string());
    let days = format!("WITH days AS ({DAYS}) SELECT * FROM ({DAYS_EXPORT})")
        .replace("$1", &format!("'{from}'"))
        .replace("$2", &format!("'{last}'"))
        .replace("$3", &format!("'{}'", naive(as_of)));
    let body = view
        .text
        .replace("{readings}", READINGS)
        .replace("{hourly}", &format!("WITH hourly AS ({hourly}) {HOURLY_EXPORT}"))
        .replace("{days}", &days);
    Some(in_span(&body, midnight(from), midnight(to)))
}

/// The time of the newest accepted run, or the epoch if there is none: then there are no rows either.
pub(super) fn as_of(connection: &Connection) -> Result<DateTime<Utc>, StoreError> {
    let sql = "SELECT max(observed_at) AS newest FROM run WHERE status NOT IN ('failed', 'suspect')";
    let newest = rows!(connection, sql, [], |newest: Option<DateTime<Utc>>| newest).pop().flatten();
    Ok(newest.unwrap_or(DateTime::UNIX_EPOCH))
}

/// The description in the comments of a view, without types.
fn described(view: &View) -> ViewDescription {
    let lines = view.text.lines().map_while(|line| line.strip_prefix("-- "));
    let (mut about, mut time, mut columns) = (Vec::new(), String::new(), Vec::new());
    for line in lines {
        if let Some(column) = line.strip_prefix("time: ") {
            time = column.to_owned();
        } else if let [name, unit, meaning] = line.splitn(3, '|').map(str::trim).collect::<Vec<_>>()[..] {
            let column = |text: &str| text.to_owned();
            columns.push(ViewColumn {
                name: column(name),
                r#type: String::new(),
                unit: column(unit),
                meaning: column(meaning),
            });
        } else {
            about.push(line);
        }
    }
    ViewDescription { name: view.name.to_owned(), about: about.join(" "), time, columns }
}

/// The descriptions of all views, with the types of their columns.
pub(super) fn descriptions(connection: &Connection) -> Result<Vec<ViewDescription>, StoreError> {
    let as_of = as_of(connection)?;
    let mut all: Vec<ViewDescription> = VIEWS.iter().map(described).collect();
    for view in &mut all {
        let sql = query(&view.name, EVERYTHING, as_of).unwrap_or_default();
        let sql = format!("DESCRIBE {sql}");
        let types = rows!(connection, &sql, [], |column_name: String, column_type: String| (
            column_name,
            column_type
        ));
        let missing = || StoreError::Content {
            what: "description of a view",
            detail: format!("`{}` has the columns {types:?}", view.name),
        };
        if types.len() != view.columns.len() {
            return Err(missing());
        }
        for (column, (name, kind)) in view.columns.iter_mut().zip(&types) {
            if column.name != *name {
                return Err(missing());
            }
            column.r#type.clone_from(kind);
        }
    }
    Ok(all)
}

impl Store {
    /// The documented views with their columns.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn views(&self) -> Result<Vec<ViewDescription>, StoreError> {
        self.read(descriptions)
    }
}
