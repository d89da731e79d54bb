//! The log of a user of the simulated upstream, with planted truth: misses of every cause, failures, and a drop of the hit
//! rate of one model at one provider. The rows have the form of the router's table of traces in a data warehouse.

use super::Simulator;
use super::price::CacheKind;
use super::world::Endpoint;
use crate::domain::window::midnight;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::json;
use std::collections::BTreeMap;

/// Days that the log covers, at most those of the simulated span.
const DAYS: i64 = 14;
/// With fewer days there is no baseline for a regression.
const FEWEST_DAYS: i64 = 4;
/// On this many days at the end, the regression holds.
const WORSE_DAYS: i64 = 2;
/// Calls of a long session.
const TURNS: u64 = 8;
/// Prompt tokens of the first call, and growth from call to call.
const FIRST: u64 = 4_000;
const GROWTH: u64 = 1_500;
/// Output tokens of a call; the number of the call is added, so that answers are not frozen.
const OUTPUT: u64 = 200;

/// A user's log and what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnLog {
    /// The log: JSON, one row per line.
    pub text: String,
    /// What a report must find.
    pub truth: OwnTruth,
}

/// What was planted in a user's log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnTruth {
    /// Rows: calls and failures.
    pub calls: u64,
    /// Sessions.
    pub sessions: u64,
    /// Failures by class, with the names of the report.
    pub failures: BTreeMap<&'static str, u64>,
    /// Misses by cause, with the names of the report.
    pub misses: BTreeMap<&'static str, u64>,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Prompt tokens read from the cache.
    pub read_tokens: u64,
    /// Canonical slug of the model and tag of the endpoint whose hit rate dropped.
    pub regression: (String, String),
}

/// What happens to one call of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    /// It reads the whole previous prompt.
    Hit,
    /// It reads nothing, for the cause of this name.
    Miss(&'static str),
    /// It fails before it uses tokens, with this class and message.
    Failure(&'static str, &'static str),
}

/// Writes the rows and counts what was planted.
struct Writer<'a> {
    simulator: &'a Simulator,
    at: DateTime<Utc>,
    rows: String,
    truth: OwnTruth,
}

impl Simulator {
    /// The log of a user over the 14 UTC days before `until`, or over those of the simulated span. `None` if these are
    /// fewer than 4, or if the world has no model with two cached endpoints of different providers, and a cached one of
    /// another model, over the whole time.
    pub fn own_log(&self, until: DateTime<Utc>) -> Option<OwnLog> {
        let end = midnight(until.date_naive());
        let days = DAYS.min((end - midnight(self.config.start.date_naive())).num_days());
        if days < FEWEST_DAYS {
            return None;
        }
        let start = end - Duration::days(days);
        let steady = |endpoint: &&Endpoint| {
            endpoint.kind == CacheKind::Implicit
                && endpoint.variant == "standard"
                && !endpoint.idle
                && endpoint.alive_from <= start
                && endpoint.alive_until > until
                && endpoint.tags.len() == 1
        };
        let steady: Vec<&Endpoint> = self.world.endpoints.iter().filter(steady).collect();
        let (home, other) = steady.iter().enumerate().find_map(|(at, home)| {
            let other =
                steady[at + 1..].iter().find(|e| e.model == home.model && e.provider != home.provider)?;
            Some((*home, *other))
        })?;
        let third = *steady.iter().find(|e| e.model != home.model && e.provider != home.provider)?;
        let mut writer =
            Writer { simulator: self, at: start, rows: String::new(), truth: OwnTruth::default() };
        for day in 0..days {
            writer.day(start + Duration::days(day), day >= days - WORSE_DAYS, home, other, third);
        }
        let slug = self.world.models[third.model].canonical.clone();
        writer.truth.regression = (slug, third.tags[0].1.clone());
        Some(OwnLog { text: writer.rows, truth: writer.truth })
    }
}

impl Writer<'_> {
    /// One day: five healthy sessions, one session for each cause, failures, and four sessions of the other model, whose
    /// hits are lost from a certain day on.
    fn day(
        &mut self,
        day: DateTime<Utc>,
        is_worse: bool,
        home: &Endpoint,
        other: &Endpoint,
        third: &Endpoint,
    ) {
        let healthy = |turn: u64| if turn == 0 { Plant::Miss("first_call") } else { Plant::Hit };
        self.at = day + Duration::hours(8);
        for _ in 0..5 {
            self.session(|turn| (home, healthy(turn), 0, grown(turn)));
        }
        self.session(|turn| match turn {
            4 => (home, Plant::Miss("idle"), 20 * 60, grown(turn)),
            _ => (home, healthy(turn), 0, grown(turn)),
        });
        self.session(|turn| match turn {
            4 => (other, Plant::Miss("provider_changed"), 0, grown(turn)),
            5.. => (other, Plant::Hit, 0, grown(turn)),
            _ => (home, healthy(turn), 0, grown(turn)),
        });
        self.session(|turn| match turn {
            4 => (third, Plant::Miss("model_changed"), 0, grown(turn)),
            5.. => (third, Plant::Hit, 0, grown(turn)),
            _ => (home, healthy(turn), 0, grown(turn)),
        });
        self.session(|turn| match turn {
            5 => (home, Plant::Miss("prefix_changed"), 0, FIRST),
            6.. => (home, Plant::Hit, 0, grown(turn - 5)),
            _ => (home, healthy(turn), 0, grown(turn)),
        });
        self.session(|turn| match turn {
            3 => (home, Plant::Miss("unknown"), 0, grown(turn)),
            _ => (home, healthy(turn), 0, grown(turn)),
        });
        self.session(|turn| match turn {
            0 => (home, Plant::Miss("first_call"), 0, 300),
            _ => (home, Plant::Miss("below_minimum"), 0, 300 + 40 * turn),
        });
        self.session(|turn| match turn {
            2 => (home, Plant::Failure("rate_limited", "rate limit exceeded"), 0, 0),
            4 => (home, Plant::Failure("cancelled", "the client has disconnected"), 0, 0),
            6 => (home, Plant::Failure("error", "upstream error"), 0, 0),
            _ => (home, healthy(turn), 0, grown(turn)),
        });
        for _ in 0..4 {
            self.session(|turn| match turn {
                1.. if is_worse => (third, Plant::Miss("unknown"), 0, grown(turn)),
                _ => (third, healthy(turn), 0, grown(turn)),
            });
        }
    }

    /// One session. `call` states the endpoint of a turn, what happens to it, the additional pause before it in seconds,
    /// and its prompt tokens.
    fn session<'e>(&mut self, call: impl Fn(u64) -> (&'e Endpoint, Plant, i64, u64)) {
        self.truth.sessions += 1;
        let mut before = 0;
        for turn in 0..TURNS {
            let (endpoint, plant, pause, prompt) = call(turn);
            self.at += Duration::seconds(30 + pause);
            let read = if plant == Plant::Hit { before } else { 0 };
            match plant {
                Plant::Hit => {}
                Plant::Miss(cause) => *self.truth.misses.entry(cause).or_default() += 1,
                Plant::Failure(class, _) => *self.truth.failures.entry(class).or_default() += 1,
            }
            self.row(endpoint, plant, turn, prompt, read);
            if !matches!(plant, Plant::Failure(..)) {
                before = prompt;
                self.truth.prompt_tokens += prompt;
                self.truth.read_tokens += read;
            }
        }
        self.at += Duration::minutes(2);
    }

    fn row(&mut self, endpoint: &Endpoint, plant: Plant, turn: u64, prompt: u64, read: u64) {
        self.truth.calls += 1;
        let world = &self.simulator.world;
        let model = &world.models[endpoint.model];
        let number = self.truth.calls;
        let start = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut row = json!({
            "generation_id": format!("gen-demo-{number:06}"),
            "trace_id": format!("{number:032x}"),
            "span_type": "GENERATION",
            "start_time": start,
            "session_id": format!("demo-{}", self.truth.sessions),
            "model": model.id,
            "model_permaslug": model.canonical,
            "provider_name": endpoint.display,
            "provider_slug": endpoint.tags[0].1,
            "endpoint_id": endpoint.id,
            "app_name": "demo-agent",
            "api_key_name": "demo-key",
            "streamed": true,
        });
        let Some(object) = row.as_object_mut() else { return };
        let mut set = |name: &str, value: serde_json::Value| drop(object.insert(name.to_owned(), value));
        if let Plant::Failure(_, message) = plant {
            set("status", json!("ERROR"));
            set("status_message", json!(message));
        } else {
            let output = OUTPUT + 7 * turn;
            let prices =
                endpoint.prices.iter().rfind(|(from, _)| *from <= self.at).or(endpoint.prices.first());
            let usd = prices.map_or(0.0, |(_, prices)| {
                let each = |tokens: u64, price: u64| tokens as f64 * prices.usd(price) / 1e6;
                each(prompt - read, prices.input)
                    + each(read, prices.read.unwrap_or(prices.input))
                    + each(output, prices.output)
            });
            let first_token = 300.0 + (prompt - read) as f64 / 20.0;
            set("status", json!("OK"));
            set("prompt_tokens", json!(prompt));
            set("cached_tokens", json!(read));
            set("completion_tokens", json!(output));
            set("total_cost", json!(usd));
            set("finish_reason", json!(if turn + 1 == TURNS { "stop" } else { "tool_calls" }));
            set("duration_ms", json!(first_token + 20.0 * output as f64));
            set("first_token_ms", json!(first_token));
            set("router_latency_ms", json!(20 + turn));
        }
        self.rows += &row.to_string();
        self.rows.push('\n');
    }
}

/// Prompt tokens of a turn in a growing conversation.
fn grown(turn: u64) -> u64 {
    FIRST + GROWTH * turn
}
