//! Sentences about traffic shares.

use crate::domain::share::{Concentration, SHARE_DAYS, ShareReport, TrafficJump};

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

/// Which days the figures of a report are about: `last 7 complete days`.
pub fn recent_days(report: &ShareReport) -> String {
    let count = report.counted().count().min(SHARE_DAYS);
    match (report.partial, count) {
        (true, 0 | 1) => "last day up to its last reading".to_owned(),
        (true, many) => format!("last {many} days, each up to its last reading"),
        (false, 1) => "last complete day".to_owned(),
        (false, many) => format!("last {many} complete days"),
    }
}

/// Why the figures use days that are not complete; `None` if they do not.
pub fn partial(report: &ShareReport) -> Option<&'static str> {
    let has_days = !report.days.is_empty();
    (report.partial && has_days).then_some(
        "No day is recorded to its end, so shares are of the tokens from midnight UTC to the last reading of each day. \
         Tokens a day and jumps need complete days.",
    )
}

/// How concentrated the traffic of a model's endpoints or of all providers is; `one` and `many` are their names.
pub fn concentration(report: &ShareReport, one: &str, many: &str) -> Option<String> {
    let found: &Concentration = report.concentration.as_ref()?;
    let half = if found.half == 1 {
        format!("One {one} of {} has half of the tokens", found.with_traffic)
    } else {
        format!("{} {many} of {} have half of the tokens", found.half, found.with_traffic)
    };
    let days = recent_days(report);
    Some(format!("{half} of the {days}; the Herfindahl-Hirschman index is {:.2}.", found.hhi))
}
