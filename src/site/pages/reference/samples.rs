//! What the reference shows beside a route: requests that work, and the beginning of a real answer.

use crate::site::parts::link;
use crate::snapshot::Snapshot;
use serde_json::Value;

/// Base address of the samples if the address of the service is unknown.
pub const BASE: &str = "http://127.0.0.1:8080";

/// Models to try for a route until one has an answer: a preference may be withheld.
const TRIED: usize = 12;
/// Fields of an object, entries of a list, levels, letters of a text and lines of a text that an answer shows.
const FIELDS: usize = 8;
const ENTRIES: usize = 1;
const SCALARS: usize = 3;
const LEVELS: usize = 4;
const LETTERS: usize = 60;
const LINES: usize = 14;

/// What replaces the rest.
const MORE: &str = "…";

/// A model and one of its endpoints, as parts of addresses.
#[derive(Debug, Clone)]
struct Names {
    /// `author/slug`.
    model: String,
    /// The id of the endpoint.
    id: String,
    /// The tag of the endpoint.
    tag: String,
}

/// Names that exist in the snapshot, so that every sample works.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    models: Vec<Names>,
    provider: Option<String>,
    snapshot: String,
}

/// The beginning of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The address that it answers, from the root.
    pub address: String,
    /// Its text, shortened.
    pub text: String,
}

/// Requests for a route in three languages, and the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub curl: String,
    pub python: String,
    pub javascript: String,
    /// The beginning of the answer; empty if there is none.
    pub answer: String,
}

impl Examples {
    /// The names of a snapshot: its first models with their busiest endpoint, and its first provider.
    pub fn of(snapshot: &Snapshot) -> Self {
        let below = |address: String, base: &str| address.strip_prefix(base).map(str::to_owned);
        let names = |model: &crate::snapshot::ModelEntry| {
            let endpoint = *model.busiest().first()?;
            Some(Names {
                model: below(link::model_json(&model.model_id), "/api/v1/models/")?,
                id: endpoint.endpoint_id.to_string(),
                tag: link::encode_path(endpoint.tag.as_str()),
            })
        };
        let provider = snapshot.providers.first();
        let provider = provider.map(|entry| link::provider_json(entry.provider.as_str()));
        Self {
            models: snapshot.models.iter().filter_map(names).take(TRIED).collect(),
            provider: provider.and_then(|address| below(address, "/api/v1/providers/")),
            snapshot: snapshot.id.clone(),
        }
    }

    /// The addresses to try for a route, the best first; at least one.
    pub fn addresses(&self, path: &str, operation: &Value) -> Vec<String> {
        let query = self.query(operation);
        let path = path.replace("{file}", &file(operation));
        let with_query = |path: String| format!("{path}{query}");
        if path.contains("{author}/{slug}") || path.contains("{id}") {
            let filled = self.models.iter().map(|names| {
                let path = path.replace("{author}/{slug}", &names.model).replace("{id}", &names.id);
                with_query(path.replace("{tag}", &names.tag))
            });
            let filled: Vec<String> = filled.collect();
            return if filled.is_empty() { vec![with_query(path)] } else { filled };
        }
        match &self.provider {
            Some(provider) => vec![with_query(path.replace("{slug}", provider))],
            None => vec![with_query(path)],
        }
    }

    /// The required query parameters of a route, with example values.
    fn query(&self, operation: &Value) -> String {
        let all = operation["parameters"].as_array().into_iter().flatten();
        let required = all.filter(|one| one["in"] == "query" && one["required"] == true);
        let pairs: Vec<String> = required
            .map(|one| match one["name"].as_str() {
                Some("since") => format!("since={}", self.snapshot),
                name => {
                    format!("{}={}", name.unwrap_or_default(), one["example"].as_str().unwrap_or_default())
                }
            })
            .collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    /// Three lines of Python for each of the most frequent questions, with their titles.
    pub fn starts(&self, base: &str) -> Vec<(&'static str, String)> {
        let read = |name: &str, address: &str, more: &str| {
            let address = literal(&format!("{base}{address}"));
            format!("import pandas as pd\n{name} = pd.read_csv({address}{more})\nprint({name}.head())")
        };
        let mut starts = vec![(
            "All endpoints as a DataFrame",
            read("endpoints", "/api/v1/endpoints.csv?variants=all", ""),
        )];
        if let Some(Names { model, tag, .. }) = self.models.first() {
            let address = format!("/api/v1/endpoints/{model}/{tag}/history.csv");
            let dates = ", parse_dates=[\"start\", \"end\"]";
            starts.push(("The history of one endpoint", read("history", &address, dates)));
        }
        starts.push(("The tier list", read("tiers", "/api/v1/tiers.csv?lens=cost", "")));
        starts
    }
}

/// The file of a route that has one: for opencode if the route knows it, otherwise the first.
fn file(operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let names =
        parameters.filter(|one| one["name"] == "file").flat_map(|one| one["schema"]["enum"].as_array());
    let names: Vec<&str> = names.flatten().filter_map(Value::as_str).collect();
    let wanted = names.iter().find(|name| name.starts_with("opencode.")).or(names.first());
    wanted.copied().unwrap_or("{file}").to_owned()
}

/// A text as a literal that Python and JavaScript read identically.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

impl Sample {
    /// The requests for an address, and the answer if there is one. `is_file` means that the answer is a text.
    pub fn new(base: &str, address: &str, answer: Option<&Answer>, is_file: bool) -> Self {
        let url = literal(&format!("{base}{address}"));
        let name = address.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let (store, python, javascript) = match is_file {
            true => (
                format!(" -f -o {name}"),
                format!("import urllib.request\ntext = urllib.request.urlopen({url}).read().decode()"),
                format!("const text = await (await fetch({url})).text();"),
            ),
            false => (
                String::new(),
                format!("import json, urllib.request\nanswer = json.load(urllib.request.urlopen({url}))"),
                format!("const answer = await (await fetch({url})).json();"),
            ),
        };
        Self {
            curl: format!("curl -s '{base}{address}'{store}"),
            python,
            javascript,
            answer: answer.map(|answer| answer.text.clone()).unwrap_or_default(),
        }
    }
}

/// The beginning of a body: of JSON the first fields and entries, of a text the first lines.
pub fn shortened(body: &[u8], is_json: bool) -> String {
    if is_json && let Ok(value) = serde_json::from_slice::<Value>(body) {
        return written(&value, 0);
    }
    let text = String::from_utf8_lossy(body);
    let mut lines: Vec<&str> = text.lines().take(LINES).collect();
    if text.lines().nth(LINES).is_some() {
        lines.push(MORE);
    }
    lines.join("\n")
}

/// JSON over several lines, without what is beyond the limits.
fn written(value: &Value, level: usize) -> String {
    let pad = "  ".repeat(level + 1);
    let block = |open: char, lines: Vec<String>, close: char| {
        let lines: Vec<String> = lines.into_iter().map(|line| format!("{pad}{line}")).collect();
        format!("{open}\n{}\n{}{close}", lines.join(",\n"), "  ".repeat(level))
    };
    let is_scalar = |value: &Value| !value.is_object() && !value.is_array();
    match value {
        Value::String(text) if text.chars().count() > LETTERS => {
            let short: String = text.chars().take(LETTERS).collect();
            literal(&format!("{short}{MORE}"))
        }
        Value::Array(entries) if entries.is_empty() => "[]".to_owned(),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Array(_) if level >= LEVELS => format!("[{MORE}]"),
        Value::Object(_) if level >= LEVELS => format!("{{{MORE}}}"),
        Value::Array(entries) if entries.iter().all(is_scalar) => {
            let shown = entries.iter().take(SCALARS).map(|entry| written(entry, level + 1));
            let more = (entries.len() > SCALARS).then(|| MORE.to_owned());
            format!("[{}]", shown.chain(more).collect::<Vec<_>>().join(", "))
        }
        Value::Array(entries) => {
            let shown = entries.iter().take(ENTRIES).map(|entry| written(entry, level + 1));
            let more = (entries.len() > ENTRIES).then(|| MORE.to_owned());
            block('[', shown.chain(more).collect(), ']')
        }
        Value::Object(fields) => {
            let shown = fields.iter().take(FIELDS);
            let shown =
                shown.map(|(name, value)| format!("{}: {}", literal(name), written(value, level + 1)));
            let more = (fields.len() > FIELDS).then(|| MORE.to_owned());
            block('{', shown.chain(more).collect(), '}')
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn without_names_the_braces_stay_and_names_fill_them() {
        let none = Examples::default();
        let of = |examples: &Examples, path: &str| examples.addresses(path, &json!({})).remove(0);
        assert_eq!(of(&none, "/api/v1/models/{author}/{slug}"), "/api/v1/models/{author}/{slug}");
        let names = Names { model: "a/b".to_owned(), id: "1".to_owned(), tag: "x/fp8".to_owned() };
        let some = Examples { models: vec![names], provider: Some("x".to_owned()), snapshot: "s".to_owned() };
        assert_eq!(of(&some, "/api/v1/cost/{author}/{slug}"), "/api/v1/cost/a/b");
        assert_eq!(of(&some, "/api/v1/providers/{slug}"), "/api/v1/providers/x");
        assert_eq!(of(&some, "/api/v1/endpoints/{id}/history"), "/api/v1/endpoints/1/history");
        let by_tag = "/api/v1/endpoints/{author}/{slug}/{tag}/history";
        assert_eq!(of(&some, by_tag), "/api/v1/endpoints/a/b/x/fp8/history");
        assert_eq!(of(&some, "/api/v1/tiers"), "/api/v1/tiers");
        let operation = json!({"parameters": [
            {"name": "since", "in": "query", "required": true},
            {"name": "file", "in": "path", "required": true, "schema": {"enum": ["x.yaml", "opencode.json"]}},
        ]});
        assert_eq!(some.addresses("/p/{file}", &operation), ["/p/opencode.json?since=s"]);
    }

    #[test]
    fn an_answer_is_cut_and_says_so() {
        let long = "x".repeat(100);
        let value = json!({"data": [{"a": long, "b": [1, 2, 3, 4], "c": []}, {"a": 1}], "meta": {"d": {"e": {"f": {}}}}});
        let text = shortened(&serde_json::to_vec(&value).expect("JSON"), true);
        let cut = format!("\"{}…\"", "x".repeat(60));
        let expected = format!(
            "{{\n  \"data\": [\n    {{\n      \"a\": {cut},\n      \"b\": [1, 2, 3, …],\n      \"c\": []\n    }},\n    …\n  ],\n  \
             \"meta\": {{\n    \"d\": {{\n      \"e\": {{\n        \"f\": {{}}\n      }}\n    }}\n  }}\n}}"
        );
        assert_eq!(text, expected);
        let lines = "line\n".repeat(20);
        assert_eq!(shortened(lines.as_bytes(), false).lines().count(), LINES + 1);
        assert_eq!(shortened(b"one", false), "one");
    }

    #[test]
    fn a_sample_quotes_its_address_and_a_file_is_stored() {
        let sample = Sample::new("http://h.test", "/api/v1/p/a/b/opencode.json?mode=pin", None, true);
        assert_eq!(
            sample.curl,
            "curl -s 'http://h.test/api/v1/p/a/b/opencode.json?mode=pin' -f -o opencode.json"
        );
        assert!(sample.python.contains("urlopen(\"http://h.test/api/v1/p/a/b/opencode.json?mode=pin\")"));
        assert!(Sample::new("", "/x", None, false).javascript.ends_with(".json();"));
    }
}
