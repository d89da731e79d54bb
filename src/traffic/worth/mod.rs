//! What the user's own calls are worth: their cost at every endpoint of their models, at the hosts that hitrate
//! recommended, and under flat plans. Pure: it reads calls, the snapshot and what the record knows, and prices every turn
//! with the rule of [`crate::domain::session`].

mod allowance;
mod costs;
mod followed;
mod host;
mod interval;
mod lifetimes;
mod lists;
mod plan_file;
mod plans;
mod record;
mod synthetic;
mod turns;

pub use allowance::{Fit, Use, Window};
pub use costs::{Costs, ModelCosts, NotPriced, PaidSum, costs};
pub use followed::{Compared, Followed, ModelFollowed, followed};
pub use host::{HostCost, OwnHits};
pub use interval::Change;
pub use lifetimes::{Lifetime, LifetimeError, Lifetimes};
pub use lists::ListHistory;
pub use plan_file::{
    Allowance, Peak, Plan, PlanError, PlanModel, PlanWindow, Starts, read as read_plans, shipped_plans,
};
pub use plans::{BestHost, BreakEven, Excluded, Measured, PlanReport, PlansReport, plans};
pub use record::{DayRate, Recommended, Record, RecordRows};
pub use synthetic::calls_of_workload;
pub use turns::{LeftOut, ModelTurns, OwnSession, OwnTurn, OwnTurns};
