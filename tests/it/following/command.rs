//! `hitrate alerts check`, as it is typed.

use super::{change, price, shift, with};
use crate::binary::hitrate;
use crate::rig::folder;
use hitrate::alerts::engine::State;
use hitrate::domain::change::{ChangeKind, ChangedField};
use hitrate::snapshot::store::save;

const RULES: &str = "[[alerts.rules]]\nname = \"rate\"\nhit_rate_drop = 10\n\
                     [[alerts.rules]]\nname = \"cost\"\nsession_cost_rise = 20\nmodels = [\"northwind/*\", \"norhtwind/atlas-3\"]\n\
                     [[alerts.rules]]\nname = \"own\"\nown_hit_rate_drop = 10\n";

#[test]
fn a_check_prints_what_the_rules_would_have_reported_and_remembers_nothing() {
    let data = folder();
    let snapshot = with(|s| {
        vec![
            price(s, ChangedField::ListInput, 30.0, 1),
            shift(s, -14.0, 30),
            change(s, ChangeKind::StatusChanged, 31),
        ]
    });
    save(&data.path().join("snapshots"), &snapshot).expect("saved");
    std::fs::write(data.path().join("hitrate.toml"), RULES).expect("written");
    let since = snapshot.as_of.date_naive() - chrono::Days::new(7);
    let since = since.to_string();
    let found = hitrate(data.path(), &["alerts", "check", "--since", &since, "--json"]);
    assert_eq!(found.code, 0, "{found:?}");
    let answer = found.json();
    let count = |at: usize| answer["rules"][at]["notices"].as_array().map(Vec::len);
    assert_eq!([count(0), count(1), count(2)], [Some(1), Some(1), Some(0)], "{answer}");
    assert!(answer["rules"][2]["not_checked"].to_string().contains("own_hit_rate_drop"), "{answer}");
    assert!(answer["warnings"].to_string().contains("norhtwind/atlas-3"), "{answer}");
    assert_eq!(answer["last"]["at"], serde_json::Value::Null);
    let text =
        hitrate(data.path(), &["alerts", "check", "--since", &since, "--rule", "rate", "--table", "tsv"]);
    assert!(text.out.contains("fell 14 points") && !text.out.contains("cost"), "{text:?}");
    let state = State::load(&data.path().join("alerts")).expect("readable");
    assert_eq!(state, State::default(), "nothing is remembered");
    let unknown = hitrate(data.path(), &["alerts", "check", "--rule", "prices"]);
    assert!(unknown.code == 1 && unknown.err.contains("rate, cost, own"), "{unknown:?}");
}

#[test]
fn without_rules_or_with_wrong_ones_it_says_what_to_do() {
    let data = folder();
    let none = hitrate(data.path(), &["alerts", "check"]);
    assert!(none.code == 1 && none.err.contains("[[alerts.rules]]"), "{none:?}");
    std::fs::write(data.path().join("hitrate.toml"), "[[alerts.rules]]\nname = \"all\"\n").expect("written");
    let empty = hitrate(data.path(), &["alerts", "check"]);
    assert!(
        empty.code == 1 && empty.err.contains("alerts.rules") && empty.err.contains("no condition"),
        "{empty:?}"
    );
}
