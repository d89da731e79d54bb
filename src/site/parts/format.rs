//! Formats numbers, times and ages for people. Every function takes the program's own units: fractions, USD, UTC.

use crate::domain::format;
pub use crate::domain::format::{grouped, moment, span};
use chrono::{Duration, NaiveDate};

/// The space between a number and its unit: narrow and non-breaking.
pub const THIN: &str = "\u{202f}";
/// The typographic minus; a hyphen is too short next to digits.
const MINUS: char = '\u{2212}';

/// A text as HTML: escaped, with what is between backticks as code.
pub fn code_as_html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut html = String::with_capacity(escaped.len());
    for (at, part) in escaped.split('`').enumerate() {
        if at > 0 {
            html += if at % 2 == 1 { "<code>" } else { "</code>" };
        }
        html += part;
    }
    // An unmatched backtick would leave the element open.
    if escaped.matches('`').count() % 2 == 1 { escaped } else { html }
}

/// A price or cost in USD: two decimals from one dollar up, three significant digits below that.
pub fn usd(amount: f64) -> String {
    if !amount.is_finite() {
        return "not a number".to_owned();
    }
    let size = amount.abs();
    let sign = if amount < 0.0 { MINUS.to_string() } else { String::new() };
    if size == 0.0 {
        return "$0".to_owned();
    }
    if size >= 1000.0 {
        return format!("{sign}${}", grouped(size.round() as u64));
    }
    format!("{sign}{}", format::usd(size))
}

/// An amount of a column that spans models, with hundredths of a cent, so that the column aligns.
pub fn usd_fine(amount: f64) -> String {
    usd_aligned(amount, 4)
}

/// Writes the amounts in USD of a column, all with the decimals that the smallest one needs for three digits, at most
/// five.
pub fn usd_column(amounts: impl Iterator<Item = f64>) -> impl Fn(f64) -> String {
    let decimals = format::column_decimals(amounts, std::iter::empty()).min(5);
    move |amount| usd_aligned(amount, decimals)
}

/// Writes the bills in USD of a column: whole dollars if the smallest is $20 or more, otherwise with the decimals of
/// [`usd_column`]; thousands are grouped.
pub fn usd_bills(amounts: impl Iterator<Item = f64>) -> impl Fn(f64) -> String {
    let amounts: Vec<f64> = amounts.collect();
    let is_large = amounts.iter().all(|amount| *amount >= 20.0);
    let fine = format::column_decimals(amounts.into_iter(), std::iter::empty()).min(5);
    let decimals = if is_large { 0 } else { fine };
    move |amount| {
        let text = format!("{amount:.decimals$}");
        let whole = text.split('.').next().unwrap_or_default();
        let rest = &text[whole.len()..];
        whole.parse().map_or_else(|_| usd(amount), |whole| format!("${}{rest}", grouped(whole)))
    }
}

/// An amount with `decimals`. Amounts from $1,000 up, and those too small for the decimals, are written as in [`usd`].
fn usd_aligned(amount: f64, decimals: usize) -> String {
    let size = amount.abs();
    let smallest = 0.5 * 0.1_f64.powi(decimals as i32);
    if size != 0.0 && !(smallest..1000.0).contains(&size) {
        return usd(amount);
    }
    let sign = if amount < 0.0 { MINUS.to_string() } else { String::new() };
    format!("{sign}${size:.decimals$}")
}

/// A fraction as a whole percentage: 0.864 is `86 %`. Below 1 % and above 99 % it has one decimal.
pub fn percent(fraction: f64) -> String {
    let value = fraction * 100.0;
    let decimals = if (value > 99.0 && value < 100.0) || (value > 0.0 && value < 1.0) { 1 } else { 0 };
    signed_zero(thin(&format::percent(fraction, decimals)))
}

/// A fraction as a percentage with one decimal, for uptimes: 0.9983 is `99.8 %`; only 1 itself is `100 %`.
pub fn percent_fine(fraction: f64) -> String {
    thin(&format::uptime(fraction))
}

/// A small share as a percentage with one decimal: 0.0144 is `1.4 %`.
pub fn percent_tenth(fraction: f64) -> String {
    signed_zero(thin(&format::percent(fraction, 1)))
}

/// A fraction of a column as a percentage, always with `decimals`, so that the column aligns. A value that would read as
/// 0 or as 100 but is not has a sign: `<1 %`, `>99 %`.
pub fn percent_fixed(fraction: f64, decimals: usize) -> String {
    let (value, step) = (fraction * 100.0, 0.1_f64.powi(decimals as i32));
    let text = |value: f64| format!("{value:.decimals$}{THIN}%");
    match value {
        small if small > 0.0 && small < step / 2.0 => format!("<{}", text(step)),
        large if large < 100.0 && large >= 100.0 - step / 2.0 => format!(">{}", text(100.0 - step)),
        value => signed_zero(text(value)),
    }
}

/// A fraction of a column in whole percent; see [`percent_fixed`].
pub fn percent_whole(fraction: f64) -> String {
    percent_fixed(fraction, 0)
}

/// A fraction of a column in tenths of a percent; see [`percent_fixed`].
pub fn percent_tenths(fraction: f64) -> String {
    percent_fixed(fraction, 1)
}

/// A difference of fractions as signed percent: -0.12 is `−12 %`.
pub fn percent_change(fraction: f64) -> String {
    format!("{}{THIN}%", signed(fraction * 100.0, 0))
}

/// The same with one decimal: -0.118 is `−11.8 %`.
pub fn percent_change_tenth(fraction: f64) -> String {
    format!("{}{THIN}%", signed(fraction * 100.0, 1))
}

/// A difference of hit rates in signed points: 0.24 is `+24`.
pub fn points(fraction: f64) -> String {
    signed(fraction * 100.0, 0)
}

/// A number with its sign and a typographic minus; `+0` and `−0` become `0`.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    match (is_zero, value < 0.0) {
        (true, _) => text,
        (false, true) => format!("{MINUS}{text}"),
        (false, false) => format!("+{text}"),
    }
}

/// The same text with the space of the pages before the unit.
fn thin(text: &str) -> String {
    text.replace(' ', THIN)
}

fn signed_zero(text: String) -> String {
    text.strip_prefix('-').map_or(text.clone(), |rest| format!("{MINUS}{rest}"))
}

/// A count of tokens with a magnitude: `5.3 T`, `459 M`, `1.2 k`.
pub fn tokens(count: f64) -> String {
    let scales = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")];
    let Some((scale, letter)) = scales.into_iter().find(|(scale, _)| count >= scale * 0.9995) else {
        return format!("{count:.0}");
    };
    let value = count / scale;
    let decimals = usize::from(value < 9.95);
    format!("{value:.decimals$}{THIN}{letter}")
}

/// A count with its noun: `1 day`, `3 days`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// How old something is, in coarse units, because pages are cached for as long as their text is true.
pub fn age(age: Duration) -> String {
    format!("{} ago", span(age))
}

/// A day as on an axis: `5 Oct`.
pub fn short_day(day: NaiveDate) -> String {
    day.format("%-d %b").to_string()
}

/// Milliseconds in a readable unit: `840 ms`, `1.2 s`.
pub fn milliseconds(ms: f64) -> String {
    if ms < 1000.0 { format!("{ms:.0}{THIN}ms") } else { format!("{:.1}{THIN}s", ms / 1000.0) }
}

/// A context length: `262k`, `1M`.
pub fn context(tokens: i64) -> String {
    match tokens {
        1_000_000.. => signed_zero(format!("{:.1}M", tokens as f64 / 1e6)).replace(".0M", "M"),
        1_000.. => format!("{}k", tokens / 1000),
        _ => tokens.to_string(),
    }
}

/// At most `limit` characters; a truncated text ends in an ellipsis.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_of_a_column_have_the_same_decimals() {
        let column = [0.0, 0.0004, 0.004, 0.5, 0.994, 0.9996, 1.0].map(percent_whole);
        let expected = ["0", "<1", "<1", "50", "99", ">99", "100"].map(|n| format!("{n}{THIN}%"));
        assert_eq!(column, expected);
        let column = [0.0004, 0.0144, 0.9983, 0.99999, 1.0].map(percent_tenths);
        let expected = ["<0.1", "1.4", "99.8", ">99.9", "100.0"].map(|n| format!("{n}{THIN}%"));
        assert_eq!(column, expected);
    }

    #[test]
    fn bills_of_a_column_have_the_same_decimals_also_above_a_thousand() {
        let large = usd_bills([67.4, 1739.2].into_iter());
        assert_eq!([67.4, 300.0, 1739.2].map(large), ["$67", "$300", "$1,739"]);
        let small = usd_bills([1.5, 1739.2].into_iter());
        assert_eq!([1.5, 1739.2].map(small), ["$1.50", "$1,739.20"]);
    }

    #[test]
    fn dollars_keep_what_matters() {
        let cases = [
            (0.0, "$0"),
            (0.24, "$0.24"),
            (0.135, "$0.135"),
            (0.0312, "$0.0312"),
            (0.03, "$0.03"),
            (2.5, "$2.50"),
            (15.0, "$15.00"),
            (0.000_000_4, "$0.0000004"),
            (12_345.6, "$12,346"),
        ];
        for (amount, text) in cases {
            assert_eq!(usd(amount), text);
        }
        let column = [0.0, 0.0006, 0.24, 0.0415, 15.0, 12_345.6].map(usd_fine);
        assert_eq!(column, ["$0.0000", "$0.0006", "$0.2400", "$0.0415", "$15.0000", "$12,346"]);
    }

    #[test]
    fn a_column_of_dollars_has_one_number_of_decimals() {
        let amounts = [0.0, 0.0415, 2.5, -0.3];
        let column = usd_column(amounts.into_iter());
        assert_eq!(amounts.map(column), ["$0.0000", "$0.0415", "$2.5000", "−$0.3000"]);
        let amounts = [0.000_000_4, 0.24, 1_234.5, f64::NAN];
        let column = usd_column(amounts.into_iter());
        assert_eq!(amounts.map(column), ["$0.0000004", "$0.24000", "$1,235", "not a number"]);
    }

    #[test]
    fn signs_are_real_and_zero_has_none() {
        assert_eq!(points(-0.12), "−12");
        assert_eq!(points(0.004), "0");
        assert_eq!(points(-0.004), "0");
        assert_eq!(points(0.26), "+26");
        assert_eq!(percent_change(-0.118), "−12\u{202f}%");
        assert_eq!(signed(0.84, 1), "+0.8");
    }

    #[test]
    fn almost_all_is_not_all() {
        assert_eq!(percent_fine(0.9999), "99.9\u{202f}%");
        assert_eq!(percent_fine(1.0), "100\u{202f}%");
        assert_eq!(percent(0.997), "99.7\u{202f}%");
        assert_eq!(percent(0.86), "86\u{202f}%");
    }

    #[test]
    fn tokens_change_their_letter_at_the_round_number() {
        assert_eq!(tokens(5.3e12), "5.3\u{202f}T");
        assert_eq!(tokens(999.9e6), "1.0\u{202f}B");
        assert_eq!(tokens(459e6), "459\u{202f}M");
        assert_eq!(tokens(0.0), "0");
    }

    #[test]
    fn ages_are_coarse_and_never_negative() {
        assert_eq!(age(Duration::minutes(-5)), "less than an hour ago");
        assert_eq!(age(Duration::minutes(61)), "an hour ago");
        assert_eq!(age(Duration::hours(14)), "14 hours ago");
        assert_eq!(age(Duration::hours(75)), "3 days ago");
        assert_eq!(grouped(1_054), "1,054");
        assert_eq!(grouped(12), "12");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shorten("ümläut", 4), "üml…");
        assert_eq!(shorten("short", 5), "short");
    }
}
