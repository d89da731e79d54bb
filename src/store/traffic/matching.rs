//! Calls of a file that are already in the database: under the same id, as the same row of a log without ids, or in
//! another source of the same platform under another id.

use super::names::Named;
use super::resolve::Names;
use super::rows::{longs, record_batch, texts, times, whole};
use crate::request_log::{Call, IdKind, Name};
use crate::store::StoreError;
use crate::store::columns::{self, naive, rows};
use chrono::{DateTime, TimeDelta, Utc};
use duckdb::arrow::array::BooleanArray;
use duckdb::{Connection, params};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Records of one call have times that differ by less: by what a log means by the time of a call, and by a zone that it
/// does not state.
const APART: TimeDelta = TimeDelta::days(1);
/// The first and the last time that are compared if a call has none.
const EVER: [&str; 2] = ["0001-01-01 00:00:00", "9999-12-31 23:59:59"];
/// Rows of a batch.
const BATCH: usize = 16_384;

/// A file whose calls may be those of another source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// Source of the file.
    pub source: String,
    /// The source that is already imported.
    pub other: String,
    /// The platform of both.
    pub platform: String,
    /// Time of the first call of the file that overlaps.
    pub from: DateTime<Utc>,
    /// Time of the last one.
    pub to: DateTime<Utc>,
    /// Number of calls of the file in that time.
    pub calls: u64,
    /// Number of calls of the file that match a call of the other source by time, model and token counts.
    pub matched: u64,
}

impl std::fmt::Display for Overlap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of its calls on {} from {} to {} overlap with the source `{}`, and {} match a call of it by time, model and token counts. Nothing was imported, because a call that both sources recorded would count twice; use --merge to import it without the calls that match",
            self.calls,
            self.platform,
            self.from.format("%F %H:%M"),
            self.to.format("%F %H:%M UTC"),
            self.other,
            self.matched,
        )
    }
}

/// What a file has in common with the database.
#[derive(Debug, Default)]
pub(super) struct Common {
    /// Calls of the file that are already there, by their position.
    pub left_out: BTreeSet<usize>,
    /// Rows of the table that a call of the file replaces.
    pub replaced: Vec<i64>,
    /// The start of calls that replace an earlier record.
    pub started: HashMap<usize, DateTime<Utc>>,
    /// How many of them are in an earlier version of the file.
    pub of_this_file: usize,
    /// How many match a call of another source.
    pub merged: usize,
    /// How many were deleted from an earlier version of the file.
    pub deleted: usize,
}

/// A file that is being compared.
pub(super) struct Compared<'a> {
    pub connection: &'a Connection,
    pub calls: &'a [Call],
    /// What the catalogue knows about each call.
    pub names: &'a Names,
    pub source: &'a str,
    /// An earlier version of the file.
    pub older: Option<i64>,
}

/// A record of the same call that is already there.
struct Same {
    number: usize,
    place: i64,
    file_id: i64,
    started_at: Option<DateTime<Utc>>,
    output: i64,
    output_is_minimum: bool,
}

impl Compared<'_> {
    /// Calls that are already there under the same id, or as the same row of the same source.
    pub fn repeated(&self) -> Result<Common, StoreError> {
        let all: Vec<usize> = (0..self.calls.len()).collect();
        let (from, to) = self.load(&all, APART)?;
        let mut common = Common::default();
        for sql in [
            include_str!("../../../queries/traffic/same_id.sql"),
            include_str!("../../../queries/traffic/same_sum.sql"),
        ] {
            let same = rows!(
                self.connection,
                sql,
                params![from, to, self.source],
                Same { number, place, file_id, started_at, output, output_is_minimum }
            );
            same.iter().for_each(|same| self.keep_better(same, &mut common));
        }
        let sql = include_str!("../../../queries/traffic/same_row.sql");
        let parameters = params![from, to, self.source, self.older];
        let same = rows!(self.connection, sql, parameters, |number: usize, is_of_this_file: Option<bool>| {
            (number, is_of_this_file)
        });
        for (number, is_of_this_file) in same {
            common.left_out.insert(number);
            common.of_this_file += usize::from(is_of_this_file == Some(true));
        }
        Ok(common)
    }

    /// Of two records of one call, the one with the larger output counts: a client writes a placeholder before the
    /// answer is complete.
    fn keep_better(&self, same: &Same, common: &mut Common) {
        let Some(call) = self.calls.get(same.number) else { return };
        common.of_this_file += usize::from(self.older == Some(same.file_id));
        let output = whole(call.tokens().output()).unwrap_or(0);
        let is_complete = same.output_is_minimum && !call.output_is_minimum && output >= same.output;
        if output > same.output || is_complete {
            common.replaced.push(same.place);
            let earlier = common.started.remove(&same.number);
            let start = [earlier, same.started_at, call.started_at].into_iter().flatten().min();
            common.started.extend(start.map(|start| (same.number, start)));
        } else {
            common.left_out.insert(same.number);
        }
    }

    /// Leaves out calls that another source of their platform recorded under another id.
    ///
    /// # Errors
    /// [`StoreError::Overlap`] if there are calls of another source in the same time, unless they are to be merged.
    pub fn merged(&self, common: &mut Common, merge: bool) -> Result<(), StoreError> {
        let is_new = |number: &usize| {
            let call = &self.calls[*number];
            let is_replaced = common.started.contains_key(number);
            call.aggregated.is_none()
                && call.at().is_some()
                && call.platform.is_some()
                && !is_replaced
                && !common.left_out.contains(number)
        };
        let new: Vec<usize> = (0..self.calls.len()).filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        let (from, to) = self.load(&new, TimeDelta::seconds(3))?;
        let others = self.incomparable(&new)?;
        if others.is_empty() {
            return Ok(());
        }
        let matched = self.matches(&from, &to, &others)?;
        if !merge && let Some(overlap) = self.overlap(&new, &others, &matched) {
            return Err(StoreError::Overlap(Box::new(overlap)));
        }
        common.merged = matched.len();
        common.left_out.extend(matched.into_keys());
        Ok(())
    }

    /// Other sources with calls of the same platforms in the same time whose ids cannot be compared with those of the
    /// file, and the time of these calls.
    fn incomparable(&self, new: &[usize]) -> Result<BTreeMap<(String, String), Span>, StoreError> {
        let mut kinds: BTreeMap<&str, BTreeSet<IdKind>> = BTreeMap::new();
        for number in new {
            let call = &self.calls[*number];
            kinds.entry(family(call).unwrap_or_default()).or_default().insert(kind(call));
        }
        let sql = include_str!("../../../queries/traffic/overlaps.sql");
        let found = rows!(
            self.connection,
            sql,
            [self.source],
            |source: String,
             platform: String,
             id_kind: IdKind,
             first_at: DateTime<Utc>,
             last_at: DateTime<Utc>| (source, platform, id_kind, (first_at, last_at))
        );
        let mut others: BTreeMap<(String, String), Span> = BTreeMap::new();
        for (source, platform, id_kind, span) in found {
            // Ids of the same kind were compared already, except those of rows, which name rows of their own source.
            let is_compared = !matches!(id_kind, IdKind::Position | IdKind::Row)
                && kinds
                    .get(platform.as_str())
                    .is_some_and(|kinds| kinds.iter().all(|kind| *kind == id_kind));
            let is_overlapping = |number: &usize| {
                let call = &self.calls[*number];
                family(call) == Some(&platform) && call.at().is_some_and(|at| (span.0..=span.1).contains(&at))
            };
            if is_compared || !new.iter().any(is_overlapping) {
                continue;
            }
            let known = others.entry((source, platform)).or_insert(span);
            *known = (known.0.min(span.0), known.1.max(span.1));
        }
        Ok(others)
    }

    /// The source of the match of each call that has one. Each call of another source matches one call of the file.
    fn matches(
        &self,
        from: &str,
        to: &str,
        others: &BTreeMap<(String, String), Span>,
    ) -> Result<BTreeMap<usize, (String, String)>, StoreError> {
        let sql = include_str!("../../../queries/traffic/matches.sql");
        let parameters = params![from, to, self.source];
        let pairs = rows!(
            self.connection,
            sql,
            parameters,
            |number: usize, place: i64, source: String, platform: String| (number, place, (source, platform))
        );
        let mut taken = BTreeSet::new();
        let mut matched = BTreeMap::new();
        for (number, place, other) in pairs {
            if others.contains_key(&other) && !matched.contains_key(&number) && taken.insert(place) {
                matched.insert(number, other);
            }
        }
        Ok(matched)
    }

    /// The overlap with the most matches, otherwise with the most calls.
    fn overlap(
        &self,
        new: &[usize],
        others: &BTreeMap<(String, String), Span>,
        matched: &BTreeMap<usize, (String, String)>,
    ) -> Option<Overlap> {
        let of = |(other, span): (&(String, String), &Span)| {
            let times = new.iter().map(|number| &self.calls[*number]);
            let times = times.filter(|call| family(call) == Some(&other.1)).filter_map(Call::at);
            let inside: Vec<DateTime<Utc>> = times.filter(|at| (span.0..=span.1).contains(at)).collect();
            Some(Overlap {
                source: self.source.to_owned(),
                other: other.0.clone(),
                platform: other.1.clone(),
                from: inside.iter().copied().min()?,
                to: inside.iter().copied().max()?,
                calls: inside.len() as u64,
                matched: matched.values().filter(|found| *found == other).count() as u64,
            })
        };
        others.iter().filter_map(of).max_by_key(|overlap| (overlap.matched, overlap.calls))
    }

    /// Puts calls into the table `incoming`, and returns the time of the first and the last, widened.
    fn load(&self, numbers: &[usize], apart: TimeDelta) -> Result<(String, String), StoreError> {
        self.connection.execute_batch(include_str!("../../../queries/traffic/incoming.sql"))?;
        let mut appender = self.connection.appender("incoming")?;
        for batch in numbers.chunks(BATCH) {
            appender.append_record_batch(self.batch(batch)?)?;
        }
        appender.flush()?;
        let times = || numbers.iter().map(|number| self.calls[*number].at());
        if times().any(|at| at.is_none()) {
            // A call without a time can be one of any time.
            return Ok(EVER.map(str::to_owned).into());
        }
        let (first, last) = (times().min().flatten(), times().max().flatten());
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        let from = first.checked_sub_signed(apart).unwrap_or(first);
        Ok((naive(from), naive(last.checked_add_signed(apart).unwrap_or(last))))
    }

    fn batch(&self, numbers: &[usize]) -> Result<duckdb::arrow::array::RecordBatch, StoreError> {
        let calls = || numbers.iter().map(|number| &self.calls[*number]);
        let text = |of: fn(&Call) -> Option<&Name>| texts(calls().map(|call| of(call).map(|name| &**name)));
        let count = |of: fn(&Call) -> Option<u64>| longs(calls().map(|call| whole(of(call))));
        let keys = numbers.iter().map(|number| self.names.of(*number).model_key.as_deref());
        let models: Vec<Option<String>> = calls().map(last_part).collect();
        let kind_name =
            |call: &Call| IdKind::NAMES.iter().find(|(kind, _)| *kind == call.id_kind).map(|(_, name)| *name);
        let is_ok = calls().map(|call| Some(call.status == crate::request_log::Status::Ok));
        record_batch(vec![
            ("number", longs(numbers.iter().map(|number| i64::try_from(*number).ok()))),
            ("line", count(|call| Some(call.line))),
            ("id", texts(calls().map(|call| call.id.as_deref()))),
            ("id_kind", texts(calls().map(kind_name))),
            ("at", times(calls().map(Call::at))),
            ("ended_at", times(calls().map(|call| call.ended_at))),
            ("session", text(|call| call.session.as_ref())),
            ("platform", texts(calls().map(family))),
            ("model_sent", text(|call| call.model_sent.as_ref())),
            ("model_served", text(|call| call.model_served.as_ref())),
            ("model_key", texts(keys)),
            (
                "provider",
                text(|call| {
                    call.endpoint_id.as_ref().or(call.provider_tag.as_ref()).or(call.provider_name.as_ref())
                }),
            ),
            ("app", text(|call| call.app.as_ref())),
            ("key", text(|call| call.key.as_ref())),
            ("service_tier", text(|call| call.service_tier.as_ref())),
            ("model", texts(models.iter().map(Option::as_deref))),
            ("raw_input", count(|call| call.raw.input)),
            ("raw_output", count(|call| call.raw.output)),
            ("is_ok", Arc::new(is_ok.collect::<BooleanArray>())),
            ("prompt", count(|call| call.tokens().prompt())),
            ("output", count(|call| call.tokens().output())),
            ("aggregated", count(|call| call.aggregated)),
        ])
    }
}

/// The time of the first and the last call.
type Span = (DateTime<Utc>, DateTime<Utc>);

/// The platform that served a call, without the gateway in front of it.
fn family(call: &Call) -> Option<&str> {
    call.platform.as_deref().map(|platform| platform.strip_prefix("litellm:").unwrap_or(platform))
}

fn kind(call: &Call) -> IdKind {
    if call.id.is_some() { call.id_kind } else { IdKind::Position }
}

/// The last part of a model's name in lower case.
fn last_part(call: &Call) -> Option<String> {
    let name = call.model()?;
    Some(name.rsplit('/').next().unwrap_or(name).to_lowercase())
}
