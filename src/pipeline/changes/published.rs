//! Changes of what is published: tiers, recommendations, and the window of the usage summaries.

use crate::analysis::METHOD_VERSION;
use crate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField};
use crate::domain::ids::ProviderSlug;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::TierList;
use crate::pipeline::recommendations::kind;
use crate::store::{RecommendationChange, Store, StoreError, WindowMove};
use crate::wording::changes::{recommendation_change, tier_change, window_change};
use chrono::{DateTime, NaiveDate, Utc};

/// The changes of all days that had ended by `as_of`.
pub(super) fn changes(
    store: &Store,
    as_of: DateTime<Utc>,
    workload: &str,
) -> Result<Vec<Change>, StoreError> {
    let tiers = store.tier_changes(METHOD_VERSION, as_of, workload)?;
    let tiers = tiers.into_iter().map(|row| {
        let why = tier_change(&row.name, row.lens, row.previous, row.tier);
        tier(row.at, row.lens, row.provider, (row.previous, row.tier), why)
    });
    // A record without recommendations is better than no list.
    let recommended =
        store.recommendation_changes(kind(workload), NaiveDate::default(), as_of).unwrap_or_else(|error| {
            tracing::error!(%error, "cannot read the changes of recommendations; listing the others without them");
            Vec::new()
        });
    let windows = store.window_moves(as_of)?;
    Ok(tiers.chain(recommended.into_iter().map(recommendation)).chain(windows.iter().map(window)).collect())
}

/// The tiers of providers that changed on the day of the newest run, as far as it is known: under every lens, and under
/// the default workload.
pub(in crate::pipeline) fn tiers_of_the_day(
    lists: &[TierList],
    as_of: DateTime<Utc>,
    workload: &str,
) -> Vec<Change> {
    let is_default = |list: &&TierList| list.workload.as_deref().is_none_or(|name| name == workload);
    let changes = |list: &TierList| {
        let changed = list.providers.iter().filter_map(|row| {
            let previous = row.previous.filter(|_| row.since == Some(as_of.date_naive()))?;
            let why = tier_change(&row.name, list.lens, previous, row.tier);
            Some(tier(as_of, list.lens, row.provider.clone(), (previous, row.tier), why))
        });
        changed.collect::<Vec<_>>()
    };
    lists.iter().filter(is_default).flat_map(changes).collect()
}

fn tier(
    at: DateTime<Utc>,
    lens: Lens,
    provider: ProviderSlug,
    (before, after): (Tier, Tier),
    why: String,
) -> Change {
    let letter = |tier: Tier| Some(ChangeValue::Text(tier.as_str().to_owned()));
    let field = match lens {
        Lens::Cost => ChangedField::TierCost,
        Lens::Cache => ChangedField::TierCache,
        Lens::Reliability => ChangedField::TierReliability,
        Lens::Speed => ChangedField::TierSpeed,
        Lens::Overall => ChangedField::TierOverall,
    };
    Change {
        provider: Some(provider),
        field: Some(field),
        before: letter(before),
        after: letter(after),
        why,
        ..Change::new(at, ChangeKind::TierChanged)
    }
}

fn recommendation(row: RecommendationChange) -> Change {
    Change {
        model: Some(row.model),
        variant: Some(row.variant),
        model_id: Some(row.model_id),
        field: Some(ChangedField::Recommendation),
        why: recommendation_change(&row.before, &row.after),
        before: Some(ChangeValue::List(row.before)),
        after: Some(ChangeValue::List(row.after)),
        ..Change::new(row.at, ChangeKind::RecommendationChanged)
    }
}

fn window(row: &WindowMove) -> Change {
    Change {
        field: Some(ChangedField::Window),
        before: Some(ChangeValue::Text(row.before.as_str().to_owned())),
        after: Some(ChangeValue::Text(row.after.as_str().to_owned())),
        why: window_change(row.before, row.after),
        ..Change::new(row.at, ChangeKind::WindowChanged)
    }
}
