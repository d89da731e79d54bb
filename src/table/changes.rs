//! The list of changes, filtered by a query. The page of changes and the feeds share it.

use super::explore::{Reader, number};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::ids::names;
use crate::domain::pattern;
use crate::snapshot::Snapshot;
use chrono::NaiveDate;

names! {
    /// Kinds of changes that belong together.
    ChangeGroup for "group" {
        /// List prices, discounts, price schedules and shifts of the effective price.
        Prices = "prices",
        /// Endpoints and models that appeared, changed, were renamed or went, and announced ends.
        Endpoints = "endpoints",
        /// Shifts of hit rates and jumps of traffic.
        Caching = "caching",
        /// Outages, statuses, and shifts of uptime and speed.
        Reliability = "reliability",
        /// Tiers of providers.
        Tiers = "tiers",
        /// Recommendations of models.
        Recommendations = "recommendations",
    }
}

impl ChangeGroup {
    /// The group of a kind; `None` for changes of the collection itself.
    pub fn of(kind: ChangeKind) -> Option<Self> {
        Some(match kind {
            ChangeKind::PriceChanged | ChangeKind::PriceSchedule | ChangeKind::EffectivePriceShift => {
                Self::Prices
            }
            ChangeKind::EndpointChanged
            | ChangeKind::Deprecation
            | ChangeKind::EndpointAppeared
            | ChangeKind::EndpointGone
            | ChangeKind::TagChanged
            | ChangeKind::ModelAppeared
            | ChangeKind::ModelGone => Self::Endpoints,
            ChangeKind::HitRateShift | ChangeKind::TrafficJump => Self::Caching,
            ChangeKind::StatusChanged
            | ChangeKind::Outage
            | ChangeKind::SpeedShift
            | ChangeKind::UptimeShift => Self::Reliability,
            ChangeKind::TierChanged => Self::Tiers,
            ChangeKind::RecommendationChanged => Self::Recommendations,
            ChangeKind::WindowChanged => return None,
        })
    }

    /// What the form calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Prices => "prices",
            Self::Endpoints => "endpoints and models",
            Self::Caching => "hit rates and traffic",
            Self::Reliability => "outages, uptime and speed",
            Self::Tiers => "tiers",
            Self::Recommendations => "recommendations",
        }
    }
}

/// The fields of the form, in order.
const FIELDS: [&str; 9] =
    ["group", "kind", "model", "provider", "endpoint", "from", "to", "min_percent", "costs_more"];

/// A filter of changes. Every condition excludes changes without the value: absent is not zero.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    group: Option<ChangeGroup>,
    kind: Option<ChangeKind>,
    /// Id, canonical slug or pattern of the model; empty for all.
    model: String,
    /// Base slug of the provider; empty for all.
    provider: String,
    /// Tag or id of the endpoint; empty for all.
    endpoint: String,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    min_percent: Option<f64>,
    costs_more: bool,
    /// The page, from 1.
    pub page: usize,
    /// The invalid values, as sentences.
    pub errors: Vec<String>,
    /// The submitted values by field, for the form to show again.
    typed: Vec<(&'static str, String)>,
}

fn date(text: &str) -> Option<NaiveDate> {
    // chrono also accepts signs and years with more digits.
    text.parse().ok().filter(|_| text.len() == 10)
}

impl ChangeFilter {
    /// Reads the parameters of an address, which `submitted` returns by name. Invalid values are ignored and reported in
    /// [`ChangeFilter::errors`].
    pub fn new<'a>(submitted: impl Fn(&str) -> Option<&'a str>) -> Self {
        let mut reader = Reader { submitted, errors: Vec::new() };
        let groups = format!("one of {}", ChangeGroup::ALL.map(ChangeGroup::as_str).join(", "));
        let kinds = format!("one of {}", ChangeKind::ALL.map(ChangeKind::as_str).join(", "));
        let percent = |text: &str| number(text.strip_suffix('%').unwrap_or(text));
        let whole = |text: &str| text.parse::<usize>().ok().filter(|page| (1..=100_000).contains(page));
        let mut filter = Self {
            group: reader.value("group", &groups, ChangeGroup::parse),
            kind: reader.value("kind", &kinds, ChangeKind::parse),
            model: reader.text("model"),
            provider: reader.text("provider").to_lowercase(),
            endpoint: reader.text("endpoint"),
            from: reader.value("from", "a date like 2026-08-01", date),
            to: reader.value("to", "a date like 2026-08-31", date),
            min_percent: reader.value("min_percent", "a percentage from 0 on, like 10", percent),
            costs_more: reader.value("costs_more", "yes", |text| (text == "yes").then_some(())).is_some(),
            page: reader.value("page", "a page number from 1 on", whole).unwrap_or(1),
            errors: Vec::new(),
            typed: FIELDS.map(|field| (field, reader.text(field))).to_vec(),
        };
        filter.errors = reader.errors;
        if filter.from.zip(filter.to).is_some_and(|(from, to)| from > to) {
            filter.errors.push("The field “from” is after the field “to”: no change can match.".to_owned());
        }
        filter
    }

    /// The submitted value of a field.
    pub fn typed(&self, field: &str) -> &str {
        self.typed.iter().find(|(name, _)| *name == field).map_or("", |(_, text)| text.as_str())
    }

    /// The parameters of the same query without its page; empty fields are omitted.
    pub fn parameters(&self) -> Vec<(&'static str, &str)> {
        let typed = self.typed.iter().filter(|(_, text)| !text.is_empty());
        typed.map(|(name, text)| (*name, text.as_str())).collect()
    }

    /// Whether it lets everything pass.
    pub fn is_empty(&self) -> bool {
        self.parameters().is_empty()
    }

    /// What it requires, in words: "prices, model a/b, from 2026-08-01". Empty if it lets everything pass.
    pub fn in_words(&self) -> String {
        let group = self.group.map(|group| group.label().to_owned());
        let kind = self.kind.map(|kind| kind.as_str().replace('_', " "));
        let named = |name: &str, text: &str| (!text.is_empty()).then(|| format!("{name} {text}"));
        [
            group,
            kind,
            named("model", &self.model),
            named("provider", &self.provider),
            named("endpoint", &self.endpoint),
            self.from.map(|day| format!("from {day}")),
            self.to.map(|day| format!("to {day}")),
            self.min_percent.map(|percent| format!("at least {percent} %")),
            self.costs_more.then(|| "sessions cost more".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
    }

    /// All changes that match, newest first.
    pub fn changes<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Change> {
        snapshot.changes.iter().filter(|change| self.passes(change)).collect()
    }

    /// Whether a change matches.
    pub fn passes(&self, change: &Change) -> bool {
        let day = change.at.date_naive();
        self.group.is_none_or(|group| ChangeGroup::of(change.kind) == Some(group))
            && self.kind.is_none_or(|kind| kind == change.kind)
            && (self.model.is_empty() || is_of_model(change, &self.model))
            && (self.provider.is_empty() || change.concerns(&self.provider))
            && (self.endpoint.is_empty() || is_of_endpoint(change, &self.endpoint))
            && self.from.is_none_or(|from| day >= from)
            && self.to.is_none_or(|to| day <= to)
            && self
                .min_percent
                .is_none_or(|least| change.percent.is_some_and(|percent| percent.abs() >= least))
            && (!self.costs_more || change.costs_more())
    }
}

/// Whether a change is about a model, by its id, its canonical slug or a pattern such as `deepseek/*`.
pub fn is_of_model(change: &Change, wanted: &str) -> bool {
    change.model_id.as_deref().is_some_and(|id| pattern::matches(wanted, id))
        || change.model.as_ref().is_some_and(|slug| pattern::matches(wanted, slug.as_str()))
}

/// Whether a change is about an endpoint, by its id, its tag, or model and tag as `model@tag`.
pub fn is_of_endpoint(change: &Change, wanted: &str) -> bool {
    let tag = change.tag.as_ref().map_or("", |tag| tag.as_str());
    if change.endpoint_id.is_some_and(|id| id.to_string().eq_ignore_ascii_case(wanted)) {
        return true;
    }
    match wanted.rsplit_once('@') {
        Some((model, wanted)) => is_of_model(change, model) && pattern::matches(wanted, tag),
        None => !tag.is_empty() && pattern::matches(wanted, tag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{ChangeValue, ChangedField};
    use crate::domain::ids::{ProviderSlug, Tag};

    fn ask(pairs: &[(&str, &str)]) -> ChangeFilter {
        ChangeFilter::new(|field| pairs.iter().find(|(name, _)| *name == field).map(|(_, text)| *text))
    }

    fn price(percent: f64) -> Change {
        Change {
            model_id: Some("a/quill".to_owned()),
            provider: Some(ProviderSlug::new("lumen")),
            tag: Some(Tag::new("lumen/fp8")),
            field: Some(ChangedField::ListInput),
            before: Some(ChangeValue::Number(1.0)),
            after: Some(ChangeValue::Number(1.0 + percent / 100.0)),
            percent: Some(percent),
            ..Change::new("2026-08-08T15:31:00Z".parse().expect("a time"), ChangeKind::PriceChanged)
        }
    }

    #[test]
    fn every_condition_excludes_what_does_not_meet_it() {
        let rise = price(20.0);
        for pairs in [
            &[][..],
            &[("group", "prices")],
            &[("kind", "price_changed")],
            &[("model", "A/*"), ("provider", "LUMEN")],
            &[("endpoint", "a/quill@lumen/fp8")],
            &[("endpoint", "lumen/*")],
            &[("from", "2026-08-08"), ("to", "2026-08-08")],
            &[("min_percent", "20 %"), ("costs_more", "yes")],
        ] {
            assert!(ask(pairs).passes(&rise), "{pairs:?}");
        }
        for pairs in [
            &[("group", "tiers")][..],
            &[("kind", "outage")],
            &[("model", "a/qui")],
            &[("provider", "quarry")],
            &[("endpoint", "lumen")],
            &[("from", "2026-08-09")],
            &[("to", "2026-08-07")],
            &[("min_percent", "21")],
        ] {
            assert!(!ask(pairs).passes(&rise), "{pairs:?}");
        }
        assert!(!ask(&[("costs_more", "yes")]).passes(&price(-20.0)));
        let unknown = Change { percent: None, ..price(5.0) };
        assert!(!ask(&[("min_percent", "0")]).passes(&unknown), "absent is not zero");
    }

    #[test]
    fn invalid_values_are_reported_and_ignored() {
        let filter = ask(&[
            ("group", "<b>"),
            ("from", "yesterday"),
            ("to", "+2026-8-1"),
            ("min_percent", "-3"),
            ("costs_more", "no"),
            ("page", "0"),
        ]);
        assert_eq!(filter.errors.len(), 6, "{:?}", filter.errors);
        assert!(filter.passes(&price(1.0)) && filter.page == 1);
        assert_eq!(ask(&[("from", "2026-08-02"), ("to", "2026-08-01")]).errors.len(), 1);
        assert_eq!(ask(&[("model", &"x".repeat(5000))]).typed("model").len(), 100);
        assert_eq!(ask(&[("group", "prices"), ("model", "a/b")]).in_words(), "prices, model a/b");
    }
}
