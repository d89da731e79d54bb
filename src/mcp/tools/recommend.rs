//! `recommend_host`.

use super::super::address::Address;
use super::super::arguments::RecommendHost;
use super::super::failure::Failure;
use super::super::reply::{Reply, list, named, text};
use super::super::source::{Received, Source};
use crate::domain::format::percent_change;
use crate::preferences::Mode;
use serde_json::{Map, Value, json};

/// The fields of a router's `provider` object that limit what may be used. Names keep the limits that have no field.
const LIMITING: [&str; 6] = [
    "quantizations",
    "data_collection",
    "zdr",
    "require_parameters",
    "max_price",
    "enforce_distillable_text",
];

/// Said of a configuration that would contain only part of the limits.
const PARTIAL: &str = "a configuration is not given, because it would keep only part of the limits";

pub(super) async fn answer(source: &Source, wanted: RecommendHost) -> Result<Reply, Failure> {
    let address = Address::of_model("/api/v1/preferences", &wanted.model)?.with_fields(&wanted, &["model"]);
    let Received { data, meta } = source.get(&address).await?;
    let Value::Object(mut data) = data else {
        return Err(Failure::NotTheApi { address: address.to_string(), status: 200 });
    };
    let is_given = data.get("provider").is_some_and(Value::is_object);
    // The limits alone are not a recommendation, and the router does not enforce all of them.
    data.remove("router_limits");
    if let Some(evidence) = data.remove("evidence") {
        let is_avoid = data.get("mode").and_then(Value::as_str) == Some(Mode::Avoid.as_str());
        data.insert(if is_avoid { "avoid" } else { "hosts" }.to_owned(), evidence);
    }
    let missing = match is_given {
        true => missing(source, &data).await?,
        false => Vec::new(),
    };
    let data = Value::Object(data);
    let withheld = if !is_given {
        Some(withheld(&data))
    } else if !missing.is_empty() {
        let target = text(&data, "target");
        Some(format!(
            "{PARTIAL}: {target} does not support {}; choose another target, or set the limits elsewhere",
            missing.join(", ")
        ))
    } else {
        None
    };
    let data = match &withheld {
        Some(why) => without_config(data, why),
        None => data,
    };
    let summary = match withheld.filter(|_| is_given) {
        Some(why) => format!("{}; {why}", summary(&data, is_given)),
        None => summary(&data, is_given),
    };
    Ok(Reply::new(summary, data, meta, &address))
}

/// Why there is no configuration if nothing is recommended.
fn withheld(data: &Value) -> String {
    let why = text(data, "why");
    let has_limits = data.get("limits").and_then(Value::as_object).is_some_and(|limits| !limits.is_empty());
    if has_limits { format!("{PARTIAL}: {why}") } else { format!("no configuration: {why}") }
}

/// The limiting fields of a preference that its target cannot express; empty if there are no limits.
async fn missing(source: &Source, data: &Map<String, Value>) -> Result<Vec<String>, Failure> {
    let limits = data.get("limits").and_then(Value::as_object);
    let provider = data.get("provider").and_then(Value::as_object);
    let Some((provider, _)) = provider.zip(limits.filter(|limits| !limits.is_empty())) else {
        return Ok(Vec::new());
    };
    let target = data.get("target").and_then(Value::as_str).unwrap_or_default();
    let Received { data: targets, .. } = source.get(&Address::of("/api/v1/targets")).await?;
    let known = targets.as_array().into_iter().flatten().find(|one| text(one, "name") == target);
    let fields: Vec<&str> =
        known.map_or(&[][..], |target| list(target, "fields")).iter().filter_map(Value::as_str).collect();
    let names = if provider.contains_key("only") { "only" } else { "ignore" };
    let needed = provider.keys().map(String::as_str).filter(|key| LIMITING.contains(key) || *key == names);
    Ok(needed.filter(|key| !fields.contains(key)).map(|key| format!("`{key}`")).collect())
}

/// The answer with the text of its target replaced by the reason why there is none.
fn without_config(mut data: Value, why: &str) -> Value {
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
