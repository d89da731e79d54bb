//! The cost of choosing by the price list: the cheapest host on paper compared with the one with the cheapest sessions.

use crate::cost::{Choice, LowestList, choices};
use crate::domain::statistics::median;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::wording::price_list::ListVerdict;

/// The two hosts of one model under the default workload.
#[derive(Debug, Clone, Copy)]
pub struct Picks<'a> {
    /// Lowest list price: input plus the output that goes with it in the method's backtest.
    pub by_list: &'a Endpoint,
    /// Cost of its session, USD.
    pub by_list_cost: f64,
    /// Cheapest session.
    pub by_session: &'a Endpoint,
    /// Cost of that session, USD.
    pub by_session_cost: f64,
    /// Number of hosts that share the lowest list price.
    pub hosts: usize,
    /// The most expensive session among those, USD.
    pub hosts_most: f64,
    /// Whether the lowest list price also has the cheapest session.
    pub verdict: ListVerdict,
    /// Most expensive session divided by the cheapest; `None` if the cheapest costs nothing.
    pub spread: Option<f64>,
}

impl Picks<'_> {
    /// How much more the list's choice costs, as a fraction; `None` if the cheapest session costs nothing.
    pub fn surcharge(&self) -> Option<f64> {
        (self.by_session_cost > 0.0).then(|| self.by_list_cost / self.by_session_cost - 1.0)
    }
}

/// A choice at the cost that the snapshot publishes; `None` if it publishes none.
fn published<'a>(choice: Choice<'a>, workload: &str) -> Option<Choice<'a>> {
    let cost = choice.endpoint.session_cost.get(workload).copied().filter(|cost| cost.is_finite())?;
    let scale = cost / choice.cost;
    let interval = choice.interval.filter(|_| scale.is_finite());
    Some(Choice { cost, interval: interval.map(|(low, high)| (low * scale, high * scale)), ..choice })
}

/// The picks among the endpoints that can be chosen under the default workload; `None` if there are fewer than two,
/// because then there is no choice.
pub fn picks<'a>(snapshot: &Snapshot, model: &'a ModelEntry) -> Option<Picks<'a>> {
    let workload = snapshot.workload(snapshot.default_workload())?;
    let choices = choices(snapshot, model, workload);
    let choices: Vec<Choice> =
        choices.into_iter().filter_map(|choice| published(choice, &workload.name)).collect();
    if choices.len() < 2 {
        return None;
    }
    let list = LowestList::among(&choices)?;
    let by_list = choices[list.place];
    // At equal costs the list's choice is not corrected.
    let cheapest = choices.iter().min_by(|a, b| a.cost.total_cmp(&b.cost))?;
    let by_session = if by_list.cost <= cheapest.cost { by_list } else { *cheapest };
    let most = choices.iter().map(|choice| choice.cost).fold(0.0, f64::max);
    Some(Picks {
        by_list: by_list.endpoint,
        by_list_cost: by_list.cost,
        by_session: by_session.endpoint,
        by_session_cost: by_session.cost,
        hosts: list.hosts,
        hosts_most: list.most,
        verdict: list.verdict,
        spread: (by_session.cost > 0.0).then(|| most / by_session.cost),
    })
}

/// How often and by how much the price list misleads, over all standard models with a choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Misled {
    /// Models with a choice.
    pub models: usize,
    /// Models where the list price misleads ([`ListVerdict::Misleads`]).
    pub misled: usize,
    /// Models where several hosts share the lowest list price.
    pub tied: usize,
    /// Median surcharge over those models, as a fraction.
    pub median_surcharge: f64,
}

/// Counts the models whose price list misleads; `None` if no model has a choice or none misleads.
pub fn misled(snapshot: &Snapshot) -> Option<Misled> {
    let standard = snapshot.models.iter().filter(|m| m.variant.is_standard());
    let all: Vec<Picks> = standard.filter_map(|m| picks(snapshot, m)).collect();
    let misled = all.iter().filter(|picks| picks.verdict == ListVerdict::Misleads);
    let surcharges: Vec<f64> = misled.filter_map(Picks::surcharge).collect();
    Some(Misled {
        models: all.len(),
        misled: surcharges.len(),
        tied: all.iter().filter(|picks| picks.hosts > 1).count(),
        median_surcharge: median(surcharges)?,
    })
}
