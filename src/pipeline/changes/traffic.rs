//! The traffic of the shown days, and jumps of the traffic of single endpoints as changes.

use crate::analysis::share::{TokenDay, traffic_share};
use crate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField, percent};
use crate::domain::endpoint::Model;
use crate::domain::share::{TrafficJump, TrafficShare};
use crate::domain::window::midnight;
use crate::store::{EndpointDayRow, EndpointNow};
use crate::wording::share as wording;
use chrono::{DateTime, Utc};

/// The days on which the traffic of one endpoint jumped while the rest of its model stayed, newest first. A change is at
/// the end of its day, because the day's tokens are known then.
pub(in crate::pipeline) fn traffic_jumps(share: &TrafficShare, models: &[Model]) -> Vec<Change> {
    let change = |jump: &TrafficJump| {
        let at = midnight(jump.day.succ_opt().unwrap_or(jump.day));
        let model = models.iter().find(|model| model.model == jump.slug && model.variant == jump.variant);
        Change {
            model: Some(jump.slug.clone()),
            variant: Some(jump.variant.clone()),
            model_id: model.map(|model| model.model_id.clone()),
            endpoint_id: Some(jump.endpoint_id),
            provider: Some(jump.provider.clone()),
            tag: jump.tag.clone(),
            field: Some(ChangedField::Tokens),
            before: Some(ChangeValue::Number(jump.before as f64)),
            after: Some(ChangeValue::Number(jump.after as f64)),
            percent: percent(Some(jump.before as f64), Some(jump.after as f64)),
            why: wording::jump(jump),
            ..Change::new(at, ChangeKind::TrafficJump)
        }
    };
    share.jumps.iter().map(change).collect()
}

/// The tokens of these days by endpoint, also of endpoints that no longer exist; `now` are those of the newest run.
pub(in crate::pipeline) fn traffic_of(
    days: &[EndpointDayRow],
    now: &[EndpointNow],
    as_of: DateTime<Utc>,
) -> TrafficShare {
    let tags = now.iter().map(|endpoint| (endpoint.endpoint_id, endpoint.facts.tag.clone())).collect();
    let row = |row: &EndpointDayRow| {
        Some(TokenDay {
            endpoint_id: row.endpoint_id,
            slug: row.model.clone(),
            variant: row.variant.clone(),
            provider: row.provider.clone(),
            day: row.of_day.day,
            tokens: row.of_day.tokens?,
            coverage: row.of_day.coverage?,
        })
    };
    let rows: Vec<TokenDay> = days.iter().filter_map(row).collect();
    traffic_share(&rows, as_of.date_naive(), &tags)
}
