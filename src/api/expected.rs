//! What a parameter accepts, in words, from the description of the API.

use super::openapi::openapi;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(openapi()).unwrap_or_default());

/// What the query parameter `name` of the route at an address accepts: `an integer from 1 to 500`. `None` if no route
/// has it, or its type says nothing.
pub(super) fn expected(address: &str, name: &str) -> Option<String> {
    let paths = DOCUMENT["paths"].as_object()?;
    // A name may be one segment, with its slash encoded; the description has its two parts.
    let address = percent_decode_str(address).decode_utf8_lossy();
    let (_, item) = paths.iter().find(|(path, _)| matches(path, &address))?;
    let parameters = item["get"]["parameters"].as_array()?;
    let parameter = parameters.iter().find(|one| one["name"] == name && one["in"] == "query")?;
    in_words(&parameter["schema"])
}

/// The part of a path that may contain slashes.
const TAG: &str = "{tag}";

/// Whether a decoded address belongs to a path with variable parts in braces. Each is one segment, but a tag is one or
/// more.
fn matches(path: &str, address: &str) -> bool {
    let (parts, given): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), address.split('/').collect());
    let fits = |(part, given): (&&str, &&str)| part == given || part.starts_with('{');
    match parts.iter().position(|part| *part == TAG) {
        None => parts.len() == given.len() && parts.iter().zip(&given).all(fits),
        Some(tag) => {
            let after = parts.len() - tag - 1;
            given.len() >= parts.len()
                && parts.iter().zip(&given).take(tag).all(fits)
                && parts.iter().rev().zip(given.iter().rev()).take(after).all(fits)
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
        assert_eq!(expected("/api/v1/cost/a%2Fb", "output_cached").as_deref(), Some("true or false"));
        assert_eq!(expected("/api/v1/models", "author"), None);
        assert_eq!(expected("/api/v1/models", "nothing"), None);
        assert_eq!(expected("/api/v1/nothing", "limit"), None);
    }

    #[test]
    fn a_tag_may_contain_slashes_and_other_parts_may_not() {
        let by_tag = "/api/v1/endpoints/{author}/{slug}/{tag}/history";
        for address in ["a/b/c/history", "a/b/c/d/history", "a/b/c/d/e/history"] {
            assert!(matches(by_tag, &format!("/api/v1/endpoints/{address}")), "{address}");
        }
        for address in ["a/b/history", "a/b/c/d", "a/b/c/d/hourly"] {
            assert!(!matches(by_tag, &format!("/api/v1/endpoints/{address}")), "{address}");
        }
        assert!(!matches("/api/v1/cost/{author}/{slug}", "/api/v1/cost/a/b/c"));
    }
}
