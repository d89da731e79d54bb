//! Statistics of plain numbers that several modules need.

/// From the median absolute deviation to the standard deviation of a normal distribution.
pub const MAD_TO_SD: f64 = 1.482_602_218_505_602;

/// The median (the mean of the two middle values if the count is even); `None` if empty.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// Spearman's rank correlation of the pairs, -1..1, ties sharing their mean rank; `None` for fewer than two pairs or if
/// all values of one side are equal.
pub fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let a = ranks(&pairs.iter().map(|pair| pair.0).collect::<Vec<_>>());
    let b = ranks(&pairs.iter().map(|pair| pair.1).collect::<Vec<_>>());
    let middle = (pairs.len() as f64 - 1.0) / 2.0;
    let product =
        |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum() };
    let width = (product(&a, &a) * product(&b, &b)).sqrt();
    (width > 0.0).then(|| product(&a, &b) / width)
}

/// Ranks from 0, ties at their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |v: &f64| values.iter().filter(|other| *other < v).count() as f64;
    let alike = |v: &f64| values.iter().filter(|other| *other == v).count() as f64;
    values.iter().map(|v| below(v) + (alike(v) - 1.0) / 2.0).collect()
}

#[cfg(test)]
mod tests {
    use super::{median, spearman};

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([]), None);
    }

    #[test]
    fn order_counts_and_distance_does_not() {
        assert_eq!(spearman(&[(1.0, 10.0), (2.0, 11.0), (3.0, 900.0)]), Some(1.0));
        assert_eq!(spearman(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]), Some(-1.0));
        let tied = spearman(&[(1.0, 1.0), (1.0, 2.0), (2.0, 3.0)]).expect("both sides differ");
        assert!((tied - 0.75_f64.sqrt()).abs() < 1e-12, "{tied}");
        assert_eq!(spearman(&[(1.0, 1.0), (1.0, 2.0)]), None);
    }
}
