//! Runs a job at the ticks of a cron expression: one run at a time, with jitter, catching up once after a downtime. It
//! survives jobs that fail or panic.

mod cron;
mod error;
mod field;
mod run;

pub use cron::CronExpression;
pub use error::CronError;
pub use run::{Scheduler, SchedulerReport, Tick, due};
