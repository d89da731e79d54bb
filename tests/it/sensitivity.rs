//! Tests how far the effects depend on the weights and on the size of the prompts: for made-up usage, and over a
//! simulated record.

use crate::binary::hitrate;
use crate::rig::{folder, store};
use crate::upstream::{Upstream, collect, day, pipeline};
use chrono::{Days, Duration, NaiveDate, NaiveTime};
use hitrate::analysis::sensitivity::{SensitivityReport, Weighting, WeightingShift, sensitivity};
use hitrate::analysis::{Frames, Parameters, UsageDay, analyse};
use hitrate::domain::hourly::{RequestSize, Stretch};
use hitrate::domain::statistics::median;
use hitrate::domain::tier::Lens;
use hitrate::domain::tier_list::{DayRange, TierList};
use hitrate::domain::workload::Workload;
use std::collections::BTreeMap;
use uuid::Uuid;

const HOSTS: u32 = 5;
const MODELS: u32 = 8;

/// One cell of a made-up market.
#[derive(Clone, Copy)]
struct Offer {
    hit_rate: f64,
    millions: i64,
    /// Tokens a request, if known.
    size: Option<f64>,
}

/// Ten requests in each half hour of a day, with this many tokens each.
fn requests(tokens: f64) -> RequestSize {
    let start = first_day().and_time(NaiveTime::MIN).and_utc();
    let half_hour =
        Stretch { start, end: start + Duration::minutes(30), hit_rate: 0.5, tokens: 10 * tokens as i64 };
    let mut size = RequestSize::default();
    (0..48).for_each(|_| size.add(&half_hour, Some(10)));
    size
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 8, 1).expect("a day")
}

/// The report on a week in which every host serves every model.
fn report(offer: impl Fn(u32, u32) -> Offer) -> SensitivityReport {
    let (frames, parameters) = week(MODELS, offer);
    sensitivity(&frames, &parameters).expect("solvable")
}

/// A week in which every host serves every model.
fn week(models: u32, offer: impl Fn(u32, u32) -> Offer) -> (Frames, Parameters) {
    let (mut usage, mut sizes) = (Vec::new(), BTreeMap::new());
    for (model, host) in (0..models).flat_map(|model| (0..HOSTS).map(move |host| (model, host))) {
        let one = offer(model, host);
        let endpoint = Uuid::from_u128(u128::from(model * 100 + host));
        sizes.extend(one.size.map(|size| (endpoint, size)));
        usage.extend((0..7).map(|number| UsageDay {
            endpoint,
            model: format!("wren/lark-{model}"),
            variant: "standard".to_owned(),
            provider: format!("host-{host}"),
            day: first_day() + Days::new(number),
            hit_rate: Some(one.hit_rate),
            tokens: one.millions * 1_000_000,
        }));
    }
    let parameters = Parameters {
        as_of: (first_day() + Days::new(7)).and_time(NaiveTime::MIN).and_utc(),
        window: DayRange { from: first_day(), to: first_day() + Days::new(6) },
        workloads: Workload::shipped().expect("shipped workloads"),
        provider_names: BTreeMap::new(),
        prompt_sizes: sizes.into_iter().map(|(id, size)| (id, requests(size))).collect(),
    };
    (Frames::of_usage(&usage).expect("frames"), parameters)
}

fn cache(report: &SensitivityReport, weighting: Weighting) -> &WeightingShift {
    let found = report.weightings.iter().find(|one| (one.lens, one.weighting) == (Lens::Cache, weighting));
    found.expect("a row")
}

/// Hosts that differ from model to model.
fn uneven(model: u32, host: u32) -> f64 {
    0.3 + 0.02 * f64::from(model) + 0.05 * f64::from(host) + 0.03 * f64::from(model * host % 3)
}

#[test]
fn cells_of_one_size_have_the_same_effects_under_every_weighting() {
    let offer = |model: u32, host: u32| Offer { hit_rate: uneven(model, host), millions: 300, size: None };
    let report = report(offer);
    assert_eq!((report.from, report.to), (first_day(), first_day() + Days::new(6)));
    for weighting in Weighting::ALL {
        let shift = &cache(&report, weighting).shift;
        assert_eq!((shift.providers, shift.letters), (HOSTS as usize, 0), "{shift:?}");
        assert!(shift.rank_correlation.is_some_and(|rank| (rank - 1.0).abs() < 1e-12), "{shift:?}");
        assert!(shift.largest < Some(1e-9), "{shift:?}");
    }
    let costs = report.weightings.iter().filter(|one| one.lens == Lens::Cost);
    assert!(costs.clone().count() == 3 && costs.clone().all(|one| one.shift.providers == 0), "no prices");
    assert_eq!((report.prompt_size.cells, report.prompt_size.per_doubling), (0, None));
}

#[test]
fn a_host_whose_large_cell_differs_from_its_small_ones_moves_most() {
    let lopsided = |model: u32, host: u32| {
        let is_large = (model, host) == (0, 3);
        let (hit_rate, millions) = if is_large { (0.9, 30_000) } else { (0.4, 300) };
        Offer { hit_rate, millions, size: None }
    };
    let report = report(lopsided);
    let [equal, log, tokens] = Weighting::ALL.map(|weighting| &cache(&report, weighting).shift);
    for shift in [equal, log, tokens] {
        assert_eq!(shift.moved_most.as_ref().map(|host| host.as_str()), Some("host-3"), "{shift:?}");
        assert!(shift.largest > Some(0.01) && shift.median < shift.largest, "{shift:?}");
    }
    let apart = equal.largest.zip(log.largest).map(|(equal, log)| (equal - log).abs());
    assert!(apart < Some(0.05), "logarithms differ little: {equal:?} {log:?}");
}

#[test]
fn the_size_of_the_prompts_counts_for_cells_that_have_one() {
    let size = |model: u32, host: u32| 1000.0 * f64::from(1_u32 << (model * host % 5));
    let offer = |model: u32, host: u32| {
        let size = size(model, host);
        let level = 0.3 + 0.02 * f64::from(model) + 0.03 * f64::from(host);
        let is_known = (model, host) != (0, 0);
        Offer {
            hit_rate: level + 0.04 * (size / 1000.0).log2(),
            millions: 300,
            size: is_known.then_some(size),
        }
    };
    let found = report(offer).prompt_size;
    assert_eq!((found.cells, found.predicted), ((MODELS * HOSTS) as usize - 1, found.cells), "{found:?}");
    assert!(found.per_doubling.is_some_and(|slope| (slope - 0.04).abs() < 0.005), "{found:?}");
    assert!(found.error_with < found.error_without.map(|error| 0.3 * error), "{found:?}");
    assert_eq!(found.shift.providers, HOSTS as usize);
    let without = report(|model, host| Offer { hit_rate: uneven(model, host), ..offer(model, host) });
    assert!(without.prompt_size.per_doubling.is_some_and(|slope| slope.abs() < 0.02), "{without:?}");
}

#[test]
fn the_list_compares_hit_rates_at_the_same_size_of_the_prompts() {
    // Hosts with higher numbers get larger prompts; among prompts of one size, all hosts are alike.
    let size = |model: u32, host: u32| 1000.0 * f64::from(1_u32 << (host + model * host % 3));
    let alike = |model: u32, host: u32| Offer {
        hit_rate: 0.2 + 0.01 * f64::from(model) + 0.04 * (size(model, host) / 1000.0).log2(),
        millions: 300,
        size: Some(size(model, host)),
    };
    let cache = |offer: &dyn Fn(u32, u32) -> Offer| {
        let (frames, parameters) = week(24, offer);
        analyse(&frames, &parameters).expect("solvable").tier_lists.swap_remove(0)
    };
    let spread = |list: &TierList| {
        let effects = || list.providers.iter().filter_map(|row| row.adjusted);
        effects().fold(f64::MIN, f64::max) - effects().fold(f64::MAX, f64::min)
    };
    let with = cache(&alike);
    let term = with.prompt_size.expect("the size matters");
    assert!((term.per_doubling - 0.04).abs() < 1e-6 && term.cells == 24 * HOSTS as usize, "{term:?}");
    assert!(spread(&with) < 0.002, "{with:?}");
    assert!(
        with.note
            .as_deref()
            .is_some_and(|note| note.contains("a doubling of the tokens a request counts as +4.0"))
    );
    let unknown = cache(&|model, host| Offer { size: None, ..alike(model, host) });
    assert_eq!((unknown.prompt_size, unknown.note.as_deref()), (None, None));
    assert!(spread(&unknown) > 0.1, "{unknown:?}");
    // Sizes that do not differ change nothing.
    let other = |size| move |model, host| Offer { hit_rate: uneven(model, host), millions: 300, size };
    let (silent, plain) = (cache(&other(Some(9_000.0))), cache(&other(None)));
    assert_eq!(silent.prompt_size, None);
    assert_eq!(silent.providers, plain.providers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulated_record_has_both_tables() {
    let upstream = Upstream::serve().await;
    let data = folder();
    {
        let pipeline = pipeline(data.path());
        assert_eq!(collect(&pipeline, &upstream, day(9)).await.status.as_str(), "ok");
    }
    let young = hitrate(data.path(), &["study", "sensitivity", "--table", "text"]);
    assert_eq!(young.code, 0, "{}", young.err);
    assert!(young.out.contains("nothing to predict yet"), "{}", young.out);
    {
        let pipeline = pipeline(data.path());
        for time in [day(10), day(11), day(11) + Duration::hours(5), day(13)] {
            assert_eq!(collect(&pipeline, &upstream, time).await.status.as_str(), "ok", "{time}");
        }
    }
    let hourly = store(data.path()).hourly(day(7), day(14)).expect("readable");
    let sizes: Vec<f64> =
        hourly.request_sizes.values().filter_map(|size| size.tokens_per_request()).collect();
    // A simulated request has 9,000 tokens; the hours of the readings are busier or quieter than the day so far.
    let middle = median(sizes.iter().copied()).expect("sizes");
    assert!(sizes.len() > 10 && (3_500.0..15_000.0).contains(&middle), "{} {middle}", sizes.len());

    let ran = hitrate(data.path(), &["study", "sensitivity", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json = ran.json();
    assert_eq!((json["from"].as_str(), json["to"].as_str()), (Some("2026-07-17"), Some("2026-07-23")));
    let found: SensitivityReport = serde_json::from_value(json.clone()).expect("it reads back");
    assert_eq!(found.weightings.len(), 6);
    for one in &found.weightings {
        assert!(one.shift.providers >= 3 && one.shift.letters <= one.shift.providers, "{one:?}");
        assert!(one.shift.median > Some(0.0) && one.shift.median <= one.shift.largest, "{one:?}");
    }
    let size = &found.prompt_size;
    assert!(size.cells > 10 && size.predicted > 3 && size.predicted <= size.cells, "{size:?}");
    assert!(size.standard_error > Some(0.0) && size.error_with > Some(0.0), "{size:?}");
    assert_eq!(json["weightings"][0]["weighting"].as_str(), Some("equal"));

    let tables = hitrate(data.path(), &["study", "sensitivity", "--markdown"]);
    let lines: Vec<&str> = tables.out.lines().collect();
    assert_eq!(lines.len(), 2 + 6 + 1 + 3, "{}", tables.out);
    assert!(lines[2].starts_with("| `cache` | equal |") && lines[5].starts_with("| `cost` | equal |"));
    assert!(lines[11].starts_with(&format!("| {} | {} |", size.cells, size.predicted)), "{}", lines[11]);
}

#[test]
fn without_a_record_there_is_nothing_to_measure_and_it_is_said() {
    let data = folder();
    let refused = hitrate(data.path(), &["study", "sensitivity"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("hitrate collect"), "{}", refused.err);
    drop(store(data.path()));
    let empty = hitrate(data.path(), &["study", "sensitivity"]);
    assert_eq!(empty.code, 1);
    assert!(empty.err.contains("there is no run yet"), "{}", empty.err);
}
