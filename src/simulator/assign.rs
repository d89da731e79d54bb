//! Which provider serves which models. Providers choose their models by taste, and taste opposes their own effect:
//! those that cache badly prefer models that cache well. This confounding biases a plain mean.

use super::noise::{Draw, Noise};

/// Strength of the taste in the choice of models.
const TASTE_STRENGTH: f64 = 1.2;

/// Cells (provider, model) of the standard variant, sorted: about `target` of them, spread over the providers with
/// `spread` as the standard deviation of the logarithm. Every model has two providers or more. Every provider has three
/// models or more, except for the last one, which has two.
pub(super) fn assign(
    noise: Noise,
    (target, spread): (usize, f64),
    taste: &[f64],
    alpha_z: &[f64],
) -> Vec<(usize, usize)> {
    let degrees = degrees(noise, (target, spread), taste.len(), alpha_z.len());
    let mut serves = vec![vec![false; alpha_z.len()]; taste.len()];
    for (provider, &degree) in degrees.iter().enumerate() {
        for model in favourites(noise, provider, degree, taste[provider], alpha_z) {
            serves[provider][model] = true;
        }
    }
    give_everyone_two(noise, &mut serves);
    serves
        .iter()
        .enumerate()
        .flat_map(|(p, row)| row.iter().enumerate().filter(|(_, on)| **on).map(move |(m, _)| (p, m)))
        .collect()
}

/// Number of models per provider: log-normal, with the sum `target` if the bounds allow it.
fn degrees(noise: Noise, (target, spread): (usize, f64), providers: usize, models: usize) -> Vec<usize> {
    let weights: Vec<f64> =
        (0..providers).map(|p| noise.at(Draw::Degree, [p as i64]).factor(spread)).collect();
    let total: f64 = weights.iter().sum();
    let most = (models / 2).max(3);
    let wanted = |w: f64| ((target as f64 * w / total).round() as usize).clamp(3, most);
    let mut degrees: Vec<usize> = weights.iter().map(|&w| wanted(w)).collect();
    degrees[providers - 1] = 2;
    let mut sum: usize = degrees.iter().sum();
    while sum > target {
        let Some(large) = (0..providers - 1).filter(|&p| degrees[p] > 3).max_by_key(|&p| degrees[p]) else {
            break;
        };
        degrees[large] -= 1;
        sum -= 1;
    }
    while sum < target {
        let Some(small) = (0..providers - 1).filter(|&p| degrees[p] < most).min_by_key(|&p| degrees[p])
        else {
            break;
        };
        degrees[small] += 1;
        sum += 1;
    }
    degrees
}

/// A weighted draw of `degree` models without replacement (Gumbel keys).
fn favourites(noise: Noise, provider: usize, degree: usize, taste: f64, alpha_z: &[f64]) -> Vec<usize> {
    let key = |m: usize| {
        TASTE_STRENGTH * taste * alpha_z[m] + noise.at(Draw::Pick, [provider as i64, m as i64]).gumbel()
    };
    let mut scored: Vec<(f64, usize)> = (0..alpha_z.len()).map(|m| (key(m), m)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(degree).map(|(_, m)| m).collect()
}

/// Moves cells from the most served models to those with fewer than two providers.
fn give_everyone_two(noise: Noise, serves: &mut [Vec<bool>]) {
    let models = serves[0].len();
    let count = |serves: &[Vec<bool>], m: usize| serves.iter().filter(|row| row[m]).count();
    for poor in 0..models {
        let mut attempt = 0;
        while count(serves, poor) < 2 {
            let idle: Vec<usize> = (0..serves.len() - 1).filter(|&p| !serves[p][poor]).collect();
            if idle.is_empty() {
                break;
            }
            let provider = idle[noise.at(Draw::Swap, [poor as i64, attempt]).index(idle.len())];
            attempt += 1;
            let rich = (0..models).filter(|&m| serves[provider][m]).max_by_key(|&m| count(serves, m));
            if let Some(rich) = rich.filter(|&m| count(serves, m) > 3) {
                serves[provider][rich] = false;
            }
            serves[provider][poor] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_two_providers_and_the_total_is_near_the_target() {
        let taste: Vec<f64> = (0..40).map(|i| f64::from(i) / 20.0 - 1.0).collect();
        let alpha_z: Vec<f64> = (0..60).map(|i| f64::from(i) / 30.0 - 1.0).collect();
        let cells = assign(Noise::new(5), (250, 0.45), &taste, &alpha_z);
        assert!((240..=270).contains(&cells.len()), "{} cells", cells.len());
        for model in 0..60 {
            assert!(cells.iter().filter(|c| c.1 == model).count() >= 2, "model {model}");
        }
        assert_eq!(cells.iter().filter(|c| c.0 == 39).count(), 2, "the thin provider");
    }
}
