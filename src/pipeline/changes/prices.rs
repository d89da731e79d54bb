//! Changes of list prices: one change for each field, or one schedule for all moves that repeat.

use super::about::of_endpoint;
use super::session::Sessions;
use crate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField, percent};
use crate::domain::price_move::PriceMove;
use crate::wording::change_words;
use chrono::{DateTime, Utc};

/// The changes of list prices in `[from, to]`. Every moved field of every move is in one of them.
pub(super) fn changes(
    moves: &[PriceMove],
    sessions: &Sessions<'_>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Vec<Change> {
    moves.iter().filter(|one| (from..=to).contains(&one.at)).flat_map(|one| of_move(one, sessions)).collect()
}

/// One change for each field that moved. All have the same session: it is priced with all prices of the endpoint.
fn of_move(one: &PriceMove, sessions: &Sessions<'_>) -> Vec<Change> {
    let seen = (one.last_read, one.at);
    let session = sessions.of_prices(one.endpoint.endpoint_id, (&one.before, &one.after), one.at);
    let change = |field: ChangedField| Change {
        field: Some(field),
        session,
        ..of_endpoint(one.at, ChangeKind::PriceChanged, &one.endpoint)
    };
    let number = |(field, before, after): (ChangedField, Option<f64>, Option<f64>)| Change {
        before: before.map(ChangeValue::Number),
        after: after.map(ChangeValue::Number),
        percent: percent(before, after),
        why: change_words::price_moved(field, (before, after), seen),
        ..change(field)
    };
    let mut changes: Vec<Change> = one.numbers().into_iter().map(number).collect();
    if one.moves_tiers() {
        let (before, after) = (&one.before.tiers, &one.after.tiers);
        let text = |tiers: &Vec<_>| {
            let text = (!tiers.is_empty()).then(|| serde_json::to_string(tiers).ok());
            text.flatten().map(ChangeValue::Text)
        };
        changes.push(Change {
            before: text(before),
            after: text(after),
            why: change_words::price_tiers_moved((before.len(), after.len()), seen),
            ..change(ChangedField::PriceTiers)
        });
    }
    changes
}
