//! The answer of a tool: data of the API, shortened, with what was left off.

use super::address::Address;
use rmcp::model::{CallToolResult, JsonObject};
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};

/// What a tool answers.
pub(super) struct Reply {
    /// The answer in one or two sentences.
    summary: String,
    /// The data of the API, shortened.
    data: Value,
    /// How many entries of which list are not in the data.
    left_off: Map<String, Value>,
    /// The snapshot that the data come from.
    meta: Map<String, Value>,
    /// The path and query of the API that returns all of the data.
    api: String,
}

impl Reply {
    pub fn new(summary: String, data: Value, meta: Map<String, Value>, api: &Address) -> Self {
        Self { summary, data, left_off: Map::new(), meta, api: api.to_string() }
    }

    /// States that entries of a list were left off, if there are any.
    pub fn left_off(mut self, what: &str, count: usize) -> Self {
        if count > 0 {
            self.left_off.insert(what.to_owned(), count.into());
        }
        self
    }

    /// The answer in the form of the protocol: structured, and the same as text for clients that read only text.
    pub fn into_result(self) -> CallToolResult {
        let Self { summary, data, left_off, meta, api } = self;
        CallToolResult::structured(
            json!({ "summary": summary, "data": data, "left_off": left_off, "meta": meta, "api": api }),
        )
    }
}

/// The schema of every answer. The schema of `data` is in the description of the API.
pub(super) fn output_schema() -> Arc<JsonObject> {
    static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(|| {
        let schema = json!({
            "type": "object",
            "properties": {
                "summary": { "type": "string", "description": "The answer in one or two sentences." },
                "data": { "type": ["object", "array"], "description": "The data of the API, shortened." },
                "left_off": {
                    "type": "object",
                    "additionalProperties": { "type": "integer" },
                    "description": "Number of entries that are not in the data, by list.",
                },
                "meta": { "type": "object", "description": "The snapshot that the data come from." },
                "api": { "type": "string", "description": "Path of the API that returns all of the data." },
            },
            "required": ["summary", "data", "left_off", "meta", "api"],
        });
        Arc::new(match schema {
            Value::Object(schema) => schema,
            _ => JsonObject::new(),
        })
    });
    SCHEMA.clone()
}

/// Some fields of an object; those that it does not have stay absent.
pub(super) fn picked(object: &Value, fields: &[&str]) -> Map<String, Value> {
    let of = |field: &&str| Some(((*field).to_owned(), object.get(*field)?.clone()));
    fields.iter().filter_map(of).collect()
}

/// The list in a field of an object; empty if there is none.
pub(super) fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The text in a field of an object; empty if there is none.
pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The texts in a field of each object, separated by commas.
pub(super) fn named(objects: &[Value], field: &str) -> String {
    objects.iter().map(|object| text(object, field)).collect::<Vec<_>>().join(", ")
}
