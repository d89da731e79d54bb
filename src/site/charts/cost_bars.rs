//! What a session costs at the endpoints of a model, as bars of its parts.

use crate::cost::{BreakEven, CostOfModel, EndpointCost, ToWin};
use crate::domain::session::SessionCost;
use crate::domain::workload::CacheTtl;
use crate::site::parts::{format, link};
use crate::snapshot::ModelEntry;
use crate::wording::price_list::Style;
use askama::Template;
use askama::filters::HtmlSafe;

/// Width of a bar's drawing; the most expensive end of all bars reaches it.
const BAR_WIDTH: f64 = 300.0;

/// The endpoints of a model under one workload, with bars that show the parts of the session cost.
#[derive(Debug, Template)]
#[template(path = "parts/cost.html")]
pub struct CostPart {
    summary: String,
    verdict: String,
    rows: Vec<CostRow>,
    notes: Vec<String>,
}

impl HtmlSafe for CostPart {}

#[derive(Debug)]
struct CostRow {
    of: EndpointCost,
    /// The page of the endpoint.
    href: String,
    cost: String,
    now: Option<String>,
    interval: Option<String>,
    /// Class, left end and width of each part.
    parts: Vec<(&'static str, String, String)>,
    /// Ends of the interval.
    whisker: Option<(String, String)>,
    spoken: String,
}

/// Class, name and amount of a part.
type Part = (&'static str, &'static str, fn(&SessionCost) -> f64);

/// Parts of a session by class and name, in the order they are drawn.
const PARTS: [Part; 5] = [
    ("cold", "cold input", |p| p.cold_input),
    ("cached", "cached input", |p| p.cached_input),
    ("writes", "writes", |p| p.writes),
    ("output", "output", |p| p.output),
    ("failures", "failures", |p| p.failures),
];

impl CostPart {
    /// The costs of the endpoints of `model`.
    pub fn new(model: &ModelEntry, cost: CostOfModel) -> Self {
        let shown = cost.endpoints.iter().filter(|e| e.cost.is_some());
        let reach = shown.filter_map(|e| e.high.or(e.cost)).fold(0.0, f64::max);
        let workload = &cost.workload;
        let costs: Vec<f64> = cost.endpoints.iter().filter_map(|e| e.cost).collect();
        let usd = format::usd_column(costs.into_iter());
        Self {
            summary: format!(
                "{}: {}, {} prompt tokens, of which {} can be read from a cache, {} output tokens{}.",
                workload.title,
                format::counted(workload.turns as usize, "turn", "turns"),
                format::tokens(cost.prompt_tokens),
                format::percent(cost.reusable_share),
                format::tokens(cost.output_tokens),
                if workload.cache_ttl == CacheTtl::OneHour {
                    "; cache writes are kept for an hour"
                } else {
                    ""
                }
            ),
            verdict: cost.conclusion(&STYLE),
            rows: cost.endpoints.into_iter().map(|e| row(model, e, reach, &usd)).collect(),
            notes: cost.notes,
        }
    }
}

/// How pages write a conclusion about the price list.
pub const STYLE: Style = Style { usd: format::usd, percent: format::percent, tag: str::to_owned };

fn row(model: &ModelEntry, endpoint: EndpointCost, reach: f64, usd: impl Fn(f64) -> String) -> CostRow {
    let at = |amount: f64| if reach > 0.0 { amount / reach * BAR_WIDTH } else { 0.0 };
    let (mut left, mut parts, mut spoken) = (0.0, Vec::new(), Vec::new());
    for (class, name, of) in PARTS {
        let amount = endpoint.parts.as_ref().map_or(0.0, of);
        if amount > 0.0 {
            parts.push((class, format!("{left:.1}"), format!("{:.1}", at(amount))));
            spoken.push(format!("{name} {}", format::usd(amount)));
            left += at(amount);
        }
    }
    let of = model.endpoints.iter().find(|of| of.endpoint_id == endpoint.endpoint_id);
    let ends = endpoint.low.zip(endpoint.high);
    CostRow {
        href: of.map_or_else(|| link::model(&model.model_id), |of| link::endpoint_of(model, of)),
        cost: endpoint.cost.map_or_else(|| "unknown".to_owned(), &usd),
        now: endpoint.unusual_now().map(&usd),
        interval: ends.map(|(low, high)| format!("{} to {}", usd(low), usd(high))),
        parts,
        whisker: ends.map(|(low, high)| (format!("{:.1}", at(low)), format!("{:.1}", at(high)))),
        spoken: match (&endpoint.parts, spoken.is_empty()) {
            (None, _) => "unknown".to_owned(),
            (Some(_), true) => "nothing to pay".to_owned(),
            (Some(_), false) => spoken.join(", "),
        },
        of: endpoint,
    }
}

fn retention(endpoint: &EndpointCost) -> String {
    let assumed = if endpoint.assumed { " (assumed)" } else { "" };
    endpoint.basis.retention.map_or_else(|| "unknown".to_owned(), |q| format::percent(q) + assumed)
}

fn to_win(endpoint: &EndpointCost) -> String {
    match endpoint.to_win {
        ToWin::Cheapest { down_to: Some(q) } => format!("stays cheapest down to {}", format::percent(q)),
        ToWin::Cheapest { down_to: None } => "always cheapest".to_owned(),
        ToWin::Needs { retention, .. } => format!("needs {}", format::percent(retention)),
        ToWin::Cannot { at_best } => format!("not even at 100\u{202f}% ({})", format::usd(at_best)),
        ToWin::NotCompared => "not compared".to_owned(),
    }
}

fn break_even(endpoint: &EndpointCost) -> String {
    match endpoint.break_even {
        Some(BreakEven::From { hit_rate }) if hit_rate <= 0.0 => "always".to_owned(),
        Some(BreakEven::From { hit_rate }) => format!("from a {} hit rate", format::percent(hit_rate)),
        Some(BreakEven::Never) => "never".to_owned(),
        None => "–".to_owned(),
    }
}
