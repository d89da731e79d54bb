//! Traffic share: all traffic by provider, that of a model by endpoint, and what follows the clock at an endpoint.

use super::{api, data, get, problem};
use crate::sample;
use hitrate::domain::share::CAUTION;

#[test]
fn shares_state_their_flaw_and_add_up() {
    let api = api();
    for (address, model, id) in [
        ("/api/v1/share", None, false),
        ("/api/v1/share?model=northwind/atlas-3", Some("northwind/atlas-3"), true),
    ] {
        let found = data(&api, address);
        assert_eq!(found["caution"], CAUTION, "{address}");
        assert_eq!(found["model_id"].as_str(), model, "{address}");
        let shares = found["shares"].as_array().expect("shares");
        let sum: f64 = shares.iter().filter_map(|row| row["share"].as_f64()).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{address}: {sum}");
        assert!(shares.iter().all(|row| row["endpoint_id"].is_string() == id), "{address}: {found}");
        let days = found["days"].as_array().expect("days");
        assert!(
            shares
                .iter()
                .all(|row| row["by_day"].as_array().is_some_and(|by_day| by_day.len() == days.len()))
        );
        assert_eq!(days.last().expect("a day")["complete"], false, "the running day");
        assert!(found["concentration"]["half"].as_u64() <= found["concentration"]["with_traffic"].as_u64());
        assert_eq!(found["partial"], false, "{address}");
        assert!(found["jumps"].as_array().is_some_and(|jumps| !jumps.is_empty()), "{address}: {found}");
    }
    let csv = String::from_utf8(get(&api, "/api/v1/share?format=csv").body).expect("UTF-8");
    assert!(csv.starts_with("provider,tag,endpoint_id,tokens_per_day,share,share_before\r\n"), "{csv}");
    problem(&api, "/api/v1/share?model=northwind/atlas-33", 404);
    problem(&api, "/api/v1/share?modle=northwind/atlas-3", 400);
    let endpoints = sample::snapshot().models[0].endpoints.len();
    let model = data(&api, "/api/v1/models/northwind/atlas-3");
    let listed = model["endpoints"].as_array().expect("endpoints");
    assert_eq!(listed.iter().filter(|one| one.get("seasons").is_some()).count(), endpoints, "{model}");
}
