//! What holds or does not hold: preferences, the own hit rate, and the collection itself.

use super::state::RuleState;
use super::write::{Found, model_path};
use crate::config::Rule;
use crate::domain::change_filter::is_named;
use crate::domain::format::{percent, span};
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::preferences::{Mode, PreferenceOptions, ProviderObject, advise};
use crate::snapshot::{ModelEntry, Snapshot};
use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use std::collections::BTreeSet;

/// A drop of the user's own hit rate of a model at a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnDrop {
    /// Model, as the own traffic names it.
    pub model: String,
    /// Provider.
    pub provider: String,
    /// Hit rate before, 0..1.
    pub before: f64,
    /// Hit rate now, 0..1.
    pub after: f64,
    /// The finding in one sentence.
    pub text: String,
}

/// The provider object in a form in which equal preferences are equal: sets of tags are sorted.
fn canonical(provider: Option<ProviderObject>) -> Option<Value> {
    let mut provider = provider?;
    for set in [&mut provider.only, &mut provider.ignore].into_iter().flatten() {
        set.sort();
    }
    serde_json::to_value(provider).ok()
}

/// The tags that a preference names, in words.
fn in_words(preference: Option<&Value>) -> String {
    let Some(preference) = preference else { return "no preference".to_owned() };
    let names = |key: &str| -> Option<String> {
        let tags = preference.get(key)?.as_array()?;
        let tags: Vec<&str> = tags.iter().filter_map(Value::as_str).collect();
        Some(format!("{key} {}", if tags.is_empty() { "none".to_owned() } else { tags.join(", ") }))
    };
    let parts: Vec<String> = ["only", "order", "ignore"].into_iter().filter_map(names).collect();
    if parts.is_empty() { preference.to_string() } else { parts.join("; ") }
}

fn is_watched(rule: &Rule, model: &ModelEntry) -> bool {
    let is_model = |name: &String| is_named(name, &model.model_id) || is_named(name, model.slug.as_str());
    rule.models.iter().any(is_model)
}

/// The preferences that are not what they were at the last publication. A model that is seen for the first time sets
/// what its preference is.
pub fn preferences(rule: &Rule, snapshot: &Snapshot, state: &mut RuleState, is_start: bool) -> Vec<Found> {
    if !rule.preference_changes {
        return Vec::new();
    }
    let mode = Mode::parse(&rule.mode).unwrap_or(Mode::DEFAULT);
    let options = PreferenceOptions { mode, workload: snapshot.default_workload(), limits: &rule.limits };
    let mut found = Vec::new();
    for model in snapshot.models.iter().filter(|model| is_watched(rule, model)) {
        // The age of the data is the concern of another rule, so the time is that of the data.
        let preference = advise(snapshot, model, &options, snapshot.as_of);
        let reason = preference.reason.clone();
        let now = canonical(preference.provider);
        let before = state.preferences.insert(model.model_id.clone(), now.clone());
        let Some(before) = before.filter(|_| !is_start).filter(|before| *before != now) else { continue };
        let mut lines = vec![
            format!("Before: {}.", in_words(before.as_ref())),
            format!("Now: {}.", in_words(now.as_ref())),
        ];
        lines.extend(reason.map(|reason| format!("There is no preference now: {reason}")));
        lines.extend(
            preference.evidence.iter().take(3).map(|evidence| format!("{}: {}", evidence.tag, evidence.why)),
        );
        found.push(Found {
            key: format!(
                "preference {} {} {:?} {:?}",
                model.model_id,
                snapshot.as_of.timestamp(),
                before,
                now
            ),
            title: match &now {
                Some(_) => format!("Preference for {} changed (mode {mode})", model.model_id),
                None => format!("There is no preference for {} any more (mode {mode})", model.model_id),
            },
            lines,
            path: Some(model_path(&model.model_id)),
            changes: Vec::new(),
            is_worse: now.is_none(),
        });
    }
    found
}

/// Whether the own traffic's name of a provider, a tag or a name, is that of a base slug.
fn is_provider(slug: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    is_named(slug, &name) || is_named(slug, name.split('/').next().unwrap_or_default())
}

/// The drops of the own hit rate that are not reported yet. A drop that is over may be reported again.
pub fn own(rule: &Rule, drops: &[OwnDrop], state: &mut RuleState, is_start: bool) -> Vec<Found> {
    let Some(points) = rule.own_hit_rate_drop else { return Vec::new() };
    let is_watched = |drop: &&OwnDrop| {
        (drop.before - drop.after) * 100.0 >= points - 1e-9
            && (rule.models.is_empty() || rule.models.iter().any(|name| is_named(name, &drop.model)))
            && (rule.providers.is_empty()
                || rule.providers.iter().any(|slug| is_provider(slug, &drop.provider)))
    };
    let key = |drop: &OwnDrop| format!("{}@{}", drop.model, drop.provider);
    let standing: BTreeSet<String> = drops.iter().filter(is_watched).map(key).collect();
    let fresh = drops.iter().filter(is_watched).filter(|drop| !is_start && !state.own.contains(&key(drop)));
    let found = fresh
        .map(|drop| Found {
            key: format!("own {} {}", key(drop), drop.text),
            title: format!(
                "Your own hit rate of {} at {} fell {:.0} points: {} → {}",
                drop.model,
                drop.provider,
                (drop.before - drop.after) * 100.0,
                percent(drop.before, 1),
                percent(drop.after, 1)
            ),
            lines: vec![drop.text.clone()],
            is_worse: true,
            ..Found::default()
        })
        .collect();
    state.own = standing;
    found
}

/// The trouble of the collection that began or ended since the last publication.
pub fn collection(
    rule: &Rule,
    snapshot: &Snapshot,
    now: DateTime<Utc>,
    state: &mut RuleState,
    is_start: bool,
) -> Vec<Found> {
    if !rule.collection_trouble {
        return Vec::new();
    }
    let mut troubles: Vec<(String, String, String)> = Vec::new();
    if let Some(suspect) = &snapshot.status.suspect {
        troubles.push((
            format!("suspect {}", suspect.moved()),
            format!("Suspect run: the meaning of {} seems to have changed upstream", suspect.moved()),
            format!(
                "The run {} is archived but not published. Examine it, then run `hitrate accept`.",
                suspect.run_id
            ),
        ));
    }
    let age = now - snapshot.as_of;
    if age >= Duration::hours(STALE_AFTER_HOURS) {
        troubles.push((
            "stale".to_owned(),
            format!("The newest data are {} old", span(age)),
            "The collection or its upstream is not responding. The last good snapshot stays in service."
                .to_owned(),
        ));
    }
    let path = Some("/status".to_owned());
    let standing: BTreeSet<String> = troubles.iter().map(|(key, _, _)| key.clone()).collect();
    let mut found = Vec::new();
    if !is_start {
        for (key, title, line) in troubles {
            if !state.trouble.contains(&key) {
                // Trouble that returns later is another finding.
                let key = format!("{key} {}", snapshot.as_of.timestamp());
                found.push(Found {
                    key,
                    title,
                    lines: vec![line],
                    path: path.clone(),
                    is_worse: true,
                    ..Found::default()
                });
            }
        }
        if standing.is_empty() && !state.trouble.is_empty() {
            let was: Vec<&str> = state.trouble.iter().map(String::as_str).collect();
            found.push(Found {
                key: format!("over {}", snapshot.as_of.timestamp()),
                title: "The collection works again".to_owned(),
                lines: vec![format!("It was: {}.", was.join(", "))],
                path,
                ..Found::default()
            });
        }
    }
    state.trouble = standing;
    found
}
