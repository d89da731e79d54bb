//! How long hosts keep a cached prefix: dated facts in `data/cache_lifetimes.toml`.

use crate::domain::workload::CacheTtl;
use crate::traffic::misses::HostLifetime;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Deserializer};

const SHIPPED: &str = include_str!("../../../data/cache_lifetimes.toml");

/// How long a host keeps a cached prefix.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifetime {
    /// Base slug of the provider.
    pub provider: String,
    /// It applies to models whose id starts with this; to all if omitted.
    pub models: Option<String>,
    /// An unused prefix is kept at least this long, seconds.
    pub kept_seconds: Option<u64>,
    /// An unused prefix is lost after this many seconds; `None` if no upper bound is published.
    pub lost_seconds: Option<u64>,
    /// The same for writes that request an hour.
    pub lost_seconds_1h: Option<u64>,
    /// A shorter prefix is not cached, tokens.
    pub min_tokens: Option<u64>,
    /// First day on which it holds, UTC.
    #[serde(deserialize_with = "day")]
    pub from: NaiveDate,
    /// Last day on which it holds, UTC; `None` if it still did when it was checked.
    #[serde(default, deserialize_with = "some_day")]
    pub to: Option<NaiveDate>,
    /// When the source was last read.
    #[serde(deserialize_with = "day")]
    pub checked: NaiveDate,
    /// Where it is published.
    pub source: String,
}

/// An error in the file of lifetimes.
#[derive(Debug, thiserror::Error)]
#[error("data/cache_lifetimes.toml: {0}")]
pub struct LifetimeError(Box<toml::de::Error>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    lifetime: Vec<Lifetime>,
}

/// A day as TOML writes it.
pub(super) fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let read = toml::value::Datetime::deserialize(deserializer)?;
    read.to_string()
        .parse()
        .map_err(|_| serde::de::Error::custom(format!("`{read}` is not a valid day such as 2026-11-30")))
}

/// The same if it may be omitted.
pub(super) fn some_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    day(deserializer).map(Some)
}

/// What is known about the lifetimes of caches.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lifetimes(Vec<Lifetime>);

impl Lifetimes {
    /// The shipped facts.
    ///
    /// # Errors
    /// Never for the embedded file, which a test reads.
    pub fn shipped() -> Result<Self, LifetimeError> {
        Self::read(SHIPPED)
    }

    /// Reads facts in the format of `data/cache_lifetimes.toml`.
    ///
    /// # Errors
    /// [`LifetimeError`] with line and field.
    pub fn read(text: &str) -> Result<Self, LifetimeError> {
        let file: File = toml::from_str(text).map_err(|error| LifetimeError(Box::new(error)))?;
        Ok(Self(file.lifetime))
    }

    /// The fact about a provider and a model on a day; the row with the longest `models` wins.
    pub fn of(&self, provider: &str, model: &str, at: DateTime<Utc>) -> Option<&Lifetime> {
        let day = at.date_naive();
        let fits = |row: &&Lifetime| {
            row.provider == provider
                && row.from <= day
                && row.to.is_none_or(|to| day <= to)
                && row.models.as_ref().is_none_or(|start| model.starts_with(start.as_str()))
        };
        self.0.iter().filter(fits).max_by_key(|row| row.models.as_ref().map_or(0, String::len))
    }

    /// The same in the form that the causes of misses need; `model` is a slug or an id.
    pub fn of_host(&self, provider: &str, model: &str, at: DateTime<Utc>) -> Option<HostLifetime> {
        self.of(provider, model, at).map(|fact| HostLifetime {
            seconds: fact.lost_seconds.map(|seconds| seconds as f64),
            minimum: fact.min_tokens,
        })
    }
}

impl Lifetime {
    /// Seconds without use after which a prefix is lost, if that is published.
    pub fn lost_after(&self, ttl: CacheTtl) -> Option<u64> {
        match ttl {
            CacheTtl::FiveMinutes => self.lost_seconds,
            CacheTtl::OneHour => self.lost_seconds_1h.or(self.lost_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn shipped_facts_have_a_source_and_unknown_hosts_stay_unknown() {
        let shipped = Lifetimes::shipped().expect("valid");
        assert!(shipped.0.iter().all(|row| row.source.starts_with("https://") && row.from <= row.checked));
        let now = at("2026-11-30T12:00:00Z");
        let anthropic = shipped.of("anthropic", "anthropic/some-model", now).expect("known");
        assert_eq!(anthropic.lost_after(CacheTtl::FiveMinutes), Some(300));
        assert_eq!(anthropic.lost_after(CacheTtl::OneHour), Some(3600));
        let of_host = shipped.of_host("anthropic", "anthropic/some-model", now);
        assert_eq!(of_host, Some(HostLifetime { seconds: Some(300.0), minimum: None }));
        assert_eq!(shipped.of("a-host", "anthropic/some-model", now), None);
        assert_eq!(shipped.of("amazon-bedrock", "amazon/other", now), None, "only for some models");
    }

    #[test]
    fn a_row_holds_on_its_days_and_the_more_specific_one_wins() {
        let text = r#"
            [[lifetime]]
            provider = "h"
            lost_seconds = 60
            from = 2026-01-01
            to = 2026-01-31
            checked = 2026-02-01
            source = "https://example.org"
            [[lifetime]]
            provider = "h"
            models = "a/"
            lost_seconds = 90
            from = 2026-01-01
            checked = 2026-02-01
            source = "https://example.org"
        "#;
        let read = Lifetimes::read(text).expect("valid");
        let lost = |model, time| read.of("h", model, at(time)).and_then(|row| row.lost_seconds);
        assert_eq!(lost("b/x", "2026-01-31T23:00:00Z"), Some(60));
        assert_eq!(lost("b/x", "2026-02-01T00:00:00Z"), None);
        assert_eq!(lost("a/x", "2026-01-15T00:00:00Z"), Some(90));
        assert!(Lifetimes::read("[[lifetime]]\nhost = 1").is_err());
    }
}
