//! Files with data from outside the record: recognises their form by header and content, and makes imported rows of
//! them. Rows that cannot be used are refused with their line; they never stop a file. Pure apart from reading.

mod days;
mod lines;
mod series;
mod table;

use crate::domain::ids::{ModelSlug, Variant, names};
use crate::domain::imported::{
    ImportBatch, ImportKind, ImportSource, ImportedActivity, ImportedDay, ImportedEndpoint, ImportedParts,
    ImportedPrices, ImportedReading, ImportedUptime,
};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{HashMap, HashSet};
use std::io::BufRead;

names! {
    /// The form of a file.
    FileForm as "form" {
        /// `hitrate export days`.
        Days = "days",
        /// `hitrate export readings`.
        Readings = "readings",
        /// Usage summaries by sweep: effective prices, hit rates and tokens of endpoints.
        EffectivePricing = "effective_pricing",
        /// The public endpoints of models at some moments: list prices and uptime over 30 minutes.
        EndpointSnapshots = "endpoint_snapshots",
        /// Tokens and requests of models by day.
        ModelActivity = "model_activity",
        /// Speed, prices and outcomes of endpoints, about hourly.
        Performance = "performance",
        /// A log of list prices of models, as JSON lines.
        PriceLog = "price_log",
        /// A folder of bodies that hitrate archived.
        Archive = "archive",
        /// Folders of bodies that someone else recorded, one folder a sweep.
        Recorded = "recorded",
    }
}

/// The UTC day since which usage summaries cover the day up to now; before, they covered a short stretch of unknown
/// length.
const DAY_TO_DATE_SINCE: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 7, 21);

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FileError {
    /// The form is not known.
    #[error("unknown form: it begins with `{found}`. Recognised are {}", known_forms())]
    UnknownForm { found: String },
    /// The given form has other columns.
    #[error("the file has no column {}, which a file of the form `{form}` has", .missing.join(", "))]
    MissingColumns { form: FileForm, missing: Vec<String> },
    /// A folder was given as a file, or a file as a folder.
    #[error("the form `{form}` is not that of a {}", if *.is_folder { "folder" } else { "file" })]
    OtherKind { form: FileForm, is_folder: bool },
    /// The file cannot be read at all.
    #[error("cannot read the file: {0}")]
    Unreadable(String),
}

/// What the forms are, for people.
fn known_forms() -> String {
    let table = table::FORMS
        .iter()
        .map(|(form, columns)| format!("`{form}` (CSV or Parquet with {})", columns.join(", ")));
    let log = format!("`{}` (JSON lines with t, id, event)", FileForm::PriceLog);
    let folders = format!("`{}` (a folder of bodies that hitrate archived)", FileForm::Archive);
    let recorded = format!(
        "`{}` (folders with manifest.json, models.json.gz, providers.json.gz and model_stats.jsonl.gz)",
        FileForm::Recorded
    );
    table.chain([log, folders, recorded]).collect::<Vec<_>>().join("; ")
}

/// The rows of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// Whole days of endpoints.
    pub days: Vec<ImportedDay>,
    /// Days that were not over when they were read, and half hours.
    pub parts: ImportedParts,
    /// List prices.
    pub prices: Vec<ImportedPrices>,
    /// Hours of uptime.
    pub uptimes: Vec<ImportedUptime>,
    /// Days of models.
    pub activity: Vec<ImportedActivity>,
    /// Rows that could not be used: where, and why.
    pub refused: Vec<(String, String)>,
    /// The last list prices of each endpoint: only changes are kept.
    last_prices: HashMap<ImportedEndpoint, [Option<f64>; 5]>,
}

impl Contents {
    /// Adds list prices, unless the endpoint's last ones are the same.
    pub fn add_prices(&mut self, prices: ImportedPrices) {
        let ImportedPrices { input, output, cache_read, cache_write, discount, .. } = prices;
        let values = [input, output, cache_read, cache_write, discount];
        if values.iter().take(4).all(Option::is_none)
            || self.last_prices.get(&prices.endpoint) == Some(&values)
        {
            return;
        }
        self.last_prices.insert(prices.endpoint.clone(), values);
        self.prices.push(prices);
    }

    /// Adds a day as it was at a time. Of several readings of one endpoint and day, the last one counts.
    pub fn add_reading(&mut self, reading: ImportedReading) {
        self.parts.readings.push(reading);
    }

    fn refuse(&mut self, line: u64, why: impl Into<String>) {
        self.refused.push((format!("line {line}"), why.into()));
    }

    /// Keeps the last reading of each endpoint and day.
    pub fn keep_last_readings(&mut self) {
        let mut last: HashMap<(ImportedEndpoint, NaiveDate), DateTime<Utc>> = HashMap::new();
        for reading in &self.parts.readings {
            let key = (reading.values.endpoint.clone(), reading.values.day);
            let at = last.entry(key).or_insert(reading.at);
            *at = reading.at.max(*at);
        }
        self.parts.readings.retain(|reading| {
            let key = (reading.values.endpoint.clone(), reading.values.day);
            last.get(&key) == Some(&reading.at)
        });
    }

    /// Keeps the last closing values of each endpoint and day, as the record does: sweeps read a day several times, and the
    /// upstream still corrects it. Hit rates and prices are rows of their own.
    pub fn keep_last_days(&mut self) {
        let mut seen: HashSet<(ImportedEndpoint, NaiveDate, bool)> = HashSet::new();
        let mut kept: Vec<ImportedDay> = Vec::new();
        for day in std::mem::take(&mut self.days).into_iter().rev() {
            if seen.insert((day.endpoint.clone(), day.day, day.hit_rate.is_some())) {
                kept.push(day);
            }
        }
        kept.reverse();
        self.days = kept;
    }

    /// Adds the rows of other contents.
    pub fn extend(&mut self, other: Self) {
        self.days.extend(other.days);
        self.parts.readings.extend(other.parts.readings);
        self.parts.half_hours.extend(other.parts.half_hours);
        self.uptimes.extend(other.uptimes);
        self.activity.extend(other.activity);
        self.refused.extend(other.refused);
        for prices in other.prices {
            self.add_prices(prices);
        }
    }

    /// The contents as a batch of a source, and its parts of days and hours.
    pub fn into_batch(self, source: ImportSource) -> (ImportBatch, ImportedParts) {
        let Self { days, parts, prices, uptimes, activity, refused, .. } = self;
        (ImportBatch { source, days, prices, uptimes, activity, refused }, parts)
    }
}

impl FileForm {
    /// The kind of source that a file of this form is.
    pub fn kind(self) -> ImportKind {
        match self {
            Self::Days | Self::Readings => ImportKind::Export,
            Self::Archive | Self::Recorded => ImportKind::Bodies,
            _ => ImportKind::Series,
        }
    }
}

/// Reads a file, after decompression. Its form is recognised unless it is given.
///
/// # Errors
/// [`FileError`] if the form is not known or nothing can be read. A file that breaks off is read up to there.
pub fn read_file(reader: impl BufRead, form: Option<FileForm>) -> Result<(FileForm, Contents), FileError> {
    let (form, mut contents) = lines::read(reader, form)?;
    if form == FileForm::Readings {
        contents.keep_last_readings();
    }
    Ok((form, contents))
}

/// The model and variant of a public name such as `author/model:free`.
fn model_and_variant(name: &str) -> (ModelSlug, Variant) {
    let (model, variant) = name.split_once(':').unwrap_or((name, "standard"));
    (ModelSlug::new(model), Variant::new(variant))
}

/// Parses a time: RFC 3339, or a date and a time in UTC as databases write them.
fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let text = text.strip_suffix("+00").or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let naive = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    naive
        .iter()
        .find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok())
        .map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_programs_and_databases_write_them() {
        let expected = DateTime::parse_from_rfc3339("2026-08-01T10:00:00Z").expect("valid").to_utc();
        for text in [
            "2026-08-01T10:00:00Z",
            "2026-08-01T12:00:00+02:00",
            "2026-08-01 10:00:00",
            "2026-08-01 10:00:00+00",
            "2026-08-01T10:00:00.000",
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        for text in ["", "2026-08-01", "yesterday", "2026-13-01 10:00:00"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn of_closing_values_that_were_read_twice_the_last_ones_are_kept() {
        let row = |hit_rate: Option<f64>, price: Option<f64>| ImportedDay {
            endpoint: ImportedEndpoint {
                model: ModelSlug::new("wren/lark-2"),
                variant: Variant::standard(),
                endpoint_id: None,
                provider: None,
                provider_name: None,
                tag: None,
            },
            day: "2026-08-01".parse().expect("a day"),
            hit_rate,
            basis: None,
            tokens: None,
            effective_input: price,
            effective_output: None,
            uptime: None,
            throughput: None,
            latency_ms: None,
        };
        let days =
            vec![row(Some(0.4), None), row(None, Some(1.0)), row(None, Some(1.1)), row(Some(0.5), None)];
        let mut contents = Contents { days, ..Contents::default() };
        contents.keep_last_days();
        assert_eq!(contents.days, [row(None, Some(1.1)), row(Some(0.5), None)]);
    }

    #[test]
    fn an_unknown_form_names_those_that_are_known() {
        let error = read_file("a,b\n1,2\n".as_bytes(), None).expect_err("unknown").to_string();
        for form in FileForm::ALL {
            assert!(error.contains(form.as_str()), "{error}");
        }
        assert!(error.contains("a,b"), "{error}");
    }
}
