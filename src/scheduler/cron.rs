//! Unix five-field cron expressions, on top of the `cron` crate.
//!
//! The crate requires a seconds field, counts Sunday as 1 and requires both day fields to match. Unix cron has no
//! seconds, counts Sunday as 0 or 7, and accepts a match of either day field if both are restricted. So this module
//! parses the fields and passes them to the crate as plain lists of values; a day rule with two restricted fields
//! becomes two schedules.

use std::fmt;
use std::str::FromStr;

use ::cron::Schedule;
use chrono::{DateTime, TimeDelta, Utc};

use super::error::CronError;
use super::field::{DAY_OF_MONTH, DAY_OF_WEEK, Field, HOUR, MINUTE, MONTH};

/// A parsed Unix cron expression, evaluated in UTC to whole minutes. Its ticks end with the year 2100.
#[derive(Debug, Clone)]
pub struct CronExpression {
    source: String,
    /// One schedule, or two schedules of which either may match.
    schedules: Vec<Schedule>,
}

impl CronExpression {
    /// Parses `minute hour day-of-month month day-of-week` or a shorthand such as `@daily`.
    ///
    /// # Errors
    /// [`CronError`] with the faulty field if the expression is malformed or can never come due.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let source = text.trim().to_owned();
        let expanded = expand(&source)?;
        let fields: Vec<&str> = expanded.split_whitespace().collect();
        let &[minute, hour, day_of_month, month, day_of_week] = fields.as_slice() else {
            return Err(CronError::FieldCount { expression: source.clone(), found: fields.len() });
        };
        let minute = list(&MINUTE.parse(minute)?.values);
        let hour = list(&HOUR.parse(hour)?.values);
        let day_of_month = DAY_OF_MONTH.parse(day_of_month)?;
        let month = list(&MONTH.parse(month)?.values);
        let day_of_week = DAY_OF_WEEK.parse(day_of_week)?;
        let schedules = day_rules(&day_of_month, &day_of_week)
            .into_iter()
            .map(|(days, weekdays)| {
                Schedule::from_str(&format!("0 {minute} {hour} {days} {month} {weekdays}"))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CronError::Library { expression: source.clone(), reason: error.to_string() })?;
        let expression = Self { source, schedules };
        match expression.next_after(DateTime::UNIX_EPOCH) {
            Some(_) => Ok(expression),
            None => Err(CronError::NeverDue { expression: expression.source }),
        }
    }

    /// The first tick strictly after `time`; `None` after the year 2100.
    pub fn next_after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedules.iter().filter_map(|schedule| schedule.after(&time).next()).min()
    }

    /// The last tick at or before `time`; `None` before 1970.
    pub fn latest_until(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let just_after = time.checked_add_signed(TimeDelta::nanoseconds(1))?;
        self.schedules.iter().filter_map(|schedule| schedule.after(&just_after).next_back()).max()
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

fn expand(source: &str) -> Result<&str, CronError> {
    if !source.starts_with('@') {
        return Ok(source);
    }
    match source.to_ascii_lowercase().as_str() {
        "@hourly" => Ok("0 * * * *"),
        "@daily" | "@midnight" => Ok("0 0 * * *"),
        "@weekly" => Ok("0 0 * * 0"),
        "@monthly" => Ok("0 0 1 * *"),
        "@yearly" | "@annually" => Ok("0 0 1 1 *"),
        _ => Err(CronError::Shorthand { word: source.to_owned() }),
    }
}

/// The (day of month, day of week) pairs of which either may match, in the crate's own notation.
fn day_rules(day_of_month: &Field, day_of_week: &Field) -> Vec<(String, String)> {
    let days = list(&day_of_month.values);
    let sunday_is_one: Vec<u32> = day_of_week.values.iter().map(|day| day + 1).collect();
    let weekdays = list(&sunday_is_one);
    if day_of_month.starred || day_of_week.starred {
        vec![(days, weekdays)]
    } else {
        vec![(days, "*".to_owned()), ("*".to_owned(), weekdays)]
    }
}

fn list(values: &[u32]) -> String {
    let words: Vec<String> = values.iter().map(u32::to_string).collect();
    words.join(",")
}
