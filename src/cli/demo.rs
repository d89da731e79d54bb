//! `hitrate demo`: the whole pipeline against the simulator, over HTTP, on loopback.

use super::serve::{address, own, private, stop_on_signal};
use super::stopping::{Tasks, block_on, until_stopped};
use super::{Common, exit, output, print_text, progress, runtime};
use crate::background::{self, Workers};
use crate::clock::Clock;
use crate::config::Config;
use crate::durable;
use crate::pipeline::{CollectOptions, DataDir, Pipeline, PipelineError, traffic_options};
use crate::request_log::{self, Call, ReadOptions};
use crate::serve::{Content, Server, collect_and_publish};
use crate::simulator::{self, Fault, FaultPlan, Habits, Simulator, SimulatorConfig, SimulatorServer};
use crate::snapshot;
use crate::store::{Resolved, StoreOptions, TrafficStore};
use crate::traffic::catalogue::Catalogue;
use anyhow::{Context, Result};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Days at the end of the record that are collected hourly.
const HOURLY_DAYS: i64 = 2;
/// Hours between runs before these days.
const COARSE_HOURS: i64 = 6;
/// The minute of the hour at which runs collect, as in the default schedule.
const MINUTE: i64 = 57;

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate demo\n  \
hitrate demo --days 7 --listen 127.0.0.1:0\n  \
hitrate demo --once --data-dir demo-data\n  \
hitrate demo --fault mixed:0.2 --fault gone@2..8\n  \
hitrate demo --log own-traffic.jsonl")]
pub struct DemoArgs {
    /// Address and port of the site and the API; port 0 picks a free port.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Address and port of the private listener: own traffic and the receiver of OpenTelemetry [default: off].
    #[arg(long, value_name = "ADDR:PORT")]
    private_listen: Option<String>,
    /// Number of simulated days to collect.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=90))]
    days: u32,
    /// Seconds until the next simulated hour is collected.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    hour_every: u64,
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Give some models, providers, tags and regions hostile names, to test the pages.
    #[arg(long, hide = true)]
    hostile_names: bool,
    /// Simulated seconds that a sweep takes. With 0, the same seed gives the same record, byte for byte.
    #[arg(long, hide = true, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1800))]
    sweep_seconds: u32,
    /// How the simulated upstream misbehaves: the name of a fault, the share of the documents of models that meet it, and
    /// the simulated hours from now in which it happens. Without hours, it begins now. Can be repeated.
    #[arg(long = "fault", value_name = "NAME[:SHARE][@FROM..TO]", long_help = fault_help())]
    faults: Vec<FaultPlan>,
    /// Collect and publish the record, then stop.
    #[arg(long)]
    once: bool,
    /// Write the log of the simulated user to this file, then stop. Otherwise the demo imports it as own traffic.
    #[arg(long, value_name = "FILE", conflicts_with = "once")]
    log: Option<PathBuf>,
}

/// The help of `--fault`, with the names of all faults.
fn fault_help() -> String {
    let names = Fault::ALL.map(Fault::name).join(", ");
    format!(
        "How the simulated upstream misbehaves: the name of a fault, the share of the documents of models that meet it, and \
         the simulated hours from now in which it happens. Without hours, it begins now. Can be repeated. The faults: \
         {names}."
    )
}

/// Collects a simulated record, then serves it and advances the simulated time by an hour every few seconds.
pub fn run(common: &Common, args: &DemoArgs) -> Result<u8> {
    if let Some(file) = &args.log {
        let (today, world) = world(args)?;
        let log = Simulator::new(world)?.own_log(today).context(NO_LOG)?;
        output::write(common, file, |to| to.write_all(log.text.as_bytes()))?;
        return Ok(exit::OK);
    }
    let listen = address(&args.listen)?;
    let private_listen = args.private_listen.as_deref().map(address).transpose()?;
    // Without a data folder on the command line, the demo leaves nothing behind.
    let (folder, _temporary) = match &common.data_dir {
        Some(folder) => (folder.clone(), None),
        None => {
            let temporary = tempfile::tempdir().context("cannot create a temporary folder")?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let data = DataDir::new(folder);
    if data.store().exists() {
        return Err(PipelineError::NotEmpty(data.path().to_owned()).into());
    }
    block_on(runtime()?, demo(common, args, data, listen, private_listen))?;
    Ok(exit::OK)
}

async fn demo(
    common: &Common,
    args: &DemoArgs,
    data: DataDir,
    listen: SocketAddr,
    private_listen: Option<SocketAddr>,
) -> Result<()> {
    let (today, world) = world(args)?;
    let start = world.start;
    let simulator = Arc::new(Simulator::new(world)?);
    let user = User {
        simulator: simulator.clone(),
        options: traffic_options(&common.settings()?, &data),
        data: data.clone(),
    };
    // Not among the threads that serve visitors, as a real upstream is not.
    let elsewhere = Workers::start().context("cannot start the threads of the simulator")?;
    let upstream = elsewhere.spawn(simulator::serve(simulator, ([127, 0, 0, 1], 0).into())).await??;
    upstream.set_faults(faults(args, today));
    let clock = upstream.clock();
    let config = Config {
        upstream: crate::config::Upstream { base_url: upstream.base_url(), ..common.settings()?.upstream },
        ..common.settings()?
    };
    let of_simulator = Arc::new(clock.clone());
    // On a background thread, so that the database's threads also yield to visitors.
    let opened = background::run(move || Pipeline::open(config, data, of_simulator)).await?;
    let pipeline = Arc::new(opened?);
    let cancel = stop_on_signal();
    let mut now = start;
    let times = times(start, today);
    let bar = progress(times.len(), &format!("collecting {} simulated days", args.days));
    for time in times {
        if cancel.is_cancelled() {
            return Ok(());
        }
        now = time;
        look(&pipeline, &upstream, now, &cancel).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    publish(&pipeline).await?;
    let imported_at = now;
    background::run(move || user.import(today, imported_at)).await??;
    if !args.once {
        let content = Content::of(&pipeline);
        let clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let own = own(pipeline.config.clone(), &content, &clock);
        let server = Server::bind(content, clock, listen).await?;
        print_text(&format!("listening {}", server.url()))?;
        let mut tasks = Tasks::default();
        if let Some(private) = private(own.beside(server.url()), private_listen, &cancel).await? {
            tasks.spawn("the private listener", async move { Ok(private.await??) });
        }
        tasks.spawn("a collection", live(pipeline.clone(), upstream, now, args.hour_every, cancel.clone()));
        return until_stopped(server.run(cancel.clone()), tasks, Some(pipeline), &cancel).await;
    }
    pipeline.store.checkpoint()?;
    Ok(())
}

/// The present hour, and the world until then.
fn world(args: &DemoArgs) -> Result<(DateTime<Utc>, SimulatorConfig)> {
    let today = Common::clock().now().duration_trunc(TimeDelta::hours(1))?;
    let start = (today - TimeDelta::days(i64::from(args.days))).duration_trunc(TimeDelta::days(1))?;
    let span = TimeDelta::days(i64::from(args.days));
    let world = SimulatorConfig {
        // A short record has all the eras too: they begin no later than in the default month, and in proportion.
        window_switch: start + (span / 8).min(TimeDelta::days(4)),
        counters_until: start + (span / 4).min(TimeDelta::days(8)),
        ids_from: start + (span / 3).min(TimeDelta::days(10)),
        seed: args.seed,
        hostile_names: args.hostile_names,
        habits: Habits { sweep: TimeDelta::seconds(args.sweep_seconds.into()), ..Habits::observed() },
        ..SimulatorConfig::starting_at(start, args.days + 1)
    };
    Ok((today, world))
}

/// The faults of the upstream: each has its hours, by default all from the end of the record on.
fn faults(args: &DemoArgs, now: DateTime<Utc>) -> Vec<FaultPlan> {
    let plan = |plan: &FaultPlan| FaultPlan {
        hours: plan.hours.or(Some((0.0, f64::INFINITY))),
        ..plan.clone().from(now)
    };
    args.faults.iter().map(plan).collect()
}

/// Why there is no log of a user.
const NO_LOG: &str =
    "this world has no log of a user: it needs at least 4 days, and a model with two cached endpoints";

/// The simulated user, who has own traffic.
struct User {
    simulator: Arc<Simulator>,
    options: StoreOptions,
    data: DataDir,
}

impl User {
    /// Writes the user's log into the data folder and imports it. A world without such a log has no own traffic.
    fn import(&self, until: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        let Some(log) = self.simulator.own_log(until) else {
            tracing::warn!("{NO_LOG}");
            return Ok(());
        };
        let path = self.data.path().join("own-traffic.jsonl");
        durable::replace(&path, log.text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        let read = request_log::read_file(&path, &ReadOptions::default())?;
        let snapshot = snapshot::store::load(&self.data.snapshots())?;
        let catalogue = snapshot.as_ref().map(Catalogue::new);
        let resolve =
            |call: &Call| catalogue.as_ref().map_or_else(Resolved::default, |known| known.resolve(call));
        TrafficStore::open(self.options.clone())?.import(&read, Some("demo"), now, &resolve)?;
        Ok(())
    }
}

/// The times of the runs: every few hours at first, hourly at the end.
fn times(start: DateTime<Utc>, end: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let hourly_from = end - TimeDelta::days(HOURLY_DAYS);
    let hours = (end - start).num_hours();
    (0..hours)
        .filter(|hour| (hour + 1) % COARSE_HOURS == 0 || start + TimeDelta::hours(*hour) >= hourly_from)
        .map(|hour| start + TimeDelta::hours(hour) + TimeDelta::minutes(MINUTE))
        .collect()
}

async fn look(
    pipeline: &Pipeline,
    upstream: &SimulatorServer,
    now: DateTime<Utc>,
    cancel: &CancellationToken,
) -> Result<()> {
    upstream.set_now(now);
    pipeline.collect(&options(now), cancel, |_, _| {}).await?;
    Ok(())
}

fn options(now: DateTime<Utc>) -> CollectOptions {
    CollectOptions { upstream: None, at: Some(now), rate: Some(0.0), simulated: true }
}

async fn publish(pipeline: &Arc<Pipeline>) -> Result<()> {
    let publishing = pipeline.clone();
    background::run(move || publishing.publish()).await??;
    Ok(())
}

/// Advances the simulated time by an hour every few seconds, so that the pages change.
async fn live(
    pipeline: Arc<Pipeline>,
    upstream: SimulatorServer,
    mut now: DateTime<Utc>,
    hour_every: u64,
    cancel: CancellationToken,
) -> Result<()> {
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(Duration::from_secs(hour_every)) => {}
        }
        now += TimeDelta::hours(1);
        upstream.set_now(now);
        if let Err(error) = collect_and_publish(pipeline.clone(), &options(now), &cancel).await {
            tracing::error!(%error, "a simulated hour failed; serving the last snapshot");
        }
    }
    upstream.stop().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_coarse_at_first_and_hourly_at_the_end() {
        let start: DateTime<Utc> = "2026-08-01T00:00:00Z".parse().expect("a time");
        let end = start + TimeDelta::days(30) + TimeDelta::hours(11);
        let times = times(start, end);
        assert_eq!(times[0], start + TimeDelta::hours(5) + TimeDelta::minutes(57));
        assert_eq!(times[1] - times[0], TimeDelta::hours(6));
        let last: Vec<_> = times.windows(2).rev().take(47).map(|pair| pair[1] - pair[0]).collect();
        assert!(last.iter().all(|gap| *gap == TimeDelta::hours(1)));
        assert!(times.iter().all(|time| *time < end));
    }
}
