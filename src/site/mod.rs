//! The site: pages that are rendered once per snapshot and work without JavaScript.
//!
//! Upstream text (names of models and providers, addresses, errors) is untrusted: templates escape it, and pages link
//! only to plain web addresses.

mod addresses;
mod assets;
mod badge_file;
mod basis;
mod card;
mod changes;
mod charts;
mod clean;
mod compare;
mod cost;
mod day_chart;
mod explore;
mod feed;
mod file_routes;
mod files;
mod flags;
mod format;
mod front;
mod hours;
mod lens_table;
mod link;
mod method;
mod model;
mod models;
mod pages;
mod parts;
mod picks;
mod preference;
mod previews;
mod problem;
mod provider;
mod providers;
mod record;
mod reference;
mod routes;
mod search;
mod session_bars;
mod shell;
mod spark;
mod status;

pub use self::pages::Pages;
pub use self::routes::secure;
pub use addresses::{cards, pages, pictures, tables, twins};
pub use clean::clean;
pub use explore::{columns, figures};
pub use feed::site_map_of;
pub use format::tokens as tokens_in_words;
pub use link::{model as model_page, provider as provider_page};
pub use reference::{Described, router as reference};

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
    routes::router(pages::Site::new(state))
}
