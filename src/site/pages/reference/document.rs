//! The OpenAPI document as the reference shows it. Missing information is omitted, never guessed.

use super::samples::Sample;
use crate::site::parts::format;
use serde_json::Value;
use std::collections::BTreeMap;

/// Routes under one tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The tag.
    pub name: String,
    /// Its routes, sorted by path.
    pub routes: Vec<Route>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Its id on the page.
    pub id: String,
    /// The path, with its variable parts in braces.
    pub path: String,
    /// What it returns, in one line; HTML.
    pub summary: String,
    /// Further description; HTML.
    pub about: String,
    pub deprecated: bool,
    pub parameters: Vec<Field>,
    /// Requests for it, and an answer.
    pub sample: Sample,
    /// The type of `data`, as the page names types.
    pub data: String,
    /// Fields of `data`, or of its entries.
    pub fields: Vec<Field>,
    /// Statuses with what they mean, as HTML.
    pub answers: Vec<(String, String)>,
}

/// A field or a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    /// Its type as text.
    pub kind: String,
    /// What it means; HTML.
    pub about: String,
    /// A note on its presence: `required`, `in the path`.
    pub note: String,
}

/// A type with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub name: String,
    /// What it is; HTML.
    pub about: String,
    /// Its values, if it is an enumeration.
    pub values: Vec<String>,
    pub fields: Vec<Field>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A description as HTML.
fn prose(value: &Value) -> String {
    format::code_as_html(value.as_str().unwrap_or_default())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The schema that a reference points to, or the schema itself.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|target| document.pointer(target)).unwrap_or(schema)
}

/// A type as text: `number or null`, `list of Endpoint`.
fn kind(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        return target.rsplit('/').next().unwrap_or(target).to_owned();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" · ");
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[word].as_array() {
            let parts: Vec<String> = parts.iter().map(kind).collect();
            return parts.join(if word == "allOf" { " with " } else { " or " });
        }
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        several => list(several).filter_map(Value::as_str).collect(),
    };
    let of = |name: &&str| match *name {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map to {}", kind(&schema["additionalProperties"]))
        }
        "string" => match schema["format"].as_str() {
            Some("date-time") => "time".to_owned(),
            Some("date") => "day".to_owned(),
            Some(format) => format.to_owned(),
            None => "string".to_owned(),
        },
        name => name.to_owned(),
    };
    let all: Vec<String> = names.iter().map(of).collect();
    if all.is_empty() { "anything".to_owned() } else { all.join(" or ") }
}

/// A parameter's type with its bounds and default.
fn takes(schema: &Value) -> String {
    let mut given = schema.clone();
    if let Some(types) = given.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|one| one != "null");
    }
    let mut words = kind(&given);
    let bound = |name: &str| Some(&schema[name]).filter(|bound| !bound.is_null());
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => words += &format!(", {low} to {high}"),
        (Some(low), None) => words += &format!(", {low} or more"),
        (None, Some(high)) => words += &format!(", up to {high}"),
        (None, None) => {}
    }
    if let Some(default) = bound("default") {
        words += &format!(", default {default}");
    }
    words
}

/// The fields of an object, including those of its parts.
fn fields(document: &Value, schema: &Value) -> Vec<Field> {
    let schema = resolved(document, schema);
    if schema["items"].is_object() {
        return fields(document, &schema["items"]);
    }
    let mut found: Vec<Field> = list(&schema["allOf"]).flat_map(|part| fields(document, part)).collect();
    found.extend(alternatives(document, schema));
    let required: Vec<&str> = list(&schema["required"]).filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let referred = list(&field["oneOf"]).find(|part| part["$ref"].is_string()).unwrap_or(field);
        let about = [field, referred, resolved(document, referred)];
        let about =
            about.into_iter().map(|schema| prose(&schema["description"])).find(|about| !about.is_empty());
        found.push(Field {
            name: name.clone(),
            kind: kind(field),
            about: about.unwrap_or_default(),
            note: if required.contains(&name.as_str()) { String::new() } else { "may be absent".to_owned() },
        });
    }
    found
}

/// The fields of an object that is one of several kinds: each once; fields that only some kinds have are marked.
fn alternatives(document: &Value, schema: &Value) -> Vec<Field> {
    let kinds: Vec<Vec<Field>> = list(&schema["oneOf"]).map(|kind| fields(document, kind)).collect();
    let mut found: Vec<Field> = Vec::new();
    for field in kinds.iter().flatten() {
        let Some(known) = found.iter_mut().find(|known| known.name == field.name) else {
            let everywhere = kinds.iter().all(|kind| kind.iter().any(|other| other.name == field.name));
            let note = if everywhere { field.note.clone() } else { "may be absent".to_owned() };
            found.push(Field { note, ..field.clone() });
            continue;
        };
        if known.kind != field.kind && !known.kind.split(" · ").any(|value| value == field.kind) {
            known.kind = format!("{} · {}", known.kind, field.kind);
        }
    }
    found
}

/// Routes grouped by tag, with tags and paths in order; `samples` has the sample of each path.
pub fn groups(document: &Value, mut samples: BTreeMap<String, Sample>) -> Vec<Section> {
    let mut groups: Vec<Section> = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let operation = &item["get"];
        let tag = list(&operation["tags"]).next().map(text).unwrap_or_default();
        let Some(sample) = samples.remove(path) else { continue };
        let route = route(document, path, operation, sample);
        match groups.iter_mut().find(|group| group.name == tag) {
            Some(group) => group.routes.push(route),
            None => groups.push(Section { name: tag, routes: vec![route] }),
        }
    }
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    groups
}

fn route(document: &Value, path: &str, operation: &Value, sample: Sample) -> Route {
    let parameter = |one: &Value| Field {
        name: text(&one["name"]),
        kind: takes(&one["schema"]),
        about: prose(&one["description"]),
        note: match (one["in"].as_str(), &one["required"]) {
            (Some("path"), _) => "in the path".to_owned(),
            (_, Value::Bool(true)) => "required".to_owned(),
            _ => String::new(),
        },
    };
    let body = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    let data = &resolved(document, body)["properties"]["data"];
    let answers = operation["responses"].as_object().into_iter().flatten();
    Route {
        id: format!("r-{}", text(&operation["operationId"])),
        path: path.to_owned(),
        summary: prose(&operation["summary"]),
        about: prose(&operation["description"]),
        deprecated: operation["deprecated"] == true,
        parameters: list(&operation["parameters"]).map(parameter).collect(),
        sample,
        data: if data.is_null() { String::new() } else { data_kind(data) },
        fields: fields(document, data),
        answers: answers.map(|(status, answer)| (status.clone(), prose(&answer["description"]))).collect(),
    }
}

/// The type of a response's data; an unnamed type is shown as `object` or `list`, with its fields listed below.
fn data_kind(data: &Value) -> String {
    let is_unnamed = |schema: &Value| schema["properties"].is_object() || schema["allOf"].is_array();
    match data {
        data if is_unnamed(&data["items"]) => "list".to_owned(),
        data if is_unnamed(data) => "object".to_owned(),
        data => kind(data),
    }
}

/// The named types that responses refer to; envelopes are described once, in prose.
pub fn types(document: &Value) -> Vec<Named> {
    let all = document["components"]["schemas"].as_object().into_iter().flatten();
    let own = all.filter(|(name, _)| !name.starts_with("Envelope_"));
    own.map(|(name, schema)| Named {
        name: name.clone(),
        about: prose(&schema["description"]),
        values: list(&schema["enum"]).filter_map(Value::as_str).map(str::to_owned).collect(),
        fields: fields(document, schema),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_are_told_in_words() {
        for (schema, words) in [
            (json!({"type": ["number", "null"], "format": "double"}), "number or null"),
            (
                json!({"type": "array", "items": {"$ref": "#/components/schemas/Endpoint"}}),
                "list of Endpoint",
            ),
            (json!({"oneOf": [{"$ref": "#/components/schemas/Tier"}, {"type": "null"}]}), "Tier or null"),
            (json!({"type": "object", "additionalProperties": {"type": "string"}}), "map to string"),
            (json!({"type": ["string", "null"], "format": "date-time"}), "time or null"),
            (json!({}), "anything"),
        ] {
            assert_eq!(kind(&schema), words);
        }
        let limit = json!({"type": ["integer", "null"], "minimum": 1, "maximum": 500, "default": 100});
        assert_eq!(takes(&limit), "integer, 1 to 500, default 100");
    }

    #[test]
    fn what_is_one_of_several_kinds_shows_the_fields_of_all() {
        let document = json!({});
        let kind = |name: &str, own: &str| {
            json!({
                "type": "object", "required": ["name", own],
                "properties": {"name": {"type": "string", "enum": [name]}, own: {"type": "number"}},
            })
        };
        let schema = json!({"oneOf": [kind("one", "hours"), kind("two", "dollars")]});
        let found: Vec<(String, String, String)> =
            fields(&document, &schema).into_iter().map(|f| (f.name, f.kind, f.note)).collect();
        let row = |name: &str, kind: &str, note: &str| (name.to_owned(), kind.to_owned(), note.to_owned());
        assert_eq!(found.len(), 3);
        for wanted in [
            row("name", "one · two", ""),
            row("hours", "number", "may be absent"),
            row("dollars", "number", "may be absent"),
        ] {
            assert!(found.contains(&wanted), "{found:?}");
        }
    }

    #[test]
    fn descriptions_are_escaped_and_code_is_marked() {
        assert_eq!(prose(&json!("`a<b>` & c")), "<code>a&lt;b&gt;</code> &amp; c");
        assert_eq!(prose(&json!("one ` alone")), "one ` alone");
    }
}
