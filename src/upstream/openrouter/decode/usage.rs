//! Usage of a pair: the summaries of its endpoints, the daily charts, and the upstream's aggregate.

use super::{Found, Reader, Row, clip, day, wire};
use crate::domain::bounds;
use crate::domain::reading::{ModelUsage, QuarantineReason};
use crate::upstream::openrouter::Content;
use chrono::NaiveDate;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Usage of one endpoint that is not resolved yet: identified by UUID or, before 2026-08-04, by display name.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The endpoint's UUID, if published.
    pub endpoint_id: Option<Uuid>,
    /// Display name, with a suffix like "(1)" if it would be ambiguous.
    pub name: String,
    /// Published hit rate, not checked yet.
    pub hit_rate: Option<f64>,
    /// Effective input price, USD per million tokens.
    pub effective_input: Option<f64>,
    /// Effective output price, USD per million tokens.
    pub effective_output: Option<f64>,
    /// Tokens of the window; absent does not mean zero.
    pub tokens: Option<i64>,
    /// JSON path in the body.
    pub path: String,
}

/// Effective (input, output) prices by chart key (UUID or display name) and day, USD per million tokens.
pub type Charts = BTreeMap<String, BTreeMap<NaiveDate, (Option<f64>, Option<f64>)>>;

/// Usage of a pair: summaries, the daily charts, and the upstream's aggregate.
#[derive(Debug, Clone)]
pub struct UsageBody {
    /// One summary per endpoint with traffic.
    pub summaries: Vec<Summary>,
    /// The daily charts.
    pub charts: Charts,
    /// The upstream's own aggregate.
    pub aggregate: ModelUsage,
}

impl UsageBody {
    /// The UTC day that the body's summaries cover, if they cover a day: the day of its last chart point. The upstream
    /// replaces a body as a whole, so all of its summaries cover the same day.
    pub fn day(&self) -> Option<NaiveDate> {
        self.charts.values().filter_map(|days| days.keys().next_back()).max().copied()
    }
}

impl Reader<'_> {
    pub(super) fn usage(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let pair = self.pair()?;
        let wire: wire::Envelope<wire::EffectivePricing> = self.envelope(body)?;
        let wire = wire.data;
        if wire.provider_summaries.is_empty() && wire.input_chart_data.is_empty() {
            return Ok(None);
        }
        let mut charts = BTreeMap::new();
        self.chart(&wire.input_chart_data, "inputChartData", &mut charts, |point, price| point.0 = price);
        self.chart(&wire.output_chart_data, "outputChartData", &mut charts, |point, price| point.1 = price);
        // Bodies before 2026-08-04 name endpoints in both places; a body with UUIDs has them in both.
        let with_ids = charts.keys().any(|key| Uuid::parse_str(key).is_ok());
        let convert = |wire: wire::Summary, row: &mut Row| {
            if with_ids && wire.endpoint_id.is_none() {
                row.fault(QuarantineReason::ValueMissing, "endpointId", "the display name is used");
            }
            summary(wire, row)
        };
        let summaries = self.each(&wire.provider_summaries, "$.data.providerSummaries", convert);
        let mut whole = Row::at("$.data".to_owned());
        let price = &bounds::EFFECTIVE_PRICE;
        let aggregate = ModelUsage {
            model: pair.model,
            variant: pair.variant,
            hit_rate: whole.within("weightedCacheHitRate", wire.weighted_cache_hit_rate, &bounds::FRACTION),
            effective_input: whole.within("weightedInputPrice", wire.weighted_input_price, price),
            effective_output: whole.within("weightedOutputPrice", wire.weighted_output_price, price),
        };
        self.take_faults(whole);
        Ok(Some(Content::Usage(UsageBody { summaries, charts, aggregate })))
    }

    fn chart(
        &mut self,
        points: &[Box<RawValue>],
        field: &str,
        charts: &mut Charts,
        set: impl Fn(&mut (Option<f64>, Option<f64>), Option<f64>),
    ) {
        let convert = |point: wire::ChartPoint, row: &mut Row| {
            let day = day("x", &point.x)?;
            let mut prices: Vec<_> = point.y.unwrap_or_default().into_iter().collect();
            prices.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, price) in &mut prices {
                price.0 = row.within(&format!("y.{key}"), price.0, &bounds::EFFECTIVE_PRICE);
            }
            Ok(Some((day, prices)))
        };
        for (day, prices) in self.each(points, &format!("$.data.{field}"), convert) {
            for (key, price) in prices {
                set(charts.entry(key).or_default().entry(day).or_default(), price.0);
            }
        }
    }
}

fn summary(wire: wire::Summary, row: &mut Row) -> Result<Option<Summary>, (&'static str, String)> {
    let uuid = |id: String| {
        Uuid::parse_str(&id).map_err(|_| ("endpointId", format!("`{}` is not a UUID", clip(&id))))
    };
    let price = &bounds::EFFECTIVE_PRICE;
    Ok(Some(Summary {
        endpoint_id: wire.endpoint_id.map(uuid).transpose()?,
        name: wire.provider_name.unwrap_or_default(),
        hit_rate: wire.cache_hit_rate,
        effective_input: row.within("effectiveInputPrice", wire.effective_input_price, price),
        effective_output: row.within("effectiveOutputPrice", wire.effective_output_price, price),
        tokens: tokens(wire.total_tokens, row),
        path: row.path.clone(),
    }))
}

/// The tokens of a summary. A negative number is accepted here; the join quarantines the whole summary.
fn tokens(total: Option<i64>, row: &mut Row) -> Option<i64> {
    match total {
        Some(negative) if negative < 0 => Some(negative),
        total => row.within("totalTokens", total, &bounds::TOKENS),
    }
}
