//! How days close if the upstream caches its responses, switches to the new day slowly after midnight, and takes
//! minutes to sweep.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use hitrate::pipeline::Pipeline;
use hitrate::simulator::{Habits, Simulator, SimulatorConfig};
use uuid::Uuid;

use crate::rig::folder;
use crate::upstream::{Upstream, collect, pipeline_with, start};

/// First day that is collected: summaries cover the UTC day and contain endpoint ids.
const FIRST_DAY: i64 = 11;

/// Largest relative error of a closing value.
const TOLERANCE: f64 = 0.01;

/// A world without events, so that every endpoint exists on every day.
fn world(habits: Habits) -> Simulator {
    let config = SimulatorConfig {
        models: 24,
        providers: 14,
        endpoints: 120,
        cacheless_providers: 1,
        events: false,
        habits,
        ..SimulatorConfig::starting_at(start(), 16)
    };
    Simulator::new(config).expect("such a world exists")
}

fn midnight(day: i64) -> DateTime<Utc> {
    start() + Duration::days(FIRST_DAY + day)
}

/// A model variant, as in requests for usage bodies.
type Pair = (String, String);

/// The windows of the bodies that a collector received.
#[derive(Default)]
struct Served {
    /// The midnight of the body's day, by run and pair.
    body_day: BTreeMap<(DateTime<Utc>, Pair), DateTime<Utc>>,
    /// The last moment of the day that a body covered, by endpoint and day.
    readable: BTreeMap<(Uuid, NaiveDate), DateTime<Utc>>,
}

impl Served {
    /// Records the usage bodies of one run.
    fn note(&mut self, upstream: &Upstream, run: DateTime<Utc>) {
        let truth = upstream.simulator().truth();
        let endpoints = truth.endpoints();
        for (address, at) in upstream.take_served() {
            let Some(pair) = usage_pair(&address) else { continue };
            let Some((from, to)) = truth.usage_window(&pair.0, &pair.1, at) else { continue };
            for endpoint in endpoints.iter().filter(|e| e.model == pair.0 && e.variant == pair.1) {
                // The first bodies of an idle model may belong to a day before the record.
                if from >= midnight(0) && truth.counters(endpoint.id, from, to).is_some_and(|c| c.prompt > 0)
                {
                    let last = self.readable.entry((endpoint.id, from.date_naive())).or_insert(to);
                    *last = to.max(*last);
                }
            }
            self.body_day.insert((run, pair), from);
        }
    }
}

/// The pair whose usage an address requests.
fn usage_pair(address: &str) -> Option<Pair> {
    let (_, query) = address.split_once("stats/effective-pricing?permaslug=")?;
    let (model, rest) = query.split_once("&variant=")?;
    Some((model.to_owned(), rest.split('&').next().unwrap_or(rest).to_owned()))
}

/// Collects at minute 57 of every hour for some whole days and two hours more.
async fn collect_hourly(pipeline: &Pipeline, upstream: &Upstream, days: i64) -> Served {
    let mut served = Served::default();
    for hour in 0..24 * days + 2 {
        let time = midnight(0) + Duration::hours(hour) + Duration::minutes(57);
        let report = collect(pipeline, upstream, time).await;
        assert_eq!(report.status.as_str(), "ok", "{time}: {report:?}");
        served.note(upstream, time);
    }
    served
}

fn near(found: f64, truth: f64) -> bool {
    (found - truth).abs() <= TOLERANCE * truth.abs() + 1e-12
}

/// How the stored days compare with the served bodies.
#[derive(Debug, Default)]
struct Verdict {
    days: usize,
    wrong: Vec<String>,
    /// Days with tokens for which no body was ever served.
    invented: Vec<String>,
    /// Days with a body and without tokens.
    lost: Vec<String>,
    /// Readings that count for a day other than that of their body.
    displaced: Vec<String>,
}

impl Verdict {
    fn assert_right(&self) {
        let sample = |lines: &[String]| lines.iter().take(5).cloned().collect::<Vec<_>>();
        assert!(self.invented.is_empty(), "{}: {:#?}", self.invented.len(), sample(&self.invented));
        assert!(self.displaced.is_empty(), "{}: {:#?}", self.displaced.len(), sample(&self.displaced));
        let off = self.wrong.len() + self.lost.len();
        assert!(
            off * 100 <= self.days,
            "{off} of {} endpoint-days are off: {:#?} {:#?}",
            self.days,
            sample(&self.wrong),
            sample(&self.lost)
        );
    }
}

fn judge(pipeline: &Pipeline, simulator: &Simulator, served: &Served, days: i64) -> Verdict {
    let now = midnight(days) + Duration::minutes(2 * 60 - 3);
    let mut verdict = Verdict { days: served.readable.len(), ..Verdict::default() };
    let stored = pipeline
        .store
        .days(midnight(0).date_naive(), now.date_naive(), now)
        .and_then(|days| days.rows())
        .expect("readable");
    let mut missing = served.readable.clone();
    for row in stored.iter().filter(|row| row.of_day.tokens.is_some()) {
        match missing.remove(&(row.endpoint_id, row.of_day.day)) {
            Some(to) => verdict.wrong.extend(wrong(simulator, row, to, now)),
            None => verdict.invented.push(format!("{row:?}")),
        }
    }
    verdict.lost = missing.iter().map(|(of, to)| format!("{of:?} up to {to}")).collect();
    for row in pipeline.store.readings(midnight(0), now + Duration::days(1)).expect("readable") {
        let pair = (row.model.as_str().to_owned(), row.variant.as_str().to_owned());
        let Some(body) = served.body_day.get(&(row.observed_at, pair)) else { continue };
        if let Some(from) = row.window_start.filter(|from| row.tokens.is_some() && from != body) {
            verdict.displaced.push(format!("{} {} counts for {from}, not {body}", row.observed_at, row.tag));
        }
    }
    verdict
}

/// What is wrong with a stored day whose last body covered it up to `to`.
fn wrong(
    simulator: &Simulator,
    row: &hitrate::store::EndpointDayRow,
    to: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<String> {
    let truth = simulator.truth();
    let of_day = &row.of_day;
    let from = of_day.day.and_time(NaiveTime::MIN).and_utc();
    let served = truth.counters(row.endpoint_id, from, to)?;
    // Later bodies report the price of the whole day in their charts.
    let whole = now.min(from + Duration::days(1));
    let prices = [to, whole].map(|to| truth.effective_prices(row.endpoint_id, from, to));
    let found = of_day.effective_input.unwrap_or(0.0);
    let price = prices.iter().flatten().any(|(input, _)| near(found, *input));
    let tokens = near(of_day.tokens? as f64, served.tokens() as f64);
    let rate = near(of_day.hit_rate?, served.hit_rate()?);
    let right = tokens && rate && price;
    (!right).then(|| format!("{row:?} but until {to} {served:?} at {prices:?}"))
}

/// The comparison series is switched off: it would replace the hit rates of readings by those of whole days.
const READINGS_ONLY: &str = "[upstream]\nhit_rate_comparison = false\n";

async fn verdict(habits: Habits, days: i64) -> Verdict {
    let upstream = Upstream::serve_world(world(habits)).await;
    let data = folder();
    let pipeline = pipeline_with(data.path(), READINGS_ONLY);
    let served = collect_hourly(&pipeline, &upstream, days).await;
    let verdict = judge(&pipeline, upstream.simulator(), &served, days);
    assert!(verdict.days >= 100 * usize::try_from(days).expect("positive"), "{} days", verdict.days);
    verdict
}

/// The control: the comparison of the test below holds if the upstream has no caches.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_close_on_the_last_reading_of_an_upstream_that_answers_at_once() {
    verdict(Habits::exact(), 1).await.assert_right();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_close_on_the_last_reading_of_their_own_bodies() {
    verdict(Habits::observed(), 3).await.assert_right();
}
