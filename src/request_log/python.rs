//! Python literals as JSON. LiteLLM writes dictionaries into attributes of spans as Python prints them: single quotes,
//! `None`, `True`.

use serde_json::{Map, Number, Value};
use std::iter::Peekable;
use std::str::Chars;

/// Maximum depth of nested values.
const DEEPEST: usize = 16;

/// The value of a printed dictionary, list, text or number, or of the same as JSON; `None` if it is neither.
pub fn literal(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let mut rest = text.trim().chars().peekable();
    let value = value(&mut rest, 0)?;
    skip(&mut rest);
    rest.next().is_none().then_some(value)
}

type Rest<'a> = Peekable<Chars<'a>>;

fn skip(rest: &mut Rest<'_>) {
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
}

fn value(rest: &mut Rest<'_>, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    skip(rest);
    match rest.peek()? {
        '{' => dictionary(rest, depth),
        '[' => list(rest, ']', depth),
        '(' => list(rest, ')', depth),
        '\'' | '"' => text(rest).map(Value::String),
        _ => word(rest),
    }
}

fn dictionary(rest: &mut Rest<'_>, depth: usize) -> Option<Value> {
    rest.next();
    let mut found = Map::new();
    loop {
        skip(rest);
        if rest.next_if_eq(&'}').is_some() {
            return Some(Value::Object(found));
        }
        let key = match value(rest, depth + 1)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        skip(rest);
        rest.next_if_eq(&':')?;
        found.insert(key, value(rest, depth + 1)?);
        skip(rest);
        if rest.next_if_eq(&',').is_none() && rest.peek() != Some(&'}') {
            return None;
        }
    }
}

fn list(rest: &mut Rest<'_>, end: char, depth: usize) -> Option<Value> {
    rest.next();
    let mut found = Vec::new();
    loop {
        skip(rest);
        if rest.next_if_eq(&end).is_some() {
            return Some(Value::Array(found));
        }
        found.push(value(rest, depth + 1)?);
        skip(rest);
        if rest.next_if_eq(&',').is_none() && rest.peek() != Some(&end) {
            return None;
        }
    }
}

fn text(rest: &mut Rest<'_>) -> Option<String> {
    let quote = rest.next()?;
    let mut found = String::new();
    loop {
        match rest.next()? {
            '\\' => match rest.next()? {
                'n' => found.push('\n'),
                't' => found.push('\t'),
                'r' => found.push('\r'),
                'x' => found.push(code(rest, 2)?),
                'u' => found.push(code(rest, 4)?),
                'U' => found.push(code(rest, 8)?),
                other => found.push(other),
            },
            c if c == quote => return Some(found),
            c => found.push(c),
        }
    }
}

fn code(rest: &mut Rest<'_>, digits: usize) -> Option<char> {
    let digits: String = rest.by_ref().take(digits).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

fn word(rest: &mut Rest<'_>) -> Option<Value> {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '+' | '_')) {
        word.push(c);
    }
    match word.as_str() {
        "None" => Some(Value::Null),
        "True" => Some(Value::Bool(true)),
        "False" => Some(Value::Bool(false)),
        number => match number.parse::<i64>() {
            Ok(whole) => Some(Value::from(whole)),
            Err(_) => Number::from_f64(number.parse().ok()?).map(Value::Number),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::literal;
    use serde_json::json;

    #[test]
    fn what_python_prints_is_read() {
        let printed = r#"{'a': 1, "b": [None, True, 1.5e3], 'c': {'d': "it's", 'e': 'x\'y\\z\n\u00e9'}, 'f': (), 7: -2}"#;
        let value = json!({ "a": 1, "b": [null, true, 1500.0], "c": { "d": "it's", "e": "x'y\\z\né" }, "f": [], "7": -2 });
        assert_eq!(literal(printed), Some(value));
        assert_eq!(literal(r#"{"a": null}"#), Some(json!({ "a": null })));
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "{",
            "{'a'}",
            "{'a': 1} x",
            "<object at 0x7f>",
            "{'a': <Usage>}",
            "'open",
            "nan",
            &"[".repeat(100),
        ] {
            assert_eq!(literal(text), None, "{text}");
        }
    }
}
