//! What changed, as the history of the record shows it.

use super::{id, ingest, lark, price, reading, record, run};
use crate::rig::{at, folder, store, tamper};
use chrono::{DateTime, Utc};
use hitrate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField};
use hitrate::domain::ids::{ModelSlug, Variant};
use hitrate::domain::reading::{QuarantineReason, Quarantined, Reading, RunReadings};
use hitrate::domain::workload::Workload;
use hitrate::pipeline::recorded_changes;
use hitrate::store::Store;

/// Everything that changed, oldest first.
fn changes(store: &Store) -> Vec<Change> {
    let workloads = Workload::shipped().expect("shipped workloads");
    let mut changes = recorded_changes(store, &workloads, (None, None)).expect("readable").changes;
    assert!(changes.is_sorted_by_key(|change| std::cmp::Reverse(change.at)), "newest first: {changes:?}");
    changes.reverse();
    changes
}

fn kinds(changes: &[Change]) -> Vec<(ChangeKind, Option<ChangedField>)> {
    changes.iter().map(|change| (change.kind, change.field)).collect()
}

/// The time of the run at an hour of the day.
fn hour(hour: u32) -> String {
    format!("2026-08-07T{hour:02}:57:00Z")
}

fn time(of: u32) -> DateTime<Utc> {
    at(&hour(of))
}

fn changed(change: impl FnOnce(&mut Reading)) -> Reading {
    let mut reading = reading(id(1), "heron");
    change(&mut reading);
    reading
}

#[test]
fn a_price_that_moved_while_the_endpoint_was_gone_is_one_change() {
    let data = folder();
    let store = store(data.path());
    let other = reading(id(2), "crane");
    ingest(&store, &run(&hour(10), vec![reading(id(1), "heron"), other.clone()]));
    ingest(&store, &run(&hour(11), vec![other.clone()]));
    let back = changed(|one| {
        one.prices.input = price("0.25");
        one.prices.cache_read = None;
        one.prices.discount = Some(0.1 + 0.2);
    });
    ingest(&store, &run(&hour(12), vec![back.clone(), other.clone()]));
    let same = Reading {
        prices: hitrate::domain::endpoint::ListPrices { discount: Some(0.3), ..back.prices.clone() },
        ..back
    };
    ingest(&store, &run(&hour(13), vec![same, other]));
    let found = changes(&store);
    let expected = [
        (ChangeKind::EndpointGone, None),
        (ChangeKind::EndpointAppeared, None),
        (ChangeKind::PriceChanged, Some(ChangedField::Discount)),
        (ChangeKind::PriceChanged, Some(ChangedField::ListCacheRead)),
        (ChangeKind::PriceChanged, Some(ChangedField::ListInput)),
    ];
    assert_eq!(kinds(&found), expected, "the noise of a float is no change: {found:?}");
    let input = &found[4];
    assert_eq!((input.at, input.model_id.as_deref()), (time(12), Some("wren/lark-2")));
    assert_eq!(
        (&input.before, &input.after),
        (&Some(ChangeValue::Number(0.2)), &Some(ChangeValue::Number(0.25)))
    );
    assert!(input.percent.is_some_and(|percent| (percent - 25.0).abs() < 1e-9));
    assert_eq!(
        input.why,
        "input +25 % ($0.20 → $0.25), seen between the readings of 2026-08-07 10:57 and 12:57 UTC"
    );
    assert_eq!((&found[3].after, found[3].percent), (&None, None), "absent is not zero");
    let as_of = store.price_moves(time(11), DateTime::UNIX_EPOCH).expect("readable");
    assert!(as_of.is_empty(), "nothing after that time is used");
    assert_eq!(store.changed_facts(time(10), DateTime::UNIX_EPOCH).expect("readable"), Vec::new());
}

#[test]
fn facts_are_compared_one_by_one() {
    let data = folder();
    let store = store(data.path());
    ingest(&store, &run(&hour(10), vec![reading(id(1), "heron")]));
    let other = changed(|one| {
        let facts = &mut one.facts;
        (facts.restricted, facts.deranked, facts.disabled) = (Some(true), true, true);
        let stated = &mut facts.published;
        stated.quantization = Some("fp4".into());
        stated.context_length = Some(65_536);
        stated.max_completion_tokens = Some(8_192);
        stated.trains_on_prompts = Some(true);
        stated.retains_prompts = Some(false);
        stated.region = Some("eu".into());
        stated.parameters = vec!["logprobs".into(), "seed".into()];
    });
    ingest(&store, &run(&hour(11), vec![other]));
    let found = changes(&store);
    let fields: Vec<ChangedField> = found.iter().rev().filter_map(|change| change.field).collect();
    let expected = [
        ChangedField::Quantization,
        ChangedField::ContextLength,
        ChangedField::MaxCompletionTokens,
        ChangedField::Parameters,
        ChangedField::TrainsOnPrompts,
        ChangedField::RetainsPrompts,
        ChangedField::Region,
        ChangedField::Restricted,
        ChangedField::Deranked,
        ChangedField::Disabled,
    ];
    assert_eq!(fields, expected);
    let of = |field| found.iter().find(|change| change.field == Some(field)).expect("there");
    assert_eq!(of(ChangedField::ContextLength).percent, Some(-50.0));
    let names =
        |names: &[&str]| Some(ChangeValue::List(names.iter().map(|name| (*name).to_owned()).collect()));
    let parameters = of(ChangedField::Parameters);
    assert_eq!((&parameters.before, &parameters.after), (&names(&["tools"]), &names(&["logprobs", "seed"])));
    assert!(
        parameters
            .why
            .starts_with("parameters: logprobs, seed added; tools removed, seen between the readings")
    );
    assert_eq!(of(ChangedField::Region).before, None, "not published before");
}

#[test]
fn an_announced_end_is_announced_moved_and_withdrawn() {
    let data = folder();
    let store = store(data.path());
    let ending = |day: Option<&str>| {
        changed(|one| {
            one.facts.published.created_at = Some(at("2026-01-02T00:00:00Z"));
            one.facts.published.deprecation_date = day.map(|day| at(&format!("{day}T00:00:00Z")));
        })
    };
    for (number, day) in [None, Some("2026-09-01"), Some("2026-10-01"), None].into_iter().enumerate() {
        ingest(&store, &run(&hour(10 + number as u32), vec![ending(day)]));
    }
    let found = changes(&store);
    assert!(
        found.iter().all(|change| change.kind == ChangeKind::Deprecation) && found.len() == 3,
        "{found:?}"
    );
    let texts: Vec<&str> =
        found.iter().map(|change| change.why.split(", seen between").next().expect("a text")).collect();
    assert_eq!(
        texts,
        [
            "end of the offer announced for 2026-09-01",
            "announced end moved from 2026-09-01 to 2026-10-01",
            "announced end of 2026-10-01 withdrawn"
        ]
    );
    assert_eq!(found[0].after, Some(ChangeValue::Text("2026-09-01T00:00:00Z".into())));
}

#[test]
fn a_row_of_the_documented_source_alone_says_nothing_about_the_other_facts() {
    let data = folder();
    let store = store(data.path());
    let full = changed(|one| one.facts.published.region = Some("eu".into()));
    let bare = changed(|one| {
        one.facts.endpoint_id = None;
        one.facts.published.trains_on_prompts = None;
    });
    ingest(&store, &run(&hour(10), vec![full.clone()]));
    ingest(&store, &run(&hour(11), vec![bare]));
    ingest(&store, &run(&hour(12), vec![full.clone()]));
    assert_eq!(kinds(&changes(&store)), []);
    let moved = Reading {
        facts: hitrate::domain::endpoint::EndpointFacts { disabled: true, ..full.facts.clone() },
        ..full
    };
    ingest(&store, &run(&hour(13), vec![moved]));
    assert_eq!(kinds(&changes(&store)), [(ChangeKind::EndpointChanged, Some(ChangedField::Disabled))]);
}

#[test]
fn facts_that_a_later_version_reads_first_did_not_change_then() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run(&hour(10), vec![reading(id(1), "heron"), reading(id(2), "crane")]));
    let known = |number, tag: &str, limit: Option<i64>| {
        let mut one = reading(id(number), tag);
        one.facts.published.created_at = Some(at("2026-01-02T00:00:00Z"));
        one.facts.published.max_prompt_tokens = limit;
        one.prices.cache_write_1h = limit.and_then(|_| price("0.4"));
        one
    };
    // Only one of the two is read by the first run of the new version.
    let mut first = run(&hour(11), vec![known(1, "heron", Some(99))]);
    first.incomplete.push((lark(), Variant::standard()));
    ingest(&opened, &first);
    ingest(&opened, &run(&hour(12), vec![known(1, "heron", Some(99)), known(2, "crane", Some(50))]));
    let none = kinds(&changes(&opened));
    assert!(none.is_empty(), "{none:?}");
    ingest(&opened, &run(&hour(13), vec![known(1, "heron", Some(98)), known(2, "crane", None)]));
    let found = kinds(&changes(&opened));
    let limits = found.iter().filter(|(_, field)| *field == Some(ChangedField::MaxPromptTokens)).count();
    let writes = found.iter().filter(|(_, field)| *field == Some(ChangedField::ListCacheWrite1h)).count();
    assert_eq!((limits, writes, found.len()), (2, 1, 3), "{found:?}");
}

fn with_models(time: &str, names: &[&str]) -> RunReadings {
    let mut run = run(time, vec![reading(id(1), "heron")]);
    let first = run.models[0].clone();
    run.models.extend(names.iter().map(|name| hitrate::domain::endpoint::Model {
        model: ModelSlug::new(format!("{name}-20260101")),
        model_id: (*name).to_owned(),
        ..first.clone()
    }));
    run
}

#[test]
fn models_come_and_go_and_an_unreadable_list_proves_nothing() {
    let data = folder();
    let store = store(data.path());
    ingest(&store, &with_models(&hour(10), &["wren/robin-1"]));
    ingest(&store, &with_models(&hour(11), &["wren/robin-1", "wren/finch-1"]));
    let mut unreadable = with_models(&hour(12), &["wren/finch-1"]);
    unreadable.quarantined.push(Quarantined {
        reason: QuarantineReason::Undecodable,
        kind: hitrate::domain::ids::DocumentName::new("models"),
        model: None,
        variant: None,
        path: "$.data[1]".into(),
        detail: "no id".into(),
        tokens: None,
        sha256: String::new(),
    });
    ingest(&store, &unreadable);
    ingest(&store, &with_models(&hour(13), &["wren/robin-1", "wren/finch-1"]));
    ingest(&store, &with_models(&hour(14), &["wren/robin-1"]));
    let found = changes(&store);
    let told: Vec<(ChangeKind, &str, DateTime<Utc>)> = found
        .iter()
        .map(|change| (change.kind, change.model_id.as_deref().expect("a model"), change.at))
        .collect();
    assert_eq!(
        told,
        [
            (ChangeKind::ModelAppeared, "wren/finch-1", time(11)),
            (ChangeKind::ModelGone, "wren/finch-1", time(14)),
        ]
    );
    assert_eq!(found[0].model, Some(ModelSlug::new("wren/finch-1-20260101")));
}

#[test]
fn suspect_and_failed_runs_and_the_first_run_make_no_changes() {
    let data = folder();
    let opened = store(data.path());
    let dearer = changed(|one| one.prices.input = price("9"));
    for (number, status) in [(10, "ok"), (11, "suspect"), (12, "failed")] {
        let readings = if status == "ok" { vec![reading(id(1), "heron")] } else { vec![dearer.clone()] };
        let run = run(&hour(number), readings);
        opened.ingest(&record(&run, status), &run).expect("stored");
    }
    assert_eq!(kinds(&changes(&opened)), []);
}

#[test]
fn endpoints_of_a_model_that_the_first_runs_did_not_answer_do_not_appear() {
    let data = folder();
    let opened = store(data.path());
    let mut first = run(&hour(10), Vec::new());
    first.unanswered.push((lark(), Variant::standard()));
    opened.ingest(&record(&first, "partial"), &first).expect("stored");
    ingest(&opened, &run(&hour(11), vec![reading(id(1), "heron")]));
    assert_eq!(kinds(&changes(&opened)), []);
    ingest(&opened, &run(&hour(12), vec![reading(id(1), "heron"), reading(id(2), "crane")]));
    assert_eq!(kinds(&changes(&opened)), [(ChangeKind::EndpointAppeared, None)]);
}

#[test]
fn the_stored_events_of_an_older_version_are_dropped() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run(&hour(10), vec![reading(id(1), "heron")]));
    ingest(&opened, &run(&hour(11), vec![changed(|one| one.prices.input = price("0.25"))]));
    let before = changes(&opened);
    drop(opened);
    tamper(
        data.path(),
        "CREATE TABLE event (run_no INTEGER NOT NULL, seen_at TIMESTAMP NOT NULL, kind VARCHAR NOT NULL,
            endpoint_no INTEGER, detail VARCHAR NOT NULL);
         INSERT INTO event VALUES (2, '2026-08-07 11:57:00', 'price_changed', 1, 'list price changed');
         DELETE FROM schema_migration WHERE version = 15",
    );
    let opened = store(data.path());
    assert_eq!(changes(&opened), before);
    drop(opened);
    let left =
        crate::rig::column(data.path(), "SELECT table_name FROM duckdb_tables() WHERE table_name = 'event'");
    assert!(left.is_empty());
}
