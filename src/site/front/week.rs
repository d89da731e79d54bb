//! What changed this week, and where the most used models are cheapest.

use super::super::format;
use super::super::link;
use super::super::picks::picks;
use crate::snapshot::Snapshot;
use crate::snapshot::movers::{Mover, movers};

/// Movers shown either way.
const MOST: usize = 4;
/// Most used models shown.
const POPULAR: usize = 6;

/// The movers of the week.
pub struct Week {
    /// Who rose.
    pub up: Vec<Moved>,
    /// Who fell.
    pub down: Vec<Moved>,
    /// Providers that could be compared.
    pub compared: usize,
    /// The days compared, in words.
    pub days: String,
    /// The least change that makes a mover, in points.
    pub least: String,
}

/// A provider whose hit rate moved.
pub struct Moved {
    /// Its page.
    pub href: String,
    /// Name for people, untrusted.
    pub name: String,
    /// Change in signed points.
    pub change: String,
    /// Hit rate before and now.
    pub rates: String,
    /// On how many endpoints, and their traffic.
    pub base: String,
}

/// A model with where it is cheapest.
pub struct Popular {
    /// Its page.
    pub href: String,
    /// Name for people, untrusted.
    pub name: String,
    /// The host with the cheapest session, untrusted.
    pub host: String,
    /// What that saves against the lowest list price; `None` where both are one.
    pub saved: Option<String>,
}

fn moved(mover: &Mover) -> Moved {
    let endpoints = if mover.endpoints == 1 { "endpoint" } else { "endpoints" };
    Moved {
        href: link::provider(mover.provider.as_str()),
        name: mover.name.clone(),
        change: format::points(mover.change()),
        rates: format!("{} → {}", format::percent(mover.before), format::percent(mover.now)),
        base: format!("{} {endpoints}, {} a day", mover.endpoints, format::tokens(mover.tokens_per_day)),
    }
}

/// The movers; `None` while the record is too young to compare two weeks.
pub fn week(snapshot: &Snapshot) -> Option<Week> {
    let movers = movers(snapshot, MOST)?;
    let day = format::short_day;
    Some(Week {
        up: movers.up.iter().map(moved).collect(),
        down: movers.down.iter().map(moved).collect(),
        compared: movers.compared,
        days: format!(
            "{} to {} against {} to {}",
            day(movers.last.from),
            day(movers.last.to),
            day(movers.before.from),
            day(movers.before.to)
        ),
        least: format!("{:.0}", crate::domain::thresholds::MOVER_MIN_CHANGE * 100.0),
    })
}

/// The most used standard models that have a choice of hosts.
pub fn popular(snapshot: &Snapshot) -> Vec<Popular> {
    let standard = snapshot.models.iter().filter(|m| m.variant.is_standard());
    let of = |model| {
        let picks = picks(model, snapshot.default_workload())?;
        let saved = 1.0 - picks.by_session_cost / picks.by_list_cost;
        Some(Popular {
            href: link::model(&model.model_id),
            name: model.name.clone(),
            host: picks.by_session.name.clone(),
            saved: (saved > 0.005).then(|| format::percent(saved)),
        })
    };
    standard.filter_map(of).take(POPULAR).collect()
}
