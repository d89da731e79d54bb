//! The table of answers: each row is a route `/own/v1/NAME` and the function behind it, which the command line uses too.

mod costs;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::window::midnight;
use crate::pipeline::{DataDir, Pipeline, traffic_options};
use crate::snapshot::Current;
use crate::store::{StoreError, TrafficStore};
use crate::traffic::misses::{HostLifetime, misses};
use crate::traffic::models::models;
use crate::traffic::report::{By, Question, report};
use crate::traffic::sessions::sessions;
use crate::traffic::worth::Lifetimes;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

/// Number of sessions, if the request does not state it.
const SESSIONS: u32 = 50;

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

/// Computes an answer from the parameters of a request.
pub type Answer = fn(&Own, &Words) -> Result<Value, AnswerError>;

/// The answers by name.
pub const ANSWERS: &[(&str, Answer)] = &[
    ("report", |own, words| {
        let (question, by) = (question(words)?, word(words, "by")?.unwrap_or(By::Endpoint));
        let snapshot = own.current.get();
        json(&report(&own.store()?, snapshot.as_deref(), &question, by)?)
    }),
    ("models", |own, words| json(&models(&own.store()?, &question(words)?)?)),
    ("sessions", |own, words| {
        let top = word(words, "limit")?.unwrap_or(SESSIONS).min(1000);
        json(&sessions(&own.store()?, &question(words)?, top)?)
    }),
    ("misses", |own, words| {
        let lifetimes = Lifetimes::shipped().map_err(|error| AnswerError::Store(error.to_string()))?;
        let lifetime = |provider: &str, model: &str, at: DateTime<Utc>| {
            let known = lifetimes.of(provider, model, at)?;
            let seconds = known.lost_seconds.map(|seconds| seconds as f64);
            Some(HostLifetime { seconds, minimum: known.min_tokens })
        };
        let snapshot = own.current.get();
        json(&misses(&own.store()?, snapshot.as_deref(), &question(words)?, &lifetime)?)
    }),
    ("costs", costs::costs_elsewhere),
    ("plans", costs::flat_plans),
    ("files", |own, _| json(&own.store()?.files()?)),
];

impl Own {
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

/// The calls that a request is about: `model`, `provider`, `source`, and `from` and `to`, which are days of UTC; `to` is
/// inclusive.
fn question(words: &Words) -> Result<Question, AnswerError> {
    let (from, to): (Option<NaiveDate>, Option<NaiveDate>) = (word(words, "from")?, word(words, "to")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(AnswerError::Words("`from` is after `to`".to_owned()));
    }
    Ok(Question {
        from: from.map(midnight),
        to: to.and_then(|day| day.succ_opt()).map(midnight),
        model: word(words, "model")?,
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
        let asked = question(&words(&[
            ("from", "2026-11-01"),
            ("to", "2026-11-02"),
            ("model", " "),
            ("source", "s"),
        ]));
        let asked = asked.expect("valid");
        assert_eq!(asked.to.map(|at| at.to_rfc3339()), Some("2026-11-03T00:00:00+00:00".to_owned()));
        assert_eq!((asked.model, asked.source.as_deref()), (None, Some("s")));
        for wrong in [&[("from", "x")][..], &[("from", "2026-11-02"), ("to", "2026-11-01")]] {
            assert!(matches!(question(&words(wrong)), Err(AnswerError::Words(_))), "{wrong:?}");
        }
        assert!(word::<By>(&words(&[("by", "moon")]), "by").is_err());
    }
}
