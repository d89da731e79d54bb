//! What the records of OpenRouter have in common: money with a key of the client's own, the upstream's answers, ids.

use super::super::call::{Call, IdKind, InputRule, Name, OutputRule, PaidKind, Rule};
use super::super::entry::{self, Object};
use super::outcome;
use serde_json::Value;

/// The platform of all calls of OpenRouter.
pub(super) const PLATFORM: &str = "openrouter";
/// The rule of all records of OpenRouter that use its own names or OpenAI's.
pub(super) const RULE: Rule =
    Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning };
/// Reason why a record is unread.
pub(super) const BAD_COUNT: &str = "a token count is not a whole number from 0";

/// What the client paid: OpenRouter's charge, plus what the provider charged the client's own key if that is positive.
/// With a key of the client's own and no charge of the provider, OpenRouter's charge is a fee alone.
pub(super) fn paid(charge: Option<f64>, byok: Option<f64>, is_byok: Option<bool>) -> (Option<f64>, PaidKind) {
    match (charge, byok.filter(|cost| *cost > 0.0)) {
        (charge, Some(upstream)) => (Some(charge.unwrap_or(0.0) + upstream), PaidKind::BilledPlusByok),
        (Some(charge), None) if is_byok == Some(true) => (Some(charge), PaidKind::FeeOnly),
        (Some(charge), None) => (Some(charge), PaidKind::Billed),
        (None, None) => (None, PaidKind::Unknown),
    }
}

/// The answers of the providers that OpenRouter tried, in order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Attempts {
    /// Number of attempts.
    pub(super) count: u32,
    /// Endpoint of the last one.
    pub(super) endpoint_id: Option<Name>,
    /// Provider of the last one.
    pub(super) provider_name: Option<Name>,
    /// Model of the last one, with its date.
    pub(super) model: Option<Name>,
    /// HTTP status of the last one.
    pub(super) http: Option<u16>,
    /// Whether the last one used a key of the client's own.
    pub(super) is_byok: Option<bool>,
}

/// Reads `provider_responses`: an array, or an array as JSON in a string. `None` if it is absent or empty.
pub(super) fn attempts(value: Option<&Value>) -> Option<Attempts> {
    let parsed;
    let list = match value? {
        Value::Array(list) => list,
        Value::String(text) => {
            parsed = serde_json::from_str::<Vec<Value>>(text).ok()?;
            &parsed
        }
        _ => return None,
    };
    let answers: Vec<&Object> = list.iter().filter_map(Value::as_object).collect();
    let answered = |answer: &&&Object| outcome::http(answer.get("status")).is_some_and(|code| code < 400);
    let last = answers.iter().rfind(answered).or(answers.last())?;
    Some(Attempts {
        count: u32::try_from(answers.len()).unwrap_or(u32::MAX),
        endpoint_id: entry::name(last.get("endpoint_id")),
        provider_name: entry::name(last.get("provider_name")),
        model: entry::name(last.get("model_permaslug")),
        http: outcome::http(last.get("status")),
        is_byok: entry::flag(last.get("is_byok")),
    })
}

impl Attempts {
    /// Adds what the attempts state to a call that does not state it itself.
    pub(super) fn complete(self, call: &mut Call) {
        call.attempts = call.attempts.or(Some(self.count));
        call.endpoint_id = call.endpoint_id.take().or(self.endpoint_id);
        call.provider_name = call.provider_name.take().or(self.provider_name);
        call.model_served = call.model_served.take().or(self.model);
        call.is_byok = call.is_byok.or(self.is_byok);
    }
}

/// The kind of an id: a generation of OpenRouter begins with `gen-`; any other id is the response's.
pub(super) fn id_kind(id: &str) -> IdKind {
    if id.starts_with("gen-") { IdKind::Generation } else { IdKind::Response }
}

/// An id as a call keeps it.
pub(super) fn id(text: Option<String>) -> Option<Box<str>> {
    text.map(String::into_boxed_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_of_the_client_adds_what_the_provider_charged() {
        assert_eq!(paid(Some(0.5), Some(0.0), Some(false)), (Some(0.5), PaidKind::Billed));
        assert_eq!(paid(Some(0.5), Some(2.0), None), (Some(2.5), PaidKind::BilledPlusByok));
        assert_eq!(paid(None, Some(2.0), None), (Some(2.0), PaidKind::BilledPlusByok));
        assert_eq!(paid(Some(0.1), None, Some(true)), (Some(0.1), PaidKind::FeeOnly));
        assert_eq!(paid(None, None, None), (None, PaidKind::Unknown));
    }

    #[test]
    fn the_last_attempt_that_answered_served_the_call() {
        let list = json!([
            {"endpoint_id": "e-1", "provider_name": "One", "status": 503},
            {"endpoint_id": "e-2", "provider_name": "Two", "status": 200, "is_byok": true},
        ]);
        let found = attempts(Some(&list)).expect("attempts");
        assert_eq!((found.count, found.endpoint_id.as_deref(), found.http), (2, Some("e-2"), Some(200)));
        assert_eq!(attempts(Some(&json!(list.to_string()))), Some(found));
        assert_eq!(attempts(Some(&json!("no JSON"))), None);
        assert_eq!(attempts(Some(&json!([1, "x"]))), None);
        assert_eq!(attempts(Some(&json!([]))), None);
    }
}
