//! "If you had followed us", by hand.

use super::{MODEL, SLUG, billed, call, close, host, snapshot};
use crate::rig::{at, folder, store};
use chrono::NaiveDate;
use hitrate::domain::ids::{ModelSlug, Variant};
use hitrate::domain::tier_history::RunDay;
use hitrate::domain::tier_list::DayRange;
use hitrate::snapshot::Endpoint;
use hitrate::store::{OwnCall, Recommendation, RecommendationKind, RecommendedDay};
use hitrate::traffic::worth::{DayRate, Followed, Lifetimes, Record, RecordRows, followed};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn named(date: &str, tags: &[&str]) -> RecommendedDay {
    RecommendedDay {
        model: ModelSlug::new(SLUG),
        variant: Variant::standard(),
        day: day(date),
        endpoints: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

/// Full retention is a hit rate of 50 % here.
fn hosts() -> Vec<Endpoint> {
    let mut cheap = host("quarry");
    (cheap.list.input, cheap.list.cache_read) = (Some(0.9), None);
    let mut hosts = vec![host("lumen"), cheap];
    hosts.iter_mut().for_each(|host| host.cost_basis.reference = Some(0.5));
    hosts
}

/// Two turns on 1 October, as in the parent, with 11,000 reusable tokens.
fn calls() -> Vec<OwnCall> {
    super::two_turns()
}

fn rates(record: &mut Record, of: &[Endpoint], date: &str, hit_rates: [Option<f64>; 2]) {
    for (host, hit_rate) in of.iter().zip(hit_rates) {
        if let Some(hit_rate) = hit_rate {
            record.rates.insert((host.endpoint_id, day(date)), DayRate { hit_rate, tokens: 1e6 });
        }
    }
}

fn followed_with(
    recommended: Vec<RecommendedDay>,
    hit_rates: [Option<f64>; 2],
    calls: &[OwnCall],
) -> Followed {
    let hosts = hosts();
    let mut record = Record::from(RecordRows { recommended, ..RecordRows::default() });
    rates(&mut record, &hosts, "2026-10-01", hit_rates);
    // A better rate on the day of the recommendation must not count.
    rates(&mut record, &hosts, "2026-09-30", [Some(0.5), Some(0.5)]);
    followed(calls, &snapshot(hosts), &record, &Lifetimes::default())
}

#[test]
fn a_call_pays_the_rate_of_its_own_day_at_the_host_of_the_day_before() {
    let found = followed_with(vec![named("2026-09-30", &["lumen"])], [Some(0.25), Some(0.25)], &calls());
    let paid = found.against_paid.change.expect("covered");
    // Retention 0.25 / 0.5: 5,500 of 11,000 are found. 14,000 + 6,500 + 550 + 2,000.
    close(paid.usd, 23_050.0);
    assert_eq!((paid.calls, paid.against_usd, found.covered_share), (2, 0.05, Some(1.0)));
    // The lowest list price has no discount for hits: 0.9 * 22,000 + 4 * 1,500.
    let list = found.against_cheapest_list.change.expect("known");
    close(list.against_usd, 19_800.0 + 6_000.0);
    close(list.usd, 23_050.0);
    assert_eq!(found.models[0].model_id, MODEL);
}

#[test]
fn several_recommended_hosts_share_the_calls() {
    let both =
        followed_with(vec![named("2026-09-30", &["quarry", "lumen"])], [Some(0.25), Some(0.25)], &calls());
    close(both.against_paid.change.expect("covered").usd, f64::midpoint(23_050.0, 25_800.0));
    let one = followed_with(vec![named("2026-09-30", &["quarry", "lumen"])], [Some(0.25), None], &calls());
    close(one.against_paid.change.expect("covered").usd, 23_050.0);
}

#[test]
fn the_advice_of_the_same_day_does_not_count_and_what_is_unknown_is_not_covered() {
    let counts = |recommended, rates| {
        let found = followed_with(recommended, rates, &calls());
        let model = &found.models[0];
        assert_eq!((found.covered_share, found.against_paid.change), (Some(0.0), None));
        (model.without_recommendation, model.withheld, model.without_rate)
    };
    let known = [Some(0.25), Some(0.25)];
    assert_eq!(counts(vec![named("2026-10-01", &["lumen"])], known), (2, 0, 0), "made after the calls");
    assert_eq!(counts(vec![named("2026-09-20", &["lumen"])], known), (2, 0, 0), "too old");
    assert_eq!(counts(vec![named("2026-09-30", &[])], known), (0, 2, 0), "withheld");
    assert_eq!(counts(vec![named("2026-09-30", &["lumen"])], [None, Some(0.25)]), (0, 0, 2));
    assert_eq!(counts(vec![named("2026-09-30", &["gone"])], known), (0, 0, 2));
    let none = followed_with(Vec::new(), known, &[]);
    assert_eq!((none.covered_share, none.models.len()), (None, 0));
}

#[test]
fn the_share_is_that_of_the_prompt_tokens() {
    let mut calls = calls();
    let mut other = billed(call("t", 0, 66_000, 10), 0.1);
    other.at = Some(at("2026-10-03T10:00:00Z"));
    calls.push(other);
    let found = followed_with(vec![named("2026-09-30", &["lumen"])], [Some(0.25), Some(0.25)], &calls);
    assert_eq!(found.covered_share, Some(0.25));
    assert_eq!(found.models[0].covered_calls, 2);
}

#[test]
fn the_record_is_read_for_the_days_of_the_calls_and_those_before() {
    let data = folder();
    let store = store(data.path());
    let world = snapshot(hosts());
    let workload = world.default_workload().to_owned();
    let kind = RecommendationKind {
        method_version: hitrate::analysis::METHOD_VERSION,
        mode: hitrate::preferences::Mode::DEFAULT.as_str(),
        workload: &workload,
    };
    for date in ["2026-09-20", "2026-09-30", "2026-10-01"] {
        let closing = RunDay { day: day(date), closing: at(&format!("{date}T23:57:00Z")) };
        let made = Recommendation {
            model: ModelSlug::new(SLUG),
            variant: Variant::standard(),
            endpoints: vec!["lumen".to_owned(), date.to_owned()],
            saving: None,
            saving_low: None,
            saving_high: None,
        };
        store.record_recommendations(kind, closing, &[made]).expect("recorded");
    }
    let days = DayRange { from: day("2026-10-01"), to: day("2026-10-01") };
    let rows = RecordRows::read(&store, &workload, days, world.as_of).expect("readable");
    let sent = serde_json::to_string(&rows).expect("JSON");
    assert_eq!(serde_json::from_str::<RecordRows>(&sent).expect("the same rows"), rows);
    let record = Record::from(rows);
    let of = &record.recommended[&(ModelSlug::new(SLUG), Variant::standard())];
    let read: Vec<_> = of.iter().map(|(day, tags)| (day.to_string(), tags[1].clone())).collect();
    let same = |date: &str| (date.to_owned(), date.to_owned());
    assert_eq!(read, [same("2026-09-30"), same("2026-10-01")]);
    assert_eq!((record.unread, record.lists.is_empty()), (None, true));
}

#[test]
fn without_the_record_the_reason_is_stated() {
    let world = snapshot(hosts());
    let record = Record::of_snapshot(&world, "there is no store".to_owned());
    assert!(!record.rates.is_empty(), "the days of the snapshot are known");
    let found = followed(&calls(), &world, &record, &Lifetimes::default());
    assert_eq!(found.notes, ["the record of recommendations was not read: there is no store"]);
}
