//! A call as a fit needs it: whole numbers of tokens, and what tells sessions apart.

use super::call::{Call, Name, SessionKind};
use super::found::{LogFile, distinct};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// One request of a log: an answered call with prompt tokens.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Line, row or position in its file, counted from 1.
    pub line: u64,
    /// Session, conversation or trace that it belongs to, if known.
    pub session: Option<Name>,
    /// Whether the log has a session id that names the request instead of a session.
    pub has_own_session: bool,
    /// Time of the request, if known.
    pub at: Option<DateTime<Utc>>,
    /// The model, if known.
    pub model: Option<Name>,
    /// Prompt tokens, including cached and written tokens.
    pub prompt: f64,
    /// Prompt tokens found in the cache; `None` if unknown.
    pub cached: Option<f64>,
    /// Output tokens, including reasoning.
    pub output: f64,
    /// What was paid, USD, if known.
    pub cost: Option<f64>,
}

impl Request {
    /// The request of a call; `None` if it was not answered, or has no prompt tokens.
    pub fn of(call: &Call) -> Option<Self> {
        let tokens = call.tokens();
        let prompt = tokens.prompt().filter(|prompt| *prompt > 0 && call.is_answered())?;
        let is_session =
            matches!(call.session_kind, SessionKind::Given | SessionKind::File | SessionKind::Guessed);
        Some(Self {
            line: call.line,
            session: call.session.clone().filter(|_| is_session),
            has_own_session: call.session_kind == SessionKind::GivenPerRequest,
            at: call.at(),
            model: call.model().cloned(),
            prompt: prompt as f64,
            cached: tokens.read.map(|read| read as f64),
            output: tokens.output().unwrap_or(0) as f64,
            cost: call.paid,
        })
    }
}

/// What was left out of the requests of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Failed calls.
    pub failures: u64,
    /// Replies from a gateway's own cache: nothing was sent to the model.
    pub replays: u64,
    /// Sums over several calls: their counts are no prompts.
    pub aggregates: u64,
    /// Answered calls without prompt tokens.
    pub without_prompt: u64,
    /// Records that repeat another one.
    pub duplicates: u64,
}

/// The requests of logs, each once, and what was left out.
pub fn requests(files: &[LogFile]) -> (Vec<Request>, LeftOut) {
    let (calls, repeated) = distinct(files);
    let duplicates = repeated + files.iter().map(|file| file.found.duplicates).sum::<u64>();
    let mut left_out = LeftOut { duplicates, ..LeftOut::default() };
    let mut requests = Vec::new();
    for call in calls {
        let reason = match Request::of(call) {
            Some(request) => {
                requests.push(request);
                continue;
            }
            None if call.aggregated.is_some() => &mut left_out.aggregates,
            None if call.gateway_cache_hit => &mut left_out.replays,
            None if call.status.is_failure() => &mut left_out.failures,
            None => &mut left_out.without_prompt,
        };
        *reason += 1;
    }
    (requests, left_out)
}
