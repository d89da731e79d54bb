//! Notices from what the rules found.

use crate::alerts::notice::{Notice, Severity};
use crate::config::{Importance, Rule};
use crate::domain::change::{Change, ChangeKind, ChangeValue};
use crate::wording::following;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What a notice is about: where its page is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Public address of the site, without a trailing slash; empty if unknown.
    pub public_url: &'a str,
}

/// What a rule found, before it is a notice.
#[derive(Debug, Default)]
pub struct Found {
    /// What makes the finding the same one again.
    pub key: String,
    /// One line.
    pub title: String,
    /// Details.
    pub lines: Vec<String>,
    /// The page about it: a path with its query.
    pub path: Option<String>,
    /// The changes behind it.
    pub changes: Vec<Change>,
    /// Whether something got worse.
    pub is_worse: bool,
}

/// The id of a finding of a rule: the same finding has the same id.
fn id(rule: &str, key: &str) -> String {
    let digest = Sha256::digest(format!("{rule}\u{1f}{key}").as_bytes());
    digest.iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

impl Place<'_> {
    /// The notice of a finding.
    pub fn notice(&self, rule: &Rule, found: Found, at: DateTime<Utc>) -> Notice {
        let severity = match rule.severity {
            Some(Importance::Info) => Severity::Info,
            Some(Importance::Warning) => Severity::Warning,
            Some(Importance::Critical) => Severity::Critical,
            None if found.is_worse => Severity::Warning,
            None => Severity::Info,
        };
        let url = found.path.filter(|_| !self.public_url.is_empty());
        Notice {
            id: id(&rule.name, &found.key),
            at,
            rule: rule.name.clone(),
            severity,
            title: found.title,
            lines: found.lines,
            url: url.map(|path| format!("{}{path}", self.public_url)),
            changes: found.changes,
        }
    }
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The page of a model.
pub fn model_path(model_id: &str) -> String {
    format!("/models/{}", model_id.split('/').map(encode).collect::<Vec<_>>().join("/"))
}

/// The page of changes with those of a model, or of a provider.
pub fn path_of(change: &Change) -> String {
    let day = change.at.date_naive();
    match (&change.model_id, &change.provider) {
        (Some(model), _) => format!("/changes?model={}&from={day}", encode(model)),
        (None, Some(provider)) => format!("/changes?provider={}&from={day}", encode(provider.as_str())),
        (None, None) => format!("/changes?from={day}"),
    }
}

fn is_worse(change: &Change) -> bool {
    let fell = change.percent.is_some_and(|percent| percent < 0.0);
    match change.kind {
        ChangeKind::HitRateShift | ChangeKind::UptimeShift => fell,
        ChangeKind::Outage => change.until.is_none(),
        ChangeKind::EndpointGone | ChangeKind::ModelGone => true,
        ChangeKind::Deprecation => change.after.is_some(),
        ChangeKind::TierChanged => {
            rank(change.before.as_ref()).zip(rank(change.after.as_ref())).is_some_and(|(from, to)| to > from)
        }
        _ => change.costs_more(),
    }
}

/// The rank of a tier, the best first; `None` without one.
fn rank(tier: Option<&ChangeValue>) -> Option<usize> {
    match tier {
        Some(ChangeValue::Text(letter)) => {
            ["S", "A", "B", "C", "D", "F"].iter().position(|one| one == letter)
        }
        _ => None,
    }
}

/// The finding of changes of one thing at one moment: the largest first.
pub fn of_changes(mut changes: Vec<Change>) -> Found {
    changes.sort_by(|a, b| {
        let size = |change: &Change| change.percent.map_or(0.0, f64::abs);
        size(b).total_cmp(&size(a)).then_with(|| a.id().cmp(&b.id()))
    });
    let mut ids: Vec<String> = changes.iter().map(|change| change.id().to_string()).collect();
    ids.sort();
    let mut lines: Vec<String> = changes.iter().skip(1).map(following::title).collect();
    for (place, change) in changes.iter().enumerate() {
        for line in following::lines(change) {
            // The title of a further change has its values already, and a recommendation has no other reason.
            let is_said =
                (place > 0 && line == change.why.trim()) || following::title(change).ends_with(&line);
            if !is_said && !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    Found {
        key: ids.join(" "),
        title: changes.first().map(following::title).unwrap_or_default(),
        lines,
        path: changes.first().map(path_of),
        is_worse: changes.iter().any(is_worse),
        changes,
    }
}

/// The finding that an outage that was reported is over.
pub fn of_end(outage: &Change) -> Found {
    Found {
        key: format!("end {}", outage.id()),
        title: following::title(outage),
        lines: following::lines(outage),
        path: Some(path_of(outage)),
        changes: vec![outage.clone()],
        is_worse: false,
    }
}

/// The finding that later readings took a reported change back.
pub fn of_taken_back(change: &Change) -> Found {
    Found {
        key: format!("taken back {}", change.id()),
        title: format!("Taken back: {}", following::title(change)),
        lines: vec!["Later readings no longer show this change. An earlier notice reported it.".to_owned()],
        path: Some(path_of(change)),
        changes: vec![change.clone()],
        is_worse: false,
    }
}
