//! Whether hit rates follow the hour of the day or the day of the week, and whether list prices move at the same hours
//! again and again. A profile is published only if a permutation test that keeps days whole shows it, with the false
//! discovery rate controlled over all endpoints, and if it is large enough to matter. See "Seasons" in the method.

mod hours;
mod rotation;
mod schedule;
mod weekdays;

pub use hours::by_hour;
pub use rotation::sequential_p;
pub use schedule::{ListStep, observed};
pub use weekdays::by_weekday;
