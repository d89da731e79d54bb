//! The pages with an address of their own. The router, the navigation, the prepared addresses, the site map, the data
//! under a page's name and the plan of a static site follow from this list.

/// A page with a row in [`PAGES`], as the navigation marks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Tier lists.
    Tiers,
    Models,
    Providers,
    Explore,
    /// The calculator.
    Cost,
    /// The recorded changes.
    Changes,
    /// Who serves the traffic.
    Share,
    Method,
    /// The status of the collection.
    Status,
    /// The API reference.
    Api,
    Search,
    /// Endpoints or providers side by side.
    Compare,
    /// No row: error pages.
    Elsewhere,
}

/// Who answers the query of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// The page has no query, or few values that are all prepared.
    Prepared,
    /// The service; on a static site, its script.
    Anywhere,
    /// The service alone: a static site does not have the page.
    Service,
}

/// A page with an address of its own.
#[derive(Debug)]
pub struct PageRow {
    /// Its name in the program.
    pub section: Section,
    /// Its address, from the root.
    pub path: &'static str,
    /// Its label in the navigation, if it is part of it.
    pub label: Option<&'static str>,
    /// The route below `/api/v1/` with the same content.
    pub twin: Option<&'static str>,
    /// Whether its table is available as CSV under its name.
    pub has_table: bool,
    /// Whether the site map lists it.
    pub is_listed: bool,
    /// Who answers its query.
    pub query: Query,
}

impl PageRow {
    const fn new(section: Section, path: &'static str, twin: Option<&'static str>) -> Self {
        Self { section, path, label: None, twin, has_table: false, is_listed: false, query: Query::Prepared }
    }

    const fn labelled(self, label: &'static str) -> Self {
        Self { label: Some(label), ..self }
    }

    const fn with_table(self) -> Self {
        Self { has_table: true, ..self }
    }

    const fn listed(self) -> Self {
        Self { is_listed: true, ..self }
    }

    const fn answered_by(self, query: Query) -> Self {
        Self { query, ..self }
    }

    /// Whether the page is made before a snapshot is shown: it is part of the navigation and needs no service.
    pub fn is_prepared(&self) -> bool {
        self.label.is_some() && self.query != Query::Service
    }

    /// Its name in the addresses of its data: `models` in `/models.json`. The front page is named `tiers`.
    pub fn name(&self) -> &'static str {
        match self.path.strip_prefix('/') {
            None | Some("") => "tiers",
            Some(name) => name,
        }
    }
}

/// The address of the API reference, which is prepared after the pages of the snapshot.
pub const REFERENCE: &str = "/api";

/// All pages, in the order of the navigation.
pub static PAGES: [PageRow; 12] = [
    PageRow::new(Section::Tiers, "/", Some("tiers")).labelled("Tiers").with_table().listed(),
    PageRow::new(Section::Models, "/models", Some("models")).labelled("Models").with_table().listed(),
    PageRow::new(Section::Providers, "/providers", Some("providers"))
        .labelled("Providers")
        .with_table()
        .listed(),
    PageRow::new(Section::Explore, "/explore", Some("endpoints"))
        .labelled("Explore")
        .with_table()
        .listed()
        .answered_by(Query::Anywhere),
    PageRow::new(Section::Cost, "/cost", Some("cost")).labelled("Cost").listed().answered_by(Query::Service),
    PageRow::new(Section::Changes, "/changes", Some("changes"))
        .labelled("Changes")
        .with_table()
        .listed()
        .answered_by(Query::Anywhere),
    PageRow::new(Section::Share, "/share", Some("share")).with_table().listed(),
    PageRow::new(Section::Method, "/method", Some("thresholds")).labelled("Method").listed(),
    PageRow::new(Section::Status, "/status", Some("status")).labelled("Status").listed(),
    PageRow::new(Section::Api, REFERENCE, None).labelled("API"),
    PageRow::new(Section::Search, "/search", Some("models")).answered_by(Query::Anywhere),
    PageRow::new(Section::Compare, "/compare", None).answered_by(Query::Anywhere),
];

/// The row of a page, if it has one.
pub fn row(section: Section) -> Option<&'static PageRow> {
    PAGES.iter().find(|row| row.section == section)
}
