//! What a change is about.

use crate::domain::change::{Change, ChangeKind};
use crate::domain::price_move::EndpointNames;
use chrono::{DateTime, Utc};

/// A change of a kind at an endpoint.
pub(super) fn of_endpoint(at: DateTime<Utc>, kind: ChangeKind, endpoint: &EndpointNames) -> Change {
    Change {
        model: Some(endpoint.model.clone()),
        variant: Some(endpoint.variant.clone()),
        model_id: endpoint.model_id.clone(),
        endpoint_id: Some(endpoint.endpoint_id),
        provider: endpoint.provider.clone(),
        tag: endpoint.tag.clone(),
        ..Change::new(at, kind)
    }
}
