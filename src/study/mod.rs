//! Studies of the method itself: simulated worlds whose truth is known, against what the analysis says of them.

pub mod coverage;
pub mod flips;
mod ranks;
