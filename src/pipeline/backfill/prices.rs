//! The list prices of past days, and the hit rates that effective prices imply with them.

use crate::analysis::{identity_error, inverted_hit_rate};
use crate::domain::endpoint::Prices;
use crate::domain::imported::{ImportedDay, ImportedEndpoint, ImportedPrices};
use crate::domain::session::Pricing;
use crate::domain::thresholds::{IDENTITY_TOLERANCE, LIST_MOVED_TOLERANCE};
use crate::domain::window::{Basis, midnight};
use crate::store::{EndpointNow, PriceSpan};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// The list prices of the record and of the upstream's log.
#[derive(Debug, Default)]
pub(super) struct PriceBook {
    record: HashMap<Uuid, Vec<PriceSpan>>,
    log: HashMap<Uuid, BTreeMap<DateTime<Utc>, Prices>>,
    /// Endpoints whose effective prices do not follow from their list prices now: nothing is derived from them.
    unsound: BTreeSet<Uuid>,
}

impl PriceBook {
    /// The prices of the record. `now` are the endpoints of the newest run.
    pub(super) fn of_record(spans: Vec<PriceSpan>, now: &[EndpointNow]) -> Self {
        let mut book = Self::default();
        for span in spans {
            book.record.entry(span.endpoint_id).or_default().push(span);
        }
        let breaks = |one: &&EndpointNow| {
            let pricing = Pricing::listed(&one.list, one.price_tiers.clone());
            identity_error(one.hit_rate, one.tokens, one.effective.input, &pricing)
                .is_some_and(|error| error > IDENTITY_TOLERANCE)
        };
        book.unsound = now.iter().filter(breaks).map(|one| one.endpoint_id).collect();
        book
    }

    /// Adds prices of the upstream's log.
    pub(super) fn add(&mut self, prices: &[ImportedPrices]) {
        for row in prices {
            let Some(id) = row.endpoint.endpoint_id else { continue };
            let list = Prices {
                input: row.input,
                output: row.output,
                cache_read: row.cache_read,
                cache_write: row.cache_write,
                cache_write_1h: None,
            };
            self.log.entry(id).or_default().insert(row.at, list);
        }
    }

    /// The day with the hit rate that its effective price implies, if the price identity holds for it.
    pub(super) fn derive(&self, day: ImportedDay) -> ImportedDay {
        if day.hit_rate.is_some() {
            return day;
        }
        let hit_rate = day
            .effective_input
            .zip(self.of_day(&day.endpoint, day.day))
            .and_then(|(effective, pricing)| inverted_hit_rate(effective, &pricing));
        ImportedDay { hit_rate, basis: hit_rate.map(|_| Basis::Derived), ..day }
    }

    /// The list prices that held on a whole UTC day. `None` if they are not known, or changed within the day. The log has
    /// no conditional prices, so an endpoint that the record does not know, or knows with such prices, has none.
    fn of_day(&self, endpoint: &ImportedEndpoint, day: NaiveDate) -> Option<Pricing> {
        let id = endpoint.endpoint_id.filter(|id| !self.unsound.contains(id))?;
        let spans = self.record.get(&id)?;
        let (from, to) = (midnight(day), midnight(day) + Duration::days(1));
        let held: Vec<&PriceSpan> = spans
            .iter()
            .filter(|span| span.from < to && span.until.is_none_or(|until| until > from))
            .collect();
        if let Some(first) = held.first().filter(|first| first.from <= from) {
            let last = held.last()?;
            let is_steady =
                held.iter().all(|span| is_same(&first.list, &span.list) && span.tiers == first.tiers);
            let is_whole = last.until.is_none_or(|until| until >= to);
            return (is_steady && is_whole).then(|| Pricing::listed(&last.list, last.tiers.clone()));
        }
        if spans.iter().any(|span| !span.tiers.is_empty()) {
            return None;
        }
        let log = self.log.get(&id)?;
        let (_, before) = log.range(..=from).next_back()?;
        let is_steady = log.range(from..to).all(|(_, list)| is_same(before, list));
        is_steady.then(|| Pricing::listed(before, Vec::new()))
    }
}

/// Whether the prices of prompt tokens are the same but for rounding.
fn is_same(one: &Prices, other: &Prices) -> bool {
    let pairs =
        [(one.input, other.input), (one.cache_read, other.cache_read), (one.cache_write, other.cache_write)];
    pairs.into_iter().all(|pair| match pair {
        (Some(one), Some(other)) => (one - other).abs() <= LIST_MOVED_TOLERANCE * one.abs(),
        (one, other) => one.is_none() && other.is_none(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::PriceTier;
    use crate::domain::ids::{ModelSlug, Variant};

    const ID: Uuid = Uuid::from_u128(7);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn list(input: f64) -> Prices {
        Prices { input: Some(input), cache_read: Some(input / 10.0), ..Prices::default() }
    }

    fn span(from: &str, until: Option<&str>, input: f64) -> PriceSpan {
        PriceSpan {
            endpoint_id: ID,
            from: at(from),
            until: until.map(at),
            list: list(input),
            tiers: Vec::new(),
        }
    }

    fn endpoint() -> ImportedEndpoint {
        ImportedEndpoint {
            model: ModelSlug::new("a/b"),
            variant: Variant::standard(),
            endpoint_id: Some(ID),
            provider: None,
            provider_name: None,
            tag: None,
        }
    }

    fn logged(time: &str, input: Option<f64>) -> ImportedPrices {
        let cache_read = input.map(|input| input / 10.0);
        ImportedPrices {
            endpoint: endpoint(),
            at: at(time),
            input,
            output: None,
            cache_read,
            cache_write: None,
            discount: None,
        }
    }

    fn book(spans: Vec<PriceSpan>, log: &[ImportedPrices]) -> PriceBook {
        let mut book = PriceBook::of_record(spans, &[]);
        book.add(log);
        book
    }

    fn rate(book: &PriceBook, day: &str, effective: f64) -> Option<f64> {
        let day = ImportedDay {
            endpoint: endpoint(),
            day: day.parse().expect("a day"),
            hit_rate: None,
            basis: None,
            tokens: None,
            effective_input: Some(effective),
            effective_output: None,
            uptime: None,
            throughput: None,
            latency_ms: None,
        };
        let derived = book.derive(day);
        assert_eq!(derived.basis.is_some(), derived.hit_rate.is_some());
        derived.hit_rate.map(|rate| (rate * 1000.0).round() / 1000.0)
    }

    #[test]
    fn the_record_counts_where_it_covers_the_day_and_the_log_before() {
        let spans = vec![span("2026-08-10T05:00:00Z", None, 2.0)];
        let log = [logged("2026-08-01T00:00:00Z", Some(1.0)), logged("2026-08-09T12:00:00Z", Some(2.0))];
        let book = book(spans, &log);
        assert_eq!(rate(&book, "2026-07-31", 0.55), None, "no list price is known");
        assert_eq!(rate(&book, "2026-08-01", 0.55), Some(0.5));
        assert_eq!(rate(&book, "2026-08-09", 0.55), None, "the price changed within the day");
        assert_eq!(
            rate(&book, "2026-08-10", 1.1),
            Some(0.5),
            "the log covers the day on which the record begins"
        );
        assert_eq!(rate(&book, "2026-08-11", 1.1), Some(0.5));
        assert_eq!(rate(&book, "2026-08-11", 2.5), None, "no hit rate explains it");
    }

    #[test]
    fn a_change_within_a_day_of_the_record_gives_no_rate() {
        let spans = vec![
            span("2026-08-01T00:00:00Z", Some("2026-08-05T12:00:00Z"), 1.0),
            span("2026-08-05T12:00:00Z", None, 2.0),
        ];
        let book = book(spans, &[]);
        assert_eq!(rate(&book, "2026-08-04", 0.55), Some(0.5));
        assert_eq!(rate(&book, "2026-08-05", 0.55), None);
        assert_eq!(rate(&book, "2026-08-06", 1.1), Some(0.5));
    }

    #[test]
    fn unknown_endpoints_and_conditional_prices_give_no_rate() {
        let log = [logged("2026-08-01T00:00:00Z", Some(1.0))];
        assert_eq!(rate(&book(Vec::new(), &log), "2026-08-02", 0.55), None, "not in the record");
        let tiered =
            PriceSpan { tiers: vec![PriceTier::default()], ..span("2026-08-10T00:00:00Z", None, 1.0) };
        let book = book(vec![tiered], &log);
        assert_eq!(rate(&book, "2026-08-02", 0.55), None);
        assert_eq!(rate(&book, "2026-08-11", 0.55), None);
    }

    #[test]
    fn an_unknown_price_in_the_log_gives_no_rate() {
        let spans = vec![span("2026-08-10T00:00:00Z", None, 1.0)];
        let log = [logged("2026-08-01T00:00:00Z", Some(1.0)), logged("2026-08-04T00:00:00Z", None)];
        let book = book(spans, &log);
        assert_eq!(rate(&book, "2026-08-03", 0.55), Some(0.5));
        assert_eq!(rate(&book, "2026-08-06", 0.55), None);
    }
}
