//! The pages of a snapshot, rendered once and kept until the snapshot or the text about its age changes.

use super::SiteState;
use super::files::following::Scope;
use super::files::{self, File};
use super::pages::{changes, endpoint, front, method, model, models, provider, providers, share, status};
use super::parts::choice::Choice;
use super::parts::clean;
use super::parts::shell::View;
use crate::domain::delivery::{AlertsSource, AlertsStatus};
use crate::domain::tier::Lens;
use crate::prepared::{Bounds, Prepared, Purpose, Shelf};
use crate::table::changes::ChangeQuestion;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

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
    /// An endpoint by the public id of its model and its own id.
    Endpoint(String, Uuid),
    Providers,
    /// A provider by its base slug.
    Provider(String),
    Method,
    /// The status of the collection.
    Status,
    Changes,
    /// Who serves the traffic.
    Share,
    File(File),
}

/// What kept pages depend on: the snapshot they show, and its age as they state it (whole hours).
type Epoch = (String, i64);

/// No bound is needed: only names in the snapshot have a page.
const BOUNDS: Bounds = Bounds { things: usize::MAX, bytes: usize::MAX };

/// Endpoints are ten times as many as models, and most of their pages are hardly requested: only the first ones are
/// kept.
const ENDPOINT_BOUNDS: Bounds = Bounds { things: 1_000, bytes: 32 << 20 };

/// The pages rendered so far.
#[derive(Debug)]
pub struct Pages {
    shelf: Shelf<Epoch, Page, Prepared>,
    endpoints: Shelf<Epoch, Page, Prepared>,
    /// The API reference as it is without the address of a client; here so that the page that is prepared before a
    /// snapshot is shown is the one that is served.
    pub(super) reference: Shelf<Epoch, (), Prepared>,
    purpose: Purpose,
    alerts: Live,
}

/// Reads the state of the alerts, which pages show as it is when they are requested.
#[derive(Default)]
struct Live(Option<AlertsSource>);

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.0.is_some()).finish()
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self::made_for(Purpose::default())
    }
}

impl Pages {
    /// An empty set of pages, which will be prepared for a purpose.
    pub fn made_for(purpose: Purpose) -> Self {
        Self {
            shelf: Shelf::new(BOUNDS),
            endpoints: Shelf::new(ENDPOINT_BOUNDS),
            reference: Shelf::new(BOUNDS),
            purpose,
            alerts: Live::default(),
        }
    }

    /// The same with the state of the alerts, for the status page.
    #[must_use]
    pub fn with_alerts(self, alerts: Option<AlertsSource>) -> Self {
        Self { alerts: Live(alerts), ..self }
    }

    /// Whether the status shows alerts, so that it is made for each request.
    pub fn has_alerts(&self) -> bool {
        self.alerts.0.is_some()
    }

    /// The state of the alerts as it is now; `None` without receivers.
    pub(super) fn alerts(&self) -> Option<AlertsStatus> {
        self.alerts.0.as_ref().and_then(|alerts| alerts())
    }

    fn shelf_of(&self, page: &Page) -> &Shelf<Epoch, Page, Prepared> {
        let is_of_endpoint =
            matches!(page, Page::Endpoint(..) | Page::File(File::Feed(Scope::Endpoint(..), _)));
        if is_of_endpoint { &self.endpoints } else { &self.shelf }
    }
}

impl SiteState {
    /// The newest snapshot and the time; `None` before the first snapshot.
    pub(super) fn view(&self) -> Option<View> {
        let snapshot = self.current.get()?;
        let (now, public_url) = ((self.now)(), Arc::clone(&self.public_url));
        Some(View { snapshot, now, public_url, purpose: self.pages.purpose })
    }

    /// Prepares a body for the purpose of the pages.
    pub(super) fn prepare(&self, content_type: &'static str, body: Vec<u8>) -> Prepared {
        self.pages.purpose.prepare(content_type, body)
    }

    /// A page of the view, rendered now or before, and whether it is kept; `None` if the snapshot does not have it.
    /// Rendering happens outside any lock: two visitors may render the same page at once, but neither waits for the
    /// other.
    ///
    /// # Errors
    /// If the template cannot be rendered.
    pub(super) fn page(&self, view: &View, page: Page) -> askama::Result<Option<(Arc<Prepared>, bool)>> {
        let epoch = (view.snapshot.id.clone(), view.age().num_hours());
        let shelf = self.pages.shelf_of(&page);
        if let Some(kept) = shelf.get(&epoch, &page) {
            return Ok(Some((kept, true)));
        }
        let body = match &page {
            Page::File(file) => files::render(view, file)?,
            page => self.render(view, page)?.map(|text| clean::page(text).into_bytes()),
        };
        let Some(body) = body else { return Ok(None) };
        let content_type = match &page {
            Page::File(file) => file.content_type(),
            _ => HTML,
        };
        let prepared = Arc::new(self.prepare(content_type, body));
        let is_kept = shelf.keep(&epoch, page, prepared.clone(), prepared.held());
        Ok(Some((prepared, is_kept)))
    }

    fn render(&self, view: &View, page: &Page) -> askama::Result<Option<String>> {
        let snapshot = &view.snapshot;
        Ok(Some(match page {
            Page::Front(lens, workload) => front::render(view, *lens, workload.as_deref())?,
            Page::Models => models::render(view)?,
            Page::Providers => providers::render(view)?,
            Page::Method => method::render(view, self.method_markdown)?,
            Page::Status => status::render(view, None)?,
            Page::Changes => changes::render(view, &ChangeQuestion::default())?,
            Page::Share => share::render(view)?,
            // Handled by the caller, because a file may be binary.
            Page::File(_) => return Ok(None),
            Page::Model(id) => match snapshot.model(id) {
                Some(model) => model::render(view, model, &Choice::default())?.1,
                None => return Ok(None),
            },
            Page::Endpoint(id, endpoint) => {
                let model = snapshot.model(id);
                let found = model.and_then(|m| m.endpoints.iter().find(|e| e.endpoint_id == *endpoint));
                match model.zip(found) {
                    Some((model, found)) => endpoint::render(view, model, found, &Choice::default())?.1,
                    None => return Ok(None),
                }
            }
            Page::Provider(slug) => match snapshot.provider(slug) {
                Some(provider) => provider::render(view, provider)?,
                None => return Ok(None),
            },
        }))
    }
}
