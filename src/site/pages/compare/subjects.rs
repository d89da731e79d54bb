//! Resolves the names of a comparison.

use super::super::search::{Found, nearest};
use super::MOST;
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

fn wrong(status: StatusCode, error: String) -> Wrong {
    Wrong { status, errors: vec![error], nearest: Vec::new() }
}

/// Resolves the names; duplicates count once. `None` if there are no names, so there is nothing to compare yet.
pub fn subjects<'a>(snapshot: &'a Snapshot, names: &[&str]) -> Result<Option<Subjects<'a>>, Wrong> {
    let mut unique: Vec<&str> = Vec::new();
    for name in names {
        if !unique.contains(name) {
            unique.push(name);
        }
    }
    match unique.len() {
        0 => return Ok(None),
        1 => {
            return Err(wrong(
                StatusCode::BAD_REQUEST,
                "A comparison needs at least two: name a second.".to_owned(),
            ));
        }
        2..=MOST => {}
        n => return Err(wrong(StatusCode::BAD_REQUEST, format!("{n} are too many: name at most {MOST}."))),
    }
    let (mut endpoints, mut providers) = (Vec::new(), Vec::new());
    let mut unknown = Wrong { status: StatusCode::NOT_FOUND, errors: Vec::new(), nearest: Vec::new() };
    for name in unique {
        match subject(snapshot, name) {
            Some(Subject::Endpoint(model, endpoint)) => endpoints.push((model, endpoint)),
            Some(Subject::Provider(provider)) => providers.push(provider),
            None => {
                let name_shown = echo(name);
                unknown
                    .errors
                    .push(format!("No provider or endpoint is called “{name_shown}” in the newest data."));
                unknown.nearest.extend(suggestions(snapshot, name));
            }
        }
    }
    match (unknown.errors.is_empty(), endpoints.is_empty(), providers.is_empty()) {
        (false, ..) => Err(unknown),
        (_, false, true) => Ok(Some(Subjects::Endpoints(endpoints))),
        (_, true, _) => Ok(Some(Subjects::Providers(providers))),
        (_, false, false) => Err(wrong(
            StatusCode::BAD_REQUEST,
            "Endpoints and providers cannot be compared with each other: choose one kind.".to_owned(),
        )),
    }
}
