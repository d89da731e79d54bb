//! The endpoints of a pair: rows of the statistics, matched with rows of the documented API by tag.

use super::PairParts;
use crate::domain::document::Pair;
use crate::domain::endpoint::{ListPrices, Provider};
use crate::domain::ids::{ProviderSlug, Tag};
use crate::domain::reading::{QuarantineReason, Quarantined, Reading, RunReadings};
use crate::domain::units::UsdPerMtok;
use crate::upstream::openrouter::DocumentKind;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A deprecation date further ahead is a placeholder for "not planned": the recorded upstream writes 2098-12-31.
const FAR_FUTURE: chrono::Duration = chrono::Duration::days(5 * 366);

/// The endpoints of a pair: those of the statistics, each with its documented row, then those that are only documented.
pub(super) fn join_endpoints(
    pair: &Pair,
    parts: PairParts,
    providers: &BTreeMap<ProviderSlug, Provider>,
    run: &mut RunReadings,
) -> Vec<Reading> {
    let listed = unique(pair, parts.stats, run);
    let mut public: HashMap<Tag, Vec<Reading>> = HashMap::new();
    for row in parts.public {
        public.entry(row.facts.tag.clone()).or_default().push(row);
    }
    let mut tags: HashMap<&Tag, usize> = HashMap::new();
    listed.iter().for_each(|row| *tags.entry(&row.facts.tag).or_default() += 1);
    let mut reported: BTreeSet<&Tag> = BTreeSet::new();
    let mut readings: Vec<Reading> = Vec::with_capacity(listed.len());
    for row in &listed {
        let rows = public.get(&row.facts.tag).map_or(&[][..], Vec::as_slice);
        let matched = (tags[&row.facts.tag] == 1 && rows.len() == 1).then(|| &rows[0]);
        if matched.is_none() && !rows.is_empty() && reported.insert(&row.facts.tag) {
            let (tag, count) = (&row.facts.tag, rows.len().max(tags[&row.facts.tag]));
            let detail = format!("{count} endpoints carry the tag `{tag}`");
            run.quarantined.push(ambiguous(pair, detail));
        }
        if let Some(documented) = matched {
            compare_sources(row, documented, run);
        }
        readings.push(from_stats(row.clone(), matched, run.observed_at));
    }
    // If rows of the statistics could not be read, a documented row may belong to one of them.
    let may_be_new = |tag: &&Tag| !parts.stats_incomplete && !tags.contains_key(*tag);
    let mut unmatched: Vec<&Tag> = public.keys().filter(may_be_new).collect();
    unmatched.sort();
    for tag in unmatched {
        match public[tag].as_slice() {
            [row] => readings.push(from_public(row.clone(), providers)),
            rows => {
                let detail = format!("{} endpoints carry the tag `{tag}` and none has a UUID", rows.len());
                run.quarantined.push(ambiguous(pair, detail));
            }
        }
    }
    readings
}

/// The rows of the statistics without those of an endpoint that was listed before, which are quarantined.
fn unique(pair: &Pair, rows: Vec<Reading>, run: &mut RunReadings) -> Vec<Reading> {
    let mut known: BTreeSet<Option<Uuid>> = BTreeSet::new();
    let (listed, repeated): (Vec<Reading>, Vec<Reading>) =
        rows.into_iter().partition(|row| known.insert(row.facts.endpoint_id));
    run.quarantined.extend(repeated.iter().map(|row| {
        let detail = format!("duplicate row of endpoint {}", id_of(row));
        let (reason, kind) = (QuarantineReason::DuplicateEndpoint, DocumentKind::StatsEndpoint);
        Quarantined::new(reason, kind, Some(pair), "$.data", detail, "")
    }));
    listed
}

/// Documented rows of a tag that does not identify an endpoint.
fn ambiguous(pair: &Pair, detail: String) -> Quarantined {
    let (reason, kind) = (QuarantineReason::AmbiguousTag, DocumentKind::PublicEndpoints);
    Quarantined::new(reason, kind, Some(pair), "$", detail, "")
}

/// The UUID of a row of the statistics; each has one.
pub(super) fn id_of(row: &Reading) -> Uuid {
    row.facts.endpoint_id.unwrap_or_default()
}

/// Adds an endpoint that both sources list to the comparison of the two. The keys are domain paths.
fn compare_sources(row: &Reading, documented: &Reading, run: &mut RunReadings) {
    let (ours, theirs) = (&row.prices, &documented.prices);
    let price = |price: Option<UsdPerMtok>| price.map(UsdPerMtok::to_f64);
    for (path, ours, theirs) in [
        ("prices.input", price(ours.input), price(theirs.input)),
        ("prices.output", price(ours.output), price(theirs.output)),
        ("prices.cache_read", price(ours.cache_read), price(theirs.cache_read)),
        ("prices.cache_write", price(ours.cache_write), price(theirs.cache_write)),
        ("prices.cache_write_1h", price(ours.cache_write_1h), price(theirs.cache_write_1h)),
        ("health.status", row.health.status.map(f64::from), documented.health.status.map(f64::from)),
    ] {
        run.agreement.entry(path.to_owned()).or_default().add(ours, theirs);
    }
    // Only a conditional price that the statistics lack counts: it could have been lost.
    let (ours, theirs) = (ours.tiers.len(), theirs.tiers.len());
    if ours.max(theirs) > 0 {
        let counts = (Some(ours.min(theirs) as f64), Some(theirs as f64));
        run.agreement.entry("prices.tiers".to_owned()).or_default().add(counts.0, counts.1);
    }
}

/// A row of the statistics, completed by the documented row of the same endpoint.
fn from_stats(mut row: Reading, public: Option<&Reading>, observed_at: DateTime<Utc>) -> Reading {
    let Reading { facts, health, .. } = &mut row;
    let documented = public.map(|public| public.health.clone()).unwrap_or_default();
    let stated = &mut facts.published;
    stated.max_prompt_tokens =
        stated.max_prompt_tokens.or_else(|| public.and_then(|row| row.facts.published.max_prompt_tokens));
    stated.deprecation_date = stated.deprecation_date.filter(|time| *time <= observed_at + FAR_FUTURE);
    // An endpoint cannot be read before it was created: such a time says nothing about its age.
    stated.created_at = stated.created_at.filter(|time| *time <= observed_at);
    // The codes are 0 or negative, and lower is worse: an outage that one source reports counts as an outage.
    health.status = [health.status, documented.status].into_iter().flatten().min();
    health.uptime_5m = documented.uptime_5m;
    health.uptime_30m = documented.uptime_30m;
    let counted = health.counters_1d.and_then(|counters| counters.uptime());
    health.uptime_1d = documented.uptime_1d.or(counted);
    health.throughput = health.throughput.or(documented.throughput);
    health.latency_ms = health.latency_ms.or(documented.latency_ms);
    with_checked_prices(row)
}

/// A documented row of an endpoint that the statistics do not list, under the name that its provider has there.
fn from_public(mut row: Reading, providers: &BTreeMap<ProviderSlug, Provider>) -> Reading {
    if let Some(known) = providers.get(&row.facts.provider) {
        row.facts.provider_name.clone_from(&known.name);
    }
    with_checked_prices(row)
}

/// A price of 0 means "missing" for variants that are billed elsewhere.
fn with_checked_prices(mut row: Reading) -> Reading {
    if row.facts.variant.zero_price_is_missing() {
        let ListPrices { input, output, cache_read, cache_write, cache_write_1h, .. } = &mut row.prices;
        for price in [input, output, cache_read, cache_write, cache_write_1h] {
            *price = price.filter(|p| !p.0.is_zero());
        }
    }
    row
}
