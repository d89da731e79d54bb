//! The pages of costs elsewhere, plans and files. Their answers are read as JSON: they are only shown here.

use super::sheet::{Cell, Sheet, Table, cell, money, number, share, tokens};
use crate::site::{percent, usd};
use serde_json::Value;

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn text(value: &Value) -> Cell {
    cell(value.as_str().unwrap_or_default())
}

fn notes(value: &Value) -> Vec<String> {
    list(value, "notes").filter_map(|note| Some(note.as_str()?.to_owned())).collect()
}

/// A change as a fraction of what was paid, with its interval.
fn change(value: &Value) -> Cell {
    let ends = value["low"].as_f64().zip(value["high"].as_f64());
    let signed = |fraction: f64| format!("{}{}", if fraction > 0.0 { "+" } else { "" }, percent(fraction));
    let interval = ends.map(|(low, high)| format!("{} to {}", signed(low), signed(high)));
    cell(value["fraction"].as_f64().map(signed).unwrap_or_default()).with(interval)
}

/// What the calls would have cost elsewhere.
pub fn costs(value: &Value) -> Sheet {
    let calls = value["calls"].as_u64().unwrap_or(0);
    let rows = list(value, "models").flat_map(|model| {
        list(model, "hosts").map(|host| {
            let interval = host["low"].as_f64().zip(host["high"].as_f64());
            vec![
                text(&model["model_id"]),
                text(&host["tag"]),
                money(host["usd"].as_f64())
                    .with(interval.map(|(low, high)| format!("{} to {}", usd(low), usd(high)))),
                money(host["cold"].as_f64()),
                money(host["own"]["usd"].as_f64()),
                change(&host["against_paid"]),
                share(host["hit_rate"].as_f64()),
            ]
        })
    });
    let columns = [
        "Model",
        "Endpoint",
        "#USD at its public rate",
        "#Cold",
        "#With your hits",
        "#Against paid",
        "#Public hit rate",
    ];
    let table = Table::new("elsewhere", "Your calls at every endpoint", &columns).rows(rows).note(
        "Prices of each day. The tokens are those that you sent; only the cache reads differ by endpoint.",
    );
    let followed = &value["followed"];
    let line = |what: &str, compared: &Value| {
        let change = &compared["change"];
        let (instead, was) = (change["usd"].as_f64()?, change["against_usd"].as_f64()?);
        Some((
            format!("If you had followed us, instead of {what}"),
            format!("{} instead of {}", usd(instead), usd(was)),
        ))
    };
    let facts = [
        Some(("Calls that can be priced".to_owned(), calls.to_string())),
        line("what you paid", &followed["against_paid"]),
        line("the cheapest list price", &followed["against_cheapest_list"]),
    ];
    let mut all = notes(value);
    all.extend(notes(followed));
    let is_empty = calls == 0;
    Sheet {
        lede: "What your calls would have cost at every endpoint of their models.".to_owned(),
        is_empty,
        facts: if is_empty { Vec::new() } else { facts.into_iter().flatten().collect() },
        tables: if is_empty { Vec::new() } else { vec![table] },
        notes: all,
        ..Sheet::default()
    }
}

/// Flat plans.
pub fn plans(value: &Value) -> Sheet {
    let rows = list(value, "plans").map(|one| {
        let reached = one["break_even"]["reached"].as_bool();
        let reached = reached.map(|yes| if yes { "reached" } else { "not reached" }.to_owned());
        vec![
            text(&one["plan"]["name"]),
            money(one["plan"]["usd_month"].as_f64()),
            number(one["offered_calls"].as_u64().unwrap_or(0)),
            money(one["metered_best_usd_month"].as_f64()),
            money(one["present_usd_month"].as_f64()),
            money(one["saving_usd_month"].as_f64()),
            tokens(one["break_even"]["tokens_month"].as_f64().map(|tokens| tokens as u64)).with(reached),
        ]
    });
    let columns = [
        "Plan",
        "#USD a month",
        "#Calls that it offers",
        "#Per token at the best host, a month",
        "#Now, a month",
        "#Saving a month",
        "#Break-even, tokens a month",
    ];
    let table = Table::new("plans", "Plans", &columns).rows(rows);
    let noted: Vec<String> = list(value, "plans")
        .flat_map(|one| {
            let name = one["plan"]["name"].as_str().unwrap_or_default().to_owned();
            notes(one).into_iter().map(move |note| format!("{name}: {note}"))
        })
        .collect();
    let is_empty = value["calls"].as_u64() == Some(0);
    Sheet {
        lede: "Flat plans against paying per token, for your calls.".to_owned(),
        is_empty,
        tables: if is_empty { Vec::new() } else { vec![table] },
        notes: noted,
        ..Sheet::default()
    }
}

/// The imported files.
pub fn files(value: &Value) -> Sheet {
    let rows: Vec<Vec<Cell>> = value
        .as_array()
        .into_iter()
        .flatten()
        .map(|file| {
            let time = |key: &str| cell(file[key].as_str().unwrap_or_default().replace('T', " "));
            vec![
                text(&file["source"]).with(file["path"].as_str().map(str::to_owned)),
                text(&file["format"]),
                number(file["calls"].as_u64().unwrap_or(0)),
                number(file["duplicates"].as_u64().unwrap_or(0)),
                time("imported_at"),
            ]
        })
        .collect();
    let columns = ["Source", "Format", "#Calls", "#Duplicates", "Imported"];
    let is_empty = rows.is_empty();
    let table = Table::new("files", "Files", &columns).rows(rows);
    Sheet {
        lede: "Imported files, and what arrived live as the source “receiver”.".to_owned(),
        is_empty,
        tables: if is_empty { Vec::new() } else { vec![table] },
        ..Sheet::default()
    }
}
