//! Groups requests into sessions. If the log has session ids, they are used; otherwise a request continues the session
//! whose last prompt it can have grown from.

use super::guess::{Step, grown};
use super::request::Request;
use serde::Serialize;
use std::collections::BTreeMap;

/// Number of requests grouped in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Grouping {
    /// By a session id in the log.
    pub by_id: usize,
    /// By the time between requests and growing prompts.
    pub by_time: usize,
    /// By growing prompts alone, because the log has no times.
    pub by_growth: usize,
    /// Those whose log has session ids that name requests, grouped in one of the other ways.
    pub with_own_id: usize,
}

/// The sessions of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Sessions {
    /// Each session in chronological order if times are known, otherwise in the order of the file.
    pub sessions: Vec<Vec<Request>>,
    /// How the sessions were found.
    pub grouping: Grouping,
}

/// Groups the requests of a log.
pub fn sessions(requests: &[Request]) -> Sessions {
    let mut grouping = Grouping::default();
    let mut named: BTreeMap<&str, Vec<Request>> = BTreeMap::new();
    let mut unnamed: BTreeMap<&str, Vec<&Request>> = BTreeMap::new();
    for request in requests {
        grouping.with_own_id += usize::from(request.has_own_session);
        match &request.session {
            Some(session) => {
                grouping.by_id += 1;
                named.entry(session).or_default().push(request.clone());
            }
            None => unnamed.entry(request.model.as_deref().unwrap_or_default()).or_default().push(request),
        }
    }
    let mut sessions: Vec<Vec<Request>> = named.into_values().collect();
    for session in &mut sessions {
        if session.iter().all(|r| r.at.is_some()) {
            session.sort_by_key(|r| (r.at, r.line));
        }
    }
    for mut requests in unnamed.into_values() {
        let timed = requests.iter().all(|r| r.at.is_some());
        if timed {
            requests.sort_by_key(|r| (r.at, r.line));
        }
        *(if timed { &mut grouping.by_time } else { &mut grouping.by_growth }) += requests.len();
        sessions.extend(guessed(&requests, timed));
    }
    Sessions { sessions, grouping }
}

/// The sessions of requests without a name.
fn guessed(requests: &[&Request], timed: bool) -> Vec<Vec<Request>> {
    let step = |request: &&Request| Step {
        at: request.at.filter(|_| timed),
        prompt: request.prompt,
        output: request.output,
    };
    let numbers = grown(&requests.iter().map(step).collect::<Vec<_>>());
    let mut sessions: Vec<Vec<Request>> = Vec::new();
    for (request, number) in requests.iter().zip(numbers) {
        sessions.resize_with(sessions.len().max(number + 1), Vec::new);
        sessions[number].push((*request).clone());
    }
    sessions
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn request(session: Option<&str>, minute: i64, prompt: f64) -> Request {
        let at = DateTime::from_timestamp(1_785_578_400 + 60 * minute, 0);
        Request { session: session.map(Into::into), at, prompt, ..Request::default() }
    }

    fn prompts(found: &Sessions) -> Vec<Vec<f64>> {
        let mut all: Vec<Vec<f64>> =
            found.sessions.iter().map(|s| s.iter().map(|r| r.prompt).collect()).collect();
        all.sort_by(|a, b| a[0].total_cmp(&b[0]));
        all
    }

    #[test]
    fn ids_are_taken_and_times_put_in_order() {
        let log = [request(Some("a"), 5, 20.0), request(Some("b"), 1, 30.0), request(Some("a"), 1, 10.0)];
        let found = sessions(&log);
        assert_eq!(prompts(&found), [vec![10.0, 20.0], vec![30.0]]);
        assert_eq!(found.grouping, Grouping { by_id: 3, ..Grouping::default() });
    }

    #[test]
    fn interleaved_sessions_without_ids_are_told_apart_by_growth_and_pauses() {
        let log = [
            request(None, 0, 100.0),
            request(None, 1, 5000.0),
            request(None, 2, 150.0),
            request(None, 3, 5100.0),
            request(None, 60, 5200.0),
            request(None, 61, 5300.0),
        ];
        let found = sessions(&log);
        assert_eq!(prompts(&found), [vec![100.0, 150.0], vec![5000.0, 5100.0], vec![5200.0, 5300.0]]);
        assert_eq!(found.grouping.by_time, 6);
    }

    #[test]
    fn requests_with_ids_of_their_own_are_grouped_by_growth() {
        let log: Vec<Request> = (0..4)
            .map(|n| Request { has_own_session: true, ..request(None, n, 1000.0 + 100.0 * n as f64) })
            .collect();
        let found = sessions(&log);
        assert_eq!((found.sessions.len(), found.sessions[0].len()), (1, 4));
        assert_eq!(found.grouping, Grouping { by_time: 4, with_own_id: 4, ..Grouping::default() });
    }
}
