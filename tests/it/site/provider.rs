//! The page of a provider: the verdict first, the best and worst models with small charts, and one count of providers.

use super::evidence::section;
use super::{get, sample, site, site_over, tags};
use chrono::Duration;
use hitrate::domain::tier::{Lens, Tier};
use hitrate::snapshot::Snapshot;

/// The sample in which the models of `quarry` differ from their peers by these costs and points.
fn differing(values: [(f64, f64); 2]) -> Snapshot {
    let mut snapshot = sample::snapshot();
    for (model, (cost, points)) in snapshot.models.iter_mut().zip(values) {
        for endpoint in model.endpoints.iter_mut().filter(|e| e.provider.as_str() == "quarry") {
            endpoint.tokens_per_day = Some(5e7);
            for (lens, value) in [(Lens::Cost, cost), (Lens::Cache, points)] {
                endpoint.verdicts.get_mut(&lens).expect("a verdict").value = Some(value);
            }
        }
    }
    snapshot
}

#[tokio::test]
async fn the_verdict_and_the_small_charts_come_first() {
    let site = site_over(Some(differing([(0.61, -0.46), (-0.3, 0.2)])), Duration::zero());
    let page = get(&site, "/providers/quarry").await.body;
    tags("/providers/quarry", &page);
    let verdict =
        page.split("<p class=\"callout verdict\">").nth(1).and_then(|rest| rest.split("</p>").next());
    let verdict = verdict.expect("a verdict");
    assert!(
        verdict.contains("is more expensive than its peers only on some models: 1 of 2. It is cheaper on 1."),
        "{verdict}"
    );
    assert!(verdict.contains("It caches less than its peers only on some models: 1 of 2."), "{verdict}");
    let sides = section(&page, "sides");
    let (worse, better) = (sides.find("More expensive than peers"), sides.find("Cheaper than peers"));
    assert!(worse.is_some() && better.is_some(), "{sides}");
    assert!(sides.contains("<b class=\"down\">+61.0") && sides.contains("<b class=\"up\">−30.0"), "{sides}");
    assert_eq!(sides.matches("class=\"spark\"").count(), 2, "one chart a model: {sides}");
    assert!(sides.contains("−46 points") && sides.contains("aria-label=\"hit rate on "), "{sides}");
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(place("callout verdict") < place("id=\"sides\""), "the verdict is first");
    assert!(
        place("id=\"sides\"") < place("id=\"standings\"")
            && place("id=\"standings\"") < place("id=\"models\"")
    );
}

#[tokio::test]
async fn a_provider_without_peers_has_a_reason_instead_of_a_verdict() {
    let mut snapshot = sample::snapshot();
    for endpoint in snapshot.models.iter_mut().flat_map(|model| &mut model.endpoints) {
        endpoint.verdicts.clear();
    }
    let page = get(&site_over(Some(snapshot), Duration::zero()), "/providers/quarry").await.body;
    assert!(page.contains("has no model with enough traffic that other hosts serve too."), "{page}");
    assert!(section(&page, "sides").contains("No endpoint has enough traffic and peers"), "{page}");
    assert!(!page.contains("class=\"smalls\""), "{page}");
}

#[tokio::test]
async fn tiers_have_one_letter_and_their_certainty_in_words() {
    let mut snapshot = sample::snapshot();
    for row in snapshot.tier_lists.iter_mut().flat_map(|list| &mut list.providers) {
        if row.provider.as_str() == "lumen" {
            row.tier_probabilities =
                Some([(Tier::A, 0.2), (Tier::B, 0.6), (Tier::C, 0.2)].into_iter().collect());
            row.naive = Tier::A;
        }
    }
    let page = get(&site_over(Some(snapshot), Duration::zero()), "/providers/lumen").await.body;
    let words = section(&page, "standings").split("</ul>").next().expect("a list").to_owned();
    assert!(words.contains("likely B; A or C possible"), "{words}");
    assert!(words.contains("heading for A") && !words.contains("A–C"), "{words}");
    let sprout = get(&site(), "/providers/sprout").await.body;
    assert!(
        section(&sprout, "standings")
            .contains("unrated · shares only 1 model with other hosts; 3 are needed"),
        "{sprout}"
    );
}

#[tokio::test]
async fn every_number_of_providers_is_that_of_those_with_endpoints() {
    let mut snapshot = sample::snapshot();
    let all = snapshot.offering().count();
    assert_eq!(all, snapshot.summary.providers);
    let gone =
        snapshot.providers.iter_mut().find(|entry| entry.provider.as_str() == "mirage").expect("mirage");
    (gone.endpoints, gone.models) = (0, Vec::new());
    assert_eq!(snapshot.offering().count(), all - 1);
    let site = site_over(Some(snapshot), Duration::zero());
    let page = get(&site, "/providers").await.body;
    assert!(page.contains(&format!("{} providers with their tiers", all - 1)), "{page}");
    let body = page.split("<tbody>").nth(1).and_then(|rest| rest.split("</tbody>").next()).expect("a table");
    assert_eq!(body.matches("<tr>").count(), all - 1);
    assert!(!body.contains("/providers/mirage") && page.contains("/providers/mirage"), "its page stays");
    assert!(page.contains("1 without an endpoint in the newest run"), "{page}");
}
