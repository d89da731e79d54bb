//! Rows of a table with named columns, and the columns by which a form is recognised.

use super::{FileForm, time};
use chrono::{DateTime, NaiveDate, Utc};
use csv::StringRecord;
use std::collections::HashMap;
use uuid::Uuid;

/// The columns that a file of each form has; the most particular form comes first.
pub(super) const FORMS: [(FileForm, &[&str]); 6] = [
    (FileForm::Days, &["day", "endpoint_id", "model", "variant", "hit_rate", "basis"]),
    (FileForm::Readings, &["run_id", "observed_at", "window_kind", "endpoint_id", "model", "variant"]),
    (
        FileForm::EffectivePricing,
        &["sweep_started_at", "permaslug", "variant", "provider_name", "cache_hit_rate", "total_tokens"],
    ),
    (
        FileForm::EndpointSnapshots,
        &["commit_time", "model_id", "canonical_slug", "provider_name", "tag", "prompt", "completion"],
    ),
    (
        FileForm::ModelActivity,
        &[
            "permaslug",
            "variant",
            "date",
            "total_prompt_tokens",
            "total_completion_tokens",
            "last_scraped_at",
        ],
    ),
    (
        FileForm::Performance,
        &["scraped_at", "permaslug", "variant", "endpoint_id", "p50_throughput", "p50_latency"],
    ),
];

/// Numbers of the columns by name.
pub(super) struct Header(HashMap<String, usize>);

impl Header {
    pub fn new(record: &StringRecord) -> Self {
        // The mark at the start of some UTF-8 files belongs to no name.
        let name = |text: &str| text.trim_start_matches('\u{feff}').trim().to_lowercase();
        Self(record.iter().map(name).zip(0..).collect())
    }

    /// The form that has these columns.
    pub fn form(&self) -> Option<FileForm> {
        FORMS.iter().find(|(form, _)| self.missing(*form).is_empty()).map(|(form, _)| *form)
    }

    /// The columns of a form that are missing.
    pub fn missing(&self, form: FileForm) -> Vec<String> {
        let columns = FORMS.iter().find(|(known, _)| *known == form).map_or(&[][..], |(_, columns)| columns);
        columns.iter().filter(|name| !self.0.contains_key(**name)).map(|name| (*name).to_owned()).collect()
    }
}

/// A row of a table.
pub(super) struct Row<'a> {
    pub header: &'a Header,
    pub record: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// The text of a column; `None` if it is empty or there is no such column.
    pub fn text(&self, column: &str) -> Option<&'a str> {
        let value = self.record.get(*self.header.0.get(column)?)?.trim();
        (!value.is_empty() && !value.eq_ignore_ascii_case("null")).then_some(value)
    }

    /// The text of a column that must have one.
    pub fn required(&self, column: &str) -> Result<&'a str, String> {
        self.text(column).ok_or_else(|| format!("`{column}` is empty"))
    }

    fn parsed<T>(
        &self,
        column: &str,
        what: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(text) = self.text(column) else { return Ok(None) };
        let shown: String = text.chars().take(40).collect();
        parse(text).map(Some).ok_or_else(|| format!("`{column}` is `{shown}`, which is not {what}"))
    }

    /// A finite number.
    pub fn number(&self, column: &str) -> Result<Option<f64>, String> {
        self.parsed(column, "a number", |text| text.parse().ok().filter(|number: &f64| number.is_finite()))
    }

    /// A price per token as USD per million tokens.
    pub fn price_per_token(&self, column: &str) -> Result<Option<f64>, String> {
        Ok(self.number(column)?.map(per_million))
    }

    /// A count.
    pub fn count(&self, column: &str) -> Result<Option<i64>, String> {
        self.parsed(column, "a count", |text| {
            let whole = text.strip_suffix(".0").unwrap_or(text);
            whole.parse().ok().filter(|count: &i64| *count >= 0)
        })
    }

    /// A time.
    pub fn time(&self, column: &str) -> Result<Option<DateTime<Utc>>, String> {
        self.parsed(column, "a time", time)
    }

    /// A time that must be there.
    pub fn required_time(&self, column: &str) -> Result<DateTime<Utc>, String> {
        self.time(column)?.ok_or_else(|| format!("`{column}` is empty"))
    }

    /// A UTC day that must be there.
    pub fn day(&self, column: &str) -> Result<NaiveDate, String> {
        let day = self.parsed(column, "a day", |text| text.get(..10).unwrap_or(text).parse().ok())?;
        day.ok_or_else(|| format!("`{column}` is empty"))
    }

    /// A UUID.
    pub fn uuid(&self, column: &str) -> Result<Option<Uuid>, String> {
        self.parsed(column, "a UUID", |text| Uuid::parse_str(text).ok())
    }
}

/// A price per token as USD per million tokens, without the digits that only the multiplication adds.
pub(super) fn per_million(price: f64) -> f64 {
    let price = price * 1e6;
    let rounded = (price * 1e9).round() / 1e9;
    if rounded.is_finite() { rounded } else { price }
}
