//! What sessions cost: the endpoints of a model under a workload side by side, what caching would have to be for each to
//! win, and the cheapest (model, endpoint) pairs over all models. Reads the snapshot and nothing else; the price of a
//! session itself is [`crate::domain::session`].

mod across;
mod compare;
mod endpoint;
mod own;
mod quality;

pub use across::{Across, AcrossFilter, AcrossRow, LeftOut, across};
pub use compare::{CostOfModel, EndpointCost, ListChoice, compare};
pub use endpoint::{BreakEven, ToWin, pricing};
pub use own::OwnNumbers;
pub use quality::{Quality, QualityError};
