//! Many series are examined at once: the share of false alarms is controlled by the step-up procedure of Benjamini and
//! Hochberg (1995), "Controlling the false discovery rate", Journal of the Royal Statistical Society B 57.

/// The q value of each p value: the smallest share of false discoveries at which it would still be reported.
pub(super) fn q_values(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut q = vec![1.0; count];
    let mut lowest: f64 = 1.0;
    for (rank, &at) in order.iter().enumerate().rev() {
        lowest = lowest.min(p_values[at] * count as f64 / (rank + 1) as f64);
        q[at] = lowest;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_those_worked_out_by_hand() {
        let q = q_values(&[0.01, 0.04, 0.03, 0.005]);
        for (found, wanted) in q.iter().zip([0.02, 0.04, 0.04, 0.02]) {
            assert!((found - wanted).abs() < 1e-12, "{q:?}");
        }
        assert!(q_values(&[]).is_empty());
    }

    #[test]
    fn one_clear_case_among_many_is_judged_against_all_of_them() {
        let mut p = vec![1.0; 999];
        p.push(1e-6);
        assert!((q_values(&p)[999] - 1e-3).abs() < 1e-12);
    }
}
