//! What the public record knows about the days of the user's calls.

use super::lists::ListHistory;
use crate::analysis::METHOD_VERSION;
use crate::domain::ids::{ModelSlug, Variant};
use crate::domain::tier_list::DayRange;
use crate::preferences::Mode;
use crate::snapshot::Snapshot;
use crate::store::{RecommendationKind, RecommendedDay, Store, StoreError};
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A recommendation is followed for at most this many days after its own, because the record has no later one.
pub(super) const FOLLOWED_DAYS: u64 = 2;

/// What an endpoint did on a UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DayRate {
    /// Hit rate of the whole day, 0..1.
    pub hit_rate: f64,
    /// Tokens of the day; 0 if unknown.
    pub tokens: f64,
}

/// Recommended tags by model and day.
pub type Recommended = HashMap<(ModelSlug, Variant), BTreeMap<NaiveDate, Vec<String>>>;

/// What the record knows about some days.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// List prices.
    pub lists: ListHistory,
    /// The tags that were recommended for a model at the end of each day; an empty list was withheld.
    pub recommended: Recommended,
    /// Hit rates by endpoint and day.
    pub rates: HashMap<(Uuid, NaiveDate), DayRate>,
    /// Why the record was not read; `None` if it was.
    pub unread: Option<String>,
}

/// The same as rows, as a server that holds the store sends them to a command on its machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordRows {
    /// List prices.
    pub lists: ListHistory,
    /// Recommendations.
    pub recommended: Vec<RecommendedDay>,
    /// Hit rates of the days on which one is known, by endpoint.
    pub rates: HashMap<Uuid, Vec<(NaiveDate, DayRate)>>,
}

/// Most days of one answer of a server. The rows of a year can exceed what a response may contain.
const MOST_DAYS: i64 = 30;

impl RecordRows {
    /// The ranges that contain some days, oldest first, each of at most thirty days. Months without any of the days are
    /// not in a range.
    pub fn pages(days: impl IntoIterator<Item = NaiveDate>) -> Vec<DayRange> {
        let days: BTreeSet<NaiveDate> = days.into_iter().collect();
        let mut pages: Vec<DayRange> = Vec::new();
        for day in days {
            match pages.last_mut().filter(|page| (day - page.from).num_days() < MOST_DAYS) {
                Some(page) => page.to = day,
                None => pages.push(DayRange { from: day, to: day }),
            }
        }
        pages
    }

    /// The rows of several ranges as those of one.
    pub fn joined(pages: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for page in pages {
            all.lists.add(page.lists);
            // A range also contains the recommendations of the days before it; equal ones replace each other later.
            all.recommended.extend(page.recommended);
            for (endpoint, days) in page.rates {
                all.rates.entry(endpoint).or_default().extend(days);
            }
        }
        all
    }

    /// Reads what the record knew at `as_of` about some days. The recommendations are those of this version for a
    /// workload.
    ///
    /// # Errors
    /// The error of the store.
    pub fn read(
        store: &Store,
        workload: &str,
        days: DayRange,
        as_of: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let before = days.from.checked_sub_days(Days::new(FOLLOWED_DAYS)).unwrap_or(days.from);
        let kind =
            RecommendationKind { method_version: METHOD_VERSION, mode: Mode::DEFAULT.as_str(), workload };
        let mut rates: HashMap<Uuid, Vec<(NaiveDate, DayRate)>> = HashMap::new();
        for row in store.days(days.from, days.to, as_of)?.rows()? {
            let day = &row.of_day;
            if let Some(rate) = rate(day.hit_rate, day.tokens) {
                rates.entry(row.endpoint_id).or_default().push((day.day, rate));
            }
        }
        Ok(Self {
            lists: ListHistory::new(store.listed(as_of)?, &store.endpoint_ids()?).within(days),
            recommended: store.recommended_days(kind, DayRange { from: before, to: days.to })?,
            rates,
        })
    }
}

impl From<RecordRows> for Record {
    fn from(rows: RecordRows) -> Self {
        let mut recommended = Recommended::new();
        for row in rows.recommended {
            recommended.entry((row.model, row.variant)).or_default().insert(row.day, row.endpoints);
        }
        let of = |(endpoint, days): (Uuid, Vec<(NaiveDate, DayRate)>)| {
            days.into_iter().map(move |(day, rate)| ((endpoint, day), rate))
        };
        let rates = rows.rates.into_iter().flat_map(of);
        Self { lists: rows.lists, recommended, rates: rates.collect(), unread: None }
    }
}

impl Record {
    /// What is known without the record: the days that the snapshot contains.
    pub fn of_snapshot(snapshot: &Snapshot, why: String) -> Self {
        let endpoints = snapshot.models.iter().flat_map(|model| &model.endpoints);
        let days = endpoints.flat_map(|endpoint| endpoint.days.iter().map(|day| (endpoint.endpoint_id, day)));
        let rates = days.filter_map(|(id, day)| Some(((id, day.day), rate(day.hit_rate, day.tokens)?)));
        Self { rates: rates.collect(), unread: Some(why), ..Self::default() }
    }
}

fn rate(hit_rate: Option<f64>, tokens: Option<i64>) -> Option<DayRate> {
    hit_rate.map(|hit_rate| DayRate { hit_rate, tokens: tokens.map_or(0.0, |tokens| tokens as f64) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::backtest::Listed;
    use crate::domain::session::Pricing;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn range(from: &str, to: &str) -> DayRange {
        DayRange { from: day(from), to: day(to) }
    }

    #[test]
    fn a_page_has_at_most_thirty_days_and_gaps_are_skipped() {
        let days = ["1999-01-01", "2026-08-30", "2026-08-01", "2026-08-31", "2026-08-31"].map(day);
        let pages = RecordRows::pages(days);
        let expected = [
            range("1999-01-01", "1999-01-01"),
            range("2026-08-01", "2026-08-30"),
            range("2026-08-31", "2026-08-31"),
        ];
        assert_eq!(pages, expected);
        assert_eq!(RecordRows::pages([]), []);
    }

    #[test]
    fn joined_pages_know_what_the_whole_period_knows() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let id = Uuid::from_u128(7);
        let listed = |from: &str, input: f64| Listed {
            endpoint: 1,
            after: at(from),
            from: at(from),
            pricing: Pricing { input: Some(input), ..Pricing::default() },
        };
        let history = ListHistory::new(
            vec![listed("2026-07-01T00:00:00Z", 1.0), listed("2026-08-20T00:00:00Z", 2.0)],
            &HashMap::from([(1, id)]),
        );
        let rows = |from: &str, to: &str, rate: f64| RecordRows {
            lists: history.clone().within(range(from, to)),
            recommended: Vec::new(),
            rates: HashMap::from([(id, vec![(day(from), DayRate { hit_rate: rate, tokens: 1.0 })])]),
        };
        let pages = [rows("2026-08-01", "2026-08-10", 0.1), rows("2026-08-11", "2026-08-30", 0.2)];
        let whole: Record = RecordRows::joined(pages).into();
        assert_eq!(whole.lists, history.within(range("2026-08-01", "2026-08-30")), "no row twice");
        let rate = |text: &str| whole.rates.get(&(id, day(text))).map(|rate| rate.hit_rate);
        assert_eq!(
            (rate("2026-08-01"), rate("2026-08-11"), rate("2026-08-12")),
            (Some(0.1), Some(0.2), None)
        );
    }
}
