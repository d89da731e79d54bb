//! The plan of a static site: every address of a snapshot with the file it is written to.

use super::address::{file_of, is_question};
use crate::site;
use crate::snapshot::Snapshot;
use std::collections::{BTreeSet, HashSet};

/// How a response becomes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page: its addresses are rewritten, and the content of its headers is added to it.
    Page,
    /// Markup whose addresses are rewritten.
    Markup,
    /// A JSON Feed: its addresses are rewritten if the site knows its own.
    JsonFeed,
    /// A list that the service returns in pages: all of them go into one file.
    List,
    /// Written unchanged.
    Plain,
    /// Written unchanged if it exists: a chart may have nothing to show, and then nothing links to it.
    Picture,
}

/// One address to request and the file of its response, below the folder of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub address: String,
    pub file: String,
    pub kind: Kind,
}

/// All items, each file once.
#[derive(Debug)]
pub struct Plan {
    pub items: Vec<Item>,
    files: HashSet<String>,
    workload: String,
}

/// Data in addition to that of the pages.
const MORE_DATA: [&str; 8] = [
    "/api/v1/share",
    "/api/v1/openapi.json",
    "/api/v1/targets",
    "/api/v1/preferences",
    "/api/v1/preferences?mode=avoid",
    "/api/v1/preferences?mode=shortlist",
    "/api/v1/preferences?mode=pin",
    "/api/v1/preferences?mode=order",
];
const LISTS: [&str; 3] = ["/api/v1/models", "/api/v1/endpoints", "/api/v1/changes"];

impl Plan {
    /// The plan for a snapshot. Preview pictures and `robots.txt` are only for a site that knows its own address.
    pub fn new(snapshot: &Snapshot, knows_its_address: bool) -> Self {
        let mut plan = Self {
            items: Vec::new(),
            files: HashSet::new(),
            workload: snapshot.default_workload().to_owned(),
        };
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        plan.add(Kind::List, own(&LISTS));
        plan.add(Kind::Page, site::pages(snapshot));
        plan.add(Kind::Page, site::endpoint_pages(snapshot));
        let fixed = site::PAGES.iter().filter(|row| row.query != site::Query::Service);
        plan.add(Kind::Page, fixed.map(|row| row.path.to_owned()).collect());
        plan.add(Kind::Plain, site::twins(snapshot));
        plan.add(Kind::Plain, own(&MORE_DATA));
        plan.add(Kind::Plain, site::tables(snapshot));
        let (feeds, pictures): (_, Vec<String>) =
            site::pictures(snapshot).into_iter().partition(|at| at.ends_with(".atom"));
        plan.add(Kind::Markup, feeds);
        let (feeds, pictures) = pictures.into_iter().partition(|at: &String| at.ends_with(site::JSON_FEED));
        plan.add(Kind::JsonFeed, feeds);
        plan.add(Kind::Picture, pictures);
        if knows_its_address {
            plan.add(Kind::Plain, site::cards(snapshot));
            plan.add(Kind::Plain, own(&["/robots.txt"]));
        }
        plan
    }

    /// The plan for these addresses alone.
    pub fn of(kind: Kind, addresses: Vec<String>, workload: &str) -> Self {
        let mut plan = Self { items: Vec::new(), files: HashSet::new(), workload: workload.to_owned() };
        plan.add(kind, addresses);
        plan
    }

    fn add(&mut self, kind: Kind, addresses: Vec<String>) {
        for address in addresses {
            let Some(file) = file_of(&address, &self.workload) else { continue };
            if self.files.insert(file.clone()) {
                self.items.push(Item { address, file, kind });
            }
        }
    }

    /// Where an address of the service leads in the site: a file, with the query for pages that answer one. `None` if
    /// only the service can answer.
    pub fn leads_to(&self, address: &str) -> Option<String> {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let asked = is_question(path) && !query.is_empty();
        let file = file_of(if asked { path } else { address }, &self.workload)?;
        let known = self.files.contains(&file);
        known.then(|| if asked { format!("{file}?{query}") } else { file })
    }

    /// The folders of all files, parents first.
    pub fn folders(&self) -> BTreeSet<&str> {
        self.items.iter().filter_map(|item| Some(item.file.rsplit_once('/')?.0)).collect()
    }

    /// The pages of the site map.
    pub fn pages(&self) -> impl Iterator<Item = &Item> {
        let is_answer = |item: &&Item| item.kind == Kind::Page && !is_question(&item.address);
        self.items.iter().filter(is_answer)
    }
}
