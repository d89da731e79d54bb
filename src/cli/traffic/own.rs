//! The calls that `traffic costs` and `traffic plans` work on, and what the public record knows about their days.

use super::words::clean_line;
use crate::cli::{Common, model, running};
use crate::domain::tier_list::DayRange;
use crate::pipeline::traffic_options;
use crate::snapshot::Snapshot;
use crate::store::{CallFilter, OwnCall, TrafficStore};
use crate::traffic::catalogue::model_key;
use crate::traffic::known::unknown;
use crate::traffic::report::Question;
use crate::traffic::worth::{Record, RecordRows};
use anyhow::{Result, bail};
use chrono::{NaiveDate, NaiveTime};
use clap::Args;

/// Which calls.
#[derive(Debug, Default, Args)]
pub struct Which {
    /// Only calls of this model.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// First day, UTC [default: the first day of your traffic].
    #[arg(long, value_name = "DATE")]
    pub from: Option<NaiveDate>,
    /// Last day, UTC, inclusive [default: the last day of your traffic].
    #[arg(long, value_name = "DATE")]
    pub to: Option<NaiveDate>,
}

/// The user's calls, oldest first.
///
/// # Errors
/// If the model is unknown, the days are in the wrong order, or the database cannot be opened or read.
pub fn calls(common: &Common, snapshot: &Snapshot, which: &Which) -> Result<Vec<OwnCall>> {
    if let (Some(from), Some(to)) = (which.from, which.to)
        && from > to
    {
        bail!("--from {from} is after --to {to}");
    }
    let model = which.model.as_deref().map(|name| model::find(snapshot, name)).transpose()?;
    let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let filter = CallFilter {
        from: which.from.map(start),
        to: which.to.and_then(|day| day.succ_opt()).map(start),
        model: model.map(|model| model_key(model).to_owned()),
        source: None,
    };
    let Some(store) = TrafficStore::open_existing(traffic_options(&common.settings()?, &common.data()))?
    else {
        return Ok(Vec::new());
    };
    let question = Question { model: filter.model.clone(), ..Question::default() };
    if let Some(why) = unknown(&store, &question)? {
        bail!(clean_line(&why));
    }
    Ok(store.calls(&filter)?)
}

/// What the public record knows about the days of calls, through the running server if one holds the store. Without a
/// store, only what the snapshot contains.
///
/// # Errors
/// If the record cannot be read.
pub fn record(common: &Common, snapshot: &Snapshot, calls: &[OwnCall]) -> Result<Record> {
    let days = || calls.iter().filter_map(|call| call.at).map(|at| at.date_naive());
    let (Some(from), Some(to)) = (days().min(), days().max()) else {
        return Ok(Record::of_snapshot(snapshot, "there are no calls with a time".to_owned()));
    };
    let data = common.data();
    if !data.store().exists() {
        return Ok(Record::of_snapshot(snapshot, format!("there is no store in {}", data.path().display())));
    }
    let (workload, as_of) = (snapshot.default_workload(), snapshot.as_of);
    let path = |page: &DayRange| {
        format!(
            "/local/record?from={}&to={}&as_of={}&workload={}",
            page.from,
            page.to,
            running::encode(&as_of.to_rfc3339()),
            running::encode(workload)
        )
    };
    let paths: Vec<String> = RecordRows::pages(days()).iter().map(path).collect();
    let rows = running::read_or_ask_each(common, "the record of these days", &paths, |store| {
        Ok(RecordRows::read(store, workload, DayRange { from, to }, as_of)?)
    })?;
    Ok(RecordRows::joined(rows).into())
}
