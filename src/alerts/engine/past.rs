//! What the rules would have reported over the recorded changes, to try thresholds.

use super::matching::reports;
use super::state::Level;
use super::write::{Place, of_changes};
use super::{levels, together};
use crate::alerts::notice::Notice;
use crate::config::{DEFAULT_WORKLOAD, Rule};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::format::usd;
use crate::snapshot::Snapshot;
use crate::wording::following::{movement, subject};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// What one rule would have reported.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// Name of the rule.
    pub rule: String,
    /// The notices, oldest first.
    pub notices: Vec<Notice>,
    /// Conditions that the recorded changes cannot answer, one sentence each.
    pub not_checked: Vec<String>,
}

/// What the rules would have reported.
#[derive(Debug, Serialize)]
pub struct Past {
    /// The first time that was examined.
    pub since: DateTime<Utc>,
    /// The oldest change that is known; null if there is none.
    pub known_since: Option<DateTime<Utc>>,
    /// By rule, in the order of the settings.
    pub rules: Vec<Checked>,
    /// Names in the rules that the newest data do not contain.
    pub warnings: Vec<String>,
}

/// Applies the rules to the changes of a snapshot since a time. Session costs are followed through the changes that state
/// what a session of the workload `coding-agent` cost before and after; a preference through the recorded recommendations
/// of the default mode.
pub fn past(rules: &[Rule], snapshot: &Snapshot, since: DateTime<Utc>, public_url: &str) -> Past {
    let place = Place { public_url };
    let check = |rule: &Rule| {
        let changes: Vec<&Change> = snapshot
            .changes
            .iter()
            .rev()
            .filter(|change| change.at >= since && change.source.is_none())
            .collect();
        let matching = changes
            .iter()
            .copied()
            .filter(|change| reports(rule, change, snapshot.as_of) || is_changed_preference(rule, change));
        let mut notices: Vec<Notice> = together(matching.collect())
            .into_iter()
            .map(|group| {
                let at = group.first().map_or(since, |change| change.at);
                place.notice(rule, of_changes(group), at)
            })
            .collect();
        notices.extend(costs(rule, &changes, place));
        notices.sort_by_key(|notice| notice.at);
        Checked { rule: rule.name.clone(), notices, not_checked: not_checked(rule) }
    };
    Past {
        since,
        known_since: snapshot.changes.last().map(|change| change.at),
        rules: rules.iter().map(check).collect(),
        warnings: super::warnings(rules, snapshot),
    }
}

fn is_default_preference(rule: &Rule) -> bool {
    rule.limits.is_empty() && (rule.mode.is_empty() || rule.mode == "shortlist")
}

fn is_changed_preference(rule: &Rule, change: &Change) -> bool {
    rule.preference_changes
        && is_default_preference(rule)
        && change.kind == ChangeKind::RecommendationChanged
        && super::matching::watches(rule, change)
}

/// The rises of session costs along the changes of each endpoint.
fn costs(rule: &Rule, changes: &[&Change], place: Place<'_>) -> Vec<Notice> {
    let Some(percent) = rule.session_cost_rise.filter(|_| rule.workload() == DEFAULT_WORKLOAD) else {
        return Vec::new();
    };
    let mut at: BTreeMap<String, Level> = BTreeMap::new();
    let mut notices = Vec::new();
    for change in changes.iter().filter(|change| super::matching::watches(rule, change)) {
        let Some((before, after)) = change.session.and_then(|session| session.before.zip(session.after))
        else {
            continue;
        };
        let Some(id) = change.endpoint_id else { continue };
        let key = format!("{}@{id}", change.model_id.clone().unwrap_or_default());
        let level = at.entry(key).or_insert_with(|| Level::at(before));
        if let levels::Step::Rose(against) = level.step(after, percent) {
            let mut found = of_changes(vec![(*change).clone()]);
            let rise = (after / against - 1.0) * 100.0;
            found.lines.insert(0, found.title);
            found.title = format!(
                "Session cost of {} {}: {} → {}",
                subject(change),
                movement(None, rise),
                usd(against),
                usd(after)
            );
            notices.push(place.notice(rule, found, change.at));
        }
    }
    notices
}

fn not_checked(rule: &Rule) -> Vec<String> {
    let mut missing = Vec::new();
    if rule.session_cost_rise.is_some() && rule.workload() != DEFAULT_WORKLOAD {
        missing.push(format!(
            "`session_cost_rise`: recorded changes state costs of the workload {DEFAULT_WORKLOAD} only, not of {}",
            rule.workload()
        ));
    }
    if rule.preference_changes && !is_default_preference(rule) {
        missing.push(
            "`preference_changes`: the record has the recommendations of the default mode without limits only".to_owned(),
        );
    }
    if rule.own_hit_rate_drop.is_some() {
        missing.push("`own_hit_rate_drop`: your own traffic is examined when the rules run".to_owned());
    }
    if rule.collection_trouble {
        missing.push("`collection_trouble`: it is not a change of the record".to_owned());
    }
    missing
}
