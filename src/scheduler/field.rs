//! One field of a Unix cron expression, parsed from text to the set of its values.

use super::error::CronError;

/// What one of the five fields accepts.
pub(super) struct FieldRule {
    /// Its name in error messages.
    pub name: &'static str,
    /// Smallest value.
    pub low: u32,
    /// Largest value as written (7 for the day of the week, where 7 is Sunday again).
    pub high: u32,
    /// Names of values; the first is the name of `low`.
    pub names: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const SUNDAY_AGAIN: u32 = 7;

pub(super) const MINUTE: FieldRule = rule("minute", 0, 59, &[]);
pub(super) const HOUR: FieldRule = rule("hour", 0, 23, &[]);
pub(super) const DAY_OF_MONTH: FieldRule = rule("day of month", 1, 31, &[]);
pub(super) const MONTH: FieldRule = rule("month", 1, 12, MONTHS);
pub(super) const DAY_OF_WEEK: FieldRule = rule("day of week", 0, SUNDAY_AGAIN, WEEKDAYS);

const fn rule(name: &'static str, low: u32, high: u32, names: &'static [&'static str]) -> FieldRule {
    FieldRule { name, low, high, names }
}

/// The values that a field selects, and whether it was written with a star.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Ascending, without duplicates; Sunday is 0.
    pub values: Vec<u32>,
    /// Whether the field begins with `*`; in Unix cron, the other day field alone then decides.
    pub starred: bool,
}

impl FieldRule {
    /// Parses a comma-separated list of values, ranges and steps.
    pub(super) fn parse(&self, text: &str) -> Result<Field, CronError> {
        let mut values = Vec::new();
        for item in text.split(',') {
            values.extend(self.item(item)?.map(|value| self.fold_sunday(value)));
        }
        values.sort_unstable();
        values.dedup();
        Ok(Field { values, starred: text.starts_with('*') })
    }

    fn item(&self, item: &str) -> Result<impl Iterator<Item = u32> + use<>, CronError> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (from, to) = self.range(range)?;
        let step = match step {
            None => 1,
            Some(step) if range == "*" || range.contains('-') => self.step(step)?,
            Some(step) => {
                return Err(self
                    .refuse(item, format!("a step needs a range, such as {range}-{}/{step}", self.last())));
            }
        };
        Ok((from..=to).step_by(step))
    }

    fn range(&self, text: &str) -> Result<(u32, u32), CronError> {
        if text == "*" {
            return Ok((self.low, self.last()));
        }
        let Some((from, to)) = text.split_once('-') else {
            let value = self.value(text)?;
            return Ok((value, value));
        };
        let from = self.value(from)?;
        let to = match self.value(to)? {
            // In `fri-sun`, Sunday can only be the end of the week.
            0 if self.is_day_of_week() && from > 0 && !to.starts_with('0') => SUNDAY_AGAIN,
            to => to,
        };
        if from > to {
            return Err(self.refuse(text, "the range is reversed".to_owned()));
        }
        Ok((from, to))
    }

    fn value(&self, text: &str) -> Result<u32, CronError> {
        let lower = text.to_ascii_lowercase();
        if let Some(index) = self.names.iter().position(|name| *name == lower) {
            return Ok(self.low + u32::try_from(index).unwrap_or(u32::MAX));
        }
        // `parse` alone would also accept "+5".
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(value) if digits && (self.low..=self.high).contains(&value) => Ok(value),
            _ => Err(self.refuse(text, self.expected())),
        }
    }

    fn step(&self, text: &str) -> Result<usize, CronError> {
        let longest = self.last() - self.low + 1;
        match text.parse::<u32>() {
            Ok(step) if (1..=longest).contains(&step) && !text.starts_with('+') => Ok(step as usize),
            _ => Err(self.refuse(text, format!("expected a step from 1 to {longest}"))),
        }
    }

    fn expected(&self) -> String {
        let (low, high) = (self.low, self.high);
        match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => {
                format!("expected {low} to {high}, or a name from {first} to {last}")
            }
            _ => format!("expected {low} to {high}"),
        }
    }

    fn refuse(&self, text: &str, reason: String) -> CronError {
        CronError::Field { field: self.name, text: text.to_owned(), reason }
    }

    fn is_day_of_week(&self) -> bool {
        self.high == SUNDAY_AGAIN
    }

    /// The largest value that is not an alias of a smaller one.
    fn last(&self) -> u32 {
        self.high - u32::from(self.is_day_of_week())
    }

    fn fold_sunday(&self, value: u32) -> u32 {
        if self.is_day_of_week() && value == SUNDAY_AGAIN { 0 } else { value }
    }
}
