//! Session costs: a comparison of the endpoints of a model under a workload, the caching that each needs to be the
//! cheapest, what a monthly bill becomes at each of them, and the cheapest (model, endpoint) pairs across all models. It
//! reads only the snapshot; the price of a session is computed in [`crate::domain::session`].

mod across;
mod bill;
mod by_time;
mod choice;
mod compare;
mod endpoint;
mod month;
mod own;
mod quality;

pub use across::{Across, AcrossFilter, AcrossRow, LeftOut, across};
pub use by_time::{PeriodCost, in_words as periods_in_words};
pub use choice::{Choice, ListChoice, LowestList, choices};
pub use compare::{CostOfModel, EndpointCost, compare};
pub use endpoint::{BreakEven, ToWin, pricing};
pub use month::{BillError, EndpointMonth, Month, MonthlyCost, PaidAt};
pub use own::OwnNumbers;
pub use quality::{Quality, QualityError};
