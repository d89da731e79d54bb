//! The requests, and which of them are left.

use super::PastKind;
use crate::domain::document::{Pair, Request};
use crate::domain::imported::ImportKind;
use crate::upstream::history::{Answered, HistoryQuery, HistoryRange, KnownPair};
use crate::upstream::openrouter::{TRIED_FIRST, query_escape, statistics_path};
use uuid::Uuid;

/// The kinds of documents that a kind of data needs. Price charts are inverted with the list prices of their days, so
/// they need both, and the list prices come first.
fn documents(kind: ImportKind) -> &'static [PastKind] {
    match kind {
        ImportKind::PriceCharts => &[PastKind::Listed, PastKind::Charts],
        ImportKind::ListedPrices => &[PastKind::Listed],
        ImportKind::ClosingRates => &[PastKind::Rates],
        ImportKind::Activity => &[PastKind::Activity],
        ImportKind::UptimeHours => &[PastKind::Uptime],
        ImportKind::Export | ImportKind::Bodies | ImportKind::Series => &[],
    }
}

/// What the answers so far say about a kind of documents.
#[derive(Debug, Clone, Copy, Default)]
struct Route {
    answered: usize,
    missing: usize,
    /// Requests over the whole range that were answered, and that were not accepted.
    whole: usize,
    not_whole: usize,
}

impl Route {
    /// Whether the upstream seems not to have the route: the first requests were all answered 404.
    fn is_missing(self) -> bool {
        self.answered == 0 && self.missing >= TRIED_FIRST
    }

    /// Whether the upstream seems not to accept the whole range.
    fn is_limited(self) -> bool {
        self.whole == 0 && self.not_whole >= TRIED_FIRST
    }
}

/// The requests that are left: pair by pair, uptime last, as only its last 72 hours can be missed.
pub fn plan(query: &HistoryQuery, answered: &Answered) -> Vec<Request> {
    let wanted = |kind: PastKind| query.kinds.iter().any(|data| documents(*data).contains(&kind));
    let kinds = || PastKind::ALL.into_iter().filter(|kind| wanted(*kind));
    let route = |kind: PastKind| {
        let mut route = Route::default();
        for pair in &query.pairs {
            for asked in paths(kind, pair, HistoryRange::All).into_iter().chain(shorter(kind, pair)) {
                let Some(status) = answered.get(&asked) else { continue };
                let is_whole = query.range == HistoryRange::All && asked.contains("range=all");
                match status {
                    200 => {
                        route.answered += 1;
                        route.whole += usize::from(is_whole);
                    }
                    404 => route.missing += 1,
                    _ => route.not_whole += usize::from(is_whole),
                }
            }
        }
        route
    };
    let routes: Vec<(PastKind, Route)> = kinds().map(|kind| (kind, route(kind))).collect();
    let mut plan = Vec::new();
    for (by_pair, known) in
        query.pairs.iter().map(|known| (true, known)).chain(query.pairs.iter().map(|known| (false, known)))
    {
        for (kind, route) in &routes {
            if (*kind != PastKind::Uptime) != by_pair || route.is_missing() {
                continue;
            }
            let range = if route.is_limited() { HistoryRange::Month } else { query.range };
            plan.extend(left(*kind, known, range, answered));
        }
    }
    plan
}

/// The paths of a shorter range, for kinds that have one.
fn shorter(kind: PastKind, pair: &KnownPair) -> Vec<String> {
    let has_range = matches!(kind, PastKind::Listed | PastKind::Charts);
    if has_range { paths(kind, pair, HistoryRange::Month) } else { Vec::new() }
}

/// The requests of a kind about a pair that are not answered. If the upstream does not accept the whole range (a 4xx
/// other than 404), the shorter one is requested.
fn left(kind: PastKind, known: &KnownPair, range: HistoryRange, answered: &Answered) -> Vec<Request> {
    let request = |path: String| Request { kind: kind.into(), pair: Some(known.pair.clone()), path };
    let refused = |status: &u16| *status != 200 && *status != 404;
    let whole = paths(kind, known, range);
    let mut asked: Vec<String> = Vec::new();
    for (position, path) in whole.into_iter().enumerate() {
        match answered.get(&path) {
            None => asked.push(path),
            Some(status) if refused(status) && range == HistoryRange::All => {
                let month = paths(kind, known, HistoryRange::Month).into_iter().nth(position);
                asked.extend(month.filter(|month| *month != path && !answered.contains_key(month)));
            }
            Some(_) => {}
        }
    }
    asked.into_iter().map(request).collect()
}

/// The paths of a kind of documents about a pair.
fn paths(kind: PastKind, known: &KnownPair, range: HistoryRange) -> Vec<String> {
    let pair: &Pair = &known.pair;
    let of = |route: &str, extra: &str| vec![statistics_path(pair, route, extra)];
    match kind {
        PastKind::Listed => of("stats/listed-pricing", &format!("&shape=v4&range={range}")),
        PastKind::Charts => of("stats/effective-pricing", &format!("&shape=v7&range={range}")),
        PastKind::Rates => of("stats/cache-hit-rate-comparison", "&timeRange=1w"),
        PastKind::Activity => of("stats/model-activity", ""),
        PastKind::Uptime => {
            let ids = known.endpoints.iter().filter_map(|known| known.endpoint.endpoint_id);
            ids.map(|id: Uuid| format!("{}{}", super::uptime::PATH, query_escape(&id.to_string()))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::Prices;
    use crate::domain::ids::{ModelSlug, Variant};
    use crate::domain::imported::ImportedEndpoint;
    use crate::upstream::history::KnownEndpoint;

    fn known(model: &str) -> KnownPair {
        let pair = Pair { model: ModelSlug::new(model), variant: Variant::standard() };
        let endpoint = ImportedEndpoint {
            model: pair.model.clone(),
            variant: pair.variant.clone(),
            endpoint_id: Some(Uuid::new_v5(&Uuid::NAMESPACE_URL, model.as_bytes())),
            provider: None,
            provider_name: None,
            tag: None,
        };
        KnownPair { pair, endpoints: vec![KnownEndpoint { endpoint, list: Prices::default() }] }
    }

    fn query(kinds: &[ImportKind]) -> HistoryQuery {
        let pairs = ["a/one", "b/two", "c/three", "d/four"].map(known).to_vec();
        HistoryQuery { kinds: kinds.to_vec(), range: HistoryRange::All, pairs }
    }

    fn asked(plan: &[Request]) -> Vec<&str> {
        plan.iter().map(|request| request.path.as_str()).collect()
    }

    #[test]
    fn charts_follow_the_list_prices_that_they_need_and_uptime_is_last() {
        let query = query(&[ImportKind::UptimeHours, ImportKind::PriceCharts]);
        let plan = plan(&query, &Answered::new());
        let kinds: Vec<&str> = plan.iter().map(|request| request.kind.as_str()).collect();
        assert_eq!(
            kinds[..4],
            ["past_list_prices", "past_price_charts", "past_list_prices", "past_price_charts"]
        );
        assert_eq!(kinds[8..], ["past_uptime"; 4]);
        assert_eq!(
            plan[1].path,
            "/api/frontend/v1/stats/effective-pricing?permaslug=a/one&variant=standard&shape=v7&range=all"
        );
    }

    #[test]
    fn only_what_was_not_answered_is_left() {
        let query = query(&ImportKind::ALL);
        let whole = plan(&query, &Answered::new());
        let answered: Answered = whole.iter().skip(3).map(|request| (request.path.clone(), 200)).collect();
        assert_eq!(plan(&query, &answered), whole[..3]);
        let all: Answered = whole.iter().map(|request| (request.path.clone(), 200)).collect();
        assert_eq!(plan(&query, &all), []);
    }

    #[test]
    fn a_range_that_is_not_accepted_is_replaced_by_a_month() {
        let query = query(&[ImportKind::ListedPrices]);
        let whole = plan(&query, &Answered::new());
        let mut answered = Answered::from([(whole[0].path.clone(), 400)]);
        let next = plan(&query, &answered);
        assert!(
            next[0].path.ends_with("range=1m") && next[1].path.ends_with("range=all"),
            "{:?}",
            asked(&next)
        );
        answered.extend(whole[1..3].iter().map(|request| (request.path.clone(), 400)));
        let next = plan(&query, &answered);
        assert_eq!(next.len(), 4);
        assert!(next.iter().all(|request| request.path.ends_with("range=1m")), "{:?}", asked(&next));
        let all: Answered =
            answered.into_iter().chain(next.iter().map(|one| (one.path.clone(), 200))).collect();
        assert_eq!(plan(&query, &all), []);
    }

    #[test]
    fn a_missing_route_costs_three_requests() {
        let query = query(&[ImportKind::ClosingRates]);
        let whole = plan(&query, &Answered::new());
        let missing =
            |count: usize| whole.iter().take(count).map(|request| (request.path.clone(), 404)).collect();
        assert_eq!(plan(&query, &missing(2)).len(), 2);
        assert_eq!(plan(&query, &missing(3)), []);
    }
}
