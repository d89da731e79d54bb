//! The contract of `hitrate share`.

use super::{assert_keys, filled};
use crate::binary::hitrate;
use hitrate::domain::share::CAUTION;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn share_prints_the_document_of_the_api_and_its_flaw() {
    let (data, model) = filled().await;
    let all = hitrate(data.path(), &["share", "--json"]).json();
    assert_keys(&all, "model_id,caution,days,concentration,shares,by_provider,jumps");
    assert_eq!((&all["caution"], all["model_id"].is_null()), (&CAUTION.into(), true), "{all}");
    let of_model = hitrate(data.path(), &["share", "--model", &model, "--json"]).json();
    assert_eq!(of_model["model_id"], model.as_str(), "{of_model}");
    let rows = of_model["shares"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["endpoint_id"].is_string() && row["by_day"].is_array()), "{of_model}");
    let text = hitrate(data.path(), &["share", "--model", &model, "--table", "text"]);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.out.contains("not a measure of quality") && text.out.contains(&model), "{text:?}");
    let tsv = hitrate(data.path(), &["share"]);
    assert!(
        tsv.out.starts_with("provider\ttag\tendpoint_id\ttokens_per_day\tshare\tshare_before\n"),
        "{tsv:?}"
    );
    let unknown = hitrate(data.path(), &["share", "--model", "nothing/like-it"]);
    assert!(unknown.code != 0 && unknown.err.contains("nothing/like-it"), "{unknown:?}");
}
