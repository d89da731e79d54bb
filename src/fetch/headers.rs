//! Values of HTTP headers: dates, and waits.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// The two obsolete formats that a recipient must still accept: RFC 850 and asctime.
const OLDER: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Parses an HTTP date in any of its three formats (RFC 9110, section 5.6.7); `None` for anything else.
pub(super) fn date(value: &str) -> Option<DateTime<Utc>> {
    let value = value.trim();
    let older = |format: &&str| NaiveDateTime::parse_from_str(value, format).ok();
    DateTime::parse_from_rfc2822(value)
        .map(|time| time.to_utc())
        .ok()
        .or_else(|| OLDER.iter().find_map(older).map(|time| time.and_utc()))
}

/// Parses the value of `Retry-After`, seconds or an HTTP date, as a wait from `now`. A past date is a wait of zero; an
/// invalid value is `None`.
pub(super) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number with too many digits still means "a very long time".
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = date(value)?;
    Some((until - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_read_and_nothing_else() {
        let time = DateTime::from_timestamp(784_111_777, 0);
        for value in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            " Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(date(value), time, "{value:?}");
        }
        for value in [
            "",
            "0",
            "784111777",
            "1994-11-06T08:49:37Z",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 2026 00:00:00 GMT",
        ] {
            assert_eq!(date(value), None, "{value:?}");
        }
    }

    #[test]
    fn seconds_dates_and_nonsense() {
        let now = DateTime::parse_from_rfc3339("2026-08-10T10:57:00Z").expect("a valid time").to_utc();
        let cases = [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Mon, 10 Aug 2026 10:57:30 GMT", Some(30)),
            ("Mon, 10 Aug 2026 10:00:00 GMT", Some(0)),
            ("-3", None),
            ("soon", None),
            ("", None),
        ];
        for (value, seconds) in cases {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value:?}");
        }
    }
}
