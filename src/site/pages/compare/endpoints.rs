//! Endpoints side by side.

use super::{Best, Group, Head, Measure, Shown, Style, Table, numbers, words};
use crate::site::charts::day_chart::DayChart;
use crate::site::charts::{self, OfModel, Window};
use crate::site::parts::facts::{prompts, without_uptime};
use crate::site::parts::week::Week;
use crate::site::parts::{Badge, Cell, flags, format, link};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};

type Pair<'a> = (&'a ModelEntry, &'a Endpoint);

pub fn table(snapshot: &Snapshot, all: &[Pair]) -> Table {
    let same_model = all.windows(2).all(|pair| pair[0].0.model_id == pair[1].0.model_id);
    let head = |(model, endpoint): &Pair| Head {
        href: link::endpoint_of(model, endpoint),
        name: endpoint.name.clone(),
        sub: format!("{} · {}", endpoint.tag, model.model_id),
    };
    Table {
        heads: all.iter().map(head).collect(),
        groups: vec![
            verdict(all),
            cost(snapshot, all),
            caching(snapshot, all),
            service(snapshot, all),
            limits(all),
        ],
        charts: charts(snapshot, all),
        note: match same_model {
            true => "The best value of each row is highlighted. All serve the same model.",
            false => {
                "These endpoints serve different models. Each tier is relative to the peers on its own model."
            }
        },
        shared: None,
    }
}

fn verdict(all: &[Pair]) -> Group {
    let tier = |(_, e): &Pair| Shown::Tier(Badge::new(e.tier), e.why.clone());
    let flags = |(_, e): &Pair| match e.flags.is_empty() {
        true => "none".to_owned(),
        false => flags::describe(e),
    };
    let tiers = Measure {
        name: "Tier within its model".to_owned(),
        unit: String::new(),
        cells: all.iter().map(tier).collect(),
    };
    Group { title: "Verdict", rows: vec![tiers, words(all, "Flags", flags)] }
}

fn cost(snapshot: &Snapshot, all: &[Pair]) -> Group {
    let usd = |absent: &'static str| -> Style { (format::usd, absent, Best::Lowest) };
    let session = |w: &crate::domain::workload::Workload| {
        let title = format!("{} session", w.title);
        numbers(all, &title, "USD", |(_, e)| e.session_cost.get(&w.name).copied(), usd("not priced"))
    };
    let mut rows: Vec<Measure> = snapshot.workloads.iter().map(session).collect();
    let million = "USD per million";
    rows.push(numbers(all, "Input, paid", million, |(_, e)| e.effective.input, usd("no traffic")));
    rows.push(numbers(all, "Output, paid", million, |(_, e)| e.effective.output, usd("no traffic")));
    rows.push(numbers(all, "Input, listed", million, |(_, e)| e.list.input, usd("not listed")));
    rows.push(numbers(all, "Cache read, listed", million, |(_, e)| e.list.cache_read, usd("not listed")));
    rows.push(numbers(all, "Cache write, listed", million, |(_, e)| e.list.cache_write, usd("not listed")));
    let hour = |(_, e): &Pair| e.list.cache_write_1h;
    rows.push(numbers(all, "Cache write for 1 h, listed", million, hour, usd("not listed")));
    rows.push(numbers(all, "Output, listed", million, |(_, e)| e.list.output, usd("not listed")));
    for row in &mut rows {
        Cell::align_usd(row.cells.iter_mut().filter_map(Shown::number));
    }
    Group { title: "Cost", rows }
}

fn caching(snapshot: &Snapshot, all: &[Pair]) -> Group {
    let range = |(_, e): &Pair| match Week::of(e, snapshot).range {
        Some((low, high)) => format!("{} to {}", format::percent(low), format::percent(high)),
        None => "fewer than two days".to_owned(),
    };
    let hits: Style = (format::percent, "no traffic", Best::Highest);
    let used: Style = (format::tokens, "no traffic", Best::None);
    let size: Style = (format::tokens, "unknown", Best::None);
    let paid: Style = (format::percent, "unknown", Best::None);
    Group {
        title: "Caching",
        rows: vec![
            numbers(all, "Hit rate", "newest window", |(_, e)| e.hit_rate, hits),
            words(all, "Lowest to highest day, 7 days", range),
            numbers(all, "Paid of list", "input", |(_, e)| e.realised_discount, paid),
            numbers(all, "Tokens a day", "", |(_, e)| e.tokens_per_day, used),
            numbers(all, "Tokens a request", "", |(_, e)| e.tokens_per_request, size),
        ],
    }
}

fn service(snapshot: &Snapshot, all: &[Pair]) -> Group {
    let without_uptime = without_uptime(snapshot);
    let share = |absent: &'static str| -> Style { (format::percent_fine, absent, Best::Highest) };
    let speed: Style = (|v| format!("{v:.0}"), "not measured", Best::Highest);
    let wait: Style = (format::milliseconds, "not measured", Best::Lowest);
    Group {
        title: "Service",
        rows: vec![
            numbers(all, "Uptime", "30 min", |(_, e)| e.uptime_30m, share(without_uptime)),
            numbers(all, "Uptime", "1 day", |(_, e)| e.uptime_1d, share(without_uptime)),
            numbers(all, "Availability", "1 day", |(_, e)| e.availability, share("not published")),
            numbers(all, "Speed", "tokens per second", |(_, e)| e.throughput, speed),
            numbers(all, "First token", "", |(_, e)| e.latency_ms, wait),
        ],
    }
}

fn limits(all: &[Pair]) -> Group {
    let stated = |text: Option<&str>| text.unwrap_or("not stated").to_owned();
    let length = |n: Option<i64>| n.map_or_else(|| "not stated".to_owned(), format::context);
    Group {
        title: "Limits and policy",
        rows: vec![
            words(all, "Quantization", |(_, e)| stated(e.facts.quantization.as_deref())),
            words(all, "Context", |(_, e)| length(e.facts.context_length)),
            words(all, "Longest prompt", |(_, e)| length(e.prompt_limit())),
            words(all, "Longest answer", |(_, e)| length(e.facts.max_completion_tokens)),
            words(all, "Offered since", |(_, e)| format::moment(e.since())),
            words(all, "Deprecated", |(_, e)| {
                e.facts.deprecation_date.map_or_else(|| "no date set".to_owned(), format::moment)
            }),
            words(all, "Region", |(_, e)| stated(e.facts.region.as_deref())),
            words(all, "Prompts", |(_, e)| stated(prompts(e))),
        ],
    }
}

fn charts(snapshot: &Snapshot, all: &[Pair]) -> Vec<DayChart> {
    let model = |(model, _): &Pair| model.model_id.clone();
    let same_model = all.windows(2).all(|pair| model(&pair[0]) == model(&pair[1]));
    // The tag comes first: it is what differs most between lines.
    let name = |pair: &Pair| match same_model {
        true => pair.1.tag.to_string(),
        false => format!("{} · {}", pair.1.tag, model(pair)),
    };
    let chart = |what: OfModel| {
        let shown = all.iter().map(|pair| (name(pair), pair.0, pair.1));
        charts::of_endpoints(snapshot, what, what.title().to_owned(), Window::all(), shown)
    };
    let shown = [OfModel::HitRate, OfModel::EffectivePrice, OfModel::Uptime, OfModel::Throughput];
    shown.into_iter().filter_map(chart).collect()
}
