//! The cost of a session under one workload at the endpoints of a model, as bars with whiskers for their intervals.

use super::cost_bars;
use crate::cost::{CostOfModel, EndpointCost, compare};
use crate::site::parts::{assets, format, link};
use crate::snapshot::{ModelEntry, Snapshot};
use askama::Template;
use askama::filters::HtmlSafe;

/// Maximum number of bars in a drawing; the cheapest by list is always drawn in addition.
const BARS: usize = 10;
/// Number of characters of a tag that fit above its bar.
const TAG_CHARS: usize = 26;
/// Number of characters that fit above the drawing.
const HEAD_CHARS: usize = 42;

const LEFT: f64 = 8.0;
const REACH: f64 = 328.0;
const TOP: f64 = 4.0;
const ROW: f64 = 32.0;
/// Height below the bars, for the axis.
const FOOT: f64 = 40.0;

/// A mark of the axis.
#[derive(Debug, Clone)]
struct Tick {
    at: String,
    label: String,
    class: &'static str,
}

#[derive(Debug, Clone)]
struct Bar {
    class: &'static str,
    top: f64,
    tag: String,
    mark: &'static str,
    cost: String,
    width: String,
    /// Ends of the interval.
    whisker: Option<(String, String)>,
}

/// The drawing without its frame.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/session_bars.svg", escape = "html")]
struct Drawing {
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
    bottom: f64,
}
impl HtmlSafe for Drawing {}

/// The bars of one workload.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/session_bars.html")]
pub struct SessionBars {
    id: String,
    workload: String,
    about: String,
    title: String,
    /// The heading above the drawing, truncated to fit.
    head: String,
    verdict: String,
    drawing: Drawing,
    height: f64,
    /// Number of endpoints that are compared but not drawn.
    more: usize,
    /// Whether any bar has an interval.
    pub has_intervals: bool,
    address: String,
    calculator: String,
}
impl HtmlSafe for SessionBars {}

/// The same drawing as a standalone file, with its colours included.
#[derive(Debug, Template)]
#[template(path = "parts/session_bars_file.svg", escape = "html")]
struct BarsFile<'a> {
    bars: &'a SessionBars,
}

/// A cell of the table: the cost and its interval.
#[derive(Debug, Clone)]
pub struct SessionCell {
    /// The cost, or a text if it is unknown.
    pub text: String,
    /// The sort key; `None` if the cost is unknown.
    pub sort: Option<f64>,
    /// The cost at the list prices of now, if it differs from the usual one.
    pub now: Option<String>,
    /// Both ends of the 90 % interval.
    pub interval: Option<String>,
    /// Whether it is the cheapest of its workload.
    pub cheapest: bool,
}

/// The sessions of a model under every workload.
#[derive(Debug, Default)]
pub struct Sessions {
    /// The bars, one drawing per workload under which any cost is known.
    pub bars: Vec<SessionBars>,
    /// The rows of the table in the order of the model's endpoints, with one cell per workload.
    pub rows: Vec<Vec<SessionCell>>,
    /// The costs under the default workload.
    pub default: Option<CostOfModel>,
}

/// The sessions of a model under every workload of the snapshot.
pub fn of_model(snapshot: &Snapshot, model: &ModelEntry) -> Sessions {
    let compared: Vec<CostOfModel> = snapshot.workloads.iter().map(|w| compare(snapshot, model, w)).collect();
    let column = |cost: &CostOfModel| {
        let usd = format::usd_column(cost.endpoints.iter().filter_map(|e| e.cost));
        let of = |id| cost.endpoints.iter().find(|e| e.endpoint_id == id);
        model.endpoints.iter().map(|e| SessionCell::of(of(e.endpoint_id), &usd)).collect::<Vec<_>>()
    };
    let columns: Vec<Vec<SessionCell>> = compared.iter().map(column).collect();
    Sessions {
        bars: compared
            .iter()
            .enumerate()
            .filter_map(|(nth, cost)| SessionBars::new(nth, model, cost))
            .collect(),
        rows: (0..model.endpoints.len())
            .map(|nth| columns.iter().map(|column| column[nth].clone()).collect())
            .collect(),
        default: compared.into_iter().next(),
    }
}

/// The bars of one workload, for their file; `None` if there is no such workload or no cost is known under it.
pub fn of_workload(snapshot: &Snapshot, model: &ModelEntry, workload: &str) -> Option<SessionBars> {
    let workload = snapshot.workload(workload)?;
    SessionBars::new(0, model, &compare(snapshot, model, workload))
}

/// The file name of a workload's bars.
pub fn file_name(workload: &str) -> String {
    format!("session-{workload}.svg")
}

/// The workload whose bars a file contains.
pub fn workload_of(file: &str) -> Option<&str> {
    file.strip_prefix("session-")?.strip_suffix(".svg")
}

impl SessionCell {
    fn of(endpoint: Option<&EndpointCost>, usd: impl Fn(f64) -> String) -> Self {
        let cost = endpoint.and_then(|e| e.cost).filter(|cost| cost.is_finite());
        let ends = endpoint.filter(|_| cost.is_some()).and_then(|e| e.low.zip(e.high));
        Self {
            text: cost.map_or_else(|| "not priced".to_owned(), &usd),
            sort: cost,
            now: endpoint.and_then(EndpointCost::unusual_now).map(&usd),
            interval: ends
                .map(|(low, high)| (usd(low), usd(high)))
                .filter(|(low, high)| low != high)
                .map(|(low, high)| format!("{low} to {high}")),
            cheapest: endpoint.is_some_and(|e| e.cheapest),
        }
    }
}

impl SessionBars {
    /// Draws the `nth` comparison of a page; `None` if no endpoint can be compared.
    fn new(nth: usize, model: &ModelEntry, compared: &CostOfModel) -> Option<Self> {
        let choices: Vec<&EndpointCost> =
            compared.endpoints.iter().filter(|e| e.is_choice && e.cost.is_some_and(f64::is_finite)).collect();
        let shown: Vec<&EndpointCost> = choices
            .iter()
            .enumerate()
            .filter(|(rank, e)| *rank < BARS || e.cheapest_by_list)
            .map(|(_, e)| *e)
            .collect();
        let reach = shown.iter().filter_map(|e| e.high.or(e.cost)).fold(0.0, f64::max);
        let workload = &compared.workload;
        (reach > 0.0).then(|| Self {
            id: format!("session-{nth}"),
            workload: workload.title.clone(),
            about: format::counted(workload.turns as usize, "turn", "turns"),
            title: format!("{}: cost of a {} session by endpoint", model.name, workload.title.to_lowercase()),
            head: format::shorten(
                &format!("{}: {} session", model.name, workload.title.to_lowercase()),
                HEAD_CHARS,
            ),
            verdict: compared.conclusion(&cost_bars::STYLE),
            height: TOP + shown.len() as f64 * ROW + FOOT,
            more: choices.len() - shown.len(),
            has_intervals: shown.iter().any(|e| e.low.is_some() && e.high.is_some()),
            drawing: drawing(&shown, reach),
            address: link::model_chart(&model.model_id, &file_name(&workload.name)),
            calculator: link::cost_of(&model.model_id, &workload.name),
        })
    }

    /// The drawing as a standalone file.
    ///
    /// # Errors
    /// If the template cannot be rendered.
    pub fn file(&self) -> askama::Result<String> {
        BarsFile { bars: self }.render()
    }
}

fn drawing(shown: &[&EndpointCost], reach: f64) -> Drawing {
    let tick = |part: f64, class| Tick {
        at: format!("{:.1}", LEFT + part * REACH),
        label: format::usd(part * reach),
        class,
    };
    Drawing {
        bars: shown.iter().enumerate().map(|(rank, e)| bar(rank, e, reach)).collect(),
        ticks: vec![tick(0.0, "tick"), tick(0.5, "tick mid"), tick(1.0, "tick end")],
        bottom: TOP + shown.len() as f64 * ROW,
    }
}

fn bar(rank: usize, endpoint: &EndpointCost, reach: f64) -> Bar {
    let wide = |amount: f64| (amount / reach).clamp(0.0, 1.0) * REACH;
    let at = |amount: f64| format!("{:.1}", LEFT + wide(amount));
    let (class, mark) = match (endpoint.cheapest, endpoint.cheapest_by_list) {
        (true, true) => ("best", "cheapest, also by list"),
        (true, false) => ("best", "cheapest"),
        (false, true) => ("listed", "cheapest by list"),
        (false, false) => ("other", ""),
    };
    Bar {
        class,
        mark,
        top: TOP + rank as f64 * ROW,
        tag: format::shorten(endpoint.tag.as_str(), TAG_CHARS),
        cost: endpoint.cost.map_or(String::new(), format::usd),
        width: format!("{:.1}", wide(endpoint.cost.unwrap_or(0.0))),
        whisker: endpoint
            .low
            .zip(endpoint.high)
            .filter(|(low, high)| low < high)
            .map(|(low, high)| (at(low), at(high))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_workload() {
        assert_eq!(workload_of(&file_name("coding-agent")), Some("coding-agent"));
        assert_eq!(workload_of("hit-rate.svg"), None);
        assert_eq!(workload_of("session-chat.png"), None);
    }

    #[test]
    fn what_is_not_known_is_words() {
        let cell = SessionCell::of(None, format::usd);
        assert_eq!(
            (cell.text.as_str(), cell.sort, cell.interval, cell.cheapest),
            ("not priced", None, None, false)
        );
    }
}
