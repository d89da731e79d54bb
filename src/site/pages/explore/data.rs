//! The explorer's results for programs.

use super::query::Question;
use super::{Hit, hits};
use crate::snapshot::Snapshot;
use crate::table::{self, Offer};
use serde_json::{Value, json};

/// A row of JSON: the endpoint as in the API, without its days, plus the id of its model.
fn entry((model, endpoint): Hit) -> Value {
    let mut value = serde_json::to_value(endpoint).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("days");
        fields.insert("model_id".to_owned(), json!(model.model_id));
    }
    value
}

/// All rows as `{data, meta}`, without pages: there are never more rows than endpoints.
pub fn json(snapshot: &Snapshot, question: &Question) -> Vec<u8> {
    let data: Vec<Value> = hits(snapshot, question).into_iter().map(entry).collect();
    let meta = json!({
        "as_of": snapshot.as_of,
        "snapshot": snapshot.id,
        "method_version": snapshot.method_version,
        "simulated": snapshot.simulated,
        "found": data.len(),
        "source": format!("{}’s public pages", snapshot.upstream()),
    });
    json!({ "data": data, "meta": meta }).to_string().into_bytes()
}

/// All rows as CSV, with the same columns as the API's table of a model's endpoints: rates are fractions, prices are
/// USD per million tokens, the session cost is USD under the default workload; absent values are empty.
pub fn csv(snapshot: &Snapshot, question: &Question) -> Vec<u8> {
    let workload = snapshot.default_workload();
    let hits = hits(snapshot, question);
    let offers: Vec<Offer> =
        hits.iter().map(|(model, endpoint)| Offer::of(model, endpoint, workload)).collect();
    table::csv(&offers)
}
