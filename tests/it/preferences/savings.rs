//! Tests the stated savings of a preference.

use super::of;
use crate::sample;
use hitrate::domain::backtest::ExpectedCost;
use hitrate::domain::thresholds::{EXPECTED_COST_SPREADS, SAVING_SPREADS, TRAFFIC_SCATTER};
use hitrate::domain::tier::Tier;
use hitrate::preferences::{Compared, Mode, TRAFFIC};
use hitrate::snapshot::{Endpoint, Snapshot};

/// `quill` with expected costs and misleading list prices: the most expensive session has the lowest list price.
fn snapshot(change: impl Fn(usize, &mut Endpoint)) -> Snapshot {
    let mut sample = sample::snapshot();
    let day = sample.as_of.date_naive();
    let quill = sample.models.iter_mut().find(|model| model.model_id == "zephyr/quill-large").expect("quill");
    for (at, endpoint) in quill.endpoints.iter_mut().enumerate() {
        let usd = endpoint.session_cost["coding-agent"];
        let [low, high] = [Some(usd / 1.1), Some(usd * 1.1)];
        endpoint.expected_cost = Some(ExpectedCost { day, usd_per_mtok: usd, low, high, chosen_by: usd });
        let list = [0.5, 0.4, 0.6, 0.2][at];
        (endpoint.list.input, endpoint.list.output) = (Some(list), Some(list * 4.0));
        endpoint.tokens_per_day = Some([1e7, 2e7, 3e7, 4e7][at]);
        change(at, endpoint);
    }
    sample
}

fn close(told: Option<f64>, expected: f64) {
    assert!(told.is_some_and(|told| (told - expected).abs() < 1e-9), "{told:?} is not {expected}");
}

/// The costs of the sample: S, A, B, F.
const COSTS: [f64; 4] = [0.21, 0.34, 0.41, 1.4];

#[test]
fn a_pin_is_compared_with_what_people_pick_and_with_what_the_traffic_pays() {
    let saving = of(&snapshot(|_, _| {}), "zephyr/quill-large", Mode::Pin, "coding-agent").saving;
    let list = saving.against_cheapest_list;
    assert_eq!(list.against, Some(vec!["mirage".to_owned()]));
    close(list.against_usd, 1.4);
    close(list.fraction, 1.0 - 0.21 / 1.4);
    close(list.usd_per_session, 1.4 - 0.21);
    // Two endpoints, each with an interval of 10 %, and no traffic to move: the errors of their logarithms add in
    // quadrature.
    let reach = SAVING_SPREADS * 2.0_f64.sqrt() * 1.1_f64.ln() / EXPECTED_COST_SPREADS;
    close(list.low, 1.0 - 0.21 / 1.4 * reach.exp());
    close(list.usd_high, 1.4 - 0.21 * (-reach).exp());
    let average = saving.against_traffic_average;
    let mean = COSTS.iter().zip([0.1, 0.2, 0.3, 0.4]).map(|(cost, share)| cost * share).sum::<f64>();
    close(average.against_usd, mean);
    close(average.fraction, 1.0 - 0.21 / mean);
    // Against the traffic, the shares of the endpoints may move as well.
    let shares = [0.1, 0.2, 0.3, 0.4];
    let error = 1.1_f64.ln() / EXPECTED_COST_SPREADS;
    let squares: f64 = (0..4)
        .map(|at| {
            let price = f64::from(u8::from(at == 0)) - shares[at] * COSTS[at] / mean;
            let traffic = shares[at] * (COSTS[at] / mean - 1.0);
            (price * error).powi(2) + (TRAFFIC_SCATTER * traffic).powi(2)
        })
        .sum();
    let reach = SAVING_SPREADS * squares.sqrt();
    close(average.low, 1.0 - 0.21 / mean * reach.exp());
    close(average.high, 1.0 - 0.21 / mean * (-reach).exp());
    assert!(average.why.is_none());
}

#[test]
fn a_preference_and_its_saving_are_about_the_prices_of_now() {
    // `mirage` has the lowest list price of now, and at this price its session is the cheapest of all.
    let cheap_now = |at: usize, one: &mut Endpoint| {
        if at == 3 {
            one.session_cost_now.insert("coding-agent".to_owned(), 0.1);
            one.tokens_per_day = Some(1e7);
        }
    };
    let pin = of(&snapshot(cheap_now), "zephyr/quill-large", Mode::Pin, "coding-agent");
    let list = &pin.saving.against_cheapest_list;
    assert_eq!(list.against, Some(vec!["mirage".to_owned()]));
    close(list.against_usd, 0.1);
    close(list.fraction, 1.0 - 0.21 / 0.1);
    // Without a cost of now, the usual one counts.
    let unknown = snapshot(|at, one| {
        if at == 3 {
            one.session_cost_now.clear();
        }
    });
    let pin = of(&unknown, "zephyr/quill-large", Mode::Pin, "coding-agent");
    close(pin.saving.against_cheapest_list.against_usd, 1.4);
    // The rank, the evidence and the expected cost are of now; the tier and its sentence are the usual ones.
    let quarry = snapshot(|at, one| {
        if at == 1 {
            one.session_cost_now.insert("coding-agent".to_owned(), 0.15);
        }
    });
    let pin = of(&quarry, "zephyr/quill-large", Mode::Pin, "coding-agent");
    let evidence = &pin.evidence[0];
    assert_eq!(
        (evidence.tag.as_str(), evidence.session_cost, evidence.tier),
        ("quarry", Some(0.15), Tier::A)
    );
    close(evidence.expected_cost, 0.15);
    assert!(evidence.why.contains("session usually costs 0.3400 USD"), "{}", evidence.why);
}

#[test]
fn an_endpoint_that_cannot_take_the_longest_turn_is_not_what_a_saving_is_compared_with() {
    let short = snapshot(|at, one| {
        if at == 3 {
            one.facts.context_length = Some(8_000);
        }
    });
    let saving = of(&short, "zephyr/quill-large", Mode::Pin, "coding-agent").saving;
    assert_eq!(saving.against_cheapest_list.against, Some(vec!["quarry".to_owned()]));
    close(saving.against_traffic_average.against_usd, (0.21 + 2.0 * 0.34 + 3.0 * 0.41) / 6.0);
    // Under the traffic there is no longest turn, and if all are too short, sessions are cut.
    let all = snapshot(|_, one| one.facts.context_length = Some(8_000));
    let pin =
        |snapshot: &Snapshot, workload: &str| of(snapshot, "zephyr/quill-large", Mode::Pin, workload).saving;
    for saving in [pin(&short, TRAFFIC), pin(&all, "coding-agent")] {
        assert_eq!(saving.against_cheapest_list.against, Some(vec!["mirage".to_owned()]));
    }
}

#[test]
fn what_is_left_shares_the_requests_as_its_traffic_does() {
    let saving = of(&snapshot(|_, _| {}), "zephyr/quill-large", Mode::Avoid, "coding-agent").saving;
    let (left, mean) =
        ((0.21 + 2.0 * 0.34 + 3.0 * 0.41) / 6.0, 0.1 * 0.21 + 0.2 * 0.34 + 0.3 * 0.41 + 0.4 * 1.4);
    close(saving.against_traffic_average.fraction, 1.0 - left / mean);
    let shortlist = of(&snapshot(|_, _| {}), "zephyr/quill-large", Mode::Shortlist, "coding-agent").saving;
    close(shortlist.against_traffic_average.fraction, 1.0 - (0.21 + 2.0 * 0.34) / 3.0 / mean);
}

#[test]
fn a_single_endpoint_with_all_of_the_traffic_saves_nothing_for_sure() {
    let alone = snapshot(|at, one| one.tokens_per_day = (at == 0).then_some(1e9));
    let average = of(&alone, "zephyr/quill-large", Mode::Pin, "coding-agent").saving.against_traffic_average;
    for stated in [average.fraction, average.low, average.high] {
        close(stated, 0.0);
    }
}

#[test]
fn traffic_that_may_move_widens_the_interval_even_if_prices_are_certain() {
    let certain = snapshot(|_, one| {
        if let Some(expected) = &mut one.expected_cost {
            (expected.low, expected.high) = (Some(expected.usd_per_mtok), Some(expected.usd_per_mtok));
        }
    });
    let saving = of(&certain, "zephyr/quill-large", Mode::Pin, "coding-agent").saving;
    let [list, average] = [saving.against_cheapest_list, saving.against_traffic_average];
    close(list.low, list.fraction.expect("a fraction"));
    assert!(average.low < average.fraction && average.fraction < average.high, "{average:?}");
}

#[test]
fn what_is_picked_anyway_saves_nothing_and_that_is_certain() {
    let cheap = |at: usize, one: &mut Endpoint| {
        if at == 0 {
            one.list.input = Some(0.01);
        }
    };
    let saving = of(&snapshot(cheap), "zephyr/quill-large", Mode::Pin, "coding-agent").saving;
    let list = saving.against_cheapest_list;
    for told in [list.fraction, list.low, list.high, list.usd_per_session] {
        close(told, 0.0);
    }
}

#[test]
fn a_preference_can_cost_more_than_the_cheapest_list() {
    let cheap = |at: usize, one: &mut Endpoint| {
        if at == 0 {
            one.list.input = Some(0.01);
        }
    };
    let made = of(&snapshot(cheap), "zephyr/quill-large", Mode::Avoid, "coding-agent");
    let fraction = made.saving.against_cheapest_list.fraction.expect("a fraction");
    assert!(fraction < 0.0, "{made:?}");
    let told = format!("expected to cost {:.0} % more than the lowest list price", -fraction * 100.0);
    assert!(made.warnings.iter().any(|warning| warning.starts_with(&told)), "{:?}", made.warnings);
    let pinned = of(&snapshot(|_, _| {}), "zephyr/quill-large", Mode::Pin, "coding-agent");
    assert!(!pinned.warnings.iter().any(|warning| warning.starts_with("expected")), "{:?}", pinned.warnings);
}

#[test]
fn endpoints_that_share_the_lowest_list_price_are_counted() {
    let tied = snapshot(|at, one| {
        if at < 2 {
            (one.list.input, one.list.output) = (Some(0.1), Some(0.1));
        }
    });
    let made = of(&tied, "zephyr/quill-large", Mode::Avoid, "coding-agent");
    let list = &made.saving.against_cheapest_list;
    assert_eq!(list.against, Some(["lumen/bf16", "quarry"].map(str::to_owned).to_vec()));
    close(list.against_usd, f64::midpoint(0.21, 0.34));
    let warning =
        "more than a random one of the 2 endpoints at the lowest list price (`lumen/bf16`, `quarry`)";
    assert!(made.warnings.iter().any(|one| one.contains(warning)), "{:?}", made.warnings);
}

#[test]
fn what_cannot_be_told_is_null_with_a_reason() {
    let untold = |compared: &Compared, why: &str| {
        assert!(compared.why.as_deref().is_some_and(|told| told.contains(why)), "{compared:?}");
    };
    let silent = snapshot(|_, one| one.expected_cost = None);
    let saving = of(&silent, "zephyr/quill-large", Mode::Pin, "coding-agent").saving;
    let list = &saving.against_cheapest_list;
    assert_eq!((list.fraction.is_some(), list.low, list.usd_low), (true, None, None));
    untold(list, "no interval: too few closing prices of `lumen/bf16`");
    let unlisted = snapshot(|_, one| one.list.input = None);
    let saving = of(&unlisted, "zephyr/quill-large", Mode::Pin, "coding-agent").saving;
    assert_eq!(saving.against_cheapest_list.fraction, None);
    untold(&saving.against_cheapest_list, "no list price");
    assert!(saving.against_traffic_average.fraction.is_some());
    let costless = snapshot(|at, one| {
        if at == 3 {
            one.session_cost.clear();
            one.session_cost_now.clear();
        }
    });
    let saving = of(&costless, "zephyr/quill-large", Mode::Pin, "coding-agent").saving;
    assert_eq!(saving.against_traffic_average.fraction, None);
    untold(&saving.against_traffic_average, "unknown for endpoints with too much of the traffic");
    let none = of(&costless, "tinker/solo-1", Mode::Pin, "coding-agent").saving;
    untold(&none.against_cheapest_list, "there is no preference");
}

#[test]
fn under_the_traffic_the_cost_is_the_policys_expectation() {
    let other = snapshot(|at, one| {
        if let Some(expected) = &mut one.expected_cost {
            (expected.usd_per_mtok, expected.chosen_by) =
                ([2.0, 1.0, 1.5, 9.0][at], [2.0, 1.0, 1.5, 9.0][at]);
        }
    });
    let pin = of(&other, "zephyr/quill-large", Mode::Pin, TRAFFIC);
    assert_eq!(pin.evidence[0].tag, "quarry");
    assert_eq!(pin.evidence[0].session_cost, Some(1.0));
    assert!(pin.evidence[0].why.contains("a million prompt tokens of its traffic"), "{:?}", pin.evidence);
    close(pin.saving.against_cheapest_list.against_usd, 9.0);
}
