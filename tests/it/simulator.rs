//! The guarantees of the simulator: the formats of every era, consistent counters, a known truth that a plain mean
//! misses.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use hitrate::clock::Clock;
use hitrate::simulator::{
    CacheKind, EndpointTruth, EventKind, Habits, Simulator, SimulatorConfig, SimulatorError, SweepClock,
    serve,
};
use serde_json::Value;
use uuid::Uuid;

const STATS: &str = "/api/frontend/v1/stats";

fn simulator() -> Simulator {
    Simulator::new(SimulatorConfig::default()).expect("the default world exists")
}

fn after(simulator: &Simulator, hours: i64, minutes: i64) -> DateTime<Utc> {
    simulator.config().start + Duration::hours(hours) + Duration::minutes(minutes)
}

fn get(simulator: &Simulator, path: &str, query: &str, at: DateTime<Utc>) -> Value {
    let (status, body) = simulator.body(path, query, at);
    assert_eq!(status, 200, "{path}?{query}");
    let body = body.expect("a body comes with 200");
    let value: Value = serde_json::from_slice(&body).expect("the body is JSON");
    value["data"].clone()
}

fn pricing(simulator: &Simulator, endpoint: &EndpointTruth, at: DateTime<Utc>) -> Value {
    let query = format!("permaslug={}&variant={}&shape=v7", endpoint.model, endpoint.variant);
    get(simulator, &format!("{STATS}/effective-pricing"), &query, at)
}

fn stats(simulator: &Simulator, endpoint: &EndpointTruth, at: DateTime<Utc>) -> Value {
    let query = format!("permaslug={}&variant={}", endpoint.model, endpoint.variant);
    get(simulator, &format!("{STATS}/endpoint"), &query, at)
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().expect("an array").as_slice()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

fn by_id<'a>(rows: &'a [Value], key: &str, id: Uuid) -> Option<&'a Value> {
    rows.iter().find(|row| row[key] == id.to_string())
}

/// One endpoint of each standard model.
fn one_a_model(simulator: &Simulator) -> Vec<EndpointTruth> {
    let mut seen = BTreeMap::new();
    for endpoint in simulator.truth().endpoints().into_iter().filter(|e| e.variant == "standard") {
        seen.entry(endpoint.model.clone()).or_insert(endpoint);
    }
    seen.into_values().collect()
}

#[test]
fn the_default_world_has_the_promised_size_and_traps() {
    let s = simulator();
    let truth = s.truth();
    assert_eq!((truth.models().len(), truth.providers().len()), (60, 40));
    assert_eq!(truth.endpoints().len(), 300);
    let models = get(&s, "/api/v1/models", "", s.config().start);
    let ids: Vec<&str> = rows(&models).iter().filter_map(|m| m["id"].as_str()).collect();
    for suffix in [":free", ":batch", ":thinking"] {
        assert!(ids.iter().any(|id| id.ends_with(suffix)), "no {suffix}");
    }
    let alias = rows(&models).iter().find(|m| m["id"].as_str().is_some_and(|id| id.starts_with('~')));
    let alias = alias.expect("an alias");
    assert!(ids.contains(&alias["alias_target"]["slug"].as_str().expect("a target")));
    let router = rows(&models).iter().find(|m| m["id"] == "openrouter/auto").expect("the router");
    assert_eq!(router["pricing"]["prompt"], "-1");
    let free = rows(&models).iter().find(|m| m["id"].as_str().is_some_and(|id| id.ends_with(":free")));
    let slug = &free.expect("a free variant")["canonical_slug"];
    assert!(rows(&models).iter().filter(|m| m["canonical_slug"] == *slug).count() >= 2, "shared by variants");
    let unique: std::collections::HashSet<&&str> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
}

#[test]
fn prices_come_with_tiers_writes_discounts_and_missing_parts() {
    let s = simulator();
    let mut seen = BTreeMap::new();
    for endpoint in one_a_model(&s) {
        for row in rows(&stats(&s, &endpoint, after(&s, 9, 0))) {
            let pricing = &row["pricing"];
            assert!(pricing["prompt"].as_str().is_some_and(|p| p.parse::<f64>().is_ok_and(|p| p > 0.0)));
            for key in ["overrides", "input_cache_write", "input_cache_read"] {
                *seen.entry(key).or_insert(0) += usize::from(pricing.get(key).is_some());
            }
            *seen.entry("no read price").or_insert(0) +=
                usize::from(pricing.get("input_cache_read").is_none());
            *seen.entry("discount").or_insert(0) += usize::from(number(&pricing["discount"]) > 0.0);
            *seen.entry("no quantization").or_insert(0) += usize::from(row["quantization"].is_null());
            *seen.entry("no stats").or_insert(0) += usize::from(row.get("stats").is_none());
            *seen.entry("numeric sheet").or_insert(0) +=
                usize::from(row["pricing_json"]["openai:prompt_tokens"].is_number());
            if let Some(tier) = pricing["overrides"].get(0) {
                assert!(tier["min_prompt_tokens"].is_number() && tier["prompt"].is_string());
            }
        }
    }
    for (what, count) in seen {
        assert!(count > 0, "{what} never occurs");
    }
}

#[test]
fn every_era_has_its_shape() {
    let s = simulator();
    let endpoint = &one_a_model(&s)[0];
    let (hour, day, ids) =
        (after(&s, 3 * 24 + 15, 30), after(&s, 6 * 24 + 15, 30), after(&s, 12 * 24 + 15, 30));
    for (at, with_ids) in [(hour, false), (day, false), (ids, true)] {
        let body = pricing(&s, endpoint, at);
        assert_eq!(body.get("endpointNames").is_some(), with_ids, "{at}");
        assert_eq!(body.get("endpointProviderSlugs").is_some(), with_ids, "{at}");
        assert_eq!(body["providerSummaries"][0].get("endpointId").is_some(), with_ids, "{at}");
        let chart = rows(&body["inputChartData"]);
        assert_eq!(chart.len(), 8);
        assert_eq!(chart[7]["x"], at.format("%Y-%m-%d 00:00:00").to_string());
        for key in chart[7]["y"].as_object().expect("an object").keys() {
            assert_eq!(Uuid::parse_str(key).is_ok(), with_ids, "{key}");
        }
    }
    assert!(stats(&s, endpoint, day)[0].get("status_heuristics_1d").is_some());
    assert!(stats(&s, endpoint, ids)[0].get("status_heuristics_1d").is_none(), "the counters are gone");
    let id = s.truth().models()[0].id.clone();
    let public = get(&s, &format!("/api/v1/models/{id}/endpoints"), "", ids);
    assert!(number(&public["endpoints"][0]["uptime_last_1d"]) > 0.0, "uptime stays");
    assert!(public["endpoints"][0]["latency_last_30m"].is_null());
}

/// The share of summaries whose price equals the last chart point distinguishes the window kinds.
#[test]
fn summaries_equal_the_last_chart_point_only_after_the_window_switch() {
    let s = simulator();
    for (hours, least, most) in [(3 * 24 + 15, 0.0, 0.2), (6 * 24 + 15, 1.0, 1.0)] {
        let (mut same, mut all) = (0.0, 0.0);
        for endpoint in one_a_model(&s) {
            let body = pricing(&s, &endpoint, after(&s, hours, 30));
            for summary in rows(&body["providerSummaries"]) {
                let name = summary["providerName"].as_str().expect("a name");
                let point = number(&body["inputChartData"][7]["y"][name]);
                let price = number(&summary["effectiveInputPrice"]);
                all += 1.0;
                same += f64::from(u8::from((price - point).abs() <= 1e-9 * price));
            }
        }
        let share = same / all;
        assert!((least..=most).contains(&share), "{share} at hour {hours}");
    }
}

#[test]
fn siblings_share_a_display_name_and_are_numbered_in_summaries() {
    let s = simulator();
    let at = after(&s, 15, 30);
    let mut numbered = 0;
    for endpoint in one_a_model(&s) {
        let shown: Vec<String> = rows(&stats(&s, &endpoint, at))
            .iter()
            .filter_map(|row| row["provider_display_name"].as_str().map(str::to_owned))
            .collect();
        for summary in rows(&pricing(&s, &endpoint, at)["providerSummaries"]) {
            let name = summary["providerName"].as_str().expect("a name");
            if let Some(plain) = name.strip_suffix(" (1)").or_else(|| name.strip_suffix(" (2)")) {
                numbered += 1;
                assert_eq!(shown.iter().filter(|n| *n == plain).count(), 2, "{name} is ambiguous");
            }
        }
    }
    assert!(numbered >= 10, "{numbered}");
}

/// `(h2*T2 - h1*T1) / (T2 - T1)` of two day-to-date readings is the true rate of the hour between them.
#[test]
fn differencing_two_readings_recovers_the_true_hour() {
    let s = simulator();
    let (from, to) = (after(&s, 12 * 24 + 13, 0), after(&s, 12 * 24 + 14, 0));
    let mut checked = 0;
    for endpoint in one_a_model(&s) {
        let (first, second) = (pricing(&s, &endpoint, from), pricing(&s, &endpoint, to));
        for row in rows(&second["providerSummaries"]) {
            let id: Uuid = row["endpointId"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            let before =
                by_id(rows(&first["providerSummaries"]), "endpointId", id).expect("known an hour before");
            let read = |row: &Value| (number(&row["cacheHitRate"]), number(&row["totalTokens"]));
            let ((h1, t1), (h2, t2)) = (read(before), read(row));
            assert!(t2 > t1, "counters only grow");
            let hourly = (h2 * t2 - h1 * t1) / (t2 - t1);
            let truth = s.truth().true_hourly_hit_rate(id, from).expect("traffic");
            assert!((hourly - truth).abs() < 1e-4, "{hourly} against {truth}");
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn the_comparison_series_closes_with_the_true_day() {
    let s = simulator();
    let at = after(&s, 15 * 24 + 2, 30);
    let endpoint = &one_a_model(&s)[3];
    let query = format!("permaslug={}&variant=standard&timeRange=1w", endpoint.model);
    let series = get(&s, &format!("{STATS}/cache-hit-rate-comparison"), &query, at);
    assert_eq!(rows(&series).len(), 8);
    let percent = number(&series[6]["y"][endpoint.id.to_string()]);
    let day = (at - Duration::days(1)).date_naive();
    let truth = s.truth().true_day_hit_rate(endpoint.id, day).expect("traffic");
    assert!((percent - 100.0 * truth).abs() <= 0.005 + 1e-9, "{percent} against {truth}");
}

/// Effective price = (1-h) * list + h * read price, except for endpoints for which it must not hold.
#[test]
fn the_price_identity_holds_for_implicit_caching_alone() {
    let s = simulator();
    let at = after(&s, 20 * 24 + 18, 0);
    let kinds: HashMap<Uuid, CacheKind> = s.truth().endpoints().iter().map(|e| (e.id, e.kind)).collect();
    let (mut implicit, mut broken) = (0, Vec::new());
    for endpoint in one_a_model(&s) {
        let listed = stats(&s, &endpoint, at);
        for row in rows(&pricing(&s, &endpoint, at)["providerSummaries"]) {
            let id: Uuid = row["endpointId"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            let Some(list) = by_id(rows(&listed), "id", id) else { continue };
            let per_mtok = |key: &str| {
                list["pricing"][key].as_str().and_then(|p| p.parse::<f64>().ok()).map(|p| p * 1e6)
            };
            let input = per_mtok("prompt").expect("a price");
            let read = per_mtok("input_cache_read").unwrap_or(input);
            let h = number(&row["cacheHitRate"]);
            let expected = (1.0 - h) * input + h * read;
            let error = (number(&row["effectiveInputPrice"]) / expected - 1.0).abs();
            if list["pricing"].get("overrides").is_some() {
                continue;
            }
            match kinds[&id] {
                CacheKind::Implicit => {
                    assert!(error < 5e-4, "{id}: {error}");
                    implicit += 1;
                }
                CacheKind::WriteBilled | CacheKind::Phantom if h > 0.05 => {
                    assert!(error > 0.01, "{id}: {error}");
                    broken.push(kinds[&id]);
                }
                _ => {}
            }
        }
    }
    assert!(implicit > 150, "{implicit}");
    assert!(broken.contains(&CacheKind::Phantom) && broken.contains(&CacheKind::WriteBilled), "{broken:?}");
}

#[test]
fn free_and_batch_publish_no_prices_but_hits() {
    let s = simulator();
    let at = after(&s, 12 * 24 + 20, 0);
    for variant in ["free", "batch"] {
        let endpoints = s.truth().endpoints();
        let endpoint = endpoints
            .iter()
            .find(|e| e.variant == variant && e.kind == CacheKind::Implicit)
            .expect("a variant endpoint");
        let row = &pricing(&s, endpoint, at)["providerSummaries"][0];
        assert_eq!(row["effectiveInputPrice"].as_i64(), Some(0), "{variant}");
        assert!(number(&row["cacheHitRate"]) > 0.0);
    }
}

#[test]
fn unknown_keys_answer_as_upstream_does() {
    let s = simulator();
    let at = after(&s, 12 * 24, 30);
    let empty = get(&s, &format!("{STATS}/effective-pricing"), "permaslug=no/such&variant=standard", at);
    assert_eq!(empty["weightedCacheHitRate"].as_i64(), Some(0));
    assert_eq!((rows(&empty["providerSummaries"]).len(), rows(&empty["inputChartData"]).len()), (0, 0));
    for (path, query) in [
        (format!("{STATS}/endpoint"), "permaslug=no/such"),
        ("/api/v1/models/no/such/endpoints".to_owned(), ""),
        ("/api/v1/other".to_owned(), ""),
        ("/else".to_owned(), ""),
    ] {
        assert_eq!(s.body(&path, query, at), (404, None), "{path}");
    }
    let model = &s.truth().models()[2];
    for id in [model.id.clone(), model.canonical.clone(), format!("{}%3Afree", model.id)] {
        let body = get(&s, &format!("/api/v1/models/{id}/endpoints"), "", at);
        assert!(!rows(&body["endpoints"]).is_empty(), "{id}");
    }
}

#[test]
fn events_show_in_the_bodies() {
    let s = simulator();
    let truth = s.truth();
    let endpoints = truth.endpoints();
    let find = |id: Uuid| endpoints.iter().find(|e| e.id == id).expect("an endpoint");
    let row = |id: Uuid, at| by_id(rows(&stats(&s, find(id), at)), "id", id).cloned();
    let mut kinds = BTreeMap::new();
    for event in truth.events() {
        let hour = Duration::hours(1);
        let name = format!("{:?}", event.kind);
        *kinds.entry(name.split([' ', '{']).next().unwrap_or_default().to_owned()).or_insert(0) += 1;
        match (&event.kind, event.endpoint) {
            (EventKind::Outage { .. }, Some(id)) => {
                assert!(row(id, event.at + hour).is_none_or(|r| r["status"] == -5), "{event:?}");
            }
            (EventKind::Degraded { .. }, Some(id)) => {
                assert!(row(id, event.at + hour).is_none_or(|r| r["status"] == -2), "{event:?}");
            }
            (EventKind::Appears, Some(id)) => {
                assert!(row(id, event.at - hour).is_none() && row(id, event.at + hour).is_some());
            }
            (EventKind::Disappears, Some(id)) => {
                assert!(row(id, event.at - hour).is_some() && row(id, event.at + hour).is_none());
            }
            (EventKind::TagChange { to }, Some(id)) => {
                assert!(row(id, event.at - hour).is_some_and(|r| r["provider_slug"] != *to));
                assert!(row(id, event.at + hour).is_some_and(|r| r["provider_slug"] == *to));
            }
            (EventKind::PriceChange { .. }, Some(id)) => {
                let price = |at| row(id, at).map(|r| r["pricing"]["prompt"].clone());
                assert_ne!(price(event.at - hour), price(event.at + hour), "{event:?}");
            }
            (EventKind::EffectShift { by }, None) => {
                let theta = |at| truth.theta_at(&event.provider, at).expect("an effect");
                assert!((theta(event.at) - theta(event.at - hour) - by).abs() < 1e-12);
            }
            _ => {}
        }
    }
    for kind in
        ["Outage", "Degraded", "Appears", "Disappears", "TagChange", "PriceChange", "EffectShift", "Phantom"]
    {
        assert!(kinds.contains_key(kind), "no {kind} in {kinds:?}");
    }
    assert!(kinds.contains_key("NoDiscount") && kinds.contains_key("RateLimited"), "{kinds:?}");
}

#[test]
fn rate_limited_hosts_look_healthy_by_uptime() {
    let s = simulator();
    let truth = s.truth();
    let limited: Vec<&str> = truth
        .events()
        .iter()
        .filter(|e| e.kind == EventKind::RateLimited)
        .map(|e| e.provider.as_str())
        .collect();
    let endpoints = truth.endpoints();
    let endpoint = endpoints.iter().find(|e| limited.contains(&e.provider.as_str())).expect("one");
    let day = truth.counters(endpoint.id, after(&s, 24, 0), after(&s, 48, 0)).expect("known");
    assert!(day.limited as f64 > 0.3 * day.success as f64, "{day:?}");
    assert!(day.uptime_percent().expect("traffic") > 90.0, "{day:?}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_does_not() {
    let (a, b) = (simulator(), simulator());
    let other = Simulator::new(SimulatorConfig { seed: 2, ..SimulatorConfig::default() }).expect("a world");
    let at = after(&a, 12 * 24 + 5, 7);
    // One of them has served other times before: the order of requests must not matter.
    a.body("/api/v1/models", "", after(&a, 400, 0));
    pricing(&a, &one_a_model(&a)[5], after(&a, 500, 0));
    for endpoint in one_a_model(&a).iter().take(10) {
        assert_eq!(pricing(&a, endpoint, at), pricing(&b, endpoint, at));
        assert_eq!(stats(&a, endpoint, at), stats(&b, endpoint, at));
    }
    assert_ne!(a.body("/api/v1/models", "", at), other.body("/api/v1/models", "", at));
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |v: &f64| values.iter().filter(|x| *x < v).count() as f64;
    values.iter().map(rank).collect()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let cov: f64 = a.iter().zip(b).map(|(x, y)| (x - ma) * (y - mb)).sum();
    let var = |x: &[f64], m: f64| x.iter().map(|v| (v - m).powi(2)).sum::<f64>();
    cov / (var(a, ma) * var(b, mb)).sqrt()
}

/// Spearman correlation of the plain model mean, and of the mean distance to the model level, with the true effects.
fn spearman_with_truth(seed: u64) -> (f64, f64) {
    let config = SimulatorConfig { seed, events: false, ..SimulatorConfig::default() };
    let s = Simulator::new(config).expect("a world");
    let truth = s.truth();
    let alphas: HashMap<String, f64> = truth.models().into_iter().map(|m| (m.canonical, m.alpha)).collect();
    let (mut plain, mut adjusted, mut theta) = (Vec::new(), Vec::new(), Vec::new());
    for provider in truth.providers() {
        let Some(effect) = provider.theta else { continue };
        let rates: Vec<(f64, f64)> = truth
            .endpoints()
            .iter()
            .filter(|e| e.provider == provider.slug && e.variant == "standard")
            .filter_map(|e| {
                let week = truth.counters(e.id, after(&s, 0, 0), after(&s, 7 * 24, 0))?.hit_rate()?;
                Some((week, week - alphas[&e.model]))
            })
            .collect();
        let count = rates.len() as f64;
        plain.push(rates.iter().map(|r| r.0).sum::<f64>() / count);
        adjusted.push(rates.iter().map(|r| r.1).sum::<f64>() / count);
        theta.push(effect);
    }
    (correlation(&ranks(&plain), &ranks(&theta)), correlation(&ranks(&adjusted), &ranks(&theta)))
}

#[test]
fn the_plain_model_mean_misranks_providers_and_adjusting_repairs_it() {
    let seeds: Vec<(f64, f64)> = (1..=5).map(spearman_with_truth).collect();
    let plain = seeds.iter().map(|s| s.0).sum::<f64>() / 5.0;
    let adjusted = seeds.iter().map(|s| s.1).sum::<f64>() / 5.0;
    assert!(plain < 0.75, "plain {plain}: {seeds:?}");
    assert!(adjusted > 0.87 && adjusted > plain + 0.15, "adjusted {adjusted} plain {plain}: {seeds:?}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The recorded cells: standard deviation within a cell 8.8 points (median), daily change 2 to 3 points (median).
#[test]
fn noise_and_volumes_are_those_of_recorded_cells() {
    let s = simulator();
    let truth = s.truth();
    let (mut spreads, mut changes, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for endpoint in truth.endpoints().iter().filter(|e| e.kind != CacheKind::None) {
        let day = |d: i64| truth.counters(endpoint.id, after(&s, 24 * d, 0), after(&s, 24 * d + 24, 0));
        let days: Vec<_> = (0..15).filter_map(day).filter(|c| c.prompt > 0).collect();
        let rates: Vec<f64> = days.iter().filter_map(|c| c.hit_rate()).collect();
        changes.extend(rates.windows(2).map(|w| (w[1] - w[0]).abs()));
        ratios.extend(days.iter().map(|c| c.prompt as f64 / c.completion as f64));
        if rates.len() > 10 {
            let mean = rates.iter().sum::<f64>() / rates.len() as f64;
            let squares: f64 = rates.iter().map(|r| (r - mean).powi(2)).sum();
            spreads.push((squares / (rates.len() - 1) as f64).sqrt());
        }
        assert!((5e6..2e11).contains(&endpoint.tokens_per_day), "{}", endpoint.tokens_per_day);
    }
    let (spread, change, ratio) = (median(spreads), median(changes), median(ratios));
    assert!((0.06..0.11).contains(&spread), "SD within a cell {spread}");
    assert!((0.015..0.035).contains(&change), "change from day to day {change}");
    assert!((15.0..26.0).contains(&ratio), "prompt to completion {ratio}");
}

#[test]
fn activity_sums_the_endpoints_of_a_model() {
    let s = simulator();
    let at = after(&s, 12 * 24 + 6, 0);
    let endpoint = &one_a_model(&s)[1];
    let query = format!("permaslug={}&variant=standard", endpoint.model);
    let activity = get(&s, &format!("{STATS}/model-activity"), &query, at);
    let newest = &activity["analytics"][0];
    let body = pricing(&s, endpoint, at);
    let tokens: f64 = rows(&body["providerSummaries"]).iter().map(|r| number(&r["totalTokens"])).sum();
    let counted = number(&newest["total_prompt_tokens"]) + number(&newest["total_completion_tokens"]);
    assert_eq!(tokens, counted);
    let share = number(&newest["total_native_tokens_cached"]) / number(&newest["total_prompt_tokens"]);
    assert!((share - number(&body["weightedCacheHitRate"])).abs() < 1e-9);
    assert_eq!(rows(&activity["analytics"]).len(), 31);
}

#[test]
fn hostile_names_come_only_when_asked_for() {
    let names = |hostile_names| {
        let s =
            Simulator::new(SimulatorConfig { hostile_names, ..SimulatorConfig::default() }).expect("a world");
        let models = get(&s, "/api/v1/models", "", s.config().start).to_string();
        models + &get(&s, "/api/frontend/v1/all-providers", "", s.config().start).to_string()
    };
    assert!(!names(false).contains("<script>"));
    let hostile = names(true);
    assert!(hostile.matches("<script>").count() >= 2, "a model and a provider");
    assert!(hostile.contains("=HYPERLINK") && hostile.contains("\\u0001"), "formulas and control characters");
    assert!(hostile.contains('\u{202e}') && hostile.contains(&"W".repeat(300)));
}

fn with_habits(habits: Habits) -> Simulator {
    Simulator::new(SimulatorConfig { habits, ..SimulatorConfig::default() }).expect("a world")
}

/// The day of a usage body, and the tokens of its summaries by endpoint.
fn body_day(body: &Value) -> Option<(String, BTreeMap<Uuid, u64>)> {
    let last = |chart: &str| rows(&body[chart]).last().map(|point| point["x"].clone());
    assert_eq!(last("inputChartData"), last("outputChartData"), "a body is of one day");
    let day = last("inputChartData")?.as_str().expect("a day").get(..10)?.to_owned();
    let summaries = rows(&body["providerSummaries"]).iter().map(|row| {
        let id = row["endpointId"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        (id, row["totalTokens"].as_u64().expect("a count"))
    });
    Some((day, summaries.collect()))
}

/// The same from the truth, for the window that a body claims to cover.
fn counted(s: &Simulator, of: &EndpointTruth, from: DateTime<Utc>, to: DateTime<Utc>) -> BTreeMap<Uuid, u64> {
    let truth = s.truth();
    let siblings = truth.endpoints().into_iter().filter(|e| e.model == of.model && e.variant == of.variant);
    let tokens = siblings.filter_map(|e| {
        let counters = truth.counters(e.id, from, to).filter(|c| c.prompt > 0)?;
        Some((e.id, counters.tokens()))
    });
    tokens.collect()
}

#[test]
fn after_midnight_every_body_is_yesterdays_until_it_turns_over_as_a_whole() {
    let s = simulator();
    let models = one_a_model(&s);
    let (mut bodies, mut stale_at) = (0, BTreeMap::from([(0, 0), (81, 0), (137, 0), (1200, 0)]));
    for day in 12..18 {
        let midnight = after(&s, 24 * day, 0);
        let yesterday = midnight - Duration::days(1);
        for endpoint in &models {
            bodies += 1;
            let mut turned = false;
            for (seconds, stale) in &mut stale_at {
                let at = midnight + Duration::seconds(*seconds);
                let (shown, tokens) = body_day(&pricing(&s, endpoint, at)).expect("traffic");
                if shown == at.date_naive().to_string() {
                    turned = true;
                    assert_eq!(tokens, counted(&s, endpoint, midnight, at));
                } else {
                    assert!(!turned, "{}: back to {shown} at {at}", endpoint.model);
                    assert_eq!(shown, yesterday.date_naive().to_string());
                    assert_eq!(tokens, counted(&s, endpoint, yesterday, midnight), "the closing numbers");
                    *stale += 1;
                }
            }
        }
    }
    let share = |seconds| f64::from(stale_at[&seconds]) / f64::from(bodies);
    assert_eq!((share(0), share(1200)), (1.0, 0.0));
    assert!((share(81) - 0.41).abs() < 0.08, "{} at 00:01:21", share(81));
    assert!((share(137) - 0.21).abs() < 0.07, "{} at 00:02:17", share(137));
}

#[test]
fn a_cached_body_shows_the_numbers_of_the_moment_it_was_computed() {
    let s = with_habits(Habits { usage_cache: Duration::minutes(5), ..Habits::exact() });
    let (at, mut ages, mut same) = (after(&s, 12 * 24 + 15, 30), Vec::new(), 0);
    for endpoint in one_a_model(&s) {
        let (from, to) =
            s.truth().usage_window(&endpoint.model, endpoint.variant, at).expect("it has traffic");
        let (_, tokens) = body_day(&pricing(&s, &endpoint, at)).expect("traffic");
        assert_eq!(tokens, counted(&s, &endpoint, from, to));
        ages.push((at - to).num_seconds());
        same += usize::from(pricing(&s, &endpoint, at) == pricing(&s, &endpoint, at + Duration::seconds(5)));
        let later = pricing(&s, &endpoint, at + Duration::minutes(5));
        assert_ne!(body_day(&later).expect("traffic").1, tokens, "older than five minutes");
    }
    assert!(ages.iter().all(|age| (0..300).contains(age)), "{ages:?}");
    assert!(ages.iter().any(|age| *age > 120) && ages.iter().any(|age| *age < 30), "{ages:?}");
    assert!(same > 50, "{same} of {} bodies were cached", ages.len());
}

#[test]
fn the_body_of_an_idle_model_is_of_its_last_day_with_traffic() {
    let s = with_habits(Habits { idle_models: 3, ..Habits::exact() });
    let (truth, all) = (s.truth(), one_a_model(&s));
    let idle = truth.idle_models();
    let (mut older, mut today) = (0, 0);
    for endpoint in all.iter().filter(|e| idle.contains(&e.model)) {
        for day in 12..30 {
            let at = after(&s, 24 * day + 22, 30);
            let busy = |from: DateTime<Utc>, to| !counted(&s, endpoint, from, to).is_empty();
            let midnight = after(&s, 24 * day, 0);
            let mut from = midnight;
            while !busy(from, at.min(from + Duration::days(1))) {
                from -= Duration::days(1);
            }
            let body = pricing(&s, endpoint, at);
            let (shown, tokens) = body_day(&body).expect("the last day stays");
            assert_eq!(shown, from.date_naive().to_string());
            assert_eq!(tokens, counted(&s, endpoint, from, at.min(from + Duration::days(1))));
            let oldest = rows(&body["inputChartData"])[0]["x"].as_str().expect("a day").to_owned();
            assert!(
                oldest >= (midnight - Duration::days(7)).date_naive().to_string() || oldest[..10] == shown
            );
            assert!(
                rows(&body["inputChartData"])
                    .iter()
                    .all(|p| p["y"].as_object().is_some_and(|y| !y.is_empty()))
            );
            *(if from == midnight { &mut today } else { &mut older }) += 1;
        }
    }
    assert_eq!((idle.len(), older + today), (3, 54));
    assert!(older >= 20 && today >= 8, "{older} {today}");
    let plain = simulator();
    for endpoint in all.iter().filter(|e| !idle.contains(&e.model)) {
        let at = after(&s, 20 * 24 + 15, 30);
        assert_eq!(pricing(&s, endpoint, at), pricing(&plain, endpoint, at), "nothing else changes");
    }
}

#[test]
fn a_sweep_takes_its_time_and_the_list_of_models_begins_it() {
    let s = with_habits(Habits { sweep: Duration::seconds(300), ..Habits::exact() });
    let models = get(&s, "/api/v1/models", "", s.config().start);
    let swept =
        rows(&models).iter().filter(|m| m.get("alias_target").is_none() && m["id"] != "openrouter/auto");
    let planned = 3 + 3 * swept.count() as i64;
    let clock = SweepClock::new(&s);
    let begin = after(&s, 23, 57);
    clock.set(begin);
    let first = ["/api/v1/providers", "/api/v1/models", "/api/frontend/v1/all-providers"];
    let mut times: Vec<DateTime<Utc>> = first.iter().map(|path| clock.serve(path)).collect();
    times.extend((3..planned).map(|_| clock.serve("/api/frontend/v1/stats/endpoint")));
    assert_eq!(times[0], begin);
    let step = times[1] - times[0];
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == step));
    let took = times[times.len() - 1] + step - begin;
    assert!((took - Duration::seconds(300)).abs() < Duration::milliseconds(5), "{took}");
    assert_eq!((clock.now(), clock.shared().now()), (times[times.len() - 1], clock.now()));
    assert_eq!(clock.serve("/api/v1/models"), begin, "a new sweep");
    assert_eq!(clock.serve("/api/v1/providers"), begin + step);
    let still = SweepClock::new(&simulator());
    assert_eq!(still.serve("/api/v1/models"), still.serve("/api/v1/providers"), "without a sweep time");
}

/// Fields that the collector reads or will read, as `document: field`, each with a value that is not null somewhere.
#[test]
fn every_field_occurs_in_a_small_world() {
    let config = SimulatorConfig {
        models: 14,
        providers: 12,
        endpoints: 64,
        cacheless_providers: 1,
        habits: Habits { percentiles: true, ..Habits::exact() },
        ..SimulatorConfig::default()
    };
    let s = Simulator::new(config).expect("a small world");
    let mut seen = std::collections::BTreeSet::new();
    for at in [after(&s, 6 * 24 + 15, 30), after(&s, 12 * 24 + 15, 30)] {
        for (kind, path) in [("model", "/api/v1/models"), ("provider", "/api/v1/providers")] {
            paths(kind, &get(&s, path, "", at), &mut seen);
        }
        paths("all", &get(&s, "/api/frontend/v1/all-providers", "", at), &mut seen);
        for model in s.truth().models() {
            paths("public", &get(&s, &format!("/api/v1/models/{}/endpoints", model.id), "", at), &mut seen);
            let query = format!("permaslug={}&variant=standard", model.canonical);
            for route in ["endpoint", "effective-pricing", "model-activity", "cache-hit-rate-comparison"] {
                paths(route, &get(&s, &format!("{STATS}/{route}"), &query, at), &mut seen);
            }
        }
    }
    let expected = [
        "model id canonical_slug name created context_length alias_target.slug pricing.prompt pricing.completion",
        "model pricing.input_cache_read",
        "provider slug name headquarters status_page_url privacy_policy_url terms_of_service_url",
        "all slug displayName headquarters statusPageUrl dataPolicy.training dataPolicy.retainsPrompts",
        "all dataPolicy.privacyPolicyURL dataPolicy.termsOfServiceURL",
        "public endpoints.tag endpoints.provider_name endpoints.quantization endpoints.context_length endpoints.status",
        "public endpoints.max_completion_tokens endpoints.max_prompt_tokens endpoints.supported_parameters",
        "public endpoints.uptime_last_5m endpoints.uptime_last_30m endpoints.uptime_last_1d endpoints.pricing.discount",
        "public endpoints.latency_last_30m endpoints.latency_last_30m.p50 endpoints.throughput_last_30m",
        "public endpoints.throughput_last_30m.p50 endpoints.pricing.input_cache_write_1h",
        "endpoint id provider_slug provider_name provider_display_name provider_info.slug provider_region quantization",
        "endpoint context_length max_completion_tokens max_prompt_tokens supported_parameters data_policy.training",
        "endpoint data_policy.retainsPrompts is_hidden is_private is_byok_only is_deranked is_disabled status",
        "endpoint created_at deprecation_date stats.p50_throughput stats.p50_latency stats.request_count",
        "endpoint statsByTier.default.p50_throughput status_heuristics_1d.success status_heuristics_1d.derankableError",
        "endpoint status_heuristics_1d.rateLimited pricing.prompt pricing.completion pricing.input_cache_read",
        "endpoint pricing.input_cache_write pricing.input_cache_write_1h pricing.discount",
        "endpoint pricing.overrides.min_prompt_tokens pricing.overrides.utc_days pricing.overrides.utc_start",
        "endpoint pricing.overrides.utc_end pricing.overrides.prompt pricing.overrides.completion",
        "endpoint pricing.overrides.input_cache_read pricing.overrides.input_cache_write",
        "endpoint pricing.overrides.input_cache_write_1h",
        "effective-pricing weightedInputPrice weightedOutputPrice weightedCacheHitRate providerSummaries.endpointId",
        "effective-pricing providerSummaries.providerName providerSummaries.effectiveInputPrice",
        "effective-pricing providerSummaries.effectiveOutputPrice providerSummaries.cacheHitRate",
        "effective-pricing providerSummaries.totalTokens inputChartData.x inputChartData.y outputChartData.x",
        "model-activity analytics.date analytics.total_prompt_tokens analytics.total_completion_tokens",
        "model-activity analytics.total_native_tokens_cached analytics.count",
        "cache-hit-rate-comparison x y",
    ];
    for line in expected {
        let (kind, fields) = line.split_once(' ').expect("a document and its fields");
        for field in fields.split(' ') {
            assert!(seen.contains(&format!("{kind}.{field}")), "{kind}: {field} never occurs");
        }
    }
}

/// Adds the path of everything that is not null, without positions in lists.
fn paths(prefix: &str, value: &Value, seen: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Null => return,
        Value::Array(values) => values.iter().for_each(|value| paths(prefix, value, seen)),
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| paths(&format!("{prefix}.{key}"), value, seen))
        }
        _ => {}
    }
    seen.insert(prefix.to_owned());
}

#[test]
fn worlds_that_cannot_exist_are_refused_with_the_bound() {
    let config = SimulatorConfig { endpoints: 10, ..SimulatorConfig::default() };
    let message = Simulator::new(config).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(message.contains("10 endpoints") && message.contains("160 to 1200"), "{message}");
    assert!(Simulator::new(SimulatorConfig { days: 0, ..SimulatorConfig::default() }).is_err());
    let habits = Habits { idle_models: 16, ..Habits::exact() };
    let idle = Simulator::new(SimulatorConfig { habits, ..SimulatorConfig::default() });
    let message = idle.err().map(|e| e.to_string()).unwrap_or_default();
    assert!(message.contains("16 idle models") && message.contains("quarter of 60"), "{message}");
}

#[test]
fn small_worlds_exist_too() {
    let config = SimulatorConfig {
        models: 8,
        providers: 6,
        endpoints: 24,
        cacheless_providers: 1,
        ..SimulatorConfig::default()
    };
    let s = Simulator::new(config).expect("a small world");
    let endpoints = s.truth().endpoints().len();
    assert!((20..=28).contains(&endpoints), "{endpoints}");
}

fn http_get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

async fn fetch(address: SocketAddr, path: &'static str) -> std::io::Result<String> {
    tokio::task::spawn_blocking(move || http_get(address, path)).await.expect("the client ran")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_answers_at_the_time_it_is_set_to_and_stops() {
    let s = Arc::new(simulator());
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = serve(Arc::clone(&s), listen).await.expect("loopback is free");
    let address: SocketAddr =
        server.base_url().strip_prefix("http://").and_then(|a| a.parse().ok()).expect("an address");
    assert_eq!(server.now(), s.config().start);
    for hours in [5, 300] {
        server.set_now(after(&s, hours, 0));
        let answer = fetch(address, "/api/v1/models").await.expect("an answer");
        let expected = s.body("/api/v1/models", "", after(&s, hours, 0)).1.expect("a body");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("application/json"));
        let date = after(&s, hours, 0).format("date: %a, %d %b %Y %H:%M:%S GMT").to_string();
        assert_eq!(answer.matches("date: ").count(), 1);
        assert!(answer.contains(&date), "the served time, not the machine's: {date}");
        assert!(answer.ends_with(&String::from_utf8(expected).expect("text")));
    }
    let missing = fetch(address, "/api/v1/nothing").await.expect("an answer");
    assert!(missing.starts_with("HTTP/1.1 404") && missing.contains(r#""code":404"#));
    server.stop().await.expect("a clean stop");
    assert!(fetch(address, "/api/v1/models").await.is_err(), "nothing listens any more");
}

#[tokio::test]
async fn only_loopback_is_served() {
    let refused = serve(Arc::new(simulator()), SocketAddr::from(([0, 0, 0, 0], 0))).await;
    assert!(matches!(refused, Err(SimulatorError::NotLoopback(_))));
}
