//! The pages of a snapshot, rendered once and kept until the snapshot or the words about its age change.

use super::files::{self, File};
use super::shell::View;
use super::{SiteState, changes, front, link, method, model, models, provider, providers, status};
use crate::domain::tier::Lens;
use crate::prepared::Prepared;
use crate::snapshot::Snapshot;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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

#[derive(Debug, Default)]
struct Kept {
    epoch: Option<Epoch>,
    pages: HashMap<Page, Arc<Prepared>>,
}

/// The site with what it has rendered.
#[derive(Debug)]
pub struct Site {
    state: SiteState,
    kept: Mutex<Kept>,
}

impl Site {
    /// A site that has rendered nothing yet.
    pub fn new(state: SiteState) -> Arc<Self> {
        Arc::new(Self { state, kept: Mutex::default() })
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

    /// A page of the view, rendered now or before; `None` where the snapshot does not have it.
    ///
    /// # Errors
    /// Where the template cannot be rendered.
    pub fn page(self: &Arc<Self>, view: &View, page: Page) -> askama::Result<Option<Arc<Prepared>>> {
        let epoch = Epoch { snapshot_id: view.snapshot.id.clone(), age_hours: view.age().num_hours() };
        let (kept, is_new) = self.look_up(&epoch, &page);
        if is_new {
            self.warm(view.clone(), epoch.clone());
        }
        match kept {
            Some(kept) => Ok(Some(kept)),
            None => self.render_and_keep(view, &epoch, page),
        }
    }

    /// What is kept of a page, and whether this is the first question about this epoch.
    fn look_up(&self, epoch: &Epoch, page: &Page) -> (Option<Arc<Prepared>>, bool) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = kept.epoch.as_ref() != Some(epoch);
        if is_new {
            *kept = Kept { epoch: Some(epoch.clone()), pages: HashMap::new() };
        }
        (kept.pages.get(page).cloned(), is_new)
    }

    /// Rendered outside of the lock: two visitors may render the same page at once, none waits for another's.
    fn render_and_keep(
        &self,
        view: &View,
        epoch: &Epoch,
        page: Page,
    ) -> askama::Result<Option<Arc<Prepared>>> {
        let body = match &page {
            Page::File(file) => files::render(view, file)?,
            page => self.render(view, page)?.map(String::into_bytes),
        };
        let Some(body) = body else { return Ok(None) };
        let prepared = Arc::new(Prepared::new(content_type(&page), body));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.epoch.as_ref() == Some(epoch) {
            kept.pages.insert(page, prepared.clone());
        }
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

    /// Renders the tier lists and indexes beside the request that found them missing: most visitors ask for those.
    fn warm(self: &Arc<Self>, view: View, epoch: Epoch) {
        let site = Arc::clone(self);
        // Nobody waits for it: a page that fails here fails again, and loudly, for the visitor who asks for it.
        drop(tokio::task::spawn_blocking(move || {
            for page in front_pages(&view.snapshot).into_iter().chain(index_pages()) {
                if site.look_up(&epoch, &page).0.is_none() {
                    drop(site.render_and_keep(&view, &epoch, page));
                }
            }
        }));
    }
}

fn content_type(page: &Page) -> &'static str {
    match page {
        Page::File(file) => file.content_type(),
        _ => HTML,
    }
}

fn index_pages() -> [Page; 5] {
    [Page::Models, Page::Providers, Page::Status, Page::Method, Page::Changes]
}

/// Every tier list's page.
fn front_pages(snapshot: &Snapshot) -> Vec<Page> {
    let of = |lens: Lens| match lens.needs_workload() {
        true => snapshot.workloads.iter().map(|w| Page::Front(lens, Some(w.name.clone()))).collect(),
        false => vec![Page::Front(lens, None)],
    };
    Lens::ALL.into_iter().flat_map(of).collect()
}

/// Where a model's page stands under its public id, for who came by its canonical slug.
pub fn model_address(snapshot: &Snapshot, name: &str) -> Option<String> {
    snapshot.model(name).filter(|m| m.model_id != name).map(|m| link::model(&m.model_id))
}
