//! One line about the user's own traffic, for prompts and status bars.

use super::misses::PromptPrices;
use super::report::public::candidates;
use super::report::{By, Paid, Question, Regression, count, kind, scope, served, watch};
use crate::domain::format::{grouped, percent, usd};
use crate::request_log::PaidKind;
use crate::snapshot::Snapshot;
use crate::store::{StoreError, TrafficStore};
use chrono::{DateTime, Days, Utc};
use serde::{Deserialize, Serialize};

/// The placeholders of a format, with what they stand for.
pub const PLACEHOLDERS: [(&str, &str); 11] = [
    ("hit_rate", "own hit rate, token-weighted"),
    ("saved", "what caching saved, USD: as the log states it, otherwise at the list prices of the snapshot"),
    ("paid", "what you paid, USD; several kinds of money are listed one by one"),
    ("calls", "number of calls"),
    ("failures", "number of failed calls; `not recorded` if no log states failures"),
    ("prompt", "prompt tokens"),
    ("read", "prompt tokens read from the cache"),
    ("output", "output tokens"),
    ("model", "the model with the most prompt tokens"),
    ("regression", "the models and providers whose hit rate dropped; empty if there are none"),
    ("since", "start of the period: `today`, `7d` or `30d`"),
];

/// The default format.
pub const DEFAULT_FORMAT: &str =
    "{since}: hit rate {hit_rate} · saved {saved} · paid {paid} · calls {calls}{regression}";

/// Days before the present that the watch for regressions reads.
const WATCHED_DAYS: u64 = 37;

/// The figures of a period.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Start of the period: `today`, `7d` or `30d`.
    pub since: String,
    /// Start of the period, UTC.
    pub from: Option<DateTime<Utc>>,
    /// Calls.
    pub calls: u64,
    /// Failed calls; null if no log states failures.
    pub failures: Option<u64>,
    /// Own hit rate, 0..1; null if it is not recorded.
    pub hit_rate: Option<f64>,
    /// What caching saved, USD; null if neither a log nor a price states it.
    pub saved: Option<f64>,
    /// Paid, by kind of money.
    pub paid: Vec<Paid>,
    /// Prompt tokens; null if not recorded.
    pub prompt_tokens: Option<u64>,
    /// Prompt tokens read from the cache.
    pub read_tokens: Option<u64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// The model with the most prompt tokens.
    pub model: Option<String>,
    /// Drops of the own hit rate, whatever the period.
    pub regressions: Vec<Regression>,
}

/// The start of a period that ends now.
///
/// # Errors
/// If the name is none of `today`, `7d` and `30d`.
pub fn start(since: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    match since {
        "today" => Ok(crate::domain::window::midnight(now.date_naive())),
        "7d" => Ok(now - Days::new(7)),
        "30d" => Ok(now - Days::new(30)),
        _ => Err(format!("unknown period `{since}` (expected today, 7d or 30d)")),
    }
}

/// One part of a format: a text, or the name of a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(&'static str),
}

/// A format with known placeholders. `{{` and `}}` are braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusFormat(Vec<Part>);

impl StatusFormat {
    /// Reads a format.
    ///
    /// # Errors
    /// If a placeholder is unknown or not closed; the error lists the known ones.
    pub fn parse(format: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            text += &rest[..at];
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text += brace;
                rest = after;
                continue;
            }
            let closed = if brace == "{" { rest.split_once('}') } else { None };
            let Some((name, after)) = closed else {
                return Err(format!(
                    "`{brace}` in the format has no counterpart; write `{brace}{brace}` for a brace"
                ));
            };
            let known = PLACEHOLDERS.iter().find(|(known, _)| *known == name);
            let Some((known, _)) = known else {
                let names: Vec<String> = PLACEHOLDERS.iter().map(|(name, _)| format!("{{{name}}}")).collect();
                return Err(format!("unknown placeholder `{{{name}}}` (expected {})", names.join(", ")));
            };
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(Part::Value(known));
            rest = after;
        }
        text += rest;
        parts.push(Part::Text(text));
        Ok(Self(parts))
    }

    /// Whether it contains a placeholder.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Value(known) if *known == name))
    }

    /// The line. Absent values are dashes.
    pub fn line(&self, status: &Status) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(name) => value(status, name),
        });
        parts.collect::<String>()
    }
}

/// The value of a placeholder as text.
fn value(status: &Status, name: &str) -> String {
    let dash = || "-".to_owned();
    let tokens = |count: Option<u64>| count.map_or_else(dash, grouped);
    match name {
        "hit_rate" => status.hit_rate.map_or_else(dash, |rate| percent(rate, 1)),
        "saved" => status.saved.map_or_else(dash, usd),
        "paid" => paid(&status.paid),
        "calls" => grouped(status.calls),
        "failures" => status.failures.map_or_else(|| "not recorded".to_owned(), grouped),
        "prompt" => tokens(status.prompt_tokens),
        "read" => tokens(status.read_tokens),
        "output" => tokens(status.output_tokens),
        "model" => status.model.clone().unwrap_or_else(dash),
        "regression" if status.regressions.is_empty() => String::new(),
        "regression" => {
            let pairs = status.regressions.iter().map(|one| format!("{} at {}", one.model, one.provider));
            format!(" · regression: {}", pairs.collect::<Vec<_>>().join(", "))
        }
        "since" => status.since.clone(),
        _ => String::new(),
    }
}

/// What was paid: a bill without a remark, every other kind of money with its kind.
fn paid(paid: &[Paid]) -> String {
    if paid.is_empty() {
        return "-".to_owned();
    }
    let amounts = paid.iter().map(|one| match kind_text(one.kind) {
        "" => usd(one.usd),
        kind => format!("{} {kind}", usd(one.usd)),
    });
    amounts.collect::<Vec<_>>().join(" + ")
}

/// A kind of money for people, behind an amount; empty for a bill.
pub const fn kind_text(kind: PaidKind) -> &'static str {
    match kind {
        PaidKind::Billed => "",
        PaidKind::BilledPlusByok => "with own key",
        PaidKind::FeeOnly => "fee only",
        PaidKind::ComputedByTool => "computed",
        PaidKind::SubscriptionZero => "subscription",
        PaidKind::Unknown => "of unknown kind",
    }
}

/// The drops of the own hit rate that the last days show; see [`watch::regressions`].
///
/// # Errors
/// See [`TrafficStore`].
pub fn drops(store: &TrafficStore, now: DateTime<Utc>) -> Result<Vec<Regression>, StoreError> {
    let watched =
        Question { from: Some(now - Days::new(WATCHED_DAYS)), to: Some(now), ..Question::default() };
    Ok(watch::regressions(&store.answers(scope(&watched, By::Endpoint)).days_alone()?))
}

/// The figures of a period. Prices come from the snapshot, which is needed only for savings that no log states.
///
/// # Errors
/// See [`TrafficStore`].
pub fn status(
    store: &TrafficStore,
    snapshot: Option<&Snapshot>,
    since: &str,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Status, StoreError> {
    let question = Question { from: Some(from), to: Some(now), ..Question::default() };
    let answers = store.answers(scope(&question, By::Endpoint));
    let groups = answers.groups()?;
    let mut status = Status {
        since: since.to_owned(),
        from: Some(from),
        regressions: drops(store, now)?,
        ..Status::default()
    };
    let add = |to: &mut Option<u64>, more: Option<i64>| {
        *to = to.iter().copied().chain(more.map(count)).reduce(u64::saturating_add);
    };
    let mut with_read = None;
    for row in &groups {
        status.calls += count(row.calls);
        if row.stating > 0 {
            add(&mut status.failures, Some(row.failures));
        }
        add(&mut status.prompt_tokens, row.prompt);
        add(&mut status.read_tokens, row.read);
        add(&mut status.output_tokens, row.output);
        add(&mut with_read, row.prompt_with_read);
        let priced = snapshot.map(|snapshot| PromptPrices::of(&candidates(snapshot, &served(row))));
        let unread = row.read_without_saving.zip(priced.and_then(|prices| prices.of_miss()));
        let computed = unread.map(|(tokens, price)| tokens as f64 * price / 1e6);
        for saved in [row.cache_saving, computed].into_iter().flatten() {
            status.saved = Some(status.saved.unwrap_or(0.0) + saved);
        }
    }
    let share = |(read, prompt): (u64, u64)| (prompt > 0).then(|| read as f64 / prompt as f64);
    status.hit_rate = status.read_tokens.zip(with_read).and_then(share);
    let mut by_kind: std::collections::BTreeMap<PaidKind, Paid> = std::collections::BTreeMap::new();
    for row in answers.paid()? {
        let kind = kind(&row.kind);
        let sum = by_kind.entry(kind).or_insert(Paid { kind, usd: 0.0, calls: 0 });
        sum.usd += row.usd;
        sum.calls += count(row.calls);
    }
    status.paid = by_kind.into_values().collect();
    let mut models: std::collections::BTreeMap<&str, i64> = std::collections::BTreeMap::new();
    for row in &groups {
        if let Some(model) = row.model.as_deref() {
            let prompt = models.entry(model).or_default();
            *prompt = i64::saturating_add(*prompt, row.prompt.unwrap_or(0));
        }
    }
    status.model = models.into_iter().max_by_key(|(_, tokens)| *tokens).map(|(model, _)| model.to_owned());
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_filled_in_and_absent_values_are_dashes() {
        let status = Status {
            since: "7d".to_owned(),
            calls: 1234,
            hit_rate: Some(0.8768),
            paid: vec![
                Paid { kind: PaidKind::Billed, usd: 1.5, calls: 3 },
                Paid { kind: PaidKind::ComputedByTool, usd: 0.25, calls: 1 },
            ],
            ..Status::default()
        };
        let line = |format: &str| StatusFormat::parse(format).expect("a format").line(&status);
        assert_eq!(line("{hit_rate} {saved}"), "87.7 % -");
        assert_eq!(line("{{{calls}}} {failures}{regression}|{since}"), "{1,234} not recorded|7d");
        assert_eq!(line("{paid}"), "$1.50 + $0.25 computed");
        assert_eq!(line("no placeholder"), "no placeholder");
        assert!(line(DEFAULT_FORMAT).starts_with("7d: hit rate 87.7 % · saved - · paid $1.50"));
    }

    #[test]
    fn an_unknown_placeholder_is_an_error_that_lists_the_known_ones() {
        let error = StatusFormat::parse("{hitrate}").expect_err("unknown");
        assert!(
            error.starts_with("unknown placeholder `{hitrate}` (expected {hit_rate}, {saved}"),
            "{error}"
        );
        assert!(StatusFormat::parse("{hit_rate").expect_err("open").contains("no counterpart"));
        assert!(StatusFormat::parse("a } b").is_err());
        let now = "2026-11-30T10:00:00Z".parse().expect("a time");
        assert_eq!(start("today", now).expect("known").to_rfc3339(), "2026-11-30T00:00:00+00:00");
        assert!(start("yesterday", now).expect_err("unknown").contains("today, 7d or 30d"));
    }
}
