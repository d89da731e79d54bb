//! The fields of the calculator.

use crate::cost::{CostOfModel, Month, OwnNumbers};
use crate::domain::workload::Workload;
use crate::site::parts::format;
use crate::snapshot::{ModelEntry, Snapshot};
use std::collections::HashMap;

/// Longest text that is repeated in a field.
const LONGEST_FIELD: usize = 200;
/// Longest text that is repeated in an error.
const LONGEST_ECHO: usize = 120;

/// The request to the calculator.
#[derive(Clone, Copy)]
pub struct Fields<'a>(pub &'a HashMap<String, String>);

/// What the visitor wants to know.
pub struct Asked<'a> {
    pub model: &'a ModelEntry,
    pub workload: Workload,
    /// The month to price, if it is stated.
    pub month: Option<Month>,
    /// Where the bill is paid: a tag, or the slug or name of a provider.
    pub at: Option<String>,
    /// Whether the host was typed with the model. Otherwise it was selected, maybe for the model of the last form.
    is_typed: bool,
}

impl Asked<'_> {
    /// Drops a selected host that the model does not have. A typed one stays, so that it is reported as unknown.
    pub fn drop_foreign_host(&mut self, cost: &CostOfModel) {
        let is_foreign = self.at.as_deref().is_some_and(|at| cost.hosts(at).is_empty());
        if is_foreign && !self.is_typed {
            self.at = None;
        }
    }
}

impl Fields<'_> {
    /// What a form field holds; empty if it was not sent.
    pub fn word(self, name: &str) -> String {
        format::shorten(self.0.get(name).map_or("", |w| w.trim()), LONGEST_FIELD)
    }

    /// Whether a field of the visitor's own sessions is filled.
    pub fn has_own(self) -> bool {
        let own = ["turns", "first_prompt", "new_input", "output", "output_cached", "cache_ttl"];
        own.iter().any(|name| !self.word(name).is_empty())
    }

    /// The value of a field; `None` if it is empty, and an error message with `title` if it is invalid.
    fn value<T: std::str::FromStr>(self, name: &str, title: &str) -> Result<Option<T>, String> {
        let text = self.word(name);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| format!("“{}” is not a valid value for “{title}”.", echo(&text)))
    }

    /// The month; an error message that names its field if the amount is invalid.
    fn month(self) -> Result<Option<Month>, String> {
        let text = self.word("bill");
        if text.is_empty() {
            return Ok(None);
        }
        let refused =
            |reason| format!("“{}” is not a valid value for “Monthly bill”: {reason}.", echo(&text));
        Month::read(&text).map(Some).map_err(refused)
    }
}

fn echo(text: &str) -> String {
    format::shorten(text, LONGEST_ECHO)
}

/// The requested model, workload and month; `None` if no model is named; an error message if a field is invalid.
pub fn ask<'a>(snapshot: &'a Snapshot, fields: Fields) -> Result<Option<Asked<'a>>, String> {
    let (typed, name) = (fields.word("model"), fields.word("workload"));
    let base = snapshot.workload(if name.is_empty() { snapshot.default_workload() } else { &name });
    let base = base.ok_or_else(|| format!("There is no workload “{}”.", echo(&name)))?;
    let own = OwnNumbers {
        turns: fields.value("turns", "turns")?,
        first_prompt: fields.value("first_prompt", "first prompt")?,
        new_input: fields.value("new_input", "new input")?,
        output: fields.value("output", "output")?,
        output_cached: fields.value("output_cached", "output found in the cache")?,
        cache_ttl: fields.value("cache_ttl", "cache writes kept for")?,
    };
    let workload = own.over(base).map_err(|error| format!("Invalid session: {error}."))?;
    let month = fields.month()?;
    if typed.is_empty() {
        return match month {
            Some(_) => Err("“Model” is empty. Name the model that the bill is for.".to_owned()),
            None => Ok(None),
        };
    }
    let (model, host) = named(snapshot, &typed).ok_or_else(|| unknown(snapshot, &typed))?;
    let is_typed = host.is_some();
    let at = host.or_else(|| Some(fields.word("at")).filter(|at| !at.is_empty()));
    let at = at.filter(|_| !matches!(month, Some(Month::Tokens(_))));
    Ok(Some(Asked { model, workload, month, at, is_typed }))
}

/// The model that a text names, and the host if it names one too: `GLM 5.2`, `GLM 5.2 at Novita`,
/// `z-ai/glm-5.2@novita/fp8`.
fn named<'a>(snapshot: &'a Snapshot, typed: &str) -> Option<(&'a ModelEntry, Option<String>)> {
    if let Some(model) = snapshot.model_meant(typed) {
        return Some((model, None));
    }
    let lower = typed.to_ascii_lowercase();
    // ASCII only, so positions are the same in both texts.
    let at = lower.rfind(" at ").map(|at| (at, 4)).or_else(|| typed.rfind('@').map(|at| (at, 1)));
    let (at, length) = at?;
    let (model, host) = (&typed[..at], typed[at + length..].trim());
    Some((snapshot.model_meant(model)?, Some(host.to_owned()).filter(|host| !host.is_empty())))
}

fn unknown(snapshot: &Snapshot, typed: &str) -> String {
    let models = snapshot.search(typed).0;
    let standard = models.iter().filter(|m| m.variant.is_standard()).map(|m| m.model_id.as_str());
    let mut near: Vec<&str> = standard.take(5).collect();
    if near.is_empty() {
        near = snapshot.nearest_models(typed);
    }
    let near = if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(", ")) };
    format!("“{}” does not name one model in the newest data.{near}", echo(typed))
}
