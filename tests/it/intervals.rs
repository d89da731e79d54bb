//! Tests the uncertainty of tiers: intervals, ranks and tier probabilities for made-up usage, and the coverage study.

use chrono::{Days, NaiveDate};
use hitrate::analysis::{Analysis, Frames, Parameters, UsageDay, analyse};
use hitrate::domain::tier::{Lens, Tier};
use hitrate::domain::tier_list::{DayRange, ProviderTier};
use hitrate::domain::workload::Workload;
use hitrate::study::coverage::{CoverageStudy, StudyError, run};
use std::collections::BTreeMap;
use uuid::Uuid;

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 8, 1).expect("a day")
}

/// A week of steady usage of one endpoint.
fn week(model: &str, provider: &str, hit_rate: f64) -> Vec<UsageDay> {
    let endpoint = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{model} {provider}").as_bytes());
    let day = |number| UsageDay {
        endpoint,
        model: model.to_owned(),
        variant: "standard".to_owned(),
        provider: provider.to_owned(),
        day: first_day() + Days::new(number),
        hit_rate: Some(hit_rate),
        tokens: 300_000_000,
    };
    (0..7).map(day).collect()
}

/// Eight models; `steady` is ten points above `base` on each, `erratic` five points on average (sometimes far above,
/// sometimes below), and `guest` serves only two models.
fn usage() -> Vec<UsageDay> {
    let mut usage = Vec::new();
    for number in 0..8 {
        let (model, level) = (format!("x/model-{number}"), 0.3 + 0.04 * f64::from(number));
        let swing = if number % 2 == 0 { 0.25 } else { -0.15 };
        usage.extend(week(&model, "base", level));
        usage.extend(week(&model, "steady", level + 0.10 + 0.001 * f64::from(number % 3)));
        usage.extend(week(&model, "erratic", level + swing));
        if number < 2 {
            usage.extend(week(&model, "guest", level));
        }
    }
    usage
}

fn analysis(usage: &[UsageDay]) -> Analysis {
    let to = first_day() + Days::new(6);
    let parameters = Parameters {
        as_of: (first_day() + Days::new(7)).and_time(chrono::NaiveTime::MIN).and_utc(),
        window: DayRange { from: first_day(), to },
        workloads: Workload::shipped().expect("shipped workloads"),
        provider_names: BTreeMap::new(),
        prompt_sizes: BTreeMap::new(),
    };
    let frames = Frames::of_usage(usage).expect("frames");
    frames.check().expect("they conform to the contract");
    analyse(&frames, &parameters).expect("an analysis")
}

fn cache(analysis: &Analysis) -> &[ProviderTier] {
    &analysis.tier_lists.iter().find(|list| list.lens == Lens::Cache).expect("a cache list").providers
}

fn row<'a>(rows: &'a [ProviderTier], provider: &str) -> &'a ProviderTier {
    rows.iter().find(|row| row.provider.as_str() == provider).expect("it is listed")
}

fn width(row: &ProviderTier) -> f64 {
    row.high.expect("rated") - row.low.expect("rated")
}

#[test]
fn who_differs_from_model_to_model_is_less_sure() {
    let analysis = analysis(&usage());
    let rows = cache(&analysis);
    let (steady, erratic) = (row(rows, "steady"), row(rows, "erratic"));
    assert!(width(erratic) > 1.3 * width(steady), "{} {}", width(erratic), width(steady));
    assert!(erratic.span.is_some(), "an interval over several tiers prints its span: {erratic:?}");
    let sure = |row: &ProviderTier| {
        let known = row.tier_probabilities.as_ref().expect("rated");
        known.values().copied().fold(0.0, f64::max)
    };
    assert!(sure(steady) > sure(erratic), "{steady:?} {erratic:?}");
}

/// The usage with the hit rates of a provider risen by this much a day.
fn drifting(provider: &str, a_day: f64) -> Vec<UsageDay> {
    let mut usage = usage();
    for row in usage.iter_mut().filter(|row| row.provider == provider) {
        let days = row.day.signed_duration_since(first_day()).num_days() as f64;
        row.hit_rate = row.hit_rate.map(|rate| rate + a_day * days);
    }
    usage
}

#[test]
fn who_moved_within_the_window_may_move_further_in_the_next_week() {
    let next = |rows: &[ProviderTier], provider: &str| {
        let row = row(rows, provider);
        let (low, high) = row.next_low.zip(row.next_high).expect("both ends");
        let middle = row.adjusted.expect("rated");
        assert!((f64::midpoint(low, high) - middle).abs() < 1e-12, "{row:?}");
        high - low
    };
    let steady = analysis(&usage());
    assert!(next(cache(&steady), "steady") < 1e-9, "nothing moved: the same models stay where they are");
    let moved = analysis(&drifting("steady", 0.01));
    let rows = cache(&moved);
    assert!(next(rows, "steady") > 1.1 * next(rows, "erratic"), "{rows:?}");
    assert!(next(rows, "erratic") > 0.01, "the moves of the others count too");
    let overall = moved.tier_lists.iter().find(|list| list.lens == Lens::Overall).expect("a list");
    assert!(overall.providers.iter().all(|row| row.next_low.is_some() == row.next_high.is_some()));
}

#[test]
fn without_days_at_both_ends_of_the_window_the_next_week_is_unknown() {
    let late: Vec<UsageDay> =
        usage().into_iter().filter(|row| row.day >= first_day() + Days::new(3)).collect();
    let analysis = analysis(&late);
    let rows = cache(&analysis);
    assert!(rows.iter().any(|row| row.low.is_some()));
    assert!(rows.iter().all(|row| row.next_low.is_none() && row.next_high.is_none()), "{rows:?}");
}

#[test]
fn each_rated_row_is_consistent_and_an_unrated_one_claims_nothing() {
    let analysis = analysis(&usage());
    let rows = cache(&analysis);
    for row in rows.iter().filter(|row| row.tier != Tier::Unrated) {
        let (low, high) = row.low.zip(row.high).expect("an interval");
        let middle = row.adjusted.expect("an effect");
        assert!((f64::midpoint(low, high) - middle).abs() < 1e-12 && low < high, "{row:?}");
        let (best, worst) = row.rank_low.zip(row.rank_high).expect("ranks");
        assert!(1 <= best && best <= worst && worst <= 3, "{row:?}");
        assert_eq!(row.span.is_some(), Lens::Cache.tier(low) != Lens::Cache.tier(high), "{row:?}");
        let sum: f64 = row.tier_probabilities.as_ref().expect("probabilities").values().sum();
        assert!((sum - 1.0).abs() < 1e-12, "{row:?}");
    }
    let guest = row(rows, "guest");
    assert_eq!((guest.tier, guest.low, guest.rank_low), (Tier::Unrated, None, None));
    assert_eq!((&guest.span, &guest.tier_probabilities), (&None, &None));
}

#[test]
fn the_same_record_gives_the_same_figures_in_whatever_order() {
    let wanted = analysis(&usage());
    assert_eq!(analysis(&usage()), wanted);
    let mut turned = usage();
    turned.reverse();
    turned.rotate_left(29);
    assert_eq!(analysis(&turned), wanted);
}

#[test]
fn intervals_cover_and_the_order_is_right_where_the_truth_is_known() {
    let study = CoverageStudy { first_seed: 1, seeds: 12, ridge: hitrate::domain::thresholds::EFFECT_RIDGE };
    let report = run(&study, &|| ()).expect("a study");
    let (all, thin) = (report.all.coverage.expect("rated"), report.thin.coverage.expect("thin ones"));
    assert!((0.84..=0.97).contains(&all), "{report:?}");
    assert!((0.82..=0.99).contains(&thin), "{report:?}");
    assert!(
        report.thin.half_width > report.all.half_width,
        "intervals of thin providers are wider: {report:?}"
    );
    let (adjusted, plain) = (report.adjusted.mean.expect("worlds"), report.model_mean.mean.expect("worlds"));
    assert!(adjusted > 0.85 && plain < adjusted - 0.2, "{report:?}");
    assert_eq!(run(&study, &|| ()).expect("a study"), report, "threads change nothing");
}

#[test]
fn a_study_without_seeds_is_refused() {
    let study = CoverageStudy { first_seed: 1, seeds: 0, ridge: 0.1 };
    assert!(matches!(run(&study, &|| ()), Err(StudyError::NoSeeds)));
}
