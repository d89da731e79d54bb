//! The index of providers.

use crate::domain::tier::Lens;
use crate::site::charts::spark::{DayAxis, Spark};
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, Cell, lens, link};
use crate::site::registry::Section;
use crate::snapshot::{ProviderEntry, Snapshot};
use askama::Template;

#[derive(Template)]
#[template(path = "providers.html")]
struct Providers<'a> {
    shell: Shell,
    workload: String,
    lenses: Vec<&'static str>,
    rows: Vec<Row<'a>>,
    /// Providers without an endpoint in the newest run.
    others: Vec<&'a ProviderEntry>,
}

struct Row<'a> {
    of: &'a ProviderEntry,
    badges: Vec<Badge>,
    models: Cell,
    endpoints: Cell,
    tokens: Cell,
    spark: Option<Spark>,
}

/// The badges of a provider, one per lens in the order of [`lenses`], under the default workload.
fn badges(snapshot: &Snapshot, provider: &ProviderEntry) -> Vec<Badge> {
    let row = |lens: Lens| snapshot.tier_of(&provider.provider, lens);
    lens::all().into_iter().map(|lens| Badge::of_any(row(lens))).collect()
}

/// Renders the index of providers, most used first.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let axis = DayAxis::of_providers(snapshot);
    let mut providers: Vec<&ProviderEntry> = snapshot.offering().collect();
    providers.sort_by(|a, b| b.tokens_per_day.total_cmp(&a.tokens_per_day).then(a.name.cmp(&b.name)));
    let row = |provider| Row {
        of: provider,
        badges: badges(snapshot, provider),
        models: Cell::count(provider.models.len()),
        endpoints: Cell::count(provider.endpoints),
        tokens: Cell::traffic(provider.tokens_per_day),
        spark: axis.and_then(|axis| Spark::new(&provider.days, axis)),
    };
    Providers {
        shell: Shell::of_page(
            view,
            Section::Providers,
            "providers",
            "Every provider with its tier under each lens.",
        ),
        workload: snapshot.default_title(),
        lenses: lens::all().into_iter().map(lens::title).collect(),
        rows: providers.into_iter().map(row).collect(),
        others: snapshot.providers.iter().filter(|provider| !provider.is_offering()).collect(),
    }
    .render()
}
