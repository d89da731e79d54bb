//! Tests what preferences are found to have been worth: on days made by hand, and on a simulated record.

use crate::binary::{Server, hitrate};
use crate::rig::{folder, store};
use crate::sample;
use crate::upstream::{Upstream, collect, day, pipeline, start};
use chrono::{Duration, NaiveDate};
use hitrate::domain::backtest::ExpectedCost;
use hitrate::domain::workload::Workload;
use hitrate::pipeline::build_snapshot;
use hitrate::preferences::{
    Contained, Horizons, Mode, ModeReport, Paid, PaidDay, PreferenceCount, PreferenceReport, TRAFFIC,
};
use hitrate::simulator::{Simulator, SimulatorConfig};
use hitrate::snapshot::{Endpoint, Snapshot};
use serde_json::Value;
use std::path::Path;
use uuid::Uuid;

/// `quill` alone, with expected costs and intervals of 10 % to either side; its last endpoint, which is to be avoided, has
/// the lowest list price.
fn quill(change: impl Fn(usize, &mut Endpoint)) -> Snapshot {
    let mut sample = sample::snapshot();
    let day = sample.as_of.date_naive();
    sample.models.retain(|model| model.model_id == "zephyr/quill-large");
    for (at, endpoint) in sample.models[0].endpoints.iter_mut().enumerate() {
        let usd_per_mtok = [0.21, 0.34, 0.41, 1.4][at];
        let (low, high) = (Some(usd_per_mtok / 1.1), Some(usd_per_mtok * 1.1));
        endpoint.expected_cost = Some(ExpectedCost { day, usd_per_mtok, low, high, chosen_by: usd_per_mtok });
        let list = [0.5, 0.4, 0.6, 0.2][at];
        (endpoint.list.input, endpoint.list.output) = (Some(list), Some(list * 4.0));
        endpoint.tokens_per_day = Some([1e7, 2e7, 3e7, 4e7][at]);
        change(at, endpoint);
    }
    sample
}

/// A later day on which the endpoints were paid these costs at these millions of tokens; a cost of 0 is unknown.
fn later(snapshot: &Snapshot, paid: [(f64, f64); 4]) -> Vec<Paid> {
    let endpoints = snapshot.models[0].endpoints.iter().zip(paid).filter(|(_, (cost, _))| *cost > 0.0);
    let one =
        |(endpoint, (cost, millions)): (&Endpoint, (f64, f64))| of(endpoint.endpoint_id, cost, millions);
    endpoints.map(one).collect()
}

fn of(endpoint: Uuid, cost: f64, millions: f64) -> Paid {
    Paid { endpoint, model: 7, cost, tokens: millions * 1e6 }
}

/// A day after on which the traffic paid 0.866.
const PAID: [(f64, f64); 4] = [(0.22, 10.0), (0.4, 30.0), (0.42, 20.0), (1.6, 40.0)];
const TRAFFIC_PAID: f64 = 0.866;

fn counted(snapshot: &Snapshot, day_after: Vec<Paid>, week_later: Option<Vec<Paid>>) -> PreferenceReport {
    let mut count = PreferenceCount::of(TRAFFIC);
    let week_later: Option<PaidDay> = week_later.map(|paid| paid.into_iter().collect());
    count.see(snapshot, &day_after.into_iter().collect(), week_later.as_ref());
    count.report()
}

fn row(report: &PreferenceReport, mode: Mode) -> &ModeReport {
    report.modes.iter().find(|row| row.mode == mode).expect("a row")
}

fn relative(report: &PreferenceReport, name: &str) -> (usize, Option<f64>) {
    let row = report.relative_to_cheapest.iter().find(|row| row.name == name).expect("a row");
    (row.model_days, row.cost)
}

fn close(found: Option<f64>, expected: f64) {
    assert!(found.is_some_and(|found| (found - expected).abs() < 1e-9), "{found:?} is not {expected}");
}

/// The intervals of both horizons, and those that contain what was realised.
fn held(horizons: Horizons) -> [(usize, usize); 2] {
    [horizons.day_after, horizons.week_later].map(|one: Contained| (one.intervals, one.contained))
}

#[test]
fn a_preference_is_charged_the_later_traffic_of_what_it_admits() {
    let quill = quill(|_, _| {});
    // A week later all endpoints cost the same, which no interval expects.
    let report = counted(&quill, later(&quill, PAID), Some(later(&quill, [(0.5, 10.0); 4])));
    assert_eq!((report.days, report.model_days, report.unpriced), (1, 1, 0));
    assert_eq!((report.from, report.to), (Some(quill.as_of.date_naive()), Some(quill.as_of.date_naive())));
    let mean = 0.1 * 0.21 + 0.2 * 0.34 + 0.3 * 0.41 + 0.4 * 1.4;
    for (mode, expected, realised) in [
        (Mode::Pin, 0.21, 0.22),
        (Mode::Shortlist, (0.21 + 2.0 * 0.34) / 3.0, (2.2 + 12.0) / 40.0),
        (Mode::Avoid, (0.21 + 2.0 * 0.34 + 3.0 * 0.41) / 6.0, (2.2 + 12.0 + 8.4) / 60.0),
    ] {
        let row = row(&report, mode);
        assert_eq!((row.given, row.none, row.charged), (1, 0, 1), "{mode}");
        close(row.expected_saving, 1.0 - expected / mean);
        close(row.realised_saving, 1.0 - realised / TRAFFIC_PAID);
        assert_eq!(row.realised_over_all, row.realised_saving, "{mode}");
        assert_eq!(row.over_5_percent, Some(0.0), "{mode}");
        assert_eq!(held(row.against_traffic_average), [(1, 1), (1, 0)], "{mode}");
        assert_eq!(held(row.against_cheapest_list), [(1, 1), (1, 0)], "{mode}");
        let (days, cost) = relative(&report, mode.as_str());
        assert_eq!(days, 1, "{mode}");
        close(cost, realised / 0.22);
    }
    close(relative(&report, "cheapest_list").1, 1.6 / 0.22);
    close(relative(&report, "traffic_average").1, TRAFFIC_PAID / 0.22);
    // 0.22 and 0.42 are inside, 0.4 and 1.6 outside of 10 %; no cost is near 0.5.
    assert_eq!(held(report.expected_costs), [(4, 2), (4, 0)]);
    assert_eq!(report.holds, None, "a few intervals decide nothing");
}

#[test]
fn without_tokens_the_weights_are_equal() {
    let quill = quill(|_, _| {});
    let report = counted(&quill, later(&quill, PAID.map(|(cost, _)| (cost, 0.0))), None);
    let traffic = (0.22 + 0.4 + 0.42 + 1.6) / 4.0;
    close(row(&report, Mode::Shortlist).realised_saving, 1.0 - f64::midpoint(0.22, 0.4) / traffic);
    close(relative(&report, "traffic_average").1, traffic / 0.22);
}

#[test]
fn a_preference_that_costs_more_than_the_traffic_is_counted() {
    let quill = quill(|_, _| {});
    let reversed = [(1.1, 10.0), (1.0, 10.0), (1.0, 10.0), (1.0, 70.0)];
    let report = counted(&quill, later(&quill, reversed), None);
    let pin = row(&report, Mode::Pin);
    assert_eq!(pin.over_5_percent, Some(1.0));
    close(pin.realised_saving, 1.0 - 1.1 / 1.01);
    assert_eq!(row(&report, Mode::Shortlist).over_5_percent, Some(0.0), "1.05 is within 5 % of 1.01");
}

#[test]
fn a_withheld_preference_counts_as_nothing_saved() {
    // The cheapest endpoint has most of the traffic, but is too new to be named.
    let losing = quill(|at, one| {
        one.tokens_per_day = Some(if at == 0 { 1e9 } else { 52e6 });
        if at == 0 {
            one.first_seen = sample::as_of() - Duration::hours(5);
        }
    });
    let report = counted(&losing, later(&losing, PAID), None);
    for mode in [Mode::Pin, Mode::Shortlist] {
        let row = row(&report, mode);
        assert_eq!((row.given, row.none, row.charged), (0, 1, 0), "{mode}");
        assert_eq!((row.expected_saving, row.realised_saving, row.over_5_percent), (None, None, None));
        close(row.realised_over_all, 0.0);
        assert_eq!(held(row.against_traffic_average), [(0, 0), (0, 0)], "{mode}");
        assert_eq!(relative(&report, mode.as_str()), relative(&report, "traffic_average"), "{mode}");
    }
    let avoid = row(&report, Mode::Avoid);
    assert_eq!((avoid.given, avoid.none), (1, 0), "what is bad can still be avoided");
}

#[test]
fn without_a_later_price_nothing_is_charged() {
    let quill = quill(|_, _| {});
    let report = counted(&quill, Vec::new(), None);
    assert_eq!((report.days, report.model_days, report.unpriced), (1, 0, 1));
    assert_eq!(row(&report, Mode::Pin).realised_over_all, None);
    // The pinned endpoint has no price on the day after, and that of a week later is not known yet.
    let mut gone = PAID;
    gone[0].0 = 0.0;
    let report = counted(&quill, later(&quill, gone), None);
    let pin = row(&report, Mode::Pin);
    assert_eq!((report.model_days, pin.given, pin.none, pin.charged), (1, 1, 0, 0));
    assert_eq!((pin.realised_saving, pin.realised_over_all, pin.over_5_percent), (None, None, None));
    assert_eq!(held(pin.against_traffic_average), [(0, 0), (0, 0)]);
    assert_eq!(relative(&report, "pin"), (0, None));
    let shortlist = row(&report, Mode::Shortlist);
    assert_eq!(shortlist.charged, 1, "its other endpoint has a price");
    close(shortlist.realised_saving, 1.0 - 0.4 / ((12.0 + 8.4 + 64.0) / 90.0));
    assert_eq!(held(report.expected_costs), [(3, 1), (0, 0)]);
}

#[test]
fn an_endpoint_that_appears_later_is_used_unless_others_are_named() {
    let quill = quill(|_, _| {});
    let mut paid = later(&quill, PAID);
    paid.push(of(Uuid::from_u128(1), 2.0, 100.0));
    let report = counted(&quill, paid, None);
    let traffic = (86.6 + 200.0) / 200.0;
    close(row(&report, Mode::Pin).realised_saving, 1.0 - 0.22 / traffic);
    close(row(&report, Mode::Avoid).realised_saving, 1.0 - (22.6 + 200.0) / 160.0 / traffic);
}

#[test]
fn only_standard_models_with_traffic_at_two_endpoints_count() {
    let mut idle = quill(|at, one| one.tokens_per_day = (at == 0).then_some(1e9));
    assert_eq!(counted(&idle, later(&idle, PAID), None).model_days, 0);
    idle = quill(|_, _| {});
    idle.models[0].tokens_per_day = 9.9e6;
    let report = counted(&idle, later(&idle, PAID), None);
    assert_eq!((report.model_days, report.unpriced), (0, 0));
    idle.models[0].variant = hitrate::domain::ids::Variant::new("free");
    let report = counted(&idle, later(&idle, PAID), None);
    assert_eq!(held(report.expected_costs), [(0, 0), (0, 0)]);
}

/// A record of seven days without events, after all changes of the shape of the simulated upstream: four in a row, and
/// three with gaps.
async fn recorded(folder: &Path) {
    let world = SimulatorConfig {
        models: 14,
        providers: 12,
        endpoints: 64,
        cacheless_providers: 1,
        events: false,
        ..SimulatorConfig::starting_at(start(), 24)
    };
    let upstream = Upstream::serve_world(Simulator::new(world).expect("such a world exists")).await;
    let pipeline = pipeline(folder);
    for number in [11, 12, 13, 14, 18, 20, 21] {
        let report = collect(&pipeline, &upstream, day(number)).await;
        assert_eq!(report.status.as_str(), "ok", "day {number}: {report:?}");
    }
}

/// The days of the record whose following day has prices.
const MADE: [i64; 5] = [11, 12, 13, 14, 18];

/// The number of model-days, and what the traffic paid relative to the cheapest endpoint with enough of it, computed
/// independently.
fn traffic_relative_to_the_cheapest(folder: &Path) -> (u64, f64) {
    let store = store(folder);
    let ids = store.endpoint_ids().expect("readable");
    let dates = (day(11).date_naive(), day(21).date_naive());
    let panel = store.priced_days(dates.0, dates.1, day(21)).expect("readable");
    let workloads = Workload::shipped().expect("shipped");
    let (mut model_days, mut ratios) = (0, Vec::new());
    for number in MADE {
        let snapshot = build_snapshot(&store, Some(day(number)), workloads.clone(), day(number));
        let tomorrow: NaiveDate = day(number + 1).date_naive();
        for model in snapshot.expect("built").models.iter().filter(|model| model.variant.is_standard()) {
            let used = model.endpoints.iter().filter(|one| one.tokens_per_day > Some(0.0));
            if model.tokens_per_day < 10e6 || used.count() < 2 {
                continue;
            }
            let (mut sum, mut tokens, mut costs) = (0.0, 0.0, Vec::new());
            for row in panel.iter().filter(|row| row.day == tomorrow && !row.impossible) {
                let is_it = |one: &&Endpoint| ids.get(&row.endpoint) == Some(&one.endpoint_id);
                let Some(endpoint) = model.endpoints.iter().find(is_it) else { continue };
                let cost = row.effective_input + 0.05 * row.effective_output;
                let weight = row.tokens.unwrap_or(0) as f64;
                (sum, tokens) = (sum + weight * cost, tokens + weight);
                costs.extend(endpoint.tokens_per_day.filter(|tokens| *tokens >= 10e6).map(|_| cost));
            }
            model_days += u64::from(tokens > 0.0);
            if costs.len() > 1 {
                let cheapest = costs.into_iter().fold(f64::INFINITY, f64::min);
                ratios.push((sum / tokens / cheapest).ln());
            }
        }
    }
    (model_days, (ratios.iter().sum::<f64>() / ratios.len() as f64).exp())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preferences_of_a_record_are_charged_what_its_later_days_show() {
    let data = folder();
    recorded(data.path()).await;
    let told = hitrate(data.path(), &["study", "preferences", "--json"]);
    let report = told.json();
    assert_eq!(told.code, i32::from(report["holds"] == false), "{told:?}");
    assert_eq!((&report["days"], &report["workload"]), (&5.into(), &TRAFFIC.into()));
    assert_eq!((&report["from"], &report["to"]), (&"2026-07-21".into(), &"2026-07-28".into()));

    let model_days = report["model_days"].as_u64().expect("a count");
    let modes = report["modes"].as_array().expect("rows");
    assert_eq!(
        modes.iter().filter_map(|row| row["mode"].as_str()).collect::<Vec<_>>(),
        Mode::OFFERED.map(Mode::as_str)
    );
    for row in modes {
        let [given, none, charged] =
            ["given", "none", "charged"].map(|name| row[name].as_u64().expect("a count"));
        assert_eq!(given + none, model_days, "{row}");
        assert!(charged > 0 && charged <= given, "{row}");
        let against = &row["against_traffic_average"];
        let [day, week] = ["day_after", "week_later"].map(|name| against[name]["intervals"].as_u64());
        assert!(day > week && week > Some(0), "two of the five days have no later week yet: {row}");
        assert!(day <= Some(given), "{row}");
    }
    let over_all = |mode: Mode| {
        let row = modes.iter().find(|row| row["mode"] == mode.as_str()).expect("a row");
        number(&row["realised_over_all"])
    };
    let [pin, avoid] = [Mode::Pin, Mode::Avoid].map(over_all);
    assert!(pin > avoid && avoid > 0.0, "pin {pin}, avoid {avoid}");

    let relative = |name: &str| {
        let rows = report["relative_to_cheapest"].as_array().expect("rows");
        number(&rows.iter().find(|row| row["name"] == name).expect("a row")["cost"])
    };
    let (wanted_days, wanted) = traffic_relative_to_the_cheapest(data.path());
    assert_eq!(model_days, wanted_days);
    assert!((relative("traffic_average") - wanted).abs() < 1e-9, "{report}");
    assert!(relative("pin") >= 1.0 && relative("pin") < relative("traffic_average"), "{report}");
    let costs = &report["expected_costs"]["day_after"];
    assert!(costs["intervals"].as_u64() > Some(100) && number(&costs["share"]) > 0.5, "{costs}");

    let one_day = ["study", "preferences", "--from", "2026-07-22", "--to", "2026-07-22", "--markdown"];
    let markdown = hitrate(data.path(), &one_day);
    assert!(markdown.out.contains("\n| `pin` | "), "{markdown:?}");
    let backwards =
        hitrate(data.path(), &["study", "preferences", "--from", "2026-07-22", "--to", "2026-07-21"]);
    assert_eq!((backwards.code, backwards.out.as_str()), (1, ""), "{backwards:?}");
    let unknown = hitrate(data.path(), &["study", "preferences", "--workload", "nap"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""), "{unknown:?}");
    assert!(unknown.err.contains("unknown workload `nap`: one of coding-agent"), "{}", unknown.err);

    let server = Server::of(data.path());
    let through = hitrate(data.path(), &["study", "preferences", "--json"]);
    assert_eq!((through.code, through.json()), (told.code, report), "the server counts the same");
    assert_eq!(hitrate(data.path(), &one_day).out, markdown.out, "also for one day");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_two_days_in_a_row_there_is_nothing_to_charge_and_it_is_said() {
    let data = folder();
    let missing = hitrate(data.path(), &["study", "preferences"]);
    assert!(missing.code == 1 && missing.err.contains("hitrate collect"), "{missing:?}");
    let upstream = Upstream::serve().await;
    collect(&pipeline(data.path()), &upstream, day(11)).await;
    for more in [&[][..], &["--json"], &["--from", "2026-07-01", "--to", "2026-07-02"]] {
        let empty = hitrate(data.path(), &[&["study", "preferences"][..], more].concat());
        assert_eq!((empty.code, empty.out.as_str()), (1, ""), "{empty:?}");
        assert!(empty.err.contains("nothing to charge on these days"), "{}", empty.err);
    }
}
