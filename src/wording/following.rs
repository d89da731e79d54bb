//! Changes as titles and sentences, for feeds, alerts and the page of changes.

use super::change_words::field_in_words;
use crate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField};
use crate::domain::format::{grouped, moment, percent, span, usd};

/// Longest value that is written, characters: values may be texts of the upstream.
const LONGEST_VALUE: usize = 120;
/// Most names of a list that are written.
const MOST_NAMES: usize = 8;

/// What a change is about: "a/b at novita/fp8", the model, the provider, or "the upstream".
pub fn subject(change: &Change) -> String {
    let model = change.model_id.clone().or_else(|| change.model.as_ref().map(ToString::to_string));
    let host = change.tag.as_ref().map(ToString::to_string);
    let host = host.or_else(|| change.provider.as_ref().map(ToString::to_string));
    match (model, host) {
        (Some(model), Some(host)) => format!("{model} at {host}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "the upstream".to_owned(),
    }
}

/// A change of a price or of another amount in percent, and of a share in points: "rose 34 %", "fell 12 points".
pub fn movement(field: Option<ChangedField>, percent: f64) -> String {
    let verb = if percent < 0.0 { "fell" } else { "rose" };
    let size = percent.abs();
    let decimals = usize::from(size < 9.5);
    match field {
        Some(field) if field.is_share() => {
            let text = format!("{size:.decimals$}");
            format!("{verb} {text} {}", if text == "1.0" { "point" } else { "points" })
        }
        _ => format!("{verb} {size:.decimals$} %"),
    }
}

/// A value in the unit of its field.
pub fn value(field: Option<ChangedField>, value: &ChangeValue) -> String {
    let text = match value {
        ChangeValue::Flag(true) => "yes".to_owned(),
        ChangeValue::Flag(false) => "no".to_owned(),
        ChangeValue::Number(number) => amount(field, *number),
        ChangeValue::Text(text) => text.clone(),
        ChangeValue::List(names) => {
            let shown = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
            match names.len().saturating_sub(MOST_NAMES) {
                0 if names.is_empty() => "none".to_owned(),
                0 => shown,
                more => format!("{shown} and {more} more"),
            }
        }
    };
    shorten(&text)
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text.to_owned(),
    }
}

fn amount(field: Option<ChangedField>, number: f64) -> String {
    match field {
        Some(field) if field.is_price() => usd(number),
        Some(field) if field.is_share() => percent(number, 1),
        Some(ChangedField::Throughput) => format!("{number:.1} tokens/s"),
        Some(ChangedField::LatencyMs) => format!("{number:.0} ms"),
        Some(
            ChangedField::ContextLength
            | ChangedField::MaxPromptTokens
            | ChangedField::MaxCompletionTokens
            | ChangedField::Tokens,
        ) => format!("{} tokens", grouped(number.max(0.0) as u64)),
        _ => format!("{number}"),
    }
}

/// The values of a change: "$0.25 → $0.34", "now $0.10", "no longer listed"; `None` if it has no values.
pub fn values(change: &Change) -> Option<String> {
    let text = |one: &ChangeValue| value(change.field, one);
    Some(match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{} → {}", text(before), text(after)),
        (None, Some(after)) => format!("now {}", text(after)),
        (Some(before), None) => format!("was {}, no longer stated", text(before)),
        (None, None) => return None,
    })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A change in one line, with what changed, where, and the values: the title of an entry or of an alert.
pub fn title(change: &Change) -> String {
    let about = subject(change);
    let label = match change.field {
        Some(field) if field.is_price() && change.kind != ChangeKind::EffectivePriceShift => {
            format!("list price ({})", field_in_words(field))
        }
        field => field.map_or("value", field_in_words).to_owned(),
    };
    let with = |start: String| match values(change) {
        Some(values) => format!("{start}: {values}"),
        None => start,
    };
    match change.kind {
        ChangeKind::PriceSchedule => {
            format!("{} of {about} follows a schedule ({} moves)", capital(&label), change.includes.len())
        }
        ChangeKind::Deprecation => match &change.after {
            Some(end) => format!("{about} is announced to end on {}", value(change.field, end)),
            None => format!("The announced end of {about} was withdrawn"),
        },
        ChangeKind::EndpointAppeared | ChangeKind::ModelAppeared => format!("{about} was added"),
        ChangeKind::EndpointGone | ChangeKind::ModelGone => format!("{about} was removed"),
        ChangeKind::Outage => match change.until {
            Some(until) => format!("Outage of {about} ended after {}", span(until - change.at)),
            None => format!("Outage of {about} since {}", moment(change.at)),
        },
        ChangeKind::TagChanged => with(format!("Endpoint of {about} was renamed")),
        ChangeKind::WindowChanged => with("The usage summaries cover another window".to_owned()),
        ChangeKind::RecommendationChanged => with(format!("Recommendation for {about} changed")),
        _ => match change.percent {
            Some(percent) if change.before.is_some() && change.after.is_some() => {
                with(format!("{} of {about} {}", capital(&label), movement(change.field, percent)))
            }
            _ => with(format!("{} of {about}", capital(&label))),
        },
    }
}

/// The cost of a session before and after: "A coding-agent session costs $0.34 instead of $0.25 (+36.0 %).".
pub fn session(change: &Change) -> Option<String> {
    let session = change.session?;
    let (before, after) = session.before.zip(session.after)?;
    let percent = session
        .percent
        .map(|percent| format!(" ({percent:+.1} %)").replace('-', "\u{2212}"))
        .unwrap_or_default();
    Some(format!("A coding-agent session costs {} instead of {}{percent}.", usd(after), usd(before)))
}

/// The evidence of a shift in one sentence.
pub fn evidence(change: &Change) -> Option<String> {
    let found = change.evidence.as_ref()?;
    let scatter = match change.field {
        Some(field) if field.is_share() => format!("{:.1} points", found.scatter * 100.0),
        field => amount(field, found.scatter),
    };
    Some(format!(
        "{} readings before and {} after; the endpoint’s own scatter is {scatter}; q {}.",
        found.readings_before,
        found.readings_after,
        if found.q_value < 0.001 { "below 0.001".to_owned() } else { format!("= {:.3}", found.q_value) }
    ))
}

/// What is known beside the title, one sentence each: why, the cost of a session, the evidence, the end, the source.
pub fn lines(change: &Change) -> Vec<String> {
    let mut lines: Vec<String> =
        Some(change.why.trim()).filter(|why| !why.is_empty()).map(str::to_owned).into_iter().collect();
    lines.extend(session(change));
    lines.extend(evidence(change));
    if let Some(until) = change.until {
        lines.push(format!(
            "It lasted from {} to {} ({}).",
            moment(change.at),
            moment(until),
            span(until - change.at)
        ));
    }
    lines.extend(
        change
            .source
            .as_ref()
            .map(|source| format!("Source: {}, not a run of this record.", source.replace('_', " "))),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::SessionChange;
    use crate::domain::ids::Tag;

    fn change(kind: ChangeKind) -> Change {
        let at = "2026-08-08T15:31:00Z".parse().expect("a time");
        Change {
            model_id: Some("a/quill".to_owned()),
            tag: Some(Tag::new("lumen/fp8")),
            ..Change::new(at, kind)
        }
    }

    #[test]
    fn a_title_names_what_changed_where_and_by_how_much() {
        let price = Change {
            field: Some(ChangedField::ListInput),
            before: Some(ChangeValue::Number(0.25)),
            after: Some(ChangeValue::Number(0.335)),
            percent: Some(34.0),
            session: Some(SessionChange { before: Some(1.0), after: Some(1.2), percent: Some(20.0) }),
            ..change(ChangeKind::PriceChanged)
        };
        assert_eq!(title(&price), "List price (input) of a/quill at lumen/fp8 rose 34 %: $0.25 → $0.335");
        assert_eq!(lines(&price), ["A coding-agent session costs $1.20 instead of $1.00 (+20.0 %)."]);
        let shift = Change {
            field: Some(ChangedField::HitRate),
            before: Some(ChangeValue::Number(0.82)),
            after: Some(ChangeValue::Number(0.68)),
            percent: Some(-14.0),
            ..change(ChangeKind::HitRateShift)
        };
        assert_eq!(title(&shift), "Hit rate of a/quill at lumen/fp8 fell 14 points: 82.0 % → 68.0 %");
        assert_eq!(title(&change(ChangeKind::EndpointGone)), "a/quill at lumen/fp8 was removed");
        let gone = Change { after: None, percent: None, ..price };
        assert_eq!(title(&gone), "List price (input) of a/quill at lumen/fp8: was $0.25, no longer stated");
    }

    #[test]
    fn an_outage_has_its_length_once_it_is_over() {
        let mut outage = change(ChangeKind::Outage);
        assert_eq!(title(&outage), "Outage of a/quill at lumen/fp8 since 2026-08-08 15:31 UTC");
        outage.until = Some(outage.at + chrono::Duration::hours(3));
        assert_eq!(title(&outage), "Outage of a/quill at lumen/fp8 ended after 3 hours");
    }

    #[test]
    fn long_values_of_others_are_cut() {
        let long = ChangeValue::Text("é".repeat(500));
        assert_eq!(value(None, &long).chars().count(), LONGEST_VALUE + 1);
        let many = ChangeValue::List((0..20).map(|n| format!("p{n}")).collect());
        assert!(value(None, &many).ends_with("p7 and 12 more"));
        assert_eq!(value(None, &ChangeValue::List(Vec::new())), "none");
    }
}
