//! Logs of the user's own traffic: the formats of routers, gateways, agents and account exports, read leniently with an
//! exact report of what was not read. Every format becomes the same [`Call`]; calls are cut into sessions, and a workload
//! is fitted to them. This module keeps nothing: files in, values out.

pub mod call;
pub mod entry;
mod files;
mod fit;
mod format;
mod found;
pub mod guess;
mod inclusion;
mod python;
mod readers;
mod request;
mod sessions;
mod sink;
mod summary;

pub use call::{
    Call, IdKind, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule, SessionKind, Status, Tokens,
};
pub use entry::{Entry, FileContext, Layout};
pub use files::{ReadError, ReadOptions, Walk, log_paths, read_bytes, read_file, walk};
pub use fit::{Fit, FitError, Moments, ReuseFrom, fit};
pub use format::{ENTRIES_TO_RECOGNISE, Format, Reader, Sure, Total, format, formats, recognise};
pub use found::{LogFile, are_requests, distinct};
pub use inclusion::{Decision, Evidence, decide};
pub use readers::litellm_spans;
pub use request::{LeftOut, Request, requests};
pub use sessions::{Grouping, Sessions, sessions};
pub use sink::{Found, Keep, Sink, Unread};
pub use summary::{Inspection, TokenSums, inspect, inspect_all};
