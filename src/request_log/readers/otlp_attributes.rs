//! The attributes of a span or log record, borrowed from the entry.

use super::super::entry::{self, BadCount, Object};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// How deep nested attributes are flattened.
const DEEPEST: usize = 8;

/// Attributes by their dotted names.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a>(HashMap<Cow<'a, str>, &'a Value>);

impl<'a> Attributes<'a> {
    /// The attributes of OTLP (a list of keys and values), of an SDK (pairs, or a map), or of Jaeger (tags).
    pub(super) fn new(value: Option<&'a Value>) -> Self {
        let mut attributes = Self::default();
        match value {
            Some(Value::Array(list)) => {
                for item in list {
                    let pair = match item {
                        Value::Object(item) => item.get("key").zip(item.get("value")),
                        Value::Array(item) => item.first().zip(item.get(1)),
                        _ => None,
                    };
                    if let Some((Value::String(key), value)) = pair {
                        attributes.0.insert(Cow::Borrowed(key), plain(value));
                    }
                }
            }
            Some(Value::Object(object)) => attributes.flatten(None, object, 0),
            _ => {}
        }
        attributes
    }

    /// Adds an attribute.
    pub(super) fn insert(&mut self, name: &'a str, value: &'a Value) {
        self.0.insert(Cow::Borrowed(name), plain(value));
    }

    /// Adds nested objects under dotted names: `{"llm": {"token_count": …}}` is `llm.token_count`.
    fn flatten(&mut self, prefix: Option<&str>, object: &'a Object, depth: usize) {
        for (key, value) in object {
            let name =
                prefix.map_or(Cow::Borrowed(key.as_str()), |prefix| Cow::Owned(format!("{prefix}.{key}")));
            match plain(value) {
                Value::Object(inner) if depth < DEEPEST => self.flatten(Some(&name), inner, depth + 1),
                value => {
                    self.0.insert(name, value);
                }
            }
        }
    }

    /// The value of an attribute; null is absent.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).copied().filter(|value| !value.is_null())
    }

    /// The first attribute that is present.
    pub(super) fn first(&self, names: &[&str]) -> Option<&'a Value> {
        names.iter().find_map(|name| self.get(name))
    }

    /// The first text that is present.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| entry::text(self.get(name)))
    }

    /// A text as it is, to be parsed; it may hold more than a name.
    pub(super) fn text_whole(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str()
    }

    /// The first number that is present.
    pub(super) fn number(&self, names: &[&str]) -> Option<f64> {
        names.iter().find_map(|name| entry::number(self.get(name)))
    }

    /// The first token count that is present.
    ///
    /// # Errors
    /// [`BadCount`].
    pub(super) fn count(&self, names: &[&str]) -> Result<Option<u64>, BadCount> {
        entry::count(self.first(names))
    }

    /// Whether any name begins with one of several prefixes.
    pub(super) fn any(&self, prefixes: &[&str]) -> bool {
        self.0.keys().any(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
    }
}

/// The value inside OTLP's `{"stringValue": …}`, or the value itself.
pub(super) fn plain(value: &Value) -> &Value {
    const KINDS: [&str; 12] = [
        "stringValue",
        "intValue",
        "doubleValue",
        "boolValue",
        "arrayValue",
        "kvlistValue",
        "string_value",
        "int_value",
        "double_value",
        "bool_value",
        "array_value",
        "kvlist_value",
    ];
    let Some(object) = value.as_object() else { return value };
    if object.is_empty() {
        return &Value::Null;
    }
    KINDS.iter().find_map(|kind| object.get(*kind)).filter(|_| object.len() == 1).unwrap_or(value)
}

/// The first text of a list: an array, OTLP's `{"values": […]}`, a list as JSON in a string, or a text by itself.
pub(super) fn first_text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Array(list) => list.iter().find_map(|item| entry::text(Some(plain(item)))),
        Value::Object(object) => first_text(object.get("values")),
        Value::String(text) if text.starts_with('[') => {
            let list: Vec<Value> = serde_json::from_str(text).ok()?;
            list.iter().find_map(|item| entry::text(Some(item)))
        }
        value => entry::text(Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_has_a_first_text_in_every_form() {
        let otlp = json!({"values": [{"stringValue": "stop"}]});
        for value in [otlp, json!(["stop", "x"]), json!("[\"stop\"]"), json!("stop")] {
            assert_eq!(first_text(Some(&value)).as_deref(), Some("stop"));
        }
        assert_eq!(first_text(Some(&json!("[broken"))), None);
    }

    #[test]
    fn nested_and_listed_attributes_have_dotted_names() {
        let nested = json!({"llm": {"token_count": {"prompt": "9"}}, "x": null});
        let attributes = Attributes::new(Some(&nested));
        assert_eq!(attributes.count(&["llm.token_count.prompt"]), Ok(Some(9)));
        assert!(attributes.get("x").is_none() && attributes.any(&["llm."]) && !attributes.any(&["gen_ai."]));
        let pairs = json!([["service.name", "s"], ["bad"], 1]);
        assert_eq!(Attributes::new(Some(&pairs)).text(&["a", "service.name"]).as_deref(), Some("s"));
        let damaged = json!([{"key": "n", "value": {"intValue": "-4"}}]);
        assert_eq!(Attributes::new(Some(&damaged)).count(&["n"]), Err(BadCount));
    }
}
