//! The vocabulary of the project as types. Pure: no I/O and no dependencies on other modules.

pub mod backtest;
pub mod bounds;
pub mod column;
pub mod document;
pub mod endpoint;
pub mod event;
pub mod finding;
pub mod flag;
pub mod format;
pub mod hourly;
pub mod ids;
pub mod limits;
pub mod quantization;
pub mod reading;
pub mod record;
pub mod session;
pub mod statistics;
pub mod thresholds;
pub mod tier;
pub mod tier_history;
pub mod tier_list;
pub mod units;
pub mod window;
pub mod workload;
pub mod workload_file;
pub mod written_name;
