//! The calculator, and the cost breakdown of a session on the page of a model.

use super::{get, sample, site, tags};
use axum::http::StatusCode;

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
        ("model=northwind/atlas-3&turns=0", "`turns` is 0"),
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
