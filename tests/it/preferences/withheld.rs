//! Tests that a preference needs traffic, and that none is given which is expected to be worse than none.

use super::{of, only, warned};
use crate::sample;
use chrono::Duration;
use hitrate::domain::limits::Limits;
use hitrate::domain::thresholds::{PREFERENCE_MIN_SHARE, PREFERENCE_MIN_TOKENS};
use hitrate::domain::tier::Tier;
use hitrate::preferences::targets::{TARGETS, Target};
use hitrate::preferences::{Mode, PreferenceOptions, advise};
use hitrate::snapshot::{Endpoint, Snapshot};

fn quill(change: impl Fn(usize, &mut Endpoint)) -> Snapshot {
    let mut sample = sample::snapshot();
    let quill = sample.models.iter_mut().find(|model| model.model_id == "zephyr/quill-large").expect("quill");
    quill.endpoints.iter_mut().enumerate().for_each(|(at, endpoint)| change(at, endpoint));
    sample
}

/// With these tokens a day at the endpoints.
fn busy(tokens: [Option<f64>; 4]) -> Snapshot {
    quill(|at, one| one.tokens_per_day = tokens[at])
}

#[test]
fn a_pin_and_a_shortlist_name_only_endpoints_with_traffic() {
    let named = |tokens, mode| only(&of(&busy(tokens), "zephyr/quill-large", mode, "coding-agent"));
    let (some, few) = (Some(52e6), Some(PREFERENCE_MIN_TOKENS - 1.0));
    for (tokens, best) in [
        ([Some(PREFERENCE_MIN_TOKENS), some, some, some], "lumen/bf16"),
        ([few, some, some, some], "quarry"),
        ([None, some, some, some], "quarry"),
        ([some, Some(51e8), Some(52e6), Some(52e6)], "quarry"),
    ] {
        assert_eq!(named(tokens, Mode::Pin), Some(vec![best.to_owned()]), "{tokens:?}");
        let list = named(tokens, Mode::Shortlist).expect("a shortlist");
        assert_eq!(list.contains(&"lumen/bf16".to_owned()), best == "lumen/bf16", "{tokens:?}: {list:?}");
    }
    // Exactly the share is enough.
    let share = [Some(PREFERENCE_MIN_SHARE * 1e10), Some(9.7e9), Some(1e8), Some(1e8)];
    assert_eq!(named(share, Mode::Pin), Some(vec!["lumen/bf16".to_owned()]));
}

#[test]
fn without_traffic_there_is_a_reason_in_place_of_a_preference() {
    let idle = busy([Some(724.0); 4]);
    for mode in [Mode::Shortlist, Mode::Pin, Mode::Order] {
        let none = of(&idle, "zephyr/quill-large", mode, "coding-agent");
        assert_eq!((none.provider, none.evidence.len()), (None, 0));
        let why = none.reason.expect("a reason");
        assert!(why.contains("lumen/bf16: too little traffic to rely on: 724 tokens a day"), "{why}");
    }
    // `avoid` names only what is bad, however little traffic it has.
    assert!(of(&idle, "zephyr/quill-large", Mode::Avoid, "coding-agent").provider.is_some());
}

/// The cheapest endpoint has most of the traffic, but is too new to be named.
fn losing() -> Snapshot {
    quill(|at, one| {
        one.tokens_per_day = Some(if at == 0 { 1e9 } else { 52e6 });
        if at == 0 {
            one.first_seen = sample::as_of() - Duration::hours(5);
        }
    })
}

#[test]
fn a_preference_that_expects_a_loss_is_withheld_with_its_numbers() {
    let sample = losing();
    let model = sample.model("zephyr/quill-large").expect("quill");
    let none = of(&sample, "zephyr/quill-large", Mode::Pin, "coding-agent");
    assert_eq!((none.provider.is_none(), none.evidence.len()), (true, 0));
    let why = none.reason.clone().expect("a reason");
    // 0.34 against (1000 x 0.21 + 52 x 2.15) / 1156 = 0.2784.
    assert!(
        why.starts_with("withheld: expected to cost 22 % more than the traffic pays on average"),
        "{why}"
    );
    assert_eq!(none.saving.against_traffic_average.fraction, None);
    assert!(!warned(&none, "single endpoint"), "{:?}", none.warnings);
    for target in TARGETS {
        let rendered = target.render(&none, model);
        assert!(rendered.files.is_empty(), "{}", target.name);
        assert!(rendered.notes[0].starts_with("withheld: "), "{}: {:?}", target.name, rendered.notes);
    }
}

#[test]
fn a_wide_interval_withholds_a_pin() {
    let with = |factor: f64| {
        quill(|_, one| {
            let usd = one.session_cost["coding-agent"];
            let day = sample::as_of().date_naive();
            let (low, high) = (Some(usd / factor), Some(usd * factor));
            one.expected_cost = Some(hitrate::domain::backtest::ExpectedCost {
                day,
                usd_per_mtok: usd,
                low,
                high,
                chosen_by: usd,
            });
        })
    };
    let pin = |factor| of(&with(factor), "zephyr/quill-large", Mode::Pin, "coding-agent");
    assert!(pin(1.05).provider.is_some());
    let why = pin(30.0).reason.expect("a reason");
    assert!(why.starts_with("withheld: the saving is too uncertain: +64 % expected"), "{why}");
    assert!(why.contains("it must not reach below -10 %"), "{why}");
}

#[test]
fn limits_that_only_the_names_keep_are_not_given_up_for_a_loss() {
    let mut sample = losing();
    let quill = sample.models.iter_mut().find(|model| model.model_id == "zephyr/quill-large").expect("quill");
    quill.endpoints[3].facts.context_length = Some(32_000);
    let advised = |limits: &Limits| {
        let options = PreferenceOptions { mode: Mode::Pin, workload: "coding-agent", limits };
        advise(&sample, sample.model("zephyr/quill-large").expect("quill"), &options, sample.as_of)
    };
    let kept = advised(&Limits { context: Some(100_000), ..Limits::default() });
    assert_eq!(only(&kept), Some(vec!["quarry".to_owned()]));
    assert!(warned(&kept, "it is given only because the router cannot enforce"), "{:?}", kept.warnings);
    // All endpoints within the limit would be more expensive than that one, so they are not named.
    assert!(!warned(&kept, "all endpoints that meet them"), "{:?}", kept.warnings);
    // A limit that the router enforces holds without the names.
    let enforced = advised(&Limits { max_input: Some(1.0), ..Limits::default() });
    assert!(enforced.provider.is_none() && enforced.router_limits.is_some(), "{enforced:?}");
}

#[test]
fn where_only_names_keep_a_limit_all_that_meet_it_are_named_before_a_few_at_a_loss() {
    let limits = Limits { context: Some(100_000), ..Limits::default() };
    let advised = |sample: &Snapshot, mode| {
        let options = PreferenceOptions { mode, workload: "coding-agent", limits: &limits };
        advise(sample, sample.model("zephyr/quill-large").expect("quill"), &options, sample.as_of)
    };
    // The endpoint with most of the traffic is the cheapest, but is not recommended.
    let sample = quill(|at, one| {
        one.tokens_per_day = Some(if at == 0 { 1e9 } else { 52e6 });
        match at {
            0 => one.tier = Tier::C,
            3 => one.facts.context_length = Some(32_000),
            _ => {}
        }
    });
    for mode in [Mode::Pin, Mode::Shortlist, Mode::Order] {
        let made = advised(&sample, mode);
        let all = ["lumen/bf16", "quarry", "north-cloud/us-east"].map(str::to_owned).to_vec();
        assert_eq!(only(&made), Some(all), "{mode}");
        assert_eq!(made.provider.as_ref().and_then(|provider| provider.order.clone()), None, "{mode}");
        // They are what the traffic pays, without a rounding error.
        assert_eq!(made.saving.against_traffic_average.fraction, Some(0.0), "{mode}");
        assert_eq!(made.evidence.len(), 3, "{mode}");
        assert!(warned(&made, "fewer names may be worse than none (expected to cost"), "{:?}", made.warnings);
        assert!(
            !warned(&made, "Together") && !warned(&made, "a single endpoint: when"),
            "{:?}",
            made.warnings
        );
    }
    let roo: &Target = "roo".parse().expect("a target");
    let rendered =
        roo.render(&advised(&sample, Mode::Pin), sample.model("zephyr/quill-large").expect("quill"));
    assert!(rendered.files.is_empty() && rendered.notes[0].contains("this pin names 3"), "{rendered:?}");
    // The cheapest one must not be named, so all others still lose, but less than the one that a pin would name.
    let mut sample = losing();
    let quill = sample.models.iter_mut().find(|model| model.model_id == "zephyr/quill-large").expect("quill");
    quill.endpoints[1].tier = Tier::C;
    quill.endpoints[3].facts.context_length = Some(32_000);
    let made = advised(&sample, Mode::Pin);
    assert_eq!(only(&made), Some(["quarry", "north-cloud/us-east"].map(str::to_owned).to_vec()));
    // 0.375 against (1000 x 0.21 + 52 x 0.75) / 1104 = 0.2255.
    assert!(warned(&made, "Together they are still expected to cost 66 % more"), "{:?}", made.warnings);
}
