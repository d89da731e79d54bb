//! The pages of a snapshot, rendered once and kept until the snapshot or the text about its age changes.

use super::SiteState;
use super::files::{self, File};
use super::pages::{changes, front, method, model, models, provider, providers, status};
use super::parts::clean::clean;
use super::parts::link;
use super::parts::shell::View;
use crate::domain::tier::Lens;
use crate::prepared::{Bounds, Prepared, Purpose, Shelf};
use crate::snapshot::Snapshot;
use std::sync::Arc;

/// Content type of every page.
pub const HTML: &str = "text/html; charset=utf-8";

/// A page that is the same for all visitors. Only names in the snapshot have a page, so the number of pages is bounded
/// whatever addresses are requested.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Page {
    /// A tier list under a lens, and a workload if the lens needs one.
    Front(Lens, Option<String>),
    Models,
    /// A model by its public id.
    Model(String),
    Providers,
    /// A provider by its base slug.
    Provider(String),
    Method,
    /// The status of the collection.
    Status,
    Changes,
    File(File),
}

/// What kept pages depend on: the snapshot they show, and its age as they state it (whole hours).
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

/// No bound is needed: only names in the snapshot have a page.
const BOUNDS: Bounds = Bounds { things: usize::MAX, bytes: usize::MAX };

/// The pages rendered so far.
#[derive(Debug)]
pub struct Pages {
    shelf: Shelf<Epoch, Page, Prepared>,
    purpose: Purpose,
}

impl Default for Pages {
    fn default() -> Self {
        Self::made_for(Purpose::default())
    }
}

impl Pages {
    /// An empty set of pages, which will be prepared for a purpose.
    pub fn made_for(purpose: Purpose) -> Self {
        Self { shelf: Shelf::new(BOUNDS), purpose }
    }
}

/// The site with the pages it has rendered.
#[derive(Debug)]
pub struct Site {
    state: SiteState,
}

impl Site {
    /// A site that shares the pages rendered before.
    pub fn new(state: SiteState) -> Arc<Self> {
        Arc::new(Self { state })
    }

    /// Public address of the site, without a trailing slash; empty if unknown.
    pub fn public_url(&self) -> &str {
        &self.state.public_url
    }

    /// The newest snapshot and the time; `None` before the first snapshot.
    pub fn view(&self) -> Option<View> {
        let snapshot = self.state.current.get()?;
        let (now, public_url) = ((self.state.now)(), Arc::clone(&self.state.public_url));
        Some(View { snapshot, now, public_url, purpose: self.state.pages.purpose })
    }

    /// Prepares a body for the purpose of the pages.
    pub fn prepare(&self, content_type: &'static str, body: Vec<u8>) -> Prepared {
        self.state.pages.purpose.prepare(content_type, body)
    }

    /// A page of the view, rendered now or before; `None` if the snapshot does not have it. Rendering happens outside
    /// any lock: two visitors may render the same page at once, but neither waits for the other.
    ///
    /// # Errors
    /// If the template cannot be rendered.
    pub fn page(&self, view: &View, page: Page) -> askama::Result<Option<Arc<Prepared>>> {
        let (epoch, shelf) = (Epoch::of(view), &self.state.pages.shelf);
        if let Some(kept) = shelf.get(&epoch, &page) {
            return Ok(Some(kept));
        }
        let body = match &page {
            Page::File(file) => files::render(view, file)?,
            page => self.render(view, page)?.map(|text| clean(text).into_bytes()),
        };
        let Some(body) = body else { return Ok(None) };
        let prepared = Arc::new(self.prepare(content_type(&page), body));
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
            // Handled by the caller, because a file may be binary.
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

/// The address of a model's page under its public id, for a visitor who used its canonical slug.
pub fn model_address(snapshot: &Snapshot, name: &str) -> Option<String> {
    snapshot.model(name).filter(|m| m.model_id != name).map(|m| link::model(&m.model_id))
}
