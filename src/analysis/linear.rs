//! A dense Cholesky solver. The systems here have one unknown per provider, about a hundred.

use super::AnalysisError;

/// A symmetric matrix, stored as its lower triangle column by column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Symmetric {
    size: usize,
    values: Vec<f64>,
}

/// The position of an entry of the lower triangle in a matrix of `size` rows; `row` must not be less than `column`.
pub(super) fn place(size: usize, row: usize, column: usize) -> usize {
    column * size + row
}

impl Symmetric {
    /// A matrix of zeros.
    pub fn zeros(size: usize) -> Self {
        Self { size, values: vec![0.0; size * size] }
    }

    /// Adds `value` to the entry at `place`.
    pub fn add(&mut self, place: usize, value: f64) {
        self.values[place] += value;
    }

    /// Solves `A x = b` for a positive definite `A` with as many rows as `right`.
    ///
    /// # Errors
    /// [`AnalysisError::Singular`] if a pivot is not positive.
    pub fn solve(mut self, right: &[f64]) -> Result<Vec<f64>, AnalysisError> {
        self.factor()?;
        let size = self.size;
        let mut x = right.to_vec();
        let mut known = vec![0.0; size];
        for row in 0..size {
            x[row] = (x[row] - known[row]) / self.values[place(size, row, row)];
            let below = &self.values[place(size, row, row)..(row + 1) * size];
            for (known, factor) in known[row..].iter_mut().zip(below) {
                *known += factor * x[row];
            }
        }
        for row in (0..size).rev() {
            let column = &self.values[place(size, row, row)..(row + 1) * size];
            let known: f64 = column[1..].iter().zip(&x[row + 1..]).map(|(factor, x)| factor * x).sum();
            x[row] = (x[row] - known) / column[0];
        }
        Ok(x)
    }

    /// Replaces the lower triangle by `L` with `A = L L'`.
    fn factor(&mut self) -> Result<(), AnalysisError> {
        let size = self.size;
        let mut sums = vec![0.0; size];
        for column in 0..size {
            let (done, rest) = self.values.split_at_mut(column * size);
            let sums = &mut sums[column..];
            sums.fill(0.0);
            // All rows in parallel, each in the order of the columns.
            for before in done.chunks_exact(size) {
                let factor = before[column];
                for (sum, value) in sums.iter_mut().zip(&before[column..]) {
                    *sum += value * factor;
                }
            }
            let values = &mut rest[column..size];
            let pivot = values[0] - sums[0];
            if !pivot.is_finite() || pivot <= 0.0 {
                return Err(AnalysisError::Singular { pivot: column, size });
            }
            let root = pivot.sqrt();
            values[0] = root;
            for (value, sum) in values[1..].iter_mut().zip(&sums[1..]) {
                *value = (*value - sum) / root;
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
            for (j, value) in row.iter().enumerate().take(i + 1) {
                matrix.add(place(rows.len(), i, j), *value);
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
