//! Seasons: profiles by hour and weekend with planted cycles and under noise alone, published price periods in costs, on
//! the page and in the API.

use crate::sample;
use chrono::{DateTime, Datelike, Duration, NaiveDate, Timelike, Utc};
use hitrate::analysis::seasons::{by_hour, by_weekday};
use hitrate::cost::compare;
use hitrate::domain::endpoint::{PriceTier, Weekday};
use hitrate::domain::hourly::Stretch;
use hitrate::domain::season::{Seasons, published};
use hitrate::domain::thresholds::{SEASON_MAX_Q, SEASON_MIN_EFFECT};
use hitrate::domain::units::UsdPerMtok;
use hitrate::snapshot::Snapshot;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// A Monday.
fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 1).expect("a day")
}

/// An autoregressive series of order 1 with standard deviation `sd`: a sum of uniform numbers is nearly normal.
struct Noise {
    random: ChaCha8Rng,
    memory: f64,
    sd: f64,
    now: f64,
}

impl Noise {
    fn new(seed: u64, memory: f64, sd: f64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), memory, sd, now: 0.0 }
    }

    fn next(&mut self) -> f64 {
        let normal: f64 = (0..12).map(|_| self.random.random::<f64>()).sum::<f64>() - 6.0;
        self.now = self.memory * self.now + self.sd * (1.0 - self.memory * self.memory).sqrt() * normal;
        self.now
    }
}

/// Hourly rates of `days` whole days: `cycle` of the hour of the day, and noise.
fn hours(seed: u64, days: i64, memory: f64, cycle: impl Fn(u32) -> f64) -> Vec<Stretch> {
    let mut noise = Noise::new(seed, memory, 0.06);
    let start: DateTime<Utc> = first_day().and_hms_opt(0, 0, 0).expect("a time").and_utc();
    let stretch = |hour: i64| {
        let start = start + Duration::hours(hour);
        let hit_rate = (0.6 + cycle(start.hour()) + noise.next()).clamp(0.0, 1.0);
        Stretch { start, end: start + Duration::hours(1), hit_rate, tokens: 5_000_000 }
    };
    (0..days * 24).map(stretch).collect()
}

fn wave(hour: u32, peak: f64, height: f64) -> f64 {
    height * ((f64::from(hour) - peak) / 24.0 * std::f64::consts::TAU).cos()
}

#[test]
fn planted_days_are_found_among_noise_and_hardly_anything_else() {
    let planted = |n: u64| n.is_multiple_of(4);
    let series: HashMap<Uuid, Vec<Stretch>> = (0..160)
        .map(|n| {
            let height = if planted(n) { 0.08 } else { 0.0 };
            (Uuid::from_u128(u128::from(n)), hours(n, 21, 0.8, |hour| wave(hour, 5.0, height)))
        })
        .collect();
    let found = by_hour(&series);
    let (right, wrong): (Vec<_>, Vec<_>) =
        found.iter().partition(|(id, _)| planted(u64::try_from(id.as_u128()).expect("a small number")));
    assert!(right.len() >= 38, "{} of 40 are found", right.len());
    // At most 5 % of the profiles are expected to be false: two of forty, with some room for chance.
    assert!(wrong.len() <= 4, "{} false ones beside {}", wrong.len(), right.len());
    for (_, season) in &right {
        assert!(season.q_value <= SEASON_MAX_Q && season.p_value <= season.q_value, "{season:?}");
        assert!(
            season.effect >= SEASON_MIN_EFFECT && season.high.hit_rate > season.low.hit_rate,
            "{season:?}"
        );
        assert_eq!(season.profile.len(), 24);
        assert!(
            season.profile.iter().all(|rate| rate.low < Some(rate.hit_rate)),
            "an interval beside each mean"
        );
        // Six hours around 05:00, within three hours.
        let middle = f64::from((season.high.from + 3) % 24);
        let off = (middle - 5.5).abs().min(24.0 - (middle - 5.5).abs());
        assert!(off <= 3.0, "the peak is at {middle}: {season:?}");
    }
}

#[test]
fn noise_alone_has_no_seasons() {
    for memory in [0.0, 0.5, 0.8, 0.95] {
        let series: HashMap<Uuid, Vec<Stretch>> = (1000..1150_u64)
            .map(|n| (Uuid::from_u128(u128::from(n)), hours(n, 14, memory, |_| 0.0)))
            .collect();
        let found = by_hour(&series);
        assert!(found.len() <= 1, "{} of 150 with memory {memory}", found.len());
    }
    // A trend and a step are not a cycle either.
    let trend = |seed: u64, of: fn(i64) -> f64| -> Vec<Stretch> {
        let series = hours(seed, 14, 0.5, |_| 0.0).into_iter().zip(0_i64..);
        series
            .map(|(one, hour)| Stretch { hit_rate: (one.hit_rate + of(hour)).clamp(0.0, 1.0), ..one })
            .collect()
    };
    let rising = (0..40_u64).map(|n| (Uuid::from_u128(u128::from(n)), trend(n, |hour| hour as f64 / 1200.0)));
    let step = |hour: i64| if hour > 150 { 0.25 } else { -0.1 };
    let stepping = (40..80_u64).map(|n| (Uuid::from_u128(u128::from(n)), trend(n, step)));
    let found = by_hour(&rising.chain(stepping).collect());
    assert!(found.len() <= 1, "{found:?}");
}

#[test]
fn too_few_days_show_nothing() {
    let clear =
        |days: i64| HashMap::from([(Uuid::from_u128(1), hours(1, days, 0.0, |hour| wave(hour, 5.0, 0.2)))]);
    assert!(by_hour(&clear(6)).is_empty(), "six days");
    assert!(!by_hour(&clear(16)).is_empty(), "sixteen days of a clear cycle");
    assert!(
        by_hour(&HashMap::new()).is_empty()
            && by_hour(&HashMap::from([(Uuid::nil(), Vec::new())])).is_empty()
    );
}

fn weeks(seed: u64, weeks: u64, weekend: f64) -> BTreeMap<NaiveDate, f64> {
    let mut noise = Noise::new(seed, 0.4, 0.03);
    let rate = |day: NaiveDate| {
        let more = if day.weekday().num_days_from_monday() >= 5 { weekend } else { 0.0 };
        (day, (0.6 + more + noise.next()).clamp(0.0, 1.0))
    };
    (0..weeks * 7).map(|n| first_day() + chrono::Days::new(n)).map(rate).collect()
}

#[test]
fn planted_weekends_are_found_and_noise_is_not() {
    let planted = |n: u64| n.is_multiple_of(3);
    let days = (0..90_u64)
        .map(|n| (Uuid::from_u128(u128::from(n)), weeks(n, 8, if planted(n) { -0.15 } else { 0.0 })));
    let found = by_weekday(&days.collect());
    let right: Vec<_> = found.iter().filter(|(id, _)| id.as_u128() % 3 == 0).collect();
    assert!(right.len() >= 28, "{} of 30 are found", right.len());
    assert!(found.len() - right.len() <= 3, "{} false ones", found.len() - right.len());
    for (_, season) in right {
        assert_eq!(
            (season.low.from, season.high.from, season.profile.len()),
            (5, 0, 7),
            "weekends are lower"
        );
        assert!((season.effect - 0.15).abs() < 0.06, "{season:?}");
    }
    let noise = (0..200_u64).map(|n| (Uuid::from_u128(u128::from(n)), weeks(5000 + n, 8, 0.0)));
    assert!(by_weekday(&noise.collect()).len() <= 1, "noise alone");
    let short = BTreeMap::from([(Uuid::nil(), weeks(1, 2, -0.3))]);
    assert!(by_weekday(&short).is_empty(), "two weeks");
}

/// The sample with an endpoint whose prices are four times as high on weekday afternoons; it is Friday or not.
pub fn with_peak() -> (Snapshot, usize) {
    let mut snapshot = sample::snapshot();
    let as_of = snapshot.as_of;
    let price = |usd: f64| UsdPerMtok(format!("{usd:.4}").parse().expect("a price"));
    let cheapest = compare(&snapshot, &snapshot.models[0], &snapshot.workloads[0]).cheapest;
    let model = &mut snapshot.models[0];
    let at =
        model.endpoints.iter().position(|e| Some(&e.tag) == cheapest.as_ref()).expect("a cheapest endpoint");
    let endpoint = &mut model.endpoints[at];
    let four = |usd: Option<f64>| usd.map(|usd| price(usd * 4.0));
    endpoint.price_tiers = vec![PriceTier {
        utc_days: Weekday::ALL[..5].to_vec(),
        utc_start: Some(1200),
        utc_end: Some(1800),
        input: four(endpoint.usual_list().input),
        output: four(endpoint.usual_list().output),
        cache_read: four(endpoint.usual_list().cache_read),
        ..PriceTier::default()
    }];
    let schedule = published(endpoint.usual_list(), &endpoint.price_tiers, as_of);
    endpoint.seasons = Some(Seasons { price_by_time: schedule, ..Seasons::default() });
    (snapshot, at)
}

#[test]
fn a_cost_states_every_period_and_one_is_now() {
    let (snapshot, at) = with_peak();
    let (model, workload) = (&snapshot.models[0], &snapshot.workloads[0]);
    let tag = model.endpoints[at].tag.clone();
    let cost = compare(&snapshot, model, workload);
    let row = cost.endpoints.iter().find(|row| row.tag == tag).expect("its row");
    let costs: Vec<f64> = row.by_time.iter().filter_map(|period| period.cost).collect();
    let [cheap, peak] = costs[..] else { panic!("two periods: {:?}", row.by_time) };
    assert!(peak > 1.5 * cheap, "{costs:?}");
    assert_eq!(row.by_time.iter().filter(|period| period.now).count(), 1, "{:?}", row.by_time);
    let now = row.by_time.iter().find(|period| period.now).and_then(|period| period.cost).expect("a cost");
    assert!((now / row.cost.expect("a cost") - 1.0).abs() < 1e-9, "the session is priced as of now");
    let note =
        cost.notes.iter().find(|note| note.contains(&format!("a session at {tag} costs"))).expect("a note");
    assert!(note.contains(" now") && note.contains("Mon to Fri"), "{note}");
    assert!(cost.endpoints.iter().filter(|row| row.tag != tag).all(|row| row.by_time.is_empty()));
}
