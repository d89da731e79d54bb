//! Means, quantiles and scores of plain numbers.

use std::collections::BTreeMap;

/// One cell's part in a provider's mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share<'a> {
    /// Model it belongs to.
    pub model: &'a str,
    /// The lens's raw measure.
    pub value: f64,
    /// Mean tokens a day.
    pub tokens: f64,
}

/// What this provider's users got: `sum(value*tokens)/sum(tokens)`; `None` without tokens.
pub fn traffic_mean(shares: &[Share<'_>]) -> Option<f64> {
    let tokens: f64 = shares.iter().map(|s| s.tokens).sum();
    (tokens > 0.0).then(|| shares.iter().map(|s| s.value * s.tokens).sum::<f64>() / tokens)
}

/// The plain mean over its models, where each model is the plain mean of its cells; `None` without cells.
pub fn model_mean(shares: &[Share<'_>]) -> Option<f64> {
    let mut models: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for share in shares {
        let (sum, count) = models.entry(share.model).or_default();
        *sum += share.value;
        *count += 1.0;
    }
    mean(models.values().map(|(sum, count)| sum / count))
}

/// The plain mean; `None` if empty.
pub(super) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// The smallest value at which the cumulative weight reaches `quantile` of the total; pairs are (value, weight). `None`
/// if no weight is positive.
pub fn weighted_quantile(pairs: &[(f64, f64)], quantile: f64) -> Option<f64> {
    let mut sorted: Vec<_> = pairs.iter().copied().filter(|(_, weight)| *weight > 0.0).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let goal = sorted.iter().map(|(_, weight)| weight).sum::<f64>() * quantile;
    let mut reached = 0.0;
    for (value, weight) in &sorted {
        reached += weight;
        // The sum is compared with a product of itself, so allow for rounding.
        if reached >= goal * (1.0 - 1e-12) {
            return Some(*value);
        }
    }
    None
}

/// Mean and population standard deviation; `None` for fewer than two values or if all values are equal.
pub(super) fn spread(values: &[f64]) -> Option<(f64, f64)> {
    let centre = mean(values.iter().copied())?;
    let variance = mean(values.iter().map(|v| (v - centre).powi(2)))?;
    (values.len() > 1 && variance > 1e-24).then(|| (centre, variance.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_follow_the_weights() {
        let pairs = [(0.9, 1.0), (0.1, 8.0), (0.5, 1.0), (7.0, 0.0)];
        assert_eq!(weighted_quantile(&pairs, 0.9), Some(0.5));
        assert_eq!(weighted_quantile(&pairs, 0.91), Some(0.9));
        assert_eq!(weighted_quantile(&pairs, 0.2), Some(0.1));
        assert_eq!(weighted_quantile(&[(1.0, 0.0)], 0.5), None);
    }

    #[test]
    fn the_two_means_answer_two_questions() {
        let share = |model, value, tokens| Share { model, value, tokens };
        let shares = [share("a", 0.2, 1.0), share("a", 0.4, 1.0), share("b", 0.9, 8.0)];
        assert!((traffic_mean(&shares).expect("tokens") - 0.78).abs() < 1e-12);
        assert!((model_mean(&shares).expect("cells") - 0.6).abs() < 1e-12);
        assert_eq!(traffic_mean(&[share("a", 1.0, 0.0)]), None);
        assert_eq!(model_mean(&[]), None);
    }

    #[test]
    fn values_that_are_all_alike_have_no_scores() {
        assert_eq!(spread(&[2.0, 2.0]), None);
        assert_eq!(spread(&[2.0]), None);
        assert_eq!(spread(&[1.0, 3.0]), Some((2.0, 1.0)));
    }
}
