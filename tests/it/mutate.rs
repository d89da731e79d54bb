//! One change of the upstream at a time: a field of all bodies of one kind is removed, rescaled, retyped, …

use hitrate::domain::document::{Pair, Request};
use hitrate::upstream::openrouter::DocumentKind;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// A document of a sweep.
#[derive(Debug, Clone)]
pub struct Body {
    /// The request.
    pub request: Request,
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Body {
    /// The answer to a request: 200 with this under `data`, or 404.
    pub fn of(kind: DocumentKind, pair: Option<Pair>, data: Option<&Value>) -> Self {
        let request = Request { kind: kind.into(), pair, path: format!("/{}", kind.as_str()) };
        match data {
            Some(data) => Self { request, status: 200, bytes: format!("{{\"data\":{data}}}").into_bytes() },
            None => Self { request, status: 404, bytes: Vec::new() },
        }
    }
}

/// A change of a field or of a whole document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    Removed,
    Null,
    Renamed,
    /// Multiplies the value.
    Times(f64),
    Zero,
    Negated,
    /// 1 - x of a fraction.
    Complement,
    /// A number as text.
    AsText,
    /// Replaces anything with an object.
    Retyped,
    /// Another text, or the other flag.
    Replaced,
    EmptyList,
    FirstOnly,
    /// Duplicates every entry of a list.
    Doubled,
    /// Of a whole document: status 404.
    NotFound,
    /// Of a whole document: these bytes.
    Bytes(&'static str),
}

/// The changes of fields; a change that does not apply to a value leaves it unchanged.
pub const FIELD_CHANGES: [Change; 18] = [
    Change::Removed,
    Change::Null,
    Change::Renamed,
    Change::Times(100.0),
    Change::Times(0.01),
    Change::Times(30.0),
    Change::Times(1e3),
    Change::Times(1e-3),
    Change::Times(1e6),
    Change::Zero,
    Change::Negated,
    Change::Complement,
    Change::AsText,
    Change::Retyped,
    Change::Replaced,
    Change::EmptyList,
    Change::FirstOnly,
    Change::Doubled,
];

/// The changes of whole documents.
pub const DOCUMENT_CHANGES: [Change; 6] = [
    Change::NotFound,
    Change::Bytes(""),
    Change::Bytes("null"),
    Change::Bytes("{\"data\":null}"),
    Change::Bytes("{\"data\":[]}"),
    Change::Bytes("{\"data\":{}}"),
];

/// Changes a field in a body; `None` if there is nothing to change. Paths are in the format of `wire_fields`.
pub fn field(bytes: &[u8], path: &str, change: Change) -> Option<Vec<u8>> {
    // No upstream would send the complement of a price or a count.
    if change == Change::Complement && !path.ends_with("Rate") {
        return None;
    }
    let mut body: Value = serde_json::from_slice(bytes).ok()?;
    let path = path.replace("[]", ".[]");
    let steps: Vec<&str> = path.split('.').collect();
    at(&mut body, &steps, change).then(|| body.to_string().into_bytes())
}

/// Changes a whole document.
pub fn document(body: &Body, change: Change) -> Option<Body> {
    let mut body = body.clone();
    match change {
        Change::NotFound => (body.status, body.bytes) = (404, Vec::new()),
        Change::Bytes(text) => (body.status, body.bytes) = (200, text.as_bytes().to_vec()),
        _ => return None,
    }
    Some(body)
}

/// Walks down to the field. Returns whether anything changed.
fn at(value: &mut Value, steps: &[&str], change: Change) -> bool {
    let Some((step, rest)) = steps.split_first() else { return alter(value, change) };
    let each = |entries: &mut dyn Iterator<Item = &mut Value>| {
        entries.fold(false, |changed, entry| at(entry, rest, change) | changed)
    };
    match (value, *step) {
        (Value::Array(list), "[]") => each(&mut list.iter_mut()),
        (Value::Object(fields), "*") => each(&mut fields.values_mut()),
        (Value::Object(fields), step) if rest.is_empty() => in_object(fields, step, change),
        (Value::Object(fields), step) => fields.get_mut(step).is_some_and(|inner| at(inner, rest, change)),
        _ => false,
    }
}

fn in_object(fields: &mut Map<String, Value>, name: &str, change: Change) -> bool {
    match change {
        Change::Removed => fields.remove(name).is_some(),
        Change::Renamed => match fields.remove(name) {
            Some(value) => fields.insert(format!("{name}_v2"), value).is_none(),
            None => false,
        },
        _ => fields.get_mut(name).is_some_and(|value| alter(value, change)),
    }
}

fn alter(value: &mut Value, change: Change) -> bool {
    let new = match (change, &*value) {
        (Change::Null, _) => Value::Null,
        (_, Value::Null) => return false,
        (Change::Times(factor), value) => match rescaled(value, factor) {
            Some(new) => new,
            None => return false,
        },
        (Change::Zero, Value::Number(_)) => json!(0),
        (Change::Zero, Value::String(text)) if text.parse::<Decimal>().is_ok() => json!("0"),
        (Change::Negated, value) => match rescaled(value, -1.0) {
            Some(new) => new,
            None => return false,
        },
        (Change::Complement, Value::Number(number)) => match number.as_f64() {
            Some(share) if (0.0..=1.0).contains(&share) => json!(1.0 - share),
            _ => return false,
        },
        (Change::AsText, Value::Number(number)) => json!(number.to_string()),
        (Change::Retyped, Value::Object(_)) => json!("an object no more"),
        (Change::Retyped, _) => json!({"value": 1}),
        (Change::Replaced, Value::Bool(flag)) => json!(!flag),
        (Change::Replaced, Value::String(text)) if text.parse::<Decimal>().is_err() => json!("replaced"),
        (Change::EmptyList, Value::Array(_)) => json!([]),
        (Change::FirstOnly, Value::Array(list)) => json!(list.iter().take(1).collect::<Vec<_>>()),
        (Change::Doubled, Value::Array(list)) => {
            json!(list.iter().flat_map(|entry| [entry, entry]).collect::<Vec<_>>())
        }
        _ => return false,
    };
    let changed = new != *value;
    *value = new;
    changed
}

/// A number, or a text that contains one, times a factor, in its original form.
fn rescaled(value: &Value, factor: f64) -> Option<Value> {
    match value {
        Value::Number(number) => {
            let product = number.as_f64()? * factor;
            let whole = product.fract() == 0.0 && product.abs() < 9e15;
            // Counts remain integers.
            if number.is_f64() {
                Some(json!(product))
            } else if whole {
                Some(json!(product as i64))
            } else {
                Some(json!(product.round() as i64))
            }
        }
        Value::String(text) => {
            let number: Decimal = text.parse().ok()?;
            Some(json!(number.checked_mul(Decimal::try_from(factor).ok()?)?.normalize().to_string()))
        }
        _ => None,
    }
}
