//! The user's own traffic by model.

use super::report::{By, Failures, Group, OwnRate, Paid, Question, TokenSums, grouped, scope};
use crate::domain::format::counted;
use crate::store::answers::GroupRow;
use crate::store::{StoreError, TrafficStore};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The answer of `traffic models`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Models {
    /// Which calls it covers.
    pub question: Question,
    /// Models, most prompt tokens first.
    pub models: Vec<ModelLine>,
    /// Remarks for the reader, as sentences.
    pub notes: Vec<String>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelLine {
    /// Slug in the public catalogue, otherwise the name as written; null if not recorded.
    pub model: Option<String>,
    /// Whether it is a slug of the public catalogue.
    pub is_known: bool,
    /// Providers that answered, most prompt tokens first.
    pub providers: Vec<ProviderShare>,
    /// Calls.
    pub calls: u64,
    /// Sessions.
    pub sessions: u64,
    /// First call, UTC.
    pub first: Option<DateTime<Utc>>,
    /// Last call, UTC.
    pub last: Option<DateTime<Utc>>,
    /// Failed calls.
    pub failures: Failures,
    /// Token sums.
    pub tokens: TokenSums,
    /// Own hit rate.
    pub hit_rate: OwnRate,
    /// Paid, by kind of money.
    pub paid: Vec<Paid>,
}

/// The part of a provider in a model's calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderShare {
    /// Tag or name; null if not recorded.
    pub provider: Option<String>,
    /// Calls.
    pub calls: u64,
    /// Own hit rate there, 0..1.
    pub hit_rate: Option<f64>,
}

/// The user's own traffic by model.
///
/// # Errors
/// See [`TrafficStore`].
pub fn models(store: &TrafficStore, question: &Question) -> Result<Models, StoreError> {
    let at_endpoints = grouped(&store.answers(scope(question, By::Endpoint)))?;
    let by_model = grouped(&store.answers(scope(question, By::Model)))?;
    let models: Vec<ModelLine> =
        by_model.groups.into_iter().map(|(_, group)| line(group, &at_endpoints.groups)).collect();
    let mut notes = Vec::new();
    if models.is_empty() {
        notes.push(super::known::nothing(store)?.to_owned());
    }
    let unknown = models.iter().filter(|model| !model.is_known).count();
    if unknown > 0 {
        notes.push(format!(
            "Not in the public catalogue: {unknown} of {}. There is no public rate and no price.",
            counted(models.len() as u64, "model")
        ));
    }
    Ok(Models { question: question.clone(), models, notes })
}

fn line(group: Group, at_endpoints: &[(GroupRow, Group)]) -> ModelLine {
    let providers = at_endpoints.iter().filter(|(row, _)| row.model == group.model).map(|(_, at)| {
        ProviderShare { provider: at.provider.clone(), calls: at.calls, hit_rate: at.hit_rate.rate }
    });
    ModelLine {
        providers: providers.collect(),
        is_known: group.model_is_known,
        model: group.model,
        calls: group.calls,
        sessions: group.sessions,
        first: group.first,
        last: group.last,
        failures: group.failures,
        tokens: group.tokens,
        hit_rate: group.hit_rate,
        paid: group.paid,
    }
}
