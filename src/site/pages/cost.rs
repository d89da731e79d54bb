//! The calculator: what a session costs with the visitor's own numbers.

use crate::cost::{OwnNumbers, compare};
use crate::domain::workload::Workload;
use crate::site::charts::cost_bars::CostPart;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{format, link};
use crate::site::registry::Section;
use crate::snapshot::{ModelEntry, Snapshot};
use askama::Template;
use axum::http::StatusCode;
use std::collections::HashMap;

/// The request to the calculator.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a HashMap<String, String>);

impl Fields<'_> {
    /// What a form field holds; empty if it was not sent.
    fn word(self, name: &str) -> String {
        format::shorten(self.0.get(name).map_or("", |w| w.trim()), LONGEST_FIELD)
    }

    /// The value of a field; `None` if it is empty, and an error message with `title` if it is invalid.
    fn value<T: std::str::FromStr>(self, name: &str, title: &str) -> Result<Option<T>, String> {
        let text = self.word(name);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| format!("“{text}” is not a valid value for “{title}”."))
    }
}

#[derive(Template)]
#[template(path = "cost.html")]
struct CalculatorPage<'a> {
    shell: Shell,
    fields: Fields<'a>,
    base: Option<&'a Workload>,
    workloads: &'a [Workload],
    models: Vec<&'a str>,
    problem: Option<String>,
    found: Option<(String, &'a str)>,
    part: Option<CostPart>,
}

/// Renders the calculator for the parameters of its form; without a model, the empty form. The status is 400 if a field
/// is invalid or the model is unknown.
pub fn calculator(view: &View, words: &HashMap<String, String>) -> (StatusCode, askama::Result<String>) {
    let snapshot = view.snapshot.as_ref();
    let fields = Fields(words);
    let (status, problem, found) = match ask(snapshot, fields) {
        Ok(found) => (StatusCode::OK, None, found),
        Err(problem) => (StatusCode::BAD_REQUEST, Some(problem), None),
    };
    let base = snapshot.workload(&fields.word("workload")).or(snapshot.workloads.first());
    let part = found.as_ref().map(|(model, workload)| CostPart::new(compare(snapshot, model, workload)));
    let page = CalculatorPage {
        shell: Shell::new(
            view,
            Section::Models,
            "What a session costs",
            "What your own session costs at every host of a model, after caching.",
        )
        .at("/cost"),
        base,
        workloads: &snapshot.workloads,
        models: snapshot.models.iter().map(|m| m.model_id.as_str()).collect(),
        problem,
        found: found.map(|(model, _)| (link::model(&model.model_id), model.model_id.as_str())),
        part,
        fields,
    };
    (status, page.render())
}

/// Longest text that is repeated in a field.
const LONGEST_FIELD: usize = 120;

/// The requested model and workload; `None` if no model is named; an error message if a field is invalid.
fn ask<'a>(snapshot: &'a Snapshot, fields: Fields) -> Result<Option<(&'a ModelEntry, Workload)>, String> {
    let (model, name) = (fields.word("model"), fields.word("workload"));
    let base = snapshot.workload(if name.is_empty() { snapshot.default_workload() } else { &name });
    let base = base.ok_or_else(|| format!("There is no workload “{name}”."))?;
    let own = OwnNumbers {
        turns: fields.value("turns", "turns")?,
        first_prompt: fields.value("first_prompt", "first prompt")?,
        new_input: fields.value("new_input", "new input")?,
        output: fields.value("output", "output")?,
        output_cached: fields.value("output_cached", "output found in the cache")?,
        cache_ttl: fields.value("cache_ttl", "cache writes kept for")?,
    };
    let workload = own.over(base).map_err(|error| format!("Invalid session: {error}."))?;
    if model.is_empty() {
        return Ok(None);
    }
    let found = snapshot.model(&model).ok_or_else(|| {
        let near = snapshot.nearest_models(&model);
        let near =
            if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(", ")) };
        format!("No model is called “{model}” in the newest data.{near}")
    })?;
    Ok(Some((found, workload)))
}
