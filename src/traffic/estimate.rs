//! Ratios of sums over sessions, with intervals that respect that calls of one session are alike.

use super::report::Interval;
use crate::analysis::student_t;
use crate::domain::thresholds::INTERVAL_COVERAGE;

/// Fewest sessions for an interval, counted as sessions of equal size.
pub const FEWEST_SESSIONS: f64 = 5.0;
/// With a larger share of calls without a session there is no interval: nothing states which calls are alike.
const MOST_WITHOUT_SESSION: f64 = 0.1;

/// Sums over clusters (sessions) of a numerator and a denominator.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// Number of clusters.
    pub clusters: u64,
    /// Sum of the numerators.
    pub numerator: f64,
    /// Sum of the denominators.
    pub denominator: f64,
    /// Sum over clusters of numerator².
    pub numerator_squared: f64,
    /// Sum over clusters of numerator × denominator.
    pub product: f64,
    /// Sum over clusters of denominator².
    pub denominator_squared: f64,
    /// Calls without a session.
    pub without_session: u64,
    /// Calls.
    pub calls: u64,
}

impl Sums {
    /// The ratio; `None` if the denominator is 0.
    pub fn ratio(&self) -> Option<f64> {
        (self.denominator > 0.0).then(|| self.numerator / self.denominator)
    }

    /// The number of clusters of equal size that weigh as much: (Σd)² / Σd² (Kish 1965, *Survey Sampling*, section 11.7).
    pub fn equal_clusters(&self) -> f64 {
        if self.denominator_squared > 0.0 { self.denominator.powi(2) / self.denominator_squared } else { 0.0 }
    }

    /// The 90 % interval of the ratio of two cluster totals by linearisation (Cochran 1977, *Sampling Techniques*, sections
    /// 2.11 and 9A.2): the residual of a cluster is e = n - R d, and var R = G/(G-1) Σe² / (Σd)². The quantile is Student's t
    /// with one degree of freedom fewer than the clusters of equal size, because a few large sessions may hold most
    /// tokens.
    ///
    /// # Errors
    /// Why there is no interval, as a fragment for a sentence.
    pub fn interval(&self) -> Result<Interval, String> {
        let Some(ratio) = self.ratio() else { return Err("there are no tokens".to_owned()) };
        if self.without_session as f64 > MOST_WITHOUT_SESSION * self.calls as f64 {
            return Err(format!(
                "{} of {} calls have no session, so it is unknown which calls are alike",
                self.without_session, self.calls
            ));
        }
        let equal = self.equal_clusters();
        if equal < FEWEST_SESSIONS - 1e-9 {
            let sessions = if self.clusters == 1 { "session" } else { "sessions" };
            return Err(match (self.clusters as f64) < FEWEST_SESSIONS {
                true => format!("{} {sessions}, at least {FEWEST_SESSIONS} are needed", self.clusters),
                false => format!(
                    "a few of the {} sessions hold most tokens: they weigh as much as {equal:.1} equal ones, and at least {FEWEST_SESSIONS} are needed",
                    self.clusters
                ),
            });
        }
        let count = self.clusters as f64;
        let squares =
            self.numerator_squared - 2.0 * ratio * self.product + ratio.powi(2) * self.denominator_squared;
        let variance = count / (count - 1.0) * squares.max(0.0) / self.denominator.powi(2);
        if variance < 1e-12 {
            return Err(format!(
                "all {} sessions have the same value, so its scatter is unknown",
                self.clusters
            ));
        }
        let half = student_t((equal + 1e-9).floor() as usize - 1) * variance.sqrt();
        Ok(Interval { low: ratio - half, high: ratio + half, coverage: INTERVAL_COVERAGE })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(clusters: &[(f64, f64)]) -> Sums {
        let sum = |part: fn(&(f64, f64)) -> f64| clusters.iter().map(part).sum();
        Sums {
            clusters: clusters.len() as u64,
            numerator: sum(|c| c.0),
            denominator: sum(|c| c.1),
            numerator_squared: sum(|c| c.0 * c.0),
            product: sum(|c| c.0 * c.1),
            denominator_squared: sum(|c| c.1 * c.1),
            without_session: 0,
            calls: clusters.len() as u64,
        }
    }

    /// Five sessions of 100 tokens with 40, 50, 60, 50 and 50 read: R = 0.5, residuals -10, 0, 10, 0, 0, so Σe² = 200 and
    /// var = 5/4 · 200 / 500² = 0.001; t with 4 degrees of freedom is 2.13185.
    #[test]
    fn the_interval_of_five_sessions_is_the_one_worked_out_by_hand() {
        let found = of(&[(40.0, 100.0), (50.0, 100.0), (60.0, 100.0), (50.0, 100.0), (50.0, 100.0)]);
        let interval = found.interval().expect("an interval");
        let half = 2.131_85 * 0.001_f64.sqrt();
        assert!((interval.low - (0.5 - half)).abs() < 1e-6 && (interval.high - (0.5 + half)).abs() < 1e-6);
    }

    #[test]
    fn too_few_sessions_have_no_interval_but_a_reason() {
        let why = |sums: Sums| sums.interval().expect_err("no interval");
        assert_eq!(why(of(&[(1.0, 2.0); 4])), "4 sessions, at least 5 are needed");
        assert_eq!(why(of(&[])), "there are no tokens");
        let mut uneven = vec![(1.0, 2.0); 9];
        uneven.push((500.0, 1000.0));
        assert!(why(of(&uneven)).contains("weigh as much as 1.0 equal ones"), "{}", why(of(&uneven)));
        let sums = Sums { without_session: 2, ..of(&[(1.0, 2.0); 9]) };
        assert!(why(sums).starts_with("2 of 9 calls have no session"));
    }
}
