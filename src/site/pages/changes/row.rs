//! One change as the page of changes shows it.

use crate::domain::change::Change;
use crate::site::parts::{When, format, link};
use crate::snapshot::Snapshot;
use crate::table::changes::ChangeGroup;
use crate::wording::following;

/// Longest title on a page, characters.
const LONGEST_TITLE: usize = 300;
/// Most moves of a schedule that are listed.
const MOST_MOVES: usize = 100;

/// A change, ready to be displayed.
#[derive(Debug)]
pub struct Row {
    /// The group of its kind, for the script of a static site.
    pub group: &'static str,
    /// Its kind, as the API names it.
    pub kind: String,
    pub at: When,
    pub day: String,
    pub model: String,
    pub provider: String,
    /// The size of the change, percent or points; empty if unknown.
    pub percent: String,
    pub costs_more: bool,
    pub title: String,
    /// The cost of a session before and after.
    pub session: Option<String>,
    /// What explains the change, folded.
    pub more: Vec<String>,
    /// The moves of a schedule, oldest first.
    pub moves: Vec<String>,
    /// Number of moves that are not listed.
    pub other_moves: usize,
    /// Pages about it: name and address.
    pub links: Vec<(&'static str, String)>,
    /// An arrow and its class: better or worse for the payer.
    pub arrow: Option<(&'static str, &'static str)>,
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

impl Row {
    /// The row of a change.
    pub fn new(snapshot: &Snapshot, change: &Change) -> Self {
        let model = change.model_id.as_deref().and_then(|id| snapshot.model(id));
        let provider = change.provider.as_ref().and_then(|slug| snapshot.provider(slug.as_str()));
        let session = following::session(change);
        let mut more = following::lines(change);
        more.retain(|line| Some(line) != session.as_ref());
        let own = page_of(snapshot, change);
        let model = model.map(|model| ("model", link::model(&model.model_id)));
        let provider = provider.map(|entry| ("provider", link::provider(entry.provider.as_str())));
        let is_endpoint = own.as_deref().is_some_and(|path| path.contains(link::ENDPOINTS));
        let endpoint = own.filter(|_| is_endpoint).map(|path| ("endpoint", path));
        let moves = change.includes.iter().take(MOST_MOVES).map(|one| {
            let price = |amount: Option<f64>| amount.map_or_else(|| "not listed".to_owned(), format::usd);
            format!(
                "{}: {} {} → {}",
                format::moment(one.at),
                one.field.label(),
                price(one.before),
                price(one.after)
            )
        });
        Self {
            group: ChangeGroup::of(change.kind).map_or("", ChangeGroup::as_str),
            kind: change.kind.as_str().replace('_', " "),
            at: When::new(change.at),
            day: change.at.date_naive().to_string(),
            model: change.model_id.clone().unwrap_or_default(),
            provider: change.provider.as_ref().map(ToString::to_string).unwrap_or_default(),
            percent: change.percent.map(|percent| percent.abs().to_string()).unwrap_or_default(),
            costs_more: change.costs_more(),
            title: format::shorten(&following::title(change), LONGEST_TITLE),
            session,
            more,
            moves: moves.collect(),
            other_moves: change.includes.len().saturating_sub(MOST_MOVES),
            links: endpoint.into_iter().chain(model).chain(provider).collect(),
            arrow: arrow(change),
        }
    }
}

fn arrow(change: &Change) -> Option<(&'static str, &'static str)> {
    let percent = change.session.and_then(|session| session.percent).or(change.percent)?;
    let is_cost = change.session.is_some() || change.field.is_some_and(|field| field.is_price());
    let is_share = change.field.is_some_and(|field| field.is_in_points());
    match (is_cost, is_share, percent > 0.0) {
        _ if percent == 0.0 => None,
        (true, _, true) => Some(("↑", "down")),
        (true, _, false) => Some(("↓", "up")),
        (_, true, true) => Some(("↑", "up")),
        (_, true, false) => Some(("↓", "down")),
        _ => None,
    }
}
