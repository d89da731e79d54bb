//! The user's own sessions.

use super::report::{self, By, Paid, Question, count, scope};
use crate::domain::format::counted;
use crate::domain::thresholds::SESSION_MIN_REUSE;
use crate::request_log::SessionKind;
use crate::store::answers::SessionCallRow;
use crate::store::{StoreError, TrafficStore};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The answer of `traffic sessions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    /// Which calls it covers.
    pub question: Question,
    /// Number of sessions of these calls.
    pub sessions: u64,
    /// Calls without a session; they are in none of the lines.
    pub without_session: u64,
    /// Statistics over all sessions.
    pub typical: Typical,
    /// The largest sessions, most prompt tokens first.
    pub largest: Vec<SessionLine>,
    /// Remarks for the reader, as sentences.
    pub notes: Vec<String>,
}

/// Medians over all sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Typical {
    /// Calls.
    pub turns: Option<f64>,
    /// Prompt tokens.
    pub prompt_tokens: Option<f64>,
    /// Duration, seconds.
    pub seconds: Option<f64>,
    /// Hit rate, 0..1.
    pub hit_rate: Option<f64>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionLine {
    /// Name as written in the log, or a name of the import if it was guessed.
    pub session: String,
    /// What it is based on.
    pub kind: SessionKind,
    /// Name of the subagent; null for the main conversation.
    pub agent: Option<String>,
    /// The session that started this one.
    pub parent: Option<String>,
    /// Source of the import.
    pub source: String,
    /// Start, UTC; null if the log has no times.
    pub start: Option<DateTime<Utc>>,
    /// Last call, UTC.
    pub end: Option<DateTime<Utc>>,
    /// Calls.
    pub turns: u64,
    /// Failed calls.
    pub failures: u64,
    /// Models in the order of their first call.
    pub models: Vec<String>,
    /// Providers in the order of their first call.
    pub providers: Vec<String>,
    /// Prompt tokens.
    pub prompt_tokens: Option<u64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// Hit rate, 0..1; null if tokens read are not recorded.
    pub hit_rate: Option<f64>,
    /// Retention, 0..1: reusable tokens that were read ÷ reusable tokens.
    pub retention: Option<f64>,
    /// Paid, by kind of money.
    pub paid: Vec<Paid>,
    /// Longest pause between two calls, seconds.
    pub longest_pause_seconds: Option<f64>,
    /// Pauses longer than 5 minutes.
    pub long_pauses: u64,
    /// How often the provider changed from one call to the next.
    pub provider_changes: u64,
    /// How often the model changed.
    pub model_changes: u64,
    /// How often the prompt fell below half of the previous one: the context was compacted or cleared.
    pub compactions: u64,
    /// Cache misses.
    pub misses: u64,
}

/// A pause is long from this many seconds on.
const LONG_PAUSE: f64 = 300.0;

/// The sessions of a question, the `top` largest of them in detail.
///
/// # Errors
/// See [`TrafficStore`].
pub fn sessions(store: &TrafficStore, question: &Question, top: u32) -> Result<Sessions, StoreError> {
    let answers = store.answers(scope(question, By::Endpoint));
    let totals = answers.session_totals()?;
    let calls = answers.session_calls(top)?;
    let largest: Vec<SessionLine> = calls.chunk_by(|a, b| a.place == b.place).filter_map(line).collect();
    let mut notes = Vec::new();
    if totals.sessions == 0 {
        notes.push(match totals.without_session {
            0 => super::known::nothing(store)?.to_owned(),
            _ => {
                "No call has a session. A log with session ids, or with times and growing prompts, has them."
                    .to_owned()
            }
        });
    } else if totals.without_session > 0 {
        notes.push(format!("Without a session: {}.", counted(count(totals.without_session), "call")));
    }
    if largest.iter().any(|line| line.kind == SessionKind::Guessed) {
        notes.push("Guessed sessions are inferred from times and growing prompts.".to_owned());
    }
    Ok(Sessions {
        question: question.clone(),
        sessions: count(totals.sessions),
        without_session: count(totals.without_session),
        typical: Typical {
            turns: totals.turns,
            prompt_tokens: totals.prompt,
            seconds: totals.seconds,
            hit_rate: totals.hit_rate,
        },
        largest,
        notes,
    })
}

/// Adds a name to a list unless it is there.
fn add_name(names: &mut Vec<String>, name: Option<&String>) {
    if let Some(name) = name.filter(|name| !names.contains(name)) {
        names.push(name.clone());
    }
}

/// Whether two known values differ.
fn differ(before: Option<&String>, now: Option<&String>) -> bool {
    before.zip(now).is_some_and(|(before, now)| before != now)
}

/// One session from its calls, in chronological order.
fn line(calls: &[SessionCallRow]) -> Option<SessionLine> {
    let first = calls.first()?;
    let kind = serde_json::from_value(serde_json::Value::from(first.kind.as_str())).unwrap_or_default();
    let mut line = SessionLine {
        session: first.session.clone(),
        kind,
        agent: first.agent.clone(),
        parent: first.parent.clone(),
        source: first.source.clone(),
        start: calls.iter().filter_map(|call| call.time).min(),
        end: calls.iter().filter_map(|call| call.time).max(),
        turns: calls.len() as u64,
        failures: calls.iter().filter(|call| call.is_failure).count() as u64,
        models: Vec::new(),
        providers: Vec::new(),
        prompt_tokens: sum(calls, |call| call.prompt),
        output_tokens: sum(calls, |call| call.output),
        hit_rate: None,
        retention: None,
        paid: Vec::new(),
        longest_pause_seconds: None,
        long_pauses: 0,
        provider_changes: 0,
        model_changes: 0,
        compactions: 0,
        misses: 0,
    };
    for call in calls {
        add_name(&mut line.models, call.model.as_ref());
        add_name(&mut line.providers, call.provider.as_ref());
        if let Some(usd) = call.paid {
            let kind = report::kind(&call.paid_kind);
            match line.paid.iter_mut().find(|paid| paid.kind == kind) {
                Some(paid) => {
                    paid.usd += usd;
                    paid.calls += 1;
                }
                None => line.paid.push(Paid { kind, usd, calls: 1 }),
            }
        }
    }
    line.paid.sort_by_key(|paid| paid.kind);
    let with_prompt: Vec<&SessionCallRow> = calls.iter().filter(|call| call.prompt.is_some()).collect();
    for pair in with_prompt.windows(2) {
        let (before, now) = (pair[0], pair[1]);
        line.provider_changes += u64::from(differ(before.host.as_ref(), now.host.as_ref()));
        line.model_changes += u64::from(differ(before.model.as_ref(), now.model.as_ref()));
        line.compactions += u64::from(
            now.prompt
                .zip(before.prompt)
                .is_some_and(|(now, before)| (now as f64) < SESSION_MIN_REUSE * before as f64),
        );
        if let Some((from, to)) = before.time.zip(now.time) {
            let pause = (to - from).as_seconds_f64();
            line.longest_pause_seconds =
                Some(line.longest_pause_seconds.map_or(pause, |longest| longest.max(pause)));
            line.long_pauses += u64::from(pause > LONG_PAUSE);
        }
    }
    rates(&mut line, &with_prompt);
    Some(line)
}

/// Hit rate, retention and misses, as `judged.sql` defines them.
fn rates(line: &mut SessionLine, calls: &[&SessionCallRow]) {
    let (mut all_read, mut all_prompt, mut reusable, mut reused) = (0, 0, 0, 0);
    for (at, call) in calls.iter().enumerate() {
        let Some((prompt, read)) = call.prompt.zip(call.read) else { continue };
        let before = at.checked_sub(1).and_then(|before| calls[before].prompt);
        all_read = i64::saturating_add(all_read, read);
        all_prompt = i64::saturating_add(all_prompt, prompt);
        if let Some(before) = before.filter(|before| prompt >= *before) {
            reusable = i64::saturating_add(reusable, before);
            reused = i64::saturating_add(reused, read.min(before));
        }
        line.misses += u64::from((read as f64) < 0.5 * prompt.min(before.unwrap_or(prompt)) as f64);
    }
    let share = |part: i64, of: i64| (of > 0).then(|| part as f64 / of as f64);
    line.hit_rate = share(all_read, all_prompt);
    line.retention = share(reused, reusable);
}

fn sum(calls: &[SessionCallRow], part: fn(&SessionCallRow) -> Option<i64>) -> Option<u64> {
    calls.iter().filter_map(part).map(count).reduce(u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(minute: u32, prompt: i64, read: i64, host: &str) -> SessionCallRow {
        SessionCallRow {
            place: 1,
            session: "s".to_owned(),
            kind: "given".to_owned(),
            time: format!("2026-11-01T12:{minute:02}:00Z").parse().ok(),
            model: Some("m".to_owned()),
            provider: Some(host.to_owned()),
            host: Some(host.to_owned()),
            prompt: Some(prompt),
            read: Some(read),
            output: Some(10),
            paid: Some(0.5),
            paid_kind: "billed".to_owned(),
            ..SessionCallRow::default()
        }
    }

    #[test]
    fn a_session_is_counted_by_hand() {
        let calls = [
            call(0, 1000, 0, "a"),
            call(1, 2000, 1000, "a"),
            call(9, 3000, 0, "b"),
            call(10, 1400, 0, "b"),
            call(11, 1500, 1400, "b"),
        ];
        let line = line(&calls).expect("a session");
        assert_eq!((line.turns, line.prompt_tokens, line.output_tokens), (5, Some(8900), Some(50)));
        assert_eq!(
            (line.provider_changes, line.model_changes, line.compactions, line.long_pauses),
            (1, 0, 1, 1)
        );
        assert_eq!(line.longest_pause_seconds, Some(480.0));
        assert_eq!(line.misses, 3, "the first call, the other provider, the compaction");
        assert!((line.hit_rate.expect("known") - 2400.0 / 8900.0).abs() < 1e-12);
        assert!((line.retention.expect("known") - 2400.0 / 4400.0).abs() < 1e-12);
        assert_eq!(line.paid, vec![Paid { kind: crate::request_log::PaidKind::Billed, usd: 2.5, calls: 5 }]);
        assert_eq!(line.providers, ["a", "b"]);
    }
}
