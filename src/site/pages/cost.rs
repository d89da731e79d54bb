//! The calculator: what a session costs with the visitor's own numbers.

use crate::cost::{OwnNumbers, compare};
use crate::domain::workload::Workload;
use crate::site::charts::cost_bars::CostPart;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{format, link};
use crate::site::registry::Section;
use crate::snapshot::{ModelEntry, Snapshot};
use askama::Template;
use std::collections::HashMap;

/// The request to the calculator, as its form fields hold it.
#[derive(Debug, Default, Clone)]
struct Fields {
    model: String,
    workload: String,
    turns: String,
    first_prompt: String,
    new_input: String,
    output: String,
    output_cached: String,
    cache_ttl: String,
}

#[derive(Template)]
#[template(path = "cost.html")]
struct CalculatorPage<'a> {
    shell: Shell,
    fields: Fields,
    base: Option<&'a Workload>,
    workloads: &'a [Workload],
    models: Vec<&'a str>,
    problem: Option<String>,
    found: Option<(String, &'a str)>,
    part: Option<CostPart>,
}

/// The calculator's answer, and whether the request was valid.
pub struct Answered {
    pub page: askama::Result<String>,
    /// Whether every field is valid and the model is known.
    pub understood: bool,
}

/// Renders the calculator for the parameters of its form; without a model, the empty form.
pub fn calculator(view: &View, words: &HashMap<String, String>) -> Answered {
    let snapshot = view.snapshot.as_ref();
    let fields = fields(words);
    let asked = ask(snapshot, &fields);
    let (problem, found) = match asked {
        Ok(found) => (None, found),
        Err(problem) => (Some(problem), None),
    };
    let understood = problem.is_none();
    let base = snapshot.workload(&fields.workload).or(snapshot.workloads.first());
    let part = found.as_ref().map(|(model, workload)| CostPart::new(&compare(snapshot, model, workload)));
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
    Answered { page: page.render(), understood }
}

/// Longest text that is repeated in a field.
const LONGEST_FIELD: usize = 120;

fn fields(words: &HashMap<String, String>) -> Fields {
    let word = |name: &str| format::shorten(words.get(name).map_or("", |w| w.trim()), LONGEST_FIELD);
    Fields {
        model: word("model"),
        workload: word("workload"),
        turns: word("turns"),
        first_prompt: word("first_prompt"),
        new_input: word("new_input"),
        output: word("output"),
        output_cached: word("output_cached"),
        cache_ttl: word("cache_ttl"),
    }
}

/// The requested model and workload; `None` if no model is named; an error message if a field is invalid.
fn ask<'a>(snapshot: &'a Snapshot, fields: &Fields) -> Result<Option<(&'a ModelEntry, Workload)>, String> {
    let name = if fields.workload.is_empty() { snapshot.default_workload() } else { &fields.workload };
    let base = snapshot.workload(name);
    let base = base.ok_or_else(|| format!("There is no workload “{}”.", fields.workload))?;
    let own = OwnNumbers {
        turns: number("turns", &fields.turns)?,
        first_prompt: number("first prompt", &fields.first_prompt)?,
        new_input: number("new input", &fields.new_input)?,
        output: number("output", &fields.output)?,
        output_cached: number("output found in the cache", &fields.output_cached)?,
        cache_ttl: number("cache writes kept for", &fields.cache_ttl)?,
    };
    let workload = own.over(base).map_err(|error| format!("Invalid session: {error}."))?;
    if fields.model.is_empty() {
        return Ok(None);
    }
    let model = snapshot.model(&fields.model).ok_or_else(|| {
        let near = snapshot.nearest_models(&fields.model);
        let near =
            if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(", ")) };
        format!("No model is called “{}” in the newest data.{near}", fields.model)
    })?;
    Ok(Some((model, workload)))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<Option<T>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("“{text}” is not a valid value for “{name}”."))
}
