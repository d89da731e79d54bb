//! Shifts, outages and statuses in sentences.

use super::change_words::field_in_words;
use crate::domain::change::ChangedField;
use crate::domain::format::{counted, moment, percent, span, uptime, usd};
use chrono::{DateTime, Utc};

/// Why a shift counts as one: "hit rate 71 % → 48 % since 2026-08-05 14:00 UTC; usual scatter ±4 points; 96 hours before,
/// 40 after". `scatter` is in the unit of the field; `hours` are those before and after.
pub fn shift(
    field: ChangedField,
    (before, after): (f64, f64),
    (at, scatter): (DateTime<Utc>, f64),
    hours: (i64, i64),
) -> String {
    let change = format!("{} {} → {}", name(field), level(field, before), level(field, after));
    let scatter = match field {
        ChangedField::HitRate | ChangedField::Uptime => format!("{:.1} points", scatter * 100.0),
        _ => level(field, scatter),
    };
    format!(
        "{change} since {}; usual scatter ±{scatter}; {} hours before, {} after",
        moment(at),
        hours.0,
        hours.1
    )
}

/// What an outage was: "out for 5 hours: uptime down to 31.0 % in 5 readings".
pub fn outage(
    (at, until, as_of): (DateTime<Utc>, Option<DateTime<Utc>>, DateTime<Utc>),
    lowest: Option<f64>,
    status: Option<i32>,
    readings: usize,
) -> String {
    let length = span(until.unwrap_or(as_of) - at);
    let start = match until {
        Some(_) => format!("out for {length}"),
        None => format!("out since {}, for {length} so far", moment(at)),
    };
    let readings = counted(readings as u64, "reading");
    match (lowest, status) {
        (Some(lowest), _) => {
            format!("{start}: uptime over 30 minutes down to {} in {readings}", uptime(lowest))
        }
        (None, Some(code)) => format!("{start}: {} (status {code}) in {readings}", status_name(code)),
        (None, None) => format!("{start}: {readings}"),
    }
}

/// A lasting change of a status: "degraded (status -2), before: good (status 0); 12 readings over 11 hours".
pub fn status(before: i32, after: i32, readings: usize, hours: i64) -> String {
    format!(
        "{} (status {after}), before: {} (status {before}); {} over {hours} hours",
        status_name(after),
        status_name(before),
        counted(readings as u64, "reading")
    )
}

fn name(field: ChangedField) -> &'static str {
    match field {
        // Not that of the day.
        ChangedField::Uptime => "uptime over 30 minutes",
        other => field_in_words(other),
    }
}

fn level(field: ChangedField, value: f64) -> String {
    match field {
        ChangedField::HitRate => percent(value, 0),
        ChangedField::Uptime => uptime(value),
        ChangedField::EffectiveInput => usd(value),
        ChangedField::Throughput => format!("{value:.0} tokens/s"),
        ChangedField::LatencyMs => format!("{value:.0} ms"),
        _ => value.to_string(),
    }
}

/// The upstream's status codes in words.
fn status_name(code: i32) -> &'static str {
    match code {
        0 => "good",
        -2 => "degraded",
        -3 => "ranked lower by the upstream",
        -5 => "down",
        -10 => "disabled by the upstream",
        _ => "another status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn a_shift_names_its_levels_its_time_and_its_evidence() {
        let since = at("2026-09-05T14:00:00Z");
        let of = |field, levels, scatter| shift(field, levels, (since, scatter), (96, 40));
        assert_eq!(
            of(ChangedField::HitRate, (0.71, 0.48), 0.04),
            "hit rate 71 % → 48 % since 2026-09-05 14:00 UTC; usual scatter ±4.0 points; 96 hours before, 40 after"
        );
        assert_eq!(
            of(ChangedField::EffectiveInput, (0.25, 0.4), 0.02),
            "effective input price $0.25 → $0.40 since 2026-09-05 14:00 UTC; usual scatter ±$0.02; 96 hours before, 40 after"
        );
        assert_eq!(
            of(ChangedField::Throughput, (80.4, 41.0), 5.2),
            "output speed 80 tokens/s → 41 tokens/s since 2026-09-05 14:00 UTC; usual scatter ±5 tokens/s; 96 hours before, 40 after"
        );
        assert!(of(ChangedField::Uptime, (0.999, 0.91), 0.005).contains("99.9 % → 91.0 %"));
    }

    #[test]
    fn an_outage_names_its_length() {
        let (start, end) = (at("2026-09-05T14:00:00Z"), at("2026-09-05T19:00:00Z"));
        assert_eq!(
            outage((start, Some(end), at("2026-09-08T00:00:00Z")), Some(0.31), Some(-5), 5),
            "out for 5 hours: uptime over 30 minutes down to 31.0 % in 5 readings"
        );
        assert_eq!(
            outage((start, None, end), None, Some(-10), 6),
            "out since 2026-09-05 14:00 UTC, for 5 hours so far: disabled by the upstream (status -10) in 6 readings"
        );
    }

    #[test]
    fn a_status_names_both_codes() {
        assert_eq!(
            status(0, -2, 12, 11),
            "degraded (status -2), before: good (status 0); 12 readings over 11 hours"
        );
    }
}
