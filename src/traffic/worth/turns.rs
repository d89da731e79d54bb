//! The user's calls as sessions of turns: what each prompt had in common with the one before.

use crate::domain::workload::{CacheTtl, Room};
use crate::request_log::{PaidKind, SessionKind};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::store::OwnCall;
use crate::traffic::catalogue::model_key;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Finish reason of an answer that calls tools.
const TOOL_CALLS: [&str; 2] = ["tool_calls", "tool_use"];

/// Calls that no cost covers, by reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LeftOut {
    /// Calls that failed or were cancelled.
    pub failed: usize,
    /// Replies that a gateway replayed: nothing was sent to a model.
    pub replayed: usize,
    /// Calls whose log states no prompt tokens or no output tokens.
    pub without_tokens: usize,
    /// Calls whose model is not in the public catalogue, by the name in the log; `(unknown)` if the log names none. The
    /// tokens of another model's tokenizer are never used in their place.
    pub unknown_models: BTreeMap<String, usize>,
    /// What was paid for all these calls, USD, as far as the log states it.
    pub paid_usd: f64,
}

impl LeftOut {
    /// Number of calls.
    pub fn calls(&self) -> usize {
        self.failed + self.replayed + self.without_tokens + self.unknown_models.values().sum::<usize>()
    }
}

/// One answered call with known tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnTurn<'a> {
    /// The call.
    pub call: &'a OwnCall,
    /// Prompt tokens.
    pub prompt: f64,
    /// Output tokens, including reasoning.
    pub output: f64,
    /// Prompt tokens that were read from the cache; 0 if the log states none.
    pub read: f64,
    /// Prompt tokens that were written for five minutes or an unknown time.
    pub written: f64,
    /// Prompt tokens that were written for an hour.
    pub written_1h: f64,
    /// Prompt tokens that the previous turn of the session already sent or received, or that a cache returned.
    pub reusable: f64,
    /// Time since the previous turn of the session, seconds; `None` for a first turn or if a time is unknown.
    pub pause: Option<f64>,
}

impl OwnTurn<'_> {
    /// When it was sent; `as_of` if the log states no time.
    pub fn at(&self, as_of: DateTime<Utc>) -> DateTime<Utc> {
        self.call.at.unwrap_or(as_of)
    }

    /// The lifetime that the client requested for its writes.
    pub fn cache_ttl(&self) -> CacheTtl {
        if self.written_1h > 0.0 { CacheTtl::OneHour } else { CacheTtl::FiveMinutes }
    }

    /// Whether the log states how many tokens were written to the cache. Absent is not zero.
    pub fn states_writes(&self) -> bool {
        let tokens = &self.call.tokens;
        [tokens.write, tokens.write_5m, tokens.write_1h].iter().any(Option::is_some)
    }

    /// What was paid for the tokens, USD: the whole price of the call. A fee alone and a subscription's zero are not the
    /// price of the tokens.
    pub fn paid(&self) -> Option<f64> {
        let whole = matches!(
            self.call.paid_kind,
            PaidKind::Billed | PaidKind::BilledPlusByok | PaidKind::ComputedByTool
        );
        self.call.paid.filter(|_| whole)
    }

    /// Whether an endpoint of the model served it: by its id, otherwise its tag, otherwise its provider. If a provider has
    /// several endpoints and the log does not state which one, each of them counts.
    pub fn served_by(&self, endpoint: &Endpoint) -> bool {
        let call = self.call;
        if let Some(id) = &call.endpoint_id {
            return endpoint.endpoint_id.to_string().eq_ignore_ascii_case(id);
        }
        if let Some(tag) = &call.provider_tag {
            return endpoint.tag.as_str().eq_ignore_ascii_case(tag);
        }
        if let Some(provider) = &call.provider_key {
            return endpoint.provider.as_str() == &**provider;
        }
        let plain = |name: &str| -> String {
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let named = call.provider_name.as_deref().map(plain).filter(|name| !name.is_empty());
        named.is_some_and(|name| {
            [endpoint.name.as_str(), endpoint.provider.as_str()].map(plain).contains(&name)
        })
    }
}

/// The turns of one session with one model, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnSession<'a> {
    /// Name of the session; `None` for a call without one, which is a session of its own.
    pub name: Option<&'a str>,
    /// What it is based on.
    pub kind: SessionKind,
    /// Its turns.
    pub turns: Vec<OwnTurn<'a>>,
}

/// The user's sessions with one model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelTurns<'a> {
    /// The model.
    pub model: &'a ModelEntry,
    /// Its sessions.
    pub sessions: Vec<OwnSession<'a>>,
}

impl<'a> ModelTurns<'a> {
    /// All turns.
    pub fn turns(&self) -> impl Iterator<Item = &OwnTurn<'a>> {
        self.sessions.iter().flat_map(|session| &session.turns)
    }

    /// The lengths that an endpoint must accept to serve every turn.
    pub fn room(&self) -> Room {
        let most = |length: fn(&OwnTurn<'_>) -> f64| self.turns().map(length).fold(0.0, f64::max);
        Room::new(most(|turn| turn.prompt), most(|turn| turn.prompt + turn.output))
    }

    /// Number of answers that call tools.
    pub fn tool_calls(&self) -> usize {
        let calls_tools = |turn: &&OwnTurn<'_>| {
            turn.call.finish.as_ref().is_some_and(|finish| TOOL_CALLS.contains(&&**finish))
        };
        self.turns().filter(calls_tools).count()
    }
}

/// The user's calls as sessions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnTurns<'a> {
    /// By model, in the order of their ids.
    pub models: Vec<ModelTurns<'a>>,
    /// Calls without a cost.
    pub left_out: LeftOut,
}

impl<'a> OwnTurns<'a> {
    /// Groups calls by model, session and agent. A cache belongs to a model, so a session with two models counts as two;
    /// a subagent has a prompt of its own.
    pub fn of(calls: &'a [OwnCall], snapshot: &'a Snapshot) -> Self {
        let mut left_out = LeftOut::default();
        let mut known: HashMap<&str, Option<&ModelEntry>> = HashMap::new();
        let mut models: BTreeMap<&str, (&ModelEntry, Grouped<'_>)> = BTreeMap::new();
        for (position, call) in calls.iter().enumerate() {
            let Some(turn) = turn(call) else {
                match () {
                    () if call.gateway_cache_hit => left_out.replayed += 1,
                    () if call.status.is_failure() => left_out.failed += 1,
                    () => left_out.without_tokens += 1,
                }
                left_out.paid_usd += call.paid.unwrap_or(0.0);
                continue;
            };
            let key = call.model_key.as_deref();
            let model = key.and_then(|key| *known.entry(key).or_insert_with(|| model_of(snapshot, key)));
            let Some(model) = model else {
                let name = call.model.as_deref().or(key).unwrap_or("(unknown)");
                *left_out.unknown_models.entry(name.to_owned()).or_default() += 1;
                left_out.paid_usd += call.paid.unwrap_or(0.0);
                continue;
            };
            let key = Key {
                session: call.session.as_deref(),
                agent: call.session.as_ref().and(call.agent.as_deref()),
                alone: call.session.is_none().then_some(position),
            };
            let (_, sessions) = models.entry(&model.model_id).or_insert_with(|| (model, BTreeMap::new()));
            sessions.entry(key).or_default().push(turn);
        }
        let models = models.into_values().map(|(model, sessions)| {
            let sessions = sessions.into_iter().map(|(key, turns)| linked(key.session, turns)).collect();
            ModelTurns { model, sessions }
        });
        Self { models: models.collect(), left_out }
    }
}

/// The turns of the sessions of a model, in the order of the calls.
type Grouped<'a> = BTreeMap<Key<'a>, Vec<OwnTurn<'a>>>;

/// An agent of a session, or a call without one by its position.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    session: Option<&'a str>,
    agent: Option<&'a str>,
    alone: Option<usize>,
}

fn model_of<'a>(snapshot: &'a Snapshot, key: &str) -> Option<&'a ModelEntry> {
    let by_key = snapshot.models.iter().find(|model| model_key(model) == key);
    by_key.or_else(|| snapshot.models.iter().find(|model| model.model_id == key))
}

/// A call as a turn whose neighbours are not known yet; `None` if it was not answered or its tokens are unknown.
fn turn(call: &OwnCall) -> Option<OwnTurn<'_>> {
    if call.gateway_cache_hit || call.status.is_failure() {
        return None;
    }
    let tokens = &call.tokens;
    let count = |count: Option<u64>| count.unwrap_or(0) as f64;
    Some(OwnTurn {
        call,
        prompt: tokens.prompt()? as f64,
        output: tokens.output()? as f64,
        read: count(tokens.read),
        written: count(tokens.write) + count(tokens.write_5m),
        written_1h: count(tokens.write_1h),
        reusable: count(tokens.read),
        pause: None,
    })
}

/// Puts the turns of a session in order and finds what each could reuse: if the prompt has not become shorter, the
/// previous prompt and its answer. A shorter prompt starts a new prefix (compaction). What a cache returned was
/// reusable in any case.
fn linked<'a>(name: Option<&'a str>, mut turns: Vec<OwnTurn<'a>>) -> OwnSession<'a> {
    if turns.iter().all(|turn| turn.call.at.is_some()) {
        turns.sort_by_key(|turn| turn.call.at);
    }
    for at in 1..turns.len() {
        let (before, turn) = (&turns[at - 1], &turns[at]);
        let kept = (before.prompt + before.output).min(turn.prompt);
        let kept = if turn.prompt >= before.prompt { kept } else { 0.0 };
        let pause = before.call.at.zip(turn.call.at).map(|(before, now)| (now - before).as_seconds_f64());
        turns[at].reusable = kept.max(turns[at].read).min(turns[at].prompt);
        turns[at].pause = pause;
    }
    let kind = turns.first().map_or(SessionKind::None, |turn| turn.call.session_kind);
    OwnSession { name, kind, turns }
}
