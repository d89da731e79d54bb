//! One change as the page of changes shows it: the line that all pages share, and what explains it.

use super::{Change as Line, change};
use crate::domain::change::Change;
use crate::site::parts::{When, format, link};
use crate::snapshot::Snapshot;
use crate::table::changes::ChangeGroup;
use crate::wording::change_words::field_in_words;
use crate::wording::following;

/// Most moves of a schedule that are listed.
const MOST_MOVES: usize = 100;

/// A change, or the prices of one endpoint that changed in one run.
#[derive(Debug)]
pub struct Row<'a> {
    line: Line<'a>,
    /// The time of its day.
    pub at: When,
    /// The group of its kind, for the script of a static site.
    pub group: &'static str,
    pub day: String,
    pub model: String,
    pub provider: String,
    /// The size of the change, percent or points; empty if unknown.
    pub percent: String,
    pub costs_more: bool,
    /// The cost of a session before and after.
    pub session: Option<String>,
    /// What explains the change, folded.
    pub more: Vec<String>,
    /// The moves of a schedule, oldest first.
    pub moves: Vec<String>,
    /// Number of moves that are not listed.
    pub other_moves: usize,
    /// The page of the endpoint, if it still exists.
    pub endpoint: Option<String>,
}

/// The address of the page that is about a change most closely; `None` if the snapshot has none.
pub fn page_of(snapshot: &Snapshot, change: &Change) -> Option<String> {
    let model = change.model_id.as_deref().and_then(|id| snapshot.model(id));
    let endpoint = model.zip(change.endpoint_id).and_then(|(model, id)| {
        let found = model.endpoints.iter().find(|endpoint| endpoint.endpoint_id == id)?;
        Some(link::endpoint_of(model, found))
    });
    let provider = change.provider.as_ref().and_then(|slug| snapshot.provider(slug.as_str()));
    endpoint
        .or_else(|| model.map(|model| link::model(&model.model_id)))
        .or_else(|| provider.map(|provider| link::provider(provider.provider.as_str())))
}

impl<'a> Row<'a> {
    /// The line that all pages share.
    pub fn line(&self) -> &Line<'a> {
        &self.line
    }

    /// The row of a group of changes; `None` for an empty one.
    pub fn new(snapshot: &Snapshot, group: &[&'a Change]) -> Option<Self> {
        let line = change(snapshot, group)?;
        let first = *group.first()?;
        let session = group.iter().find_map(|change| following::session(change));
        let mut more: Vec<String> = Vec::new();
        for text in group.iter().flat_map(|change| following::lines(change)) {
            if Some(&text) != session.as_ref() && !more.contains(&text) {
                more.push(text);
            }
        }
        // A line without a sentence of its own already shows why.
        if line.headline.is_none() {
            more.retain(|text| !line.detail.contains(text.as_str()));
        }
        let moves = first.includes.iter().take(MOST_MOVES).map(|one| {
            let price = |amount: Option<f64>| amount.map_or_else(|| "not listed".to_owned(), format::usd);
            let (before, after) = (price(one.before), price(one.after));
            format!("{}: {} {before} → {after}", format::moment(one.at), field_in_words(one.field))
        });
        let sizes = group.iter().filter_map(|change| change.percent).map(f64::abs);
        Some(Self {
            line,
            at: When::of_day(first.at),
            group: ChangeGroup::of(first.kind).map_or("", ChangeGroup::as_str),
            day: first.at.date_naive().to_string(),
            model: first.model_id.clone().unwrap_or_default(),
            provider: first.provider.as_ref().map(ToString::to_string).unwrap_or_default(),
            percent: sizes.reduce(f64::max).map(|percent| percent.to_string()).unwrap_or_default(),
            costs_more: group.iter().any(|change| change.costs_more()),
            session,
            more,
            moves: moves.collect(),
            other_moves: first.includes.len().saturating_sub(MOST_MOVES),
            endpoint: page_of(snapshot, first).filter(|path| path.contains(link::ENDPOINTS)),
        })
    }
}
