//! Every fault of the simulated upstream, over HTTP: a good run, a run with the fault, a good run. Whatever the upstream
//! sends, the sweep ends, nothing wrong is stored, the published numbers stay, the status says what happened and since
//! when, and the next good run heals without a hand.

mod days;
mod limits;
mod network;
mod tls;

use std::sync::Arc;
use std::time::{Duration as Wall, Instant};

use chrono::{DateTime, Duration, NaiveTime, Utc};
use hitrate::domain::reading::RunStatus;
use hitrate::pipeline::{CollectReport, Pipeline};
use hitrate::simulator::{Fault, FaultPlan, Simulator, SimulatorConfig, SimulatorServer, serve};

use crate::rig::folder;
use crate::upstream::{collect_from, day, pipeline_with, start};

/// Small limits, so that a sweep of the tiny world ends within seconds whatever the upstream does.
pub const QUICK: &str = "[fetch]\ntimeout_seconds = 1\nmax_attempts = 2\nretry_delay_ms = 5\nmax_body_mib = 1\n\
     max_sweep_mib = 16\nmax_sweep_minutes = 1\n";

/// A sweep of the tiny world must end within this time: a timeout with its second attempt for each of the few documents
/// that are in flight when the sweep gives up, with much room for a busy machine.
const BUDGET: Wall = Wall::from_secs(40);

/// A world with few documents.
pub fn tiny() -> Arc<Simulator> {
    let config = SimulatorConfig {
        models: 8,
        providers: 6,
        endpoints: 24,
        cacheless_providers: 1,
        events: false,
        ..SimulatorConfig::starting_at(start(), 16)
    };
    Arc::new(Simulator::new(config).expect("such a world exists"))
}

/// A server of the tiny world.
pub async fn upstream() -> SimulatorServer {
    serve(tiny(), ([127, 0, 0, 1], 0).into()).await.expect("it listens")
}

/// Waits until the server listens, or until nothing does: it follows its clock and its faults a moment later.
pub async fn reached(upstream: &SimulatorServer, listens: bool) {
    let address = upstream.base_url().trim_start_matches("http://").to_owned();
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(&address).await.is_ok() == listens {
            return;
        }
        tokio::time::sleep(Wall::from_millis(10)).await;
    }
    panic!("{address}: the server does not follow");
}

/// Collects once from a server as it is at a time.
pub async fn collect(pipeline: &Pipeline, upstream: &SimulatorServer, time: DateTime<Utc>) -> CollectReport {
    upstream.set_now(time);
    collect_from(pipeline, &upstream.base_url(), time).await
}

/// Every hit rate and count of tokens in the record is the one of the world at the time of its reading, or absent.
fn assert_true(pipeline: &Pipeline, world: &Simulator, fault: Fault) {
    let readings = pipeline.store.readings(start(), day(16)).expect("readable");
    assert!(!readings.is_empty(), "{fault}");
    for reading in readings {
        let midnight = reading.observed_at.date_naive().and_time(NaiveTime::MIN).and_utc();
        let counters = world.truth().counters(reading.endpoint_id, midnight, reading.observed_at);
        let known = counters.and_then(|counters| counters.hit_rate());
        let what = format!("{fault}: {} {} at {}", reading.model.as_str(), reading.tag, reading.observed_at);
        if let Some(found) = reading.hit_rate {
            let known = known.unwrap_or_else(|| panic!("{what}: a rate of {found} without traffic"));
            assert!((known - found).abs() < 1e-6, "{what}: {found} is not {known}");
        }
        for (name, found) in [("uptime", reading.uptime_1d), ("uptime", reading.uptime_30m)] {
            assert!(found.is_none_or(|found| (0.0..=1.0).contains(&found)), "{what}: {name} {found:?}");
        }
        for price in [reading.list_input, reading.list_output, reading.effective_input] {
            assert!(price.is_none_or(|price| (0.0..1e6).contains(&price)), "{what}: price {price:?}");
        }
    }
}

/// What a run with a fault may be.
struct Expected {
    statuses: &'static [RunStatus],
    /// Whether no endpoint may be missing in what is published.
    keeps_endpoints: bool,
}

const HARMED: &[RunStatus] = &[RunStatus::Partial, RunStatus::Suspect, RunStatus::Failed];
const ANY: &[RunStatus] = &[RunStatus::Ok, RunStatus::Partial, RunStatus::Suspect, RunStatus::Failed];

fn expected(plan: &FaultPlan) -> Expected {
    match plan.fault {
        // Readable answers: what is impossible in them is quarantined value by value.
        Fault::HostileNames | Fault::HugeNumbers => Expected { statuses: ANY, keeps_endpoints: false },
        // A few documents; any of the faults may be among them.
        Fault::Mixed => Expected { statuses: ANY, keeps_endpoints: false },
        Fault::Gone => Expected { statuses: &[RunStatus::Failed], keeps_endpoints: true },
        _ if plan.share >= 1.0 => Expected { statuses: &[RunStatus::Failed], keeps_endpoints: true },
        _ => Expected { statuses: HARMED, keeps_endpoints: true },
    }
}

async fn survives(plan: FaultPlan) {
    let fault = plan.fault;
    let expected = expected(&plan);
    let upstream = upstream().await;
    let data = folder();
    let pipeline = pipeline_with(data.path(), QUICK);
    let (before, during, after) = (day(11), day(11) + Duration::hours(1), day(11) + Duration::hours(2));

    let first = collect(&pipeline, &upstream, before).await;
    assert_eq!(first.status, RunStatus::Ok, "{fault}: {:?}", first.failures);
    let good = pipeline.publish().expect("published");
    assert_eq!(good.status.trouble, None);

    upstream.set_faults(vec![plan]);
    reached(&upstream, fault != Fault::Gone).await;
    let begun = Instant::now();
    let faulty = collect(&pipeline, &upstream, during).await;
    let took = begun.elapsed();
    assert!(took < BUDGET, "{fault}: the sweep took {took:?}");
    assert!(expected.statuses.contains(&faulty.status), "{fault}: {} {:?}", faulty.status, faulty.failures);
    assert_true(&pipeline, upstream.simulator(), fault);

    let shown = pipeline.publish().expect("published");
    if faulty.status.is_accepted() {
        assert_eq!(shown.as_of, during, "{fault}");
    } else {
        assert_eq!(shown.as_of, before, "{fault}: the last good numbers stay");
        assert_eq!(shown.tier_lists, good.tier_lists, "{fault}");
        assert_eq!(shown.models, good.models, "{fault}");
    }
    if expected.keeps_endpoints {
        assert_eq!(shown.summary.endpoints, good.summary.endpoints, "{fault}: no endpoint is dropped");
    }
    let newest = &shown.status.runs[0];
    assert_eq!((newest.observed_at, newest.status), (during, faulty.status), "{fault}");
    let trouble = shown.status.trouble.as_ref();
    if faulty.status == RunStatus::Ok {
        assert_eq!(trouble, None, "{fault}");
    } else {
        let trouble = trouble.expect("what is missing is reported");
        assert_eq!((trouble.status, trouble.since, trouble.runs), (faulty.status, during, 1), "{fault}");
        assert_eq!(trouble.last_good, Some(before), "{fault}");
        assert!(trouble.reason.is_some() || faulty.status == RunStatus::Suspect, "{fault}");
    }

    upstream.set_faults(Vec::new());
    reached(&upstream, true).await;
    let last = collect(&pipeline, &upstream, after).await;
    assert_eq!(last.status, RunStatus::Ok, "{fault}: not healed: {:?} {:?}", last.failures, last.findings);
    let healed = pipeline.publish().expect("published");
    assert_eq!((healed.as_of, &healed.status.trouble), (after, &None), "{fault}");
    assert_eq!(healed.summary.endpoints, good.summary.endpoints, "{fault}");
    // Traffic may begin in between.
    assert!(healed.summary.endpoints_with_usage >= good.summary.endpoints_with_usage, "{fault}");
    assert_true(&pipeline, upstream.simulator(), fault);
    upstream.stop().await.expect("it stops");
}

/// The faults that meet all requests by default; the others do so only with HITRATE_FAULTS=all.
const ALWAYS_WHOLE: [Fault; 5] =
    [Fault::Status500, Fault::Html, Fault::RedirectPort, Fault::EmptyList, Fault::Gone];

/// The faults at these positions of [`Fault::ALL`], with some documents and with all requests.
async fn all_survive(positions: std::ops::Range<usize>) {
    let is_long = std::env::var("HITRATE_FAULTS").is_ok_and(|which| which == "all");
    for fault in &Fault::ALL[positions] {
        // Nothing listens for some requests and not for others.
        if *fault != Fault::Gone {
            survives(FaultPlan::of(*fault).share(0.4)).await;
        }
        if is_long || ALWAYS_WHOLE.contains(fault) {
            survives(FaultPlan::of(*fault)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_and_broken_answers_cost_only_what_they_concern() {
    all_survive(0..9).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_and_bodies_without_end_cost_only_what_they_concern() {
    all_survive(9..18).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strange_contents_and_an_upstream_that_is_gone_cost_only_what_they_concern() {
    all_survive(18..Fault::ALL.len()).await;
}

#[test]
fn the_documents_name_every_fault() {
    let text = include_str!("../../docs/development.md");
    for fault in Fault::ALL {
        assert!(text.contains(&format!("| `{fault}` |")), "docs/development.md does not list {fault}");
    }
}
