//! The path and query of a request to the API.

use super::failure::Failure;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// A path with its query.
#[derive(Debug, Clone)]
pub(super) struct Address {
    path: String,
    query: Vec<String>,
}

impl Address {
    /// A route without parameters.
    pub fn of(path: &str) -> Self {
        Self { path: path.to_owned(), query: Vec::new() }
    }

    /// A route with the name of a model as its last segment.
    ///
    /// # Errors
    /// If the name is empty or would change the path.
    pub fn of_model(path: &str, name: &str) -> Result<Self, Failure> {
        let name = name.trim();
        if name.chars().all(|c| matches!(c, '.' | '/')) {
            return Err(Failure::Argument(format!(
                "`{name}` is not the name of a model; pass a model_id such as author/name, which find_model returns"
            )));
        }
        Ok(Self::of(&format!("{path}/{}", encoded(name))))
    }

    /// Adds a parameter.
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.query.push(format!("{name}={}", encoded(&value.to_string())));
        self
    }

    /// Adds the fields of a struct that are set, except for some. A list becomes names separated by commas.
    pub fn with_fields(mut self, fields: &impl Serialize, except: &[&str]) -> Self {
        let Ok(Value::Object(fields)) = serde_json::to_value(fields) else { return self };
        for (name, value) in fields.iter().filter(|(name, _)| !except.contains(&name.as_str())) {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Array(list) => {
                    let names: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                    names.join(",")
                }
                other => other.to_string(),
            };
            self = self.with(name, text);
        }
        self
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.query.is_empty() { Ok(()) } else { write!(f, "?{}", self.query.join("&")) }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Fields {
        model: &'static str,
        zdr: Option<bool>,
        context: Option<i64>,
        parameters: Vec<&'static str>,
    }

    #[test]
    fn names_and_values_are_encoded_and_unset_fields_are_left_out() {
        let fields =
            Fields { model: "a/b", zdr: Some(true), context: None, parameters: vec!["tools", "x&y"] };
        let address =
            Address::of_model("/api/v1/cost", " a/b:free ").unwrap_or_else(|error| panic!("{error}"));
        let address = address.with_fields(&fields, &["model"]).with("limit", 5);
        assert_eq!(
            address.to_string(),
            "/api/v1/cost/a%2Fb%3Afree?parameters=tools%2Cx%26y&zdr=true&limit=5"
        );
        for wrong in ["", " ", "..", "../..", "/"] {
            assert!(Address::of_model("/api/v1/cost", wrong).is_err(), "{wrong}");
        }
    }
}
