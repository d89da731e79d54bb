//! What the readers of coding agents share: reasons, costs, times and sessions that are folders.

pub(super) use super::outcome::{failure, finish, http};
use crate::request_log::call::{Call, Name, PaidKind, RawCounts, SessionKind};
use crate::request_log::entry::{FileContext, text};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Reason for an entry whose counts are damaged.
pub(super) const BAD_COUNT: &str = "a token count is negative, not a whole number or too large";
/// Reason for an entry that is not a JSON object.
pub(super) const NO_OBJECT: &str = "not a JSON object";
/// Reason for an answer that has no counts.
pub(super) const NO_USAGE: &str = "an answer without token counts";
/// Note for a line whose type this version does not know.
pub(super) const UNKNOWN_TYPE: &str = "line of an unknown type";
/// Note for a cost of zero.
pub(super) const NO_PRICE: &str =
    "cost of 0: a subscription, a free model or an unknown price; not counted as paid";

/// Whether counts state no token at all.
pub(super) fn is_empty(raw: &RawCounts) -> bool {
    let counts = [raw.input, raw.read, raw.write, raw.write_5m, raw.write_1h, raw.output, raw.reasoning];
    counts.into_iter().flatten().all(|count| count == 0)
}

/// Sets a cost that the tool computed. Zero is not a price: tools write it for subscriptions and unknown models.
/// Returns whether it was zero.
pub(super) fn set_computed(call: &mut Call, cost: Option<f64>) -> bool {
    match cost {
        Some(cost) if cost > 0.0 => {
            call.paid = Some(cost);
            call.paid_kind = PaidKind::ComputedByTool;
            false
        }
        Some(_) => true,
        None => false,
    }
}

/// Sets the session that a file is, if the log has not given one.
pub(super) fn set_session(call: &mut Call, given: Option<&Name>, file: Option<&Name>) {
    (call.session, call.session_kind) = match (given, file) {
        (Some(given), _) => (Some(given.clone()), SessionKind::Given),
        (None, Some(file)) => (Some(file.clone()), SessionKind::File),
        (None, None) => (None, SessionKind::None),
    };
}

/// Sets the end of an answer from a time stamp.
pub(super) fn set_end(call: &mut Call, at: Option<(DateTime<Utc>, bool)>) {
    if let Some((at, zone_known)) = at {
        call.ended_at = Some(at);
        call.zone_known = zone_known;
    }
}

/// Sets the start of a request from a time stamp.
pub(super) fn set_start(call: &mut Call, at: Option<(DateTime<Utc>, bool)>) {
    if let Some((at, zone_known)) = at {
        call.started_at = Some(at);
        call.zone_known = zone_known;
    }
}

/// The name of the folder that is `up` levels above the file; 1 is the folder of the file.
pub(super) fn folder(context: &FileContext, up: usize) -> Option<Name> {
    let name = context.path.ancestors().nth(up)?.file_name()?.to_str()?;
    clean(name)
}

/// The file itself as the name of a session.
pub(super) fn file_session(context: &FileContext) -> Option<Name> {
    clean(&context.stem()?)
}

/// A text without control characters and of a limited length.
pub(super) fn clean(name: &str) -> Option<Name> {
    text(Some(&Value::String(name.to_owned()))).map(Name::from)
}

#[cfg(test)]
pub(super) mod testing {
    use crate::request_log::entry::{Entry, FileContext};
    use crate::request_log::format::{ENTRIES_TO_RECOGNISE, Format, recognise};
    use crate::request_log::inclusion::decide;
    use crate::request_log::sink::{Found, Sink};
    use serde_json::Value;

    /// A file at a path.
    pub(in crate::request_log::readers) fn file(path: &str) -> FileContext {
        FileContext { path: path.into(), ..FileContext::default() }
    }

    /// Reads rows of tables.
    pub(in crate::request_log::readers) fn read_rows(
        format: &Format,
        context: &FileContext,
        rows: &[(Option<&str>, Value)],
    ) -> Found {
        let mut sink = Sink::default();
        let mut reader = (format.reader)(context);
        for (place, (table, value)) in rows.iter().enumerate() {
            reader.read(&Entry { value, line: place as u64 + 1, table: *table }, &mut sink);
        }
        reader.finish(&mut sink);
        let mut found = sink.done();
        decide(&mut found.calls, format);
        found
    }

    /// Reads entries.
    pub(in crate::request_log::readers) fn read(
        format: &Format,
        context: &FileContext,
        entries: &[Value],
    ) -> Found {
        let rows: Vec<_> = entries.iter().map(|value| (None, value.clone())).collect();
        read_rows(format, context, &rows)
    }

    /// The id of the format that entries are recognised as.
    pub(in crate::request_log::readers) fn recognised(
        context: &FileContext,
        entries: &[Value],
    ) -> Option<&'static str> {
        let entries: Vec<_> = entries
            .iter()
            .take(ENTRIES_TO_RECOGNISE)
            .zip(1..)
            .map(|(value, line)| Entry { value, line, table: None })
            .collect();
        recognise(&entries, context).map(|format| format.id)
    }

    /// Sums a count over the calls of a file.
    pub(in crate::request_log::readers) fn total(
        found: &Found,
        count: impl Fn(&crate::request_log::call::Tokens) -> Option<u64>,
    ) -> Option<u64> {
        found.calls.iter().filter_map(|call| count(&call.tokens())).reduce(|a, b| a + b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_a_file_are_named_from_below() {
        let context = FileContext { path: "a/tasks/77/ui_messages.json".into(), ..FileContext::default() };
        assert_eq!(folder(&context, 1).as_deref(), Some("77"));
        assert_eq!(folder(&context, 2).as_deref(), Some("tasks"));
        assert_eq!(folder(&context, 9), None);
        assert_eq!(folder(&FileContext::default(), 1), None);
    }
}
