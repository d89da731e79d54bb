//! What the hit rates of a model's days rest on, in one sentence.

use crate::domain::window::Basis;
use crate::snapshot::Endpoint;

/// Counts the days by basis; `None` where no day has a hit rate.
pub fn of_days(endpoints: &[Endpoint]) -> Option<String> {
    let count = |basis: Basis| {
        endpoints.iter().flat_map(|endpoint| &endpoint.days).filter(|day| day.basis == Some(basis)).count()
    };
    let said = [
        (count(Basis::Comparison), "rest on the closing value that the upstream tells of the whole day"),
        (count(Basis::Observed), "rest on the last reading of the day"),
        (count(Basis::Derived), "are derived from the day's price"),
    ];
    let all: usize = said.iter().map(|(days, _)| days).sum();
    let parts: Vec<String> =
        said.iter().filter(|(days, _)| *days > 0).map(|(days, what)| format!("{days} {what}")).collect();
    (all > 0).then(|| format!("Of {all} hit rates of days, over all endpoints: {}.", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn without_a_day_there_is_nothing_to_say() {
        assert_eq!(super::of_days(&[]), None);
    }
}
