//! The status page of the collection.

use super::changes::{self, Change};
use crate::domain::change::ChangeKind;
use crate::domain::delivery::{AlertsStatus, Delivery, DeliveryOutcome, ReceiverState, ReceiverStatus};
use crate::domain::document::RouteAnswer;
use crate::domain::hourly::Refusal;
use crate::domain::imported::ImportSummary;
use crate::domain::reading::RunStatus;
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::domain::window::WindowKind;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{When, format};
use crate::site::registry::Section;
use crate::snapshot::{
    ComparisonAge, DriftCount, HourlyRates, QuarantineCount, RunSummary, SourceAge, SuspectRun,
};
use crate::wording::{self, imports, status as health};
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Duration, Utc};

/// Number of runs in the row of bars.
const BARS: usize = 72;
/// Width of a bar with its gap, and of the bar alone.
pub const BAR: (usize, usize) = (10, 7);

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    shell: Shell,
    verdict: String,
    is_well: bool,
    trouble: Option<String>,
    next_run: Option<String>,
    beats: Beats,
    age: String,
    built_at: When,
    summary: Vec<(&'static str, String)>,
    suspect: Option<&'a SuspectRun>,
    missing: &'a [String],
    sources: Vec<Source<'a>>,
    runs: Vec<Run<'a>>,
    comparison: Option<String>,
    hourly: String,
    refused: Vec<(&'static str, String)>,
    quarantine: Vec<(&'a QuarantineCount, String)>,
    drift: &'a [DriftCount],
    imported: usize,
    imports: Vec<Import<'a>>,
    changes: Vec<Change<'a>>,
    alerts: Option<Alerts<'a>>,
}

/// The last runs as bars, the newest at the right.
#[derive(Template)]
#[template(path = "parts/beats.html")]
struct Beats {
    label: String,
    width: usize,
    /// Position, class and title of each.
    bars: Vec<(usize, &'static str, String)>,
}
impl HtmlSafe for Beats {}

impl Beats {
    fn new(runs: &[RunSummary]) -> Self {
        let shown = &runs[..runs.len().min(BARS)];
        let statuses: Vec<RunStatus> = shown.iter().map(|run| run.status).collect();
        let bar = |(place, run): (usize, &RunSummary)| {
            let class = match run.status {
                RunStatus::Ok => "ok",
                RunStatus::Partial => "partial",
                RunStatus::Suspect => "suspect",
                RunStatus::Failed => "failed",
            };
            let title = format!("{}: {}", format::moment(run.observed_at), run.status);
            (place * BAR.0, class, title)
        };
        let gaps = shown.windows(2).map(|pair| pair[0].observed_at - pair[1].observed_at);
        let longest = gaps.max().filter(|gap| *gap >= Duration::hours(STALE_AFTER_HOURS)).map(format::span);
        Self {
            label: health::runs(&statuses, longest.as_deref()),
            width: shown.len().max(1) * BAR.0,
            bars: shown.iter().rev().enumerate().map(bar).collect(),
        }
    }
}

struct Source<'a> {
    of: &'a SourceAge,
    newest: Option<When>,
    age: Option<String>,
}

struct Run<'a> {
    of: &'a RunSummary,
    at: When,
    took: String,
    kind: &'static str,
}

/// The receivers of alerts and their last deliveries.
struct Alerts<'a> {
    summary: String,
    problems: &'a [String],
    receivers: Vec<Receiver<'a>>,
    deliveries: Vec<Delivered<'a>>,
}

struct Receiver<'a> {
    of: &'a ReceiverStatus,
    state: &'static str,
    is_well: bool,
    since: Option<When>,
    delivered_at: Option<When>,
}

struct Delivered<'a> {
    of: &'a Delivery,
    at: When,
    outcome: &'static str,
    is_well: bool,
}

impl<'a> Alerts<'a> {
    fn new(of: &'a AlertsStatus) -> Self {
        let receiver = |of: &'a ReceiverStatus| Receiver {
            of,
            state: wording::alerts::receiver(of.state),
            is_well: of.state == ReceiverState::On,
            since: of.since.map(When::new),
            delivered_at: of.delivered_at.map(When::new),
        };
        let delivered = |of: &'a Delivery| Delivered {
            of,
            at: When::new(of.at),
            outcome: wording::alerts::outcome(of.outcome),
            is_well: of.outcome == DeliveryOutcome::Delivered,
        };
        Self {
            summary: wording::alerts::summary(of),
            problems: &of.problems,
            receivers: of.receivers.iter().map(receiver).collect(),
            deliveries: of.deliveries.iter().map(delivered).collect(),
        }
    }
}

/// Renders the status page, with the state of the alerts if there are receivers.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, alerts: Option<&AlertsStatus>) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let status = &snapshot.status;
    StatusPage {
        shell: Shell::of_page(
            view,
            Section::Status,
            "status",
            "Runs, age of the data, coverage and quarantined rows.",
        ),
        verdict: health(view).to_string(),
        is_well: health(view).is_well(),
        trouble: status.trouble.as_ref().map(health::trouble),
        next_run: health::next_run(snapshot.next_run, view.now),
        beats: Beats::new(&status.runs),
        age: format::age(view.age()),
        built_at: When::new(snapshot.built_at),
        summary: summary(view),
        suspect: status.suspect.as_ref(),
        missing: &status.missing,
        sources: status.sources.iter().map(|s| source(view, s)).collect(),
        runs: status.runs.iter().map(run).collect(),
        comparison: status.comparison.as_ref().map(comparison),
        hourly: format::grouped(snapshot.hourly.len() as u64),
        refused: refused(&snapshot.hourly),
        quarantine: status.quarantine.iter().map(|of| (of, format::tokens(of.tokens as f64))).collect(),
        drift: &status.drift,
        changes: changes::shown(
            snapshot,
            snapshot.changes.iter().filter(|change| change.kind == ChangeKind::WindowChanged),
            usize::MAX,
        ),
        alerts: alerts.map(Alerts::new),
        imported: snapshot.imports.count,
        imports: snapshot.imports.sources.iter().map(import).collect(),
    }
    .render()
}

/// An imported source.
struct Import<'a> {
    of: &'a ImportSummary,
    kind: &'static str,
    at: When,
    stored: String,
    known: String,
    disagreements: String,
    refused: String,
}

fn import(of: &ImportSummary) -> Import<'_> {
    let count = |rows: usize| format::grouped(rows as u64);
    Import {
        of,
        kind: imports::kind(of.kind),
        at: When::new(of.fetched_at),
        stored: count(of.report.stored),
        known: count(of.report.known),
        disagreements: count(of.report.disagreements),
        refused: count(of.report.refused),
    }
}

/// The state of the collection.
fn health(view: &View) -> health::State {
    let status = &view.snapshot.status;
    let moved = status.suspect.as_ref().map(SuspectRun::moved);
    let newest = status.runs.first().map(|run| health::Newest {
        status: run.status,
        endpoints: run.endpoints,
        failed: run.failures.len(),
    });
    health::State::of(moved, view.age(), newest, &status.missing)
}

fn summary(view: &View) -> Vec<(&'static str, String)> {
    let summary = &view.snapshot.summary;
    let count = |n: usize| format::grouped(n as u64);
    vec![
        ("models and variants", count(summary.models)),
        ("providers", count(summary.providers)),
        ("endpoints", count(summary.endpoints)),
        ("with a hit rate", count(summary.endpoints_with_usage)),
        ("tokens a day", format::tokens(summary.tokens_per_day)),
        (
            "covered by the cache tiers",
            summary.covered_share.map_or_else(|| "unknown".to_owned(), format::percent),
        ),
        ("runs stored", count(summary.runs)),
        ("days observed", count(summary.observed_days)),
        ("first run", summary.first_run.format("%Y-%m-%d").to_string()),
    ]
}

fn source<'a>(view: &View, of: &'a SourceAge) -> Source<'a> {
    let age = |at: DateTime<Utc>| format::age((view.now - at).max(Duration::zero()));
    Source { of, newest: of.newest.map(When::new), age: of.newest.map(age) }
}

/// The state of the daily series of hit rates, in words.
fn comparison(of: &ComparisonAge) -> String {
    let asked = format::moment(of.asked_at);
    let newest = of.newest_day.map_or_else(
        || "No day has a closing value yet.".to_owned(),
        |day| format!("The newest day with a closing value is {day}."),
    );
    match of.answer {
        RouteAnswer::Answered => format!("Answered on {asked}. {newest}"),
        RouteAnswer::NotOffered => {
            format!(
                "Not offered by the upstream when requested on {asked}; days without a sweep remain gaps. {newest}"
            )
        }
        RouteAnswer::Failed => {
            format!("Requested on {asked} without a usable answer; the next sweep tries again. {newest}")
        }
    }
}

/// Why readings yielded no hourly rate, the most frequent reason first.
fn refused(hourly: &HourlyRates) -> Vec<(&'static str, String)> {
    let mut counts: Vec<(Refusal, usize)> =
        hourly.refused.iter().map(|(why, count)| (*why, *count)).collect();
    counts.sort_by_key(|(why, count)| (std::cmp::Reverse(*count), *why));
    counts.into_iter().map(|(why, count)| (in_words(why), format::grouped(count as u64))).collect()
}

fn in_words(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::WindowKind => "the reading does not cover the day so far",
        Refusal::OtherEndpoint => "readings of two endpoints",
        Refusal::AcrossMidnight => "readings of two days",
        Refusal::TokensFell => "the count of tokens went down",
        Refusal::NoTraffic => "no tokens in between",
        Refusal::NoRate => "a reading without a hit rate",
        Refusal::TooFewTokens => "under a million tokens in between",
        Refusal::OutOfRange => "the rate would be outside 0 to 100 %",
    }
}

fn run(of: &RunSummary) -> Run<'_> {
    Run {
        of,
        at: When::new(of.observed_at),
        took: format::milliseconds(of.duration_ms as f64),
        kind: match of.window_kind {
            WindowKind::Hour => "a short period",
            WindowKind::DayToDate => "the day so far",
            WindowKind::Day => "a whole day",
            WindowKind::Unknown => "unknown",
        },
    }
}
