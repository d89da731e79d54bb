//! The settings: contact, schedule, private listener, alerts.

use super::Finding;
use crate::alerts::delivery::Outbox;
use crate::config::Config;
use crate::domain::delivery::ReceiverState;
use crate::scheduler::CronExpression;
use chrono::{DateTime, TimeDelta, Utc};
use std::net::{SocketAddr, ToSocketAddrs};

/// Whether the upstream can reach the operator.
pub fn contact(config: &Config) -> Finding {
    const CHECK: &str = "contact";
    match config.upstream.contact_url.trim() {
        "" => Finding::warning(
            CHECK,
            "no contact is set, so the upstream can only block the collector",
            "set `upstream.contact_url` to a page or an address at which you can be reached",
        ),
        contact => Finding::ok(CHECK, format!("the User-Agent names {contact}")),
    }
}

/// Number of sweeps a day by the schedule; 24 if it cannot be read.
pub fn schedule(config: &Config, now: DateTime<Utc>) -> (Finding, usize) {
    const CHECK: &str = "schedule";
    let cron = &config.schedule.cron;
    match CronExpression::parse(cron) {
        Err(error) => {
            let detail = format!("`{cron}`: {error}");
            (Finding::failed(CHECK, detail, "correct `schedule.cron`, for example `57 * * * *`"), 24)
        }
        Ok(schedule) => {
            let ticks = std::iter::successors(schedule.next_after(now), |tick| schedule.next_after(*tick));
            let a_day = ticks.take_while(|tick| *tick < now + TimeDelta::days(1)).count();
            (Finding::ok(CHECK, format!("`{cron}`, {a_day} sweeps in the next 24 hours")), a_day)
        }
    }
}

/// Whether the private listener is for this machine only, or is behind a proxy with TLS.
pub fn private_listener(config: &Config) -> Finding {
    const CHECK: &str = "private listener";
    let listen = config.private.listen.trim();
    if listen.is_empty() {
        return Finding::ok(CHECK, "it is off");
    }
    let addresses: Vec<SocketAddr> = match listen.to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            let detail = format!("`{listen}`: {error}");
            return Finding::failed(
                CHECK,
                detail,
                "set `private.listen` to HOST:PORT, for example 127.0.0.1:8088",
            );
        }
    };
    if addresses.iter().all(|address| address.ip().is_loopback()) {
        return Finding::ok(CHECK, format!("{listen} is reachable from this machine only, with a token"));
    }
    Finding::warning(
        CHECK,
        format!("{listen} is reachable from other machines without encryption; only the token protects it"),
        "listen on 127.0.0.1 and put a proxy with TLS before it, or restrict the port to a private network",
    )
}

/// Whether the receivers of alerts get their messages.
pub fn alerts(config: &Config, outbox: &Outbox) -> Finding {
    const CHECK: &str = "alerts";
    if config.alerts.receivers.is_empty() {
        return Finding::ok(CHECK, "no receivers are set");
    }
    let action = "see `hitrate alerts list` for the reasons; `hitrate alerts test` sends a message";
    let status = match outbox.status() {
        Ok(status) => status,
        Err(error) => return Finding::failed(CHECK, error.to_string(), action),
    };
    if let Some(problem) = status.problems.first() {
        return Finding::failed(CHECK, problem, action);
    }
    let of = |state: ReceiverState| -> Vec<&str> {
        let all = status.receivers.iter().filter(|receiver| receiver.state == state);
        all.map(|receiver| receiver.name.as_str()).collect()
    };
    let (off, failing) = (of(ReceiverState::SwitchedOff), of(ReceiverState::Failing));
    if !off.is_empty() {
        return Finding::failed(CHECK, format!("switched off after failures: {}", off.join(", ")), action);
    }
    if !failing.is_empty() {
        return Finding::warning(CHECK, format!("failing: {}", failing.join(", ")), action);
    }
    let disabled = of(ReceiverState::Disabled).len();
    let on = status.receivers_total - disabled.min(status.receivers_total);
    let never = status
        .receivers
        .iter()
        .filter(|receiver| receiver.state == ReceiverState::On && receiver.delivered_at.is_none());
    match never.count() {
        0 => Finding::ok(CHECK, format!("{on} receivers get messages, {disabled} are disabled")),
        never => Finding::warning(
            CHECK,
            format!("{never} of {on} receivers never got a message"),
            "run `hitrate alerts test` once, to see that they work before they are needed",
        ),
    }
}
