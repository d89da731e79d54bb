//! The models at which a provider is better or worse than other hosts, with a small chart of each.

use crate::domain::tier::Lens;
use crate::site::charts::spark::{DayAxis, Spark};
use crate::site::parts::record;
use crate::site::parts::{effect, format};
use crate::snapshot::{Endpoint, ModelEntry};
use crate::wording::providers;

/// Maximum number of models in each list.
const MOST: usize = 4;

/// One list of models.
pub struct Side<'a> {
    pub title: &'static str,
    /// Number of models that the list could have.
    pub count: usize,
    pub models: Vec<Small<'a>>,
}

/// A model in a list: its difference to peers and the hit rate over its days.
pub struct Small<'a> {
    pub model: &'a ModelEntry,
    pub endpoint: &'a Endpoint,
    /// Cost compared with peers.
    pub cost: String,
    /// `up`, `down` or nothing.
    pub class: &'static str,
    pub spark: Option<Spark>,
    /// The hit rates at both ends of the chart, or the newest one.
    pub rates: String,
    /// Hit rate compared with peers, in points.
    pub points: Option<String>,
}

/// The verdict on a provider in sentences, and its best and worst models.
pub struct Sides<'a> {
    pub verdict: Vec<String>,
    /// The longer side first; models like their peers if neither has any.
    pub sides: Vec<Side<'a>>,
}

impl<'a> Sides<'a> {
    /// From the endpoints of a provider, most traffic first.
    pub fn new(name: &str, served: &[(&'a ModelEntry, &'a Endpoint)]) -> Self {
        let compared = record::compared(served, Lens::Cost);
        let cost = record::count(&compared, Lens::Cost);
        let cache = record::count(&record::compared(served, Lens::Cache), Lens::Cache);
        let mut verdict = vec![providers::verdict(name, Lens::Cost, cost)];
        if cost.compared > 0 && cache.compared > 0 {
            verdict.push(providers::verdict("It", Lens::Cache, cache));
        }
        let axis = DayAxis::over(compared.iter().flat_map(|(_, _, e)| e.days.iter().map(|day| day.day)));
        let small = |&(value, model, endpoint): &(f64, &'a ModelEntry, &'a Endpoint)| {
            small(value, model, endpoint, axis)
        };
        let better: Vec<Small> = compared
            .iter()
            .filter(|(value, ..)| record::is_better(Lens::Cost, *value))
            .take(MOST)
            .map(small)
            .collect();
        let worse: Vec<Small> = compared
            .iter()
            .rev()
            .filter(|(value, ..)| record::is_worse(Lens::Cost, *value))
            .take(MOST)
            .map(small)
            .collect();
        let mut sides = vec![
            Side { title: "More expensive than peers", count: cost.worse, models: worse },
            Side { title: "Cheaper than peers", count: cost.better, models: better },
        ];
        sides.retain(|side| !side.models.is_empty());
        sides.sort_by_key(|side| std::cmp::Reverse(side.count));
        if sides.is_empty() && !compared.is_empty() {
            let models = compared.iter().take(MOST).map(small).collect();
            sides.push(Side { title: "Like its peers", count: compared.len(), models });
        }
        Self { verdict, sides }
    }
}

fn small<'a>(value: f64, model: &'a ModelEntry, endpoint: &'a Endpoint, axis: Option<DayAxis>) -> Small<'a> {
    let spark = axis.and_then(|axis| Spark::of_endpoint(&endpoint.days, axis));
    let rates = match (&spark, endpoint.hit_rate) {
        (Some(spark), _) => {
            let (first, last) = spark.ends();
            format!("{} → {} hits", format::percent(first), format::percent(last))
        }
        (None, Some(rate)) => format!("{} hits", format::percent(rate)),
        (None, None) => "no hit rate".to_owned(),
    };
    let points = endpoint.verdicts.get(&Lens::Cache).and_then(|verdict| verdict.value);
    Small {
        model,
        endpoint,
        cost: effect(Lens::Cost, value),
        class: match (record::is_better(Lens::Cost, value), record::is_worse(Lens::Cost, value)) {
            (true, _) => "up",
            (_, true) => "down",
            _ => "",
        },
        spark,
        rates,
        points: points.map(|points| format!("{} points", format::points(points))),
    }
}
