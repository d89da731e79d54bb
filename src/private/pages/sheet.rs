//! The content of a page: facts, tables and notes. One template draws every page.

use crate::request_log::PaidKind;
use crate::site::{milliseconds, percent, tokens_in_words, usd};
use crate::traffic::report::{Failures, OwnRate, Paid};
use chrono::{DateTime, Utc};

/// The content of a page.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// One sentence on what the page is about.
    pub lede: String,
    /// Why the page has no content, if it should have.
    pub problem: Option<String>,
    /// Whether there are no calls, so that the page says how to import.
    pub is_empty: bool,
    /// Figures with their names.
    pub facts: Vec<(String, String)>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Remarks, as sentences.
    pub notes: Vec<String>,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Id of its heading.
    pub id: &'static str,
    /// Heading.
    pub title: String,
    /// A remark above it.
    pub note: Option<String>,
    /// Text if it has no rows.
    pub empty: &'static str,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows; the first cell of each is its heading.
    pub rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Heading.
    pub label: &'static str,
    /// Whether it has numbers.
    pub is_number: bool,
}

/// A cell; an empty text is shown as "not recorded".
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// Text; untrusted.
    pub text: String,
    /// A second line.
    pub small: Option<String>,
    /// Where the text leads to.
    pub href: Option<String>,
}

impl Table {
    /// A table without rows. Names of columns that begin with `#` have numbers.
    pub fn new(id: &'static str, title: &str, columns: &[&'static str]) -> Self {
        let column = |name: &&'static str| match name.strip_prefix('#') {
            Some(label) => Column { label, is_number: true },
            None => Column { label: name, is_number: false },
        };
        Self {
            id,
            title: title.to_owned(),
            empty: "none",
            columns: columns.iter().map(column).collect(),
            ..Self::default()
        }
    }

    /// The same with rows.
    pub fn rows(self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        Self { rows: rows.into_iter().collect(), ..self }
    }

    /// The same with a remark.
    pub fn note(self, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..self }
    }

    /// Whether a column has numbers.
    pub fn is_number(&self, place: &usize) -> bool {
        self.columns.get(*place).is_some_and(|column| column.is_number)
    }
}

impl Cell {
    /// The same with a second line.
    pub fn with(self, small: Option<String>) -> Self {
        Self { small, ..self }
    }

    /// The same with an address.
    pub fn to(self, href: String) -> Self {
        Self { href: Some(href), ..self }
    }
}

/// A cell with a text.
pub fn cell(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), ..Cell::default() }
}

/// A cell with a name that may not be recorded.
pub fn named(name: Option<&str>) -> Cell {
    cell(name.unwrap_or("not recorded"))
}

/// A count.
pub fn number(count: u64) -> Cell {
    cell(count.to_string())
}

/// A count of tokens; absent is not recorded.
pub fn tokens(count: Option<u64>) -> Cell {
    cell(count.map(|count| tokens_in_words(count as f64)).unwrap_or_default())
}

/// A fraction as a percentage; absent is not recorded.
pub fn share(fraction: Option<f64>) -> Cell {
    cell(fraction.map(percent).unwrap_or_default())
}

/// A duration in milliseconds; absent is not recorded.
pub fn duration(ms: Option<f64>) -> Cell {
    cell(ms.map(milliseconds).unwrap_or_default())
}

/// An amount in USD; absent is not recorded.
pub fn money(amount: Option<f64>) -> Cell {
    cell(amount.map(usd).unwrap_or_default())
}

/// A time, in UTC.
pub fn time(at: Option<DateTime<Utc>>) -> Cell {
    cell(at.map(|at| at.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default())
}

/// An own hit rate with its interval, or with the reason why it has none.
pub fn rate(rate: &OwnRate) -> Cell {
    let interval = rate.interval.map(|interval| {
        let (low, high) = (percent(interval.low), percent(interval.high));
        format!("{low} to {high} ({})", percent(interval.coverage))
    });
    share(rate.rate).with(interval.or_else(|| rate.no_interval.clone()))
}

/// Failed calls of those whose source states failures.
pub fn failures(failures: &Failures) -> Cell {
    let classes: Vec<String> = failures
        .classes
        .iter()
        .map(|class| format!("{} {}", class.calls, class.class.replace('_', " ")))
        .collect();
    let small = (!classes.is_empty()).then(|| classes.join(", "));
    cell(failures.all.map(|all| all.to_string()).unwrap_or_default()).with(small)
}

/// What kind of money an amount is.
pub fn kind(kind: PaidKind) -> &'static str {
    match kind {
        PaidKind::Billed => "billed",
        PaidKind::BilledPlusByok => "billed, own key included",
        PaidKind::FeeOnly => "fee only",
        PaidKind::ComputedByTool => "computed by the tool",
        PaidKind::SubscriptionZero => "paid by a subscription",
        PaidKind::Unknown => "kind unknown",
    }
}

/// Amounts by kind of money; kinds are never added up.
pub fn paid(paid: &[Paid]) -> Cell {
    let Some((first, rest)) = paid.split_first() else { return cell("") };
    let text = |one: &Paid| format!("{} {}", usd(one.usd), kind(one.kind));
    let rest: Vec<String> = rest.iter().map(text).collect();
    cell(text(first)).with((!rest.is_empty()).then(|| rest.join(", ")))
}
