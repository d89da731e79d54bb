//! What changed this week (hit rates, tiers), and where the most used models are cheapest.

use super::super::format;
use super::super::link;
use super::super::parts::Badge;
use super::super::picks::picks;
use crate::domain::thresholds::MOVER_DAYS;
use crate::domain::tier::Tier;
use crate::snapshot::movers::{Mover, movers};
use crate::snapshot::{ProviderTier, Snapshot, TierList};

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

/// Tiers of the list shown that changed within the last week.
pub struct TierMoves {
    /// Who rose, newest first.
    pub up: Vec<TierMove>,
    /// Who fell, newest first.
    pub down: Vec<TierMove>,
    /// The days looked at.
    pub days: i64,
    /// First day of the oldest tier that is held: before that nothing is known.
    pub known_since: Option<String>,
}

/// A provider whose tier changed.
pub struct TierMove {
    /// Its page.
    pub href: String,
    /// Name for people, untrusted.
    pub name: String,
    /// Its tier now.
    pub badge: Badge,
    /// Its tier before.
    pub before: Tier,
    /// Since when.
    pub since: String,
}

fn tier_move(row: &ProviderTier) -> Option<TierMove> {
    Some(TierMove {
        href: link::provider(row.provider.as_str()),
        name: row.name.clone(),
        badge: Badge::new(row.tier),
        before: row.previous?,
        since: format::short_day(row.since?),
    })
}

/// Whose published tier in a list changed within the last week.
pub fn tier_moves(list: &TierList) -> TierMoves {
    let today = list.as_of.date_naive();
    let fresh = |row: &&ProviderTier| {
        row.tier != Tier::Unrated && row.since.is_some_and(|since| (today - since).num_days() < MOVER_DAYS)
    };
    let mut moved: Vec<&ProviderTier> = list.providers.iter().filter(fresh).collect();
    moved.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.name.cmp(&b.name)));
    let rank = |tier: Tier| Tier::RATED.iter().position(|rated| *rated == tier);
    // Better tiers come first.
    let (up, down): (Vec<_>, Vec<_>) = moved
        .into_iter()
        .filter(|row| row.previous.is_some())
        .partition(|row| rank(row.tier) < row.previous.and_then(rank));
    TierMoves {
        up: up.into_iter().filter_map(tier_move).collect(),
        down: down.into_iter().filter_map(tier_move).collect(),
        days: MOVER_DAYS,
        known_since: list.providers.iter().filter_map(|row| row.since).min().map(format::short_day),
    }
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
