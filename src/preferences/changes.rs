//! What changed for a router between two snapshots.

use super::ProviderObject;
use super::answer::{Wish, advise};
use super::targets::{Answer, Target};
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::snapshot::{ModelEntry, Snapshot};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The difference of two sets of preferences: what a router that holds the older one has to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// The snapshot it leads to: `since` of the next time.
    pub until: String,
    /// Whether the older snapshot is not kept any more: `changed` then holds every preference, and what the router holds
    /// besides is void.
    pub complete: bool,
    /// Until when preferences hold that did not change.
    pub valid_until: DateTime<Utc>,
    /// Preferences whose `provider` is another than before, or that were not there before.
    pub changed: Vec<Answer>,
    /// Models that are not there any more, and names that were asked for and are none.
    pub gone: Vec<String>,
    /// How many preferences did not change.
    pub unchanged: usize,
}

/// The changes for the models that `wanted` holds for. `before` is the older snapshot, `None` where it is not kept.
pub fn changes(
    before: Option<&Snapshot>,
    after: &Snapshot,
    (wish, target): (&Wish<'_>, &Target),
    wanted: impl Fn(&ModelEntry) -> bool,
    now: DateTime<Utc>,
) -> Changes {
    let mut changed = Vec::new();
    let mut unchanged = 0;
    for model in after.models.iter().filter(|model| wanted(model)) {
        let preference = advise(after, model, wish, now);
        let earlier = before.and_then(|before| {
            let model = before.models.iter().find(|earlier| earlier.model_id == model.model_id)?;
            Some(provider_at(before, model, wish))
        });
        match earlier {
            Some(provider) if provider == preference.provider => unchanged += 1,
            _ => changed.push(target.answer(preference, model)),
        }
    }
    let is_gone = |model: &&ModelEntry| after.models.iter().all(|later| later.model_id != model.model_id);
    let gone = before.into_iter().flat_map(|before| before.models.iter().filter(|model| wanted(model)));
    Changes {
        until: after.id.clone(),
        complete: before.is_none(),
        valid_until: after.as_of + Duration::hours(STALE_AFTER_HOURS),
        changed,
        gone: gone.filter(is_gone).map(|model| model.model_id.clone()).collect(),
        unchanged,
    }
}

/// What was given while the snapshot was fresh.
fn provider_at(snapshot: &Snapshot, model: &ModelEntry, wish: &Wish<'_>) -> Option<ProviderObject> {
    advise(snapshot, model, wish, snapshot.as_of).provider
}
