//! Request logs of the user: JSON Lines of usage objects in the formats of OpenAI, Anthropic, OpenRouter and LiteLLM.
//! They are read leniently with an exact report of skipped lines, cut into sessions, and a workload is fitted to them.
//! This module is pure: bytes in, values out.

pub mod call;
pub mod entry;
mod fit;
mod format;
mod found;
mod inclusion;
mod read;
mod readers;
mod sessions;
mod shape;
mod sink;

pub use call::{
    Call, IdKind, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule, SessionKind, Status, Tokens,
};
pub use entry::{Entry, FileContext, Layout};
pub use fit::{Fit, FitError, Moments, ReuseFrom, fit};
pub use format::{ENTRIES_TO_RECOGNISE, Format, Reader, Sure, Total, format, formats, recognise};
pub use found::LogFile;
pub use inclusion::{Decision, Evidence, decide};
pub use read::{Log, Skipped, read};
pub use sessions::{Grouping, Sessions, sessions};
pub use shape::{Request, Shape};
pub use sink::{Found, Keep, Sink, Unread};
