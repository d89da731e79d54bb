//! The comparison series: `[{"x": day, "y": {uuid: percent}}]`, one row per UTC day; the last row is the current day.

use super::{Found, Reader, clip, day, wire};
use crate::domain::reading::{ClosingRate, QuarantineReason};
use crate::domain::units::{HitRate, Percent};
use crate::upstream::openrouter::Content;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

impl Reader<'_> {
    /// Reads the series of a pair. A key that is not a UUID is quarantined once, however many days contain it. A value
    /// that is not a share is quarantined alone. A missing key means an endpoint without traffic on that day.
    pub(super) fn comparison(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let rows = self.rows(body, |point: wire::ChartPoint, row| {
            Ok(Some((day("x", &point.x)?, row.path.clone(), point.y.unwrap_or_default())))
        })?;
        let mut rates: BTreeMap<(Uuid, NaiveDate), HitRate> = BTreeMap::new();
        let mut strange: BTreeSet<String> = BTreeSet::new();
        for (day, path, values) in rows {
            let mut values: Vec<(String, wire::Number)> = values.into_iter().collect();
            values.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, percent) in values {
                let Some(percent) = percent.0 else { continue };
                let Ok(endpoint) = Uuid::parse_str(&key) else {
                    if strange.insert(key.clone()) {
                        let detail = format!("`{}` is not the UUID of an endpoint", clip(&key));
                        self.put_aside(QuarantineReason::NoSuchEndpoint, &format!("{path}.y"), detail);
                    }
                    continue;
                };
                let Some(rate) = Percent(percent).fraction().and_then(HitRate::new) else {
                    let (path, detail) =
                        (format!("{path}.y.{key}"), format!("the hit rate {percent} % is not within 0..100"));
                    self.put_aside(QuarantineReason::HitRateOutOfRange, &path, detail);
                    continue;
                };
                rates.insert((endpoint, day), rate);
            }
        }
        let rates: Vec<ClosingRate> = rates
            .into_iter()
            .map(|((endpoint_id, day), hit_rate)| ClosingRate { endpoint_id, day, hit_rate })
            .collect();
        Ok((!rates.is_empty()).then_some(Content::Comparison(rates)))
    }
}
