//! The cache misses of the user's own traffic and their causes.

use super::report::public::candidates;
use super::report::{By, Question, count, scope, served};
use super::worth::Lifetimes;
use crate::domain::format::counted;
use crate::snapshot::{Endpoint, Snapshot};
use crate::store::answers::{ExampleRow, HostFacts, MissRow};
use crate::store::{StoreError, TrafficStore};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The answer of `traffic misses`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Misses {
    /// Which calls it covers.
    pub question: Question,
    /// Calls that could be judged: they belong to a session, and their log states the prompt and the tokens read.
    pub judged: u64,
    /// Calls that could not be judged.
    pub not_judged: u64,
    /// Misses: judged calls that read less than half of what they could have read.
    pub misses: u64,
    /// Tokens that the previous prompt of the session could have left in the cache, over judged calls.
    pub reusable_tokens: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
    /// What they cost above the price of a read, USD; null if no price is known.
    pub usd: Option<f64>,
    /// Misses by cause, in the order in which causes are tried.
    pub causes: Vec<CauseLine>,
    /// Reusable tokens left unread by calls that are not misses.
    pub partial: CauseLine,
    /// Judged calls by pause since the previous call of the session.
    pub gaps: Vec<GapLine>,
    /// Misses by model and provider, most expensive first.
    pub groups: Vec<MissGroup>,
    /// The most expensive misses.
    pub examples: Vec<MissExample>,
    /// Remarks for the reader, as sentences.
    pub notes: Vec<String>,
}

/// Why a call missed the cache. The first cause that applies is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It is the first call of its session.
    FirstCall,
    /// The prompt is below the minimum length that the host caches.
    BelowMinimum,
    /// The previous call of the session went to another model.
    ModelChanged,
    /// The previous call of the session went to another provider.
    ProviderChanged,
    /// The pause since the previous call was longer than the lifetime of the cache.
    Idle,
    /// The prompt is shorter than the previous one, so its beginning changed: compaction, an edit or a new task.
    PrefixChanged,
    /// None of the above: the provider lost the entry, or the prefix changed in a way that the log does not show.
    Unknown,
}

impl Cause {
    /// All causes, in the order in which they are tried.
    pub const ALL: [Self; 7] = [
        Self::FirstCall,
        Self::BelowMinimum,
        Self::ModelChanged,
        Self::ProviderChanged,
        Self::Idle,
        Self::PrefixChanged,
        Self::Unknown,
    ];

    /// The cause as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstCall => "first_call",
            Self::BelowMinimum => "below_minimum",
            Self::ModelChanged => "model_changed",
            Self::ProviderChanged => "provider_changed",
            Self::Idle => "idle",
            Self::PrefixChanged => "prefix_changed",
            Self::Unknown => "unknown",
        }
    }

    /// The cause for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::FirstCall => "first call of the session",
            Self::BelowMinimum => "prompt below the minimum length",
            Self::ModelChanged => "model changed",
            Self::ProviderChanged => "provider changed",
            Self::Idle => "idle past the lifetime of the cache",
            Self::PrefixChanged => "prefix changed",
            Self::Unknown => "unknown (lost by the provider)",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Misses of one cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CauseLine {
    /// The cause; null for the line of calls that are not misses.
    pub cause: Option<Cause>,
    /// Calls.
    pub calls: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
    /// What they cost above the price of a read, USD: unread × (input price − read price); null if no price is known.
    pub usd: Option<f64>,
    /// Calls with unread tokens whose endpoint has no known price.
    pub unpriced: u64,
}

/// Judged calls whose pause since the previous call of the session is in one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct GapLine {
    /// Shortest pause of the class, minutes.
    pub from_minutes: u32,
    /// Pauses of the class are shorter than this, minutes; null for the last class.
    pub to_minutes: Option<u32>,
    /// Calls.
    pub calls: u64,
    /// Calls that read anything.
    pub hits: u64,
    /// Share of the calls that read anything, 0..1; null without calls.
    pub hit_share: Option<f64>,
    /// Reusable tokens.
    pub reusable_tokens: u64,
    /// Share of the reusable tokens that was read, 0..1.
    pub retention: Option<f64>,
    /// Misses.
    pub misses: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
}

/// Misses of a model at a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissGroup {
    /// Model.
    pub model: Option<String>,
    /// Provider: tag or name.
    pub provider: Option<String>,
    /// Judged calls.
    pub judged: u64,
    /// Misses.
    pub misses: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
    /// What they cost above the price of a read, USD; null if no price is known.
    pub usd: Option<f64>,
    /// Price of a million prompt tokens, USD.
    pub input_price: Option<f64>,
    /// Price of a million tokens read from the cache, USD.
    pub read_price: Option<f64>,
    /// Lifetime of the cache that was assumed, minutes.
    pub lifetime_minutes: f64,
    /// Whether the lifetime is known for the host; otherwise the default is assumed.
    pub lifetime_is_known: bool,
    /// By cause, in the order in which causes are tried; only causes with calls.
    pub causes: Vec<CauseLine>,
}

/// One miss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissExample {
    /// Time, UTC.
    pub at: Option<DateTime<Utc>>,
    /// Session.
    pub session: String,
    /// Model.
    pub model: Option<String>,
    /// Provider.
    pub provider: Option<String>,
    /// Cause.
    pub cause: Cause,
    /// Pause since the previous call, seconds.
    pub pause_seconds: Option<f64>,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Tokens read.
    pub read_tokens: u64,
    /// Reusable tokens that were not read.
    pub unread_tokens: u64,
    /// What they cost above the price of a read, USD.
    pub usd: Option<f64>,
}

/// How long a host keeps an unused prefix, and the shortest prompt that it caches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostLifetime {
    /// Seconds without use after which a prefix may be lost.
    pub seconds: Option<f64>,
    /// Minimum prompt, tokens.
    pub minimum: Option<u64>,
}

/// Finds the lifetime of a host: base slug of the provider, model of the catalogue, time.
pub type LifetimeOf<'a> = &'a dyn Fn(&str, &str, DateTime<Utc>) -> Option<HostLifetime>;

/// What is known about a host, for [`misses`]: a prefix may be lost after the time for which the host surely keeps it.
pub fn lifetime(known: &Lifetimes, provider: &str, model: &str, at: DateTime<Utc>) -> Option<HostLifetime> {
    let known = known.of(provider, model, at)?;
    let seconds = known.kept_seconds.or(known.lost_seconds).map(|seconds| seconds as f64);
    Some(HostLifetime { seconds, minimum: known.min_tokens })
}

/// Lifetime of a cache that is not known, seconds. The router's sticky routing ends after the same time.
const DEFAULT_LIFETIME: f64 = 600.0;
/// Minimum prompt of a host whose minimum is not known, tokens: the most common one.
const DEFAULT_MINIMUM: u64 = 1024;
/// Pauses of the classes, minutes: as in `judged.sql`.
const GAPS: [(u32, Option<u32>); 5] = [(0, Some(1)), (1, Some(5)), (5, Some(10)), (10, Some(60)), (60, None)];

/// Prices of prompt tokens, USD per million.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct PromptPrices {
    pub input: Option<f64>,
    pub read: Option<f64>,
    /// What an unread token costs above a read one: at each endpoint, 0 without a price of reads.
    margin: Option<f64>,
}

impl PromptPrices {
    /// The usual list prices of the endpoints that may have answered, weighted by their tokens.
    pub(super) fn of(endpoints: &[&Endpoint]) -> Self {
        let mean = |price: &dyn Fn(&Endpoint) -> Option<f64>| {
            let weights = endpoints.iter().filter_map(|endpoint| {
                Some((price(endpoint)?, endpoint.tokens_per_day.unwrap_or(0.0).max(1.0)))
            });
            let (sum, weight) =
                weights.fold((0.0, 0.0), |(sum, all), (price, weight)| (sum + price * weight, all + weight));
            (weight > 0.0).then(|| sum / weight)
        };
        let input = mean(&|endpoint| endpoint.usual_list().input);
        let margin = |endpoint: &Endpoint| {
            let prices = endpoint.usual_list();
            let input = prices.input?;
            Some((input - prices.cache_read.unwrap_or(input)).max(0.0))
        };
        let read = mean(&|endpoint| endpoint.usual_list().cache_read).or(input);
        Self { input, read, margin: mean(&margin) }
    }

    /// What an unread token costs above the price of a read, USD per million. Without a price of reads it is 0.
    pub(super) fn of_miss(&self) -> Option<f64> {
        self.margin
    }
}

/// The misses of a question, their causes and what they cost, at the usual list prices of the snapshot.
///
/// # Errors
/// See [`TrafficStore`].
pub fn misses(
    store: &TrafficStore,
    snapshot: Option<&Snapshot>,
    question: &Question,
    lifetimes: LifetimeOf<'_>,
) -> Result<Misses, StoreError> {
    let answers = store.answers(scope(question, By::Endpoint));
    let groups = answers.groups()?;
    let mut hosts: BTreeMap<i64, Host> = BTreeMap::new();
    for row in &groups {
        let endpoints = snapshot.map(|snapshot| candidates(snapshot, &served(row))).unwrap_or_default();
        let prices = PromptPrices::of(&endpoints);
        let known = row
            .provider_key
            .as_deref()
            .zip(row.last_at)
            .and_then(|(provider, at)| lifetimes(provider, row.model.as_deref().unwrap_or_default(), at));
        hosts.insert(row.g, Host { model: row.model.clone(), provider: row.provider.clone(), prices, known });
    }
    let facts: Vec<HostFacts> = hosts.iter().map(|(g, host)| host.facts(*g)).collect();
    let rows = answers.misses(&facts)?;
    let examples = answers.miss_examples(&facts)?;
    let unjudged = answers.unjudged()?;
    let mut found = summed(&rows, &hosts);
    found.question = question.clone();
    found.not_judged = count(unjudged.calls).saturating_sub(found.judged);
    found.examples = examples.into_iter().filter_map(|row| example(row, &hosts)).collect();
    let has_prices = hosts.values().any(|host| host.prices.of_miss().is_some());
    if unjudged.calls == 0 {
        found.notes.push(super::known::nothing(store)?.to_owned());
        return Ok(found);
    }
    for (calls, why) in [
        (unjudged.without_session, "without a session"),
        (unjudged.without_prompt, "without prompt tokens, as failures often are"),
        (unjudged.without_read, "without the tokens read from the cache"),
    ] {
        if calls > 0 {
            found
                .notes
                .push(format!("Not judged: {calls} of {}, {why}.", counted(count(unjudged.calls), "call")));
        }
    }
    if !has_prices {
        found.notes.push(match snapshot {
            Some(_) => "No endpoint of the calls is in the snapshot, so misses have no price.".to_owned(),
            None => "There is no public snapshot, so misses have no price: run `hitrate collect`.".to_owned(),
        });
    }
    if hosts.values().any(|host| host.known.and_then(|known| known.seconds).is_none()) {
        found.notes.push(
            "If the lifetime of a host's cache is not known, a pause of more than 10 minutes counts as idle past it.".to_owned(),
        );
    }
    Ok(found)
}

/// A model at a provider.
#[derive(Debug, Clone, Default)]
struct Host {
    model: Option<String>,
    provider: Option<String>,
    prices: PromptPrices,
    known: Option<HostLifetime>,
}

impl Host {
    fn lifetime(&self) -> f64 {
        self.known.and_then(|known| known.seconds).unwrap_or(DEFAULT_LIFETIME)
    }

    fn facts(&self, g: i64) -> HostFacts {
        let minimum = self.known.and_then(|known| known.minimum).or(Some(DEFAULT_MINIMUM));
        HostFacts { g, lifetime: self.lifetime(), minimum, price: self.prices.of_miss() }
    }

    fn usd(&self, unread: i64) -> Option<f64> {
        self.prices.of_miss().map(|price| price * unread as f64 / 1e6)
    }
}

impl CauseLine {
    fn add(&mut self, row: &MissRow, usd: Option<f64>) {
        self.calls += count(row.calls);
        self.unread_tokens += count(row.unread);
        match usd {
            Some(usd) => self.usd = Some(self.usd.unwrap_or(0.0) + usd),
            None => self.unpriced += count(row.with_unread),
        }
    }
}

fn cause(at: i64) -> Option<Cause> {
    usize::try_from(at).ok().and_then(|at| Cause::ALL.get(at).copied())
}

/// Adds up the rows of the store by cause, pause and group.
fn summed(rows: &[MissRow], hosts: &BTreeMap<i64, Host>) -> Misses {
    let unknown = Host::default();
    let line = |cause| CauseLine { cause, ..CauseLine::default() };
    let mut all = CauseLine::default();
    let mut causes: Vec<CauseLine> = Cause::ALL.map(|cause| line(Some(cause))).to_vec();
    let mut partial = CauseLine::default();
    let mut gaps =
        GAPS.map(|(from_minutes, to_minutes)| GapLine { from_minutes, to_minutes, ..GapLine::default() });
    let mut reused = [0_u64; GAPS.len()];
    let mut groups: BTreeMap<i64, (MissGroup, CauseLine)> = BTreeMap::new();
    let (mut judged, mut misses, mut reusable) = (0, 0, 0);
    for row in rows {
        let host = hosts.get(&row.g).unwrap_or(&unknown);
        let usd = host.usd(row.unread);
        judged += count(row.calls);
        reusable += count(row.reusable);
        all.add(row, usd);
        let (group, sum) = groups.entry(row.g).or_insert_with(|| (host.group(), CauseLine::default()));
        group.judged += count(row.calls);
        sum.add(row, usd);
        match row.cause.and_then(cause) {
            None => partial.add(row, usd),
            Some(cause) => {
                misses += count(row.calls);
                group.misses += count(row.calls);
                causes
                    .iter_mut()
                    .filter(|line| line.cause == Some(cause))
                    .for_each(|line| line.add(row, usd));
                if !group.causes.iter().any(|line| line.cause == Some(cause)) {
                    group.causes.push(line(Some(cause)));
                }
                group
                    .causes
                    .iter_mut()
                    .filter(|line| line.cause == Some(cause))
                    .for_each(|line| line.add(row, usd));
            }
        }
        if let Some(at) = row.gap.and_then(|gap| usize::try_from(gap).ok()).filter(|at| *at < gaps.len()) {
            let gap = &mut gaps[at];
            gap.calls += count(row.calls);
            gap.hits += count(row.hits);
            gap.reusable_tokens += count(row.reusable);
            gap.unread_tokens += count(row.unread);
            gap.misses += if row.cause.is_some() { count(row.calls) } else { 0 };
            reused[at] += count(row.reusable - row.unread);
        }
    }
    let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
    for (gap, reused) in gaps.iter_mut().zip(reused) {
        gap.hit_share = share(gap.hits, gap.calls);
        gap.retention = share(reused, gap.reusable_tokens);
    }
    let mut groups: Vec<MissGroup> = (groups.into_values())
        .map(|(mut group, sum)| {
            group.causes.sort_by_key(|line| line.cause);
            MissGroup { unread_tokens: sum.unread_tokens, usd: sum.usd, ..group }
        })
        .collect();
    groups.sort_by(|a, b| {
        let usd = |group: &MissGroup| group.usd.unwrap_or(-1.0);
        usd(b).total_cmp(&usd(a)).then_with(|| b.unread_tokens.cmp(&a.unread_tokens))
    });
    Misses {
        question: Question::default(),
        judged,
        not_judged: 0,
        misses,
        reusable_tokens: reusable,
        unread_tokens: all.unread_tokens,
        usd: all.usd,
        causes,
        partial,
        gaps: gaps.to_vec(),
        groups,
        examples: Vec::new(),
        notes: Vec::new(),
    }
}

impl Host {
    fn group(&self) -> MissGroup {
        MissGroup {
            model: self.model.clone(),
            provider: self.provider.clone(),
            judged: 0,
            misses: 0,
            unread_tokens: 0,
            usd: None,
            input_price: self.prices.input,
            read_price: self.prices.read,
            lifetime_minutes: self.lifetime() / 60.0,
            lifetime_is_known: self.known.is_some_and(|known| known.seconds.is_some()),
            causes: Vec::new(),
        }
    }
}

fn example(row: ExampleRow, hosts: &BTreeMap<i64, Host>) -> Option<MissExample> {
    let host = hosts.get(&row.g);
    Some(MissExample {
        at: row.time,
        session: row.session,
        model: host.and_then(|host| host.model.clone()),
        provider: host.and_then(|host| host.provider.clone()),
        cause: cause(row.cause)?,
        pause_seconds: row.pause,
        prompt_tokens: count(row.prompt),
        read_tokens: count(row.read),
        unread_tokens: count(row.unread),
        usd: host.and_then(|host| host.usd(row.unread)),
    })
}
