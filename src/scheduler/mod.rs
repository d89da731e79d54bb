//! Runs a job at the ticks of a cron expression: one at a time, with jitter, catching up once after a
//! downtime, and whatever the job does.

mod cron;
mod field;
mod run;

pub use cron::{CronError, CronExpression};
pub use run::{Scheduler, SchedulerReport, Tick, due};
