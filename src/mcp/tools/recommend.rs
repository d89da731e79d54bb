//! `recommend_host`.

use super::super::address::Address;
use super::super::arguments::RecommendHost;
use super::super::failure::Failure;
use super::super::reply::{Reply, list, named, text};
use super::super::source::{Received, Source};
use crate::domain::format::percent_change;
use crate::preferences::Mode;
use serde_json::{Value, json};

pub(super) async fn answer(source: &Source, wanted: RecommendHost) -> Result<Reply, Failure> {
    let address = Address::of_model("/api/v1/preferences", &wanted.model)?.with_fields(&wanted, &["model"]);
    let Received { data, meta } = source.get(&address).await?;
    let Value::Object(mut data) = data else {
        return Err(Failure::NotTheApi { address: address.to_string(), status: 200 });
    };
    let is_given = data.get("provider").is_some_and(Value::is_object);
    data.remove("router_limits");
    if let Some(evidence) = data.remove("evidence") {
        let is_avoid = data.get("mode").and_then(Value::as_str) == Some(Mode::Avoid.as_str());
        data.insert(if is_avoid { "avoid" } else { "hosts" }.to_owned(), evidence);
    }
    let data = Value::Object(data);
    let data = if is_given { data } else { without_config(data) };
    Ok(Reply::new(summary(&data, is_given), data, meta, &address))
}

/// The answer with the text of its target replaced by the reason why nothing is recommended: a text of the limits alone
/// is not a recommendation.
fn without_config(mut data: Value) -> Value {
    let why = text(&data, "why").to_owned();
    if let Some(rendered) = data.get_mut("rendered").and_then(Value::as_object_mut) {
        rendered.insert("files".to_owned(), json!([]));
        rendered.insert("notes".to_owned(), json!([why]));
        rendered.insert("sticky_safe".to_owned(), json!(false));
    }
    data
}

fn summary(data: &Value, is_given: bool) -> String {
    let (model, mode) = (text(data, "model"), text(data, "mode"));
    if !is_given {
        return format!("No recommendation for {model} in mode {mode}: {}", text(data, "why"));
    }
    let (avoid, hosts) = (list(data, "avoid"), list(data, "hosts"));
    let names = if avoid.is_empty() && hosts.is_empty() {
        format!("{model}: the limits alone, no names")
    } else if avoid.is_empty() {
        format!("{model}: use {}", named(hosts, "tag"))
    } else {
        format!("{model}: avoid {}", named(avoid, "tag"))
    };
    let saving = data.pointer("/saving/against_traffic_average").and_then(saving);
    let saving = saving.unwrap_or_else(|| "the saving against the traffic's average is unknown".to_owned());
    format!("{names} (mode {mode}); {saving}; valid until {}", text(data, "valid_until"))
}

/// The expected saving with its interval.
fn saving(compared: &Value) -> Option<String> {
    let figure = |field: &str| compared.get(field).and_then(Value::as_f64);
    let fraction = figure("fraction")?;
    let interval = match figure("low").zip(figure("high")) {
        Some((low, high)) => {
            format!("90 % interval {} to {}", percent_change(low, 0), percent_change(high, 0))
        }
        None => "interval unknown".to_owned(),
    };
    let change = percent_change(fraction, 0);
    Some(format!("expected saving against the traffic's average {change} ({interval})"))
}
