//! Compares every field with the last accepted run.

use super::compare::{Change, Part, changes};
use super::flat::Tables;
use super::limits::{self, Limits, MIN_ALL_GONE, MIN_CHANGED, MIN_ROWS};
use super::{Check, Restated, Seen};

/// Whether a part exceeds a limit, over enough rows to be significant.
pub fn beyond(part: Part, limit: f64) -> bool {
    part.of >= MIN_ROWS && part.count >= MIN_CHANGED && part.share() > limit
}

/// Whether all rows that could change did, and there are enough of them to say so.
fn is_total(part: Part) -> bool {
    part.share() >= 1.0 && part.count >= MIN_ALL_GONE
}

/// Compares all fields of all tables.
pub fn moved(before: &Tables, now: &Tables, seen: &mut Vec<Seen>) {
    for (old, new) in before.pairs(now) {
        let changes = changes(old, new);
        let (withdrawn, computed) = limits::WITHDRAWN;
        let all_gone = |path: &str| {
            changes.get(path).is_some_and(|change| change.gone.count > 0 && change.gone.share() > 0.9)
        };
        let excused = |path: &str| path == withdrawn || (computed.contains(&path) && all_gone(withdrawn));
        // A provider may change its prices and facts at will. The upstream changes those of all providers. A change of
        // unit, and a value that no endpoint has any more, always count. `rows` checks whole summaries.
        let one_providers = |path: &str, change: &Change| {
            let of_provider = path.starts_with("prices.") || path.starts_with("facts.");
            let ratio = change.median_ratio().unwrap_or(1.0);
            of_provider
                && change.providers.len() == 1
                && ratio.max(1.0 / ratio) < limits::UNIT
                && ![change.gone, change.changed[1]].into_iter().any(is_total)
        };
        let considered =
            |(path, change): &(&String, &Change)| *path != "usage" && !one_providers(path, change);
        for (path, change) in changes.iter().filter(considered) {
            field(path, change, &limits::of(path), excused(path), seen);
        }
    }
}

fn field(path: &str, change: &Change, limits: &Limits, excused: bool, seen: &mut Vec<Seen>) {
    let [texts, flags] = change.changed;
    let all_gone = is_total(change.gone) && limits.gone <= 0.2;
    // A rarely set flag: all endpoints that had it lose it at once.
    let all_cleared = is_total(flags);
    let parts = [
        (Check::ValuesLost, change.gone, limits.gone, "lost their value"),
        (Check::ValuesAppeared, change.appeared, limits.appeared, "now have a value and had none"),
        (Check::Zeroed, change.zeroed, limits.zeroed, "became 0"),
        (Check::Raised, change.raised, limits.raised, "were 0 and no longer are"),
        (Check::SignChanged, change.flipped, limits.flipped, "changed their sign"),
        (Check::Changed, texts, limits.changed, "changed"),
        (Check::Changed, flags, limits.changed, "changed"),
        (Check::Shifted, change.moved(limits.factor), limits.moved, "moved beyond the allowed factor"),
    ];
    for (check, part, limit, what) in parts {
        let lost = check == Check::ValuesLost;
        let cleared = check == Check::Changed && part == flags && all_cleared;
        if (beyond(part, limit) || (lost && all_gone) || cleared) && !(lost && excused) {
            let detail = part.sentence(&format!("values {what}"), limit);
            seen.push(Seen::share(path, check, part, limit, detail));
        }
    }
    shifted(path, change, limits, seen);
}

fn shifted(path: &str, change: &Change, limits: &Limits, seen: &mut Vec<Seen>) {
    let rows = change.logs.len();
    // A field that few endpoints have: all of them change by far more than a price does.
    let unit = rows >= MIN_ALL_GONE && change.moved(limits::UNIT_OF_FEW).count == rows;
    let Some(ratio) = change.median_ratio().filter(|_| rows >= MIN_ROWS || unit) else { return };
    if ratio.max(1.0 / ratio) > limits.shift {
        let weight = change.moved(limits.shift).share();
        let detail = format!("the median of {rows} values is {} times the previous one", factor(ratio));
        seen.push(Seen::new(path, Check::Shifted, weight, (1.0, ratio), detail));
    }
}

/// A ratio with four decimals, or with an exponent if these would be 0.
pub fn factor(ratio: f64) -> String {
    if ratio < 0.001 { format!("{ratio:.1e}") } else { format!("{ratio:.4}") }
}

/// Compares restated past days with the store.
pub fn restated(restated: &[Restated], seen: &mut Vec<Seen>) {
    for one in restated {
        let part = Part { count: one.changed, of: one.known };
        if beyond(part, limits::RESTATED) {
            seen.push(Seen {
                path: one.path.clone(),
                check: Check::Restated,
                weight: part.share(),
                before: Some(1.0),
                after: one.median_ratio,
                detail: format!(
                    "{} of {} values of past days changed by more than 1 %",
                    one.changed, one.known
                ),
            });
        }
    }
}
