//! The tiers of a model's endpoints under every lens, each with its reason.

use crate::domain::tier::{Lens, Tier};
use crate::site::parts::{Badge, lens, link};
use crate::snapshot::{Endpoint, ModelEntry};
use askama::Template;
use askama::filters::HtmlSafe;

/// One row per endpoint, one column per lens.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/lenses.html")]
pub struct LensTable<'a> {
    lenses: Vec<&'static str>,
    rows: Vec<Row<'a>>,
}
impl HtmlSafe for LensTable<'_> {}

#[derive(Debug, Clone)]
struct Row<'a> {
    of: &'a Endpoint,
    /// The page of the endpoint, except on that page.
    href: Option<String>,
    tiers: Vec<Verdict>,
}

#[derive(Debug, Clone)]
struct Verdict {
    lens: &'static str,
    badge: Badge,
    why: String,
}

impl<'a> LensTable<'a> {
    /// Builds the table with the endpoints in the order of the model.
    pub fn new(model: &'a ModelEntry) -> Self {
        let href = |e: &Endpoint| Some(link::endpoint_of(model, e));
        Self::of(model.endpoints.iter(), href)
    }

    /// The table of one endpoint.
    pub fn of_one(endpoint: &'a Endpoint) -> Self {
        Self::of(std::iter::once(endpoint), |_| None)
    }

    fn of(endpoints: impl Iterator<Item = &'a Endpoint>, href: impl Fn(&Endpoint) -> Option<String>) -> Self {
        let row = |endpoint: &'a Endpoint| Row {
            of: endpoint,
            href: href(endpoint),
            tiers: lens::all().into_iter().map(|lens| verdict(endpoint, lens)).collect(),
        };
        Self {
            lenses: lens::all().into_iter().map(lens::title).collect(),
            rows: endpoints.map(row).collect(),
        }
    }
}

fn verdict(endpoint: &Endpoint, lens: Lens) -> Verdict {
    let found = endpoint.verdicts.get(&lens);
    Verdict {
        lens: lens::title(lens),
        badge: Badge::new(found.map_or(Tier::Unrated, |verdict| verdict.tier)),
        why: found
            .map_or_else(|| "not included in the newest analysis".to_owned(), |verdict| verdict.why.clone()),
    }
}
