//! The index of providers.

use crate::domain::tier::Lens;
use crate::site::charts::spark::{DayAxis, Spark};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, Cell, format, lens, link};
use crate::site::registry::Section;
use crate::snapshot::{ProviderEntry, Snapshot};
use askama::Template;

#[derive(Template)]
#[template(path = "providers.html")]
struct Providers {
    shell: Shell,
    workload: String,
    lenses: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    name: String,
    slug: String,
    badges: Vec<Badge>,
    models: Cell,
    endpoints: Cell,
    tokens: Cell,
    spark: Option<Spark>,
}

/// The badges of a provider, one per lens in the order of [`lenses`], under the default workload.
fn badges(snapshot: &Snapshot, provider: &ProviderEntry) -> Vec<Badge> {
    let badge = |lens: Lens| {
        let list = snapshot.tier_list(lens, None)?;
        let row = list.providers.iter().find(|row| row.provider == provider.provider)?;
        Some(Badge::of(row))
    };
    let none = || Badge::new(crate::domain::tier::Tier::Unrated);
    lens::all().into_iter().map(|lens| badge(lens).unwrap_or_else(none)).collect()
}

/// Renders the index of providers, most used first.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let axis = DayAxis::over(snapshot.providers.iter().flat_map(|p| p.days.iter().map(|d| d.day)));
    let mut providers: Vec<&ProviderEntry> = snapshot.providers.iter().collect();
    providers.sort_by(|a, b| b.tokens_per_day.total_cmp(&a.tokens_per_day).then(a.name.cmp(&b.name)));
    let row = |provider: &ProviderEntry| Row {
        href: link::provider(provider.provider.as_str()),
        name: provider.name.clone(),
        slug: provider.provider.to_string(),
        badges: badges(snapshot, provider),
        models: Cell::count(provider.models.len()),
        endpoints: Cell::count(provider.endpoints),
        tokens: Cell::number(
            (provider.tokens_per_day > 0.0).then_some(provider.tokens_per_day),
            format::tokens,
            "no traffic",
        ),
        spark: axis.and_then(|axis| Spark::new(&provider.days, axis)),
    };
    Providers {
        shell: Shell::of_page(
            view,
            Section::Providers,
            "providers",
            "Every provider with its tier under each lens.",
        ),
        workload: snapshot.workloads.first().map_or(String::new(), |w| w.title.to_lowercase()),
        lenses: lens::all().into_iter().map(lens::title).collect(),
        rows: providers.into_iter().map(row).collect(),
    }
    .render()
}
