//! The user's own traffic: reports, misses with their causes, what the calls would have cost elsewhere, and flat plans.
//! Nothing of it is ever published.

pub mod acting;
pub mod catalogue;
pub mod estimate;
pub mod known;
pub mod misses;
pub mod models;
mod question;
pub mod report;
pub mod sessions;
pub mod status;
pub mod worth;
