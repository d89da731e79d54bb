//! Metrics of the collection: the newest run, what the pipeline did, the archive, and the receivers of alerts.

use crate::alerts::delivery::Outbox;
use crate::domain::delivery::ReceiverState;
use crate::domain::reading::RunStatus;
use crate::pipeline::{Pipeline, StoreHealth};
use crate::snapshot::Snapshot;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};

/// A status as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

/// An outcome as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// A state as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// The outcomes of requests for documents, so that each has a series from the start.
const OUTCOMES: [&str; 5] = ["ok", "refused", "client_error", "server_error", "no_answer"];

/// The metrics of the newest run, from the newest snapshot.
pub(super) fn of_snapshot(registry: &mut Registry, snapshot: &Snapshot) {
    let mut gauge = |name: &str, value: usize, help: &str| {
        registry.register(name, help, ConstGauge::new(value as f64));
    };
    let (summary, status) = (&snapshot.summary, &snapshot.status);
    gauge("endpoints", summary.endpoints, "Endpoints in the newest run");
    let used = summary.endpoints_with_usage;
    gauge("endpoints_with_usage", used, "Endpoints with a hit rate in the newest run");
    gauge("models", summary.models, "Models with endpoints");
    gauge("providers", summary.providers, "Providers with endpoints");
    gauge("runs_stored", summary.runs, "Stored runs");
    let quarantined = status.quarantine.iter().map(|reason| reason.rows).sum();
    gauge("quarantined_rows", quarantined, "Rows that the newest run quarantined");
    gauge("drift_paths", status.drift.len(), "Unknown fields in the newest run");
    let suspect = status.suspect.as_ref().map_or(0, |run| run.findings.len());
    let help = "Findings against the newest run; the run is not published if there are any";
    gauge("suspect_findings", suspect, help);
    let Some(run) = status.runs.first() else { return };
    let is_ok = usize::from(run.status == RunStatus::Ok);
    gauge("last_run_ok", is_ok, "1 if the newest run is complete, 0 otherwise");
    gauge("last_run_requests", run.requests, "Requests of the newest run");
    gauge("last_run_documents", run.documents, "Documents that the newest run archived");
    gauge("last_run_failures", run.failures.len(), "Failures that the newest run lists, at most 21");
    let help = "Duration of the newest run";
    let seconds = ConstGauge::new(run.duration_ms as f64 / 1000.0);
    registry.register_with_unit("last_run", help, Unit::Seconds, seconds);
    let time = ConstGauge::new(run.observed_at.timestamp() as f64);
    registry.register_with_unit("last_run_timestamp", "Time of the newest run", Unit::Seconds, time);
    let statuses = Family::<Status, Gauge>::default();
    for status in RunStatus::ALL {
        let is_it = i64::from(status == run.status);
        statuses.get_or_create(&Status { status: status.as_str() }).set(is_it);
    }
    registry.register("last_run_status", "1 for the status of the newest run", statuses);
}

/// The metrics of what the pipeline did since the start, and of its state.
pub(super) fn of_pipeline(registry: &mut Registry, pipeline: &Pipeline, snapshot: Option<&Snapshot>) {
    let (activity, health) = (pipeline.activity(), pipeline.health());
    let runs = Family::<Status, Counter>::default();
    for status in RunStatus::ALL.map(RunStatus::as_str) {
        let counted = activity.runs.get(status).copied().unwrap_or_default();
        runs.get_or_create(&Status { status }).inc_by(counted);
    }
    registry.register("runs", "Runs since the start", runs);
    let answers = Family::<Outcome, Counter>::default();
    for outcome in OUTCOMES {
        let counted = activity.answers.get(outcome).copied().unwrap_or_default();
        answers.get_or_create(&Outcome { outcome }).inc_by(counted);
    }
    registry.register("upstream_answers", "Documents requested since the start", answers);
    let mut counter = |name: &str, value: u64, help: &str| {
        registry.register(name, help, ConstCounter::new(value));
    };
    counter("collect_errors", activity.errors, "Collections since the start that ended without a run");
    counter("publications", activity.publications, "Publications since the start");
    counter("publish_errors", activity.publish_errors, "Publications since the start that failed");
    let help = "Times since the start that the store was opened again after a fatal error";
    counter("store_reopened", health.store_reopened, help);
    let mut gauge = |name: &str, value: u64, help: &str| {
        registry.register(name, help, ConstGauge::new(value as f64));
    };
    let not_accepted = snapshot.map_or(0, |snapshot| {
        snapshot.status.runs.iter().take_while(|run| !run.status.is_accepted()).count() as u64
    });
    let help = "Collections in a row, up to the last one, that gave no accepted run";
    gauge("consecutive_failures", not_accepted + activity.errors_in_a_row, help);
    gauge("runs_pending", health.pending.len() as u64, "Archived runs that wait to be stored");
    let problems = health.archive_problems.len() as u64;
    let help = "Problems of the archive: each damaged or missing file that was found, and what it lacks of the record";
    gauge("archive_problems", problems, help);
    gauge("set_aside", health.set_aside as u64, "Files and archived runs that are set aside");
    let is_plausible = u64::from(health.clock.is_none());
    gauge("clock_ok", is_plausible, "1 if the clock does not contradict the record, 0 otherwise");
    of_store(registry, health.store == StoreHealth::Ok);
    let mut gauge = |name: &str, value: u64, help: &str| {
        registry.register(name, help, ConstGauge::new(value as f64));
    };
    if let Some(progress) = pipeline.history_progress() {
        gauge(
            "history_requests_answered",
            progress.answered as u64,
            "Answered requests of the history import",
        );
        gauge("history_requests_planned", progress.planned as u64, "All requests of the history import");
    }
    if let Some(at) = activity.last_attempt {
        let (help, time) = ("When the last collection ended", ConstGauge::new(at.timestamp() as f64));
        registry.register_with_unit("last_attempt_timestamp", help, Unit::Seconds, time);
    }
    if let Some(took) = activity.last_publish {
        let (help, seconds) = ("Duration of the last publication", ConstGauge::new(took.as_secs_f64()));
        registry.register_with_unit("last_publish", help, Unit::Seconds, seconds);
    }
}

/// Whether the store can be used. Without a pipeline, the service only shows the last snapshot.
pub(super) fn of_store(registry: &mut Registry, is_usable: bool) {
    let value = ConstGauge::new(f64::from(u8::from(is_usable)));
    registry.register("store_ok", "1 if the store can be used, 0 otherwise", value);
}

/// The metrics of the receivers of alerts; none if there are no receivers.
pub(super) fn of_alerts(registry: &mut Registry, outbox: &Outbox) {
    if !outbox.has_receivers() {
        return;
    }
    let status = outbox.status();
    let is_readable = ConstGauge::new(f64::from(u8::from(status.is_ok())));
    registry.register("alerts_ok", "1 if the state of the alerts can be read, 0 otherwise", is_readable);
    let Ok(status) = status else { return };
    let receivers = Family::<State, Gauge>::default();
    for state in ReceiverState::ALL {
        let counted = status.receivers.iter().filter(|receiver| receiver.state == state).count();
        let counted = i64::try_from(counted).unwrap_or(i64::MAX);
        receivers.get_or_create(&State { state: state.as_str() }).set(counted);
    }
    registry.register("alert_receivers", "Receivers of alerts by state", receivers);
    let waiting: usize = status.receivers.iter().map(|receiver| receiver.waiting).sum();
    let help = "Notices that wait for a receiver; one that waits for two counts twice";
    registry.register("alert_notices_waiting", help, ConstGauge::new(waiting as f64));
    let problems = ConstGauge::new(status.problems.len() as f64);
    registry.register("alert_problems", "Reasons why the rules of alerts cannot be applied", problems);
}
