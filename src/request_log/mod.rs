//! Request logs of the user: JSON Lines of usage objects in the formats of OpenAI, Anthropic, OpenRouter and LiteLLM.
//! They are read leniently with an exact report of skipped lines, cut into sessions, and a workload is fitted to them.
//! This module is pure: bytes in, values out.

mod fit;
mod read;
mod sessions;
mod shape;

pub use fit::{Fit, FitError, Moments, ReuseFrom, fit};
pub use read::{Log, Skipped, read};
pub use sessions::{Grouping, Sessions, sessions};
pub use shape::{Request, Shape};
