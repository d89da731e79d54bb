//! Studies of the method itself: they compare the analysis of simulated worlds with their known truth.

pub mod coverage;
pub mod lag;
pub mod shifts;

use crate::analysis::{Analysis, Parameters, in_parallel};
use crate::domain::thresholds::LENS_WINDOW_DAYS;
use crate::domain::tier::Lens;
use crate::domain::tier_list::{DayRange, ProviderTier};
use crate::domain::window::end_of_day;
use crate::domain::workload::Workload;
use chrono::{Days, NaiveDate};
use coverage::StudyError;
use std::collections::BTreeMap;

/// Number of worlds that are made at the same time: each holds a simulated upstream and its record in memory.
const WORLDS_AT_ONCE: usize = 2;

/// Makes the world of each seed, a few at a time, and calls `done` after each; worlds are in the order of the seeds.
/// The result does not depend on the scheduling of the threads.
///
/// # Errors
/// [`StudyError`]: no seeds, or the first world that fails.
fn worlds<T: Send>(
    (first_seed, seeds): (u64, u64),
    done: &(dyn Fn() + Sync),
    world: impl Fn(u64) -> Result<T, StudyError> + Sync,
) -> Result<Vec<T>, StudyError> {
    if seeds == 0 {
        return Err(StudyError::NoSeeds);
    }
    let one = |number: usize| {
        let world = world(first_seed.wrapping_add(number as u64));
        done();
        world
    };
    let seeds = usize::try_from(seeds).unwrap_or(usize::MAX);
    in_parallel(seeds, WORLDS_AT_ONCE, &|numbers| numbers.map(one).collect())
}

/// The lens window that ends with a day.
fn window(to: NaiveDate) -> DayRange {
    DayRange { from: to - Days::new(LENS_WINDOW_DAYS.unsigned_abs() - 1), to }
}

/// The parameters of an analysis at the end of a window.
fn parameters(window: DayRange) -> Result<Parameters, StudyError> {
    Ok(Parameters {
        as_of: end_of_day(window.to),
        window,
        workloads: Workload::shipped().map_err(|error| StudyError::Workloads(error.to_string()))?,
        provider_names: BTreeMap::new(),
        prompt_sizes: BTreeMap::new(),
    })
}

/// The providers under the lens `cache`.
fn cache_list(analysis: &Analysis) -> &[ProviderTier] {
    let list = analysis.tier_lists.iter().find(|list| list.lens == Lens::Cache);
    list.map_or(&[], |list| &list.providers)
}
