//! Request logs of the user: JSON Lines of usage objects as OpenAI, Anthropic, OpenRouter and LiteLLM write them, read
//! leniently and told about exactly, cut into sessions, and fitted to a workload. Pure: bytes in, values out.

mod fit;
mod read;
mod sessions;
mod shape;

pub use fit::{Fit, FitError, Moments, ReuseFrom, fit};
pub use read::{Log, Request, Skipped, read};
pub use sessions::{Grouping, Sessions, sessions};
pub use shape::Shape;
