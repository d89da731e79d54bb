//! Properties that must hold for every record: independence of row order, units and names, and the direction of
//! changes.

use super::*;
use hitrate::analysis::apply_hysteresis;
use hitrate::domain::ids::ProviderSlug;
use hitrate::domain::tier_history::History;
use polars::prelude::{IdxCa, IdxSize, NewChunkedArray};
use proptest::test_runner::Config;

const PROVIDERS: [&str; 6] = ["alder", "birch", "cedar", "dogwood", "elm", "fir"];
const MODELS: [&str; 7] = ["x/a", "x/b", "x/c", "y/d", "y/e", "z/f", "z/g"];

/// A world with one to six hosts per model; the first provider serves every model, the second at least three.
fn worlds() -> impl Strategy<Value = Vec<Host>> {
    let numbers = (0.02..0.97_f64, 2.1..9.5_f64, 0.2..5.0_f64, 0.05..0.9_f64, 2.0..6.0_f64);
    let service = (0.9..0.9999_f64, 20.0..200.0_f64, 0.0..0.012_f64);
    let one = (proptest::bool::weighted(0.6), numbers, service);
    proptest::collection::vec(one, MODELS.len() * PROVIDERS.len()).prop_map(|drawn| {
        let place = |at: usize| (at / PROVIDERS.len(), at % PROVIDERS.len());
        let kept = drawn.into_iter().enumerate().filter(|(at, (is_there, ..))| {
            let (model, provider) = place(*at);
            *is_there || provider == 0 || (provider == 1 && model < 3)
        });
        kept.map(|(at, (_, (hits, tokens, input, read, output), (uptime, speed, swing)))| {
            let (model, provider) = place(at);
            Host {
                tokens: (tokens * 1e8) as i64,
                prices: [Some(input), Some(input * output), Some(input * read), None],
                uptime: Some(uptime),
                speed,
                swing,
                ..host(MODELS[model], PROVIDERS[provider], hits)
            }
        })
        .collect()
    })
}

/// Everything except the resamples, which take most of the time.
fn figures(frames: &Frames) -> Analysis {
    let tuning = Tuning { resamples: 0, ..Tuning::default() };
    analyse_with(frames, &parameters(), &tuning).expect("frames that conform to the contract")
}

fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// The rows of a frame in a different order: every `step`th row, wrapping around.
fn shuffled(data: &DataFrame, step: usize) -> DataFrame {
    let height = data.height();
    let step = (step..).find(|step| gcd(*step, height) == 1).unwrap_or(1);
    let order: Vec<IdxSize> = (0..height).map(|row| ((row * step + 1) % height) as IdxSize).collect();
    data.take(&IdxCa::from_slice("row".into(), &order)).expect("rows that are there")
}

fn gcd(one: usize, other: usize) -> usize {
    if other == 0 { one } else { gcd(other, one % other) }
}

fn near(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0),
        (one, other) => one == other,
    }
}

fn times(value: Option<f64>, factor: f64) -> Option<f64> {
    value.map(|value| value * factor)
}

/// The same tiers, effects and intervals in every list; means are multiplied by `cost` if the lens's measure is in
/// dollars.
fn same_lists(one: &Analysis, other: &Analysis, cost: f64, tokens: f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.tier_lists.len(), other.tier_lists.len());
    for (one, other) in one.tier_lists.iter().zip(&other.tier_lists) {
        let unit = if one.lens == Lens::Cost { cost } else { 1.0 };
        prop_assert_eq!(one.providers.len(), other.providers.len());
        for row in &one.providers {
            let twin = other.providers.iter().find(|twin| twin.provider == row.provider).expect("listed");
            let what = format!("{} {}: {row:?} {twin:?}", one.lens, row.provider);
            prop_assert_eq!(row.naive, twin.naive, "{}", what);
            prop_assert!(near(row.adjusted, twin.adjusted), "{}", what);
            prop_assert!(near(row.low, twin.low) && near(row.high, twin.high), "{}", what);
            prop_assert_eq!(&row.span, &twin.span, "{}", what);
            prop_assert!(near(times(row.traffic_mean, unit), twin.traffic_mean), "{}", what);
            prop_assert!(near(times(row.model_mean, unit), twin.model_mean), "{}", what);
            prop_assert!(near(Some(row.tokens_per_day * tokens), Some(twin.tokens_per_day)), "{}", what);
        }
    }
    Ok(())
}

/// The same verdicts, flags and derived figures of every endpoint; session costs are multiplied by `cost`.
fn same_endpoints(one: &Analysis, other: &Analysis, cost: f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.endpoints.len(), other.endpoints.len());
    for (id, verdicts) in &one.endpoints {
        let twin = &other.endpoints[id];
        for (lens, verdict) in &verdicts.verdicts {
            let twin = &twin.verdicts[lens];
            prop_assert_eq!(verdict.naive, twin.naive, "{}: {:?} {:?}", lens, verdict, twin);
            prop_assert!(near(verdict.value, twin.value), "{}: {:?} {:?}", lens, verdict, twin);
        }
        prop_assert!(near(verdicts.efficiency, twin.efficiency));
        prop_assert!(near(verdicts.realised_discount, twin.realised_discount));
        prop_assert!(near(verdicts.identity_error, twin.identity_error));
        let kinds = |verdicts: &EndpointVerdicts| -> Vec<FlagKind> {
            verdicts.flags.iter().map(Flag::kind).collect()
        };
        prop_assert_eq!(kinds(verdicts), kinds(twin));
        for (workload, dollars) in &verdicts.session_cost {
            let twin = times(twin.session_cost.get(workload).copied(), 1.0 / cost);
            prop_assert!(near(Some(*dollars), twin), "{}: {} {:?}", workload, dollars, twin);
        }
    }
    Ok(())
}

/// The frames with a different name for every provider; endpoints keep their ids.
fn renamed(frames: &Frames, name: &dyn Fn(&str) -> &'static str) -> Frames {
    let rename = |data: &DataFrame| {
        let mut data = data.clone();
        let old = data.column("provider").expect("there").clone();
        let new = old.str().expect("texts").iter().map(|old| name(old.expect("a name")).to_owned()).collect();
        data.with_column(text("provider", new)).expect("as many rows");
        data
    };
    Frames { days: rename(&frames.days), newest: rename(&frames.newest) }
}

fn effect(analysis: &Analysis, lens: Lens, provider: &str) -> Option<f64> {
    row(list(analysis, lens), provider).adjusted
}

/// Every letter is the tier of its figure, lists are in the order of both, and no figure is further from the measured
/// one than the band.
fn agrees_with_itself(analysis: &Analysis) -> Result<(), TestCaseError> {
    for list in &analysis.tier_lists {
        let lens = list.lens;
        let sign = if lens.cuts().higher_is_better { -1.0 } else { 1.0 };
        let mut before = (Tier::S, f64::NEG_INFINITY);
        for row in list.providers.iter().filter(|row| row.tier != Tier::Unrated) {
            let (shown, measured) = row.adjusted.zip(row.measured).expect("rated");
            prop_assert_eq!(lens.cuts().tier(shown), row.tier, "{}: {:?}", lens, row);
            prop_assert!(
                row.cap.is_some() || lens.apart(shown, measured) <= lens.band() + 0.006,
                "{:?}",
                row
            );
            prop_assert!(before <= (row.tier, sign * shown), "{}: {:?} before {:?}", lens, before, row);
            before = (row.tier, sign * shown);
        }
    }
    for (lens, verdict) in analysis.endpoints.values().flat_map(|endpoint| &endpoint.verdicts) {
        if let Some((shown, measured)) = verdict.value.zip(verdict.measured) {
            let rated = verdict.tier != Tier::Unrated;
            prop_assert!(!rated || lens.cuts().tier(shown) == verdict.tier, "{}: {:?}", lens, verdict);
            let held = lens.apart(shown, measured);
            prop_assert!(verdict.cap.is_some() || held <= lens.band() + 0.006, "{}: {:?}", lens, verdict);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn letter_order_and_figure_agree_on_every_day(hosts in worlds(), moves in proptest::collection::vec(-0.08..0.08_f64, 4)) {
        let mut history = History::default();
        let first = parameters().as_of.date_naive();
        for (number, change) in moves.into_iter().enumerate() {
            let moved = |(at, host): (usize, &Host)| {
                let change = if at % 3 == number % 3 { change } else { -change };
                Host { hit_rate: host.hit_rate.map(|rate| (rate + change).clamp(0.0, 1.0)), ..host.clone() }
            };
            let hosts: Vec<Host> = hosts.iter().enumerate().map(moved).collect();
            let mut analysis = figures(&frames(&hosts));
            let day = first + chrono::Days::new(number as u64);
            history = apply_hysteresis(&mut analysis, &history, day);
            agrees_with_itself(&analysis)?;
        }
    }
}

proptest! {
    #![proptest_config(cases(12))]

    /// Identical to the last bit, including the resamples.
    #[test]
    fn the_order_of_rows_changes_nothing(hosts in worlds(), step in 2..40_usize) {
        let wanted = frames(&hosts);
        let turned = Frames { days: shuffled(&wanted.days, step), newest: shuffled(&wanted.newest, step + 3) };
        let tuning = Tuning { resamples: 30, ..Tuning::default() };
        let of = |frames: &Frames| analyse_with(frames, &parameters(), &tuning).expect("an analysis");
        prop_assert_eq!(of(&turned), of(&wanted));
    }
}

proptest! {
    #![proptest_config(cases(40))]

    /// A different currency unit leaves the offers the same: costs and means scale, all comparisons stay.
    #[test]
    fn prices_times_a_thousand_scale_costs_and_no_tier(hosts in worlds(), factor in prop_oneof![Just(1000.0), Just(0.001), 0.01..100.0]) {
        let dear: Vec<Host> = hosts
            .iter()
            .map(|host| Host { prices: host.prices.map(|price| times(price, factor)), ..host.clone() })
            .collect();
        let (one, other) = (figures(&frames(&hosts)), figures(&frames(&dear)));
        same_lists(&one, &other, factor, 1.0)?;
        same_endpoints(&one, &other, factor)?;
        let scaled = one.endpoints.iter().any(|(id, verdicts)| {
            verdicts.session_cost.iter().any(|(w, cost)| !near(Some(*cost), other.endpoints[id].session_cost.get(w).copied()))
        });
        prop_assert!(scaled || (factor - 1.0).abs() < 1e-6);
    }

    /// Weights are relative: as long as every cell stays above the thresholds, the number of tokens has no effect.
    #[test]
    fn tokens_times_anything_scale_traffic_and_no_effect(hosts in worlds(), factor in 2..1000_i64) {
        let busy: Vec<Host> =
            hosts.iter().map(|host| Host { tokens: host.tokens * factor, ..host.clone() }).collect();
        let (one, other) = (figures(&frames(&hosts)), figures(&frames(&busy)));
        same_lists(&one, &other, 1.0, factor as f64)?;
        same_endpoints(&one, &other, 1.0)?;
    }

    /// A higher hit rate does not lower a provider's rank.
    #[test]
    fn more_hits_at_one_endpoint_never_lower_its_provider(hosts in worlds(), chosen in 0..1000_usize, share in 0.05..1.0_f64) {
        let chosen = chosen % hosts.len();
        let before = figures(&frames(&hosts));
        let mut better = hosts.clone();
        let hits = hosts[chosen].hit_rate.expect("each has one");
        better[chosen].hit_rate = Some(hits + share * (1.0 - hits));
        let after = figures(&frames(&better));
        let provider = hosts[chosen].provider;
        let (before, after) = (effect(&before, Lens::Cache, provider), effect(&after, Lens::Cache, provider));
        prop_assert!(after >= before.map(|effect| effect - 1e-12), "{:?} then {:?}", before, after);
        let alone = hosts.iter().filter(|host| host.model == hosts[chosen].model).count() == 1;
        prop_assert!(alone || after > before, "{:?} then {:?}", before, after);
    }

    /// A higher price does not make a provider rank as cheaper.
    #[test]
    fn a_dearer_endpoint_never_makes_its_provider_cheaper(
        hosts in worlds(), chosen in 0..1000_usize, price in 0..3_usize, factor in 1.01..20.0_f64
    ) {
        let chosen = chosen % hosts.len();
        let before = figures(&frames(&hosts));
        let mut dearer = hosts.clone();
        dearer[chosen].prices[price] = times(hosts[chosen].prices[price], factor);
        // A hit that costs more than a miss is not a discount, and is priced like a miss.
        let [input, _, read, _] = dearer[chosen].prices;
        prop_assume!(read < times(input, 0.95));
        let after = figures(&frames(&dearer));
        let provider = hosts[chosen].provider;
        let (before, after) = (effect(&before, Lens::Cost, provider), effect(&after, Lens::Cost, provider));
        prop_assert!(after >= before.map(|effect| effect - 1e-9), "{:?} then {:?}", before, after);
    }

    /// Names have no effect: with different names, the rows are the same.
    #[test]
    fn other_names_permute_the_results(hosts in worlds(), turn in 1..6_usize) {
        let number = |name: &str| PROVIDERS.iter().position(|one| *one == name).expect("one of them");
        let name = |old: &str| PROVIDERS[(PROVIDERS.len() * 2 - number(old) + turn) % PROVIDERS.len()];
        let frames = frames(&hosts);
        let (one, other) = (figures(&frames), figures(&renamed(&frames, &name)));
        let mut back = other.clone();
        let backwards = |new: &str| PROVIDERS.into_iter().find(|old| name(old) == new).expect("a permutation");
        for row in back.tier_lists.iter_mut().flat_map(|list| &mut list.providers) {
            row.provider = ProviderSlug::new(backwards(row.provider.as_str()));
        }
        same_lists(&one, &back, 1.0, 1.0)?;
        same_endpoints(&one, &back, 1.0)?;
        let ranks = |analysis: &Analysis, lens| -> Vec<String> {
            let rated = list(analysis, lens).providers.iter().filter(|row| row.tier != Tier::Unrated);
            rated.map(|row| row.provider.to_string()).collect()
        };
        for lens in Lens::ALL {
            prop_assert_eq!(ranks(&one, lens), ranks(&back, lens));
        }
    }
}
