//! A small simulated upstream that misbehaves on request, and folders to collect it into.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode, Uri, header};
use chrono::{DateTime, Duration, Utc};
use hitrate::clock::SystemClock;
use hitrate::pipeline::{CollectOptions, CollectReport, DataDir, Pipeline};
use hitrate::simulator::{Simulator, SimulatorConfig, SweepClock, http_date};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::rig::{at, config};

/// The response instead of the truth.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// This status, every time.
    Status(u16),
    /// 429 the first time, the truth from then on.
    BusyOnce,
    /// An HTML page with status 200.
    Html,
    /// The first half of the body.
    Half,
    /// The body with another value (JSON) at a position: keys and indices separated by slashes; `*` as the last
    /// part means the first key.
    Set(&'static str, &'static str),
    /// The body after a change of its JSON.
    Change(fn(&mut Value)),
}

/// What the server shares with the test.
struct Shared {
    simulator: Simulator,
    clock: SweepClock,
    faults: Mutex<Vec<(String, Fault)>>,
    asked: Mutex<Vec<String>>,
    served: Mutex<Vec<(String, DateTime<Utc>)>>,
}

/// A running upstream; it stops when dropped.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Start of the small world; its window switches after 4 days, its counters disappear after 8, its ids appear after 10.
pub fn start() -> DateTime<Utc> {
    at("2026-07-10T00:00:00Z")
}

/// A number of whole days after the start, at 12:57.
pub fn day(number: i64) -> DateTime<Utc> {
    start() + Duration::days(number) + Duration::minutes(12 * 60 + 57)
}

/// The small world.
pub fn world() -> Simulator {
    let small = SimulatorConfig {
        models: 14,
        providers: 12,
        endpoints: 64,
        // Without a cache, the price of an hour equals that of the day: too many such providers would hide the window.
        cacheless_providers: 1,
        ..SimulatorConfig::starting_at(start(), 16)
    };
    Simulator::new(small).expect("such a world exists")
}

impl Upstream {
    /// Serves the small world on loopback.
    pub async fn serve() -> Self {
        Self::serve_world(world()).await
    }

    /// Serves a world on loopback.
    pub async fn serve_world(simulator: Simulator) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            clock: SweepClock::new(&simulator),
            simulator,
            faults: Mutex::default(),
            asked: Mutex::default(),
            served: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
        Self { address, shared, task }
    }

    /// Its base address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the simulated time of all further requests or, if sweeps take time, of the next request.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.shared.clock.set(now);
    }

    /// The simulator behind it.
    pub fn simulator(&self) -> &Simulator {
        &self.shared.simulator
    }

    /// The addresses that were served with the truth since the last call, each with its simulated time.
    pub fn take_served(&self) -> Vec<(String, DateTime<Utc>)> {
        std::mem::take(&mut self.shared.served.lock().expect("not poisoned"))
    }

    /// Sets the faults of the addresses that contain a text; the first match counts.
    pub fn set_faults(&self, faults: &[(&str, Fault)]) {
        let faults = faults.iter().map(|(text, fault)| ((*text).to_owned(), *fault)).collect();
        *self.shared.faults.lock().expect("not poisoned") = faults;
    }

    /// The addresses requested since the last call, in order.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.asked.lock().expect("not poisoned"))
    }

    /// Canonical slugs of models that have endpoints in the standard variant at a time, most tokens first.
    pub fn models(&self) -> Vec<String> {
        let mut endpoints = self.shared.simulator.truth().endpoints();
        endpoints.retain(|endpoint| endpoint.variant == "standard");
        endpoints.sort_by(|a, b| b.tokens_per_day.total_cmp(&a.tokens_per_day));
        let mut models: Vec<String> = Vec::new();
        for endpoint in endpoints {
            if !models.contains(&endpoint.model) {
                models.push(endpoint.model);
            }
        }
        models
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri) -> Response<Body> {
    let address = uri.to_string();
    let seen = {
        let mut asked = shared.asked.lock().expect("not poisoned");
        asked.push(address.clone());
        asked.iter().filter(|one| **one == address).count()
    };
    let faults = shared.faults.lock().expect("not poisoned").clone();
    let fault = faults.iter().find(|(text, _)| address.contains(text)).map(|(_, fault)| *fault);
    let now = shared.clock.serve(uri.path());
    let (status, body) = shared.simulator.body(uri.path(), uri.query().unwrap_or_default(), now);
    let body = body.unwrap_or_default();
    let mut response = match fault {
        Some(Fault::Status(status)) => reply(status, Vec::new()),
        Some(Fault::BusyOnce) if seen == 1 => reply(429, Vec::new()),
        Some(Fault::Html) => reply(200, b"<!doctype html><title>Just a moment</title>".to_vec()),
        Some(Fault::Half) => reply(status, body[..body.len() / 2].to_vec()),
        Some(Fault::Change(change)) => reply(status, changed(&body, change)),
        Some(Fault::Set(place, value)) => reply(status, with_value(&body, place, value)),
        _ => {
            shared.served.lock().expect("not poisoned").push((address, now));
            reply(status, body)
        }
    };
    let date = header::HeaderValue::from_str(&http_date(now)).expect("a date");
    response.headers_mut().insert(header::DATE, date);
    response
}

fn changed(body: &[u8], change: fn(&mut Value)) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(body).unwrap_or_default();
    change(&mut json);
    json.to_string().into_bytes()
}

/// The body with another value; a body without this position is unchanged.
fn with_value(body: &[u8], place: &str, value: &str) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(body).unwrap_or_default();
    let (parent, last) = place.rsplit_once('/').expect("a field of something");
    let (above, name) = parent.rsplit_once('/').unwrap_or(("", parent));
    // An absent part, such as the statistics of an endpoint without traffic, is created.
    if let Some(Value::Object(fields)) = json.pointer_mut(&format!("/{above}"))
        && name.parse::<usize>().is_err()
        && fields.get(name).is_none_or(Value::is_null)
    {
        fields.insert(name.to_owned(), Value::Object(serde_json::Map::new()));
    }
    let Some(Value::Object(fields)) = json.pointer_mut(&format!("/{parent}")) else { return body.to_vec() };
    let first = fields.keys().next().filter(|_| last == "*").cloned();
    let value = serde_json::from_str(value).expect("JSON");
    fields.insert(first.unwrap_or_else(|| last.to_owned()), value);
    json.to_string().into_bytes()
}

fn reply(status: u16, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    if status == 429 {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("0"));
    }
    response
}

/// An address on which nothing listens.
pub fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("bound"))
}

/// The pipeline over a folder, with settings that override the defaults.
pub fn pipeline_with(folder: &Path, settings: &str) -> Pipeline {
    Pipeline::open(config(settings), DataDir::new(folder), Arc::new(SystemClock)).expect("the folder opens")
}

/// The pipeline over a folder, under the default settings.
pub fn pipeline(folder: &Path) -> Pipeline {
    pipeline_with(folder, "")
}

/// Collects once from an address, without a rate limit.
pub async fn collect_from(pipeline: &Pipeline, url: &str, time: DateTime<Utc>) -> CollectReport {
    let options =
        CollectOptions { upstream: Some(url.to_owned()), at: Some(time), rate: Some(0.0), simulated: true };
    let cancel = CancellationToken::new();
    pipeline.collect(&options, &cancel, |_, _| {}).await.expect("the run has an account")
}

/// Collects once from the upstream as it is at a time.
pub async fn collect(pipeline: &Pipeline, upstream: &Upstream, time: DateTime<Utc>) -> CollectReport {
    upstream.set_now(time);
    collect_from(pipeline, &upstream.url(), time).await
}

/// Divides the hit rates by 100.
pub fn hundredth(body: &mut Value) {
    let rows = body.pointer_mut("/data/providerSummaries").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten() {
        if let Some(rate) = row["cacheHitRate"].as_f64() {
            row["cacheHitRate"] = Value::from(rate / 100.0);
        }
    }
    if let Some(rate) = body["data"]["weightedCacheHitRate"].as_f64() {
        body["data"]["weightedCacheHitRate"] = Value::from(rate / 100.0);
    }
}

/// A data folder with a run on each of some days, published.
pub async fn collected(folder: &Path, days: &[i64]) {
    let upstream = Upstream::serve().await;
    let pipeline = pipeline(folder);
    for number in days {
        collect(&pipeline, &upstream, day(*number)).await;
    }
    pipeline.publish().expect("published");
}
