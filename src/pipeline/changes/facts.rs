//! Changes of what the upstream states about endpoints, and endpoints and models that come and go.
//!
//! Both sources list endpoints, and only the statistics state data policy, region and creation. A row that only the
//! documented API supports says nothing about those facts, so it is compared only while the statistics have never listed
//! the endpoint.

use super::about::of_endpoint;
use crate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField, percent};
use crate::domain::endpoint::PublishedFacts;
use crate::domain::price_move::EndpointNames;
use crate::store::{FactsRow, ListedModel, Store, StoreError};
use crate::wording::change_words::{
    deprecation_moved, endpoint_appeared, endpoint_gone, fact_moved, model_listed, parameters_moved, whole,
};
use chrono::{DateTime, SecondsFormat, Utc};

/// All changes of facts up to `as_of`. The reading before a change is looked up from `read_from` on.
pub(super) fn changes(
    store: &Store,
    as_of: DateTime<Utc>,
    read_from: DateTime<Utc>,
) -> Result<Vec<Change>, StoreError> {
    let rows = store.changed_facts(as_of, read_from)?;
    let mut changes: Vec<Change> =
        rows.chunk_by(|one, next| one.endpoint_id == next.endpoint_id).flat_map(of_rows).collect();
    changes.extend(store.listed_models(as_of)?.iter().map(of_model));
    Ok(changes)
}

fn of_model(listed: &ListedModel) -> Change {
    let kind = if listed.is_listed { ChangeKind::ModelAppeared } else { ChangeKind::ModelGone };
    Change {
        model: Some(listed.model.clone()),
        variant: Some(listed.variant.clone()),
        model_id: Some(listed.model_id.clone()),
        why: model_listed(listed.at, listed.is_listed, listed.absent_since),
        ..Change::new(listed.at, kind)
    }
}

/// The changes that the rows of one endpoint show, oldest first.
fn of_rows(rows: &[FactsRow]) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut before: Option<&FactsRow> = None;
    // The last row to compare facts with.
    let mut stated: Option<&FactsRow> = None;
    for row in rows {
        let is_continued = before.is_some_and(|before| before.valid_to == Some(row.valid_from));
        if !is_continued && row.may_appear {
            changes.push(Change {
                why: endpoint_appeared(row.valid_from, row.last_read),
                ..of_endpoint(row.valid_from, ChangeKind::EndpointAppeared, &names(row))
            });
        }
        if let Some(before) = before.filter(|before| before.facts.tag != row.facts.tag) {
            changes.push(tag_change(before, row));
        }
        let counts = has_statistics(row) || !stated.is_some_and(has_statistics);
        if let Some(stated) = stated.filter(|stated| counts && has_statistics(stated) == has_statistics(row))
        {
            changes.extend(compared(stated, row));
        }
        if counts {
            stated = Some(row);
        }
        let next = rows.iter().find(|next| next.valid_from > row.valid_from);
        if let Some(gone) = row.valid_to.filter(|to| next.is_none_or(|next| next.valid_from > *to)) {
            changes.push(Change {
                why: endpoint_gone(gone),
                ..of_endpoint(gone, ChangeKind::EndpointGone, &names(row))
            });
        }
        before = Some(row);
    }
    changes
}

/// Whether the statistics support a row: they state the data policy or the creation.
fn has_statistics(row: &FactsRow) -> bool {
    let facts = &row.facts.published;
    facts.trains_on_prompts.is_some() || facts.retains_prompts.is_some() || facts.created_at.is_some()
}

fn names(row: &FactsRow) -> EndpointNames {
    EndpointNames {
        endpoint_id: row.endpoint_id,
        model: row.facts.model.clone(),
        variant: row.facts.variant.clone(),
        model_id: row.model_id.clone(),
        provider: Some(row.facts.provider.clone()),
        tag: Some(row.facts.tag.clone()),
    }
}

fn tag_change(before: &FactsRow, row: &FactsRow) -> Change {
    let (from, to) = (before.facts.tag.to_string(), row.facts.tag.to_string());
    Change {
        why: fact_moved(ChangedField::Tag, (Some(&from), Some(&to)), (row.last_read, row.valid_from)),
        field: Some(ChangedField::Tag),
        before: Some(ChangeValue::Text(from)),
        after: Some(ChangeValue::Text(to)),
        ..of_endpoint(row.valid_from, ChangeKind::TagChanged, &names(row))
    }
}

/// The facts that differ between two rows.
fn compared(before: &FactsRow, row: &FactsRow) -> Vec<Change> {
    let seen = (row.last_read, row.valid_from);
    let endpoint = names(row);
    let (was, now): (&PublishedFacts, &PublishedFacts) = (&before.facts.published, &row.facts.published);
    let mut changes = Vec::new();
    let mut add = |field: ChangedField, from: Option<Fact>, to: Option<Fact>| {
        if from == to {
            return;
        }
        let words = |fact: &Option<Fact>| fact.as_ref().map(Fact::words);
        let number = |fact: &Option<Fact>| fact.as_ref().and_then(Fact::number);
        changes.push(Change {
            field: Some(field),
            percent: percent(number(&from), number(&to)),
            why: fact_moved(field, (words(&from).as_deref(), words(&to).as_deref()), seen),
            before: from.map(Fact::value),
            after: to.map(Fact::value),
            ..of_endpoint(row.valid_from, ChangeKind::EndpointChanged, &endpoint)
        });
    };
    let text = |text: &Option<String>| text.clone().map(Fact::Text);
    add(ChangedField::Quantization, text(&was.quantization), text(&now.quantization));
    add(
        ChangedField::ContextLength,
        was.context_length.map(Fact::Whole),
        now.context_length.map(Fact::Whole),
    );
    if row.facts_known {
        let (from, to) = (was.max_prompt_tokens, now.max_prompt_tokens);
        add(ChangedField::MaxPromptTokens, from.map(Fact::Whole), to.map(Fact::Whole));
    }
    let (from, to) = (was.max_completion_tokens, now.max_completion_tokens);
    add(ChangedField::MaxCompletionTokens, from.map(Fact::Whole), to.map(Fact::Whole));
    let (from, to) = (was.trains_on_prompts, now.trains_on_prompts);
    add(ChangedField::TrainsOnPrompts, from.map(Fact::Flag), to.map(Fact::Flag));
    let (from, to) = (was.retains_prompts, now.retains_prompts);
    add(ChangedField::RetainsPrompts, from.map(Fact::Flag), to.map(Fact::Flag));
    add(ChangedField::Region, text(&was.region), text(&now.region));
    let flag = |flag: bool| Some(Fact::Flag(flag));
    let restricted = |row: &FactsRow| flag(row.facts.restricted == Some(true));
    add(ChangedField::Restricted, restricted(before), restricted(row));
    add(ChangedField::Deranked, flag(before.facts.deranked), flag(row.facts.deranked));
    add(ChangedField::Disabled, flag(before.facts.disabled), flag(row.facts.disabled));
    let missing = |from: &[String], of: &[String]| -> Vec<String> {
        of.iter().filter(|name| !from.contains(name)).cloned().collect()
    };
    let removed = missing(&now.parameters, &was.parameters);
    let added = missing(&was.parameters, &now.parameters);
    if !removed.is_empty() || !added.is_empty() {
        changes.push(Change {
            field: Some(ChangedField::Parameters),
            why: parameters_moved((&removed, &added), seen),
            before: Some(ChangeValue::List(removed)),
            after: Some(ChangeValue::List(added)),
            ..of_endpoint(row.valid_from, ChangeKind::EndpointChanged, &endpoint)
        });
    }
    let (from, to) = (was.deprecation_date, now.deprecation_date);
    if row.facts_known && from != to {
        let time = |time: DateTime<Utc>| ChangeValue::Text(time.to_rfc3339_opts(SecondsFormat::Secs, true));
        changes.push(Change {
            field: Some(ChangedField::DeprecationDate),
            why: deprecation_moved((from, to), seen),
            before: from.map(time),
            after: to.map(time),
            ..of_endpoint(row.valid_from, ChangeKind::Deprecation, &endpoint)
        });
    }
    changes
}

/// A fact as it is compared.
#[derive(Debug, Clone, PartialEq)]
enum Fact {
    Flag(bool),
    Whole(i64),
    Text(String),
}

impl Fact {
    fn words(&self) -> String {
        match self {
            Self::Flag(true) => "yes".to_owned(),
            Self::Flag(false) => "no".to_owned(),
            Self::Whole(number) => whole(*number),
            Self::Text(text) => text.clone(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            _ => None,
        }
    }

    fn value(self) -> ChangeValue {
        match self {
            Self::Flag(flag) => ChangeValue::Flag(flag),
            Self::Whole(number) => ChangeValue::Number(number as f64),
            Self::Text(text) => ChangeValue::Text(text),
        }
    }
}
