//! Uptimes in the form that the store keeps. The upstream publishes `success / (success + error) * 100`; the smallest
//! integers with the same ratio take a third of the space of the decimal digits.

/// The search stops at this number; beyond it, the fraction is kept as it is.
const MOST: u64 = 10_000_000;

/// An uptime in its stored form; all fields are `None` if no uptime was published.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct StoredUptime {
    /// Share of downtime, as `down / of`.
    pub down: Option<i32>,
    /// See `down`.
    pub of: Option<i32>,
    /// The uptime itself, if no such integers reproduce it.
    pub exact: Option<f64>,
}

impl StoredUptime {
    /// Finds the integers from which the view `reading` computes exactly `uptime`, to the last bit.
    pub fn of(uptime: Option<f64>) -> Self {
        let Some(uptime) = uptime else { return Self::default() };
        let found = ratio(uptime).and_then(|(up, of)| {
            let (down, of) = (i32::try_from(of - up).ok()?, i32::try_from(of).ok()?);
            // The sign of a negative zero would be lost.
            (computed(down, of).to_bits() == uptime.to_bits()).then_some((down, of))
        });
        match found {
            Some((down, of)) => Self { down: Some(down), of: Some(of), exact: None },
            None => Self { exact: Some(uptime), ..Self::default() },
        }
    }
}

/// The uptime that the view `reading` computes.
fn computed(down: i32, of: i32) -> f64 {
    f64::from(of - down) / f64::from(of) * 100.0 / 100.0
}

/// The first convergent `up / of` of the continued fraction of `uptime` that evaluates to exactly `uptime`.
fn ratio(uptime: f64) -> Option<(u64, u64)> {
    if !(0.0..=1.0).contains(&uptime) {
        return None;
    }
    let (mut rest, mut before, mut last) = (uptime, (0_u64, 1_u64), (1_u64, 0_u64));
    loop {
        let whole = rest.floor();
        // Exact below 2^53; anything close to that exceeds MOST anyway.
        let step = if whole < 1e15 { whole as u64 } else { return None };
        let next = (step.checked_mul(last.0)? + before.0, step.checked_mul(last.1)? + before.1);
        if next.1 > MOST {
            return None;
        }
        (before, last) = (last, next);
        let same = |(up, of): (u64, u64)| up as f64 / of as f64 * 100.0 / 100.0 == uptime;
        if same(last) {
            return Some(last);
        }
        if rest == whole {
            return None;
        }
        rest = 1.0 / (rest - whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back(stored: StoredUptime) -> Option<f64> {
        stored.exact.or_else(|| Some(computed(stored.down?, stored.of?)))
    }

    #[test]
    fn the_plain_cases_take_the_smallest_numbers() {
        let numbers = |uptime: f64| {
            let stored = StoredUptime::of(Some(uptime));
            (stored.down, stored.of, stored.exact)
        };
        assert_eq!(numbers(1.0), (Some(0), Some(1), None));
        assert_eq!(numbers(0.0), (Some(1), Some(1), None));
        assert_eq!(numbers(97.468_354_430_379_75 / 100.0), (Some(2), Some(79), None));
        assert_eq!(StoredUptime::of(None), StoredUptime::default());
    }

    #[test]
    fn what_is_no_share_of_requests_is_kept_as_it_is() {
        for odd in [f64::NAN, -0.0, 1.5, std::f64::consts::FRAC_1_SQRT_2] {
            let stored = StoredUptime::of(Some(odd));
            assert_eq!(stored.exact.map(f64::to_bits), Some(odd.to_bits()), "{odd}");
            assert_eq!((stored.down, stored.of), (None, None));
        }
    }

    proptest! {
        #[test]
        fn a_share_of_requests_is_found_again(of in 1_u32..2_000_000, part in 0.0_f64..1.0) {
            let up = (f64::from(of) * part).floor();
            let published = up / f64::from(of) * 100.0;
            let stored = StoredUptime::of(Some(published / 100.0));
            prop_assert_eq!(stored.exact, None);
            prop_assert!(stored.of.is_some_and(|found| i64::from(found) <= i64::from(of)));
        }

        #[test]
        fn nothing_is_rounded(uptime in 0.0_f64..=1.0) {
            let stored = StoredUptime::of(Some(uptime));
            prop_assert_eq!(back(stored).map(f64::to_bits), Some(uptime.to_bits()));
        }
    }
}
