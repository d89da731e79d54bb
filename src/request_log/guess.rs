//! Guesses the sessions of calls whose log names none, or gives every call another one: a call continues the session
//! whose last prompt it can have grown from.

use super::call::{Call, Name, SessionKind};
use crate::domain::thresholds::{SESSION_GAP_MINUTES, SESSION_MIN_REUSE};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// One call of a model, in the order of the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Time of the call, if known.
    pub at: Option<DateTime<Utc>>,
    /// Prompt tokens, including cached and written ones.
    pub prompt: f64,
    /// Output tokens, including reasoning.
    pub output: f64,
}

impl Step {
    /// Whether a prompt can have grown from this one: it is not shorter, and at least half of it was there before.
    pub fn is_continued_by(&self, next: &Self) -> bool {
        self.prompt <= next.prompt && self.prompt + self.output >= SESSION_MIN_REUSE * next.prompt
    }
}

/// The number of the session of each call: the open session with the longest last prompt that the call can have grown
/// from, otherwise a new one. If all times are known, the calls have to be in their order, and a pause closes a session.
pub fn grown(steps: &[Step]) -> Vec<usize> {
    let gap = TimeDelta::minutes(SESSION_GAP_MINUTES);
    let mut open: Vec<(usize, Step)> = Vec::new();
    let mut sessions = 0;
    let numbered = steps.iter().map(|step| {
        open.retain(|(_, last)| last.at.zip(step.at).is_none_or(|(last, now)| now - last <= gap));
        let fitting = open.iter_mut().filter(|(_, last)| last.is_continued_by(step));
        match fitting.max_by(|(_, a), (_, b)| a.prompt.total_cmp(&b.prompt)) {
            Some((session, last)) => {
                *last = *step;
                *session
            }
            None => {
                open.push((sessions, *step));
                sessions += 1;
                sessions - 1
            }
        }
    });
    numbered.collect()
}

/// The name of the guessed session of each call; `None` if the log names its session, or if it was not answered. The
/// name follows from the first call of the session, so that it stays the same when a log grows.
pub fn guessed_sessions(calls: &[Call]) -> Vec<Option<Name>> {
    let mut names = vec![None; calls.len()];
    let mut by_model: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, call) in calls.iter().enumerate() {
        let is_named =
            matches!(call.session_kind, SessionKind::Given | SessionKind::File | SessionKind::Guessed);
        let has_prompt = call.tokens().prompt().is_some_and(|prompt| prompt > 0);
        if has_prompt && !is_named && call.is_answered() {
            by_model.entry(call.model().map_or("", |model| model)).or_default().push(number);
        }
    }
    for mut numbers in by_model.into_values() {
        let timed = numbers.iter().all(|number| calls[*number].at().is_some());
        if timed {
            numbers.sort_by_key(|number| (calls[*number].at(), calls[*number].line));
        }
        let step = |number: &usize| {
            let tokens = calls[*number].tokens();
            Step {
                // If some times are unknown, pauses are too.
                at: calls[*number].at().filter(|_| timed),
                prompt: tokens.prompt().unwrap_or(0) as f64,
                output: tokens.output().unwrap_or(0) as f64,
            }
        };
        let steps: Vec<Step> = numbers.iter().map(step).collect();
        let mut sessions: Vec<Name> = Vec::new();
        for (number, session) in numbers.into_iter().zip(grown(&steps)) {
            if session == sessions.len() {
                sessions.push(name(&calls[number]));
            }
            names[number] = sessions.get(session).cloned();
        }
    }
    names
}

/// The name of a session that begins with a call.
fn name(first: &Call) -> Name {
    let mut digest = Sha256::new();
    let place = match (&first.id, first.at()) {
        (Some(id), _) => id.to_string(),
        (None, Some(at)) => at.timestamp_micros().to_string(),
        (None, None) => first.line.to_string(),
    };
    digest.update(first.model().map_or("", |model| model));
    digest.update([0]);
    digest.update(place);
    let hex: String = digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("guessed-{hex}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::{InputRule, OutputRule, RawCounts, Rule};

    fn call(minute: i64, prompt: u64, session: Option<&str>, kind: SessionKind) -> Call {
        Call {
            line: minute.unsigned_abs() + 1,
            started_at: DateTime::from_timestamp(1_785_578_400 + 60 * minute, 0),
            session: session.map(Into::into),
            session_kind: kind,
            model_served: Some("acme/bolt-2".into()),
            raw: RawCounts { input: Some(prompt), output: Some(50), ..RawCounts::default() },
            rule: Rule { input: InputRule::IncludesRead, output: OutputRule::IncludesReasoning },
            ..Call::default()
        }
    }

    #[test]
    fn interleaved_sessions_are_told_apart_by_growth_and_pauses() {
        let without = |minute, prompt| call(minute, prompt, None, SessionKind::None);
        let calls = [
            without(0, 100),
            without(1, 5000),
            call(1, 120, Some("s"), SessionKind::Given),
            call(2, 150, Some("r-1"), SessionKind::GivenPerRequest),
            without(3, 5100),
            without(600, 5200),
        ];
        let names = guessed_sessions(&calls);
        assert_eq!(names[2], None, "the log names it");
        assert_eq!((&names[0], &names[1]), (&names[3], &names[4]));
        assert!(names[0] != names[1] && names[5] != names[4]);
        assert_eq!(guessed_sessions(&calls[..2])[0], names[0], "the name stays the same when a log grows");
    }

    #[test]
    fn failed_calls_and_calls_without_a_prompt_have_no_guessed_session() {
        let mut failed = call(0, 100, None, SessionKind::None);
        failed.status = crate::request_log::Status::Error;
        let calls = [failed, call(1, 0, None, SessionKind::None)];
        assert_eq!(guessed_sessions(&calls), [None, None]);
    }
}
