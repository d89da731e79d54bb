//! A run as tables of scalars: every value has its JSON path as a key, so that a new field is compared without a change
//! here.

use crate::domain::reading::{RunReadings, Usage};
use crate::domain::window::midnight;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A number, or a text that contains one (prices).
    Number(f64),
    /// A text, a time, or the entries of a list of texts.
    Text(String),
    Flag(bool),
    /// An optional object that is present; its values follow under longer paths.
    Present,
}

/// The values of one row by JSON path; absent values have no entry.
pub type Flat = BTreeMap<String, Scalar>;

/// One row and the (model, variant) it belongs to, if any.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its model and variant.
    pub group: String,
    pub values: Flat,
    /// Whether it is an endpoint with a UUID, from the statistics.
    pub identified: bool,
    /// The provider of an endpoint; empty in other rows.
    pub provider: String,
}

/// Rows of one kind by key.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Prefix of its paths; empty for readings.
    pub name: &'static str,
    pub rows: BTreeMap<String, Row>,
    /// Number of rows whose key occurred before.
    pub repeated: usize,
}

impl Table {
    fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    fn add(&mut self, key: String, group: String, row: &impl Serialize) {
        let mut values = Flat::new();
        flatten(self.name, &serde_json::to_value(row).unwrap_or_default(), &mut values);
        if self.rows.insert(key, Row { group, values, ..Row::default() }).is_some() {
            self.repeated += 1;
        }
    }

    /// The (model, variant) pairs of its rows.
    pub fn groups(&self) -> BTreeSet<&str> {
        self.rows.values().map(|row| row.group.as_str()).collect()
    }
}

/// Paths that are skipped: they differ between any two runs, other paths report them, or no figure depends on them.
const LEFT_OUT: [&str; 4] = ["usage.read_at", "closing_prices", "facts.endpoint_id", "models.aliases"];

/// The tables of a run.
pub struct Tables {
    /// Time of the run.
    pub observed_at: DateTime<Utc>,
    /// Models by id.
    pub models: Table,
    /// Providers by slug.
    pub providers: Table,
    /// Endpoints by UUID, or by model and tag if they have none.
    pub readings: Table,
    /// The upstream's aggregates by (model, variant).
    pub model_usage: Table,
    /// Past days of a model's activity.
    pub activity: Table,
    /// Closing hit rates of past days by endpoint.
    pub closing_rates: Table,
    /// Closing prices of past days by endpoint.
    pub closing_prices: Table,
    /// The UTC day of each reading's token counts and the hours since midnight that they cover, by key of `readings`.
    pub hours: BTreeMap<String, (NaiveDate, f64)>,
}

/// The key of a (model, variant) pair.
fn pair(model: &impl ToString, variant: &impl ToString) -> String {
    format!("{}:{}", model.to_string(), variant.to_string())
}

impl Tables {
    /// The tables of a run.
    pub fn of(run: &RunReadings) -> Self {
        let mut tables = Self {
            observed_at: run.observed_at,
            models: Table::new("models"),
            providers: Table::new("providers"),
            readings: Table::new(""),
            model_usage: Table::new("model_usage"),
            activity: Table::new("activity"),
            closing_rates: Table::new("closing_rates"),
            closing_prices: Table::new("charts"),
            hours: BTreeMap::new(),
        };
        for model in &run.models {
            tables.models.add(model.model_id.clone(), pair(&model.model, &model.variant), model);
        }
        for provider in &run.providers {
            tables.providers.add(provider.provider.to_string(), String::new(), provider);
        }
        for usage in &run.model_usage {
            let group = pair(&usage.model, &usage.variant);
            tables.model_usage.add(group.clone(), group, usage);
        }
        let today = run.observed_at.date_naive();
        for day in run.activity.iter().filter(|day| day.day < today) {
            let group = pair(&day.model, &day.variant);
            tables.activity.add(format!("{group} {}", day.day), group, day);
        }
        for rate in &run.closing_rates {
            tables.closing_rates.add(format!("{} {}", rate.endpoint_id, rate.day), String::new(), rate);
        }
        tables.add_readings(run);
        tables
    }

    /// The two tables of each kind, of this run and of another one.
    pub fn pairs<'a>(&'a self, other: &'a Self) -> [(&'a Table, &'a Table); 7] {
        [
            (&self.models, &other.models),
            (&self.providers, &other.providers),
            (&self.readings, &other.readings),
            (&self.model_usage, &other.model_usage),
            (&self.activity, &other.activity),
            (&self.closing_rates, &other.closing_rates),
            (&self.closing_prices, &other.closing_prices),
        ]
    }

    /// The (model, variant) pairs whose endpoints the statistics list.
    pub fn identified(&self) -> BTreeSet<String> {
        self.readings.rows.values().filter(|row| row.identified).map(|row| row.group.clone()).collect()
    }

    /// The (model, variant) pairs with usage.
    pub fn used(&self) -> BTreeSet<String> {
        self.hours.keys().filter_map(|key| self.readings.rows.get(key)).map(|row| row.group.clone()).collect()
    }

    fn add_readings(&mut self, run: &RunReadings) {
        #[derive(Serialize)]
        struct Closing {
            input: Option<f64>,
            output: Option<f64>,
        }
        for reading in &run.readings {
            let facts = &reading.facts;
            let group = pair(&facts.model, &facts.variant);
            let key = facts.endpoint_id.map_or_else(|| format!("{group} {}", facts.tag), |id| id.to_string());
            for (day, (input, output)) in &reading.closing_prices {
                let closing = Closing { input: *input, output: *output };
                self.closing_prices.add(format!("{key} {day}"), group.clone(), &closing);
            }
            self.readings.add(key.clone(), group, reading);
            let Some(row) = self.readings.rows.get_mut(&key) else { continue };
            row.identified = facts.endpoint_id.is_some();
            row.provider = facts.provider.to_string();
            if let Some(usage) = &reading.usage {
                self.hours.insert(key, covered(usage, run.observed_at));
            }
        }
    }
}

/// The UTC day of a reading's usage and the hours of that day that had passed when it was read. Both default to the day
/// and time of the run.
fn covered(usage: &Usage, observed_at: DateTime<Utc>) -> (NaiveDate, f64) {
    let day = usage.day.unwrap_or_else(|| observed_at.date_naive());
    let read_at = usage.read_at.unwrap_or(observed_at);
    let hours = (read_at - midnight(day)).num_seconds() as f64 / 3600.0;
    (day, hours.clamp(0.0, 24.0))
}

/// Adds the values below `value` to `into`, each under its path. A list of objects adds its length under its own path
/// and the first value of each field under `path[].field`.
pub fn flatten(path: &str, value: &Value, into: &mut Flat) {
    if LEFT_OUT.contains(&path) {
        return;
    }
    let scalar = match value {
        Value::Null => return,
        Value::Bool(flag) => Scalar::Flag(*flag),
        Value::Number(number) => Scalar::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => text_or_number(text),
        Value::Array(list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            if !texts.is_empty() {
                into.insert(format!("{path}[]"), Scalar::Text(texts.join(" ")));
            }
            for entry in list.iter().rev().filter(|entry| entry.is_object()) {
                flatten(&format!("{path}[]"), entry, into);
            }
            Scalar::Number(list.len() as f64)
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&inner, value, into);
            }
            if path.is_empty() {
                return;
            }
            Scalar::Present
        }
    };
    into.insert(path.to_owned(), scalar);
}

/// Decimals are serialized as text; only digits with at most one point count as a number.
fn text_or_number(text: &str) -> Scalar {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse::<f64>() {
        Ok(number) if decimal => Scalar::Number(number),
        _ => Scalar::Text(text.to_owned()),
    }
}
