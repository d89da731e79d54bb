//! Values of own traffic in words, for the tables of the terminal.

use crate::domain::format::{grouped, usd};
use crate::request_log::PaidKind;
use crate::traffic::report::{Failures, OwnRate, Paid};
use crate::traffic::status::kind_text;

/// A count for a cell.
pub(super) fn whole(count: u64) -> Option<i64> {
    i64::try_from(count).ok()
}

/// Failures: their number, or "not recorded".
pub(super) fn failures(failures: &Failures) -> String {
    failures.all.map_or_else(|| "not recorded".to_owned(), grouped)
}

/// The interval of a rate in brackets behind it; the reason if there is none.
pub(super) fn interval(rate: &OwnRate) -> String {
    match (rate.interval, rate.no_interval.as_deref()) {
        (Some(interval), _) => format!(" ({:.1} to {:.1} %)", interval.low * 100.0, interval.high * 100.0),
        (None, Some(why)) if rate.rate.is_some() => format!(" (no interval: {why})"),
        _ => String::new(),
    }
}

/// Why a cell has no interval.
pub(super) const NO_INTERVAL: &str = "A 90 % interval needs at least 5 sessions that differ, none of which holds most of the tokens; --json states each reason.";

/// The interval of a rate for a cell; a dash if there is none.
pub(super) fn interval_cell(rate: &OwnRate) -> String {
    rate.interval.map_or_else(
        || "-".to_owned(),
        |interval| format!("{:.1} to {:.1} %", interval.low * 100.0, interval.high * 100.0),
    )
}

/// A text of untrusted names at its whole length, without control characters.
pub(super) fn clean_line(text: &str) -> String {
    crate::site::clean(text.to_owned())
}

/// An amount with its kind.
pub(super) fn money(kind: PaidKind, amount: Option<f64>) -> String {
    let Some(amount) = amount else { return "no amount".to_owned() };
    match kind_text(kind) {
        "" => usd(amount),
        kind => format!("{} {kind}", usd(amount)),
    }
}

/// Amounts of several kinds, side by side.
pub(super) fn paid(paid: &[Paid]) -> String {
    if paid.is_empty() {
        return "-".to_owned();
    }
    paid.iter().map(|one| money(one.kind, Some(one.usd))).collect::<Vec<_>>().join(" + ")
}
