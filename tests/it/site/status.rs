//! The status page: the verdict, the bars of the last runs; and the page of changes.

use super::{get, sample, site, site_over, tags};
use chrono::Duration;
use hitrate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField};
use hitrate::domain::reading::RunStatus;
use hitrate::domain::record::Trouble;

#[tokio::test]
async fn the_verdict_is_the_worst_of_what_is_known() {
    let well = get(&site(), "/status").await.body;
    let mut snapshot = sample::snapshot();
    let newest = snapshot.status.runs[0].status;
    assert!(newest != RunStatus::Ok || well.contains("All is well: the newest run read"), "{well}");
    for (status, said) in [
        (RunStatus::Ok, "All is well"),
        (RunStatus::Partial, "Working, with gaps"),
        (RunStatus::Failed, "The newest run failed"),
    ] {
        snapshot.status.runs[0].status = status;
        let page = get(&site_over(Some(snapshot.clone()), Duration::zero()), "/status").await.body;
        assert!(page.contains(said), "{status}: {page}");
        assert_eq!(page.contains("callout trouble"), status != RunStatus::Ok, "{status}");
    }
    snapshot.status.runs[0].status = RunStatus::Ok;
    let old = get(&site_over(Some(snapshot.clone()), Duration::hours(30)), "/status").await.body;
    assert!(old.contains("no run has succeeded") && !old.contains("All is well"), "{old}");
    snapshot.status.runs.clear();
    let none = get(&site_over(Some(snapshot), Duration::zero()), "/status").await.body;
    assert!(none.contains("No run is recorded yet.") && !none.contains("class=\"beats\""), "{none}");
}

#[tokio::test]
async fn trouble_is_reported_with_its_beginning_its_reason_and_the_next_run() {
    let mut snapshot = sample::snapshot();
    let as_of = snapshot.as_of;
    snapshot.status.trouble = Some(Trouble {
        status: RunStatus::Failed,
        since: as_of - Duration::hours(4),
        runs: 5,
        last_good: Some(as_of - Duration::hours(5)),
        reason: Some("GET https://up.example/<script>alert(1)</script>: cannot connect".to_owned()),
    });
    snapshot.next_run = Some(as_of + Duration::hours(1));
    let page = get(&site_over(Some(snapshot.clone()), Duration::zero()), "/status").await.body;
    tags("/status", &page);
    for part in ["The last 5 runs failed, since ", "The last good run was at ", "The next run is due at "] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("cannot connect") && !page.contains("<script>alert"), "{page}");
    // The time of the next run is over: nothing is claimed about it.
    let old = get(&site_over(Some(snapshot.clone()), Duration::hours(2)), "/status").await.body;
    assert!(!old.contains("The next run is due at "), "{old}");
    (snapshot.status.trouble, snapshot.next_run) = (None, None);
    let well = get(&site_over(Some(snapshot), Duration::zero()), "/status").await.body;
    assert!(!well.contains("runs failed, since") && !well.contains("The next run"), "{well}");
}

#[tokio::test]
async fn the_bars_show_the_last_runs_with_a_text_for_each() {
    let mut snapshot = sample::snapshot();
    let run = snapshot.status.runs[0].clone();
    snapshot.status.runs = (0..80)
        .map(|ago| {
            let mut run = run.clone();
            run.observed_at -= Duration::hours(ago);
            run.status = if ago == 3 { RunStatus::Failed } else { RunStatus::Ok };
            run
        })
        .collect();
    let page = get(&site_over(Some(snapshot), Duration::zero()), "/status").await.body;
    tags("/status", &page);
    let bars =
        page.split("<svg class=\"beats\"").nth(1).and_then(|rest| rest.split("</svg>").next()).expect("bars");
    assert_eq!((bars.matches("<rect").count(), bars.matches("<title>").count()), (72, 72), "{bars}");
    assert!(bars.contains("71 of the last 72 runs were complete; 1 failed."), "{bars}");
    let failed: Vec<usize> = bars
        .split("<rect")
        .skip(1)
        .enumerate()
        .filter(|(_, bar)| bar.contains("\"failed\""))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(failed, [68], "the newest is at the right");
}

#[tokio::test]
async fn changes_are_sentences_with_percentages() {
    let mut snapshot = sample::snapshot();
    let event = |kind: ChangeKind, model: &str, tag: &str, why: &str| {
        sample::change(kind, Some(model), Some(tag), 0, why)
    };
    let price = |field: ChangedField, before: f64, after: f64| Change {
        field: Some(field),
        before: Some(ChangeValue::Number(before)),
        after: Some(ChangeValue::Number(after)),
        ..event(ChangeKind::PriceChanged, "northwind/atlas-3", "quarry/fp8", "a price")
    };
    snapshot.changes = vec![
        event(ChangeKind::EndpointGone, "openai/gpt-9", "quarry", "endpoint quarry was removed"),
        price(ChangedField::ListInput, 0.1, 0.078),
        price(ChangedField::ListOutput, 0.2, 0.156),
        event(ChangeKind::Outage, "northwind/atlas-3", "lumen", "in a form of its own"),
    ];
    let site = site_over(Some(snapshot), Duration::zero());
    let page = get(&site, "/changes").await.body;
    tags("/changes", &page);
    assert!(
        page.contains("<a href=\"/providers/quarry\"><bdi>Quarry Compute</bdi></a> no longer serves <bdi>openai/gpt-9</bdi>"),
        "{page}"
    );
    assert!(
        page.contains("<b class=\"up\" aria-hidden=\"true\">↓</b>")
            && page.contains("−22\u{202f}% (input $0.10 → $0.078"),
        "{page}"
    );
    assert!(page.contains("in a form of its own"), "{page}");
    assert_eq!(page.matches("list price of").count(), 1, "the prices of one run are one line: {page}");
    let feed = get(&site, "/changes.atom").await.body;
    assert!(feed.contains("<title>Quarry Compute no longer serves openai/gpt-9</title>"), "{feed}");
    assert!(
        feed.contains("<title>Outage of northwind/atlas-3 at lumen since 2026-10-05 15:57 UTC</title>"),
        "{feed}"
    );
    let provider = get(&site, "/providers/quarry").await.body;
    assert!(
        provider.contains("no longer serves") && !provider.contains("in a form of its own"),
        "{provider}"
    );
}

#[tokio::test]
async fn changes_of_recommendations_are_listed_among_the_others_in_pages() {
    let mut snapshot = sample::snapshot();
    let recommendation = |hours: i64| {
        let why = format!("quarry/fp8 → lumen, change {hours}.");
        sample::change(ChangeKind::RecommendationChanged, Some("northwind/atlas-3"), None, hours, &why)
    };
    let price =
        sample::change(ChangeKind::StatusChanged, Some("northwind/atlas-3"), None, 500, "the oldest change");
    snapshot.changes = vec![recommendation(2), price.clone()];
    let page = get(&site_over(Some(snapshot.clone()), Duration::zero()), "/changes").await.body;
    assert!(page.contains("tiers and recommendations, newest first"), "{page}");
    let first = page.find("quarry/fp8 → lumen, change 2.").expect("the change of a recommendation");
    assert!(first < page.find("the oldest change").expect("the change of a price"), "newest first: {page}");
    snapshot.changes = (1..=130).map(recommendation).chain([price]).collect();
    let page = get(&site_over(Some(snapshot), Duration::zero()), "/changes").await.body;
    assert!(page.contains("change 100.") && !page.contains("change 101."), "{page}");
    assert!(
        page.contains("<b>131</b> of 131 changes") && page.contains("href=\"/changes?page=2\""),
        "{page}"
    );
}
