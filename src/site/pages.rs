//! The pages of a snapshot, rendered once and kept until the snapshot or the words about its age change.

use super::clean::clean;
use super::files::{self, File};
use super::shell::View;
use super::{SiteState, changes, front, link, method, model, models, provider, providers, status};
use crate::domain::tier::Lens;
use crate::prepared::{Bounds, Prepared, Shelf};
use crate::snapshot::Snapshot;
use std::sync::Arc;

/// Content type of every page.
pub const HTML: &str = "text/html; charset=utf-8";

/// A page that is the same for everybody. Only names that the snapshot knows make one, so that there are no more pages
/// than a snapshot has, whatever addresses are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Page {
    /// A tier list under a lens, and a workload where the lens needs one.
    Front(Lens, Option<String>),
    /// The index of models.
    Models,
    /// A model by its public id.
    Model(String),
    /// The index of providers.
    Providers,
    /// A provider by its base slug.
    Provider(String),
    /// The method.
    Method,
    /// How the collection is doing.
    Status,
    /// What changed.
    Changes,
    /// A file beside the pages.
    File(File),
}

/// What makes kept pages true: the snapshot they show, and its age as they word it (whole hours).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Epoch {
    snapshot_id: String,
    age_hours: i64,
}

impl Epoch {
    fn of(view: &View) -> Self {
        Self { snapshot_id: view.snapshot.id.clone(), age_hours: view.age().num_hours() }
    }
}

/// No bound is ever reached: only names that a snapshot knows make a page.
const BOUNDS: Bounds = Bounds { things: usize::MAX, bytes: usize::MAX };

/// The pages rendered so far.
#[derive(Debug)]
pub struct Pages(Shelf<Epoch, Page, Prepared>);

impl Default for Pages {
    fn default() -> Self {
        Self(Shelf::new(BOUNDS))
    }
}

/// The site with what it has rendered.
#[derive(Debug)]
pub struct Site {
    state: SiteState,
}

impl Site {
    /// A site over what was rendered before.
    pub fn new(state: SiteState) -> Arc<Self> {
        Arc::new(Self { state })
    }

    /// Where readers reach the site, without a trailing slash; empty where that is not known.
    pub fn public_url(&self) -> &str {
        &self.state.public_url
    }

    /// The newest snapshot and the time; `None` before the first.
    pub fn view(&self) -> Option<View> {
        let snapshot = self.state.current.get()?;
        Some(View { snapshot, now: (self.state.now)(), public_url: Arc::clone(&self.state.public_url) })
    }

    /// A page of the view, rendered now or before; `None` where the snapshot does not have it. Rendered outside of any
    /// lock: two visitors may render the same page at once, none waits for another's.
    ///
    /// # Errors
    /// Where the template cannot be rendered.
    pub fn page(&self, view: &View, page: Page) -> askama::Result<Option<Arc<Prepared>>> {
        let (epoch, Pages(shelf)) = (Epoch::of(view), &*self.state.pages);
        if let Some(kept) = shelf.get(&epoch, &page) {
            return Ok(Some(kept));
        }
        let body = match &page {
            Page::File(file) => files::render(view, file)?,
            page => self.render(view, page)?.map(|text| clean(text).into_bytes()),
        };
        let Some(body) = body else { return Ok(None) };
        let prepared = Arc::new(Prepared::new(content_type(&page), body));
        shelf.keep(&epoch, page, prepared.clone(), prepared.held());
        Ok(Some(prepared))
    }

    fn render(&self, view: &View, page: &Page) -> askama::Result<Option<String>> {
        let snapshot = &view.snapshot;
        Ok(Some(match page {
            Page::Front(lens, workload) => front::render(view, *lens, workload.as_deref())?,
            Page::Models => models::render(view)?,
            Page::Providers => providers::render(view)?,
            Page::Method => method::render(view, self.state.method_markdown)?,
            Page::Status => status::render(view)?,
            Page::Changes => changes::render(view)?,
            // Made elsewhere: a file need not be text.
            Page::File(_) => return Ok(None),
            Page::Model(id) => match snapshot.model(id) {
                Some(model) => model::render(view, model)?,
                None => return Ok(None),
            },
            Page::Provider(slug) => match snapshot.provider(slug) {
                Some(provider) => provider::render(view, provider)?,
                None => return Ok(None),
            },
        }))
    }
}

fn content_type(page: &Page) -> &'static str {
    match page {
        Page::File(file) => file.content_type(),
        _ => HTML,
    }
}

/// Where a model's page stands under its public id, for who came by its canonical slug.
pub fn model_address(snapshot: &Snapshot, name: &str) -> Option<String> {
    snapshot.model(name).filter(|m| m.model_id != name).map(|m| link::model(&m.model_id))
}
