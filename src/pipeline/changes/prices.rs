//! Changes of list prices: one change for each field, or one schedule for all moves that repeat.

use super::about::of_endpoint;
use super::session::Sessions;
use crate::analysis::schedules::{PriceSchedule, price_schedule};
use crate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField, IncludedChange};
use crate::domain::price_move::PriceMove;
use crate::wording::change_words::{self, ScheduleWords};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The changes of list prices in `[from, to]`. Every moved field of every move is in one of them.
pub(super) fn changes(
    moves: &[PriceMove],
    sessions: &Sessions<'_>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Vec<Change> {
    let mut by_endpoint: BTreeMap<Uuid, Vec<PriceMove>> = BTreeMap::new();
    for one in moves {
        by_endpoint.entry(one.endpoint.endpoint_id).or_default().push(one.clone());
    }
    by_endpoint.values().flat_map(|moves| of_endpoint_moves(moves, sessions, (from, to))).collect()
}

/// The changes of one endpoint, oldest first. All its moves decide whether it has a schedule; those in `[from, to]` are
/// listed. The schedule has the time of the newest of them.
fn of_endpoint_moves(
    moves: &[PriceMove],
    sessions: &Sessions<'_>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Vec<Change> {
    let schedule = price_schedule(moves);
    let mut scheduled = Vec::new();
    let mut changes = Vec::new();
    for (position, one) in moves.iter().enumerate().filter(|(_, one)| (from..=to).contains(&one.at)) {
        let belongs = schedule.as_ref().is_some_and(|schedule| schedule.moves.contains(&position));
        if belongs {
            scheduled.push(one);
        }
        changes.extend(of_move(one, sessions, !belongs));
    }
    changes.extend(schedule.and_then(|schedule| of_schedule(&schedule, &scheduled)));
    changes
}

/// One change for the moves of a schedule, at the newest of them. It has neither a value before nor one after, because it
/// is not one move.
fn of_schedule(schedule: &PriceSchedule, moves: &[&PriceMove]) -> Option<Change> {
    let newest = moves.last()?;
    let includes = moves.iter().flat_map(|one| {
        one.numbers().into_iter().map(|(field, before, after)| IncludedChange {
            at: one.at,
            field,
            before,
            after,
        })
    });
    Some(Change {
        field: Some(schedule.field),
        includes: includes.collect(),
        why: change_words::schedule(&ScheduleWords {
            field: schedule.field,
            levels: &schedule.levels,
            falls: schedule.falls,
            rises: schedule.rises,
            weekdays: schedule.is_weekly.then_some(schedule.weekdays.as_slice()),
            days_seen: schedule.days_seen,
            days: schedule.days,
            is_documented: schedule.is_documented,
        }),
        ..of_endpoint(newest.at, ChangeKind::PriceSchedule, &newest.endpoint)
    })
}

/// One change for each field that moved, without the prices and discounts unless `with_numbers`. All have the same session:
/// it is priced with all prices of the endpoint.
fn of_move(one: &PriceMove, sessions: &Sessions<'_>, with_numbers: bool) -> Vec<Change> {
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
        percent: field.change(before, after),
        why: change_words::price_moved(field, (before, after), seen),
        ..change(field)
    };
    let mut changes: Vec<Change> =
        if with_numbers { one.numbers().into_iter().map(number).collect() } else { Vec::new() };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::Prices;
    use crate::domain::ids::{ModelSlug, Variant};
    use crate::domain::price_move::{EndpointNames, PriceState};
    use crate::domain::session::CostBasis;
    use crate::domain::workload::Workload;
    use chrono::Duration;
    use proptest::prelude::*;

    const ALL: (DateTime<Utc>, DateTime<Utc>) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);

    fn state((input, read): (u8, u8)) -> PriceState {
        let price = |price: u8| (price > 0).then(|| f64::from(price) / 10.0);
        PriceState {
            list: Prices {
                input: price(input),
                output: Some(2.0),
                cache_read: price(read),
                ..Prices::default()
            },
            discount: Some(f64::from(input) / 20.0),
            ..PriceState::default()
        }
    }

    /// The moves between readings an hour apart.
    fn moves(endpoint: u128, readings: &[(u8, u8)]) -> Vec<PriceMove> {
        let start: DateTime<Utc> = "2026-10-05T00:57:00Z".parse().expect("a time");
        let names = EndpointNames {
            endpoint_id: Uuid::from_u128(endpoint),
            model: ModelSlug::new("wren/lark-2"),
            variant: Variant::standard(),
            model_id: Some("wren/lark-2".to_owned()),
            provider: None,
            tag: None,
        };
        let pairs = readings.windows(2).zip(1..);
        let moved = pairs.map(|(pair, hour)| PriceMove {
            at: start + Duration::hours(hour),
            last_read: Some(start + Duration::hours(hour - 1)),
            endpoint: names.clone(),
            before: state(pair[0]),
            after: state(pair[1]),
        });
        moved.filter(PriceMove::is_move).collect()
    }

    type Moved = (Option<Uuid>, DateTime<Utc>, ChangedField, Option<u64>, Option<u64>);

    fn bits(value: Option<f64>) -> Option<u64> {
        value.map(f64::to_bits)
    }

    /// Every move that the changes contain, alone or in a schedule, sorted.
    fn contained(changes: &[Change]) -> Vec<Moved> {
        let number = |value: &Option<ChangeValue>| bits(value.as_ref().and_then(ChangeValue::number));
        let alone = changes.iter().filter(|change| change.kind == ChangeKind::PriceChanged).map(|change| {
            let field = change.field.expect("a field");
            (change.endpoint_id, change.at, field, number(&change.before), number(&change.after))
        });
        let included = changes.iter().flat_map(|change| {
            change
                .includes
                .iter()
                .map(|one| (change.endpoint_id, one.at, one.field, bits(one.before), bits(one.after)))
        });
        let mut all: Vec<Moved> = alone.chain(included).collect();
        all.sort();
        all
    }

    fn expected(moves: &[PriceMove]) -> Vec<Moved> {
        let each = moves.iter().flat_map(|one| {
            one.numbers().into_iter().map(|(field, before, after)| {
                (Some(one.endpoint.endpoint_id), one.at, field, bits(before), bits(after))
            })
        });
        let mut all: Vec<Moved> = each.collect();
        all.sort();
        all
    }

    fn none() -> Sessions<'static> {
        Sessions::new(&[], std::iter::empty())
    }

    proptest! {
        #[test]
        fn every_move_is_in_the_list_exactly_once(
            free in prop::collection::vec((0..4_u8, 0..3_u8), 2..90),
            pattern in prop::collection::vec((1..3_u8, 0..2_u8), 24),
            days in 1..9_usize,
            odd in prop::collection::vec((0..200_usize, (0..4_u8, 0..3_u8)), 0..6),
        ) {
            let mut repeated: Vec<(u8, u8)> = pattern.iter().copied().cycle().take(24 * days).collect();
            for (at, price) in odd {
                let at = at % repeated.len();
                repeated[at] = price;
            }
            let mut all = moves(1, &free);
            all.extend(moves(2, &repeated));
            let found = changes(&all, &none(), ALL);
            prop_assert_eq!(contained(&found), expected(&all));
            let schedules = found.iter().filter(|change| change.kind == ChangeKind::PriceSchedule).count();
            prop_assert!(schedules <= 2);
            // The same within a range of times.
            let from = all.first().map_or(ALL.0, |one| one.at + Duration::hours(20));
            let later: Vec<PriceMove> = all.iter().filter(|one| one.at >= from).cloned().collect();
            let found = changes(&all, &none(), (from, ALL.1));
            prop_assert_eq!(contained(&found), expected(&later));
            prop_assert!(found.iter().all(|change| change.at >= from));
        }
    }

    #[test]
    fn a_nightly_price_is_one_change_with_all_its_moves() {
        let day: Vec<(u8, u8)> = (0..24).map(|hour| if hour < 6 { (2, 1) } else { (8, 1) }).collect();
        let readings: Vec<(u8, u8)> = day.iter().copied().cycle().take(24 * 5).collect();
        let moves = moves(7, &readings);
        let found = changes(&moves, &none(), ALL);
        let [schedule] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(schedule.kind, ChangeKind::PriceSchedule);
        assert_eq!((&schedule.before, &schedule.after, schedule.percent), (&None, &None, None));
        assert_eq!(schedule.includes.len(), 9 * 2, "input and discount of nine moves");
        assert!(schedule.why.starts_with("input alternates between $0.20 and $0.80: the lower price 00:"));
    }

    #[test]
    fn the_fields_of_one_run_share_one_session() {
        let moves = moves(7, &[(4, 2), (2, 1)]);
        let workloads = Workload::shipped().expect("shipped workloads");
        let basis = CostBasis::default().at(0.8);
        let sessions = Sessions::new(&workloads, std::iter::once((Uuid::from_u128(7), basis)));
        let found = changes(&moves, &sessions, ALL);
        assert_eq!(found.len(), 3, "input, cache read, discount");
        let session = found[0].session.expect("a session");
        assert!(session.before > session.after && session.percent.is_some_and(|percent| percent < 0.0));
        assert!(found.iter().all(|change| change.session == Some(session)));
        let unknown = changes(&moves, &none(), ALL);
        assert!(unknown.iter().all(|change| change.session.is_none()), "without a workload");
    }
}
