//! Tokens by endpoint and day, and the days on which the traffic of one endpoint jumped. See "Traffic share" in the method.

use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::share::{EndpointTraffic, ModelTraffic, ShareDay, TrafficJump, TrafficShare};
use crate::domain::statistics::{MAD_TO_SD, median};
use crate::domain::thresholds::{
    JUMP_MIN_FACTOR, JUMP_MIN_TOKENS, JUMP_MIN_Z, JUMP_OTHERS_FACTOR, SHARE_MIN_COVERAGE,
};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// With fewer daily changes than this, an endpoint's own scatter is not known.
const OWN_CHANGES: usize = 5;
/// Days before a change whose changes say what is usual.
pub const JUMP_DAYS: i64 = 30;
/// Fewer tokens than this count as this many, so that a start from nothing is not an endless jump.
const LEAST_TOKENS: f64 = 1e6;

/// The tokens of an endpoint on one UTC day.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenDay {
    /// The endpoint.
    pub endpoint_id: Uuid,
    /// Canonical slug of its model.
    pub slug: ModelSlug,
    /// Variant of the model.
    pub variant: Variant,
    /// Base slug of its provider.
    pub provider: ProviderSlug,
    /// The day.
    pub day: NaiveDate,
    /// Tokens of its last reading.
    pub tokens: i64,
    /// Share of the day that this reading covers, 0..1.
    pub coverage: f64,
}

/// The traffic of these days; `today` is not over, and `tags` are the routing names of the newest run.
pub fn traffic_share(rows: &[TokenDay], today: NaiveDate, tags: &BTreeMap<Uuid, Tag>) -> TrafficShare {
    let dates: Vec<NaiveDate> = rows.iter().map(|row| row.day).collect::<BTreeSet<_>>().into_iter().collect();
    let days: Vec<ShareDay> = dates.iter().map(|day| share_day(rows, *day, today)).collect();
    let mut endpoints: BTreeMap<(&ModelSlug, &Variant), BTreeMap<Uuid, EndpointTraffic>> = BTreeMap::new();
    for row in rows {
        let Ok(at) = dates.binary_search(&row.day) else { continue };
        // Of a complete day, a reading that ended early is not the day's tokens.
        if days[at].complete && row.coverage < SHARE_MIN_COVERAGE {
            continue;
        }
        let of_model = endpoints.entry((&row.slug, &row.variant)).or_default();
        let endpoint = of_model.entry(row.endpoint_id).or_insert_with(|| EndpointTraffic {
            endpoint_id: row.endpoint_id,
            provider: row.provider.clone(),
            tag: tags.get(&row.endpoint_id).cloned(),
            tokens: vec![None; dates.len()],
        });
        endpoint.tokens[at] = Some(row.tokens);
    }
    let model = |((slug, variant), endpoints): ((&ModelSlug, &Variant), BTreeMap<Uuid, EndpointTraffic>)| {
        let mut endpoints: Vec<EndpointTraffic> = endpoints.into_values().collect();
        let sum = |one: &EndpointTraffic| {
            one.tokens.iter().flatten().fold(0_i64, |sum, tokens| sum.saturating_add(*tokens))
        };
        endpoints.sort_by(|a, b| sum(b).cmp(&sum(a)).then(a.endpoint_id.cmp(&b.endpoint_id)));
        ModelTraffic { slug: slug.clone(), variant: variant.clone(), endpoints }
    };
    let models: Vec<ModelTraffic> = endpoints.into_iter().map(model).collect();
    let jumps = jumps(&days, &models);
    TrafficShare { days, models, jumps }
}

/// A day is complete if it is over and readings of most of its tokens cover nearly all of it.
fn share_day(rows: &[TokenDay], day: NaiveDate, today: NaiveDate) -> ShareDay {
    let of_day = || rows.iter().filter(move |row| row.day == day);
    let sum = |sum: i64, row: &TokenDay| sum.saturating_add(row.tokens);
    let tokens = of_day().fold(0, sum);
    let covered = of_day().filter(|row| row.coverage >= SHARE_MIN_COVERAGE).fold(0, sum);
    let complete = day < today && tokens > 0 && covered as f64 >= SHARE_MIN_COVERAGE * tokens as f64;
    ShareDay { day, complete, tokens }
}

/// The logarithm of the change of an endpoint's tokens to a day from the day before, if both are complete.
fn change(days: &[ShareDay], tokens: &[Option<i64>], at: usize) -> Option<f64> {
    let before = at.checked_sub(1)?;
    let follows = days[at].day - days[before].day == chrono::Duration::days(1);
    let known = days[at].complete && days[before].complete && follows;
    let size = |at: usize| Some((tokens[at]? as f64).max(LEAST_TOKENS).ln());
    known.then(|| Some(size(at)? - size(before)?)).flatten()
}

/// The usual size of daily changes: their median absolute size, scaled to a standard deviation.
fn scatter(changes: &[f64]) -> Option<f64> {
    median(changes.iter().map(|change| change.abs())).map(|size| size * MAD_TO_SD)
}

/// The jumps of single endpoints, newest first: a robust z-score of the daily change of the logarithm of the tokens
/// (from the median absolute change; after Iglewicz and Hoaglin, 1993), with the scatter of all endpoints as its least scatter, if
/// the other endpoints of the model stayed.
pub fn jumps(days: &[ShareDay], models: &[ModelTraffic]) -> Vec<TrafficJump> {
    let is_busy = |tokens: &[Option<i64>]| tokens.iter().flatten().any(|t| *t as f64 >= LEAST_TOKENS * 10.0);
    let first = |at: usize| {
        days[..at].partition_point(|day| days[at].day - day.day > chrono::Duration::days(JUMP_DAYS))
    };
    let changes = |tokens: &[Option<i64>], until: usize| -> Vec<f64> {
        (first(until).max(1)..until).filter_map(|at| change(days, tokens, at)).collect()
    };
    // Only of the days before, so that a jump does not depend on what happens later or on the range that is shown.
    let pooled = |at: usize| {
        let endpoints = models.iter().flat_map(|model| &model.endpoints);
        let busy = endpoints.filter(|endpoint| is_busy(&endpoint.tokens[first(at)..=at]));
        scatter(&busy.flat_map(|endpoint| changes(&endpoint.tokens, at)).collect::<Vec<f64>>())
    };
    let pooled: Vec<Option<f64>> = (0..days.len()).map(pooled).collect();
    let mut found = Vec::new();
    for model in models {
        for (place, endpoint) in model.endpoints.iter().enumerate() {
            for at in 1..days.len() {
                let Some(moved) = change(days, &endpoint.tokens, at) else { continue };
                let (Some(before), Some(after)) = (endpoint.tokens[at - 1], endpoint.tokens[at]) else {
                    continue;
                };
                if moved.abs() < JUMP_MIN_FACTOR.ln() || (before.max(after) as f64) < JUMP_MIN_TOKENS {
                    continue;
                }
                let own = changes(&endpoint.tokens, at);
                let own = if own.len() < OWN_CHANGES { None } else { scatter(&own) };
                let Some(pooled) = pooled[at].filter(|scatter| *scatter > 0.0) else { continue };
                let z = moved.abs() / own.unwrap_or(0.0).max(pooled);
                let others = model.endpoints.iter().enumerate().filter(|(other, _)| *other != place);
                let others = others.filter_map(|(_, other)| Some((other.tokens[at - 1]?, other.tokens[at]?)));
                let (then, now) = others
                    .fold((0_i64, 0_i64), |sum, of| (sum.0.saturating_add(of.0), sum.1.saturating_add(of.1)));
                if z < JUMP_MIN_Z || (then as f64) < LEAST_TOKENS * 10.0 {
                    continue;
                }
                let others = now as f64 / then as f64;
                if !(1.0 / JUMP_OTHERS_FACTOR..=JUMP_OTHERS_FACTOR).contains(&others) {
                    continue;
                }
                found.push(TrafficJump {
                    day: days[at].day,
                    slug: model.slug.clone(),
                    variant: model.variant.clone(),
                    endpoint_id: endpoint.endpoint_id,
                    provider: endpoint.provider.clone(),
                    tag: endpoint.tag.clone(),
                    before,
                    after,
                    z,
                    others,
                });
            }
        }
    }
    let size = |jump: &TrafficJump| jump.after.abs_diff(jump.before);
    found.sort_by(|a, b| {
        b.day.cmp(&a.day).then(size(b).cmp(&size(a))).then(a.endpoint_id.cmp(&b.endpoint_id))
    });
    found
}
