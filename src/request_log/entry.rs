//! One entry of a log file, and lenient access to its fields: exports write numbers as strings, times in many forms, and
//! objects as JSON in a string.

use super::call::{Name, SessionKind};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// A JSON object.
pub type Object = Map<String, Value>;

/// What is known about a file before its entries are read.
#[derive(Debug, Clone, Default)]
pub struct FileContext {
    /// Path of the file, as given or found in a folder; empty for standard input.
    pub path: PathBuf,
    /// How the file is laid out.
    pub layout: Layout,
    /// Files beside it that a reader may need, by name, such as `task_metadata.json`.
    pub beside: Vec<(String, Value)>,
}

impl FileContext {
    /// The name of the file without its extensions, for a session that is a file.
    pub fn stem(&self) -> Option<String> {
        let name = self.path.file_name()?.to_str()?;
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        (!stem.is_empty()).then(|| stem.to_owned())
    }

    /// Whether a folder or file of the path contains a text.
    pub fn path_contains(&self, part: &str) -> bool {
        self.path.to_string_lossy().contains(part)
    }
}

/// How a file is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// One JSON value per line.
    #[default]
    Lines,
    /// One JSON array; its elements are the entries.
    Array,
    /// One JSON object, or several over many lines; each is an entry.
    Document,
    /// Comma-separated values with a header; each row is an object of strings.
    Csv,
    /// An SQLite database; each row of a known table is an entry.
    Sqlite,
    /// An event stream: the data of each event is an entry.
    EventStream,
}

/// One entry of a file.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its content. A row of CSV or SQLite is an object.
    pub value: &'a Value,
    /// Line, row or position, counted from 1.
    pub line: u64,
    /// The table of an SQLite row.
    pub table: Option<&'a str>,
}

impl Entry<'_> {
    /// The entry as an object.
    pub fn object(&self) -> Option<&Object> {
        self.value.as_object()
    }
}

/// Maximum number of tokens in one record. Larger counts are refused as damage; sums of an organisation stay below it.
pub const MOST_TOKENS: u64 = 1_000_000_000_000_000;
/// Maximum length of a text that is kept, in characters.
const LONGEST_TEXT: usize = 256;

/// A token count was negative, no number or absurdly large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCount;

/// The value at a path of keys.
pub fn at<'a>(object: &'a Object, path: &[&str]) -> Option<&'a Value> {
    let (last, holders) = path.split_last()?;
    holders.iter().try_fold(object, |inner, key| inner.get(*key)?.as_object())?.get(*last)
}

/// The object at a path of keys.
pub fn object_at<'a>(object: &'a Object, path: &[&str]) -> Option<&'a Object> {
    at(object, path)?.as_object()
}

/// A token count: a number, or a number in a string. Absent, null and an empty string are `None`.
///
/// # Errors
/// [`BadCount`] if it is not a whole number from 0 to [`MOST_TOKENS`].
pub fn count(value: Option<&Value>) -> Result<Option<u64>, BadCount> {
    let Some(value) = value else { return Ok(None) };
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => match number.as_u64() {
            Some(whole) => return (whole <= MOST_TOKENS).then_some(Some(whole)).ok_or(BadCount),
            None => number.as_f64(),
        },
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    let whole = number.filter(|n| n.fract() == 0.0 && (0.0..=MOST_TOKENS as f64).contains(n));
    whole.map(|n| Some(n as u64)).ok_or(BadCount)
}

/// The first count that is stated among several keys.
///
/// # Errors
/// [`BadCount`].
pub fn count_of(object: &Object, keys: &[&str]) -> Result<Option<u64>, BadCount> {
    for key in keys {
        if let Some(found) = count(object.get(*key))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A number, or a number in a string; `None` if it is not finite.
pub fn number(value: Option<&Value>) -> Option<f64> {
    let number = match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|n| n.is_finite())
}

/// An amount of money in USD; `None` if it is absent, negative or not finite.
pub fn money(value: Option<&Value>) -> Option<f64> {
    number(value).filter(|n| (0.0..1e12).contains(n))
}

/// A duration in milliseconds; `None` if it is absent, negative or not finite.
pub fn duration(value: Option<&Value>) -> Option<f64> {
    number(value).filter(|n| (0.0..1e12).contains(n))
}

/// A yes or no: a boolean, or `true` and `false` in any case in a string.
pub fn flag(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(yes) => Some(*yes),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A text that is not empty, or a number as text; control characters are removed and the length is limited.
pub fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim(),
        Value::Number(number) => return Some(number.to_string()),
        _ => return None,
    };
    let clean: String = text.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect();
    (!clean.is_empty()).then_some(clean)
}

/// A text that calls share.
pub fn name(value: Option<&Value>) -> Option<Name> {
    text(value).map(Name::from)
}

/// The first text that is stated among several keys.
pub fn text_of(object: &Object, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(object.get(*key)))
}

/// The first name that is stated among several keys.
pub fn name_of(object: &Object, keys: &[&str]) -> Option<Name> {
    text_of(object, keys).map(Name::from)
}

/// An object, or an object as JSON in a string.
pub fn object_or_json(value: Option<&Value>) -> Option<Object> {
    match value? {
        Value::Object(object) => Some(object.clone()),
        Value::String(text) => match serde_json::from_str(text).ok()? {
            Value::Object(object) => Some(object),
            _ => None,
        },
        _ => None,
    }
}

/// A time and whether the log states its zone: RFC 3339, with a space or a `T`, without a zone (read as UTC), a date
/// alone, or seconds, milliseconds, microseconds or nanoseconds since 1970.
pub fn time(value: Option<&Value>) -> Option<(DateTime<Utc>, bool)> {
    let value = value?;
    if let Value::Number(number) = value {
        return since_1970(number.as_f64()?).map(|at| (at, true));
    }
    let text = value.as_str()?.trim();
    if let Ok(at) =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%F %T%.f%#z"))
    {
        return Some((at.to_utc(), true));
    }
    let text = text.trim_end_matches(" UTC");
    for form in ["%FT%T%.f", "%F %T%.f", "%FT%H:%M", "%F %H:%M"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, form) {
            return Some((at.and_utc(), false));
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%F") {
        return Some((date.and_hms_opt(0, 0, 0)?.and_utc(), false));
    }
    since_1970(text.parse().ok()?).map(|at| (at, true))
}

/// A time from a number; its size decides the unit.
fn since_1970(number: f64) -> Option<DateTime<Utc>> {
    let micros = match number.abs() {
        n if n < 1e11 => number * 1e6,
        n if n < 1e14 => number * 1e3,
        n if n < 1e17 => number,
        _ => number / 1e3,
    };
    (micros.is_finite() && micros > 0.0).then(|| DateTime::from_timestamp_micros(micros.round() as i64))?
}

/// The first time that is stated among several keys.
pub fn time_of(object: &Object, keys: &[&str]) -> Option<(DateTime<Utc>, bool)> {
    keys.iter().find_map(|key| time(object.get(*key)))
}

/// The kind of a session that the log names, or none.
pub const fn given(session: Option<&Name>) -> SessionKind {
    if session.is_some() { SessionKind::Given } else { SessionKind::None }
}
