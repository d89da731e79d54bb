//! Tokens a request: from the tokens of a day so far and the numbers of requests in 30 minutes.

use super::{id, ingest, reading, run};
use crate::rig::{at, folder, store};
use hitrate::domain::reading::Usage;
use hitrate::store::Store;
use std::collections::BTreeMap;
use uuid::Uuid;

const NOON: &str = "2026-08-06T12:00:00Z";
const EVENING: &str = "2026-08-06T18:00:00Z";
const NEXT: &str = "2026-08-07T12:00:00Z";
const MIDNIGHT: &str = "2026-08-08T00:15:00Z";

/// Runs on three days. Each number is an endpoint's tokens in millions and its requests in 30 minutes.
fn filled(store: &Store) {
    let runs = [
        (NOON, [(10, Some(100)), (36, None), (36, Some(4))]),
        (EVENING, [(36, Some(200)), (40, Some(100)), (40, Some(4))]),
        (NEXT, [(48, Some(50)), (48, None), (48, Some(15))]),
        // Of the third day, the first half hour is not over.
        (MIDNIGHT, [(90, Some(10)), (90, Some(10)), (90, Some(10))]),
    ];
    for (time, endpoints) in runs {
        let readings = (1..).zip(endpoints).map(|(number, (millions, requests))| {
            let mut one = reading(id(number), &format!("host-{number}"));
            one.usage = one.usage.map(|usage| Usage { tokens: Some(millions * 1_000_000), ..usage });
            one.health.requests_30m = requests;
            one
        });
        ingest(store, &run(time, readings.collect()));
    }
}

fn sizes(store: &Store, as_of: &str) -> BTreeMap<Uuid, f64> {
    let day = |text: &str| text.parse().expect("a day");
    store.prompt_sizes(day("2026-08-01"), day("2026-08-31"), at(as_of)).expect("readable")
}

#[test]
fn a_size_is_the_tokens_of_a_half_hour_over_its_requests() {
    let data = folder();
    let store = store(data.path());
    assert_eq!(sizes(&store, NEXT), BTreeMap::new());
    filled(&store);
    // 36 million tokens in 36 half hours and 48 in 24: 3 million tokens, and a mean of 150 and of 50 requests.
    for as_of in [NEXT, MIDNIGHT] {
        let found = sizes(&store, as_of);
        assert_eq!(found.len(), 1, "one has a single day with requests, one has 19 requests: {found:?}");
        let size = found.get(&Uuid::from_u128(1)).expect("known");
        assert!((size - 15_000.0).abs() < 1e-6, "{found:?}");
    }
    assert_eq!(sizes(&store, EVENING), BTreeMap::new(), "one day is not enough");
}
