//! Single values of documents that have no wire type: numbers as strings and strings as numbers, as elsewhere.

use crate::domain::bounds::EPOCH;
use crate::domain::thresholds::CLOSING_SETTLE_MINUTES;
use crate::domain::window::end_of_day;
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};
use serde_json::Value;

/// A number, or a string that contains one; `None` for null.
///
/// # Errors
/// What it is instead.
pub fn number(value: &Value) -> Result<Option<f64>, String> {
    let read = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    read.filter(|number| number.is_finite())
        .map(Some)
        .ok_or_else(|| format!("{} is not a number", clip(value)))
}

/// A time: RFC 3339, or `2026-08-08 12:00:00` in UTC.
///
/// # Errors
/// What it is instead.
pub fn time(value: &Value) -> Result<DateTime<Utc>, String> {
    let text = value.as_str().unwrap_or_default().trim();
    let naive = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok().map(|time| time.and_utc());
    let day = || text.parse::<NaiveDate>().ok().map(crate::domain::window::midnight);
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.to_utc())
        .or_else(naive)
        .or_else(day)
        .filter(|time| EPOCH.check(time.timestamp()).is_ok())
        .ok_or_else(|| format!("{} is not a time from 2015 to 2099", clip(value)))
}

/// The beginning of a value, for a message.
pub fn clip(value: &Value) -> String {
    let text = value.to_string();
    let short: String = text.chars().take(60).collect();
    format!("`{short}`")
}

/// Whether a UTC day was over, and its figures settled, when a document was fetched.
pub fn is_settled(day: NaiveDate, fetched_at: DateTime<Utc>) -> bool {
    fetched_at > end_of_day(day) + Duration::minutes(CLOSING_SETTLE_MINUTES.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_times_are_read_in_the_forms_of_the_upstream() {
        assert_eq!(number(&json!("0.5")), Ok(Some(0.5)));
        assert_eq!(number(&json!(4)), Ok(Some(4.0)));
        assert_eq!(number(&json!(null)), Ok(None));
        for wrong in [json!("soon"), json!([1]), json!(true), json!("NaN")] {
            assert!(number(&wrong).is_err(), "{wrong}");
        }
        let noon = time(&json!("2026-08-08T12:00:00.000Z")).expect("a time");
        assert_eq!(time(&json!("2026-08-08 12:00:00")), Ok(noon));
        assert_eq!(time(&json!("2026-08-08")), Ok(noon - Duration::hours(12)));
        for wrong in [json!("1970-01-01T00:00:00Z"), json!(1_780_000_000), json!("yesterday"), json!(null)] {
            assert!(time(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_is_settled_half_an_hour_after_its_end() {
        let day: NaiveDate = "2026-08-08".parse().expect("a day");
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        assert!(!is_settled(day, at("2026-08-08T23:00:00Z")));
        assert!(!is_settled(day, at("2026-08-09T00:20:00Z")));
        assert!(is_settled(day, at("2026-08-09T00:30:00Z")));
    }
}
