//! What changed this week: hit rates and tiers.

use crate::domain::thresholds::MOVER_DAYS;
use crate::domain::tier::Tier;
use crate::site::parts::{Badge, format};
use crate::snapshot::movers::{Mover, movers};
use crate::snapshot::{ProviderTier, Snapshot, TierList};

/// Maximum number of movers shown in each direction.
const MOST: usize = 3;

pub struct Week {
    pub up: Vec<Moved>,
    pub down: Vec<Moved>,
    /// Providers that could be compared.
    pub compared: usize,
    /// The compared days, as text.
    pub days: String,
    /// The smallest change that counts as a move, in points.
    pub least: String,
}

pub struct Moved {
    pub of: Mover,
    /// Hit rate before and now.
    pub rates: String,
    /// The number of endpoints, and their traffic.
    pub base: String,
}

/// Tiers of the current list that changed within the last week.
pub struct TierMoves<'a> {
    /// Providers that moved up, the newest change first.
    pub up: Vec<TierMove<'a>>,
    /// Providers that moved down, the newest change first.
    pub down: Vec<TierMove<'a>>,
    /// First day of the oldest tier in the list; nothing is known before that day.
    pub known_since: Option<String>,
}

impl TierMoves<'_> {
    /// Number of providers whose tier changed.
    pub fn count(&self) -> usize {
        self.up.len() + self.down.len()
    }
}

pub struct TierMove<'a> {
    pub of: &'a ProviderTier,
    pub badge: Badge,
    pub before: Tier,
    /// The day of the change.
    pub since: String,
}

fn tier_move(row: &ProviderTier) -> Option<TierMove<'_>> {
    Some(TierMove {
        of: row,
        badge: Badge::new(row.tier),
        before: row.previous?,
        since: format::short_day(row.since?),
    })
}

/// The published tiers of a list that changed within the last week.
pub fn tier_moves(list: &TierList) -> TierMoves<'_> {
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
        known_since: list.providers.iter().filter_map(|row| row.since).min().map(format::short_day),
    }
}

fn moved(mover: Mover) -> Moved {
    let endpoints = format::counted(mover.endpoints, "endpoint", "endpoints");
    Moved {
        rates: format!("{} → {}", format::percent(mover.before), format::percent(mover.now)),
        base: format!("{endpoints}, {} a day", format::tokens(mover.tokens_per_day)),
        of: mover,
    }
}

/// The movers; `None` while the record is too young to compare two weeks.
pub fn week(snapshot: &Snapshot) -> Option<Week> {
    let movers = movers(snapshot, MOST)?;
    let day = format::short_day;
    Some(Week {
        up: movers.up.into_iter().map(moved).collect(),
        down: movers.down.into_iter().map(moved).collect(),
        compared: movers.compared,
        days: format!(
            "{} to {} compared with {} to {}",
            day(movers.last.from),
            day(movers.last.to),
            day(movers.before.from),
            day(movers.before.to)
        ),
        least: format!("{:.0}", crate::domain::thresholds::MOVER_MIN_CHANGE * 100.0),
    })
}
