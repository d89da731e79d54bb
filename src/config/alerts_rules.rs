//! Rules of alerts: which changes are worth a notice, and who receives it.

use super::ConfigError;
use crate::domain::change::ChangeKind;
use crate::domain::limits::Limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How important the notices of a rule are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Importance {
    /// Good to know.
    Info,
    /// Something got worse.
    Warning,
    /// Delivered at once, also in quiet hours.
    Critical,
}

/// A rule. It watches all models, providers and endpoints unless it names some, and needs at least one condition. Each
/// condition that is met makes a notice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in notices, logs and its state: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Names of receivers; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<String>,
    /// How important its notices are; by default a warning, and information for what is not about something worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Importance>,
    /// Ids of models, or patterns such as `deepseek/*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Base slugs of providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// Tags of endpoints, patterns of tags, or `model@tag`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
    /// Report every change of these kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<ChangeKind>,
    /// For `kinds`: least size of a change, percent, or points of a hit rate or uptime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_percent: Option<f64>,
    /// Report a lasting shift of a hit rate by at least this many points down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit_rate_drop: Option<f64>,
    /// Report a session that costs at least this many percent more than at the start or at the last notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_cost_rise: Option<f64>,
    /// The workload of `session_cost_rise`; `coding-agent` by default.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workload: String,
    /// Report a list price that rises by at least this many percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_rise: Option<f64>,
    /// Report a lasting shift of an uptime by at least this many points down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_drop: Option<f64>,
    /// Report an outage once it has lasted this many minutes, and its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_minutes: Option<u32>,
    /// Report that the preference of one of the `models` changed.
    #[serde(default)]
    pub preference_changes: bool,
    /// The mode of the preference: avoid, shortlist, pin or order; the default mode if omitted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// Report that your own hit rate of a model at a provider fell by at least this many points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_hit_rate_drop: Option<f64>,
    /// Report that the data are stale or that a run is suspect, and the end of both.
    #[serde(default)]
    pub collection_trouble: bool,
    /// The limits of the preference.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
}

/// The workload of a rule that names none.
pub const DEFAULT_WORKLOAD: &str = "coding-agent";
/// The modes of preferences.
const MODES: [&str; 5] = ["", "avoid", "shortlist", "pin", "order"];

impl Rule {
    /// The workload of its session costs.
    pub fn workload(&self) -> &str {
        if self.workload.is_empty() { DEFAULT_WORKLOAD } else { &self.workload }
    }

    /// Whether it requires nothing, so that it would never report anything.
    fn is_empty(&self) -> bool {
        self.kinds.is_empty()
            && self.hit_rate_drop.is_none()
            && self.session_cost_rise.is_none()
            && self.price_rise.is_none()
            && self.uptime_drop.is_none()
            && self.outage_minutes.is_none()
            && !self.preference_changes
            && self.own_hit_rate_drop.is_none()
            && !self.collection_trouble
    }

    /// What is wrong with it.
    fn problem(&self, receivers: &[&str]) -> Option<String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(is_name) {
            return Some("expected a `name` of up to 64 letters, digits, `-`, `_` and `.`".to_owned());
        }
        if self.is_empty() {
            return Some(
                "it has no condition; set at least one of `kinds`, `hit_rate_drop`, `session_cost_rise`, `price_rise`, \
                 `uptime_drop`, `outage_minutes`, `preference_changes`, `own_hit_rate_drop` and `collection_trouble`"
                    .to_owned(),
            );
        }
        let shares = [
            ("hit_rate_drop", self.hit_rate_drop),
            ("uptime_drop", self.uptime_drop),
            ("own_hit_rate_drop", self.own_hit_rate_drop),
        ];
        for (key, value) in shares {
            if value.is_some_and(|points| !(points > 0.0 && points <= 100.0)) {
                return Some(format!("expected `{key}` in points, more than 0 and at most 100"));
            }
        }
        let rises = [
            ("session_cost_rise", self.session_cost_rise),
            ("price_rise", self.price_rise),
            ("min_percent", self.min_percent),
        ];
        for (key, value) in rises {
            if value.is_some_and(|percent| !(percent > 0.0 && percent.is_finite())) {
                return Some(format!("expected `{key}` in percent, more than 0"));
            }
        }
        if self.min_percent.is_some() && self.kinds.is_empty() {
            return Some("`min_percent` applies to `kinds`, which is empty".to_owned());
        }
        if !self.workload.is_empty() && self.session_cost_rise.is_none() {
            return Some("`workload` applies to `session_cost_rise`, which is not set".to_owned());
        }
        if self.preference_changes && self.models.is_empty() {
            return Some("`preference_changes` needs `models`; `[\"*\"]` means all".to_owned());
        }
        if !self.preference_changes && (!self.mode.is_empty() || !self.limits.is_empty()) {
            return Some("`mode` and `limits` apply to `preference_changes`, which is not set".to_owned());
        }
        if !MODES.contains(&self.mode.as_str()) {
            return Some("expected `mode` to be avoid, shortlist, pin or order".to_owned());
        }
        if let Err(wrong) = self.limits.clone().checked() {
            return Some(format!("`limits`: {wrong}"));
        }
        let lists =
            [("models", &self.models), ("providers", &self.providers), ("endpoints", &self.endpoints)];
        for (key, names) in lists {
            if names.iter().any(|name| name.trim().is_empty()) {
                return Some(format!("`{key}` has an empty name"));
            }
        }
        let unknown = self.receivers.iter().find(|name| !receivers.contains(&name.as_str()))?;
        let known = if receivers.is_empty() { "none is set".to_owned() } else { receivers.join(", ") };
        Some(format!(
            "`receivers` names `{}`, which is not a receiver (known: {known})",
            unknown.escape_debug()
        ))
    }
}

/// Checks the rules against each other and against the names of the receivers.
///
/// # Errors
/// [`ConfigError::Value`] with the rule and the key.
pub(super) fn check(rules: &[Rule], receivers: &[&str]) -> Result<(), ConfigError> {
    let wrong = |detail: String| Err(ConfigError::Value { key: "alerts.rules", detail });
    let mut names = BTreeSet::new();
    for rule in rules {
        let name = rule.name.escape_debug();
        if let Some(problem) = rule.problem(receivers) {
            return wrong(format!("rule `{name}`: {problem}"));
        }
        if !names.insert(&rule.name) {
            return wrong(format!("two rules have the name `{name}`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<Rule, String> {
        toml::from_str(&format!("name = \"one\"\n{text}")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_is_printed_as_it_was_read() {
        let read = rule(
            "preference_changes = true\nmodels = [\"a/b\"]\nlimits = { context = 1000 }\nhit_rate_drop = 5",
        );
        let read = read.expect("valid");
        let printed = toml::to_string(&read).expect("printable");
        assert_eq!(toml::from_str::<Rule>(&printed).expect("the same"), read, "{printed}");
    }

    #[test]
    fn each_condition_is_enough_and_none_is_refused() {
        for right in [
            "hit_rate_drop = 10.0",
            "session_cost_rise = 20.0\nworkload = \"rag\"\nmodels = [\"deepseek/*\"]",
            "kinds = [\"tier_changed\", \"deprecation\"]",
            "preference_changes = true\nmodels = [\"a/b\"]\nmode = \"pin\"\nlimits = { no_training = true }",
            "outage_minutes = 30\nreceivers = [\"ops\"]\nseverity = \"critical\"",
            "collection_trouble = true",
        ] {
            let rule = rule(right).expect(right);
            assert!(check(&[rule], &["ops"]).is_ok(), "{right}");
        }
        for (wrong, word) in [
            ("models = [\"a/b\"]", "no condition"),
            ("hit_rate_drop = 0.0", "hit_rate_drop"),
            ("hit_rate_drop = 120.0", "at most 100"),
            ("session_cost_rise = nan", "session_cost_rise"),
            ("price_rise = 5.0\nworkload = \"rag\"", "workload"),
            ("price_rise = 5.0\nmin_percent = 5.0", "min_percent"),
            ("preference_changes = true", "models"),
            ("price_rise = 5.0\nmode = \"pin\"", "preference_changes"),
            ("preference_changes = true\nmodels = [\"a/b\"]\nmode = \"best\"", "mode"),
            ("price_rise = 5.0\nreceivers = [\"opps\"]", "known: ops"),
            ("price_rise = 5.0\nmodels = [\"\"]", "empty name"),
        ] {
            let error = check(&[rule(wrong).expect(wrong)], &["ops"]).expect_err(wrong).to_string();
            assert!(error.contains(word) && error.contains("`one`"), "{wrong}: {error}");
        }
        assert!(rule("kinds = [\"price\"]").expect_err("unknown").contains("kinds"));
        assert!(rule("price = 5.0").expect_err("unknown key").contains("price"));
        let two = [rule("price_rise = 5.0").expect("valid"), rule("price_rise = 6.0").expect("valid")];
        assert!(check(&two, &[]).expect_err("twice").to_string().contains("two rules"));
    }
}
