//! Resolves the names of a comparison.

use super::super::search::{Found, nearest};
use super::MOST;
use crate::site::parts::link;
use crate::site::respond::echo;
use crate::snapshot::{Endpoint, ModelEntry, ProviderEntry, Snapshot};
use axum::http::StatusCode;
use uuid::Uuid;

pub enum Subjects<'a> {
    Endpoints(Vec<(&'a ModelEntry, &'a Endpoint)>),
    Providers(Vec<&'a ProviderEntry>),
}

/// What is wrong with the names; by default nothing.
#[derive(Default)]
pub struct Wrong {
    /// 404 for an unknown name, 400 for names that cannot be compared with each other.
    pub status: StatusCode,
    /// What happened and what to do, one sentence each.
    pub errors: Vec<String>,
    /// Likely intended targets.
    pub nearest: Vec<Found>,
    /// The page of the only subject.
    pub own: Option<Found>,
}

enum Subject<'a> {
    Endpoint(&'a ModelEntry, &'a Endpoint),
    Provider(&'a ProviderEntry),
}

/// An endpoint by `model@tag` or UUID, or a provider by slug or name.
fn subject<'a>(snapshot: &'a Snapshot, name: &str) -> Option<Subject<'a>> {
    if let Some((model, tag)) = name.split_once('@') {
        let model = snapshot.model(model)?;
        return model.endpoints.iter().find(|e| e.tag.as_str() == tag).map(|e| Subject::Endpoint(model, e));
    }
    if let Ok(id) = name.parse::<Uuid>() {
        let mut all = snapshot.models.iter().flat_map(|m| m.endpoints.iter().map(move |e| (m, e)));
        return all.find(|(_, e)| e.endpoint_id == id).map(|(m, e)| Subject::Endpoint(m, e));
    }
    let lower = name.to_lowercase();
    let is = |p: &&ProviderEntry| p.provider.as_str() == lower || p.name.to_lowercase() == lower;
    snapshot.providers.iter().find(is).map(Subject::Provider)
}

/// The model, if only the tag of a name is wrong; otherwise the nearest models and providers.
fn suggestions(snapshot: &Snapshot, name: &str) -> Vec<Found> {
    let (model, _) = name.split_once('@').unwrap_or((name, ""));
    let Some(model) = snapshot.model(model) else { return nearest(snapshot, model) };
    vec![Found::model(model)]
}

impl Wrong {
    /// Adds an error; the status is that of the first one.
    fn add(&mut self, status: StatusCode, error: String) {
        if self.errors.is_empty() {
            self.status = status;
        }
        self.errors.push(error);
    }

    /// One subject has nothing to be compared with: its own page shows it.
    fn alone(&mut self, own: Found) {
        self.add(StatusCode::BAD_REQUEST, "A comparison needs at least two: name a second.".to_owned());
        self.own = Some(own);
    }
}

/// Resolves the names, each of which is there once: what can be compared, and what is wrong with the rest. One wrong name
/// does not prevent the comparison of the others. Without names there is nothing to compare and nothing wrong.
pub fn subjects<'a>(snapshot: &'a Snapshot, names: &[&str]) -> (Option<Subjects<'a>>, Wrong) {
    let mut problems = Wrong::default();
    if names.len() > MOST {
        let (count, rest) = (names.len(), names.len() - MOST);
        problems.add(
            StatusCode::BAD_REQUEST,
            format!("{count} are too many: the first {MOST} are compared. Remove {rest} of the names below."),
        );
    }
    let (mut endpoints, mut providers) = (Vec::new(), Vec::new());
    for name in names.iter().take(MOST) {
        match subject(snapshot, name) {
            Some(Subject::Endpoint(model, endpoint)) => endpoints.push((model, endpoint)),
            Some(Subject::Provider(provider)) => providers.push(provider),
            None => {
                let name_shown = echo(name);
                problems.add(
                    StatusCode::NOT_FOUND,
                    format!("No provider or endpoint is called “{name_shown}” in the newest data."),
                );
                problems.nearest.extend(suggestions(snapshot, name));
            }
        }
    }
    if !endpoints.is_empty() && !providers.is_empty() {
        problems.add(
            StatusCode::BAD_REQUEST,
            "Endpoints and providers cannot be compared with each other: choose one kind.".to_owned(),
        );
        return (None, problems);
    }
    let found = match (endpoints.as_slice(), providers.as_slice()) {
        ([], []) => None,
        ([(model, endpoint)], []) => {
            problems.alone(Found::endpoint(link::endpoint_of(model, endpoint), endpoint));
            None
        }
        ([], [provider]) => {
            problems.alone(Found::provider(provider));
            None
        }
        (_, []) => Some(Subjects::Endpoints(endpoints)),
        (..) => Some(Subjects::Providers(providers)),
    };
    (found, problems)
}
