//! Sentences about traffic shares.

use crate::domain::share::{Concentration, TrafficJump};

/// Why a day of an endpoint is marked, in one sentence.
pub fn jump(jump: &TrafficJump) -> String {
    let direction = if jump.after >= jump.before { "rose" } else { "fell" };
    format!(
        "tokens {direction} by a factor of {:.0} from one day to the next ({:.1} times its usual scatter), while the rest of the model had \
         {:.2} times its tokens of the day before: likely one customer",
        jump.factor(),
        jump.z,
        jump.others
    )
}

/// How concentrated the traffic of a model's endpoints or of all providers is; `one` and `many` are their names.
pub fn concentration(found: &Concentration, one: &str, many: &str) -> String {
    let half = if found.half == 1 {
        format!("One {one} of {} has half of the tokens", found.with_traffic)
    } else {
        format!("{} {many} of {} have half of the tokens", found.half, found.with_traffic)
    };
    format!("{half} of the last 7 complete days; the Herfindahl-Hirschman index is {:.2}.", found.hhi)
}
