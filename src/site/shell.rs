//! What stands around every page: title, navigation, banners, footer.

use super::assets;
use super::format;
use super::parts::{Tab, When};
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::prepared::Purpose;
use crate::snapshot::{Snapshot, SuspectRun};
use chrono::{DateTime, Duration, Utc};
use std::sync::Arc;

/// A snapshot and how old it is: what a page is rendered from.
#[derive(Debug, Clone)]
pub struct View {
    /// What is published.
    pub snapshot: Arc<Snapshot>,
    /// When the page is rendered.
    pub now: DateTime<Utc>,
    /// Where readers reach the site, without a trailing slash; empty where that is not known.
    pub public_url: Arc<str>,
    /// Whether it is served or written into files, which do not grow older with their reader's clock.
    pub purpose: Purpose,
}

impl View {
    /// Age of the newest data; never negative, whatever the clocks say.
    pub fn age(&self) -> Duration {
        (self.now - self.snapshot.as_of).max(Duration::zero())
    }

    /// Whether the data is so old that pages warn of it.
    pub fn is_stale(&self) -> bool {
        self.age() >= Duration::hours(STALE_AFTER_HOURS)
    }
}

/// The part of the site that a page belongs to, for the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Tier lists.
    Tiers,
    /// Models.
    Models,
    /// Providers.
    Providers,
    /// The explorer.
    Explore,
    /// What changed.
    Changes,
    /// The method.
    Method,
    /// How the collection is doing.
    Status,
    /// The reference of the API.
    Api,
    /// None of them.
    Elsewhere,
}

const NAVIGATION: [(Section, &str, &str); 8] = [
    (Section::Tiers, "/", "Tiers"),
    (Section::Models, "/models", "Models"),
    (Section::Providers, "/providers", "Providers"),
    (Section::Explore, "/explore", "Explore"),
    (Section::Changes, "/changes", "Changes"),
    (Section::Method, "/method", "Method"),
    (Section::Status, "/status", "Status"),
    (Section::Api, "/api", "API"),
];

/// Longer titles and descriptions are cut: they may hold names that others chose.
const LONGEST_TITLE: usize = 120;
const LONGEST_DESCRIPTION: usize = 300;

/// What the base template shows; the fields that need a snapshot are absent before the first one.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Title in the window, without the site's name; untrusted.
    pub title: String,
    /// One sentence for search engines; untrusted.
    pub description: String,
    /// Links of the navigation.
    pub navigation: Vec<Tab>,
    /// Address of the style sheet.
    pub style: &'static str,
    /// Address of the script.
    pub script: &'static str,
    /// What the search field holds.
    pub query: String,
    /// Whether the upstream was the simulator.
    pub simulated: bool,
    /// How old the data is, where that is too old.
    pub stale: Option<String>,
    /// Which fields of the upstream moved, where the newest run is suspect and therefore not published.
    pub suspect: Option<String>,
    /// Time of the newest data.
    pub as_of: Option<When>,
    /// Id of the snapshot.
    pub snapshot_id: String,
    /// Version of the method.
    pub method_version: u32,
    /// Address of the page without what does not change what it says; absolute where the site knows its own.
    pub canonical: Option<String>,
    /// Address of the picture for previews; absent where the site does not know its own address.
    pub picture: Option<String>,
    /// Where readers reach the site, without a trailing slash; empty where that is not known.
    pub public_url: Arc<str>,
    /// Address of the JSON twin.
    pub json: Option<String>,
    /// Seconds after which the page loads itself again.
    pub refresh: Option<u32>,
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
        Self {
            simulated: snapshot.simulated,
            stale: view.is_stale().then(|| format::span(view.age())),
            suspect: snapshot.status.suspect.as_ref().map(SuspectRun::moved),
            as_of: Some(When::new(snapshot.as_of)),
            snapshot_id: snapshot.id.clone(),
            method_version: snapshot.method_version,
            public_url: Arc::clone(&view.public_url),
            ..Self::bare(section, title, description)
        }
        .picture("/og/site.png")
    }

    /// The shell of a page without a snapshot.
    pub fn bare(section: Section, title: impl Into<String>, description: impl Into<String>) -> Self {
        let tab = |(of, href, label): (Section, &str, &str)| Tab {
            href: href.to_owned(),
            label: label.to_owned(),
            current: of == section,
        };
        Self {
            title: format::shorten(&title.into(), LONGEST_TITLE),
            description: format::shorten(&description.into(), LONGEST_DESCRIPTION),
            navigation: NAVIGATION.into_iter().map(tab).collect(),
            style: assets::style_path(),
            script: assets::script_path(),
            query: String::new(),
            simulated: false,
            stale: None,
            suspect: None,
            as_of: None,
            snapshot_id: String::new(),
            method_version: 0,
            canonical: None,
            picture: None,
            public_url: "".into(),
            json: None,
            refresh: None,
        }
    }

    /// Names the page's own path, from the root.
    #[must_use]
    pub fn at(mut self, path: impl AsRef<str>) -> Self {
        self.canonical = Some(format!("{}{}", self.public_url, path.as_ref()));
        self
    }

    /// Names the picture for previews by its path. Those who show it want an absolute address.
    #[must_use]
    pub fn picture(mut self, path: impl AsRef<str>) -> Self {
        self.picture = (!self.public_url.is_empty()).then(|| format!("{}{}", self.public_url, path.as_ref()));
        self
    }

    /// Names the JSON twin.
    #[must_use]
    pub fn json(mut self, address: impl Into<String>) -> Self {
        self.json = Some(address.into());
        self
    }
}
