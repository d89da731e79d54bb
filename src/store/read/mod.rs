//! Reads of the pipeline, by what they read.

mod checks;
mod endpoints;
mod lists;
mod prices;
mod runs;

pub use checks::PastValues;
pub(super) use endpoints::DAYS;
pub use endpoints::{EndpointDayRow, EndpointNow};
pub use prices::PriceSpan;
pub use runs::RunRow;
pub(super) use runs::newest_time;
