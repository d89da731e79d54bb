//! The calculator: what a month and a session cost at the hosts of a model, with the visitor's own numbers.

mod fields;
mod month;

use self::fields::{Asked, Fields, ask};
use self::month::MonthPart;
use crate::cost::{Month, compare};
use crate::domain::workload::Workload;
use crate::site::charts::cost_bars::CostPart;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{format, link};
use crate::site::registry::Section;
use crate::snapshot::{ModelEntry, Snapshot};
use askama::Template;
use axum::http::StatusCode;
use std::collections::HashMap;

/// The bill of the example, USD.
const EXAMPLE: f64 = 300.0;

#[derive(Template)]
#[template(path = "cost.html")]
struct CalculatorPage<'a> {
    shell: Shell,
    fields: Fields<'a>,
    base: Option<&'a Workload>,
    workloads: &'a [Workload],
    models: Vec<&'a str>,
    /// Content of the field of the model.
    model: String,
    /// The hosts that the bill can be paid at: value, text, and whether it is chosen.
    hosts: Vec<(String, String, bool)>,
    /// What is wrong, as HTML.
    problem: Option<String>,
    /// Address and id of the model.
    found: Option<(String, &'a str)>,
    month: Option<MonthPart>,
    part: Option<CostPart>,
    /// Address and text of an example, and the name of its model, if nothing was asked.
    example: Option<(String, String, &'a str)>,
}

/// Renders the calculator for the parameters of its form; without a model, the empty form. The status is 400 if a field
/// is invalid or the model is unknown.
pub fn calculator(view: &View, words: &HashMap<String, String>) -> (StatusCode, askama::Result<String>) {
    let snapshot = view.snapshot.as_ref();
    let fields = Fields(words);
    let (mut status, mut problem, mut asked) = match ask(snapshot, fields) {
        Ok(asked) => (StatusCode::OK, None, asked),
        Err(problem) => (StatusCode::BAD_REQUEST, Some(problem), None),
    };
    let mut cost = asked.as_ref().map(|asked| compare(snapshot, asked.model, &asked.workload));
    if let Some((asked, cost)) = asked.as_mut().zip(cost.as_ref()) {
        asked.drop_foreign_host(cost);
    }
    if let (Some(Asked { model, month: Some(month), at, .. }), Some(cost)) = (&asked, &mut cost) {
        match cost.monthly(model, *month, at.as_deref()) {
            Ok(monthly) => cost.monthly = Some(monthly),
            Err(error) => {
                problem = Some(format!("Your bill: {error}."));
                status = StatusCode::BAD_REQUEST;
            }
        }
    }
    let base = snapshot.workload(&fields.word("workload")).or(snapshot.workloads.first());
    let month = asked.as_ref().zip(cost.as_ref());
    let month = month.and_then(|(asked, cost)| MonthPart::new(view, asked, cost, fields));
    let shell = Shell::new(
        view,
        Section::Cost,
        "what a month costs",
        "What your monthly bill would be at every host of a model, after caching.",
    );
    let shell = match asked.as_ref().filter(|_| problem.is_none()) {
        Some(asked) => shell.json(month::json_twin(asked, fields)),
        None => shell,
    };
    let page = CalculatorPage {
        shell: shell.at("/cost"),
        base,
        workloads: &snapshot.workloads,
        models: snapshot.models.iter().map(|m| m.model_id.as_str()).collect(),
        model: asked.as_ref().map_or_else(|| fields.word("model"), |asked| asked.model.model_id.clone()),
        hosts: asked
            .as_ref()
            .zip(cost.as_ref())
            .map_or_else(Vec::new, |(asked, cost)| month::hosts(asked, cost)),
        problem: problem.as_deref().map(format::code_as_html),
        found: asked
            .as_ref()
            .map(|asked| (link::model(&asked.model.model_id), asked.model.model_id.as_str())),
        month,
        part: asked.as_ref().zip(cost).map(|(asked, cost)| CostPart::new(asked.model, cost)),
        example: if asked.is_none() { example(snapshot) } else { None },
        fields,
    };
    (status, page.render())
}

/// A bill on the busiest model for which the traffic's average is known.
fn example(snapshot: &Snapshot) -> Option<(String, String, &str)> {
    let workload = snapshot.workload(snapshot.default_workload())?;
    let is_priced = |model: &&ModelEntry| {
        model.variant.is_standard()
            && compare(snapshot, model, workload).monthly(model, Month::Usd(EXAMPLE), None).is_ok()
    };
    let model = snapshot.models.iter().find(is_priced)?;
    let address = format!("{}&bill={EXAMPLE}", link::cost(&model.model_id));
    Some((address, format!("${EXAMPLE} a month on"), model.name.as_str()))
}
