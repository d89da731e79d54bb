use super::*;
use crate::request_log::call::{IdKind, InputRule, OutputRule, RawCounts, Rule, Status};
use crate::request_log::entry::FileContext;
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};

struct Nothing;
impl Reader for Nothing {
    fn read(&mut self, _: &crate::request_log::Entry<'_>, _: &mut Sink) {}
}

const fn format(id: &'static str, states_failures: bool) -> Format {
    Format {
        id,
        title: "test",
        rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
        total: Total::None,
        states_failures,
        recognises: |_, _| Sure::No,
        reader: |_| Box::new(Nothing),
    }
}

static STATES: Format = format("states-failures", true);
static SILENT: Format = format("silent", false);

fn call(id: &str, input: u64, read: Option<u64>, output: u64) -> Call {
    let mut call = Call { id: Some(id.into()), id_kind: IdKind::Generation, ..Call::default() };
    (call.raw.input, call.raw.read, call.raw.output) = (Some(input), read, Some(output));
    call
}

fn file(format: &'static Format, calls: Vec<Call>) -> LogFile {
    let mut sink = Sink::default();
    calls.into_iter().for_each(|call| sink.push(call, Keep::First));
    sink.unread("broken", 7);
    let found = sink.done();
    LogFile {
        context: FileContext::default(),
        format,
        found,
        decisions: Vec::new(),
        sha256: String::new(),
        bytes: 0,
    }
}

#[test]
fn calls_failures_replays_and_sums_are_counted_apart() {
    let calls = vec![
        Call { paid: Some(0.5), paid_kind: PaidKind::Billed, ..call("a", 1000, Some(600), 10) },
        Call { status: Status::Unknown, ..call("b", 200, None, 20) },
        Call {
            status: Status::Cancelled,
            paid: Some(0.25),
            paid_kind: PaidKind::Billed,
            ..call("c", 77, None, 3)
        },
        Call { gateway_cache_hit: true, paid: Some(9.0), ..call("d", 5000, Some(4000), 9) },
        Call { aggregated: Some(12), paid: Some(7.0), ..call("e", 90_000, None, 9) },
        call("a", 1000, Some(600), 10),
    ];
    let found = inspect(&file(&STATES, calls.clone()));
    assert_eq!((found.calls, found.failures, found.aggregates), (2, Some(1), Some(1)));
    assert_eq!((found.replays, found.duplicates, found.sessions), (Some(1), 1, None));
    let tokens =
        TokenSums { uncached: Some(600), read: Some(600), write: None, output: Some(30), reasoning: None };
    assert_eq!((found.tokens, found.prompt_tokens), (tokens, Some(1200)));
    assert_eq!(found.hit_rate, Some(0.5), "of all prompt tokens");
    assert_eq!((found.paid_usd, found.paid_kind.as_deref()), (Some(0.75), Some("billed")));
    assert_eq!(found.unread, BTreeMap::from([("broken".to_owned(), 1)]));
    assert_eq!(found.unread_lines["broken"], [7]);
    assert_eq!(inspect(&file(&SILENT, calls[..2].to_vec())).failures, None, "not recorded is not 0");
    assert_eq!(inspect(&file(&SILENT, calls[2..3].to_vec())).failures, Some(1));
}

#[test]
fn a_file_of_sums_has_no_calls_but_their_tokens_and_money() {
    let sums = vec![
        Call {
            aggregated: Some(3),
            paid: Some(1.0),
            paid_kind: PaidKind::Billed,
            ..call("a", 500, Some(100), 5)
        },
        Call { aggregated: Some(0), ..call("b", 100, None, 5) },
    ];
    let found = inspect(&file(&STATES, sums.clone()));
    assert_eq!((found.calls, found.failures, found.aggregates), (0, None, Some(2)));
    assert_eq!((found.prompt_tokens, found.paid_usd), (Some(600), Some(1.0)));
    let failed = Call {
        status: Status::Error,
        paid: Some(0.5),
        paid_kind: PaidKind::Billed,
        raw: RawCounts::default(),
        ..call("c", 0, None, 0)
    };
    let mut with_failure = sums;
    with_failure.push(failed);
    let found = inspect(&file(&STATES, with_failure));
    assert_eq!((found.calls, found.failures, found.aggregates), (0, Some(1), Some(2)));
    assert_eq!((found.prompt_tokens, found.paid_usd), (Some(600), Some(1.0)), "sums may include the failure");
    let nothing = inspect(&file(&SILENT, Vec::new()));
    assert_eq!((nothing.calls, nothing.prompt_tokens, nothing.hit_rate), (0, None, None));
    assert_eq!((nothing.aggregates, nothing.replays), (None, None), "no usage at all");
    assert_eq!((nothing.paid_usd, nothing.paid_kind, nothing.tokens), (None, None, TokenSums::default()));
}

#[test]
fn kinds_of_money_are_never_mixed_silently() {
    let paid = |id: &str, amount, kind| Call { paid: Some(amount), paid_kind: kind, ..call(id, 1, None, 1) };
    let mixed = vec![
        paid("a", 0.5, PaidKind::Billed),
        paid("b", 0.1, PaidKind::ComputedByTool),
        paid("c", 0.0, PaidKind::SubscriptionZero),
    ];
    assert_eq!(
        inspect(&file(&SILENT, mixed.clone())).paid_kind.as_deref(),
        Some("billed + computed_by_tool")
    );
    let zero = inspect(&file(&SILENT, mixed[2..].to_vec()));
    assert_eq!((zero.paid_usd, zero.paid_kind.as_deref()), (Some(0.0), Some("subscription_zero")));
}

#[test]
fn sums_of_money_have_no_errors_of_adding() {
    let paid = |id: &str, amount| Call { paid: Some(amount), ..call(id, 1, None, 1) };
    let tenths = (0..10).map(|n| paid(&n.to_string(), 0.01)).collect();
    assert_eq!(inspect(&file(&SILENT, tenths)).paid_usd, Some(0.1));
    let sum = inspect(&file(&SILENT, vec![paid("a", 12_345.67), paid("b", 1e-12)]));
    assert_eq!(sum.paid_usd, Some(12_345.670_000_000_001));
}

#[test]
fn a_call_in_several_files_is_counted_once_from_its_largest_record() {
    let row = |id: &str| Call { id_kind: IdKind::Row, ..call(id, 10, None, 1) };
    let files = [
        file(&STATES, vec![call("a", 100, None, 1), row("1")]),
        file(&SILENT, vec![call("a", 100, None, 50), row("1"), Call { id: None, ..call("", 5, None, 1) }]),
    ];
    let all = inspect_all(Some("logs".to_owned()), &files);
    assert_eq!((all.calls, all.duplicates, all.format.as_str()), (4, 1, "silent + states-failures"));
    assert_eq!((all.tokens.output, all.prompt_tokens), (Some(53), Some(125)));
    assert_eq!((all.files.len(), all.unread["broken"], all.failures), (2, 2, Some(0)));
}

#[test]
fn ids_that_occur_once_are_no_sessions() {
    let named = |session: &str| Call {
        session: Some(session.into()),
        session_kind: SessionKind::Given,
        ..call(session, 1, None, 1)
    };
    let sessions = |names: &[&str]| {
        let call = |(number, session): (usize, &&str)| Call {
            id: Some(format!("{session}-{number}").into()),
            ..named(session)
        };
        inspect(&file(&SILENT, names.iter().enumerate().map(call).collect())).sessions
    };
    assert_eq!(sessions(&["a", "b", "c", "d"]), None);
    assert_eq!(sessions(&["a", "a", "b", "c"]), Some(3));
    assert_eq!(sessions(&["a"]), Some(1), "one call proves nothing");
    let files = [file(&SILENT, vec![named("a")]), file(&SILENT, vec![named("b")])];
    assert_eq!(
        (inspect(&files[0]).sessions, inspect_all(None, &files).sessions),
        (Some(1), None),
        "one file each"
    );
    let (requests, _) = crate::request_log::requests(&files);
    assert!(requests.iter().all(|request| request.has_own_session && request.session.is_none()));
    let many: Vec<String> = (0..40).map(|n| n.max(1).to_string()).collect();
    assert_eq!(sessions(&many.iter().map(String::as_str).collect::<Vec<_>>()), None);
}
