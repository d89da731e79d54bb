//! The store of own traffic: what an import adds, what it leaves out, and what is deleted.

mod commands;
mod forgetting;
mod previous;
mod repeated;
mod sessions;

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hitrate::pipeline::{DataDir, traffic_options};
use hitrate::request_log::{
    Call, FileContext, Found, IdKind, InputRule, LogFile, OutputRule, PaidKind, RawCounts, Rule, SessionKind,
    Status, format,
};
use hitrate::store::{CallFilter, ImportOptions, Imported, Resolved, StoreError, TrafficStore};
use hitrate::traffic::catalogue::Catalogue;

use crate::rig::{at, config, folder};
use crate::sample::snapshot;

/// The database of own traffic of a data folder.
fn store(data: &Path) -> TrafficStore {
    TrafficStore::open(traffic_options(&config(""), &DataDir::new(data))).expect("it opens")
}

fn now() -> DateTime<Utc> {
    at("2026-09-01T12:00:00Z")
}

fn unknown(_: &Call) -> Resolved {
    Resolved::default()
}

/// A call of 1,000 prompt tokens, 600 of them cached, `second` seconds after a fixed time.
fn call(id: Option<&str>, second: i64) -> Call {
    let started_at = Some(at("2026-08-10T10:00:00Z") + TimeDelta::seconds(second));
    Call {
        line: second.unsigned_abs() + 1,
        id: id.map(Into::into),
        id_kind: if id.is_some() { IdKind::Generation } else { IdKind::Position },
        started_at,
        ended_at: started_at.map(|start| start + TimeDelta::milliseconds(2_500)),
        zone_known: true,
        session: Some("s-1".into()),
        session_kind: SessionKind::Given,
        platform: Some("openrouter".into()),
        model_served: Some("wren/lark-2".into()),
        raw: RawCounts { input: Some(1_000), read: Some(600), output: Some(50), ..RawCounts::default() },
        rule: Rule { input: InputRule::IncludesRead, output: OutputRule::IncludesReasoning },
        paid: Some(0.25),
        paid_kind: PaidKind::Billed,
        ..Call::default()
    }
}

/// A file with these calls; its digest follows from its name and version.
fn log(path: &str, version: &str, format_id: &str, calls: Vec<Call>) -> LogFile {
    LogFile {
        context: FileContext { path: path.into(), ..FileContext::default() },
        format: format(format_id).expect("a format"),
        found: Found { calls, ..Found::default() },
        decisions: Vec::new(),
        sha256: format!("{path} {version}"),
        bytes: 100,
    }
}

const CSV: &str = "openrouter-activity-csv";
const USAGE: &str = "openrouter-usage";

fn import(store: &TrafficStore, file: &LogFile) -> Imported {
    store.import(file, None, now(), &unknown).expect("imported")
}

fn merge(store: &TrafficStore, file: &LogFile) -> Imported {
    let options = ImportOptions { source: None, merge: true, now: now() };
    store.import_with(file, &options, &unknown).expect("imported")
}

fn count(store: &TrafficStore) -> usize {
    store.calls(&CallFilter::default()).expect("readable").len()
}

/// Every value of the tables of own traffic as text.
#[allow(clippy::disallowed_methods)]
fn all_text(data: &Path) -> String {
    let file = duckdb::Connection::open(DataDir::new(data).traffic()).expect("the file opens");
    let mut all = String::new();
    for table in ["call", "log_file"] {
        let mut statement =
            file.prepare(&format!("SELECT CAST(t AS VARCHAR) FROM {table} t")).expect("a query");
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("it runs");
        rows.for_each(|row| all.push_str(&row.expect("text")));
    }
    all
}

#[test]
fn calls_come_back_as_they_were_and_in_order() {
    let data = folder();
    let store = store(data.path());
    let mut odd = call(Some("g-2"), 5);
    odd.status = Status::RateLimited;
    odd.raw = RawCounts { write_5m: Some(7), write_1h: Some(8), total: Some(15), ..RawCounts::default() };
    odd.paid = None;
    odd.paid_kind = PaidKind::Unknown;
    odd.latency_ms = Some(1_234.5);
    odd.ttft_ms = Some(250.0);
    odd.finish = Some("length".into());
    let mut sum = call(None, 1);
    sum.aggregated = Some(40);
    let imported = import(&store, &log("a.csv", "1", CSV, vec![odd.clone(), call(Some("g-1"), 0), sum]));
    assert_eq!((imported.calls, imported.unknown_models, imported.source.as_str()), (3, 3, CSV));

    let calls = store.calls(&CallFilter::default()).expect("readable");
    assert_eq!(calls.len(), 2, "a sum is no call");
    assert_eq!(calls[0].at, call(None, 0).started_at);
    assert_eq!((calls[0].tokens, calls[0].paid), (call(None, 0).tokens(), Some(0.25)));
    assert_eq!(calls[0].model.as_deref(), Some("wren/lark-2"));
    assert_eq!((calls[1].tokens, calls[1].paid, calls[1].paid_kind), (odd.tokens(), None, PaidKind::Unknown));
    assert_eq!(calls[1].status, Status::RateLimited);
    assert_eq!((calls[1].latency_ms, calls[1].ttft_ms), (Some(1_234.5), Some(250.0)));
    assert_eq!((calls[1].finish.as_deref(), calls[1].model_key.as_deref()), (Some("length"), None));

    let some = |filter: CallFilter| store.calls(&filter).expect("readable").len();
    let later = call(None, 3).started_at;
    assert_eq!(some(CallFilter { from: later, ..CallFilter::default() }), 1);
    assert_eq!(some(CallFilter { to: later, ..CallFilter::default() }), 1);
    assert_eq!(some(CallFilter { source: Some(CSV.into()), ..CallFilter::default() }), 2);
    assert_eq!(some(CallFilter { source: Some("other".into()), ..CallFilter::default() }), 0);
    assert_eq!(some(CallFilter { model: Some("wren/lark-2".into()), ..CallFilter::default() }), 0);
}

#[test]
fn a_file_of_many_batches_is_stored_whole() {
    let data = folder();
    let store = store(data.path());
    let calls: Vec<Call> = (0..40_000).map(|second| call(Some(&format!("g-{second}")), second)).collect();
    let file = log("many.csv", "1", CSV, calls);
    assert_eq!(import(&store, &file).calls, 40_000);
    let again = LogFile { sha256: "another export of the same calls".into(), ..file };
    let again = store.import(&again, Some("copy"), now(), &unknown).expect("imported");
    assert_eq!((again.calls, again.duplicates, count(&store)), (0, 40_000, 40_000));
}

#[test]
fn hostile_names_are_stored_as_they_are() {
    let data = folder();
    let store = store(data.path());
    let names = [
        "'; DROP TABLE call; --".to_owned(),
        "<script>alert(1)</script>\n\"\\".to_owned(),
        "\u{202e}evil\u{0}x".to_owned(),
        "long ".repeat(2_000),
    ];
    for (second, name) in (0..).zip(&names) {
        let mut one = call(Some(name), second);
        one.session = Some(name.as_str().into());
        one.model_served = Some(name.as_str().into());
        one.provider_name = Some(name.as_str().into());
        let file = log(name, "1", CSV, vec![one]);
        let imported = store.import(&file, Some(name), now(), &unknown).expect("imported");
        assert_eq!((imported.calls, &imported.source), (1, name));
    }
    let calls = store.calls(&CallFilter::default()).expect("readable");
    let back: Vec<&str> = calls.iter().filter_map(|call| call.model.as_deref()).collect();
    assert_eq!(back, names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(store.sources().expect("readable").len(), names.len());
}

#[test]
fn calls_without_a_session_get_a_guessed_one() {
    let data = folder();
    let store = store(data.path());
    let own = |id: &str, second, session: Option<&str>, kind| Call {
        session: session.map(Into::into),
        session_kind: kind,
        ..call(Some(id), second)
    };
    let calls = vec![
        own("g-1", 0, None, SessionKind::None),
        own("g-2", 60, Some("r-2"), SessionKind::GivenPerRequest),
        own("g-3", 61, Some("named"), SessionKind::Given),
    ];
    import(&store, &log("a.csv", "1", CSV, calls));
    let calls = store.calls(&CallFilter::default()).expect("readable");
    assert_eq!(calls[0].session, calls[1].session);
    assert!(calls[0].session.as_deref().is_some_and(|name| name.starts_with("guessed-")), "{calls:?}");
    assert_eq!((calls[0].session_kind, calls[2].session_kind), (SessionKind::Guessed, SessionKind::Given));
    assert_eq!(calls[2].session.as_deref(), Some("named"));
}

#[test]
fn models_are_looked_up_later_if_there_was_no_catalogue() {
    let data = folder();
    let store = store(data.path());
    let of = |provider: &str, tag: Option<&str>, second| Call {
        model_served: Some("northwind/atlas-3-20260901".into()),
        provider_name: Some(provider.into()),
        provider_tag: tag.map(Into::into),
        ..call(Some(&format!("g-{second}")), second)
    };
    let calls = vec![
        of("Quarry Compute", None, 0),
        of("north cloud", Some("north-cloud/eu-west"), 1),
        Call { model_served: Some("nobody/knows".into()), ..call(Some("g-9"), 2) },
    ];
    import(&store, &log("a.csv", "1", CSV, calls));
    let snapshot = snapshot();
    let catalogue = Catalogue::new(&snapshot);
    assert_eq!(store.resolve(&|call| catalogue.resolve(call)).expect("looked up"), 2);
    assert_eq!(store.resolve(&|call| catalogue.resolve(call)).expect("looked up"), 0, "only once");
    let calls = store.calls(&CallFilter::default()).expect("readable");
    assert_eq!(calls[0].model_key.as_deref(), Some("northwind/atlas-3-20260901"));
    assert_eq!(calls[0].provider_key.as_deref(), Some("quarry"));
    assert_eq!(calls[1].provider_tag.as_deref(), Some("north-cloud/eu-west"));
    assert!(calls[1].endpoint_id.is_some() && !calls[1].is_ambiguous, "{:?}", calls[1]);
    assert_eq!(calls[2].model_key, None);
    let files = store.files().expect("readable");
    assert_eq!(
        (files[0].unknown_models, files[0].ambiguous),
        (1, calls.iter().filter(|c| c.is_ambiguous).count() as i64)
    );
}

#[test]
fn an_endpoint_is_found_by_id_then_tag_then_name_and_several_are_not_guessed() {
    let mut snapshot = snapshot();
    let twin = {
        let mut twin = snapshot.models[0].endpoints[0].clone();
        twin.endpoint_id = uuid::Uuid::from_u128(77);
        twin.tag = hitrate::domain::ids::Tag::new(format!("{}/twin", twin.provider));
        twin
    };
    let (model_id, first) = (snapshot.models[0].model_id.clone(), snapshot.models[0].endpoints[0].clone());
    snapshot.models[0].endpoints.push(twin);
    let catalogue = Catalogue::new(&snapshot);
    let named = snapshot.providers.iter().find(|one| one.provider == first.provider).expect("listed");
    let named = |change: &dyn Fn(&mut Call)| {
        let mut call = Call {
            model_served: Some(format!("openrouter/{model_id}").into()),
            provider_name: Some(named.name.to_uppercase().into()),
            ..Call::default()
        };
        change(&mut call);
        catalogue.resolve(&call)
    };
    let several = named(&|_| {});
    assert!(several.ambiguous && several.endpoint_id.is_none() && several.provider_tag.is_none());
    assert_eq!(several.provider_key.as_deref(), Some(first.provider.as_str()));
    let by_tag = named(&|call| call.provider_tag = Some(first.tag.as_str().into()));
    assert_eq!(by_tag.endpoint_id.as_deref(), Some(first.endpoint_id.to_string().as_str()));
    let by_id = named(&|call| call.endpoint_id = Some(uuid::Uuid::from_u128(77).to_string().into()));
    assert!(by_id.provider_tag.as_deref().is_some_and(|tag| tag.ends_with("/twin")) && !by_id.ambiguous);
    let elsewhere = named(&|call| call.provider_name = Some("nobody's cloud".into()));
    assert_eq!((elsewhere.endpoint_id, elsewhere.ambiguous), (None, false));
    assert!(elsewhere.model_key.is_some());
}

#[test]
fn the_file_is_the_owners_alone_and_one_part_of_the_process_has_it_open() {
    let data = folder();
    let open = store(data.path());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            std::fs::metadata(DataDir::new(data.path()).traffic()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let folder = DataDir::new(data.path()).traffic().parent().expect("a folder").to_owned();
        assert_eq!(std::fs::metadata(folder).expect("there").permissions().mode() & 0o777, 0o700);
        import(&open, &log("a.csv", "1", CSV, vec![call(Some("a-1"), 0)]));
        for entry in std::fs::read_dir(DataDir::new(data.path()).traffic().parent().expect("a folder"))
            .expect("a folder")
        {
            let entry = entry.expect("readable");
            let name = entry.file_name().to_string_lossy().into_owned();
            let mode = entry.metadata().expect("there").permissions().mode();
            assert!(!name.starts_with("traffic.duckdb") || mode & 0o777 == 0o600, "{name} {mode:o}");
        }
    }
    let options = || traffic_options(&config(""), &DataDir::new(data.path()));
    let refused = TrafficStore::open_within(options(), Duration::from_millis(50)).expect_err("in use");
    assert!(matches!(&refused, StoreError::Locked { .. }), "{refused}");
    assert!(refused.to_string().contains(&format!("PID {}", std::process::id())), "{refused}");
    assert!(refused.to_string().starts_with("the database of your own traffic "), "{refused}");
    assert!(refused.to_string().contains("wait until that has ended"), "{refused}");
    let waiting = std::thread::scope(|scope| {
        let waits = scope.spawn(|| TrafficStore::open_within(options(), Duration::from_secs(60)).is_ok());
        std::thread::sleep(Duration::from_millis(100));
        drop(open);
        waits.join().expect("it ends")
    });
    assert!(waiting, "it opens as soon as it is free");
    let nothing = folder();
    let options = traffic_options(&config(""), &DataDir::new(nothing.path()));
    assert!(TrafficStore::open_existing(options).expect("no error").is_none(), "a question creates no file");
    assert!(!DataDir::new(nothing.path()).traffic().exists());
}

#[test]
fn an_import_that_breaks_off_changes_nothing() {
    let data = folder();
    let store = store(data.path());
    import(&store, &log("a.csv", "1", CSV, vec![call(Some("g-1"), 0)]));
    let second = log("b.csv", "1", CSV, vec![call(Some("g-2"), 1), call(Some("g-3"), 2)]);
    let breaks = std::panic::AssertUnwindSafe(|| {
        store.import(&second, None, now(), &|_| panic!("the import breaks off"))
    });
    assert!(std::panic::catch_unwind(breaks).is_err());
    assert_eq!((count(&store), store.files().expect("readable").len()), (1, 1));
    assert_eq!(import(&store, &second).calls, 2, "and the file can be imported");
}
