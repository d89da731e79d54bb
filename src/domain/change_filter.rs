//! Which changes are wanted.

use super::change::{Change, ChangeKind};
use super::ids::ModelSlug;
use super::pattern;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Conditions on changes; all of them have to hold. The default admits every change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeFilter {
    /// Kinds; empty for all.
    pub kinds: Vec<ChangeKind>,
    /// A model: its public name, its canonical slug for all its variants, or a pattern such as `deepseek/*`.
    pub model: Option<String>,
    /// Base slug of a provider: its own changes and those of its endpoints.
    pub provider: Option<String>,
    /// An endpoint: its UUID, its tag, a pattern of tags, or `model@tag`.
    pub endpoint: Option<String>,
    /// The earliest time.
    pub from: Option<DateTime<Utc>>,
    /// The latest time.
    pub to: Option<DateTime<Utc>>,
    /// The smallest change, percent without sign. A change without a percentage is not admitted.
    pub min_percent: Option<f64>,
}

impl ChangeFilter {
    /// Whether a change is wanted.
    pub fn admits(&self, change: &Change) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&change.kind))
            && self.model.as_deref().is_none_or(|name| is_of_model(change, name))
            && self.provider.as_deref().is_none_or(|slug| change.concerns(slug))
            && self.endpoint.as_deref().is_none_or(|name| is_of_endpoint(change, name))
            && self.from.is_none_or(|from| change.at >= from)
            && self.to.is_none_or(|to| change.at <= to)
            && self
                .min_percent
                .is_none_or(|least| change.percent.is_some_and(|percent| percent.abs() >= least))
    }
}

/// Whether a change is about a model: of this public name or canonical slug, or of a name that this pattern matches, such as
/// `deepseek/*`.
pub fn is_of_model(change: &Change, name: &str) -> bool {
    [change.model_id.as_deref(), change.model.as_ref().map(ModelSlug::as_str)]
        .into_iter()
        .flatten()
        .any(|own| is_named(name, own))
}

/// Whether a change is about an endpoint: of this UUID or tag, of a tag that this pattern matches, or of a model and a tag
/// written as `model@tag`.
pub fn is_of_endpoint(change: &Change, name: &str) -> bool {
    let is_tag = |name: &str| change.tag.as_ref().is_some_and(|tag| is_named(name, tag.as_str()));
    match (Uuid::parse_str(name), name.rsplit_once('@')) {
        (Ok(id), _) => change.endpoint_id == Some(id),
        (Err(_), Some((model, tag))) => is_tag(name) || (is_of_model(change, model) && is_tag(tag)),
        (Err(_), None) => is_tag(name),
    }
}

/// Whether a name is this one, or one that the pattern matches.
pub fn is_named(wanted: &str, name: &str) -> bool {
    wanted == name || (pattern::is_pattern(wanted) && pattern::matches(wanted, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ModelSlug, Tag};

    #[test]
    fn every_condition_has_to_hold() {
        let id = Uuid::from_u128(7);
        let change = Change {
            model: Some(ModelSlug::new("wren/lark-2-20260801")),
            model_id: Some("wren/lark-2".to_owned()),
            endpoint_id: Some(id),
            tag: Some(Tag::new("heron/fp8")),
            percent: Some(-12.0),
            ..Change::new("2026-10-05T12:57:00Z".parse().expect("a time"), ChangeKind::PriceChanged)
        };
        let all = ChangeFilter::default();
        assert!(all.admits(&change));
        let text = |text: &str| Some(text.to_owned());
        for (filter, admitted) in [
            (ChangeFilter { kinds: vec![ChangeKind::PriceChanged], ..all.clone() }, true),
            (ChangeFilter { kinds: vec![ChangeKind::ModelGone], ..all.clone() }, false),
            (ChangeFilter { model: text("wren/lark-2"), ..all.clone() }, true),
            (ChangeFilter { model: text("wren/lark-2-20260801"), ..all.clone() }, true),
            (ChangeFilter { model: text("wren/lark"), ..all.clone() }, false),
            (ChangeFilter { provider: text("heron"), ..all.clone() }, true),
            (ChangeFilter { provider: text("her"), ..all.clone() }, false),
            (ChangeFilter { endpoint: text("heron/fp8"), ..all.clone() }, true),
            (ChangeFilter { endpoint: text(&id.to_string().to_uppercase()), ..all.clone() }, true),
            (ChangeFilter { endpoint: text("heron"), ..all.clone() }, false),
            (ChangeFilter { model: text("wren/*"), ..all.clone() }, true),
            (ChangeFilter { model: text("lark/*"), ..all.clone() }, false),
            (ChangeFilter { endpoint: text("wren/lark-2@heron/*"), ..all.clone() }, true),
            (ChangeFilter { endpoint: text("wren/other@heron/fp8"), ..all.clone() }, false),
            (ChangeFilter { from: Some(change.at), to: Some(change.at), ..all.clone() }, true),
            (ChangeFilter { from: Some(change.at + chrono::Duration::seconds(1)), ..all.clone() }, false),
            (ChangeFilter { to: Some(change.at - chrono::Duration::seconds(1)), ..all.clone() }, false),
            (ChangeFilter { min_percent: Some(12.0), ..all.clone() }, true),
            (ChangeFilter { min_percent: Some(12.5), ..all.clone() }, false),
        ] {
            assert_eq!(filter.admits(&change), admitted, "{filter:?}");
        }
        let plain = Change { percent: None, ..change };
        assert!(!ChangeFilter { min_percent: Some(0.0), ..all }.admits(&plain));
    }
}
