//! What the calls would have cost elsewhere, and flat plans: as the commands `traffic costs` and `traffic plans`, over the
//! open store of the public record.

use super::{AnswerError, Own, Words, word};
use crate::domain::tier_list::DayRange;
use crate::domain::window::midnight;
use crate::snapshot::Snapshot;
use crate::store::{CallFilter, OwnCall};
use crate::traffic::catalogue::model_key;
use crate::traffic::worth::{
    Costs, Followed, Lifetimes, Plan, PlansReport, Record, RecordRows, costs, followed, plans, read_plans,
    shipped_plans,
};
use chrono::NaiveDate;
use serde::Serialize;
use std::sync::Arc;

/// The document of `traffic costs`.
#[derive(Serialize)]
pub struct Elsewhere {
    /// Every endpoint of the models.
    #[serde(flatten)]
    pub costs: Costs,
    /// The recommended endpoints.
    pub followed: Followed,
}

/// The calls, the snapshot and the public record of their days.
struct Basis {
    calls: Vec<OwnCall>,
    snapshot: Arc<Snapshot>,
    record: Record,
    lifetimes: Lifetimes,
}

fn failed(error: impl std::fmt::Display) -> AnswerError {
    AnswerError::Store(error.to_string())
}

fn basis(own: &Own, words: &Words) -> Result<Basis, AnswerError> {
    let snapshot =
        own.current.get().ok_or_else(|| failed("there is no snapshot yet; run `hitrate collect` first"))?;
    let model: Option<String> = word(words, "model")?;
    let model = model.map(|name| {
        let known = snapshot.model_written(&name).map(|(model, _)| model_key(model).to_owned());
        known.ok_or_else(|| AnswerError::Words(format!("there is no model `{name}` in the public catalogue")))
    });
    // As for the commands, `to` is the last day.
    let (from, to): (Option<NaiveDate>, Option<NaiveDate>) = (word(words, "from")?, word(words, "to")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(AnswerError::Words("`from` is after `to`".to_owned()));
    }
    let filter = CallFilter {
        from: from.map(midnight),
        to: to.and_then(|day| day.succ_opt()).map(midnight),
        model: model.transpose()?,
        source: word(words, "source")?,
    };
    let calls = own.store()?.calls(&filter)?;
    let days = || calls.iter().filter_map(|call| call.at).map(|at| at.date_naive());
    let record = match (&own.pipeline, days().min(), days().max()) {
        (Some(pipeline), Some(from), Some(to)) => {
            let (workload, days) = (snapshot.default_workload(), DayRange { from, to });
            RecordRows::read(&pipeline.store, workload, days, snapshot.as_of)?.into()
        }
        (None, ..) => Record::of_snapshot(&snapshot, "the store of the record cannot be opened".to_owned()),
        _ => Record::of_snapshot(&snapshot, "there are no calls with a time".to_owned()),
    };
    Ok(Basis { calls, snapshot, record, lifetimes: Lifetimes::shipped().map_err(failed)? })
}

/// What the calls would have cost at every endpoint of their models, and at the recommended ones.
pub fn costs_elsewhere(own: &Own, words: &Words) -> Result<Elsewhere, AnswerError> {
    let basis = basis(own, words)?;
    Ok(Elsewhere {
        costs: costs(&basis.calls, &basis.snapshot, &basis.record.lists, &basis.lifetimes),
        followed: followed(&basis.calls, &basis.snapshot, &basis.record, &basis.lifetimes),
    })
}

/// Flat plans against paying per token; `plan` names one of them.
pub fn flat_plans(own: &Own, words: &Words) -> Result<PlansReport, AnswerError> {
    let mut known: Vec<Plan> = shipped_plans().map_err(failed)?;
    let file = own.config.traffic.plans.trim();
    if !file.is_empty() {
        let path = own.data.path().join(file);
        let shown = path.display().to_string();
        let text = crate::config::read_text(&path).map_err(|error| failed(format!("{shown}: {error}")))?;
        known.extend(read_plans(&text, &shown).map_err(failed)?);
    }
    if let Some(name) = word::<String>(words, "plan")? {
        known.retain(|plan| plan.name == name);
        if known.is_empty() {
            return Err(AnswerError::Words(format!("unknown plan `{name}`")));
        }
    }
    let basis = basis(own, words)?;
    Ok(plans(&basis.calls, &basis.snapshot, &basis.record.lists, &basis.lifetimes, &known, None))
}
