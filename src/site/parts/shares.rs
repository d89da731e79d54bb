//! Traffic shares as a table with a chart, for the pages of all traffic, of a model and of a provider.

use super::{Cell, format, link};
use crate::domain::share::{ShareReport, ShareRow, TrafficJump};
use crate::site::charts::day_chart::DayChart;
use crate::site::charts::shares;
use crate::snapshot::{ModelEntry, Snapshot};
use crate::wording::share as wording;
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::NaiveDate;

/// Number of rows that are not folded away.
const ROWS: usize = 20;
/// Longest name in a sentence.
const LONGEST_NAME: usize = 60;
/// Number of jumps that are shown.
const JUMPS: usize = 10;

/// Shares with their chart.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/shares.html")]
pub struct Shares {
    /// What a row is.
    whose: &'static str,
    concentration: Option<String>,
    chart: Option<DayChart>,
    /// Which days the shares are of.
    days: String,
    /// The columns after the name, each with a smaller second line.
    columns: Vec<(&'static str, &'static str)>,
    rows: Vec<Row>,
    /// Number of rows that are left out.
    others: usize,
    /// The marked days of a model; those of all traffic are a section of its page.
    jumps: Vec<Jump>,
    /// Why days count that are not complete.
    partial: Option<&'static str>,
}
impl HtmlSafe for Shares {}

#[derive(Debug, Clone)]
struct Row {
    name: String,
    /// Its page, if it still exists.
    href: Option<String>,
    cells: Vec<Cell>,
}

/// A day that is marked, with the page of its endpoint.
#[derive(Debug, Clone)]
pub struct Jump {
    pub day: NaiveDate,
    pub name: String,
    pub href: Option<String>,
    pub tag: String,
    pub why: String,
}

/// The shares of the providers in all traffic.
pub fn of_providers(snapshot: &Snapshot, report: &ShareReport) -> Shares {
    let entry = |row: &ShareRow| snapshot.provider(row.provider.as_str());
    let name = |row: &ShareRow| entry(row).map_or_else(|| row.provider.to_string(), |p| p.name.clone());
    let href = |row: &ShareRow| entry(row).map(|p| link::provider(p.provider.as_str()));
    Shares {
        whose: "Provider",
        concentration: wording::concentration(report, "provider", "providers"),
        chart: shares::largest("Share of all tokens by day".to_owned(), report, name),
        ..Shares::new(report, name, href)
    }
}

/// The shares of the endpoints in the traffic of a model; `None` if none of them has tokens.
pub fn of_model(snapshot: &Snapshot, model: &ModelEntry) -> Option<Shares> {
    let report = snapshot.share.of_model(&model.model_id, &model.slug, &model.variant);
    if report.shares.is_empty() {
        return None;
    }
    let name = |row: &ShareRow| match &row.tag {
        Some(tag) => tag.to_string(),
        None => format!("{} (gone)", row.provider),
    };
    let href = |row: &ShareRow| {
        let its = model.endpoints.iter().find(|e| Some(e.endpoint_id) == row.endpoint_id);
        its.map(|endpoint| link::endpoint_of(model, endpoint))
    };
    Some(Shares {
        whose: "Endpoint",
        concentration: wording::concentration(&report, "endpoint", "endpoints"),
        jumps: jumps(snapshot, &report),
        chart: shares::largest("Share of the model’s tokens by day".to_owned(), &report, name),
        ..Shares::new(&report, name, href)
    })
}

/// The share of a provider in all traffic by day; `None` if no day that counts has one.
pub fn of_provider(snapshot: &Snapshot, provider: &str, name: &str) -> Option<DayChart> {
    let report = snapshot.share.of_providers();
    let row = report.shares.iter().find(|row| row.provider.as_str() == provider)?;
    shares::of_one(format!("{name}: share of all tokens by day"), &report, row, name)
}

fn short(name: &str) -> String {
    format::shorten(name, LONGEST_NAME)
}

/// The newest marked days, newest first.
pub fn jumps(snapshot: &Snapshot, report: &ShareReport) -> Vec<Jump> {
    let one = |jump: &TrafficJump| {
        let model = snapshot.models.iter().find(|m| m.slug == jump.slug && m.variant == jump.variant);
        let endpoint = model.and_then(|m| m.endpoints.iter().find(|e| e.endpoint_id == jump.endpoint_id));
        Jump {
            day: jump.day,
            name: short(&model.map_or_else(|| jump.slug.to_string(), |model| model.model_id.clone())),
            href: model.zip(endpoint).map(|(model, endpoint)| link::endpoint_of(model, endpoint)),
            tag: short(&jump.tag.as_ref().map_or_else(|| jump.provider.to_string(), ToString::to_string)),
            why: wording::jump(jump),
        }
    };
    report.jumps.iter().take(JUMPS).map(one).collect()
}

impl Shares {
    fn new(
        report: &ShareReport,
        name: impl Fn(&ShareRow) -> String,
        href: impl Fn(&ShareRow) -> Option<String>,
    ) -> Self {
        let known = Known {
            before: report.shares.iter().any(|row| row.share_before.is_some()),
            tokens: report.shares.iter().any(|row| row.tokens_per_day.is_some()),
        };
        let row = |row: &ShareRow| Row { name: name(row), href: href(row), cells: cells(row, &known) };
        Self {
            whose: "",
            concentration: None,
            chart: None,
            days: wording::recent_days(report),
            columns: known.columns(),
            rows: report.shares.iter().take(ROWS).map(row).collect(),
            others: report.shares.len().saturating_sub(ROWS),
            jumps: Vec::new(),
            partial: wording::partial(report),
        }
    }
}

/// What is known of any row; a column without a value is left out.
struct Known {
    before: bool,
    tokens: bool,
}

impl Known {
    fn columns(&self) -> Vec<(&'static str, &'static str)> {
        let before = [("Before", "up to 7 days"), ("Change", "points")];
        let before = before.into_iter().filter(|_| self.before);
        let tokens = self.tokens.then_some(("Tokens a day", "mean"));
        std::iter::once(("Share", "of the tokens")).chain(before).chain(tokens).collect()
    }
}

fn cells(row: &ShareRow, known: &Known) -> Vec<Cell> {
    let change = row.share.zip(row.share_before).map(|(now, before)| now - before);
    let without_tokens = if row.tokens_per_day.is_some() { "no traffic" } else { "unknown" };
    let before = [
        Cell::number(row.share_before, share, "unknown").labelled("before"),
        Cell::number(change, format::points, "unknown").labelled("change"),
    ];
    let tokens = || {
        Cell::number(row.tokens_per_day.filter(|t| *t > 0.0), format::tokens, without_tokens)
            .labelled("tokens/day")
    };
    std::iter::once(Cell::number(row.share, share, "unknown").labelled("share"))
        .chain(before.into_iter().filter(|_| known.before))
        .chain(known.tokens.then(tokens))
        .collect()
}

/// A share in tenths of a percent; one that would round to zero is `<0.1 %`.
pub fn share(fraction: f64) -> String {
    format::percent_tenths(fraction)
}
