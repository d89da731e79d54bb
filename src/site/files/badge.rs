//! Badges for other people's pages: a label, a letter and a colour as a self-contained SVG.

use crate::domain::tier::{Lens, Tier};
use crate::site::parts::picks::picks;
use crate::site::parts::shell::View;
use crate::site::parts::week::Week;
use crate::site::parts::{effect_with_unit, format, lens};
use crate::snapshot::{ModelEntry, ProviderTier, Snapshot};
use askama::Template;
use uuid::Uuid;

/// The style of badges: the tier colours of the light scheme, because the background of a badge is unknown.
pub const STYLE: &str = include_str!("../../../templates/assets/badge.css");
/// Approximate width of a character of the badge's font at 11 px; the SVG makes the text fit the resulting width.
const CHARACTER: f64 = 6.6;
const PADDING: f64 = 7.0;
/// Longer texts are truncated.
const LONGEST: usize = 36;

#[derive(Template)]
#[template(path = "badge.svg", escape = "html")]
struct File {
    class: &'static str,
    label: String,
    value: String,
    spoken: String,
    left: f64,
    right: f64,
    label_width: f64,
    value_width: f64,
}

fn width(text: &str) -> f64 {
    (text.chars().count() as f64 * CHARACTER).round()
}

fn file(view: &View, label: &str, value: &str, class: &'static str) -> askama::Result<String> {
    // A badge with simulated data on someone's page must not be mistaken for a real one.
    let prefix = if view.snapshot.simulated { "simulated " } else { "" };
    let label = format::shorten(&format!("{prefix}{label}"), LONGEST);
    let value = format::shorten(value, LONGEST);
    let (label_width, value_width) = (width(&label), width(&value));
    File {
        class,
        spoken: format!("{label}: {value}"),
        left: label_width + 2.0 * PADDING,
        right: value_width + 2.0 * PADDING,
        label_width,
        value_width,
        label,
        value,
    }
    .render()
}

fn tier_in_words(row: &ProviderTier, lens: Lens) -> String {
    match (row.tier, row.adjusted) {
        (Tier::Unrated, _) | (_, None) => "unrated".to_owned(),
        (tier, Some(value)) => format!("{tier}  {}", effect_with_unit(lens, value)),
    }
}

/// A provider's tier under a lens and the default workload; `None` if there is no such provider.
///
/// # Errors
/// If the template cannot be rendered.
pub fn of_provider(view: &View, slug: &str, lens: Lens) -> askama::Result<Option<String>> {
    let snapshot = view.snapshot.as_ref();
    let Some(provider) = snapshot.provider(slug) else { return Ok(None) };
    let row = snapshot.tier_of(&provider.provider, lens);
    let value = row.map_or_else(|| "unrated".to_owned(), |row| tier_in_words(row, lens));
    let class = row.map_or("U", |row| crate::site::parts::class(row.tier));
    let label = format!("{} tier", lens::title(lens).to_lowercase());
    file(view, &label, &value, class).map(Some)
}

/// The best host of a model under a lens: the cheapest session for `cost`, otherwise the best verdict.
fn best(snapshot: &Snapshot, model: &ModelEntry, lens: Lens) -> Option<(String, Tier)> {
    if lens == Lens::Cost {
        let picked = picks(snapshot, model)?;
        return Some((picked.by_session.tag.to_string(), picked.by_session.tier));
    }
    let better = lens.cuts().higher_is_better;
    let rated = model.endpoints.iter().filter_map(|e| {
        let verdict = e.verdicts.get(&lens).filter(|v| v.tier != Tier::Unrated)?;
        Some((verdict.value.filter(|v| v.is_finite())?, e, verdict.tier))
    });
    let best = rated.max_by(|a, b| if better { a.0.total_cmp(&b.0) } else { b.0.total_cmp(&a.0) })?;
    Some((best.1.tag.to_string(), best.2))
}

/// A model's best host under a lens; `None` if there is no such model.
///
/// # Errors
/// If the template cannot be rendered.
pub fn of_model(view: &View, id: &str, lens: Lens) -> askama::Result<Option<String>> {
    let Some(model) = view.snapshot.model(id) else { return Ok(None) };
    let label = match lens {
        Lens::Cost => "cheapest host",
        Lens::Cache => "best cache",
        Lens::Reliability => "most reliable host",
        Lens::Speed => "fastest host",
        Lens::Overall => "best host",
    };
    let (value, class) = match best(&view.snapshot, model, lens) {
        Some((tag, tier)) if tier != Tier::Unrated => {
            (format!("{tag}  {tier}"), crate::site::parts::class(tier))
        }
        Some((tag, _)) => (tag, "U"),
        None => ("no choice".to_owned(), "U"),
    };
    file(view, label, &value, class).map(Some)
}

/// An endpoint within its model: its cost tier and its hit rate over seven days; `None` if there is no such endpoint.
///
/// # Errors
/// If the template cannot be rendered.
pub fn of_endpoint(view: &View, id: &str, endpoint: Uuid) -> askama::Result<Option<String>> {
    let model = view.snapshot.model(id);
    let found = model.and_then(|model| model.endpoints.iter().find(|e| e.endpoint_id == endpoint));
    let Some(endpoint) = found else { return Ok(None) };
    let hits = Week::of(endpoint, &view.snapshot).hit_rate;
    let hits = hits.map_or_else(|| "no traffic".to_owned(), |rate| format!("{} hits", format::percent(rate)));
    let value = match endpoint.tier {
        Tier::Unrated => hits,
        tier => format!("{tier}  {hits}"),
    };
    file(view, endpoint.tag.as_str(), &value, crate::site::parts::class(endpoint.tier)).map(Some)
}
