//! Whether the calls that an endpoint served cost, by the list prices of their days and the hits of the log, what was
//! billed.

use super::{MODEL, billed, call, close, host, only, priced, snapshot};
use crate::binary::hitrate;
use crate::rig::folder;
use crate::sample;
use hitrate::domain::endpoint::Prices;
use hitrate::domain::ids::Variant;
use hitrate::domain::tier::Tier;
use hitrate::snapshot::{Endpoint, ModelEntry};
use hitrate::store::OwnCall;
use hitrate::traffic::worth::OwnHits;
use serde_json::Value;
use std::path::Path;

/// OpenRouter cuts off an amount after six decimals.
const CUT: f64 = 1e-6;

fn served(calls: Vec<OwnCall>) -> Vec<OwnCall> {
    calls.into_iter().map(|call| OwnCall { provider_tag: Some("lumen".into()), ..call }).collect()
}

/// Three calls without a count of writes, with bills at 1, 4 and 0.10 USD, and `surcharge` for what was not found.
fn three(surcharge: f64) -> Vec<OwnCall> {
    let bill = |prompt: u64, read: u64, output: u64| {
        let tokens = (prompt - read) as f64 * (1.0 + surcharge) + read as f64 * 0.1 + output as f64 * 4.0;
        (tokens / 1e6 / CUT).floor() * CUT
    };
    let one = |minute, prompt: u64, read: u64, output: u64| {
        let mut call = call("s", minute, prompt - read, output);
        call.tokens.read = Some(read);
        billed(call, bill(prompt, read, output))
    };
    served(vec![one(0, 7_123, 0, 311), one(1, 9_451, 7_003, 89), one(2, 12_007, 9_411, 407)])
}

fn own(calls: &[OwnCall], endpoint: Endpoint) -> (OwnHits, bool) {
    let found = priced(calls, &snapshot(vec![endpoint]));
    let differs = found.notes.iter().any(|note| note.starts_with("the bill of some calls differs"));
    (only(&found).own.expect("it served the calls"), differs)
}

#[test]
fn a_bill_by_the_list_agrees_up_to_what_is_cut_off() {
    let (own, differs) = own(&three(0.0), host("lumen"));
    let bill = own.against_paid.expect("paid");
    assert_eq!((own.calls, bill.calls, own.usd_if_written), (3, 3, None));
    let cut = own.usd - bill.against_usd;
    assert!((0.0..3.0 * CUT).contains(&cut), "{cut}");
    assert!(!differs && own.against_paid_if_written.is_none());
}

#[test]
fn writes_that_the_log_does_not_state_leave_a_range() {
    let mut writer = host("lumen");
    writer.list.cache_write = Some(1.25);
    let (range, differs) = own(&three(0.25), writer.clone());
    let written = range.against_paid_if_written.expect("writes are billed and not stated");
    let cut = range.usd_if_written.expect("known") - written.against_usd;
    assert!((0.0..3.0 * CUT).contains(&cut) && range.usd < written.against_usd, "{range:?}");
    assert!(!differs, "the bill is within the range");
    let stated: Vec<OwnCall> = three(0.0)
        .into_iter()
        .map(|mut call| {
            call.tokens.write = Some(0);
            call
        })
        .collect();
    let (exact, differs) = own(&stated, writer);
    assert_eq!((exact.usd_if_written, differs), (None, false), "the log states that nothing was written");
}

#[test]
fn a_bill_off_the_list_is_said() {
    let halved: Vec<OwnCall> = three(0.0)
        .into_iter()
        .map(|call| OwnCall { paid: call.paid.map(|paid| paid / 2.0), ..call })
        .collect();
    let (own, differs) = own(&halved, host("lumen"));
    let share = own.against_paid.and_then(|change| change.fraction).expect("paid");
    assert!((share - 1.0).abs() < 1e-3 && differs, "{share}");
}

#[test]
fn without_a_count_of_hits_nothing_is_said_about_the_bill() {
    let found =
        priced(&served(vec![billed(call("s", 0, 9_000, 100), 0.001)]), &snapshot(vec![host("lumen")]));
    assert_eq!((only(&found).own, found.models[0].model_id.as_str()), (None, MODEL));
    close(only(&found).cold, 9_000.0 + 400.0);
}

fn endpoint(slug: &str, tag: &str, [input, output, read]: [f64; 3], write: Option<f64>) -> Endpoint {
    let mut endpoint = sample::endpoint(slug, &Variant::standard(), tag, Tier::A, 0.3, 0.72);
    endpoint.list = Prices {
        input: Some(input),
        output: Some(output),
        cache_read: Some(read),
        cache_write: write,
        ..Prices::default()
    };
    endpoint
}

fn model(id: &str, slug: &str, endpoints: Vec<Endpoint>) -> ModelEntry {
    ModelEntry { endpoints, ..sample::model(id, slug, id) }
}

/// The sample of an OpenRouter activity export against the list prices of its days.
#[test]
fn the_activity_export_is_billed_by_the_list() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/logs/openrouter-activity-csv");
    if !log.exists() {
        eprintln!("skipped: {} does not exist", log.display());
        return;
    }
    let (flash, luna) = ("deepseek/deepseek-v4-flash-20260731", "openai/gpt-5.6-luna-20260709");
    let mut world = sample::snapshot();
    world.models = vec![
        model("deepseek/flash", flash, vec![endpoint(flash, "relace", [0.07, 0.14, 0.014], None)]),
        model(
            "openai/luna",
            luna,
            vec![
                endpoint(luna, "azure", [0.2, 1.2, 0.02], Some(0.25)),
                endpoint(luna, "azure/eu", [0.22, 1.32, 0.022], Some(0.275)),
            ],
        ),
    ];
    let data = folder();
    hitrate::snapshot::store::save(&data.path().join("snapshots"), &world).expect("saved");
    let imported = hitrate(data.path(), &["traffic", "import", &log.display().to_string()]);
    assert_eq!(imported.code, 0, "{imported:?}");
    let costs = hitrate(data.path(), &["traffic", "costs", "--json"]).json();
    let own = |tag: &str| -> Value {
        let models = costs["models"].as_array().expect("models");
        let mut hosts = models.iter().filter_map(|model| model["hosts"].as_array()).flatten();
        hosts.find(|host| host["tag"] == tag).expect(tag)["own"].clone()
    };
    let number = |value: &Value| value.as_f64().expect("a number");
    let relace = own("relace");
    assert_eq!(relace["calls"], 10);
    let cut = number(&relace["usd"]) - number(&relace["against_paid"]["against_usd"]);
    assert!((0.0..10.0 * CUT).contains(&cut), "{relace}");
    // The export names the provider, not the endpoint, and no writes: the bill is between the two ends.
    let (azure, eu) = (own("azure"), own("azure/eu"));
    let bill = number(&azure["against_paid"]["against_usd"]);
    assert!(number(&azure["usd"]) < bill && bill < number(&eu["usd_if_written"]), "{azure} {eu}");
    let notes = costs["notes"].to_string();
    assert!(!notes.contains("the bill of some calls differs"), "{notes}");
}
