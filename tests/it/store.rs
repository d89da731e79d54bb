//! The record: what a run changes, and what nothing may change.

mod by_hour;
mod changes;
mod closing;
mod days;
mod export;
mod export_days;
mod files;
mod hourly;
mod imported;
mod midnight;
mod recommendations;
mod seasons;
mod shifts;
mod suspect;

use std::collections::BTreeMap;

use hitrate::domain::change::ChangedField;
use hitrate::domain::endpoint::{EndpointFacts, ListPrices, Model, Provider, PublishedFacts};
use hitrate::domain::finding::{Check, Finding, Findings};
use hitrate::domain::ids::{DocumentName, ModelSlug, ProviderSlug, Tag, Variant, synthetic_endpoint_id};
use hitrate::domain::reading::{
    Health, QuarantineReason, Quarantined, Reading, RunReadings, RunStatus, Usage,
};
use hitrate::domain::units::{HitRate, UsdPerMtok};
use hitrate::domain::window::WindowKind;
use hitrate::store::{Ingested, RunRecord, Store, StoreError};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::rig::{at, column, dump, folder, rows, store};

fn lark() -> ModelSlug {
    ModelSlug::new("wren/lark-2-20260101")
}

fn id(number: u128) -> Option<Uuid> {
    Some(Uuid::from_u128(number))
}

/// A reading of an endpoint of the one model, at 0.20 USD in, half of it cached.
fn reading(id: Option<Uuid>, tag: &str) -> Reading {
    Reading {
        facts: EndpointFacts {
            model: lark(),
            variant: Variant::standard(),
            endpoint_id: id,
            tag: Tag::new(tag),
            provider: ProviderSlug::of_tag(&Tag::new(tag)),
            provider_name: "Heron, \"the\" cloud".into(),
            restricted: Some(false),
            published: PublishedFacts {
                quantization: Some("fp8".into()),
                context_length: Some(131_072),
                trains_on_prompts: Some(false),
                parameters: vec!["tools".into()],
                ..PublishedFacts::default()
            },
            ..EndpointFacts::default()
        },
        prices: ListPrices {
            input: price("0.2"),
            output: price("1"),
            cache_read: price("0.02"),
            ..ListPrices::default()
        },
        health: Health { status: Some(0), uptime_30m: Some(0.99), ..Health::default() },
        usage: Some(Usage {
            hit_rate: HitRate::new(0.5),
            tokens: Some(1_000_000_000_000),
            effective_input: Some(0.11),
            effective_output: Some(1.0),
            day: None,
            read_at: None,
        }),
        closing_prices: BTreeMap::new(),
    }
}

fn price(text: &str) -> Option<UsdPerMtok> {
    Some(UsdPerMtok(text.parse::<Decimal>().expect("a price")))
}

fn run(time: &str, readings: Vec<Reading>) -> RunReadings {
    RunReadings {
        observed_at: at(time),
        window_kind: WindowKind::DayToDate,
        models: vec![Model {
            model: lark(),
            variant: Variant::standard(),
            model_id: "wren/lark-2".into(),
            name: "Lark".into(),
            created: None,
            context_length: Some(131_072),
            is_free: None,
            aliases: Vec::new(),
        }],
        providers: vec![Provider {
            provider: ProviderSlug::new("heron"),
            name: "Heron".into(),
            headquarters: None,
            status_page: None,
            privacy_policy: None,
            terms_of_service: None,
        }],
        readings,
        ..RunReadings::default()
    }
}

fn record(run: &RunReadings, status: &str) -> RunRecord {
    RunRecord {
        run_id: run.observed_at.format("%Y%m%dT%H%M%SZ").to_string(),
        status: RunStatus::parse(status).expect("a status"),
        upstream: "http://127.0.0.1:1".into(),
        upstream_name: "openrouter".into(),
        simulated: false,
        requests: 3,
        documents: 3,
        duration_ms: 5,
        activity: false,
        failures: Vec::new(),
        findings: Findings::default(),
    }
}

fn ingest(store: &Store, run: &RunReadings) -> Ingested {
    store.ingest(&record(run, "ok"), run).expect("the run is stored")
}

#[test]
fn the_same_run_twice_changes_nothing() {
    let data = folder();
    let mut first = run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron"), reading(id(2), "crane/fp8")]);
    let day = "2026-08-06".parse().expect("a day");
    first.readings[0].closing_prices.insert(day, (Some(0.1), None));
    let opened = store(data.path());
    assert_eq!(ingest(&opened, &first), Ingested::Stored);
    drop(opened);
    let before = dump(data.path());
    let opened = store(data.path());
    assert_eq!(ingest(&opened, &first), Ingested::Known);
    // Even with a different account: the id decides.
    let other = RunRecord { requests: 99, ..record(&first, "partial") };
    assert_eq!(
        opened.ingest(&other, &run("2026-08-07T10:57:00Z", Vec::new())).expect("known"),
        Ingested::Known
    );
    drop(opened);
    assert_eq!(dump(data.path()), before);
    assert!(before.iter().any(|(table, rows)| table == "stored_reading" && rows.len() == 2));
}

/// The kinds and tags of everything that changed, newest first.
pub fn told(store: &Store) -> Vec<String> {
    let workloads = hitrate::domain::workload::Workload::shipped().expect("shipped workloads");
    let recorded = hitrate::pipeline::recorded_changes(store, &workloads, (None, None)).expect("readable");
    let text = |change: &hitrate::domain::change::Change| {
        format!("{} {}", change.kind, change.tag.as_ref().map_or("", |tag| tag.as_str()))
    };
    recorded.changes.iter().map(text).collect()
}

#[test]
fn history_rows_are_written_only_on_change() {
    let data = folder();
    let opened = store(data.path());
    let mut dearer = reading(id(1), "heron");
    dearer.prices.input = price("0.25");
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]));
    ingest(&opened, &run("2026-08-07T11:57:00Z", vec![reading(id(1), "heron")]));
    ingest(&opened, &run("2026-08-07T12:57:00Z", vec![dearer.clone()]));
    ingest(&opened, &run("2026-08-07T13:57:00Z", vec![dearer]));
    let [moved] =
        &opened.price_moves(at("2026-08-08T00:00:00Z"), chrono::DateTime::UNIX_EPOCH).expect("readable")[..]
    else {
        panic!("one move")
    };
    assert_eq!(moved.endpoint.model_id.as_deref(), Some("wren/lark-2"));
    assert_eq!(moved.last_read, Some(at("2026-08-07T11:57:00Z")));
    assert_eq!(moved.numbers(), [(ChangedField::ListInput, Some(0.2), Some(0.25))]);
    assert!(
        opened
            .price_moves(at("2026-08-07T12:00:00Z"), chrono::DateTime::UNIX_EPOCH)
            .expect("readable")
            .is_empty(),
        "not known then"
    );
    drop(opened);
    let prices = rows(
        data.path(),
        "SELECT CAST(list_input AS DOUBLE) AS p, valid_from AS f, valid_to AS t FROM price_history ORDER BY f",
    );
    let expected = [
        "{'p': 0.2, 'f': '2026-08-07 10:57:00', 't': '2026-08-07 12:57:00'}",
        "{'p': 0.25, 'f': '2026-08-07 12:57:00', 't': NULL}",
    ];
    assert_eq!(prices, expected);
    for table in ["endpoint", "endpoint_history", "model_history", "provider_history"] {
        assert_eq!(rows(data.path(), &format!("SELECT 1 FROM {table}")).len(), 1, "{table}");
    }
    assert_eq!(rows(data.path(), "SELECT 1 FROM reading").len(), 4);
}

#[test]
fn an_alias_has_one_target_at_a_time_and_keeps_it_without_a_list_of_models() {
    let data = folder();
    let opened = store(data.path());
    let listed = |time: &str, aliases: &[&str]| {
        let mut run = run(time, vec![reading(id(1), "heron")]);
        run.models[0].aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        run
    };
    ingest(&opened, &listed("2026-08-07T10:57:00Z", &["~wren/lark-latest", "~wren/newest"]));
    let mut without = listed("2026-08-07T11:57:00Z", &[]);
    without.models.clear();
    ingest(&opened, &without);
    ingest(&opened, &listed("2026-08-07T12:57:00Z", &["~wren/newest"]));
    let aliases = |time: &str| -> Vec<String> {
        opened.models(at(time)).expect("readable").into_iter().flat_map(|model| model.aliases).collect()
    };
    assert_eq!(aliases("2026-08-07T10:58:00Z"), ["~wren/lark-latest", "~wren/newest"]);
    assert_eq!(aliases("2026-08-07T12:58:00Z"), ["~wren/newest"]);
    drop(opened);
    let kept = column(
        data.path(),
        "SELECT concat_ws(' ', alias, model_id, strftime(valid_from, '%H:%M'), strftime(valid_to, '%H:%M')) FROM alias_history \
         ORDER BY alias",
    );
    let expected = ["~wren/lark-latest wren/lark-2 10:57 12:57", "~wren/newest wren/lark-2 10:57"];
    assert_eq!(kept, expected);
}

#[test]
fn an_unanswered_pair_keeps_what_is_known_of_it() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]));
    let mut silent = run("2026-08-07T11:57:00Z", Vec::new());
    silent.unanswered.push((lark(), Variant::standard()));
    ingest(&opened, &silent);
    assert!(told(&opened).is_empty());
    drop(opened);
    for table in ["endpoint_history", "price_history"] {
        let open = rows(data.path(), &format!("SELECT 1 FROM {table} WHERE valid_to IS NULL"));
        assert_eq!(open.len(), 1, "{table}");
    }
}

#[test]
fn an_endpoint_that_is_gone_is_closed_with_an_event_and_may_come_back() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron"), reading(id(2), "crane")]));
    ingest(&opened, &run("2026-08-07T11:57:00Z", vec![reading(id(1), "heron/fp8")]));
    ingest(&opened, &run("2026-08-07T12:57:00Z", vec![reading(id(1), "heron/fp8"), reading(id(2), "crane")]));
    let expected = ["endpoint_appeared crane", "endpoint_gone crane", "tag_changed heron/fp8"];
    assert_eq!(told(&opened), expected);
    let now = |time: &str| {
        let endpoints = opened.endpoints(at(time)).and_then(|now| now.rows()).expect("readable");
        endpoints.into_iter().map(|e| e.facts.tag.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(now("2026-08-07T11:58:00Z"), ["heron/fp8"], "as it was known then");
    assert_eq!(now("2026-08-07T13:00:00Z").len(), 2);
    drop(opened);
    assert_eq!(rows(data.path(), "SELECT 1 FROM endpoint").len(), 2, "the same endpoint, not a third one");
}

#[test]
fn a_run_out_of_order_is_refused_and_changes_nothing() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]));
    drop(opened);
    let before = dump(data.path());
    let opened = store(data.path());
    let late = run("2026-08-07T09:57:00Z", vec![reading(id(2), "crane")]);
    let refused = opened.ingest(&record(&late, "ok"), &late).expect_err("refused");
    assert!(matches!(refused, StoreError::OutOfOrder { .. }), "{refused}");
    let told = refused.to_string();
    assert!(
        told.contains("2026-08-07T09:57") && told.contains("2026-08-07T10:57") && told.contains("replay")
    );
    drop(opened);
    assert_eq!(dump(data.path()), before);
}

#[test]
fn a_failed_run_leaves_its_account_and_can_be_tried_again() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]));
    drop(opened);
    let history = |before: &[(String, Vec<String>)]| {
        let account = ["run", "run_source", "quarantine", "drift"];
        before.iter().filter(|(table, _)| !account.contains(&table.as_str())).cloned().collect::<Vec<_>>()
    };
    let before = history(&dump(data.path()));
    let opened = store(data.path());
    let mut failed = run("2026-08-07T11:57:00Z", Vec::new());
    failed.models.clear();
    let (reason, kind) = (QuarantineReason::Undecodable, DocumentName::new("models"));
    failed.quarantined.push(Quarantined::new(reason, kind, None, "$", "no JSON".into(), "00"));
    let account = RunRecord { failures: vec!["GET /x: no answer".into()], ..record(&failed, "failed") };
    assert_eq!(opened.ingest(&account, &failed).expect("the account is kept"), Ingested::Stored);
    let newest = opened.newest_run(None).expect("readable").expect("a run");
    assert_eq!(
        newest.run.observed_at,
        at("2026-08-07T10:57:00Z"),
        "a failed run does not count as the newest run"
    );
    let told = opened.runs(at("2026-08-08T00:00:00Z"), 9).expect("readable");
    assert_eq!((told[0].run.status.as_str(), told[0].run.failures.len()), ("failed", 1));
    drop(opened);
    assert_eq!(history(&dump(data.path())), before);

    let opened = store(data.path());
    assert_eq!(
        ingest(&opened, &run("2026-08-07T11:57:00Z", vec![reading(id(1), "heron")])),
        Ingested::Stored
    );
    assert_eq!(opened.runs(at("2026-08-08T00:00:00Z"), 9).expect("readable").len(), 2);
    assert!(opened.quarantined(at("2026-08-08T00:00:00Z")).expect("readable").is_empty());
    drop(opened);
    let numbers = rows(data.path(), "SELECT count(DISTINCT run_no) AS n, count(*) AS m FROM run");
    assert_eq!(numbers, ["{'n': 2, 'm': 2}"]);
}

#[test]
fn an_endpoint_stays_the_same_when_its_uuid_becomes_known_and_unknown_again() {
    let data = folder();
    let opened = store(data.path());
    let known =
        |time: &str| opened.endpoints(at(time)).and_then(|now| now.rows()).expect("readable")[0].endpoint_id;
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(None, "heron")]));
    let stand_in = synthetic_endpoint_id(&lark(), &Variant::standard(), &Tag::new("heron"));
    assert_eq!(known("2026-08-07T11:00:00Z"), stand_in);
    ingest(&opened, &run("2026-08-07T11:57:00Z", vec![reading(id(7), "heron")]));
    assert_eq!(Some(known("2026-08-07T12:00:00Z")), id(7));
    ingest(&opened, &run("2026-08-07T12:57:00Z", vec![reading(None, "heron")]));
    assert_eq!(Some(known("2026-08-07T13:00:00Z")), id(7));
    assert!(told(&opened).is_empty());
    drop(opened);
    assert_eq!(rows(data.path(), "SELECT synthetic AS s FROM endpoint"), ["{'s': false}"]);
    assert_eq!(rows(data.path(), "SELECT DISTINCT endpoint_no FROM reading").len(), 1);
}

#[test]
fn two_endpoints_under_one_tag_are_never_taken_for_one_another() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron"), reading(id(2), "heron")]));
    ingest(&opened, &run("2026-08-07T11:57:00Z", vec![reading(None, "heron")]));
    let endpoints =
        opened.endpoints(at("2026-08-07T12:00:00Z")).and_then(|now| now.rows()).expect("readable");
    assert_eq!(endpoints.len(), 1);
    assert!(
        ![id(1), id(2)].contains(&Some(endpoints[0].endpoint_id)),
        "a third one: the upstream does not state which of the two it is"
    );
}

#[test]
fn a_change_of_the_window_is_an_event() {
    let data = folder();
    let opened = store(data.path());
    let mut hourly = run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]);
    hourly.window_kind = WindowKind::Hour;
    ingest(&opened, &hourly);
    let mut unknown = run("2026-08-07T11:57:00Z", vec![reading(id(1), "heron")]);
    unknown.window_kind = WindowKind::Unknown;
    ingest(&opened, &unknown);
    assert_eq!(
        opened.last_window_kind(at("2026-08-07T12:00:00Z")).expect("readable"),
        Some(WindowKind::Hour)
    );
    ingest(&opened, &run("2026-08-07T12:57:00Z", vec![reading(id(1), "heron")]));
    let [moved] = &opened.window_moves(at("2026-08-08T00:00:00Z")).expect("readable")[..] else {
        panic!("one move")
    };
    assert_eq!((moved.before, moved.after), (WindowKind::Hour, WindowKind::DayToDate));
    assert_eq!(told(&opened), ["window_changed "]);
}
