//! Flags: what is unusual about an endpoint. Each flag carries the numbers behind it and a sentence that states them.
//! Prices are USD per million tokens; rates and shares are fractions.

use super::endpoint::PriceTier;
use super::ids::names;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

names! {
    /// The kinds of flags, most important first.
    FlagKind {
        /// A discount for cached tokens is listed but not applied.
        Phantom = "phantom",
        /// Cache hits are reported, but no cheaper price for them is listed.
        NoDiscount = "no_discount",
        /// List prices and hit rate do not explain the price paid.
        IdentityBreak = "identity_break",
        /// The price paid is outside the range of all list prices.
        ImpossiblePrice = "impossible_price",
        /// The hit rate never moves.
        Constant = "constant",
        /// Writing to the cache costs extra.
        BilledWrites = "billed_writes",
        /// Only prompts that the client marks use the cache.
        MarkedByClient = "marked_by_client",
        /// Prices change with the length of the prompt or the time of day.
        PriceTiers = "price_tiers",
        /// The list price follows a schedule and is not the usual one now.
        ScheduledPrice = "scheduled_price",
        /// Not publicly available.
        Restricted = "restricted",
        /// The router sends traffic there only on request.
        Deranked = "deranked",
        /// Down in the newest run.
        Down = "down",
        /// First seen recently.
        New = "new",
    }
}

/// The numbers behind a flag; `name` identifies the flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Shown {
    /// A discount for cached tokens is listed but not applied.
    Phantom {
        /// Hit rate over the lens window, 0..1.
        hit_rate: f64,
        /// Mean tokens a day over the lens window.
        tokens_per_day: f64,
        /// Days with a hit rate in the window; null if only the newest reading has one.
        days: Option<usize>,
        /// List input price, USD per million tokens.
        list_input: f64,
        /// List cache read price, USD per million tokens.
        list_cache_read: f64,
        /// What a million prompt tokens actually cost in the newest window, USD; null if not published for that window.
        effective_input: Option<f64>,
        /// Share of the listed discount that was applied to hits.
        efficiency: f64,
        /// A cache that applies less than this share is a phantom.
        efficiency_bound: f64,
    },
    /// Cache hits are reported, but no cheaper price for them is listed.
    NoDiscount {
        /// Hit rate over the lens window, 0..1.
        hit_rate: f64,
        /// Mean tokens a day over the lens window.
        tokens_per_day: f64,
        /// Days with a hit rate in the window; null if only the newest reading has one.
        days: Option<usize>,
        /// List input price, USD per million tokens.
        list_input: f64,
        /// List cache read price, USD per million tokens; null if none is listed.
        list_cache_read: Option<f64>,
        /// A read price counts as a discount only below this share of the input price.
        discount_bound: f64,
    },
    /// List prices and hit rate do not explain the price paid.
    IdentityBreak {
        /// Hit rate of the newest window, 0..1.
        hit_rate: f64,
        /// Tokens of that window.
        tokens: i64,
        /// List input price, USD per million tokens.
        list_input: f64,
        /// List cache read price, USD per million tokens.
        list_cache_read: f64,
        /// Price predicted from list prices and hit rate, USD per million prompt tokens.
        predicted_input: f64,
        /// What was paid, USD per million prompt tokens.
        effective_input: f64,
        /// Relative error of the prediction.
        error: f64,
        /// The identity counts as broken above this error.
        error_bound: f64,
    },
    /// The price paid is outside the range of all list prices; no cost uses it.
    ImpossiblePrice {
        /// What was paid, USD per million prompt tokens.
        effective_input: f64,
        /// Tokens of that window; null if unknown.
        tokens: Option<i64>,
        /// The lowest list price of a prompt token, USD per million.
        lowest_list: f64,
        /// The highest list price of a prompt token, USD per million.
        highest_list: f64,
    },
    /// The hit rate never moves, as no measured one does.
    Constant {
        /// Mean hit rate of the days, 0..1.
        hit_rate: f64,
        /// Days with a hit rate in the lens window.
        days: usize,
        /// Standard deviation of the days' hit rates.
        deviation: f64,
        /// A rate with a smaller standard deviation is constant.
        deviation_bound: f64,
    },
    /// Only prompts that the client marks use the cache: it has to set `cache_control`.
    MarkedByClient {
        /// Hit rate over the lens window, 0..1.
        hit_rate: f64,
        /// Hit rate among the prompts that use the cache, 0..1.
        hit_rate_used: f64,
        /// Share of the prompt tokens that were not found and that were written to the cache, 0..1.
        written_share: f64,
        /// If more than this share was written, all prompts use the cache.
        written_bound: f64,
    },
    /// Writing to the cache costs extra.
    BilledWrites {
        /// List cache write price, USD per million tokens.
        list_cache_write: Option<f64>,
        /// List input price, USD per million tokens.
        list_input: Option<f64>,
        /// Write price divided by input price; null without an input price.
        multiple: Option<f64>,
        /// The workload whose session `session_share` refers to.
        workload: String,
        /// Share of that session's cost that is due to cache writes; null if the session has no price.
        session_share: Option<f64>,
    },
    /// Prices change with the length of the prompt or the time of day.
    PriceTiers {
        /// Number of conditional prices.
        count: usize,
        /// Prompt lengths above which prices change, tokens, ascending.
        thresholds: Vec<i64>,
        /// The conditions with their prices, USD per million tokens; later ones override earlier ones.
        conditions: Vec<PriceTier>,
    },
    /// The list price follows a schedule and is not the usual one now. Costs use the usual one.
    ScheduledPrice {
        /// List input price now, USD per million tokens.
        list_input: f64,
        /// Its mean over the lens window, weighted by the time that each price held, USD per million tokens.
        usual_input: f64,
        /// Its lowest value in the window, USD per million tokens.
        lowest_input: f64,
        /// Its highest value in the window, USD per million tokens.
        highest_input: f64,
        /// The price now divided by the mean, minus 1.
        deviation: f64,
        /// A price is unusual if it deviates by at least this share.
        deviation_bound: f64,
        /// How often the list moved in the window.
        moves: i64,
        /// How often the input price moved to one that held earlier in the window.
        returns: i64,
        /// A list that returned at least this often follows a schedule.
        returns_bound: i64,
        /// Time of the newest run.
        at: DateTime<Utc>,
    },
    /// Hidden, private or bring-your-own-key only.
    Restricted {
        /// The upstream's status code.
        status: Option<i64>,
    },
    /// The router sends traffic there only on request.
    Deranked {
        /// The upstream's status code.
        status: Option<i64>,
    },
    /// Down in the newest run.
    Down {
        /// The upstream's status code.
        status: Option<i64>,
        /// Whether the upstream has disabled it.
        disabled: bool,
        /// Published uptime over 30 minutes, fraction; null if not published.
        uptime_30m: Option<f64>,
        /// Published uptime over a day, fraction; null if not published.
        uptime_1d: Option<f64>,
    },
    /// Offered or first seen recently.
    New {
        /// Time of the first run that saw it.
        first_seen: DateTime<Utc>,
        /// When the upstream began to offer it; null if the upstream does not publish this, in which case the age
        /// counts from `first_seen`.
        #[serde(default)]
        created_at: Option<DateTime<Utc>>,
        /// Age at the newest run, whole hours.
        hours: i64,
        /// An endpoint younger than this many hours is new.
        hours_bound: i64,
    },
}

impl Shown {
    /// The flag that these numbers belong to.
    pub fn kind(&self) -> FlagKind {
        match self {
            Self::Phantom { .. } => FlagKind::Phantom,
            Self::NoDiscount { .. } => FlagKind::NoDiscount,
            Self::IdentityBreak { .. } => FlagKind::IdentityBreak,
            Self::ImpossiblePrice { .. } => FlagKind::ImpossiblePrice,
            Self::Constant { .. } => FlagKind::Constant,
            Self::MarkedByClient { .. } => FlagKind::MarkedByClient,
            Self::BilledWrites { .. } => FlagKind::BilledWrites,
            Self::PriceTiers { .. } => FlagKind::PriceTiers,
            Self::ScheduledPrice { .. } => FlagKind::ScheduledPrice,
            Self::Restricted { .. } => FlagKind::Restricted,
            Self::Deranked { .. } => FlagKind::Deranked,
            Self::Down { .. } => FlagKind::Down,
            Self::New { .. } => FlagKind::New,
        }
    }
}

/// A flag of an endpoint: its kind, the numbers behind it, and a sentence that states them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Flag {
    /// The numbers in one sentence.
    why: String,
    #[serde(flatten)]
    shown: Shown,
}

impl Flag {
    /// The flag for these numbers; `why` states them in one sentence.
    pub fn new(why: String, shown: Shown) -> Self {
        Self { why, shown }
    }
    /// Kind of the flag.
    pub fn kind(&self) -> FlagKind {
        self.shown.kind()
    }
    /// The numbers in one sentence, without a period.
    pub fn why(&self) -> &str {
        &self.why
    }
    /// The numbers.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }
}

/// The names of the flags separated by spaces, for tables.
pub fn names(flags: &[Flag]) -> String {
    flags.iter().map(|flag| flag.kind().as_str()).collect::<Vec<_>>().join(" ")
}
