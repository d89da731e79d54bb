//! What `hitrate cost` and `hitrate workload` print for people.

use super::tables::{SIMULATED, clean, percent, table};
use super::workload::FitDocument;
use crate::cost::{Across, BreakEven, CostOfModel, EndpointCost, ToWin};
use crate::domain::format;
use crate::domain::workload::{CacheTtl, Workload};
use crate::request_log::{ReuseFrom, Skipped};

/// Dollars with three significant digits, and at least whole cents.
fn usd(amount: f64) -> String {
    format::usd_fixed(amount, 3)
}

fn known(amount: Option<f64>, usd: impl Fn(f64) -> String) -> String {
    amount.map_or_else(|| "-".into(), usd)
}

fn interval(low: Option<f64>, high: Option<f64>, usd: impl Fn(f64) -> String) -> String {
    low.zip(high).map_or_else(|| "-".into(), |(low, high)| format!("{} to {}", usd(low), usd(high)))
}

fn whole(share: f64) -> String {
    format::percent(share, 0)
}

fn thousands(count: f64) -> String {
    match count {
        c if c >= 9.95e5 => format!("{:.1} M", c / 1e6),
        c if c >= 9.95e3 => format!("{:.0} k", c / 1e3),
        c => format!("{c:.0}"),
    }
}

fn workload(workload: &Workload) -> String {
    format!(
        "{}: {} turns, {} prompt tokens (longest prompt: {}), {} of them reusable, {} output tokens{}",
        clean(&workload.name),
        workload.turns,
        thousands(workload.prompt_tokens()),
        thousands(workload.longest_prompt()),
        percent(Some(workload.reusable_share())),
        thousands(workload.output_tokens()),
        if workload.cache_ttl == CacheTtl::OneHour { ", cache writes kept for an hour" } else { "" }
    )
}

/// The endpoints of a model under a workload.
pub fn model(cost: &CostOfModel, simulated: bool) -> String {
    let header = [
        "endpoint",
        "tier",
        "session",
        "90 % interval",
        "cold in",
        "cached in",
        "writes",
        "output",
        "failures",
        "retention",
        "to be the cheapest",
        "beats the cheapest by list, cold",
    ];
    let mut rows = table(&header, 2);
    let usd = format::usd_column(cost.endpoints.iter().filter_map(|endpoint| endpoint.cost));
    for endpoint in &cost.endpoints {
        rows.add_row(row(endpoint, &usd));
    }
    let mut text = format!("{}, USD per session of {}\n", clean(&cost.model_id), workload(&cost.workload));
    if simulated {
        text.push_str(&format!("{SIMULATED}\n"));
    }
    text.push_str(&rows.to_string());
    text.push_str(&format!("\n{}", conclusion(cost)));
    for endpoint in cost.endpoints.iter().filter(|e| !e.is_choice) {
        let why = endpoint.why.as_deref().unwrap_or_default();
        text.push_str(&format!("\nNot compared: {}: {why}.", clean(endpoint.tag.as_str())));
    }
    for note in &cost.notes {
        text.push_str(&format!("\nNote: {note}."));
    }
    text
}

fn row(endpoint: &EndpointCost, usd: &impl Fn(f64) -> String) -> Vec<String> {
    let mark = match (endpoint.cheapest, endpoint.cheapest_by_list) {
        (true, true) => " (cheapest, also by list)",
        (true, false) => " (cheapest)",
        (false, true) => " (cheapest by list)",
        (false, false) => "",
    };
    let part =
        |of: fn(&crate::domain::session::SessionCost) -> f64| known(endpoint.parts.as_ref().map(of), usd);
    let assumed = if endpoint.assumed { " assumed" } else { "" };
    let retention = endpoint.basis.retention.map_or_else(|| "-".into(), |q| whole(q) + assumed);
    let to_win = match endpoint.to_win {
        ToWin::Cheapest { down_to: Some(q) } => format!("stays so down to {}", whole(q)),
        ToWin::Cheapest { down_to: None } => "is".to_owned(),
        ToWin::Needs { retention, .. } => format!("needs {}", whole(retention)),
        ToWin::Cannot { at_best } => format!("not even at 100 % ({})", usd(at_best)),
        ToWin::NotCompared => "-".to_owned(),
    };
    let break_even = match endpoint.break_even {
        Some(BreakEven::From { hit_rate }) if hit_rate <= 0.0 => "always".to_owned(),
        Some(BreakEven::From { hit_rate }) => format!("from a {} hit rate", whole(hit_rate)),
        Some(BreakEven::Never) => "never".to_owned(),
        None => "-".to_owned(),
    };
    vec![
        clean(endpoint.tag.as_str()) + mark,
        endpoint.tier.to_string(),
        known(endpoint.cost, usd),
        interval(endpoint.low, endpoint.high, usd),
        part(|p| p.cold_input),
        part(|p| p.cached_input),
        part(|p| p.writes),
        part(|p| p.output),
        part(|p| p.failures),
        retention,
        to_win,
        break_even,
    ]
}

fn conclusion(cost: &CostOfModel) -> String {
    let Some(cheapest) = &cost.cheapest else { return "There are no endpoints to compare.".to_owned() };
    let of = |tag| cost.endpoints.iter().find(|e| e.tag == tag).and_then(|e| e.cost);
    let best = clean(cheapest.as_str());
    match &cost.by_list {
        Some(list) if list.tag == *cheapest => {
            format!("The price list is right: {best} is the cheapest by list and in practice.")
        }
        Some(list) => format!(
            "By list price, {} is the cheapest; a session there actually costs {}, {} more than at {best} ({}).",
            clean(list.tag.as_str()),
            usd(list.cost),
            list.surcharge.map_or_else(|| "infinitely".into(), whole),
            known(of(cheapest.clone()), usd)
        ),
        None => format!("{best} is the only comparable endpoint."),
    }
}

/// The cheapest endpoints across all models.
pub fn across(ranked: &Across, simulated: bool) -> String {
    let header =
        ["rank", "model", "endpoint", "tier", "session", "90 % interval", "retention", "score", "context"];
    let mut rows = table(&header, 4);
    let usd = format::usd_column(ranked.rows.iter().map(|row| row.cost));
    for row in &ranked.rows {
        let assumed = if row.assumed { " assumed" } else { "" };
        rows.add_row([
            row.rank.to_string(),
            clean(&row.model_id),
            clean(row.tag.as_str()),
            row.tier.to_string(),
            usd(row.cost),
            interval(row.low, row.high, &usd),
            row.retention.map_or_else(|| "-".into(), |q| whole(q) + assumed),
            row.quality.map_or_else(|| "-".into(), |score| score.to_string()),
            row.context_length.map_or_else(|| "-".into(), |c| thousands(c as f64)),
        ]);
    }
    let mut text = format!("All models, USD per session of {}\n", workload(&ranked.workload));
    if simulated {
        text.push_str(&format!("{SIMULATED}\n"));
    }
    text.push_str(&format!(
        "{rows}\nShowing {} of {} endpoints; {}.",
        ranked.rows.len(),
        ranked.found,
        ranked.quality_note
    ));
    let reasons: Vec<String> = ranked
        .left_out
        .reasons()
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    if !reasons.is_empty() {
        text.push_str(&format!("\nExcluded: {}.", reasons.join("; ")));
    }
    text
}

/// What was recognised in a request log, and how well the fitted session represents it.
pub fn fit(document: &FitDocument) -> String {
    let fit = &document.fit;
    let shapes: Vec<String> =
        document.shapes.iter().map(|(shape, count)| format!("{count} recognised as {shape}")).collect();
    let mut lines = vec![format!(
        "{}: {} requests in {} lines, {}.",
        clean(&document.log),
        fit.requests,
        document.lines,
        shapes.join(", ")
    )];
    if !document.skipped.is_empty() {
        lines.push(format!("Skipped{}", skipped(&document.skipped)));
    }
    lines.push(grouped(document));
    lines.push(
        match fit.reuse_from {
            ReuseFrom::Found => "The cache found nearly everything, so the rest counts as new.",
            ReuseFrom::Growth => {
                "Prompts build on each other; the previous prompt counts as reusable, whether or not the cache found it."
            }
            ReuseFrom::FoundOnly => {
                "Prompts do not build on each other; only what the cache found counts as reusable. If the log \
                 reports no cached tokens, nothing counts as reusable."
            }
        }
        .to_owned(),
    );
    let cached = if fit.workload.output_cached { "are" } else { "are not" };
    let seen = if fit.output_cached_seen { "observed" } else { "assumed" };
    lines.push(format!("Outputs {cached} found in the cache on the next turn ({seen})."));
    let of = |what: &str, log: f64, fitted: f64| {
        format!("{what} {} (fitted {})", thousands(log), thousands(fitted))
    };
    lines.push(format!(
        "Mean session: {}, {}, {}, reusable {} (fitted {}).",
        of("turns", fit.log.turns, fit.fitted.turns),
        of("prompt tokens", fit.log.prompt_tokens, fit.fitted.prompt_tokens),
        of("output tokens", fit.log.output_tokens, fit.fitted.output_tokens),
        percent(Some(fit.log.reusable_share())),
        percent(Some(fit.fitted.reusable_share()))
    ));
    if let Some(hits) = fit.hit_rate {
        lines.push(format!("The log's own hit rate is {}.", percent(Some(hits))));
    }
    if let Some(cost) = fit.cost {
        lines.push(format!("The log's total cost is {}.", usd(cost)));
    }
    lines.join("\n")
}

fn grouped(document: &FitDocument) -> String {
    let fit = &document.fit;
    let groups = [
        (fit.grouping.by_id, "by session id"),
        (fit.grouping.by_time, "inferred from pauses and growing prompts, without session ids"),
        (fit.grouping.by_growth, "inferred from growing prompts alone, without session ids or times"),
    ];
    let groups: Vec<String> =
        groups.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}")).collect();
    let cuts = match fit.cuts {
        0 => String::new(),
        cuts => format!(", {cuts} of them started because less than half of a context was kept"),
    };
    format!("{} sessions{cuts}; requests grouped as follows: {}.", fit.sessions, groups.join(", "))
}

/// `: 3 lines (4, 9, 12): not valid JSON; …`
pub fn skipped(skipped: &[Skipped]) -> String {
    let one = |s: &Skipped| {
        let more = if s.lines > s.first.len() { ", …" } else { "" };
        let first: Vec<String> = s.first.iter().map(ToString::to_string).collect();
        let noun = if s.lines == 1 { "line" } else { "lines" };
        format!("{} {noun} ({}{more}): {}", s.lines, first.join(", "), s.reason)
    };
    let all: Vec<String> = skipped.iter().map(one).collect();
    if all.is_empty() { ".".to_owned() } else { format!(": {}.", all.join("; ")) }
}
