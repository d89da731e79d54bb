//! Who serves the traffic.

use crate::domain::share::{CAUTION, ShareRow};
use crate::site::parts::shares::{self, Jump, Shares};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Cell, format, link};
use crate::site::registry::Section;
use crate::snapshot::{ModelEntry, Snapshot};
use askama::Template;

/// Number of models whose concentration is shown.
const MODELS: usize = 20;

#[derive(Template)]
#[template(path = "share.html")]
struct SharePage<'a> {
    shell: Shell,
    caution: &'static str,
    /// The days that the figures are based on, in words.
    days: Option<String>,
    shares: Shares,
    models: Vec<(&'a ModelEntry, Vec<Cell>)>,
    jumps: Vec<Jump>,
}

/// Renders the page.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let report = snapshot.share.of_providers();
    let counted: Vec<_> = report.counted().collect();
    let days = counted.first().zip(counted.last()).map(|(first, last)| {
        let (one, many) = if report.partial { ("day", "days") } else { ("complete day", "complete days") };
        let count = format::counted(counted.len(), one, many);
        let (first, last) = (format::short_day(first.day), format::short_day(last.day));
        if first == last { format!("{count}, {last} UTC") } else { format!("{count}, {first} to {last} UTC") }
    });
    SharePage {
        shell: Shell::of_page(
            view,
            Section::Share,
            "Who serves the traffic",
            "Share of the tokens by provider and endpoint over time, and how concentrated it is.",
        ),
        caution: CAUTION,
        days,
        shares: shares::of_providers(snapshot, &report),
        models: models(snapshot),
        jumps: shares::jumps(snapshot, &report),
    }
    .render()
}

/// The busiest models with the concentration of their traffic.
fn models(snapshot: &Snapshot) -> Vec<(&ModelEntry, Vec<Cell>)> {
    let busiest = snapshot.models.iter().take(MODELS);
    busiest.filter_map(|model| Some((model, concentration(snapshot, model)?))).collect()
}

/// `None` without traffic on the last days that count.
fn concentration(snapshot: &Snapshot, model: &ModelEntry) -> Option<Vec<Cell>> {
    let report = snapshot.share.of_model(&model.model_id, &model.slug, &model.variant);
    let found = report.concentration?;
    let largest = report.shares.first();
    let name =
        |row: &ShareRow| row.tag.as_ref().map_or_else(|| row.provider.to_string(), ToString::to_string);
    Some(vec![
        Cell::count(found.half).labelled("have half"),
        Cell::count(found.with_traffic).labelled("endpoints"),
        Cell::number(Some(found.hhi), |hhi| format!("{hhi:.2}"), "unknown").labelled("HHI"),
        Cell::number(largest.and_then(|row| row.share), shares::share, "unknown").labelled("largest"),
        Cell::words(largest.map(name), "unknown").labelled("which"),
    ])
}
