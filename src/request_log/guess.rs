//! Guesses the sessions of calls whose log names none, or gives every call another one: a call continues the session
//! whose last prompt it can have grown from.

use super::call::Name;
use crate::domain::thresholds::{SESSION_GAP_MINUTES, SESSION_MIN_REUSE};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Sessions that can be open at the same time; then the one that was continued longest ago is closed. Without times
/// nothing else would close one.
const MOST_OPEN: usize = 1_000;

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
        let fitting = open.iter().enumerate().filter(|(_, (_, last))| last.is_continued_by(step));
        let longest = fitting.max_by(|(_, (_, a)), (_, (_, b))| a.prompt.total_cmp(&b.prompt));
        let session = match longest.map(|(place, _)| place) {
            Some(place) => open.remove(place).0,
            None => {
                if open.len() >= MOST_OPEN {
                    open.remove(0);
                }
                sessions += 1;
                sessions - 1
            }
        };
        // The session that was continued last is the last of the list.
        open.push((session, *step));
        session
    });
    numbered.collect()
}

/// A call whose log names no session.
#[derive(Debug, Clone)]
pub struct Unnamed<'a> {
    /// The model that answered.
    pub model: Option<&'a str>,
    /// Key of its file.
    pub file: i64,
    /// Its line in the file.
    pub line: u64,
    /// Its id.
    pub id: Option<&'a str>,
    /// Its time and tokens.
    pub step: Step,
    /// The name of the session that was guessed earlier.
    pub known: Option<Name>,
}

/// The name of the guessed session of each call. It follows from the first call of the session, so that it stays the
/// same when a log grows. Calls without a time continue only those of their own file.
pub fn guessed_sessions(calls: &[Unnamed<'_>]) -> Vec<Name> {
    let mut names: Vec<Name> = vec![Name::from(""); calls.len()];
    let mut series: BTreeMap<(&str, Option<i64>), Vec<usize>> = BTreeMap::new();
    for (number, call) in calls.iter().enumerate() {
        let file = call.step.at.is_none().then_some(call.file);
        series.entry((call.model.unwrap_or_default(), file)).or_default().push(number);
    }
    for mut numbers in series.into_values() {
        numbers.sort_by_key(|number| (calls[*number].step.at, calls[*number].file, calls[*number].line));
        let steps: Vec<Step> = numbers.iter().map(|number| calls[*number].step).collect();
        let mut sessions: Vec<Name> = Vec::new();
        for (number, session) in numbers.into_iter().zip(grown(&steps)) {
            if session == sessions.len() {
                sessions.push(calls[number].known.clone().unwrap_or_else(|| name(&calls[number])));
            }
            names[number] = Name::clone(&sessions[session]);
        }
    }
    names
}

/// The name of a session that begins with a call.
fn name(first: &Unnamed<'_>) -> Name {
    let mut digest = Sha256::new();
    let place = match (first.id, first.step.at) {
        (Some(id), _) => id.to_owned(),
        (None, Some(at)) => at.timestamp_micros().to_string(),
        (None, None) => format!("{} {}", first.file, first.line),
    };
    digest.update(first.model.unwrap_or_default());
    digest.update([0]);
    digest.update(place);
    let hex: String = digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("guessed-{hex}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(minute: i64, prompt: u64) -> Unnamed<'static> {
        let at = DateTime::from_timestamp(1_785_578_400 + 60 * minute, 0);
        Unnamed {
            model: Some("acme/bolt-2"),
            file: 1,
            line: minute.unsigned_abs() + 1,
            id: None,
            step: Step { at, prompt: prompt as f64, output: 50.0 },
            known: None,
        }
    }

    #[test]
    fn interleaved_sessions_are_told_apart_by_growth_and_pauses() {
        let calls = [call(0, 100), call(1, 5000), call(2, 150), call(3, 5100), call(600, 5200)];
        let names = guessed_sessions(&calls);
        assert_eq!((&names[0], &names[1]), (&names[2], &names[3]));
        assert!(names[0] != names[1] && names[4] != names[3]);
        assert_eq!(guessed_sessions(&calls[..2])[0], names[0], "the name stays the same when a log grows");
        let known = Unnamed { known: Some("guessed-before".into()), ..call(2, 150) };
        let later = guessed_sessions(&[known, call(3, 160)]);
        assert_eq!(later, [Name::from("guessed-before"), Name::from("guessed-before")]);
    }

    #[test]
    fn calls_without_a_time_continue_those_of_their_file() {
        let without = |file, line| {
            let step = Step { at: None, ..call(0, 100).step };
            Unnamed { file, line, step, ..call(0, 100) }
        };
        let names = guessed_sessions(&[without(1, 1), without(2, 1), without(1, 2), without(2, 2)]);
        assert_eq!((&names[0], &names[1]), (&names[2], &names[3]));
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn the_number_of_open_sessions_is_limited() {
        // Each prompt is less than half of the one before, or unrelated: without times nothing would ever close.
        let step = |prompt: f64| Step { at: None, prompt, output: 0.0 };
        let mut steps: Vec<Step> = (0..2_000).map(|n| step(1e9 - f64::from(n))).collect();
        steps.push(step(1e9 - 1_500.0));
        steps.push(step(1e9));
        let sessions = grown(&steps);
        assert_eq!(sessions[1_999], 1_999, "every shorter prompt begins a session");
        assert_eq!(sessions[2_000], 1_500, "a recent session is continued");
        assert_ne!(sessions[2_001], 0, "the oldest one was closed");
    }
}
