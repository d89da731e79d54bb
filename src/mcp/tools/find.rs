//! `find_model`.

use super::super::address::Address;
use super::super::arguments::{FindModel, count};
use super::super::failure::Failure;
use super::super::reply::{Reply, named};
use super::super::source::{Listed, Source};
use serde_json::Value;

pub(super) async fn answer(source: &Source, wanted: FindModel) -> Result<Reply, Failure> {
    let limit = count("limit", wanted.limit, 10, 50)?;
    let query = wanted.query.trim();
    if query.is_empty() {
        return Err(Failure::Argument("`query` is empty; pass words of a model's id or name".to_owned()));
    }
    let address = Address::of("/api/v1/models").with("q", query);
    let Listed { mut entries, meta, is_complete } = source.list(&address).await?;
    if entries.is_empty() {
        return Err(none(source, query).await);
    }
    let found = entries.len();
    entries.truncate(limit);
    let at_least = if is_complete { "" } else { "at least " };
    let noun = if found == 1 { "model matches" } else { "models match" };
    let summary = format!("{at_least}{found} {noun}; by tokens a day: {}", named(&entries, "model_id"));
    Ok(Reply::new(summary, Value::Array(entries), meta, &address)
        .left_off("models", found.saturating_sub(limit)))
}

/// The error if no model matches, with the names that are most similar.
async fn none(source: &Source, query: &str) -> Failure {
    let similar = match Address::of_model("/api/v1/models", query) {
        Ok(address) => match source.get(&address).await {
            Err(Failure::Refused(problem)) => problem.nearest().join(", "),
            _ => String::new(),
        },
        Err(_) => String::new(),
    };
    let shown: String = query.chars().take(80).collect();
    let advice = if similar.is_empty() {
        "try fewer or other words".to_owned()
    } else {
        format!("similar models: {similar}. Otherwise try fewer words")
    };
    Failure::Argument(format!("no model matches all words of `{shown}`; {advice}"))
}
