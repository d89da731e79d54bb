//! The calls of a workload, for questions without any log.

use crate::domain::workload::Workload;
use crate::request_log::{SessionKind, Tokens};
use crate::store::OwnCall;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// Days over which the sessions are spread.
pub const DAYS: u32 = 30;
/// Time between two turns, seconds: shorter than any published lifetime of a cache.
pub const TURN_SECONDS: i64 = 60;

/// The calls of thirty days with a number of sessions a day, spread evenly, one turn a minute. They state no cache reads,
/// price or duration. `end` is the end of the thirty days.
pub fn calls_of_workload(
    workload: &Workload,
    model_key: &str,
    sessions_per_day: f64,
    end: DateTime<Utc>,
) -> Vec<OwnCall> {
    let sessions = (sessions_per_day * f64::from(DAYS)).round().max(0.0) as u32;
    let midnight = end.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let start = midnight - TimeDelta::days(i64::from(DAYS));
    let spacing = f64::from(DAYS) * 86_400.0 / f64::from(sessions.max(1));
    let model: Arc<str> = model_key.into();
    let mut calls = Vec::new();
    for session in 0..sessions {
        let name: Arc<str> = format!("{}-{session}", workload.name).into();
        let first = start + TimeDelta::seconds((f64::from(session) * spacing) as i64);
        for turn in 1..=workload.turns {
            calls.push(OwnCall {
                at: Some(first + TimeDelta::seconds(i64::from(turn - 1) * TURN_SECONDS)),
                session: Some(Arc::clone(&name)),
                session_kind: SessionKind::Given,
                model: Some(Arc::clone(&model)),
                model_key: Some(Arc::clone(&model)),
                tokens: Tokens {
                    uncached: Some(workload.prompt_of_turn(turn).round() as u64),
                    output_text: Some(workload.output.round() as u64),
                    ..Tokens::default()
                },
                ..OwnCall::default()
            });
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_spread_over_thirty_days_and_turns_grow() {
        let workload = Workload::shipped().expect("shipped").remove(1);
        let end = "2026-11-30T15:00:00Z".parse().expect("a time");
        let calls = calls_of_workload(&workload, "a/b", 0.5, end);
        assert_eq!(calls.len(), 15 * workload.turns as usize);
        assert_eq!(calls[0].at, Some("2026-10-31T00:00:00Z".parse().expect("a time")));
        assert!(calls.iter().all(|call| call.at.is_some_and(|at| at < end)));
        assert_eq!(calls[0].tokens.prompt(), Some(workload.prompt_of_turn(1).round() as u64));
        assert_eq!((calls[0].tokens.read, calls[0].paid), (None, None));
        assert!(calls_of_workload(&workload, "a/b", 0.0, end).is_empty());
    }
}
