//! Decides the sessions of calls when a file is imported: whether the ids of its log name sessions or requests, and which
//! calls without a session belong together. A file can be a few seconds of a log, so the calls of the same source and
//! platform that are there are judged with it, and changed with it.

use super::names::name;
use super::previous::Touched;
use super::rows::{longs, record_batch, texts};
use crate::domain::thresholds::SESSION_GAP_MINUTES;
use crate::request_log::guess::{Step, Unnamed, guessed_sessions};
use crate::request_log::{Call, Name, SessionKind, are_requests};
use crate::store::StoreError;
use crate::store::columns::{self, naive, rows};
use chrono::{DateTime, TimeDelta, Utc};
use duckdb::{Connection, params};
use std::collections::BTreeSet;

/// Fewer calls with a session id decide nothing: the decision for earlier calls holds, otherwise the ids are sessions.
const FEWEST_CALLS: u64 = 10;
/// Calls of this time before and after those of the file are judged with them.
const JUDGED: [TimeDelta; 2] = [TimeDelta::days(7), TimeDelta::days(1)];
/// Rows of a batch.
const BATCH: usize = 16_384;

/// The session of a call and what it is based on.
pub(super) type Session = (Option<Name>, SessionKind);

/// The calls of a file that is being imported.
pub(super) struct Deciding<'a> {
    pub connection: &'a Connection,
    /// Receives the sessions whose calls change.
    pub touched: &'a Touched<'a>,
    pub calls: &'a [Call],
    /// The positions of those that are stored.
    pub new: &'a [usize],
    /// The time of the call at a position.
    pub at: &'a dyn Fn(usize) -> Option<DateTime<Utc>>,
    pub source: &'a str,
    pub file_id: i64,
}

/// What the ids of a platform say.
struct Ids {
    platform: Option<String>,
    calls: u64,
    once: u64,
    were_requests: bool,
    as_given: u64,
    as_requests: u64,
}

impl Ids {
    fn name_requests(&self) -> bool {
        if self.calls < FEWEST_CALLS { self.were_requests } else { are_requests(self.calls, self.once) }
    }
}

/// A call that is there and whose session may change.
struct Stored {
    place: i64,
    file_id: i64,
    line: u64,
    id: Option<Name>,
    called_at: Option<DateTime<Utc>>,
    session: Option<Name>,
    session_kind: SessionKind,
    given_session: Option<Name>,
    model: Option<Name>,
    prompt: Option<i64>,
    output: i64,
    is_answered: bool,
}

impl Stored {
    /// The session without a guess.
    fn as_written(&self, are_requests: bool) -> Session {
        let kind = match (&self.given_session, are_requests) {
            (None, _) => SessionKind::None,
            (Some(_), true) => SessionKind::GivenPerRequest,
            (Some(_), false) => SessionKind::Given,
        };
        (self.given_session.clone(), kind)
    }

    fn unnamed(&self) -> Option<Unnamed<'_>> {
        let prompt = self.prompt.filter(|prompt| *prompt > 0 && self.is_answered)?;
        Some(Unnamed {
            model: self.model.as_deref(),
            file: self.file_id,
            line: self.line,
            id: self.id.as_deref(),
            step: Step { at: self.called_at, prompt: prompt as f64, output: self.output as f64 },
            known: self.session.clone().filter(|_| self.session_kind == SessionKind::Guessed),
        })
    }
}

/// Whose session is to be guessed: a call of the file at a position, or one that is there.
enum Whose {
    New(usize),
    Stored(usize),
}

impl Deciding<'_> {
    /// The session of each call of the file, by position. Calls that are there get theirs in the table.
    pub fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        let mut sessions: Vec<Session> =
            self.calls.iter().map(|call| (call.session.clone(), call.session_kind)).collect();
        if !self.load()? {
            return Ok(sessions);
        }
        let times = || self.new.iter().filter_map(|number| (self.at)(*number));
        let first = times().min().unwrap_or_default();
        let last = times().max().unwrap_or_default();
        let around = |before, after| {
            let from = first.checked_sub_signed(before).unwrap_or(first);
            [naive(from), naive(last.checked_add_signed(after).unwrap_or(last))]
        };
        let [before, after] = JUDGED;
        let judged = around(before, after);
        let gap = TimeDelta::minutes(SESSION_GAP_MINUTES);
        let near = around(gap, gap);
        let sql = include_str!("../../../queries/traffic/session_ids.sql");
        let platforms = rows!(
            self.connection,
            sql,
            params![self.source, judged[0], judged[1]],
            Ids { platform, calls, once, were_requests, as_given, as_requests }
        );
        self.connection.execute_batch("DROP TABLE arriving")?;
        for ids in &platforms {
            let is_changed = if ids.name_requests() { ids.as_given > 0 } else { ids.as_requests > 0 };
            let span = if is_changed { &judged } else { &near };
            self.decide(ids, is_changed, span, &mut sessions)?;
        }
        Ok(sessions)
    }

    /// Whether a call belongs to no sum.
    fn single(&self) -> impl Iterator<Item = usize> {
        self.new.iter().copied().filter(|number| self.calls[*number].aggregated.is_none())
    }

    /// Puts the session ids of the file into the table `arriving`; `false` if there is nothing to decide.
    fn load(&self) -> Result<bool, StoreError> {
        let mut platforms: BTreeSet<Option<&str>> = BTreeSet::new();
        let mut named: Vec<usize> = Vec::new();
        for number in self.single() {
            let call = &self.calls[number];
            if call.session_kind == SessionKind::File {
                continue;
            }
            platforms.insert(call.platform.as_deref());
            if call.session_kind == SessionKind::Given && !call.gateway_cache_hit {
                named.push(number);
            }
        }
        if platforms.is_empty() {
            return Ok(false);
        }
        let columns = "CREATE OR REPLACE TEMP TABLE arriving (platform VARCHAR, id VARCHAR)";
        self.connection.execute_batch(columns)?;
        let mut appender = self.connection.appender("arriving")?;
        appender.append_record_batch(record_batch(vec![
            ("platform", texts(platforms.iter().copied())),
            ("id", texts(platforms.iter().map(|_| None))),
        ])?)?;
        for batch in named.chunks(BATCH) {
            let calls = || batch.iter().map(|number| &self.calls[*number]);
            appender.append_record_batch(record_batch(vec![
                ("platform", texts(calls().map(|call| call.platform.as_deref()))),
                ("id", texts(calls().map(|call| call.session.as_deref()))),
            ])?)?;
        }
        appender.flush()?;
        Ok(true)
    }

    /// Decides for one platform.
    fn decide(
        &self,
        ids: &Ids,
        is_changed: bool,
        span: &[String; 2],
        sessions: &mut [Session],
    ) -> Result<(), StoreError> {
        let are_requests = ids.name_requests();
        let new: Vec<usize> = self
            .single()
            .filter(|number| self.calls[*number].platform.as_deref() == ids.platform.as_deref())
            .filter(|number| match self.calls[*number].session_kind {
                SessionKind::None | SessionKind::GivenPerRequest => true,
                SessionKind::Given => are_requests,
                SessionKind::File | SessionKind::Guessed => false,
            })
            .collect();
        if new.is_empty() && !is_changed {
            return Ok(());
        }
        let sql = include_str!("../../../queries/traffic/unnamed.sql");
        // Calls without a time continue only those of their file.
        let file = (!is_changed).then_some(self.file_id);
        let parameters = params![self.source, ids.platform, span[0], span[1], are_requests, file];
        let stored = rows!(
            self.connection,
            sql,
            parameters,
            Stored {
                place,
                file_id,
                line,
                id,
                called_at,
                session,
                session_kind,
                given_session,
                model,
                prompt,
                output,
                is_answered,
            }
        );
        let mut of_stored: Vec<Session> = stored.iter().map(|call| call.as_written(are_requests)).collect();
        let (mut whose, mut unnamed) = (Vec::new(), Vec::new());
        for (number, call) in stored.iter().enumerate() {
            if of_stored[number].1 != SessionKind::Given
                && let Some(call) = call.unnamed()
            {
                whose.push(Whose::Stored(number));
                unnamed.push(call);
            }
        }
        for number in new {
            if sessions[number].1 == SessionKind::Given {
                sessions[number].1 = SessionKind::GivenPerRequest;
            }
            if let Some(call) = self.unnamed(number) {
                whose.push(Whose::New(number));
                unnamed.push(call);
            }
        }
        for (whose, guessed) in whose.iter().zip(guessed_sessions(&unnamed)) {
            let session = (Some(guessed), SessionKind::Guessed);
            match whose {
                Whose::New(number) => sessions[*number] = session,
                Whose::Stored(number) => of_stored[*number] = session,
            }
        }
        let changed: Vec<(i64, &Session)> = stored
            .iter()
            .zip(&of_stored)
            .filter(|(call, (session, kind))| (&call.session, &call.session_kind) != (session, kind))
            .map(|(call, session)| (call.place, session))
            .collect();
        self.change(&changed)
    }

    fn unnamed(&self, number: usize) -> Option<Unnamed<'_>> {
        let call = &self.calls[number];
        let tokens = call.tokens();
        let prompt = tokens.prompt().filter(|prompt| *prompt > 0 && call.is_answered())?;
        let output = tokens.output().unwrap_or(0) as f64;
        Some(Unnamed {
            model: call.model().map(|model| &**model),
            file: self.file_id,
            line: call.line,
            id: call.id.as_deref(),
            step: Step { at: (self.at)(number), prompt: prompt as f64, output },
            known: None,
        })
    }

    /// Writes the sessions of calls that are there.
    fn change(&self, changed: &[(i64, &Session)]) -> Result<(), StoreError> {
        if changed.is_empty() {
            return Ok(());
        }
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE changed (place BIGINT NOT NULL, session VARCHAR, session_kind VARCHAR NOT NULL)",
        )?;
        let mut appender = self.connection.appender("changed")?;
        for batch in changed.chunks(BATCH) {
            appender.append_record_batch(record_batch(vec![
                ("place", longs(batch.iter().map(|(place, _)| Some(*place)))),
                ("session", texts(batch.iter().map(|(_, (session, _))| session.as_deref()))),
                ("session_kind", texts(batch.iter().map(|(_, (_, kind))| Some(name(*kind))))),
            ])?)?;
        }
        appender.flush()?;
        drop(appender);
        let changed = "rowid IN (SELECT place FROM changed)";
        self.touched.add(changed, [])?;
        self.connection.execute_batch(include_str!("../../../queries/traffic/change_sessions.sql"))?;
        self.touched.add(changed, [])?;
        Ok(self.connection.execute_batch("DROP TABLE changed")?)
    }
}
