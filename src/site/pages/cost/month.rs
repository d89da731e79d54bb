//! The month of a bill at every host.

use super::fields::{Asked, Fields};
use crate::cost::{CostOfModel, EndpointMonth};
use crate::preferences::{Mode, of_endpoint};
use crate::site::charts::cost_bars::STYLE;
use crate::site::parts::shell::View;
use crate::site::parts::{Badge, format, link, preference};
use crate::snapshot::{ModelEntry, Snapshot};
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

/// The fields that the links of the result repeat.
const FIELDS: [&str; 9] = [
    "model",
    "bill",
    "workload",
    "turns",
    "first_prompt",
    "new_input",
    "output",
    "output_cached",
    "cache_ttl",
];

/// What a month costs at each host, and the setting that pins one of them.
#[derive(Debug, Template)]
#[template(path = "parts/month.html")]
pub struct MonthPart {
    assumption: String,
    conclusion: Option<String>,
    rows: Vec<Row>,
    has_bill: bool,
    /// Address of the page with the recommended setting.
    config: String,
    pin: Option<Pin>,
}

impl HtmlSafe for MonthPart {}

#[derive(Debug)]
struct Row {
    of: EndpointMonth,
    badge: Option<Badge>,
    usd: String,
    /// The month at the prices of now, if it differs.
    now: Option<String>,
    interval: String,
    change: String,
    /// The direction of the change: `up`, `down` or nothing.
    class: &'static str,
    is_recommended: bool,
    /// The same page with this host pinned, and with the bill paid at it.
    pin: String,
    pay: String,
}

/// The setting that sends every request to one host.
#[derive(Debug)]
struct Pin {
    tag: String,
    /// The JSON of a request; `None` if the host cannot be named alone.
    json: Option<String>,
    /// Why it cannot be named alone.
    why_none: Option<String>,
    warnings: Vec<String>,
}

impl MonthPart {
    /// Builds the result; `None` if no month was stated.
    pub fn new(view: &View, asked: &Asked, cost: &CostOfModel, fields: Fields) -> Option<Self> {
        let month = cost.monthly.as_ref()?;
        let snapshot = view.snapshot.as_ref();
        let recommended = preference::recommended(snapshot, asked.model, view.now);
        let usd = format::usd_bills(month.endpoints.iter().map(|row| row.usd));
        let rows = month.endpoints.iter().map(|row| Row {
            badge: asked
                .model
                .endpoints
                .iter()
                .find(|e| e.endpoint_id == row.endpoint_id)
                .map(Badge::of_endpoint),
            usd: usd(row.usd),
            now: row.unusual_now().map(&usd),
            interval: row.low.zip(row.high).filter(|_| !row.is_present).map_or_else(
                || if row.is_present { "your bill" } else { "interval unknown" }.to_owned(),
                |(low, high)| format!("{} to {}", usd(low), usd(high)),
            ),
            change: row
                .change
                .filter(|_| !row.is_present)
                .map_or_else(|| "–".to_owned(), format::percent_change),
            class: match row.change {
                Some(change) if change <= -0.005 => "up",
                Some(change) if change >= 0.005 => "down",
                _ => "",
            },
            is_recommended: recommended.iter().any(|e| e.endpoint_id == row.endpoint_id),
            pin: address(fields, asked, &[("at", asked.at.as_deref()), ("pin", Some(row.tag.as_str()))])
                + "#pin",
            pay: address(fields, asked, &[("at", Some(row.tag.as_str()))]),
            of: row.clone(),
        });
        Some(Self {
            assumption: month.assumption(&cost.workload.title.to_lowercase(), &STYLE),
            conclusion: month.conclusion(&STYLE),
            has_bill: month.bill.is_some(),
            config: link::model(&asked.model.model_id),
            pin: pin(snapshot, asked.model, &fields.word("pin"), view.now),
            rows: rows.collect(),
        })
    }
}

/// The calculator with the same fields, the model by its id, and some fields of its own.
fn address(fields: Fields, asked: &Asked, own: &[(&str, Option<&str>)]) -> String {
    let same = FIELDS.into_iter().map(|name| match name {
        "model" => (name, asked.model.model_id.clone()),
        _ => (name, fields.word(name)),
    });
    let own = own.iter().map(|(name, value)| (*name, value.unwrap_or_default().to_owned()));
    let pairs: Vec<String> = same
        .chain(own)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", link::encode(&value)))
        .collect();
    format!("/cost?{}", pairs.join("&"))
}

/// The same result in the API.
pub fn json_twin(asked: &Asked, fields: Fields) -> String {
    let twin = link::cost_json(&asked.model.model_id);
    let own = [("at", asked.at.as_deref().filter(|_| asked.month.is_some()))];
    let page = address(fields, asked, &own);
    let query: Vec<&str> = page
        .split_once('?')
        .map_or("", |(_, query)| query)
        .split('&')
        .filter(|pair| !pair.starts_with("model="))
        .collect();
    if query.is_empty() { twin } else { format!("{twin}?{}", query.join("&")) }
}

/// The setting for the host with this tag, that of the endpoint's page; `None` if the model has no such endpoint.
fn pin(snapshot: &Snapshot, model: &ModelEntry, tag: &str, now: DateTime<Utc>) -> Option<Pin> {
    let endpoint = model.endpoints.iter().find(|endpoint| endpoint.tag.as_str() == tag)?;
    let made = of_endpoint(snapshot, model, endpoint, Mode::Pin, now);
    let json = made.provider.map(|provider| {
        let request = serde_json::json!({ "model": model.model_id, "provider": provider });
        serde_json::to_string_pretty(&request).unwrap_or_default()
    });
    Some(Pin {
        tag: endpoint.tag.to_string(),
        json: json.filter(|text| !text.is_empty()),
        why_none: made.reason.map(|why| preference::quoted(&why)),
        warnings: made.warnings.iter().map(|warning| preference::quoted(warning)).collect(),
    })
}

/// The hosts that a bill can be paid at, by name: value, text, and whether it is chosen.
pub fn hosts(asked: &Asked, cost: &CostOfModel) -> Vec<(String, String, bool)> {
    let chosen = asked.at.as_deref().map(|at| cost.hosts(at)).unwrap_or_default();
    let mut all: Vec<(String, String, bool)> = cost
        .endpoints
        .iter()
        .filter(|row| row.cost.is_some())
        .map(|row| {
            let is_chosen = matches!(chosen.as_slice(), [one] if one.endpoint_id == row.endpoint_id);
            (row.tag.to_string(), format!("{} ({})", format::shorten(&row.name, 40), row.tag), is_chosen)
        })
        .collect();
    all.sort_by_key(|(_, text, _)| text.to_lowercase());
    if let [first, _, ..] = chosen.as_slice() {
        let text = format!("{}, all its endpoints", format::shorten(&first.name, 40));
        all.insert(0, (first.provider.to_string(), text, true));
    }
    all
}
