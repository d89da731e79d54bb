//! What a parameter accepts, in words, from the description of the API.

use super::openapi::openapi;
use serde_json::Value;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(openapi()).unwrap_or_default());

/// What the query parameter `name` of the route at an address accepts: `an integer from 1 to 500`. `None` if no route
/// has it, or its type says nothing.
pub(super) fn expected(address: &str, name: &str) -> Option<String> {
    let paths = DOCUMENT["paths"].as_object()?;
    let (_, item) = paths.iter().find(|(path, _)| matches(path, address))?;
    let parameters = item["get"]["parameters"].as_array()?;
    let parameter = parameters.iter().find(|one| one["name"] == name && one["in"] == "query")?;
    in_words(&parameter["schema"])
}

/// Whether an address belongs to a path with variable parts in braces.
fn matches(path: &str, address: &str) -> bool {
    let (mut parts, mut given) = (path.split('/'), address.split('/'));
    loop {
        match (parts.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given || part.starts_with('{') => {}
            _ => return false,
        }
    }
}

fn in_words(schema: &Value) -> Option<String> {
    let names = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        several => several.as_array()?.iter().filter_map(Value::as_str).collect(),
    };
    let kind = match names.into_iter().find(|name| *name != "null")? {
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => return Some("true or false".to_owned()),
        _ => return None,
    };
    let bound = |name: &str| Some(&schema[name]).filter(|bound| bound.is_number());
    Some(match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => format!("{kind} from {low} to {high}"),
        (Some(low), None) => format!("{kind}, {low} or more"),
        (None, Some(high)) => format!("{kind} up to {high}"),
        (None, None) => kind.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_expected_with_their_bounds() {
        let limit = expected("/api/v1/models", "limit");
        assert_eq!(limit.as_deref(), Some("an integer from 1 to 500"));
        assert_eq!(expected("/api/v1/cost/a/b", "output_cached").as_deref(), Some("true or false"));
        assert_eq!(expected("/api/v1/models", "author"), None);
        assert_eq!(expected("/api/v1/models", "nothing"), None);
        assert_eq!(expected("/api/v1/nothing", "limit"), None);
    }
}
