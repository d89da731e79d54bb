//! The frame of every page: title, navigation, banners, footer.

use super::format;
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::prepared::Purpose;
use crate::site::parts::{Tab, When};
use crate::site::registry::{self, PAGES, PageRow, Query, Section};
use crate::snapshot::find::UPSTREAM;
use crate::snapshot::{Snapshot, SuspectRun};
use chrono::{DateTime, Duration, Utc};
use std::sync::Arc;

/// The input for rendering a page: a snapshot and the current time.
#[derive(Debug, Clone)]
pub struct View {
    /// The published snapshot.
    pub snapshot: Arc<Snapshot>,
    /// The time of rendering.
    pub now: DateTime<Utc>,
    /// Public address of the site, without a trailing slash; empty if unknown.
    pub public_url: Arc<str>,
    /// Whether pages are served or written to files; files cannot show an age that changes with time.
    pub purpose: Purpose,
}

impl View {
    /// The age of the newest data; never negative, even if clocks disagree.
    pub fn age(&self) -> Duration {
        (self.now - self.snapshot.as_of).max(Duration::zero())
    }
}

/// Longer titles and descriptions are truncated, because they may contain names chosen by others.
const LONGEST_TITLE: usize = 120;
const LONGEST_DESCRIPTION: usize = 300;

/// The data of the base template; fields that need a snapshot are absent before the first one.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// The window title without the name of the site; untrusted.
    pub title: String,
    /// One sentence for search engines; untrusted.
    pub description: String,
    /// Links of the navigation.
    pub navigation: Vec<Tab>,
    /// The content of the search field.
    pub query: String,
    /// Name of the upstream; untrusted.
    pub upstream: String,
    /// Whether the upstream was the simulator.
    pub simulated: bool,
    /// The age of the data, if it is too old.
    pub stale: Option<String>,
    /// The upstream fields that moved, if the newest run is suspect and therefore not published.
    pub suspect: Option<String>,
    /// Time of the newest data.
    pub as_of: Option<When>,
    pub snapshot_id: String,
    pub method_version: u32,
    /// Canonical address of the page; absolute if the public address of the site is known.
    pub canonical: Option<String>,
    /// Address of the preview picture; absent if the public address of the site is unknown.
    pub picture: Option<String>,
    /// Public address of the site, without a trailing slash; empty if unknown.
    pub public_url: Arc<str>,
    /// Address of the JSON twin.
    pub json: Option<String>,
    /// The page whose own feeds its head names; empty for none besides those of all changes.
    pub feeds: String,
    /// Seconds after which the page reloads itself.
    pub refresh: Option<u32>,
}

/// Whether a page of the navigation exists for a purpose: files have no page that only the service answers.
fn has_page(purpose: Purpose, tab: &Tab) -> bool {
    let is_service = PAGES.iter().any(|row| row.path == tab.href && row.query == Query::Service);
    purpose == Purpose::Serving || !is_service
}

impl Shell {
    /// The shell of a page over a snapshot.
    pub fn new(
        view: &View,
        section: Section,
        title: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let snapshot = &view.snapshot;
        let bare = Self::bare(section, title, description);
        Self {
            navigation: bare.navigation.iter().filter(|tab| has_page(view.purpose, tab)).cloned().collect(),
            upstream: snapshot.upstream().to_owned(),
            simulated: snapshot.simulated,
            stale: Some(view.age())
                .filter(|age| *age >= Duration::hours(STALE_AFTER_HOURS))
                .map(format::span),
            suspect: snapshot.status.suspect.as_ref().map(SuspectRun::moved),
            as_of: Some(When::new(snapshot.as_of)),
            snapshot_id: snapshot.id.clone(),
            method_version: snapshot.method_version,
            public_url: Arc::clone(&view.public_url),
            ..bare
        }
        .picture("/og/site.png")
    }

    /// The shell of a page with a row in the registry, with its address and the address of its data.
    pub fn of_page(
        view: &View,
        section: Section,
        title: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let shell = Self::new(view, section, title, description);
        let Some(row) = registry::row(section) else { return shell };
        let json = row.twin.map(|route| format!("/api/v1/{route}"));
        Self { json, ..shell.at(row.path) }
    }

    /// The shell of a page without a snapshot.
    pub fn bare(section: Section, title: impl Into<String>, description: impl Into<String>) -> Self {
        let tab = |row: &PageRow| {
            let label = row.label?.to_owned();
            Some(Tab { href: row.path.to_owned(), label, current: row.section == section })
        };
        Self {
            title: format::shorten(&title.into(), LONGEST_TITLE),
            description: format::shorten(&description.into(), LONGEST_DESCRIPTION),
            navigation: PAGES.iter().filter_map(tab).collect(),
            upstream: UPSTREAM.to_owned(),
            ..Self::default()
        }
    }

    /// Sets the path of the page, from the root.
    #[must_use]
    pub fn at(mut self, path: impl AsRef<str>) -> Self {
        self.canonical = Some(format!("{}{}", self.public_url, path.as_ref()));
        self
    }

    /// Sets the preview picture by its path. Sites that show previews require an absolute address.
    #[must_use]
    pub fn picture(mut self, path: impl AsRef<str>) -> Self {
        self.picture = (!self.public_url.is_empty()).then(|| format!("{}{}", self.public_url, path.as_ref()));
        self
    }

    /// Sets the page whose own feeds the head names.
    #[must_use]
    pub fn with_feeds(mut self, page: impl Into<String>) -> Self {
        self.feeds = page.into();
        self
    }

    /// Sets the address of the JSON twin.
    #[must_use]
    pub fn json(mut self, address: impl Into<String>) -> Self {
        self.json = Some(address.into());
        self
    }
}
