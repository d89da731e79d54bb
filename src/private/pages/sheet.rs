//! The content of a page: facts, tables and notes. One template draws every page.

use crate::domain::format::grouped;
use crate::request_log::PaidKind;
use crate::site::{milliseconds, percent, percent_change_tenth, tokens_in_words, usd};
use crate::traffic::report::{Failures, OwnRate, Paid};
use crate::traffic::worth::Change;
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
    /// What the reader came for, before everything else.
    pub answers: Vec<Answer>,
    /// Figures with their names.
    pub facts: Vec<(String, String)>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Remarks, as sentences.
    pub notes: Vec<String>,
}

/// One answer of the first screen.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// What it answers, as a heading.
    pub title: &'static str,
    /// The figure.
    pub figure: String,
    /// What the figure is compared with, or its unit.
    pub beside: Option<String>,
    /// What it means.
    pub lines: Vec<Line>,
    /// Where the details are.
    pub href: &'static str,
    /// The text of that link.
    pub more: &'static str,
}

/// A sentence, which may be about a name.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// The name; untrusted.
    pub name: Option<String>,
    /// What is said.
    pub text: String,
}

impl Line {
    /// A sentence.
    pub fn of(text: impl Into<String>) -> Self {
        Self { name: None, text: text.into() }
    }

    /// A sentence about a name.
    pub fn on(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: Some(name.into()), text: text.into() }
    }
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
    /// Class of its cells: `n` for numbers, `why` for sentences.
    pub class: &'static str,
}

/// A cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// Text; untrusted.
    pub text: String,
    /// What an empty text means; by default "not recorded".
    pub absent: Option<&'static str>,
    /// A second line.
    pub small: Option<String>,
    /// Where the text leads to.
    pub href: Option<String>,
    /// The public page about it.
    pub public: Option<String>,
    /// What a column of numbers is sorted by.
    pub sort: Option<f64>,
}

impl Table {
    /// A table without rows. Columns whose names begin with `#` have numbers, with `~` sentences.
    pub fn new(id: &'static str, title: &str, columns: &[&'static str]) -> Self {
        let column = |name: &&'static str| {
            let marked = |mark, class| Some(Column { label: name.strip_prefix(mark)?, class });
            marked('#', "n").or_else(|| marked('~', "why")).unwrap_or(Column { label: name, class: "" })
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

    /// The class of a column's cells.
    pub fn class(&self, place: &usize) -> &'static str {
        self.columns.get(*place).map_or("", |column| column.class)
    }
}

impl Cell {
    /// The same with a second line.
    pub fn with(self, small: Option<String>) -> Self {
        Self { small, ..self }
    }

    /// The same, sorted by a number.
    pub fn by(self, sort: Option<f64>) -> Self {
        Self { sort, ..self }
    }

    /// The same, saying what an empty text means.
    pub fn or(self, absent: &'static str) -> Self {
        Self { absent: Some(absent), ..self }
    }

    /// The same with an address, if there is one.
    pub fn to(self, href: Option<String>) -> Self {
        Self { href, ..self }
    }

    /// The same with the public page about it, if there is one.
    pub fn public(self, public: Option<String>) -> Self {
        Self { public, ..self }
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
    cell(grouped(count)).by(Some(count as f64))
}

/// A count of tokens; absent is not recorded.
pub fn tokens(count: Option<u64>) -> Cell {
    let count = count.map(|count| count as f64);
    cell(count.map(tokens_in_words).unwrap_or_default()).by(count)
}

/// A fraction as a percentage; absent is not recorded.
pub fn share(fraction: Option<f64>) -> Cell {
    cell(fraction.map(percent).unwrap_or_default()).by(fraction)
}

/// A duration in milliseconds; absent is not recorded.
pub fn duration(ms: Option<f64>) -> Cell {
    cell(ms.map(milliseconds).unwrap_or_default()).by(ms)
}

/// An amount in USD; absent is not recorded.
pub fn money(amount: Option<f64>) -> Cell {
    cell(amount.map(usd).unwrap_or_default()).by(amount)
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
    cell(failures.all.map(grouped).unwrap_or_default()).by(failures.all.map(|all| all as f64)).with(small)
}

/// A pause in seconds; absent is not recorded.
pub fn pause(seconds: Option<f64>) -> Cell {
    cell(match seconds {
        None => String::new(),
        Some(seconds) if seconds < 120.0 => format!("{seconds:.0} s"),
        Some(seconds) if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        Some(seconds) => format!("{:.1} h", seconds / 3600.0),
    })
    .by(seconds)
}

/// A cost against another one, with its interval.
pub fn change(change: &Change) -> String {
    let Some(fraction) = change.fraction else { return "nothing was paid".to_owned() };
    let interval = match change.low.zip(change.high) {
        Some((low, high)) => format!("{}, 90 % interval", range(low, high, percent_change_tenth)),
        None => "no interval, too few sessions".to_owned(),
    };
    format!("{} ({interval})", percent_change_tenth(fraction))
}

/// An interval in words.
pub fn range(low: f64, high: f64, format: impl Fn(f64) -> String) -> String {
    format!("{} to {}", format(low), format(high))
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
    cell(text(first)).by(Some(first.usd)).with((!rest.is_empty()).then(|| rest.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_numbers_are_sorted_by_the_number() {
        let cells = [
            (number(1_190), "1,190", 1_190.0),
            (money(Some(0.5)), "$0.50", 0.5),
            (pause(Some(1_230.0)), "20 min", 1_230.0),
            (pause(Some(30.0)), "30 s", 30.0),
            (pause(Some(9_000.0)), "2.5 h", 9_000.0),
        ];
        for (cell, text, sort) in cells {
            assert_eq!((cell.text.as_str(), cell.sort), (text, Some(sort)));
        }
        assert_eq!((money(None).text, share(None).sort), (String::new(), None));
    }
}
