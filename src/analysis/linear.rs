//! A dense Cholesky solver: the systems here have one unknown a provider, about a hundred.

use super::AnalysisError;

/// A symmetric matrix, stored whole, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Symmetric {
    size: usize,
    values: Vec<f64>,
}

impl Symmetric {
    /// A matrix of zeros.
    pub fn zeros(size: usize) -> Self {
        Self { size, values: vec![0.0; size * size] }
    }

    /// Adds to one entry; the caller keeps the matrix symmetric.
    pub fn add(&mut self, row: usize, column: usize, value: f64) {
        self.values[row * self.size + column] += value;
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.size + column]
    }

    /// Solves `A x = b` for a positive definite `A` of as many rows as `right` has.
    ///
    /// # Errors
    /// [`AnalysisError::Singular`] where a pivot is not positive.
    pub fn solve(mut self, right: &[f64]) -> Result<Vec<f64>, AnalysisError> {
        self.factor()?;
        let mut x = right.to_vec();
        for row in 0..self.size {
            let known: f64 = (0..row).map(|k| self.at(row, k) * x[k]).sum();
            x[row] = (x[row] - known) / self.at(row, row);
        }
        for row in (0..self.size).rev() {
            let known: f64 = (row + 1..self.size).map(|k| self.at(k, row) * x[k]).sum();
            x[row] = (x[row] - known) / self.at(row, row);
        }
        Ok(x)
    }

    /// Replaces the lower triangle by `L` with `A = L L'`.
    fn factor(&mut self) -> Result<(), AnalysisError> {
        let size = self.size;
        for column in 0..size {
            let (above, below) = self.values.split_at_mut((column + 1) * size);
            let (done, rest) = above[column * size..].split_at_mut(column);
            let pivot = rest[0] - done.iter().map(|v| v * v).sum::<f64>();
            if !pivot.is_finite() || pivot <= 0.0 {
                return Err(AnalysisError::Singular { pivot: column, size });
            }
            let root = pivot.sqrt();
            rest[0] = root;
            let mut fours = below.chunks_exact_mut(4 * size);
            for four in &mut fours {
                // Four sums side by side: each waits for itself alone, and its order stays what it was.
                let (a, b) = four.split_at_mut(2 * size);
                let ((a, b), (c, d)) = (a.split_at_mut(size), b.split_at_mut(size));
                let mut sums = [0.0; 4];
                for (k, done) in done.iter().enumerate() {
                    sums[0] += a[k] * done;
                    sums[1] += b[k] * done;
                    sums[2] += c[k] * done;
                    sums[3] += d[k] * done;
                }
                for (row, sum) in [a, b, c, d].into_iter().zip(sums) {
                    row[column] = (row[column] - sum) / root;
                }
            }
            for row in fours.into_remainder().chunks_exact_mut(size) {
                let sum: f64 = row.iter().zip(done.iter()).map(|(v, done)| v * done).sum();
                row[column] = (row[column] - sum) / root;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[f64]]) -> Symmetric {
        let mut matrix = Symmetric::zeros(rows.len());
        for (i, row) in rows.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                matrix.add(i, j, *value);
            }
        }
        matrix
    }

    #[test]
    fn a_small_system_by_hand() {
        let a = matrix(&[&[4.0, 2.0, 0.0], &[2.0, 5.0, 1.0], &[0.0, 1.0, 3.0]]);
        let x = a.solve(&[8.0, 15.0, 11.0]).expect("positive definite");
        for (found, wanted) in x.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - wanted).abs() < 1e-12, "{x:?}");
        }
    }

    #[test]
    fn a_singular_system_is_refused_with_its_pivot() {
        let a = matrix(&[&[1.0, 1.0], &[1.0, 1.0]]);
        let error = a.solve(&[1.0, 1.0]).expect_err("singular");
        assert!(matches!(error, AnalysisError::Singular { pivot: 1, size: 2 }), "{error}");
    }
}
