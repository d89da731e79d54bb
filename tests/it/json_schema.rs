//! As much of JSON Schema as the API's own document and the router's schema use.

use serde_json::Value;

/// What of `value` contradicts `schema`, each with its path; `root` is where `$ref` points into.
pub fn violations(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(root, schema, value, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(target) = schema["$ref"].as_str() {
        let pointer = target.trim_start_matches('#');
        match root.pointer(pointer) {
            Some(target) => check(root, target, value, path, found),
            None => found.push(format!("{path}: {target} points nowhere")),
        }
    }
    check_type(schema, value, path, found);
    check_alternatives(root, schema, value, path, found);
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        found.push(format!("{path}: {value} is none of {allowed:?}"));
    }
    match value {
        Value::Object(_) => check_object(root, schema, value, path, found),
        Value::Array(entries) if schema["items"].is_object() => {
            for (index, entry) in entries.iter().enumerate() {
                check(root, &schema["items"], entry, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn check_type(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let wanted: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let is = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{path}: unknown type {other}"),
    };
    if !wanted.iter().any(is) {
        found.push(format!("{path}: {value} is none of {wanted:?}"));
    }
}

fn check_alternatives(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(root, part, value, path, found);
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(parts) = schema[word].as_array()
            && !parts.iter().any(|part| violations(root, part, value).is_empty())
        {
            found.push(format!("{path}: {value} fits nothing of {word}"));
        }
    }
}

fn check_object(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{path}: {name} is missing"));
        }
    }
    for (name, entry) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{path}: not a known field")),
            (Value::Null, Value::Object(_)) => {
                check(root, &schema["additionalProperties"], entry, &path, found);
            }
            (Value::Null, _) => {}
            (known, _) => check(root, known, entry, &path, found),
        }
    }
}
