//! The page of all changes: a filter, the changes by day, and links to the feeds of exactly this filter.

use super::row::Row;
use super::{by_weight, grouped};
use crate::domain::change::ChangeKind;
use crate::prepared::Purpose;
use crate::site::parts::link;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Tab, When};
use crate::site::registry::Section;
use crate::table::changes::{ChangeGroup, ChangeQuestion};
use askama::Template;
use chrono::NaiveDate;

/// Number of changes on a page.
const SHOWN: usize = 100;
/// Number of changes on the only page of a static site.
const SHOWN_IN_FILES: usize = 500;

/// The changes of a UTC day.
struct Day<'a> {
    name: String,
    rows: Vec<Row<'a>>,
    /// Those of recommendations, folded unless the filter is for them: there are many.
    folded: Vec<Row<'a>>,
}

struct ProviderChoice<'a> {
    slug: &'a str,
    name: &'a str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage<'a> {
    shell: Shell,
    filter: &'a ChangeQuestion,
    groups: Vec<(ChangeGroup, bool)>,
    providers: Vec<ProviderChoice<'a>>,
    /// The filter in words; empty if there is none.
    required: String,
    found: usize,
    all: usize,
    since: Option<When>,
    days: Vec<Day<'a>>,
    pages: Vec<Tab>,
    /// Number of changes that only the data of a static site contain.
    left_out: usize,
    atom: String,
    json_feed: String,
}

/// The query of a filter, with a question mark; empty if it lets everything pass.
fn query(filter: &ChangeQuestion, page: usize) -> String {
    // A condition that cannot be read would be an error on the linked pages, too.
    let parameters = if filter.errors.is_empty() { filter.parameters() } else { Vec::new() };
    let pairs = parameters.into_iter().map(|(name, value)| format!("{name}={}", link::encode(value)));
    let page = (page > 1).then(|| format!("page={page}"));
    let pairs: Vec<String> = pairs.chain(page).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn by_day<'a>(rows: impl Iterator<Item = (NaiveDate, Row<'a>)>, folds: bool) -> Vec<Day<'a>> {
    let mut days: Vec<(NaiveDate, Day<'a>)> = Vec::new();
    for (day, row) in rows {
        if days.last().is_none_or(|(last, _)| *last != day) {
            let name = day.format("%-d %B %Y").to_string();
            days.push((day, Day { name, rows: Vec::new(), folded: Vec::new() }));
        }
        let is_folded = folds && row.line().of.kind == ChangeKind::RecommendationChanged;
        if let Some((_, of_day)) = days.last_mut() {
            if is_folded { of_day.folded.push(row) } else { of_day.rows.push(row) }
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}

/// Links to the pages around the current one, and to the first and the last page.
fn page_links(filter: &ChangeQuestion, page: usize, pages: usize) -> Vec<Tab> {
    let near = |n: &usize| *n == 1 || *n == pages || n.abs_diff(page) <= 2;
    let link = |n: usize| Tab {
        href: format!("/changes{}", query(filter, n)),
        label: n.to_string(),
        current: n == page,
    };
    if pages < 2 { Vec::new() } else { (1..=pages).filter(near).map(link).collect() }
}

/// Renders the page of changes that match a filter.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, filter: &ChangeQuestion) -> askama::Result<String> {
    let snapshot = view.snapshot.as_ref();
    let is_files = view.purpose != Purpose::Serving;
    let most = if is_files { SHOWN_IN_FILES } else { SHOWN };
    let found = by_weight(filter.changes(snapshot).into_iter());
    let pages = if is_files { 1 } else { found.len().div_ceil(most).max(1) };
    // A question that is not of an address has no page.
    let page = filter.page.clamp(1, pages);
    let of_page = found.iter().skip((page - 1) * most).take(most);
    let rows = of_page.filter_map(|group| Some((group.first()?.at.date_naive(), Row::new(snapshot, group)?)));
    let about = "Changes of prices, endpoints, hit rates, outages, tiers and recommendations.";
    let own = query(filter, 1);
    let shell = Shell::of_page(view, Section::Changes, "what changed", about);
    let typed = filter.typed("provider").to_lowercase();
    ChangesPage {
        // An invalid condition is an error for programs, so there is no JSON to link to.
        shell: if filter.errors.is_empty() { shell.json(format!("/api/v1/changes{own}")) } else { shell },
        groups: ChangeGroup::ALL.map(|group| (group, filter.typed("group") == group.as_str())).to_vec(),
        providers: snapshot
            .providers
            .iter()
            .map(|entry| ProviderChoice {
                slug: entry.provider.as_str(),
                name: &entry.name,
                chosen: entry.provider.as_str() == typed,
            })
            .collect(),
        required: filter.in_words(),
        found: found.len(),
        all: grouped(snapshot.changes.iter()).len(),
        since: snapshot.changes.last().map(|change| When::new(change.at)),
        days: by_day(rows, !filter.is_of_recommendations()),
        pages: page_links(filter, page, pages),
        left_out: if is_files { found.len().saturating_sub(most) } else { 0 },
        atom: format!("{}{own}", link::FEED),
        json_feed: format!("{}{own}", link::JSON_FEED),
        filter,
    }
    .render()
}
