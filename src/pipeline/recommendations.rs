//! What is recommended for a model: the endpoints that the default mode of preferences names, without limits, under the
//! default workload. And how often that changed, with the present recommendation as the newest day.

use super::analyse::shown_days;
use crate::analysis::METHOD_VERSION;
use crate::domain::ids::{ModelSlug, Variant};
use crate::domain::tier_list::DayRange;
use crate::preferences::{Mode, preference};
use crate::snapshot::{ModelEntry, RecommendationRecord, Snapshot};
use crate::store::{PastRecommendations, Recommendation, RecommendationKind, Store, StoreError};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::HashMap;

/// How this version makes recommendations under a workload.
pub(super) fn kind(workload: &str) -> RecommendationKind<'_> {
    RecommendationKind { method_version: METHOD_VERSION, mode: Mode::DEFAULT.as_str(), workload }
}

/// The recommendation for a model of a snapshot, as it was when the snapshot was made.
pub(super) fn recommendation(snapshot: &Snapshot, model: &ModelEntry) -> Recommendation {
    let made = preference(snapshot, model, Mode::DEFAULT, snapshot.default_workload(), snapshot.as_of);
    let mut endpoints: Vec<String> = Vec::with_capacity(made.evidence.len());
    for named in made.evidence {
        if !endpoints.contains(&named.tag) {
            endpoints.push(named.tag);
        }
    }
    let saving = made.saving.against_traffic_average;
    Recommendation {
        model: model.slug.clone(),
        variant: model.variant.clone(),
        endpoints,
        saving: saving.fraction,
        saving_low: saving.low,
        saving_high: saving.high,
    }
}

/// What is recorded of the recommendations of earlier days.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// By slug and variant.
    models: HashMap<(ModelSlug, Variant), PastRecommendations>,
}

impl Past {
    /// Reads the shown days before that of `as_of`. A failure is only logged: a snapshot without
    /// this record is better than none.
    pub fn read(store: &Store, as_of: DateTime<Utc>, workload: &str) -> Self {
        Self::try_read(store, as_of, workload).unwrap_or_else(|error| {
            tracing::error!(%error, "cannot read the recorded recommendations; publishing without them");
            Self::default()
        })
    }

    fn try_read(store: &Store, as_of: DateTime<Utc>, workload: &str) -> Result<Self, StoreError> {
        let DayRange { from, to: today } = shown_days(as_of);
        let days = DayRange { from, to: today.pred_opt().unwrap_or(today) };
        let rows = store.past_recommendations(kind(workload), days)?;
        Ok(Self {
            models: rows.into_iter().map(|row| ((row.model.clone(), row.variant.clone()), row)).collect(),
        })
    }

    /// How often the recommendations of the models of a snapshot changed, in the order of the models.
    pub fn with_present(&self, snapshot: &Snapshot) -> Vec<Option<RecommendationRecord>> {
        let today = snapshot.as_of.date_naive();
        let of = |model: &ModelEntry| {
            let past = self.models.get(&(model.slug.clone(), model.variant.clone()))?;
            let present = recommendation(snapshot, model).endpoints;
            (!present.is_empty()).then(|| continued(past, present, today))
        };
        snapshot.models.iter().map(of).collect()
    }
}

/// A record continued by the recommendation of a later day. The order of the endpoints is not compared: the router
/// spreads the requests over all of them.
fn continued(past: &PastRecommendations, mut present: Vec<String>, day: NaiveDate) -> RecommendationRecord {
    let mut last = past.endpoints.clone();
    last.sort_unstable();
    present.sort_unstable();
    let is_new = last != present;
    RecommendationRecord {
        changes: past.changes + u32::from(is_new),
        days: past.days + 1,
        since: if is_new { day } else { past.since },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_set_of_endpoints_is_a_change_and_another_order_is_not() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let past = PastRecommendations {
            model: ModelSlug::new("wren/lark-2"),
            variant: Variant::standard(),
            days: 12,
            changes: 1,
            since: day("2026-08-02"),
            endpoints: tags(&["heron", "crane/fp8"]),
        };
        let today = day("2026-08-09");
        let same = continued(&past, tags(&["crane/fp8", "heron"]), today);
        assert_eq!(same, RecommendationRecord { changes: 1, days: 13, since: past.since });
        for present in [&["heron"][..], &["heron", "crane"], &["heron", "crane/fp8", "rail"]] {
            let other = continued(&past, tags(present), today);
            assert_eq!(other, RecommendationRecord { changes: 2, days: 13, since: today }, "{present:?}");
        }
    }
}
