//! Tail probabilities of Student's t, by the continued fraction of the incomplete beta function (Lentz's algorithm;
//! Press et al., Numerical Recipes, section 6.4).

/// Steps of the continued fraction; it converges in far fewer.
const MOST_STEPS: u32 = 300;

/// Relative precision.
const PRECISION: f64 = 1e-12;

/// The probability that Student's t with `freedom` degrees of freedom is at least as far from 0 as `t`. `freedom` need
/// not be a whole number.
pub(super) fn two_sided(t: f64, freedom: f64) -> f64 {
    if !t.is_finite() {
        return 0.0;
    }
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// The regularised incomplete beta function.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front * fraction(a, b, x) / a,
        false => 1.0 - front * fraction(b, a, 1.0 - x) / b,
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let safe = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / safe(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for step in 1..=MOST_STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / safe(1.0 + even * d);
        c = safe(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / safe(1.0 + odd * d);
        c = safe(1.0 + odd / c);
        result *= d * c;
        if (d * c - 1.0).abs() < PRECISION {
            break;
        }
    }
    result
}

/// The logarithm of the gamma function of a positive number (Lanczos).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.120_865_097_386_617_9e-2,
        -0.539_523_938_495_3e-5,
    ];
    let base = x + 5.5;
    let series = TERMS
        .iter()
        .zip(1_u8..)
        .fold(1.000_000_000_190_015, |sum, (term, number)| sum + term / (x + f64::from(number)));
    (x + 0.5) * base.ln() - base + (2.506_628_274_631_000_5 * series / x).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probabilities_are_those_of_the_tables() {
        for (t, freedom, p) in [
            (12.706_2, 1.0, 0.05),
            (2.228_14, 10.0, 0.05),
            (-3.169_27, 10.0, 0.01),
            (4.586_89, 10.0, 0.001),
            (1.976_9, 141.0, 0.05),
        ] {
            let found = two_sided(t, freedom);
            assert!((found / p - 1.0).abs() < 1e-3, "t {t}, {freedom} degrees of freedom: {found}");
        }
        assert_eq!(two_sided(0.0, 5.0), 1.0);
        assert_eq!(two_sided(f64::INFINITY, 5.0), 0.0);
    }

    #[test]
    fn far_tails_stay_positive_and_fall() {
        let tails: Vec<f64> = (1..40).map(|t| two_sided(f64::from(t), 30.0)).collect();
        assert!(tails.windows(2).all(|pair| pair[1] < pair[0]) && tails.iter().all(|p| *p > 0.0));
    }
}
