//! What own traffic has, for questions without an answer: names that do not occur, and why there is nothing to show.

use super::report::{By, NO_MATCH, NOTHING_IMPORTED, ONLY_SUMS, Question, scope};
use crate::store::{StoreError, TrafficStore};
use std::collections::BTreeSet;

/// Most names that an error lists.
const MOST_NAMES: usize = 10;

/// Why a question can have no answer: its model, provider or source occurs nowhere in own traffic. The text names those that
/// do. `None` if every name occurs, or if nothing is imported.
///
/// # Errors
/// See [`TrafficStore`].
pub fn unknown(store: &TrafficStore, question: &Question) -> Result<Option<String>, StoreError> {
    let everything = store.answers(scope(&Question::default(), By::Endpoint));
    let sources: BTreeSet<String> = everything.sources()?.into_iter().map(|row| row.source).collect();
    if sources.is_empty() {
        return Ok(None);
    }
    if let Some(source) = question.source.as_ref().filter(|source| !sources.contains(*source)) {
        return Ok(Some(without("source", source, sources)));
    }
    let occurs = |question: Question| -> Result<bool, StoreError> {
        let answers = store.answers(scope(&question, By::Endpoint));
        Ok(!answers.groups()?.is_empty() || !answers.aggregates()?.is_empty())
    };
    /// A model and a provider that occur.
    type Pair = (Option<String>, Option<String>);
    let names = |of: fn(&Pair) -> Option<String>| {
        let calls = everything.groups()?.into_iter().map(|row| (row.model, row.provider));
        let all: Vec<_> =
            calls.chain(everything.aggregates()?.into_iter().map(|row| (row.model, None))).collect();
        Ok::<BTreeSet<String>, StoreError>(all.iter().filter_map(of).collect())
    };
    if let Some(model) = &question.model
        && !occurs(Question { model: Some(model.clone()), ..Question::default() })?
    {
        return Ok(Some(without("model", model, names(|row| row.0.clone())?)));
    }
    if let Some(provider) = &question.provider
        && !occurs(Question { provider: Some(provider.clone()), ..Question::default() })?
    {
        return Ok(Some(without("provider", provider, names(|row| row.1.clone())?)));
    }
    Ok(None)
}

fn without(what: &str, name: &str, known: BTreeSet<String>) -> String {
    let count = known.len();
    let mut listed: Vec<String> = known.into_iter().take(MOST_NAMES).collect();
    if count > MOST_NAMES {
        listed.push(format!(
            "{} more, see `hitrate traffic {}`",
            count - MOST_NAMES,
            match what {
                "source" => "files",
                "provider" => "report",
                _ => "models",
            }
        ));
    }
    match listed.as_slice() {
        [] => format!("there is no {what} `{name}` in your traffic: no call names its {what}"),
        listed => {
            format!("there is no {what} `{name}` in your traffic (expected one of {})", listed.join(", "))
        }
    }
}

/// Why an answer about calls is empty.
///
/// # Errors
/// See [`TrafficStore`].
pub(super) fn nothing(store: &TrafficStore) -> Result<&'static str, StoreError> {
    let everything = store.answers(scope(&Question::default(), By::Endpoint));
    if everything.sources()?.is_empty() {
        return Ok(NOTHING_IMPORTED);
    }
    Ok(if everything.groups()?.is_empty() { ONLY_SUMS } else { NO_MATCH })
}
