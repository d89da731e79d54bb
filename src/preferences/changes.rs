//! The changes for a router between two snapshots.

use super::PreferenceOptions;
use super::ProviderObject;
use super::answer::advise;
use super::targets::{Answer, Target};
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::snapshot::{ModelEntry, Snapshot};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The difference between two sets of preferences: what a router with the older set has to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// Id of the newer snapshot; pass it as `since` in the next request.
    pub until: String,
    /// Whether the older snapshot is no longer available. In that case `changed` contains every preference, and the
    /// router must discard all others.
    pub complete: bool,
    /// Time until which unchanged preferences are valid.
    pub valid_until: DateTime<Utc>,
    /// Preferences whose `provider` changed, and new preferences.
    pub changed: Vec<Answer>,
    /// Models that no longer exist, and requested names that are not models.
    pub gone: Vec<String>,
    /// Number of unchanged preferences.
    pub unchanged: usize,
}

/// The changes for the models for which `wanted` is true. `before` is the older snapshot, `None` if it is no longer
/// available.
pub fn changes(
    before: Option<&Snapshot>,
    after: &Snapshot,
    (options, target): (&PreferenceOptions<'_>, &Target),
    wanted: impl Fn(&ModelEntry) -> bool,
    now: DateTime<Utc>,
) -> Changes {
    let mut changed = Vec::new();
    let mut unchanged = 0;
    for model in after.models.iter().filter(|model| wanted(model)) {
        let preference = advise(after, model, options, now);
        let earlier = before.and_then(|before| {
            let model = before.models.iter().find(|earlier| earlier.model_id == model.model_id)?;
            Some(provider_at(before, model, options))
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

/// The provider object that was returned while the snapshot was fresh.
fn provider_at(
    snapshot: &Snapshot,
    model: &ModelEntry,
    options: &PreferenceOptions<'_>,
) -> Option<ProviderObject> {
    advise(snapshot, model, options, snapshot.as_of).provider
}
