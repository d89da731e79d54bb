//! `hitrate serve`: runs the service.

use super::collect::warn_about_contact;
use super::stopping::{Tasks, block_on, until_stopped};
use super::{Common, exit, print_text, runtime};
use crate::background;
use crate::clock::{Clock, FixedClock};
use crate::config::Config;
use crate::fetch;
use crate::pipeline::{Pipeline, PipelineError};
use crate::private::{Own, OwnStore, Private, PrivateError, VARIABLE};
use crate::scheduler::CronExpression;
use crate::serve::{
    Content, Following, Server, collect_by_schedule, deliver_until, follow_until, heal_until, import_history,
};
use crate::store::StoreError;
use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use tokio::signal;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Arguments of `serve`.
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:\n  \
hitrate serve\n  \
hitrate serve --listen 127.0.0.1:9000 --no-collect\n  \
hitrate serve --private-listen 127.0.0.1:8088")]
pub struct ServeArgs {
    /// Address and port of the site and the API [default: 127.0.0.1:8080]; port 0 picks a free port.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Address and port of the private listener: your own traffic and the receiver of OpenTelemetry [default: off].
    #[arg(long, value_name = "ADDR:PORT")]
    private_listen: Option<String>,
    /// Serve the stored data without collecting.
    #[arg(long)]
    no_collect: bool,
    /// Serve as if it were this time (RFC 3339), without collecting, to view recorded days.
    #[arg(long, value_name = "RFC3339")]
    now: Option<DateTime<Utc>>,
}

/// Runs until interrupted.
pub fn run(common: &Common, args: &ServeArgs) -> Result<u8> {
    let config = common.settings()?;
    // Checked before anything is opened: a service that would never collect must not start.
    let schedule: CronExpression =
        CronExpression::parse(&config.schedule.cron).context("setting `schedule.cron`")?;
    refuse_too_often(&schedule, &config)?;
    let listen = address(args.listen.as_deref().unwrap_or(&config.serve.listen))?;
    let private_listen = args.private_listen.as_deref().unwrap_or(&config.private.listen).trim();
    let private_listen = (!private_listen.is_empty()).then(|| address(private_listen)).transpose()?;
    let collect = !args.no_collect && args.now.is_none();
    if collect {
        warn_about_contact(&config);
    }
    let listen = Listen { public: listen, private: private_listen };
    block_on(runtime()?, serve(common, config, schedule, listen, collect, args.now))?;
    Ok(exit::OK)
}

/// Whether an upstream is on this machine: then there is no one to be polite to.
pub(super) fn is_own_machine(upstream: &str) -> bool {
    fetch::is_own_machine(upstream)
}

/// Allows at most one sweep per hour against a remote machine, whatever the settings say.
fn refuse_too_often(schedule: &CronExpression, config: &Config) -> Result<()> {
    const TICKS: usize = 48;
    let own = is_own_machine(&config.upstream.base_url);
    let ticks: Vec<DateTime<Utc>> =
        std::iter::successors(schedule.next_after(DateTime::UNIX_EPOCH), |tick| schedule.next_after(*tick))
            .take(TICKS)
            .collect();
    let too_often = ticks.windows(2).any(|pair| pair[1] - pair[0] < TimeDelta::hours(1));
    anyhow::ensure!(
        own || !too_often,
        "setting `schedule.cron`: `{}` collects more than once per hour; use one minute of the hour, such as `57 * * * *`",
        config.schedule.cron
    );
    Ok(())
}

/// The addresses of the public server and of the private listener, if it is on.
#[derive(Debug, Clone, Copy)]
struct Listen {
    public: SocketAddr,
    private: Option<SocketAddr>,
}

async fn serve(
    common: &Common,
    config: Config,
    schedule: CronExpression,
    listen: Listen,
    collect: bool,
    now: Option<DateTime<Utc>>,
) -> Result<()> {
    let clock: Arc<dyn Clock> = match now {
        Some(now) => Arc::new(FixedClock(now)),
        None => Common::clock(),
    };
    let data = common.data();
    let (opening, settings) = (clock.clone(), config.clone());
    let folder = data.clone();
    // Installed first: the store may take a while to open, and a stop in that time is a clean one too.
    let cancel = stop_on_signal();
    // On a background thread, so that the database's threads also yield to visitors.
    let opening = background::run(move || Pipeline::open_to_serve(config, folder, opening));
    let opened = tokio::select! {
        opened = opening => opened?,
        // Whatever it was about to store is stored at the next start.
        () = cancel.cancelled() => return Ok(()),
    };
    let pipeline = match opened {
        Ok(pipeline) => Arc::new(pipeline),
        Err(error) => {
            let last = Content::last_snapshot(data, settings.serve.clone());
            return serve_last_snapshot(error, last, settings, clock, listen, cancel).await;
        }
    };
    let content = Content::of(&pipeline);
    if collect {
        pipeline.check_connection()?;
    }
    let own = own(settings, &content, &clock);
    // Not as of another time: the notices would be about the past.
    let outbox = content.outbox.clone().filter(|_| now.is_none());
    let server = Server::bind(content, clock, listen.public).await?;
    print_text(&format!("listening {}", server.url()))?;
    let mut tasks = Tasks::default();
    if let Some(private) = private(own.beside(server.url()), listen.private, &cancel).await? {
        tasks.spawn("the private listener", async move { Ok(private.await??) });
    }
    if collect && pipeline.config.backfill.enabled {
        let importing = import_history(pipeline.clone(), schedule.clone(), cancel.clone());
        tasks.spawn("the history import", async move {
            importing.await;
            Ok(())
        });
    }
    // Not as of another time: the notices would be about the past.
    let following = now.is_none().then(|| Following::of(&pipeline)).flatten();
    if let Some(following) = following {
        let following = follow_until(following.reporting_to(outbox.clone()), cancel.clone());
        tasks.spawn("a check of the alert rules", async move {
            following.await;
            Ok(())
        });
    }
    if let Some(outbox) = outbox {
        let delivering = deliver_until(outbox, cancel.clone());
        tasks.spawn("the delivery of alerts", async move {
            delivering.await;
            Ok(())
        });
    }
    if collect {
        let collecting = collect_by_schedule(pipeline.clone(), schedule, cancel.clone());
        tasks.spawn("a collection", async move {
            if let Err(error) = collecting.await {
                tracing::error!(%error, "the collector stopped; serving the last snapshot");
            }
            Ok(())
        });
    }
    let healing = heal_until(pipeline.clone(), cancel.clone());
    tasks.spawn("the repair of the store", async move {
        healing.await;
        Ok(())
    });
    until_stopped(server.run(cancel.clone()), tasks, Some(pipeline), &cancel).await
}

/// If the store cannot be opened, collection stops but the last published snapshot is still served. If another process
/// holds the store, or the store is too new, the operator has to resolve it.
async fn serve_last_snapshot(
    error: PipelineError,
    last: Option<Content>,
    config: Config,
    clock: Arc<dyn Clock>,
    listen: Listen,
    cancel: CancellationToken,
) -> Result<()> {
    let operators = matches!(
        &error,
        PipelineError::Store(StoreError::Locked { .. } | StoreError::TooNew { .. })
            | PipelineError::HalfReplay { .. }
    );
    let Some(content) = last.filter(|_| !operators) else { return Err(error.into()) };
    tracing::error!(%error, "collection is disabled; serving the last snapshot until the problem is fixed and the service is restarted");
    let own = own(config, &content, &clock);
    let server = Server::bind(content, clock, listen.public).await?;
    print_text(&format!("listening {}", server.url()))?;
    let mut tasks = Tasks::default();
    if let Some(private) = private(own.beside(server.url()), listen.private, &cancel).await? {
        tasks.spawn("the private listener", async move { Ok(private.await??) });
    }
    until_stopped(server.run(cancel.clone()), tasks, None, &cancel).await
}

/// What the private listener needs beside the content of the public server.
pub(super) fn own(config: Config, content: &Content, clock: &Arc<dyn Clock>) -> Own {
    Own {
        config: Arc::new(config),
        data: content.data.clone(),
        current: content.current.clone(),
        pipeline: content.pipeline.clone(),
        clock: clock.clone(),
        public_url: String::new(),
    }
}

/// Starts the private listener, if it is on, and prints its address and where its token is.
pub(super) async fn private(
    own: Own,
    listen: Option<SocketAddr>,
    cancel: &CancellationToken,
) -> Result<Option<JoinHandle<Result<(), PrivateError>>>> {
    let Some(listen) = listen else { return Ok(None) };
    let destination = Arc::new(OwnStore::new(&own));
    let private = Private::bind(own, destination, listen, std::env::var(VARIABLE).ok()).await?;
    print_text(&format!("private {} (token: {})", private.url(), private.token_place()))?;
    Ok(Some(tokio::spawn(private.run(cancel.clone()))))
}

pub(super) fn address(text: &str) -> Result<SocketAddr> {
    text.to_socket_addrs().ok().and_then(|mut found| found.next()).with_context(|| {
        format!("invalid listen address `{text}`; expected HOST:PORT, such as 127.0.0.1:8080")
    })
}

/// A token that an interrupt or a termination signal cancels.
pub(super) fn stop_on_signal() -> CancellationToken {
    let cancel = CancellationToken::new();
    let stopping = cancel.clone();
    // Before the task first runs, so that no signal is missed.
    #[cfg(unix)]
    let signals = signal::unix::signal(signal::unix::SignalKind::terminate());
    tokio::spawn(async move {
        let terminated = async {
            #[cfg(unix)]
            if let Ok(mut signals) = signals {
                signals.recv().await;
                return;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = signal::ctrl_c() => {}
            () = terminated => {}
        }
        tracing::info!("stopping");
        stopping.cancel();
    });
    cancel
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn refused(cron: &str, upstream: &str) -> bool {
        let text = format!("[schedule]\ncron = \"{cron}\"\n[upstream]\nbase_url = \"{upstream}\"\n");
        let config = Config::parse(&text, Path::new("hitrate.toml")).expect("valid");
        let schedule = CronExpression::parse(cron).expect("valid");
        refuse_too_often(&schedule, &config).is_err()
    }

    #[test]
    fn somebody_elses_machine_is_asked_once_an_hour_at_most() {
        assert!(refused("*/10 * * * *", "https://upstream.example"));
        assert!(refused("0,59 * * * *", "https://upstream.example"));
        assert!(!refused("57 * * * *", "https://upstream.example"));
        assert!(!refused("5 3 * * 1", "https://upstream.example"));
        assert!(!refused("* * * * *", "http://127.0.0.1:4000"));
        assert!(!refused("* * * * *", "http://localhost:4000"));
        for elsewhere in
            ["http://127.example.org", "http://localhost.example.org", "https://127.0.0.1.example.org"]
        {
            assert!(refused("* * * * *", elsewhere), "{elsewhere}");
        }
    }
}
