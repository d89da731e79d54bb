//! Why an endpoint is not compared by what a session costs.

use crate::domain::workload::TooShort;
use chrono::{DateTime, Utc};
use std::fmt;

/// What keeps an endpoint out of the comparison of session costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Obstacle {
    /// All its prices are zero.
    Free,
    /// It lists no price for input or output.
    NoFixedPrice,
    /// Without traffic it is unknown what its cache finds.
    NoTraffic,
    /// It is not open to everyone, for this reason.
    Closed(&'static str),
    /// The upstream stopped offering it at this time.
    Deprecated(DateTime<Utc>),
    /// It does not accept the longest turn of the session.
    TooShort(TooShort),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Free => f.write_str("free, so not compared by cost"),
            Self::NoFixedPrice => f.write_str("no fixed price is listed"),
            Self::NoTraffic => f.write_str("no traffic, so its caching is unknown"),
            Self::Closed(why) => f.write_str(why),
            Self::Deprecated(date) => write!(f, "deprecated; its last day was {}", date.format("%Y-%m-%d")),
            Self::TooShort(short) => write!(f, "{short}"),
        }
    }
}

impl fmt::Display for TooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prompt { most, longest } => write!(
                f,
                "it accepts prompts of at most {most} tokens, but the session's longest prompt has {longest:.0}"
            ),
            Self::Context { length, longest } => write!(
                f,
                "its context of {length} tokens is shorter than the session's longest turn of {longest:.0}"
            ),
        }
    }
}
