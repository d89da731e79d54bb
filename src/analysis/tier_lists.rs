//! The published tier lists: one per lens, and one per workload if the lens needs one.

use super::field::Field;
use super::lenses::Gauge;
use super::next_week::Parts;
use super::ranking::{Ground, ranked};
use super::{AnalysisError, METHOD_VERSION, Parameters, Tuning, overall};
use crate::domain::tier::Lens;
use crate::domain::tier_list::{ProviderTier, Reliability, TierList};
use crate::domain::workload::{Room, Workload};
use crate::wording::lists::note;

/// All tier lists: one each for `cache`, `reliability` and `speed`, and one per workload for `cost` and `overall`.
pub(super) fn all(
    field: &Field,
    parts: &Parts,
    parameters: &Parameters,
    tuning: &Tuning,
) -> Result<Vec<TierList>, AnalysisError> {
    let reliability = Reliability::of(field);
    let ground = Ground::new(field, parts, parameters, tuning);
    let rank = |lens, workload| ranked(&Gauge { lens, workload, reliability, as_of: field.as_of }, &ground);
    let Some(default) = parameters.workloads.first() else { return Err(AnalysisError::NoWorkload) };
    let fixed = [rank(Lens::Cache, default)?, rank(Lens::Reliability, default)?, rank(Lens::Speed, default)?];
    // The previous days are not known here, so the tier is the one that the figures alone give.
    let naive = |row: ProviderTier| ProviderTier { naive: row.tier, measured: row.adjusted, ..row };
    let too_short = |workload: &Workload| {
        let room = Room::of(workload);
        (field.cells().filter(|cell| cell.lacking(room).is_some()).count(), workload.longest_turn())
    };
    let prompt_size = fixed[0].prompt_size;
    let observed_days = field.provisional.then_some(field.observed_days);
    let publish = |lens, workload: Option<&Workload>, providers: Vec<ProviderTier>| TierList {
        lens,
        workload: workload.map(|w| w.name.clone()),
        unit: lens.unit().to_owned(),
        as_of: field.as_of,
        method_version: METHOD_VERSION,
        provisional: field.provisional,
        note: note(
            lens,
            reliability,
            observed_days,
            field.day_to_date,
            workload.map(too_short),
            prompt_size.filter(|_| lens == Lens::Cache),
        ),
        too_short: workload.map_or(0, |workload| too_short(workload).0),
        prompt_size: prompt_size.filter(|_| lens == Lens::Cache),
        window: parameters.window,
        providers: providers.into_iter().map(naive).collect(),
    };
    let (mut costs, mut overalls) = (Vec::new(), Vec::new());
    for workload in &parameters.workloads {
        let cost = rank(Lens::Cost, workload)?;
        let together = overall::providers(field, workload, reliability, &fixed, &cost);
        costs.push(publish(Lens::Cost, Some(workload), cost.providers));
        overalls.push(publish(Lens::Overall, Some(workload), together));
    }
    let [cache, reliable, speed] = fixed;
    let mut lists = vec![publish(Lens::Cache, None, cache.providers)];
    lists.extend(costs);
    lists.push(publish(Lens::Reliability, None, reliable.providers));
    lists.push(publish(Lens::Speed, None, speed.providers));
    lists.extend(overalls);
    Ok(lists)
}
