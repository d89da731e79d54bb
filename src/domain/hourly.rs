//! Hourly rates from readings that cover the day so far: the difference of two readings with its exact bounds, or the
//! reason why there is none. This is the definition; `queries/analysis/hourly.sql` computes it in bulk, and a test
//! checks that the two agree.

use super::ids::names;
use super::thresholds::{HOURLY_MIN_TOKENS, HOURLY_TOLERANCE};
use super::window::WindowKind;
use chrono::{DateTime, NaiveTime, Utc};
use uuid::Uuid;

/// One reading of an endpoint, reduced to what differences need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cumulative {
    /// Endpoint.
    pub endpoint: Uuid,
    /// What the reading covers.
    pub kind: WindowKind,
    /// Time of the run, which is the end of a day-to-date window.
    pub at: DateTime<Utc>,
    /// Hit rate since midnight, 0..1.
    pub hit_rate: Option<f64>,
    /// Prompt and completion tokens since midnight.
    pub tokens: i64,
}

/// A rate between two readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Time of the earlier run; midnight for the first reading of a UTC day.
    pub start: DateTime<Utc>,
    /// Time of the later run.
    pub end: DateTime<Utc>,
    /// Cached prompt tokens divided by prompt tokens between the two, 0..1; approximate, because tokens include
    /// completions.
    pub hit_rate: f64,
    /// Prompt and completion tokens between the two.
    pub tokens: i64,
}

names! {
    /// Why two readings give no hourly rate.
    Refusal {
        /// A reading does not cover the day so far, so its bounds are unknown.
        WindowKind = "window_kind",
        /// The readings belong to different endpoints.
        OtherEndpoint = "other_endpoint",
        /// The readings belong to different UTC days: there is no reading for the time between the first one and midnight.
        AcrossMidnight = "across_midnight",
        /// The count fell: the upstream restated it.
        TokensFell = "tokens_fell",
        /// No tokens between the two.
        NoTraffic = "no_traffic",
        /// A reading has no hit rate.
        NoRate = "no_rate",
        /// Fewer than `hourly_min_tokens` tokens lie between the readings.
        TooFewTokens = "too_few_tokens",
        /// The rate would be outside 0 to 1 by more than `hourly_tolerance`.
        OutOfRange = "out_of_range",
    }
}

/// The rate between two consecutive readings of the day so far, `(h2*T2 - h1*T1) / (T2 - T1)`; without an earlier
/// reading of the same UTC day, the rate covers the time since midnight. See "Hourly rates" in the method.
///
/// # Errors
/// The [`Refusal`] that comes first in [`Refusal::ALL`].
pub fn difference(before: Option<&Cumulative>, now: &Cumulative) -> Result<Stretch, Refusal> {
    difference_of_tokens(before, now, HOURLY_MIN_TOKENS)
}

/// [`difference`] with another least number of tokens, for rates that are averaged with their tokens as weights.
///
/// # Errors
/// The [`Refusal`] that comes first in [`Refusal::ALL`].
pub fn difference_of_tokens(
    before: Option<&Cumulative>,
    now: &Cumulative,
    least_tokens: i64,
) -> Result<Stretch, Refusal> {
    let midnight = now.at.date_naive().and_time(NaiveTime::MIN).and_utc();
    if now.kind != WindowKind::DayToDate || before.is_some_and(|b| b.kind != WindowKind::DayToDate) {
        return Err(Refusal::WindowKind);
    }
    if before.is_some_and(|b| b.endpoint != now.endpoint) {
        return Err(Refusal::OtherEndpoint);
    }
    if before.is_some_and(|b| b.at < midnight || b.at >= now.at) {
        return Err(Refusal::AcrossMidnight);
    }
    let tokens = now.tokens - before.map_or(0, |b| b.tokens);
    if tokens < 0 {
        return Err(Refusal::TokensFell);
    }
    if tokens == 0 {
        return Err(Refusal::NoTraffic);
    }
    let cached_before = before.map_or(Some(0.0), |b| Some(b.hit_rate? * b.tokens as f64));
    let (Some(rate), Some(cached_before)) = (now.hit_rate, cached_before) else {
        return Err(Refusal::NoRate);
    };
    if tokens < least_tokens {
        return Err(Refusal::TooFewTokens);
    }
    let hit_rate = (rate * now.tokens as f64 - cached_before) / tokens as f64;
    if !(-HOURLY_TOLERANCE..=1.0 + HOURLY_TOLERANCE).contains(&hit_rate) {
        return Err(Refusal::OutOfRange);
    }
    let start = before.map_or(midnight, |b| b.at);
    Ok(Stretch { start, end: now.at, hit_rate: hit_rate.clamp(0.0, 1.0), tokens })
}

/// How much an endpoint's requests carry: its tokens over hourly rates, and an estimate of its requests in that time from
/// the counts of the half hour before each reading.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RequestSize {
    // Whole numbers, so that the sums do not depend on the order of the readings.
    tokens: i64,
    /// Requests of the half hours, each times the seconds of its rate.
    request_seconds: i64,
    counts: u32,
}

impl RequestSize {
    /// What a count of requests covers, seconds.
    const COUNTED_SECONDS: i64 = 1800;
    /// One count a day, times 48, is right in the median, but off by a factor of 1.5 for half of the endpoints (against
    /// the counters of whole days, which the upstream published in July 2026). Fewer counts than this say too little.
    const MIN_COUNTS: u32 = 4;
    /// Fewer requests than this say nothing about a mean.
    const MIN_REQUESTS: f64 = 100.0;

    /// Adds a rate with the requests of the half hour before its end, which are applied to all of it. A rate without a
    /// count is left out.
    pub fn add(&mut self, stretch: &Stretch, requests_30m: Option<i64>) {
        let seconds = (stretch.end - stretch.start).num_seconds();
        let Some(requests) = requests_30m.filter(|_| seconds > 0) else { return };
        self.tokens = self.tokens.saturating_add(stretch.tokens);
        self.request_seconds = self.request_seconds.saturating_add(requests.saturating_mul(seconds));
        self.counts += 1;
    }

    /// Adds sums that were kept of a day: tokens, requests times seconds, and the number of counts.
    pub fn add_sums(&mut self, tokens: i64, request_seconds: i64, counts: u32) {
        self.tokens = self.tokens.saturating_add(tokens);
        self.request_seconds = self.request_seconds.saturating_add(request_seconds);
        self.counts = self.counts.saturating_add(counts);
    }

    /// Number of counts of requests that it is made of.
    pub fn counts(&self) -> u32 {
        self.counts
    }

    /// Prompt and completion tokens a request; `None` with fewer than 4 counts or 100 requests.
    pub fn tokens_per_request(&self) -> Option<f64> {
        let requests = self.request_seconds as f64 / Self::COUNTED_SECONDS as f64;
        let is_enough = self.counts >= Self::MIN_COUNTS && requests >= Self::MIN_REQUESTS;
        is_enough.then(|| self.tokens as f64 / requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Duration;
    use proptest::prelude::*;

    fn reading(time: &str, hit_rate: f64, tokens: i64) -> Cumulative {
        Cumulative {
            endpoint: Uuid::from_u128(1),
            kind: WindowKind::DayToDate,
            at: time.parse().expect("a time"),
            hit_rate: Some(hit_rate),
            tokens,
        }
    }

    #[test]
    fn the_first_reading_of_a_day_stands_alone_and_later_ones_are_differences() {
        let first = reading("2026-08-07T00:57:12Z", 0.4, 10_000_000);
        let second = reading("2026-08-07T01:57:09Z", 0.5, 20_000_000);
        let alone = difference(None, &first).expect("a rate");
        assert_eq!((alone.start, alone.end), ("2026-08-07T00:00:00Z".parse().expect("a time"), first.at));
        assert_eq!((alone.hit_rate, alone.tokens), (0.4, 10_000_000));
        let hour = difference(Some(&first), &second).expect("a rate");
        assert_eq!((hour.start, hour.end, hour.tokens), (first.at, second.at, 10_000_000));
        assert!((hour.hit_rate - 0.6).abs() < 1e-12);
    }

    #[test]
    fn every_refusal_has_its_case_and_its_name() {
        let before = reading("2026-08-07T01:57:00Z", 0.5, 20_000_000);
        let now = reading("2026-08-07T02:57:00Z", 0.5, 30_000_000);
        let of = |change: fn(&mut Cumulative)| {
            let mut later = now;
            change(&mut later);
            difference(Some(&before), &later).err()
        };
        let found = [
            of(|r| r.kind = WindowKind::Hour),
            of(|r| r.endpoint = Uuid::from_u128(2)),
            of(|r| r.at += Duration::days(1)),
            of(|r| r.tokens = 19_999_999),
            of(|r| r.tokens = 20_000_000),
            of(|r| r.hit_rate = None),
            of(|r| r.tokens = 20_999_999),
            of(|r| r.hit_rate = Some(0.9)),
        ];
        assert_eq!(found, Refusal::ALL.map(Some));
        for refusal in Refusal::ALL {
            assert_eq!(Refusal::parse(refusal.as_str()), Some(refusal));
        }
        assert_eq!(of(|_| ()), None);
        let unrated = Cumulative { hit_rate: None, ..before };
        assert_eq!(difference(Some(&unrated), &now), Err(Refusal::NoRate));
    }

    #[test]
    fn what_rounding_puts_just_outside_is_clamped() {
        let before = reading("2026-08-07T01:57:00Z", 0.5, 20_000_000);
        // 10.05 of 10 M tokens cached, and 0.05 M less than none.
        let over = reading("2026-08-07T02:57:00Z", 20_050_000.0 / 30_000_000.0, 30_000_000);
        let under = reading("2026-08-07T02:57:00Z", 9_950_000.0 / 30_000_000.0, 30_000_000);
        assert_eq!(difference(Some(&before), &over).map(|s| s.hit_rate), Ok(1.0));
        assert_eq!(difference(Some(&before), &under).map(|s| s.hit_rate), Ok(0.0));
    }

    #[test]
    fn a_mean_that_is_weighted_by_tokens_may_use_hours_with_few_of_them() {
        let before = reading("2026-08-07T01:57:00Z", 0.5, 20_000_000);
        // 0.1 of 0.2 M tokens cached.
        let now = reading("2026-08-07T02:57:00Z", 10_020_000.0 / 20_200_000.0, 20_200_000);
        assert_eq!(difference(Some(&before), &now), Err(Refusal::TooFewTokens));
        assert_eq!(difference_of_tokens(Some(&before), &now, 200_001), Err(Refusal::TooFewTokens));
        let found = difference_of_tokens(Some(&before), &now, 200_000).expect("enough");
        assert!((found.hit_rate - 0.1).abs() < 1e-9 && found.tokens == 200_000, "{found:?}");
    }

    #[test]
    fn the_size_of_a_request_needs_enough_counts_and_requests() {
        let stretch = |minutes: i64, tokens| {
            let start: DateTime<Utc> = "2026-08-07T01:00:00Z".parse().expect("a time");
            Stretch { start, end: start + Duration::minutes(minutes), hit_rate: 0.5, tokens }
        };
        let of = |all: &[(i64, i64, Option<i64>)]| {
            let mut size = RequestSize::default();
            all.iter().for_each(|(minutes, tokens, count)| size.add(&stretch(*minutes, *tokens), *count));
            size.tokens_per_request()
        };
        // 40 requests in an hour, 20 in half an hour and 40 in two hours.
        let few = [(60, 300_000, Some(20)), (30, 300_000, Some(20)), (120, 400_000, Some(10))];
        assert_eq!(of(&few), None, "three counts");
        assert_eq!(of(&[few.as_slice(), &[(60, 0, Some(0))]].concat()), Some(10_000.0));
        assert_eq!(of(&[few.as_slice(), &[(60, 5_000_000, None), (0, 5_000_000, Some(9))]].concat()), None);
        assert_eq!(of(&[(30, 300_000, Some(24)); 4]), None, "96 requests");
        assert_eq!(of(&[(30, 300_000, Some(25)); 4]), Some(12_000.0));
    }

    /// The readings of a day whose hours have these rates and tokens.
    fn day(hours: &[(f64, i64)]) -> Vec<Cumulative> {
        let (mut cached, mut tokens) = (0.0, 0);
        let start = reading("2026-08-07T00:57:00Z", 0.0, 0);
        let readings = hours.iter().enumerate().map(|(hour, (rate, gained))| {
            cached += rate * *gained as f64;
            tokens += gained;
            let at = start.at + Duration::hours(i64::try_from(hour).expect("small"));
            Cumulative { at, hit_rate: Some(cached / tokens as f64), tokens, ..start }
        });
        readings.collect()
    }

    fn differences(readings: &[Cumulative]) -> Vec<Result<Stretch, Refusal>> {
        let before = std::iter::once(None).chain(readings.iter().map(Some));
        before.zip(readings).map(|(before, now)| difference(before, now)).collect()
    }

    proptest! {
        #[test]
        fn differences_give_the_hours_back_and_add_up_to_the_day(
            hours in prop::collection::vec((0.0..=1.0f64, HOURLY_MIN_TOKENS..200_000_000_000), 1..24)
        ) {
            let readings = day(&hours);
            let found: Vec<Stretch> =
                differences(&readings).into_iter().collect::<Result<_, _>>().expect("none is refused");
            for (stretch, (rate, gained)) in found.iter().zip(&hours) {
                prop_assert!((stretch.hit_rate - rate).abs() < 1e-6 && stretch.tokens == *gained);
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
            let last = readings.last().expect("an hour");
            let tokens: i64 = found.iter().map(|s| s.tokens).sum();
            let cached: f64 = found.iter().map(|s| s.hit_rate * s.tokens as f64).sum();
            prop_assert_eq!(tokens, last.tokens);
            let whole = last.hit_rate.expect("rated");
            prop_assert!((cached / tokens as f64 - whole).abs() < 1e-6);
        }

        #[test]
        fn whatever_two_readings_say_a_rate_is_a_share_within_the_day(
            rates in (prop::option::of(0.0..=1.0f64), prop::option::of(0.0..=1.0f64)),
            tokens in (0..50_000_000i64, 0..50_000_000i64),
            minutes in (0..2880i64, 0..2880i64),
        ) {
            let base = reading("2026-08-07T00:00:00Z", 0.0, 0);
            let one = |rate, tokens, minutes| Cumulative {
                hit_rate: rate, tokens, at: base.at + Duration::minutes(minutes), ..base
            };
            let (before, now) = (one(rates.0, tokens.0, minutes.0), one(rates.1, tokens.1, minutes.1));
            if let Ok(stretch) = difference(Some(&before), &now) {
                prop_assert!((0.0..=1.0).contains(&stretch.hit_rate));
                prop_assert!(stretch.tokens >= HOURLY_MIN_TOKENS && stretch.start < stretch.end);
                prop_assert_eq!(stretch.start.date_naive(), stretch.end.date_naive());
            }
        }
    }
}
