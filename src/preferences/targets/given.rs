//! The input of a target: the `provider` object field by field, and the endpoints that it admits.

use super::super::Preference;
use super::super::kept::{beyond_router, missed};
use super::super::matching::matches;
use crate::snapshot::{Endpoint, ModelEntry};
use serde_json::{Map, Value};

/// An existing preference with its model.
pub(super) struct Given<'a> {
    pub preference: &'a Preference,
    pub model: &'a ModelEntry,
    /// OpenRouter's `provider` object.
    pub provider: Map<String, Value>,
    /// Whether there is no preference, so that the object contains only the limits, which still apply.
    pub limits_only: bool,
}

impl<'a> Given<'a> {
    /// # Errors
    /// The reason why there is nothing to write, in one sentence.
    pub fn new(preference: &'a Preference, model: &'a ModelEntry) -> Result<Self, String> {
        let limits_only = preference.provider.is_none();
        let provider = preference.provider.as_ref().or(preference.router_limits.as_ref());
        if let Some(unmet) = preference.unmet(model) {
            return Err(unmet);
        }
        let provider = provider.ok_or_else(|| reason(preference))?;
        if limits_only {
            let beyond = beyond_router(&preference.limits, &model.endpoints, preference.longest_prompt);
            if !beyond.is_empty() {
                let beyond: Vec<String> = beyond.iter().map(|limit| format!("`{limit}`")).collect();
                return Err(part_of_the_limits(preference, &beyond));
            }
        }
        match serde_json::to_value(provider) {
            Ok(Value::Object(provider)) => Ok(Self { preference, model, provider, limits_only }),
            Ok(other) => Err(format!("the preference is not an object: {other}")),
            Err(error) => Err(format!("the preference cannot be written as JSON: {error}")),
        }
    }

    /// For targets that must name endpoints: without a preference no endpoint is named, whatever the limits admit.
    ///
    /// # Errors
    /// Why there is no preference.
    pub fn named(&self) -> Result<(), String> {
        if self.limits_only { Err(reason(self.preference)) } else { Ok(()) }
    }

    /// For targets that lack fields: without a preference, nothing is written if a field of the limits would be lost.
    ///
    /// # Errors
    /// Which limits the target cannot express.
    pub fn expressible(&self, taken: &[&str]) -> Result<(), String> {
        let is_lost = |(field, value): &(&String, &Value)| {
            !taken.contains(&field.as_str()) && !is_default(field, value)
        };
        let lost = self.provider.iter().filter(is_lost);
        let lost: Vec<String> = lost.map(|(field, value)| format!("`{field}` = `{value}`")).collect();
        if !self.limits_only || lost.is_empty() {
            return Ok(());
        }
        Err(part_of_the_limits(self.preference, &lost))
    }

    /// Public name of the model.
    pub fn model_id(&self) -> &str {
        &self.model.model_id
    }

    /// The unchanged object.
    pub fn object(&self) -> Value {
        Value::Object(self.provider.clone())
    }

    /// The names under `only`, `ignore` or `order`; `None` if the field is not set.
    pub fn names(&self, field: &str) -> Option<Vec<&str>> {
        let names = self.provider.get(field)?.as_array()?;
        Some(names.iter().filter_map(Value::as_str).collect())
    }

    /// The fields that a target supports, and a note for each one that it does not.
    pub fn fit(&self, taken: &[&str]) -> (Map<String, Value>, Vec<String>) {
        let (mut fits, mut notes) = (Map::new(), Vec::new());
        for (field, value) in &self.provider {
            if taken.contains(&field.as_str()) {
                fits.insert(field.clone(), value.clone());
            } else if !is_default(field, value) {
                notes.push(unsaid(field, value));
            }
        }
        (fits, notes)
    }

    /// Whether a tag matches no endpoint that `ignore` excludes.
    pub fn is_alone(&self, tag: &str) -> bool {
        let ignore = self.names("ignore").unwrap_or_default();
        let is_excluded = |endpoint: &Endpoint| ignore.iter().any(|name| matches(name, endpoint));
        !self.model.endpoints.iter().any(|endpoint| matches(tag, endpoint) && is_excluded(endpoint))
    }

    /// The endpoints that the preference admits and that meet its limits, judged as for the preference itself: first
    /// those that it names, in its order, then the others in the model's order.
    pub fn admitted(&self) -> Vec<&'a Endpoint> {
        let of = |field| self.names(field);
        let (only, ignore) = (of("only"), of("ignore").unwrap_or_default());
        // A priority list without fallbacks is a list of admitted endpoints.
        let closed = self.provider.get("allow_fallbacks") == Some(&Value::Bool(false));
        let order = of("order").filter(|_| closed);
        let listed = |names: &Option<Vec<&str>>, endpoint: &Endpoint| {
            names.as_ref().is_none_or(|names| names.iter().any(|name| matches(name, endpoint)))
        };
        let mut admitted: Vec<&Endpoint> = (self.model.endpoints.iter())
            .filter(|endpoint| listed(&only, endpoint) && listed(&order, endpoint))
            .filter(|endpoint| !ignore.iter().any(|name| matches(name, endpoint)))
            .filter(|endpoint| is_within(self.preference, endpoint))
            .collect();
        let rank = |endpoint: &Endpoint| {
            let evidence = &self.preference.evidence;
            evidence.iter().position(|one| one.tag == endpoint.tag.as_str()).unwrap_or(usize::MAX)
        };
        admitted.sort_by_key(|endpoint| rank(endpoint));
        admitted
    }
}

/// Whether an endpoint meets the limits of a preference.
fn is_within(preference: &Preference, endpoint: &Endpoint) -> bool {
    missed(&preference.limits, endpoint, preference.longest_prompt).is_empty()
}

/// Why nothing is written although some of the limits could be: a text must keep all of them.
fn part_of_the_limits(preference: &Preference, lost: &[String]) -> String {
    format!(
        "without named endpoints this text would keep only a part of your limits, so it is not written: nothing enforces \
         {}. There is no preference, because {}",
        lost.join(", "),
        reason(preference)
    )
}

/// A note for programs with one setting for all models.
pub(super) fn one_for_all(program: &str, given: &Given) -> String {
    format!(
        "{program} applies this one section to every model, but it is valid only for `{}`: remove it when you change the \
         model",
        given.model_id()
    )
}

/// Why there is no preference.
pub(super) fn reason(preference: &Preference) -> String {
    preference.reason.clone().unwrap_or_else(|| "there is no preference for this model".to_owned())
}

/// Whether a field has its default value.
fn is_default(field: &str, value: &Value) -> bool {
    match field {
        "allow_fallbacks" => *value == Value::Bool(true),
        "require_parameters" | "zdr" | "enforce_distillable_text" => *value == Value::Bool(false),
        "data_collection" => value == "allow",
        _ => value.is_null(),
    }
}

/// A note on a field that a target cannot express.
fn unsaid(field: &str, value: &Value) -> String {
    let meaning = match field {
        "data_collection"
        | "zdr"
        | "quantizations"
        | "max_price"
        | "require_parameters"
        | "enforce_distillable_text" => {
            "the limit is not enforced; set it in a preset or in the account's settings"
        }
        "allow_fallbacks" => "another endpoint is tried if one fails",
        _ => "it has no effect",
    };
    format!("this target does not support `{field}` = `{value}`: {meaning}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_holds_anyway_is_not_mentioned() {
        for (field, value) in [
            ("allow_fallbacks", json!(true)),
            ("zdr", json!(false)),
            ("data_collection", json!("allow")),
            ("sort", Value::Null),
        ] {
            assert!(is_default(field, &value), "{field}");
        }
        assert!(!is_default("zdr", &json!(true)) && !is_default("order", &json!(["a"])));
    }
}
