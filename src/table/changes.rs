//! The list of changes, filtered by a query. The page of changes and the feeds share it.

use super::explore::{Reader, number};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::change_filter::ChangeFilter;
use crate::domain::ids::names;
use crate::snapshot::Snapshot;
use chrono::{Duration, NaiveDate, NaiveTime};

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

/// A complete query: the filter and the page. Every condition excludes changes without the value: absent is not zero.
#[derive(Debug, Clone)]
pub struct ChangeQuestion {
    filter: ChangeFilter,
    group: Option<ChangeGroup>,
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

impl Default for ChangeQuestion {
    /// The first page of all changes.
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl ChangeQuestion {
    /// Reads the parameters of an address, which `submitted` returns by name. Invalid values are ignored and reported in
    /// [`ChangeQuestion::errors`].
    pub fn new<'a>(submitted: impl Fn(&str) -> Option<&'a str>) -> Self {
        let mut reader = Reader { submitted, errors: Vec::new() };
        let groups = format!("one of {}", ChangeGroup::ALL.map(ChangeGroup::as_str).join(", "));
        let kinds = format!("one of {}", ChangeKind::ALL.map(ChangeKind::as_str).join(", "));
        let percent = |text: &str| number(text.strip_suffix('%').unwrap_or(text));
        let whole = |text: &str| text.parse::<usize>().ok().filter(|page| (1..=100_000).contains(page));
        let kind = reader.value("kind", &kinds, ChangeKind::parse);
        let from = reader.value("from", "a date like 2026-08-01", date);
        let to = reader.value("to", "a date like 2026-08-31", date);
        let named = |text: String| (!text.is_empty()).then_some(text);
        let filter = ChangeFilter {
            kinds: kind.into_iter().collect(),
            model: named(reader.text("model")),
            provider: named(reader.text("provider").to_lowercase()),
            endpoint: named(reader.text("endpoint")),
            from: from.map(|day| day.and_time(NaiveTime::MIN).and_utc()),
            // To the end of the day.
            to: to
                .and_then(|day| day.succ_opt())
                .map(|next| next.and_time(NaiveTime::MIN).and_utc() - Duration::nanoseconds(1)),
            min_percent: reader.value("min_percent", "a percentage from 0 on, like 10", percent),
        };
        let group = reader.value("group", &groups, ChangeGroup::parse);
        let costs_more = reader.value("costs_more", "true", |text| (text == "true").then_some(())).is_some();
        let page = reader.value("page", "a page number from 1 on", whole).unwrap_or(1);
        let typed = FIELDS.map(|field| (field, reader.text(field))).to_vec();
        let mut errors = reader.errors;
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            errors.push("The field “from” is after the field “to”: no change can match.".to_owned());
        }
        Self { filter, group, costs_more, page, errors, typed }
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
        let named = |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name} {text}"));
        let filter = &self.filter;
        [
            self.group.map(|group| group.label().to_owned()),
            filter.kinds.first().map(|kind| kind.as_str().replace('_', " ")),
            named("model", &filter.model),
            named("provider", &filter.provider),
            named("endpoint", &filter.endpoint),
            filter.from.map(|from| format!("from {}", from.date_naive())),
            filter.to.map(|to| format!("to {}", to.date_naive())),
            filter.min_percent.map(|percent| format!("at least {percent} %")),
            self.costs_more.then(|| "sessions cost more".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
    }

    /// Whether it is for recommendations only.
    pub fn is_of_recommendations(&self) -> bool {
        self.group == Some(ChangeGroup::Recommendations)
            || self.filter.kinds.contains(&ChangeKind::RecommendationChanged)
    }

    /// All changes that match, newest first.
    pub fn changes<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Change> {
        snapshot.changes.iter().filter(|change| self.passes(change)).collect()
    }

    /// Whether a change matches.
    pub fn passes(&self, change: &Change) -> bool {
        self.filter.admits(change)
            && self.group.is_none_or(|group| ChangeGroup::of(change.kind) == Some(group))
            && (!self.costs_more || change.costs_more())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{ChangeValue, ChangedField};
    use crate::domain::ids::{ProviderSlug, Tag};

    fn ask(pairs: &[(&str, &str)]) -> ChangeQuestion {
        ChangeQuestion::new(|field| pairs.iter().find(|(name, _)| *name == field).map(|(_, text)| *text))
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
            &[("model", "a/*"), ("provider", "LUMEN")],
            &[("endpoint", "a/quill@lumen/fp8")],
            &[("endpoint", "lumen/*")],
            &[("from", "2026-08-08"), ("to", "2026-08-08")],
            &[("min_percent", "20 %"), ("costs_more", "true")],
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
        assert!(!ask(&[("costs_more", "true")]).passes(&price(-20.0)));
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
        assert_eq!(ChangeQuestion::default().page, 1, "pages are counted from 1");
        assert_eq!(ask(&[("from", "2026-08-02"), ("to", "2026-08-01")]).errors.len(), 1);
        assert_eq!(ask(&[("model", &"x".repeat(5000))]).typed("model").len(), 100);
        assert_eq!(ask(&[("group", "prices"), ("model", "a/b")]).in_words(), "prices, model a/b");
    }
}
