//! List prices of the day of a call.

use crate::domain::backtest::Listed;
use crate::domain::session::Pricing;
use crate::domain::tier_list::DayRange;
use crate::snapshot::Endpoint;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// The list prices that the record has seen, by endpoint, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListHistory(HashMap<Uuid, Vec<(DateTime<Utc>, Pricing)>>);

impl ListHistory {
    /// The history from the rows of the record and the ids of their endpoints.
    pub fn new(listed: Vec<Listed>, ids: &HashMap<i64, Uuid>) -> Self {
        let mut history: HashMap<Uuid, Vec<(DateTime<Utc>, Pricing)>> = HashMap::new();
        for row in listed {
            let Some(id) = ids.get(&row.endpoint) else { continue };
            let billed_writes = row.pricing.cache_write.is_some_and(|price| price > 0.0);
            let pricing = Pricing { billed_writes, ..row.pricing };
            history.entry(*id).or_default().push((row.from, pricing));
        }
        history.values_mut().for_each(|rows| rows.sort_by_key(|(from, _)| *from));
        Self(history)
    }

    /// The prices that were in force on some days.
    #[must_use]
    pub fn within(mut self, days: DayRange) -> Self {
        for rows in self.0.values_mut() {
            let before = rows.partition_point(|(from, _)| from.date_naive() < days.from);
            rows.retain(|(from, _)| from.date_naive() <= days.to);
            rows.drain(..before.saturating_sub(1).min(rows.len()));
        }
        self.0.retain(|_, rows| !rows.is_empty());
        self
    }

    /// Adds what is known about other days. Prices that were in force on both are contained once.
    pub(super) fn add(&mut self, other: Self) {
        for (id, rows) in other.0 {
            let known = self.0.entry(id).or_default();
            let new: Vec<_> =
                rows.into_iter().filter(|(from, _)| known.iter().all(|(at, _)| at != from)).collect();
            known.extend(new);
            known.sort_by_key(|(from, _)| *from);
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The list prices at a time; `None` if the record begins later.
    pub fn at(&self, endpoint: Uuid, at: DateTime<Utc>) -> Option<&Pricing> {
        let rows = self.0.get(&endpoint)?;
        let after = rows.partition_point(|(from, _)| *from <= at);
        rows[..after].last().map(|(_, pricing)| pricing)
    }

    /// The first time from which prices are known.
    pub fn since(&self) -> Option<DateTime<Utc>> {
        self.0.values().filter_map(|rows| rows.first()).map(|(from, _)| *from).min()
    }
}

/// The present list prices of an endpoint.
pub(super) fn present(endpoint: &Endpoint) -> Pricing {
    Pricing::listed(&endpoint.list, endpoint.price_tiers.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_in_force_is_the_newest_one_before_the_call() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let row = |from: &str, input, write| Listed {
            endpoint: 7,
            after: at(from),
            from: at(from),
            known_at: at(from),
            pricing: Pricing { input: Some(input), cache_write: write, ..Pricing::default() },
        };
        let id = Uuid::from_u128(1);
        let rows = vec![row("2026-11-05T00:00:00Z", 2.0, Some(2.5)), row("2026-11-01T00:00:00Z", 1.0, None)];
        let history = ListHistory::new(rows, &HashMap::from([(7, id)]));
        let input = |time| history.at(id, at(time)).and_then(|pricing| pricing.input);
        assert_eq!(input("2026-10-31T23:59:59Z"), None, "the record begins later");
        assert_eq!(input("2026-11-01T00:00:00Z"), Some(1.0));
        assert_eq!(input("2026-11-05T12:00:00Z"), Some(2.0));
        let billed = |time| history.at(id, at(time)).map(|pricing| pricing.billed_writes);
        assert_eq!(billed("2026-11-05T12:00:00Z"), Some(true));
        assert_eq!(billed("2026-11-01T12:00:00Z"), Some(false));
        assert_eq!(history.at(Uuid::from_u128(2), at("2026-11-05T12:00:00Z")), None);
        assert_eq!(history.since(), Some(at("2026-11-01T00:00:00Z")));
        let day = |text: &str| text.parse().expect("a day");
        let within = |from, to| history.clone().within(DayRange { from: day(from), to: day(to) }).since();
        assert_eq!(within("2026-11-03", "2026-11-09"), Some(at("2026-11-01T00:00:00Z")), "still in force");
        assert_eq!(within("2026-11-07", "2026-11-09"), Some(at("2026-11-05T00:00:00Z")));
        assert_eq!(within("2026-10-01", "2026-10-31"), None);
    }
}
