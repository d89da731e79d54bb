//! Times in queries.

use super::problem::Problem;
use super::request::shortened;
use crate::domain::window;
use chrono::{DateTime, SecondsFormat, Utc};

/// Parses a time; a `+` that was decoded as a space is accepted.
///
/// # Errors
/// 400 with the name of the parameter and an example.
pub(super) fn time(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let parsed = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
    parsed.map(|time| Some(time.to_utc())).map_err(|error| {
        Problem::bad_request(format!(
            "`{name}` is not an RFC 3339 time such as 2026-08-08T12:00:00Z: {error}"
        ))
    })
}

/// Parses a time, or a UTC day, which means its midnight; a `+` that was decoded as a space is accepted.
///
/// # Errors
/// 400 with the name of the parameter and the accepted forms.
pub(super) fn day_or_time(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let start = window::start(&text.replace(' ', "+"));
    start
        .map(Some)
        .map_err(|why| Problem::bad_request(format!("invalid `{name}` `{}`; {why}", shortened(text))))
}

/// Parses a time, or a UTC day, which means its end; a `+` that was decoded as a space is accepted.
///
/// # Errors
/// 400 with the name of the parameter and the accepted forms.
pub(super) fn end(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    let is_day = text.is_some_and(|text| text.len() == 10);
    Ok(day_or_time(name, text)?.map(|time| if is_day { window::end_of_day(time.date_naive()) } else { time }))
}

/// A time as the API writes it.
pub(super) fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read_and_nothing_else() {
        let read = |text: &str| day_or_time("from", Some(text)).ok().flatten().map(shown);
        assert_eq!(read("2026-08-08").as_deref(), Some("2026-08-08T00:00:00Z"));
        assert_eq!(read("2026-08-08T12:00:00Z").as_deref(), Some("2026-08-08T12:00:00Z"));
        assert_eq!(read("2026-08-08T12:00:00 02:00").as_deref(), Some("2026-08-08T10:00:00Z"));
        for junk in
            ["", "2026-02-30", "2026-8-8", "2026-08-08 ", " 2026-08-08", "today", "2026-08", "+026-08-08"]
        {
            assert_eq!(read(junk), None, "{junk}");
        }
        let refused = day_or_time("to", Some("x")).expect_err("refused").detail;
        assert!(
            refused.contains("invalid `to` `x`") && refused.contains("2026-08-08T12:00:00Z"),
            "{refused}"
        );
    }
}
