//! Tests preferences for the sample and for random models: what they name, what they never name, and what a router
//! would match.

use crate::json_schema::violations;
use crate::sample;
use chrono::{DateTime, Duration, Utc};
use hitrate::domain::flag::FlagKind;
use hitrate::domain::ids::Variant;
use hitrate::domain::thresholds::{SHORTLIST_MIN, SHORTLIST_REACH};
use hitrate::domain::tier::{Lens, Tier};
use hitrate::preferences::{Mode, Preference, ProviderObject, expected_cost, preference};
use hitrate::snapshot::{Endpoint, ModelEntry, Snapshot};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

mod limits;
mod realised;
pub mod router;
mod savings;
mod siblings;
mod speed;
mod withheld;

const WORKLOADS: [&str; 2] = ["coding-agent", "chat"];
const GOOD: [Tier; 3] = [Tier::S, Tier::A, Tier::B];

/// The `provider` object of the router's API, according to its documentation.
fn provider_schema() -> Value {
    let flag = json!({"type": ["boolean", "null"]});
    let names = json!({"type": ["array", "null"], "items": {"type": "string"}});
    let amount = json!({"type": ["string", "number"]});
    let percentiles = json!({"type": "object", "additionalProperties": false, "properties": {
        "p50": {"type": "number"}, "p75": {"type": "number"}, "p90": {"type": "number"}, "p99": {"type": "number"}}});
    let preferred = json!({"anyOf": [{"type": ["number", "null"]}, percentiles]});
    let sorts = json!({"enum": ["price", "throughput", "latency", "exacto"]});
    let sort = json!({"anyOf": [sorts, {"type": "null"}, {"type": "object", "additionalProperties": false,
        "properties": {"by": sorts, "partition": {"enum": ["model", "none"]}}}]});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "order": names, "only": names, "ignore": names,
            "allow_fallbacks": flag, "require_parameters": flag, "zdr": flag, "enforce_distillable_text": flag,
            "data_collection": {"enum": ["allow", "deny", null]},
            "quantizations": {"type": ["array", "null"], "items": {"enum": ["int4", "int8", "fp4", "mxfp4", "nvfp4",
                "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"]}},
            "sort": sort, "preferred_min_throughput": preferred, "preferred_max_latency": preferred,
            "max_price": {"type": ["object", "null"], "additionalProperties": false, "properties": {
                "prompt": amount, "completion": amount, "request": amount, "image": amount, "audio": amount}},
        },
    })
}

fn of(snapshot: &Snapshot, model: &str, mode: Mode, workload: &str) -> Preference {
    let model = snapshot.model(model).expect("a model of the sample");
    preference(snapshot, model, mode, workload, snapshot.as_of)
}

fn only(preference: &Preference) -> Option<Vec<String>> {
    preference.provider.clone().and_then(|provider| provider.only)
}

fn ignored(preference: &Preference) -> Option<Vec<String>> {
    preference.provider.clone().and_then(|provider| provider.ignore)
}

fn warned(preference: &Preference, text: &str) -> bool {
    preference.warnings.iter().any(|warning| warning.contains(text))
}

#[test]
fn a_bare_tag_with_a_worse_sibling_is_named_and_the_sibling_is_excluded() {
    let sample = sample::snapshot();
    let list = of(&sample, "northwind/atlas-3", Mode::Shortlist, "coding-agent");
    assert_eq!(only(&list), Some(vec!["quarry/fp8".to_owned(), "north-cloud".to_owned()]));
    assert_eq!(ignored(&list), Some(vec!["north-cloud/eu-west".to_owned()]));
    assert!(warned(&list, "`only` alone would also match `north-cloud/eu-west`"), "{:?}", list.warnings);
    let avoid = of(&sample, "northwind/atlas-3", Mode::Avoid, "coding-agent");
    let expected = ["lumen", "mirage/fp4", "north-cloud/eu-west"].map(str::to_owned);
    assert_eq!(ignored(&avoid), Some(expected.to_vec()));
    assert!(avoid.evidence[0].why.contains("status -5") && avoid.evidence[1].why.contains("phantom"));
}

#[test]
fn a_shortlist_ranks_by_session_cost_and_a_pin_warns_of_outages() {
    let sample = sample::snapshot();
    let list = of(&sample, "zephyr/quill-large", Mode::Shortlist, "coding-agent");
    assert_eq!(
        only(&list),
        Some(["lumen/bf16", "quarry"].map(str::to_owned).to_vec()),
        "two are enough, and the third is not near the best"
    );
    let costs: Vec<_> = list.evidence.iter().filter_map(|e| e.session_cost).collect();
    assert!(costs.is_sorted() && costs.len() == 2);
    let pin = of(&sample, "zephyr/quill-large", Mode::Pin, "coding-agent");
    assert_eq!(only(&pin), Some(vec!["lumen/bf16".to_owned()]));
    assert!(warned(&pin, "rate-limited") && warned(&pin, "`order`") && warned(&pin, "simulated"));
}

#[test]
fn the_contract_of_the_json_holds() {
    let sample = sample::snapshot();
    let value = serde_json::to_value(of(&sample, "zephyr/quill-large", Mode::Shortlist, "coding-agent"));
    let value = value.expect("JSON");
    let fields: Vec<&String> = value.as_object().expect("an object").keys().collect();
    let mut expected = [
        "model",
        "target",
        "mode",
        "workload",
        "limits",
        "provider",
        "router_limits",
        "session_id",
        "router_default",
        "valid_until",
        "evidence",
        "warnings",
        "saving",
        "speed",
        "why",
    ];
    expected.sort_unstable();
    assert_eq!(fields, expected);
    assert_eq!((&value["target"], &value["mode"]), (&json!("openrouter"), &json!("shortlist")));
    assert_eq!(value["valid_until"], "2026-10-05T18:57:12Z");
    assert_eq!(value["provider"]["allow_fallbacks"], true);
    assert_eq!(value["why"], Value::Null);
}

#[test]
fn the_schema_refuses_what_the_router_refuses() {
    let schema = provider_schema();
    for wrong in
        [json!({"only": "a"}), json!({"onyl": []}), json!({"sort": "cheapest"}), json!({"zdr": "yes"})]
    {
        assert!(!violations(&schema, &schema, &wrong).is_empty(), "{wrong}");
    }
    let right = json!({"only": ["a"], "sort": {"by": "price"}, "max_price": {"prompt": "1"}, "order": null});
    assert_eq!(violations(&schema, &schema, &right), Vec::<String>::new());
}

#[test]
fn where_nothing_can_be_said_it_says_why() {
    let sample = sample::snapshot();
    let why = |model: &str, workload: &str| {
        let none = of(&sample, model, Mode::Pin, workload);
        assert_eq!(none.provider, None, "{model}");
        none.reason.expect("a reason")
    };
    assert!(why("northwind/atlas-3:free", "coding-agent").contains("`free`"));
    assert!(why("tinker/solo-1", "coding-agent").contains("sprout/fp16: its session cost is unknown"));
    assert!(why("zephyr/quill-large", "chess").contains("chess"));
}

#[test]
fn old_data_are_warned_about_and_stale_data_refused() {
    let sample = sample::snapshot();
    let model = sample.model("zephyr/quill-large").expect("a model of the sample");
    let after =
        |hours| preference(&sample, model, Mode::Pin, "coding-agent", sample.as_of + Duration::hours(hours));
    assert!(after(2).provider.is_some() && !warned(&after(2), "the data are old"));
    assert!(after(20).provider.is_some() && warned(&after(20), "the data are old"));
    assert!(after(28).provider.is_none());
    assert!(after(28).reason.is_some_and(|why| why.contains("stale")));
}

#[test]
fn in_a_young_record_every_endpoint_is_new() {
    let mut sample = sample::snapshot();
    sample.summary.first_run = sample.as_of - Duration::hours(6);
    let list = of(&sample, "northwind/atlas-3", Mode::Shortlist, "coding-agent");
    assert_eq!(only(&list), Some(vec!["quarry/fp8".to_owned(), "sprout/turbo".to_owned()]));
    assert!(warned(&list, "younger than a day"));
}

#[test]
fn the_tiers_follow_the_workload() {
    let mut sample = sample::snapshot();
    let quill = sample.models.iter_mut().find(|m| m.model_id == "zephyr/quill-large").expect("quill");
    quill.endpoints[0].session_cost.insert("rag".to_owned(), 9.0);
    quill.endpoints[0].session_cost_now.insert("rag".to_owned(), 9.0);
    let pinned = |workload| only(&of(&sample, "zephyr/quill-large", Mode::Pin, workload));
    assert_eq!(pinned("coding-agent"), Some(vec!["lumen/bf16".to_owned()]));
    assert_eq!(pinned("rag"), Some(vec!["quarry".to_owned()]));
}

/// One random endpoint: tag, tier, costs, health, flags, age.
fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    let tag = (
        prop::sample::select(vec!["ant", "bee", "cow"]),
        prop::sample::select(vec!["", "", "/eu", "/us", "/fp8", "/priority", "/flex"]),
    )
        .prop_map(|(base, rest)| format!("{base}{rest}"));
    let tier =
        prop::sample::select(vec![Tier::S, Tier::A, Tier::B, Tier::C, Tier::D, Tier::F, Tier::Unrated]);
    let costs = (prop::option::weighted(0.9, 0.0..3.0_f64), prop::option::weighted(0.9, 0.0..3.0_f64));
    let status =
        prop::sample::select(vec![Some(0), Some(0), Some(0), Some(-2), Some(-3), Some(-5), Some(-10), None]);
    let uptime = || prop::option::weighted(0.8, prop_oneof![5 => 0.9..1.0_f64, 1 => 0.0..0.9_f64]);
    let flags = prop::sample::subsequence(
        vec![
            FlagKind::Phantom,
            FlagKind::Restricted,
            FlagKind::Deranked,
            FlagKind::Down,
            FlagKind::New,
            FlagKind::NoDiscount,
        ],
        0..=1,
    );
    let flags = prop_oneof![3 => Just(Vec::new()), 1 => flags];
    let tokens = prop_oneof![5 => Just(52e6), 1 => Just(9e6)];
    let age = prop_oneof![4 => 24..900_i64, 1 => 0..24_i64];
    (tag, tier, costs, status, (uptime(), uptime()), flags, (age, tokens)).prop_map(
        |(tag, tier, costs, status, uptimes, flags, (age, tokens))| {
            let mut made = sample::endpoint("an/model-1", &Variant::standard(), &tag, tier, 1.0, 0.5);
            made.session_cost.clear();
            for (workload, cost) in WORKLOADS.into_iter().zip([costs.0, costs.1]) {
                made.session_cost.extend(cost.map(|cost| (workload.to_owned(), cost)));
            }
            made.session_cost_now = made.session_cost.clone();
            made.status = status;
            (made.uptime_30m, made.uptime_1d) = uptimes;
            made.flags = flags.into_iter().map(sample::flag).collect();
            made.first_seen = sample::as_of() - Duration::hours(age);
            made.tokens_per_day = Some(tokens);
            made
        },
    )
}

fn any_case() -> impl Strategy<Value = (Snapshot, Mode, &'static str, DateTime<Utc>)> {
    let mode = prop::sample::select(Mode::OFFERED.to_vec());
    let record = prop::sample::select(vec![10_i64, 500]);
    let waited = prop_oneof![4 => 0..3_i64, 1 => 0..60_i64];
    let endpoints = prop::collection::vec(any_endpoint(), 0..12);
    (endpoints, mode, prop::sample::select(WORKLOADS.to_vec()), record, waited).prop_map(
        |(endpoints, mode, workload, record, waited)| {
            let mut snapshot = sample::snapshot();
            let model = sample::model("an/model", "an/model-1", "A model");
            snapshot.models = vec![ModelEntry { endpoints, ..model }];
            snapshot.summary.first_run = snapshot.as_of - Duration::hours(record);
            let now = snapshot.as_of + Duration::hours(waited);
            (snapshot, mode, workload, now)
        },
    )
}

/// What an entry matches according to the router's documentation; independent of the program's own matcher.
fn router_matches(entry: &str, tag: &str) -> bool {
    let service_tier = tag.ends_with("/priority") || tag.ends_with("/flex");
    tag == entry || (!service_tier && tag.starts_with(&format!("{entry}/")))
}

/// What should hold for an endpoint, computed independently of the program.
struct Truth<'a> {
    snapshot: &'a Snapshot,
    workload: &'a str,
}

impl Truth<'_> {
    fn cost(&self, endpoint: &Endpoint) -> Option<f64> {
        endpoint.session_cost.get(self.workload).copied()
    }

    fn tier(&self, endpoint: &Endpoint) -> Tier {
        if self.workload == self.snapshot.default_workload() && self.peers().len() > 1 {
            return if self.cost(endpoint).is_some() { endpoint.tier } else { Tier::Unrated };
        }
        let peers = self.peers();
        match self.cost(endpoint) {
            Some(cost) if endpoint.tier != Tier::Unrated && peers.len() > 1 => {
                let median = (peers[(peers.len() - 1) / 2] + peers[peers.len() / 2]) / 2.0;
                Lens::Cost.tier(cost / median - 1.0)
            }
            _ => Tier::Unrated,
        }
    }

    fn peers(&self) -> Vec<f64> {
        let rated = self.snapshot.models[0].endpoints.iter().filter(|e| e.tier != Tier::Unrated);
        let mut costs: Vec<f64> = rated.filter_map(|e| self.cost(e)).collect();
        costs.sort_by(f64::total_cmp);
        costs
    }

    fn flagged(endpoint: &Endpoint, kinds: &[FlagKind]) -> bool {
        endpoint.flags.iter().any(|flag| kinds.contains(&flag.kind()))
    }

    /// Down, or with a phantom cache.
    fn broken(endpoint: &Endpoint) -> bool {
        matches!(endpoint.status, Some(-5 | -10))
            || Self::flagged(endpoint, &[FlagKind::Down, FlagKind::Phantom])
    }

    /// May be recommended, regardless of its tier.
    fn fit(&self, endpoint: &Endpoint) -> bool {
        self.fit_at_any_cost(endpoint) && self.cost(endpoint).is_some()
    }

    /// The same, regardless of whether its session cost is known.
    fn fit_at_any_cost(&self, endpoint: &Endpoint) -> bool {
        let day = Duration::hours(24);
        let record_is_old = self.snapshot.as_of - self.snapshot.summary.first_run >= day;
        let new =
            self.snapshot.as_of - endpoint.first_seen < day || Self::flagged(endpoint, &[FlagKind::New]);
        let low = |uptime: Option<f64>| uptime.is_some_and(|share| share < 0.9);
        let refused = Self::broken(endpoint)
            || Self::flagged(endpoint, &[FlagKind::Restricted, FlagKind::Deranked])
            || low(endpoint.uptime_30m)
            || low(endpoint.uptime_1d)
            || (record_is_old && new);
        !refused
    }

    /// Has enough traffic to be named: in these models, 10 million tokens are always more than 1 % of all.
    fn busy(endpoint: &Endpoint) -> bool {
        endpoint.tokens_per_day.is_some_and(|tokens| tokens >= 10e6)
    }

    fn recommended(&self, endpoint: &Endpoint) -> bool {
        self.fit(endpoint) && Self::busy(endpoint) && GOOD.contains(&self.tier(endpoint))
    }

    fn avoided(&self, endpoint: &Endpoint) -> bool {
        Self::broken(endpoint) || matches!(self.tier(endpoint), Tier::D | Tier::F)
    }
}

fn matched<'a>(endpoints: &'a [Endpoint], entries: &[String]) -> (Vec<&'a Endpoint>, Vec<&'a Endpoint>) {
    let named = |e: &&Endpoint| entries.iter().any(|entry| router_matches(entry, e.tag.as_str()));
    endpoints.iter().partition(named)
}

fn names(provider: &ProviderObject) -> &[String] {
    provider.only.as_deref().or(provider.ignore.as_deref()).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn no_preference_names_what_it_must_not((snapshot, mode, workload, now) in any_case()) {
        let endpoints = &snapshot.models[0].endpoints;
        let truth = Truth { snapshot: &snapshot, workload };
        let made = preference(&snapshot, &snapshot.models[0], mode, workload, now);
        prop_assert_eq!(made.provider.is_none(), made.reason.is_some());
        let Some(provider) = &made.provider else {
            prop_assert!(made.evidence.is_empty());
            return Ok(());
        };
        let schema = provider_schema();
        let written = serde_json::to_value(provider).expect("JSON");
        prop_assert_eq!(violations(&schema, &schema, &written), Vec::<String>::new());
        let entries = names(provider);
        prop_assert!(!entries.is_empty());
        prop_assert!(now - snapshot.as_of <= Duration::hours(27));
        prop_assert!(entries.iter().all(|entry| endpoints.iter().any(|e| e.tag.as_str() == entry)));
        prop_assert!(made.evidence.iter().all(|evidence| entries.contains(&evidence.tag)));
        let (mut inside, outside) = matched(endpoints, entries);
        let saved = made.saving.against_traffic_average.fraction;
        prop_assert!(saved.is_none_or(|saved| saved > -1e-6), "expected to lose: {:?}", saved);
        if let (Some(_), Some(ignore)) = (&provider.only, &provider.ignore) {
            prop_assert!(ignore.iter().all(|tag| inside.iter().any(|e| e.tag.as_str() == tag)), "{:?}", ignore);
            inside.retain(|e| !ignore.iter().any(|entry| router_matches(entry, e.tag.as_str())));
        }
        if mode == Mode::Avoid {
            prop_assert!(inside.iter().all(|e| truth.avoided(e)), "{:?}", entries);
            prop_assert!(outside.iter().any(|e| truth.fit(e) && !truth.avoided(e)), "{:?}", entries);
        } else if mode == Mode::Pin && inside.len() > 1 {
            // Endpoints with the same tag: their mean counts, so one of them may be expensive.
            prop_assert!(inside.iter().all(|e| truth.fit(e) && e.tag == inside[0].tag), "{:?}", entries);
        } else {
            prop_assert!(inside.iter().all(|e| truth.recommended(e)), "{:?}", entries);
        }
        prop_assert!(mode != Mode::Pin || entries.len() == 1);
    }

    #[test]
    fn nothing_is_withheld_without_need((snapshot, _, workload, _) in any_case()) {
        let endpoints = &snapshot.models[0].endpoints;
        let truth = Truth { snapshot: &snapshot, workload };
        let model = &snapshot.models[0];
        let safe = |e: &Endpoint, right: &dyn Fn(&Endpoint) -> bool| {
            right(e) && matched(endpoints, &[e.tag.to_string()]).0.into_iter().all(right)
        };
        // Only an endpoint with exactly the same tag cannot be excluded.
        let apart = |e: &Endpoint, right: &dyn Fn(&Endpoint) -> bool| {
            endpoints.iter().filter(|twin| twin.tag == e.tag).all(right)
        };
        let is_withheld = |made: &Preference| made.reason.as_ref().is_some_and(|why| why.starts_with("withheld"));
        let list = preference(&snapshot, model, Mode::Shortlist, workload, snapshot.as_of);
        if is_withheld(&list) {
            return Ok(());
        }
        let listed = only(&list).unwrap_or_default();
        let best = |e: &Endpoint| truth.recommended(e) && matches!(truth.tier(e), Tier::S | Tier::A);
        let any_good = |e: &Endpoint| truth.recommended(e);
        let nameable = |right: &dyn Fn(&Endpoint) -> bool| {
            let named = endpoints.iter().filter(|e| apart(e, right));
            named.map(|e| e.tag.to_string()).collect::<BTreeSet<_>>().len()
        };
        // Tier B is included if S and A are too few.
        let pool = |e: &Endpoint| if nameable(&best) >= SHORTLIST_MIN { best(e) } else { any_good(e) };
        let ranked = |e: &Endpoint| expected_cost(e, workload).unwrap_or(f64::INFINITY);
        let lowest = endpoints.iter().filter(|e| pool(e)).map(ranked).fold(f64::INFINITY, f64::min);
        let near = |e: &Endpoint| pool(e) && ranked(e) <= SHORTLIST_REACH * lowest;
        for endpoint in endpoints.iter().filter(|e| apart(e, &near)) {
            prop_assert!(listed.contains(&endpoint.tag.to_string()), "{}: {:?}", endpoint.tag, listed);
        }
        // The minimum, if this many can be named; then the last may be expensive. Nothing else is.
        prop_assert!(listed.len() >= nameable(&any_good).min(SHORTLIST_MIN), "{:?}", listed);
        let members = || endpoints.iter().filter(|e| listed.contains(&e.tag.to_string()));
        prop_assert!(listed.len() <= SHORTLIST_MIN || members().all(near), "{:?}", listed);
        prop_assert_eq!(listed.is_empty(), !endpoints.iter().any(|e| apart(e, &any_good)));
        let avoid = preference(&snapshot, model, Mode::Avoid, workload, snapshot.as_of);
        let remains = endpoints.iter().any(|e| truth.fit(e) && !truth.avoided(e) && truth.tier(e) != Tier::Unrated);
        let bad = |e: &Endpoint| truth.avoided(e);
        for endpoint in endpoints.iter().filter(|e| remains && !is_withheld(&avoid) && safe(e, &bad)) {
            let named = ignored(&avoid).unwrap_or_default();
            prop_assert!(named.contains(&endpoint.tag.to_string()), "{}: {:?}, {:?}", endpoint.tag, named, avoid.reason);
        }
    }
}
