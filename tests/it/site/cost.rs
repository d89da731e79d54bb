//! The calculator, and the cost breakdown of a session on the page of a model.

use super::evidence::section;
use super::{get, sample, site, site_over, tags};
use axum::http::StatusCode;
use chrono::Duration;
use hitrate::domain::flag::FlagKind;
use hitrate::snapshot::{ListWindow, Prices};

#[tokio::test]
async fn the_model_page_says_what_a_session_is_made_of() {
    let page = get(&site(), "/models/northwind/atlas-3").await.body;
    let section = page.split("<h2 id=\"cost\">").nth(1).expect("a section");
    assert!(section.contains("is the cheapest") && section.contains("class=\"cached\""), "{section}");
    assert!(section.contains("/cost?model=northwind%2Fatlas-3"), "it leads to the calculator");
    let solo = get(&site(), "/models/tinker/solo-1").await.body;
    assert!(!solo.contains("<h2 id=\"cost\">"), "nothing is known about its caching");
}

#[tokio::test]
async fn the_price_of_now_is_beside_the_usual_one_if_it_differs() {
    let plain = get(&site(), "/models/northwind/atlas-3").await.body;
    assert!(!plain.contains("<small>now "), "{plain}");
    let mut snapshot = sample::snapshot();
    let quarry = &mut snapshot.models[0].endpoints[0];
    let times = |price: Option<f64>, factor: f64| price.map(|price| price * factor);
    let prices = |now: &Prices, factor: f64| Prices {
        input: times(now.input, factor),
        output: times(now.output, factor),
        cache_read: times(now.cache_read, factor),
        ..Prices::default()
    };
    // Now it costs half of what it usually does.
    let [usual, lowest, highest] = [2.0, 1.0, 2.5].map(|factor| prices(&quarry.list, factor));
    quarry.list_window = Some(ListWindow { usual, lowest, highest, moves: 4, returns: 2 });
    quarry.session_cost_now.values_mut().for_each(|cost| *cost /= 2.0);
    quarry.flags.push(sample::flag(FlagKind::ScheduledPrice));
    let site = site_over(Some(snapshot), Duration::zero());
    let page = get(&site, "/models/northwind/atlas-3").await.body;
    let part = |id: &str| section(&page, id);
    assert_eq!(part("endpoints").matches("<small>now $0.120</small>").count(), 1, "{}", part("endpoints"));
    assert_eq!(part("sessions").matches("<small>now $").count(), 4, "one for each workload");
    assert_eq!(part("cost").matches("<small>now $").count(), 1, "{}", part("cost"));
    assert!(
        part("endpoints").contains("unusual price now")
            && part("endpoints").contains("below its usual price")
    );
    let calculator = get(&site, "/cost?model=northwind%2Fatlas-3").await.body;
    assert_eq!(calculator.matches("<small>now $").count(), 1, "{calculator}");
}

#[tokio::test]
async fn the_calculator_answers_its_form_without_a_script() {
    let site = site();
    let empty = get(&site, "/cost").await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(!empty.body.contains("id=\"result\""));
    let asked = "/cost?model=northwind%2Fatlas-3&workload=chat&turns=20&first_prompt=&new_input=&output=&output_cached=";
    let answer = get(&site, asked).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("Your own numbers: 20 turns") && answer.body.contains("value=\"20\""));
    tags(asked, &answer.body);
    let hour = get(&site, "/cost?model=northwind%2Fatlas-3&workload=chat&cache_ttl=1h").await;
    assert_eq!(hour.status, StatusCode::OK);
    assert!(
        hour.body.contains("cache writes are kept for an hour")
            && hour.body.contains("value=\"1h\" selected")
    );
}

#[tokio::test]
async fn the_calculator_says_what_it_does_not_understand() {
    let site = site();
    for (query, said) in [
        ("model=northwind/atlas-3&turns=many", "many"),
        ("model=northwind/atlas-3&turns=0", "<code>turns</code> is 0"),
        ("model=northwind/atlas-3&cache_ttl=2h", "2h"),
        ("model=northwind/atlas-4", "Did you mean"),
        ("model=northwind/atlas-3&workload=nonsense", "no workload"),
    ] {
        let answer = get(&site, &format!("/cost?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.body.contains(said), "{query}: {}", answer.body);
    }
    let hostile = get(&site, "/cost?model=%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert!(!hostile.body.contains("<script>alert"));
    let named = get(&site, &format!("/cost?model=tinker/solo-1&workload={}", "rag")).await.body;
    assert!(!named.contains(sample::HOSTILE_NAME) && named.contains("not compared"));
}
