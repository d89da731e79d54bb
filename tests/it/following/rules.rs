//! The rules of alerts on planted snapshots: each fires once, and not otherwise.

use super::{change, outage, price, shift, subject, with};
use crate::rig::folder;
use chrono::{Duration, NaiveDate};
use hitrate::alerts::delivery::Outbox;
use hitrate::alerts::engine::{Input, OwnDrop, State, apply, past, run, warnings};
use hitrate::alerts::notice::{Notice, Severity};
use hitrate::clock::FixedClock;
use hitrate::config::{Alerts, Config};
use hitrate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField};
use hitrate::snapshot::{Snapshot, SuspectRun};
use std::path::Path;
use std::sync::Arc;

const RECEIVER: &str =
    "[[alerts.receivers]]\nname = \"ops\"\nkind = \"slack\"\nurl_env = \"NO_SUCH_VARIABLE\"\n";

fn settings(rules: &str) -> Config {
    Config::parse(&format!("{RECEIVER}{rules}"), Path::new("hitrate.toml")).expect("valid settings")
}

fn rule(conditions: &str) -> Alerts {
    settings(&format!("[[alerts.rules]]\nname = \"one\"\n{conditions}\n")).alerts
}

fn empty() -> Snapshot {
    with(|_| Vec::new())
}

/// The same data some hours later.
fn later(snapshot: &Snapshot, hours: i64, edit: impl FnOnce(&mut Snapshot)) -> Snapshot {
    let mut later = snapshot.clone();
    later.as_of += Duration::hours(hours);
    edit(&mut later);
    later.changes.sort_by_key(|change| std::cmp::Reverse(change.at));
    later
}

/// What rules report on one snapshot after the other.
fn over(rules: &Alerts, snapshots: &[&Snapshot]) -> Vec<Vec<Notice>> {
    let mut state = State::default();
    let applied = snapshots.iter().map(|snapshot| {
        // What is remembered passes through its file each time, as after a restart.
        let text = serde_json::to_string(&state).expect("JSON");
        state = serde_json::from_str(&text).expect("the same");
        let now = snapshot.as_of + Duration::minutes(10);
        let input = Input { snapshot, own: None, public_url: "https://tiers.example", now };
        apply(rules, input, &mut state).into_iter().map(|(notice, _)| notice).collect()
    });
    applied.collect()
}

fn counts(found: &[Vec<Notice>]) -> Vec<usize> {
    found.iter().map(Vec::len).collect()
}

#[test]
fn the_first_run_reports_nothing_and_each_change_is_reported_once() {
    let start = with(|s| vec![shift(s, -20.0, 30)]);
    let next = later(&start, 1, |s| s.changes.push(shift(s, -14.0, 0)));
    let small = later(&next, 1, |s| {
        let up = shift(s, 30.0, 0);
        let mut down = shift(s, -9.0, 0);
        down.field = Some(ChangedField::HitRate);
        down.tag = None;
        s.changes.extend([up, down]);
    });
    let rules = rule("hit_rate_drop = 10.0\nmodels = [\"northwind/*\"]");
    let found = over(&rules, &[&start, &next, &next, &small, &small]);
    assert_eq!(counts(&found), [0, 1, 0, 0, 0]);
    let notice = &found[1][0];
    assert!(notice.title.starts_with("Hit rate of northwind/atlas-3 at "), "{}", notice.title);
    assert!(notice.title.ends_with("fell 14 points: 80.0 % → 66.0 %"), "{}", notice.title);
    assert_eq!((notice.severity, notice.rule.as_str()), (Severity::Warning, "one"));
    let url = notice.url.as_deref().expect("the public address is known");
    assert!(url.starts_with("https://tiers.example/changes?model=northwind%2Fatlas"), "{url}");
    let elsewhere = rule("hit_rate_drop = 10.0\nmodels = [\"deepseek/*\"]");
    assert_eq!(counts(&over(&elsewhere, &[&start, &next, &small])), [0, 0, 0]);
}

#[test]
fn missed_snapshots_lose_nothing_and_prices_of_one_run_are_one_notice() {
    let start = empty();
    let much_later = later(&start, 200, |s| {
        let changes = [
            price(s, ChangedField::ListInput, 30.0, 1),
            price(s, ChangedField::ListOutput, 25.0, 1),
            price(s, ChangedField::ListInput, 12.0, 90),
            price(s, ChangedField::ListInput, -12.0, 95),
            price(s, ChangedField::ListInput, 3.0, 97),
        ];
        s.changes.extend(changes);
    });
    let found = over(&rule("price_rise = 10.0"), &[&start, &much_later]);
    assert_eq!(counts(&found), [0, 2]);
    let together = &found[1][1];
    assert_eq!(together.changes.len(), 2, "{together:?}");
    assert!(together.lines.iter().any(|line| line.contains("rose 25 %")), "{together:?}");
    assert!(together.title.contains("rose 30 %: $1.00 → $1.30"), "{}", together.title);
}

#[test]
fn kinds_report_every_change_of_theirs_that_is_large_enough() {
    let start = empty();
    let next = later(&start, 1, |s| {
        let changes = [
            change(s, ChangeKind::EndpointGone, 0),
            price(s, ChangedField::ListInput, -3.0, 0),
            price(s, ChangedField::ListInput, -30.0, 1),
            change(s, ChangeKind::Deprecation, 0),
        ];
        s.changes.extend(changes);
    });
    let kinds = |text: &str| counts(&over(&rule(text), &[&start, &next]));
    assert_eq!(kinds("kinds = [\"endpoint_gone\", \"deprecation\"]"), [0, 2]);
    assert_eq!(kinds("kinds = [\"price_changed\"]\nmin_percent = 10.0"), [0, 1]);
    assert_eq!(kinds("kinds = [\"tier_changed\"]"), [0, 0]);
    assert_eq!(kinds("kinds = [\"endpoint_gone\"]\nproviders = [\"nobody\"]"), [0, 0]);
}

#[test]
fn an_outage_is_reported_once_it_is_long_enough_and_again_when_it_ends() {
    let start = empty();
    let begun = later(&start, 1, |s| s.changes.push(outage(s, 0, None)));
    let lasting = later(&begun, 1, |_| {});
    let ended = later(&lasting, 1, |s| s.changes[0].until = Some(s.as_of));
    let short = later(&ended, 5, |s| {
        let until = s.as_of - Duration::minutes(100);
        s.changes.push(outage(s, 2, Some(until)));
    });
    let rules = rule("outage_minutes = 45");
    let found = over(&rules, &[&start, &begun, &lasting, &lasting, &ended, &ended, &short]);
    assert_eq!(counts(&found), [0, 0, 1, 0, 1, 0, 0], "{found:?}");
    assert!(found[4][0].title.contains("ended after 2 hours"), "{}", found[4][0].title);
    // Under way at the start: nothing is reported, also not when it becomes long enough.
    assert_eq!(counts(&over(&rules, &[&begun, &lasting])), [0, 0]);
}

#[test]
fn a_session_cost_is_compared_with_the_start_or_the_last_notice() {
    let start = empty();
    let (model, endpoint) = subject(&start);
    let (id, own) = (model.model_id.clone(), endpoint.endpoint_id);
    let workload =
        start.workloads.iter().find(|one| one.name == "coding-agent").expect("shipped").name.clone();
    let costing = |hours: i64, cost: Option<f64>| {
        later(&start, hours, |s| {
            let model = s.models.iter_mut().find(|model| model.model_id == id).expect("the same");
            let endpoint = model.endpoints.iter_mut().find(|one| one.endpoint_id == own).expect("the same");
            match cost {
                Some(cost) => endpoint.session_cost.insert(workload.clone(), cost),
                None => endpoint.session_cost.remove(&workload),
            };
        })
    };
    let steps: Vec<Snapshot> = [Some(0.25), Some(0.29), Some(0.34), None, Some(0.34), Some(0.25), Some(0.31)]
        .into_iter()
        .zip(0..)
        .map(|(cost, hours)| costing(hours, cost))
        .collect();
    let rules = rule(&format!("session_cost_rise = 20.0\nmodels = [\"{id}\"]"));
    let found = over(&rules, &steps.iter().collect::<Vec<_>>());
    assert_eq!(counts(&found), [0, 0, 1, 0, 0, 0, 1], "{found:?}");
    let title = &found[2][0].title;
    assert!(title.starts_with(&format!("Session cost of {id} at ")), "{title}");
    assert!(title.ends_with("rose 36 %: $0.25 → $0.34"), "{title}");
}

#[test]
fn a_preference_that_changes_is_reported_with_before_and_after() {
    let start = empty();
    let id = start.models[1].model_id.clone();
    let emptied = later(&start, 1, |s| s.models[1].endpoints.clear());
    let rules = rule(&format!("preference_changes = true\nmodels = [\"{id}\"]"));
    let found = over(&rules, &[&start, &start, &emptied, &emptied, &start]);
    assert_eq!(counts(&found)[..2], [0, 0]);
    let all: Vec<&Notice> = found.iter().flatten().collect();
    assert!(!all.is_empty() && found[3].is_empty(), "{found:?}");
    assert!(all[0].title.contains(&id) && all[0].lines[0].starts_with("Before: "), "{:?}", all[0]);
}

#[test]
fn the_own_hit_rate_is_reported_until_it_recovers() {
    let snapshot = empty();
    let rules = rule("own_hit_rate_drop = 10.0\nproviders = [\"quarry\"]\nmodels = [\"northwind/*\"]");
    let drop = OwnDrop {
        model: "northwind/atlas-3".to_owned(),
        provider: "Quarry/fp8".to_owned(),
        before: 0.8,
        after: 0.6,
        text: "since yesterday".to_owned(),
    };
    let small = OwnDrop { after: 0.72, ..drop.clone() };
    let mut state = State::default();
    let mut found = |own: Option<&[OwnDrop]>| {
        let input = Input { snapshot: &snapshot, own, public_url: "", now: snapshot.as_of };
        apply(&rules, input, &mut state).len()
    };
    let drops = std::slice::from_ref(&drop);
    assert_eq!(found(Some(&[])), 0);
    assert_eq!(found(Some(drops)), 1);
    assert_eq!((found(Some(drops)), found(None), found(Some(drops))), (0, 0, 0), "unknown is not over");
    assert_eq!((found(Some(std::slice::from_ref(&small))), found(Some(drops))), (0, 1));
}

#[test]
fn trouble_of_the_collection_begins_and_ends_once() {
    let start = empty();
    let suspect = later(&start, 1, |s| {
        s.status.suspect =
            Some(SuspectRun { run_id: "run-7".to_owned(), observed_at: s.as_of, findings: Vec::new() });
    });
    let rules = rule("collection_trouble = true");
    let found = over(&rules, &[&start, &suspect, &suspect, &start]);
    assert_eq!(counts(&found), [0, 1, 0, 1], "{found:?}");
    assert!(found[1][0].lines[0].contains("run-7") && found[3][0].title.contains("works again"), "{found:?}");
    let mut state = State::default();
    let mut at = |hours: i64| {
        let input =
            Input { snapshot: &start, own: None, public_url: "", now: start.as_of + Duration::hours(hours) };
        apply(&rules, input, &mut state).into_iter().map(|(notice, _)| notice.title).collect::<Vec<_>>()
    };
    assert_eq!(at(0), [""; 0]);
    assert_eq!(at(4), ["The newest data are 4 hours old"]);
    assert_eq!(at(6), [""; 0]);
}

#[test]
fn what_later_readings_take_back_is_mentioned_and_another_date_is_not_another_change() {
    let start = empty();
    let found_one = later(&start, 1, |s| s.changes.push(shift(s, -14.0, 0)));
    let moved = later(&found_one, 24, |s| s.changes[0].at -= Duration::hours(40));
    let gone = later(&moved, 24, |s| s.changes.clear());
    let rules = rule("hit_rate_drop = 10.0");
    let found = over(&rules, &[&start, &found_one, &moved, &gone, &gone]);
    assert_eq!(counts(&found), [0, 1, 0, 1, 0], "{found:?}");
    assert!(found[3][0].title.starts_with("Taken back: Hit rate of"), "{}", found[3][0].title);
    // What was there at the start stays known with another date, and is not taken back.
    assert_eq!(counts(&over(&rules, &[&found_one, &moved, &gone])), [0, 0, 0]);
}

#[test]
fn a_rule_that_is_written_anew_starts_from_scratch_and_receivers_may_change() {
    let start = empty();
    let next = later(&start, 1, |s| s.changes.push(shift(s, -14.0, 0)));
    let mut state = State::default();
    let mut found = |rules: &Alerts, snapshot: &Snapshot| {
        let input = Input { snapshot, own: None, public_url: "", now: snapshot.as_of };
        apply(rules, input, &mut state)
    };
    assert!(found(&rule("hit_rate_drop = 20.0"), &start).is_empty());
    assert!(
        found(&rule("hit_rate_drop = 10.0"), &next).is_empty(),
        "new conditions: nothing old is reported"
    );
    let more = later(&next, 1, |s| s.changes.push(price(s, ChangedField::ListInput, 1.0, 0)));
    let another = later(&more, 100, |s| s.changes.push(shift(s, -12.0, 0)));
    let notices =
        found(&rule("hit_rate_drop = 10.0\nseverity = \"critical\"\nreceivers = [\"ops\"]"), &another);
    assert_eq!(notices.len(), 1, "another severity is not another rule");
    assert_eq!(
        (notices[0].0.severity, notices[0].1.as_slice()),
        (Severity::Critical, &["ops".to_owned()][..])
    );
}

#[test]
fn a_restart_neither_repeats_nor_loses_and_a_crash_before_saving_repeats_the_same_id() {
    let data = folder();
    let alerts = rule("hit_rate_drop = 10.0");
    let start = empty();
    let next = later(&start, 1, |s| s.changes.push(shift(s, -14.0, 0)));
    let clock = Arc::new(FixedClock(next.as_of));
    let open = || {
        let agent = "hitrate/test".to_owned();
        Outbox::new(data.path().join("alerts"), data.path(), alerts.clone(), agent, clock.clone())
    };
    let input = |snapshot| Input { snapshot, own: None, public_url: "", now: next.as_of };
    let folder = data.path().join("alerts");
    assert_eq!(run(&alerts, &folder, &open(), input(&start)).expect("applied"), 0);
    let saved = std::fs::read(folder.join("rules.json")).expect("the state is on disk");
    assert_eq!(run(&alerts, &folder, &open(), input(&next)).expect("applied"), 1);
    assert_eq!(run(&alerts, &folder, &open(), input(&next)).expect("applied"), 0);
    let waiting = |outbox: &Outbox| outbox.status().expect("readable").receivers[0].waiting;
    assert_eq!(waiting(&open()), 1);
    // As after a crash between the outbox and the state.
    std::fs::write(folder.join("rules.json"), saved).expect("written");
    assert_eq!(run(&alerts, &folder, &open(), input(&next)).expect("applied"), 1);
    assert_eq!(waiting(&open()), 1, "the outbox knows the id");
    std::fs::write(folder.join("rules.json"), "{ damaged").expect("written");
    assert_eq!(run(&alerts, &folder, &open(), input(&next)).expect("applied"), 0, "it starts from scratch");
    assert!(folder.join("rules.json.damaged").exists());
    std::fs::write(folder.join("rules.json"), "{\"version\": 99}").expect("written");
    let refused = run(&alerts, &folder, &open(), input(&next)).expect_err("newer").to_string();
    assert!(refused.contains("version 99"), "{refused}");
}

#[test]
fn the_past_shows_what_the_rules_would_have_reported() {
    let snapshot = with(|s| {
        vec![
            price(s, ChangedField::ListInput, 30.0, 1),
            shift(s, -14.0, 30),
            shift(s, -20.0, 400),
            change(s, ChangeKind::RecommendationChanged, 50),
        ]
    });
    let rules = settings(
        "[[alerts.rules]]\nname = \"rate\"\nhit_rate_drop = 10.0\n\
         [[alerts.rules]]\nname = \"cost\"\nsession_cost_rise = 20.0\n\
         [[alerts.rules]]\nname = \"mine\"\npreference_changes = true\nmodels = [\"northwind/*\"]\nmode = \"pin\"\n\
         [[alerts.rules]]\nname = \"default\"\npreference_changes = true\nmodels = [\"northwind/*\"]\n",
    );
    let since = snapshot.as_of - Duration::days(7);
    let found = past(&rules.alerts.rules, &snapshot, since, "");
    let counts: Vec<(&str, usize, usize)> =
        found.rules.iter().map(|one| (one.rule.as_str(), one.notices.len(), one.not_checked.len())).collect();
    assert_eq!(counts, [("rate", 1, 0), ("cost", 1, 0), ("mine", 0, 1), ("default", 1, 0)]);
    assert!(found.rules[1].notices[0].title.contains("rose 30 %: $1.00 → $1.30"), "{found:?}");
    assert_eq!(found.known_since.map(|at| at.date_naive()), NaiveDate::from_ymd_opt(2026, 9, 18));
}

#[test]
fn unknown_names_are_warned_about_with_similar_ones() {
    let rules = settings(
        "[[alerts.rules]]\nname = \"one\"\nhit_rate_drop = 10.0\nmodels = [\"northwind/atlas-4\", \"northwind/*\"]\nproviders = [\"quary\"]\n",
    );
    let found = warnings(&rules.alerts.rules, &empty());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("northwind/atlas-4") && found[0].contains("northwind/atlas-3"), "{found:?}");
    assert!(found[1].contains("`providers`") && found[1].contains("quarry"), "{found:?}");
}

#[test]
fn settings_refuse_rules_that_cannot_work() {
    for (text, word) in [
        ("[[alerts.rules]]\nname = \"one\"\n", "no condition"),
        ("[[alerts.rules]]\nname = \"one\"\nhit_rate_drop = 10.0\nreceivers = [\"nobody\"]\n", "known: ops"),
        ("[[alerts.rules]]\nname = \"one\"\nhitrate_drop = 10.0\n", "hitrate_drop"),
        ("[[alerts.rules]]\nname = \"a b\"\nhit_rate_drop = 10.0\n", "name"),
    ] {
        let error = Config::parse(&format!("{RECEIVER}{text}"), Path::new("hitrate.toml")).expect_err(text);
        assert!(error.to_string().contains(word), "{text}: {error}");
    }
    // A whole number is accepted for a threshold.
    assert_eq!(rule("hit_rate_drop = 10").rules[0].hit_rate_drop, Some(10.0));
}

#[test]
fn imported_changes_are_remembered_and_not_reported() {
    let start = empty();
    let imported = later(&start, 1, |s| {
        let old =
            Change { source: Some("price_chart".to_owned()), ..price(s, ChangedField::ListInput, 40.0, 300) };
        s.changes.push(old);
    });
    let rules = rule("price_rise = 10.0\nkinds = [\"price_changed\"]");
    assert_eq!(counts(&over(&rules, &[&start, &imported, &imported])), [0, 0, 0]);
    let found = past(&rules.rules, &imported, imported.as_of - Duration::days(60), "");
    assert!(found.rules[0].notices.is_empty(), "{found:?}");
}

#[test]
fn a_tier_that_falls_is_a_warning_and_one_that_rises_is_not() {
    let tier = |s: &Snapshot, before: &str, after: &str| Change {
        field: Some(ChangedField::TierOverall),
        before: Some(ChangeValue::Text(before.to_owned())),
        after: Some(ChangeValue::Text(after.to_owned())),
        why: format!("overall {before} → {after}"),
        ..change(s, ChangeKind::TierChanged, 0)
    };
    let start = empty();
    for (before, after, severity) in
        [("S", "A", Severity::Warning), ("C", "F", Severity::Warning), ("B", "A", Severity::Info)]
    {
        let next = later(&start, 1, |s| s.changes.push(tier(s, before, after)));
        let found = over(&rule("kinds = [\"tier_changed\"]"), &[&start, &next]);
        assert_eq!(found[1][0].severity, severity, "{before} {after}");
    }
}

#[cfg(unix)]
#[test]
fn the_folder_of_the_rules_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let data = folder();
    let alerts = data.path().join("alerts");
    let config = settings("[[alerts.rules]]\nname = \"one\"\nprice_rise = 10\n");
    let snapshot = empty();
    let clock = Arc::new(FixedClock(snapshot.as_of));
    let outbox = Outbox::new(alerts.clone(), data.path(), config.alerts.clone(), String::new(), clock);
    let input = Input { snapshot: &snapshot, own: None, public_url: "", now: snapshot.as_of };
    run(&config.alerts, &alerts, &outbox, input).expect("applied");
    let mode = std::fs::metadata(&alerts).expect("created").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
