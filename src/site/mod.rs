//! The site: pages that are rendered once per snapshot and work without JavaScript.
//!
//! Upstream text (names of models and providers, addresses, errors) is untrusted: templates escape it, and pages link
//! only to plain web addresses.
//!
//! `parts` are the pieces that pages share, `charts` the drawings, `pages` one file or folder per page, `files` what
//! accompanies the pages. `registry` lists the pages; `kept` renders each once per snapshot, `routes` serves them.

mod addresses;
mod aliases;
mod charts;
mod files;
mod kept;
mod pages;
mod parts;
mod redirects;
mod registry;
mod respond;
mod routes;

pub use addresses::{cards, endpoint_pages, pages, pictures, tables, twins};
pub use aliases::{Aliased, with_aliases};
pub use files::site_map::site_map_of;
pub use kept::Pages;
pub use pages::explore::{columns, figures};
pub use pages::reference::{Described, router as reference};
pub use parts::assets;
pub use parts::clean::clean;
pub use parts::format::tokens as tokens_in_words;
pub use parts::format::{code_as_html, milliseconds, percent, percent_change_tenth, usd};
pub use parts::link::{
    JSON_FEED, encode, endpoint_of as endpoint_page, model as model_page, provider as provider_page,
};
pub use redirects::FAMILIAR;
pub use registry::{PAGES, PageRow, Query, REFERENCE};
pub use respond::secure;

use crate::prepared::Origin;
use crate::snapshot::Current;
use axum::Router;
use chrono::{DateTime, Utc};
use std::fmt;
use std::sync::Arc;

/// Everything that the site needs.
#[derive(Clone)]
pub struct SiteState {
    /// The snapshot being served.
    pub current: Arc<Current>,
    /// The current time, UTC.
    pub now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// The pages rendered so far, shared by all routers that serve them.
    pub pages: Arc<Pages>,
    /// The project's own `docs/method.md`; HTML in it is passed through.
    pub method_markdown: &'static str,
    /// Public address of the site, without a trailing slash; empty if unknown.
    pub public_url: Arc<str>,
    /// Where clients reach the site, for answers that contain complete addresses.
    pub origin: Origin,
}

impl fmt::Debug for SiteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteState").field("current", &self.current).finish_non_exhaustive()
    }
}

/// All pages and assets, and a fallback that answers unknown addresses with the nearest names.
///
/// Before the first snapshot, every page answers with 503 and reloads itself. Merge this router last: its fallback
/// handles everything that no other router matches.
pub fn router(state: SiteState) -> Router {
    routes::router(Arc::new(state))
}
