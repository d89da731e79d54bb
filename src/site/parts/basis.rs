//! What the daily hit rates of a model are based on, in one sentence.

use crate::domain::window::Basis;
use crate::snapshot::Endpoint;

/// Counts the days by basis; `None` if no day has a hit rate.
pub fn of_days(endpoints: &[Endpoint]) -> Option<String> {
    let count = |basis: Basis| {
        endpoints.iter().flat_map(|endpoint| &endpoint.days).filter(|day| day.basis == Some(basis)).count()
    };
    let said = [
        (count(Basis::Comparison), "come from the upstream's closing value for the whole day"),
        (count(Basis::Observed), "come from the last reading of the day"),
        (count(Basis::Derived), "are derived from the day's price"),
    ];
    let all: usize = said.iter().map(|(days, _)| days).sum();
    let parts: Vec<String> =
        said.iter().filter(|(days, _)| *days > 0).map(|(days, what)| format!("{days} {what}")).collect();
    (all > 0).then(|| format!("Of {all} daily hit rates over all endpoints: {}.", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn without_a_day_there_is_nothing_to_say() {
        assert_eq!(super::of_days(&[]), None);
    }
}
