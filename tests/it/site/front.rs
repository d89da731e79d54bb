//! The front page and the list of models: what comes first, what is offered, what is folded.

use super::evidence::section;
use super::{Answer, attribute, get, named, sample, site, site_over, tags};
use chrono::Duration;
use hitrate::domain::tier::{Lens, Tier};
use hitrate::snapshot::{Policy, Snapshot};

/// The place of a text on a page.
fn place(page: &str, text: &str) -> usize {
    page.find(text).unwrap_or_else(|| panic!("no `{text}` in {page}"))
}

async fn front_of(snapshot: Snapshot) -> String {
    let Answer { body, .. } = get(&site_over(Some(snapshot), Duration::zero()), "/").await;
    body
}

#[tokio::test]
async fn one_number_leads_and_the_tier_list_follows() {
    let page = get(&site(), "/").await.body;
    // 1 - 1.0144 / 1.26
    assert!(page.contains("<h1 id=\"title\"><b>19.5\u{202f}%</b> less than the traffic paid</h1>"), "{page}");
    assert!(page.contains("tested on 1,200 daily choices for 140 models"), "the size of the test");
    let order =
        ["<h1", "id=\"tiers\"", "class=\"tierlist\"", "id=\"yours\"", "id=\"week\"", "id=\"evidence\""];
    let places = order.map(|text| place(&page, text));
    assert!(places.is_sorted(), "{places:?}");
    let hero = page.split("class=\"hero\"").nth(1).and_then(|rest| rest.split("</section>").next());
    let hero = hero.expect("a hero");
    assert_eq!(hero.matches('%').count(), 1, "the other percentages are on the method page: {hero}");
}

#[tokio::test]
async fn a_test_that_saved_nothing_or_is_too_small_is_not_the_headline() {
    let with = |change: fn(&mut Snapshot)| {
        let mut snapshot = sample::snapshot();
        change(&mut snapshot);
        front_of(snapshot)
    };
    let none = with(|snapshot| snapshot.backtest = None).await;
    let small = with(|snapshot| {
        let days = snapshot.backtest.as_mut().and_then(|b| b.reported_on.as_mut()).expect("days");
        days.model_days = 99;
    })
    .await;
    let lost = with(|snapshot| {
        let days = snapshot.backtest.as_mut().and_then(|b| b.reported_on.as_mut()).expect("days");
        for row in days.policies.iter_mut().filter(|row| row.policy == Policy::Hitrate) {
            row.equal = 1.5;
        }
    })
    .await;
    for page in [none, small, lost] {
        assert!(!page.contains("less than the traffic paid"), "{page}");
        assert!(page.contains("<h1 id=\"title\">Which hosts really cache your prompts</h1>"), "{page}");
    }
}

#[tokio::test]
async fn the_method_page_has_the_other_numbers_of_the_test() {
    let page = get(&site(), "/method").await.body;
    let part = section(&page, "saving");
    assert!(part.contains("cost 19.5\u{202f}% less than the traffic paid on average"), "{part}");
    for (choice, over, saved) in [
        ("choosing by these numbers", "1.4", "–"),
        ("the cheapest host of the day before", "1.9", "0.5"),
        ("the lowest list price", "10.0", "7.8"),
        ("what the traffic paid on average", "26.0", "19.5"),
    ] {
        let row = part.split("<tr>").find(|row| row.contains(choice)).expect("a row");
        assert!(row.contains(over) && row.contains(saved), "{choice}: {row}");
    }
    let mut young = sample::snapshot();
    young.backtest = None;
    let page = get(&site_over(Some(young), Duration::zero()), "/method").await.body;
    assert!(!page.contains("perfect hindsight"), "{page}");
}

/// The addresses of the tabs of a navigation.
fn tabs(page: &str, label: &str) -> Vec<String> {
    let part = page.split(&format!("aria-label=\"{label}\"")).nth(1).unwrap_or_default();
    let part = part.split("</nav>").next().unwrap_or_default();
    part.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_lens_keeps_the_readers_place_and_one_without_data_is_not_offered() {
    let page = get(&site(), "/").await.body;
    let lenses = tabs(&page, "Lens");
    assert_eq!(lenses.len(), Lens::ALL.len());
    assert!(lenses.iter().all(|address| address.ends_with("#tiers")), "{lenses:?}");
    let workloads = tabs(&page, "Workload");
    assert!(
        workloads.len() > 1 && workloads.iter().all(|address| address.ends_with("#tiers")),
        "{workloads:?}"
    );
    let ids: Vec<String> = tags("/", &page).iter().filter_map(|tag| attribute(tag, "id")).collect();
    assert!(ids.contains(&"tiers".to_owned()), "{ids:?}");

    let mut snapshot = sample::snapshot();
    for row in snapshot
        .tier_lists
        .iter_mut()
        .filter(|list| list.lens == Lens::Reliability)
        .flat_map(|l| &mut l.providers)
    {
        row.tier = Tier::Unrated;
    }
    let site = site_over(Some(snapshot), Duration::zero());
    let lenses = tabs(&get(&site, "/").await.body, "Lens");
    assert!(!lenses.iter().any(|address| address.contains("reliability")), "{lenses:?}");
    let own = get(&site, "/?lens=reliability").await.body;
    assert!(own.contains("No tiers under this lens yet."), "{own}");
    assert!(
        tabs(&own, "Lens").iter().any(|address| address.contains("reliability")),
        "the current lens is a tab"
    );
}

#[tokio::test]
async fn your_model_is_a_field_and_the_largest_savings() {
    let page = get(&site(), "/").await.body;
    let part = section(&page, "yours");
    assert!(part.contains("action=\"/search\"") && part.contains("name=\"q\""), "a plain form: {part}");
    assert!(part.contains("data-suggest"), "{part}");
    let tiles: Vec<&str> = part.split("<li>").skip(1).collect();
    assert!(!tiles.is_empty(), "{part}");
    for tile in tiles {
        assert!(tile.contains("href=\"/models/") && tile.contains("\u{202f}%</b> less at <bdi>"), "{tile}");
    }
    let mut free = sample::snapshot();
    for endpoint in free.models.iter_mut().flat_map(|model| &mut model.endpoints) {
        endpoint.effective.input = None;
    }
    let page = front_of(free).await;
    let part = section(&page, "yours");
    assert!(
        !part.contains("less at") && part.contains("href=\"/models\""),
        "no price paid, no ranking: {part}"
    );
}

#[tokio::test]
async fn the_evidence_is_folded_and_leaves_out_what_nobody_has() {
    let page = get(&site(), "/").await.body;
    let fold = page.split("<details class=\"fold\">").nth(1).expect("a fold that is closed");
    assert!(fold.contains("<h2 id=\"evidence\">"), "{fold}");
    for column in ["Traffic mean", "Answered", "Speed", "Models", "Share", "Hit rate, 10 days"] {
        assert!(page.contains(&format!(">{column}<")), "{column}");
    }
    assert!(page.contains("href=\"#flag-phantom\"") && page.contains("id=\"flag-phantom\""), "{page}");
    assert!(page.contains("data-l=\"against peers\""), "cells name their column for narrow screens");
    let mut snapshot = sample::snapshot();
    for row in snapshot.tier_lists.iter_mut().filter(|l| l.lens == Lens::Speed).flat_map(|l| &mut l.providers)
    {
        row.traffic_mean = None;
    }
    let page = front_of(snapshot).await;
    let part = section(&page, "evidence");
    assert!(!part.contains(">Speed<"), "{part}");
    let note = part.split("no value for any provider:").nth(1).expect("a note");
    assert!(note.split("</p>").next().is_some_and(|names| names.contains("speed")), "{note}");
    let heads = part.split("<thead>").nth(1).and_then(|rest| rest.split("</thead>").next()).expect("a head");
    let row = part.split("<tbody>").nth(1).and_then(|rest| rest.split("</tr>").next()).expect("a row");
    let cells = row.matches("<td").count() + row.matches("<th ").count();
    assert_eq!(heads.matches("<th ").count(), cells, "every cell has its heading");
}

#[tokio::test]
async fn every_row_can_be_linked() {
    for path in ["/", "/models"] {
        let page = get(&site(), path).await.body;
        let tags = tags(path, &page);
        let ids: Vec<String> = tags.iter().filter_map(|tag| attribute(tag, "id")).collect();
        let anchors: Vec<String> = named(&tags, "a")
            .into_iter()
            .filter(|tag| attribute(tag, "class").as_deref() == Some("anchor"))
            .filter_map(|tag| attribute(tag, "href"))
            .collect();
        assert!(anchors.len() > 2, "{path}: {anchors:?}");
        for anchor in anchors {
            let id = anchor.trim_start_matches('#').to_owned();
            assert!(ids.contains(&id), "{path}: no row {id}");
        }
    }
}

#[tokio::test]
async fn the_list_of_models_has_a_filter_and_folds_its_variants() {
    let page = get(&site(), "/models").await.body;
    assert!(page.contains("data-filter=\"models\"") && page.contains("id=\"differs\""), "{page}");
    assert!(place(&page, "<details class=\"fold\">") < place(&page, "<h2 id=\"variants\">"), "{page}");
    assert!(place(&page, "<h2 id=\"standard\">") < place(&page, "<details class=\"fold\">"), "{page}");
    assert!(!page.contains("id=\"all-rows\""), "a short list has no rows to add");
    let mut snapshot = sample::snapshot();
    let atlas = snapshot.models[0].clone();
    snapshot.models.extend((0..60).map(|n| {
        let mut copy = atlas.clone();
        copy.model_id = format!("northwind/copy-{n}");
        copy
    }));
    let page = get(&site_over(Some(snapshot), Duration::zero()), "/models").await.body;
    assert!(page.contains("id=\"all-rows\"") && page.contains("show all 63 models"), "{page}");
    assert_eq!(
        section(&page, "standard").matches("<tr ").count(),
        63,
        "without a script, all rows are there"
    );
}

#[tokio::test]
async fn the_calculator_is_in_the_menu() {
    for path in ["/", "/models", "/cost"] {
        let page = get(&site(), path).await.body;
        assert!(tabs(&page, "Main").contains(&"/cost".to_owned()), "{path}");
    }
}
