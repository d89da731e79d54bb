//! Accepts numbers as strings and strings as numbers, because the upstream has sent both. Anything else is an error.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use std::fmt;
use std::str::FromStr;

/// A number, a string, a boolean or nothing, before it is converted to its target type.
#[derive(Debug, Clone, PartialEq)]
enum Scalar {
    Number(f64, String),
    Text(String),
    Flag(bool),
    Nothing,
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a string or null")
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64, value.to_string()))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64, value.to_string()))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value, format!("{value:?}")))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(value))
    }
    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }
    fn visit_none<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
    deserializer.deserialize_any(ScalarVisitor)
}

/// A float, or a string that contains one; null and an empty string count as absent.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match scalar(deserializer)? {
        Scalar::Number(value, _) => Ok(Some(value)),
        Scalar::Text(text) if text.trim().is_empty() => Ok(None),
        Scalar::Text(text) => match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(D::Error::custom(format!("`{}` is not a number", clip(&text)))),
        },
        Scalar::Flag(flag) => Err(D::Error::custom(format!("`{flag}` is not a number"))),
        Scalar::Nothing => Ok(None),
    }
}

/// An integer, or a string or a float without a fraction.
pub fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(value) = number(deserializer)? else { return Ok(None) };
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Ok(Some(value as i64))
    } else if value.fract() == 0.0 {
        Err(D::Error::custom(format!("`{value}` is too large for a count")))
    } else {
        Err(D::Error::custom(format!("`{value}` is not an integer")))
    }
}

/// A string, or a number as text.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match scalar(deserializer)? {
        Scalar::Text(text) => Some(text),
        Scalar::Number(_, digits) => Some(digits),
        Scalar::Flag(flag) => Some(flag.to_string()),
        Scalar::Nothing => None,
    })
}

/// A boolean, or "true" and "false", 0 and 1.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match scalar(deserializer)? {
        Scalar::Flag(flag) => Ok(Some(flag)),
        Scalar::Nothing => Ok(None),
        Scalar::Text(text) if text == "true" => Ok(Some(true)),
        Scalar::Text(text) if text == "false" => Ok(Some(false)),
        Scalar::Number(0.0, _) => Ok(Some(false)),
        Scalar::Number(1.0, _) => Ok(Some(true)),
        Scalar::Text(text) => Err(D::Error::custom(format!("`{}` is not true or false", clip(&text)))),
        Scalar::Number(_, digits) => Err(D::Error::custom(format!("`{digits}` is not true or false"))),
    }
}

/// A decimal from a string or a number, exactly as written, including scientific notation.
pub fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let written = match scalar(deserializer)? {
        Scalar::Number(_, digits) => digits,
        Scalar::Text(text) if text.trim().is_empty() => return Ok(None),
        Scalar::Text(text) => text,
        Scalar::Nothing => return Ok(None),
        Scalar::Flag(flag) => return Err(D::Error::custom(format!("`{flag}` is not a price"))),
    };
    let written = written.trim();
    Decimal::from_str(written)
        .or_else(|_| Decimal::from_scientific(written))
        .map(Some)
        .map_err(|_| D::Error::custom(format!("`{}` is not a price", clip(written))))
}

/// The strings of a list; null is an empty list, and entries that are not strings are skipped.
pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Texts;
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Text(String),
        Other(IgnoredAny),
    }
    impl<'de> Visitor<'de> for Texts {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of strings or null")
        }
        fn visit_unit<E: Error>(self) -> Result<Vec<String>, E> {
            Ok(Vec::new())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
            let mut texts = Vec::new();
            while let Some(entry) = list.next_element::<Entry>()? {
                match entry {
                    Entry::Text(text) => texts.push(text),
                    Entry::Other(IgnoredAny) => {}
                }
            }
            Ok(texts)
        }
    }
    deserializer.deserialize_any(Texts)
}

/// A list; null is an empty list.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Row {
        #[serde(default, deserialize_with = "number")]
        n: Option<f64>,
        #[serde(default, deserialize_with = "integer")]
        i: Option<i64>,
        #[serde(default, deserialize_with = "decimal")]
        d: Option<Decimal>,
        #[serde(default, deserialize_with = "text")]
        t: Option<String>,
        #[serde(default, deserialize_with = "texts")]
        l: Vec<String>,
    }

    fn row(json: &str) -> Result<Row, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn numbers_and_strings_stand_for_each_other() {
        let strange = row(r#"{"n":"0.5","i":"12","d":1e-7,"t":7,"l":["a",null,3]}"#).expect("readable");
        assert_eq!((strange.n, strange.i, strange.t.as_deref()), (Some(0.5), Some(12), Some("7")));
        assert_eq!(strange.d.map(|d| d.to_string()), Some("0.0000001".into()));
        assert_eq!(strange.l, ["a"]);
        let empty = row(r#"{"n":null,"i":"","d":null,"l":null}"#).expect("readable");
        assert!(empty.n.is_none() && empty.i.is_none() && empty.d.is_none() && empty.l.is_empty());
    }

    #[test]
    fn what_is_no_number_is_refused_by_name() {
        for bad in [r#"{"n":"soon"}"#, r#"{"i":1.5}"#, r#"{"d":"free"}"#, r#"{"n":true}"#, r#"{"n":[1]}"#] {
            assert!(row(bad).is_err(), "{bad}");
        }
    }
}
