//! Writes amounts and times as text with plain spaces: for sentences, errors and tables. Shares are fractions.

use chrono::{DateTime, Duration, Utc};

/// The decimals of an amount in dollars: two from one dollar up, below it as many as `digits` significant ones need, at
/// least two.
fn decimals(amount: f64, digits: i32) -> usize {
    let size = amount.abs();
    if size == 0.0 || size >= 1.0 {
        2
    } else {
        (digits - 1 - size.log10().floor() as i32).clamp(2, 9) as usize
    }
}

/// Dollars with `digits` significant digits below one dollar, and at least whole cents.
pub fn usd_fixed(amount: f64, digits: i32) -> String {
    let decimals = decimals(amount.abs(), digits);
    let sign = if amount < 0.0 { "-" } else { "" };
    format!("{sign}${:.decimals$}", amount.abs())
}

/// Writes the dollars of a table, all with the decimals of [`column_decimals`].
pub fn usd_column(
    costs: impl Iterator<Item = f64>,
    parts: impl Iterator<Item = f64>,
) -> impl Fn(f64) -> String {
    let decimals = column_decimals(costs, parts);
    move |amount| format!("${amount:.decimals$}")
}

/// The decimals that three significant digits of the smallest cost need, and one digit of the smallest part of a cost,
/// from a hundredth of a cent on.
pub fn column_decimals(costs: impl Iterator<Item = f64>, parts: impl Iterator<Item = f64>) -> usize {
    let smallest = costs.filter(|cost| *cost > 0.0).fold(f64::INFINITY, f64::min);
    let least = parts.filter(|part| *part >= 1e-4).fold(f64::INFINITY, f64::min);
    decimals(smallest, 3).max(decimals(least, 1))
}

/// Dollars for a sentence: three significant digits below one dollar, without zeros behind the cents.
pub fn usd(amount: f64) -> String {
    let text = usd_fixed(amount, 3);
    let shortest = text.find('.').map_or(text.len(), |dot| dot + 3);
    let kept = text.trim_end_matches('0').len().max(shortest);
    text[..kept].to_owned()
}

/// A share as a percentage: 0.864 is `86.4 %`.
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$} %", share * 100.0)
}

/// A difference as a percentage with its sign: -0.12 is `-12 %`. What rounds to zero has the sign `+`, never `-0 %`.
pub fn percent_change(share: f64, decimals: usize) -> String {
    let text = format!("{:+.decimals$} %", share * 100.0);
    match text.strip_prefix('-') {
        Some(rest) if !rest.bytes().any(|byte| matches!(byte, b'1'..=b'9')) => format!("+{rest}"),
        _ => text,
    }
}

/// An uptime as a percentage with one decimal, rounded down: only exactly 1 is `100 %`.
pub fn uptime(share: f64) -> String {
    if share >= 1.0 { "100 %".to_owned() } else { format!("{:.1} %", (share * 1000.0).floor() / 10.0) }
}

/// Maximum number of names in [`first_names`].
const NAMED: usize = 5;

/// The first five names of a list, and how many more there are: `a, b, c, d, e and 2 more`.
pub fn first_names(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A count with its noun: `1 call`, `1,054 calls`.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A whole number with groups of three: `1,054`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size for people: `512 B`, `17.5 MiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut size, mut unit) = (bytes as f64 / 1024.0, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// A duration for people: `14 hours`, `3 days`.
pub fn span(length: Duration) -> String {
    match length.num_hours() {
        ..=0 => "less than an hour".to_owned(),
        1 => "an hour".to_owned(),
        hours @ 2..48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
}

/// A moment to the minute: `2026-10-05 15:57 UTC`.
pub fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cents_and_less_keep_their_digits() {
        for (amount, sentence, column) in [
            (0.0, "$0.00", "$0.00"),
            (0.05, "$0.05", "$0.0500"),
            (0.135, "$0.135", "$0.135"),
            (2.5, "$2.50", "$2.50"),
            (-25.58, "-$25.58", "-$25.58"),
            (0.000_000_4, "$0.0000004", "$0.000000400"),
        ] {
            assert_eq!((usd(amount).as_str(), usd_fixed(amount, 3).as_str()), (sentence, column));
        }
        let column = usd_column([1.405, 0.0, 0.2134].into_iter(), [0.2, 0.0].into_iter());
        assert_eq!([1.405, 0.0, 0.2134].map(column), ["$1.405", "$0.000", "$0.213"]);
        let column = usd_column([1.405, 2.0].into_iter(), [0.0042, 1e-7].into_iter());
        assert_eq!([2.0, 0.0042, 1e-7].map(column), ["$2.000", "$0.004", "$0.000"]);
        assert_eq!((usd_fixed(0.05, 2).as_str(), usd_fixed(0.5, 2).as_str()), ("$0.050", "$0.50"));
    }

    #[test]
    fn durations_are_coarse_and_moments_have_minutes() {
        let spans = [Duration::minutes(12), Duration::minutes(61), Duration::hours(14), Duration::hours(75)];
        assert_eq!(spans.map(span), ["less than an hour", "an hour", "14 hours", "3 days"]);
        let at = "2026-10-05T15:57:12Z".parse().expect("a time");
        assert_eq!(moment(at), "2026-10-05 15:57 UTC");
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(first_names(&["a", "b"]), "a, b");
        assert_eq!(first_names(&["a", "b", "c", "d", "e"]), "a, b, c, d, e");
        assert_eq!(first_names(&["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
        assert_eq!(first_names(&Vec::<String>::new()), "");
    }

    #[test]
    fn almost_always_up_is_not_always_up() {
        assert_eq!([0.9999, 1.0].map(uptime), ["99.9 %", "100 %"]);
        assert_eq!((percent(0.864, 1), percent_change(0.07, 0)), ("86.4 %".to_owned(), "+7 %".to_owned()));
    }
}
