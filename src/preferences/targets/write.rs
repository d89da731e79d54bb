//! Writers for JSON, YAML and the literals of the languages used in snippets.

use serde::Serialize;
use serde_json::Value;

/// JSON over several lines.
pub(super) fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The header with the key of the account, for [`post`].
pub(super) const OPENROUTER_KEY: &str = "\"Authorization: Bearer $OPENROUTER_API_KEY\"";

/// A shell command that posts JSON. `address` and `headers` are words of the shell, with their quotes. The shell expands
/// nothing in a quoted here-document, and no line of JSON can terminate it.
pub(super) fn post(address: &str, headers: &[&str], body: &Value) -> String {
    let headers: String = headers.iter().map(|header| format!("  -H {header} \\\n")).collect();
    format!(
        "curl --fail-with-body {address} \\\n{headers}  -H 'Content-Type: application/json' \\\n  \
         --data @- <<'JSON'\n{}JSON\n",
        json(body)
    )
}

/// YAML that YAML 1.1 readers also accept: every string is quoted, so that no name is read as a number, a date or a
/// boolean, and floats have a decimal point and a signed exponent.
///
/// # Errors
/// If the value cannot be written, which would be a bug.
pub(super) fn yaml<T: Serialize>(value: &T) -> Result<String, String> {
    let options = serde_saphyr::ser_options! { quote_all: true, prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| format!("this preference could not be written as YAML: {error}"))
}

/// A language's keywords where its literals differ from JSON.
pub(super) struct Words {
    pub null: &'static str,
    pub yes: &'static str,
    pub no: &'static str,
    /// Spaces per level.
    pub indent: usize,
}

pub(super) const PYTHON: Words = Words { null: "None", yes: "True", no: "False", indent: 4 };
/// TypeScript, which accepts JSON unchanged.
pub(super) const TYPESCRIPT: Words = Words { null: "null", yes: "true", no: "false", indent: 2 };

/// A value as a literal, with its inner lines indented from `level`. Strings are JSON strings with everything outside
/// printable ASCII escaped, which both languages read identically.
pub(super) fn literal(value: &Value, words: &Words, level: usize) -> String {
    let pad = |level: usize| " ".repeat(level * words.indent);
    let block = |open: char, lines: Vec<String>, close: char| {
        let inner: String = lines.iter().map(|line| format!("{}{line},\n", pad(level + 1))).collect();
        format!("{open}\n{inner}{}{close}", pad(level))
    };
    match value {
        Value::Null => words.null.to_owned(),
        Value::Bool(yes) => (if *yes { words.yes } else { words.no }).to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => string(text),
        Value::Array(entries) if entries.iter().all(|entry| !entry.is_object()) => {
            let entries: Vec<String> = entries.iter().map(|entry| literal(entry, words, level)).collect();
            format!("[{}]", entries.join(", "))
        }
        Value::Array(entries) => {
            block('[', entries.iter().map(|entry| literal(entry, words, level + 1)).collect(), ']')
        }
        Value::Object(fields) => {
            let lines = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", string(name), literal(value, words, level + 1)));
            block('{', lines.collect(), '}')
        }
    }
}

/// A string literal in ASCII that JSON, Python and JavaScript read identically.
pub(super) fn string(text: &str) -> String {
    let mut written = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            ' '..='~' => written.push(c),
            _ => {
                let mut units = [0; 2];
                // One escape per UTF-16 unit would be two characters in Python, which needs \U beyond the basic plane.
                match c.encode_utf16(&mut units) {
                    [unit] => written.push_str(&format!("\\u{unit:04x}")),
                    _ => written.push(c),
                }
            }
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn literals_are_those_of_their_language() {
        let value = json!({"a": ["x", true], "b": {"c": null, "d": 0.5}});
        let python = "{\n    \"a\": [\"x\", True],\n    \"b\": {\n        \"c\": None,\n        \"d\": 0.5,\n    },\n}";
        assert_eq!(literal(&value, &PYTHON, 0), python);
        let nested = literal(&json!({"a": false}), &TYPESCRIPT, 1);
        assert_eq!(nested, "{\n    \"a\": false,\n  }");
    }

    #[test]
    fn no_string_ends_itself_or_its_line() {
        let hostile = "\"; rm -rf /\n\\ \u{2028}é'";
        let written = string(hostile);
        assert!(written.chars().all(|c| matches!(c, ' '..='~')), "{written}");
        let read: String = serde_json::from_str(&written).expect("JSON");
        assert_eq!(read, hostile);
    }

    #[test]
    fn yaml_keeps_strings_strings_and_floats_floats() {
        let text = yaml(&json!({"a": "no", "b": 3e-7, "c": ["1.0", "x: y", "# z"]})).expect("YAML");
        for part in ["'no'", "3.0e-7", "'1.0'", "'x: y'", "'# z'"] {
            assert!(text.replace('"', "'").contains(part), "{part}: {text}");
        }
    }
}
