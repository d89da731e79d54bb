//! The table of answers: each row is a route `/own/v1/NAME` and the function behind it, which the command line uses too.

mod costs;

pub use costs::{Elsewhere, costs_elsewhere, flat_plans};

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::window;
use crate::pipeline::{DataDir, Pipeline, traffic_options};
use crate::snapshot::{Current, Snapshot};
use crate::store::{ImportedFile, StoreError, TrafficStore};
use crate::traffic::catalogue::model_key;
use crate::traffic::misses::{Misses, lifetime, misses};
use crate::traffic::models::{Models, models};
use crate::traffic::report::{By, Question, Report, report};
use crate::traffic::sessions::{Sessions, sessions};
use crate::traffic::worth::Lifetimes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

/// Number of sessions, if the request does not state it.
const SESSIONS: u32 = 20;

/// What answers are computed from.
#[derive(Clone)]
pub struct Own {
    /// The settings.
    pub config: Arc<Config>,
    /// The data folder.
    pub data: DataDir,
    /// The public record, for rates and prices to compare with.
    pub current: Arc<Current>,
    /// The pipeline with the open store of the public record, if it could be opened.
    pub pipeline: Option<Arc<Pipeline>>,
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// URL of the public site, for links to its pages; empty if unknown.
    pub public_url: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerError {
    /// A parameter of the request is invalid.
    Words(String),
    /// The store of own traffic, or the public record, cannot be read now.
    Store(String),
}

impl From<StoreError> for AnswerError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// The parameters of a request.
pub type Words = HashMap<String, String>;

/// Computes an answer from the parameters of a request, as JSON.
pub type Answer = fn(&Own, &Words) -> Result<Value, AnswerError>;

/// The answers by name.
pub const ANSWERS: &[(&str, Answer)] = &[
    ("report", |own, words| json(&own_report(own, words)?)),
    ("models", |own, words| json(&own_models(own, words)?)),
    ("sessions", |own, words| json(&own_sessions(own, words)?)),
    ("misses", |own, words| json(&own_misses(own, words)?)),
    ("costs", |own, words| json(&costs_elsewhere(own, words)?)),
    ("plans", |own, words| json(&flat_plans(own, words)?)),
    ("files", |own, _| json(&own_files(own)?)),
];

/// The report; the parameter `by` names the grouping.
pub fn own_report(own: &Own, words: &Words) -> Result<Report, AnswerError> {
    let (snapshot, by) = (own.current.get(), word(words, "by")?.unwrap_or(By::Endpoint));
    let snapshot = snapshot.as_deref();
    Ok(report(&own.store()?, snapshot, &question(words, snapshot)?, by)?)
}

/// The models.
pub fn own_models(own: &Own, words: &Words) -> Result<Models, AnswerError> {
    let question = question(words, own.current.get().as_deref())?;
    Ok(models(&own.store()?, &question)?)
}

/// The sessions; the parameter `top` is the number of lines.
pub fn own_sessions(own: &Own, words: &Words) -> Result<Sessions, AnswerError> {
    let top = word(words, "top")?.unwrap_or(SESSIONS).clamp(1, 1000);
    let question = question(words, own.current.get().as_deref())?;
    Ok(sessions(&own.store()?, &question, top)?)
}

/// The misses.
pub fn own_misses(own: &Own, words: &Words) -> Result<Misses, AnswerError> {
    let known = Lifetimes::shipped().map_err(|error| AnswerError::Store(error.to_string()))?;
    let snapshot = own.current.get();
    let snapshot = snapshot.as_deref();
    let of = |provider: &str, model: &str, at: DateTime<Utc>| lifetime(&known, provider, model, at);
    Ok(misses(&own.store()?, snapshot, &question(words, snapshot)?, &of)?)
}

/// The imported files.
pub fn own_files(own: &Own) -> Result<Vec<ImportedFile>, AnswerError> {
    Ok(own.store()?.files()?)
}

impl Own {
    /// The same beside a public server with this URL, unless the settings state its public one.
    pub fn beside(self, url: &str) -> Self {
        let stated = self.config.serve.public_url.trim_end_matches('/');
        let public_url = if stated.is_empty() { url.to_owned() } else { stated.to_owned() };
        Self { public_url, ..self }
    }

    /// The store of own traffic, opened for one answer.
    fn store(&self) -> Result<TrafficStore, AnswerError> {
        Ok(TrafficStore::open(traffic_options(&self.config, &self.data))?)
    }
}

fn json(answer: &impl Serialize) -> Result<Value, AnswerError> {
    serde_json::to_value(answer).map_err(|error| AnswerError::Store(error.to_string()))
}

/// A parameter that is parsed; an empty one is absent.
fn word<T: FromStr>(words: &Words, name: &str) -> Result<Option<T>, AnswerError> {
    let Some(text) = words.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| AnswerError::Words(format!("the parameter `{name}` is not valid")))
}

/// A parameter that is a time or a UTC day.
fn time(words: &Words, name: &str) -> Result<Option<DateTime<Utc>>, AnswerError> {
    let text: Option<String> = word(words, name)?;
    text.map(|text| window::start(&text))
        .transpose()
        .map_err(|error| AnswerError::Words(format!("`{name}`: {error}")))
}

/// The calls that a request is about, by the same rules as the options of the commands.
fn question(words: &Words, snapshot: Option<&Snapshot>) -> Result<Question, AnswerError> {
    let model: Option<String> = word(words, "model")?;
    let model = model.map(|name| {
        let known = snapshot.and_then(|snapshot| snapshot.model_written(&name));
        let key = known.map(|(model, _)| model_key(model).to_owned());
        key.unwrap_or(name)
    });
    Ok(Question {
        from: time(words, "from")?,
        to: time(words, "to")?,
        model,
        provider: word(words, "provider")?,
        source: word(words, "source")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_and_wrong_ones_are_named() {
        let words = |pairs: &[(&str, &str)]| -> Words {
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let asked = question(&words(&[("from", "2026-11-01"), ("model", " "), ("source", "s")]), None);
        let asked = asked.expect("valid");
        assert_eq!(asked.from.map(|at| at.to_rfc3339()), Some("2026-11-01T00:00:00+00:00".to_owned()));
        assert_eq!((asked.model, asked.source.as_deref()), (None, Some("s")));
        assert!(matches!(question(&words(&[("from", "x")]), None), Err(AnswerError::Words(_))));
        assert!(word::<By>(&words(&[("by", "moon")]), "by").is_err());
    }
}
