//! Dates in HTTP headers.

use chrono::{DateTime, NaiveDateTime, Utc};

/// The two obsolete formats that a recipient must still accept: RFC 850 and asctime.
const OLDER: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Parses an HTTP date in any of its three formats (RFC 9110, section 5.6.7); `None` for anything else.
pub(super) fn parse(value: &str) -> Option<DateTime<Utc>> {
    let value = value.trim();
    let older = |format: &&str| NaiveDateTime::parse_from_str(value, format).ok();
    DateTime::parse_from_rfc2822(value)
        .map(|time| time.to_utc())
        .ok()
        .or_else(|| OLDER.iter().find_map(older).map(|time| time.and_utc()))
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
            assert_eq!(parse(value), time, "{value:?}");
        }
        for value in [
            "",
            "0",
            "784111777",
            "1994-11-06T08:49:37Z",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 2026 00:00:00 GMT",
        ] {
            assert_eq!(parse(value), None, "{value:?}");
        }
    }
}
