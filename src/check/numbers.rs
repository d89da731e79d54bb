//! Whether the stored numbers reproduce what is known to be true.

use crate::analysis::METHOD_VERSION;
use crate::analysis::numbers::{self, ListAgreement};
use crate::domain::statistics::median;
use crate::preferences::{Mode, NO_DIFFERENCE, TRAFFIC, preference};
use crate::snapshot::Snapshot;
use crate::store::Store;
use serde::{Deserialize, Serialize};

/// Highest median absolute difference between our token-weighted hit rate of a model and the upstream's own.
pub const AGGREGATE_BOUND: f64 = 0.001;
/// Highest median relative error of the price identity against the effective price.
pub const IDENTITY_BOUND: f64 = 0.0005;

/// The acceptance numbers of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckedRun {
    /// Id of the run.
    pub run_id: String,
    /// Models compared with the upstream's aggregate.
    pub models: usize,
    /// Median absolute difference of the hit rates, as a fraction.
    pub aggregate_difference: Option<f64>,
    /// Endpoints that the price identity is checked on.
    pub endpoints: usize,
    /// Median relative error of the identity.
    pub identity_error: Option<f64>,
    /// Share of these endpoints within 1 %.
    pub identity_within_one_percent: Option<f64>,
    /// Whether both medians are within their bounds.
    pub holds: bool,
    /// What was published after the newest run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
}

/// Whether the published lists and preferences agree with their own figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// Id of the snapshot.
    pub snapshot: String,
    /// The lists.
    pub lists: Vec<ListAgreement>,
    /// The preferences of each mode and workload.
    pub advice: Vec<ModeAdvice>,
    /// Whether all of them agree.
    pub holds: bool,
}

/// The preferences of one mode over all models, without limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModeAdvice {
    /// Mode.
    pub mode: Mode,
    /// Workload.
    pub workload: String,
    /// Models with a preference.
    pub given: usize,
    /// Models without one.
    pub none: usize,
    /// Preferences that are given although they are expected to cost more than the traffic's average.
    pub expected_losses: usize,
    /// Median expected saving against the traffic's average, fraction.
    pub median_saving: Option<f64>,
}

/// The acceptance numbers of every run with usage, oldest first; empty if there is none. The newest one has those of the
/// saved snapshot, if this version of the method made it.
///
/// # Errors
/// Of the store or the analysis, in words.
pub fn read(store: &Store, snapshot: Option<&Snapshot>) -> Result<Vec<CheckedRun>, String> {
    let frame = store.numbers_frame().map_err(|error| error.to_string())?;
    let identities = numbers::identities(&frame).map_err(|error| error.to_string())?;
    let mut checked: Vec<CheckedRun> = numbers::aggregates(&frame)
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|aggregate| {
            let identity = identities.iter().find(|identity| identity.run_id == aggregate.run_id);
            let error = identity.and_then(|identity| identity.median_error);
            let within = |value: Option<f64>, bound: f64| value.is_some_and(|value| value <= bound);
            CheckedRun {
                holds: within(aggregate.median_difference, AGGREGATE_BOUND) && within(error, IDENTITY_BOUND),
                run_id: aggregate.run_id,
                models: aggregate.models,
                aggregate_difference: aggregate.median_difference,
                endpoints: identity.map_or(0, |identity| identity.endpoints),
                identity_error: error,
                identity_within_one_percent: identity.and_then(|identity| identity.within_one_percent),
                published: None,
            }
        })
        .collect();
    if let Some(newest) = checked.last_mut() {
        newest.published =
            snapshot.filter(|snapshot| snapshot.method_version == METHOD_VERSION).map(published);
    }
    Ok(checked)
}

impl CheckedRun {
    /// Whether the run and what was published after it agree with what is known to be true.
    pub fn agrees(&self) -> bool {
        self.holds && self.published.as_ref().is_none_or(|published| published.holds)
    }
}

/// Checks the lists and the preferences of a snapshot.
fn published(snapshot: &Snapshot) -> Published {
    let lists: Vec<ListAgreement> = snapshot.tier_lists.iter().map(ListAgreement::of).collect();
    let workloads = [TRAFFIC, snapshot.default_workload()];
    let advice: Vec<ModeAdvice> = workloads
        .into_iter()
        .flat_map(|workload| Mode::OFFERED.map(|mode| advice(snapshot, mode, workload)))
        .collect();
    let no_loss = advice.iter().all(|advice| advice.expected_losses == 0);
    Published {
        snapshot: snapshot.id.clone(),
        holds: no_loss && lists.iter().all(ListAgreement::holds),
        lists,
        advice,
    }
}

fn advice(snapshot: &Snapshot, mode: Mode, workload: &str) -> ModeAdvice {
    let (mut given, mut none, mut savings) = (0, 0, Vec::new());
    for model in &snapshot.models {
        let preference = preference(snapshot, model, mode, workload, snapshot.as_of);
        if preference.provider.is_none() {
            none += 1;
            continue;
        }
        given += 1;
        savings.extend(preference.saving.against_traffic_average.fraction);
    }
    ModeAdvice {
        mode,
        workload: workload.to_owned(),
        given,
        none,
        expected_losses: savings.iter().filter(|saving| **saving < -NO_DIFFERENCE).count(),
        median_saving: median(savings),
    }
}
