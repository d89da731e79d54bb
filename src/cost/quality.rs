//! Model scores that the user provides: the snapshot has no quality figures, so a minimum score needs them.

use std::collections::BTreeMap;

/// Scores by model id, on any scale.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quality(BTreeMap<String, f64>);

/// Errors in a score file.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum QualityError {
    /// A line that is not `model_id,score`.
    #[error("line {line}: `{text}` is not `model_id,score` with a number as the score")]
    Line {
        /// Line number, counted from 1.
        line: usize,
        /// The text of the line, shortened.
        text: String,
    },
    /// A model has two scores.
    #[error("line {line}: `{model}` already has a score")]
    Twice {
        /// Line number, counted from 1.
        line: usize,
        /// The model.
        model: String,
    },
    /// The file has no scores.
    #[error("the file has no scores; expected one line per model: model_id,score")]
    Empty,
}

impl Quality {
    /// Reads `model_id,score` lines; skips a header in the first line, empty lines and `#` comments.
    ///
    /// # Errors
    /// [`QualityError`] with the line number.
    pub fn parse(text: &str) -> Result<Self, QualityError> {
        let mut scores = BTreeMap::new();
        for (at, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let (line, trimmed) = (at + 1, raw.trim());
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let fields = trimmed.rsplit_once(',').map(|(m, s)| (m.trim().trim_matches('"'), s.trim()));
            let score = fields.and_then(|(_, score)| score.trim_matches('"').parse::<f64>().ok());
            match (fields, score.filter(|s| s.is_finite())) {
                (Some((model, _)), Some(score)) if !model.is_empty() => {
                    if scores.insert(model.to_owned(), score).is_some() {
                        return Err(QualityError::Twice { line, model: model.to_owned() });
                    }
                }
                (Some(_), None) if scores.is_empty() && at == 0 => {}
                _ => {
                    return Err(QualityError::Line { line, text: trimmed.chars().take(60).collect() });
                }
            }
        }
        if scores.is_empty() { Err(QualityError::Empty) } else { Ok(Self(scores)) }
    }

    /// The score of a model by its public id, otherwise by its canonical slug.
    pub fn score(&self, model_id: &str, slug: &str) -> Option<f64> {
        self.0.get(model_id).or_else(|| self.0.get(slug)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_with_or_without_a_head() {
        let text = "model_id,score\n# mine\nacme/bolt-2, 61.5\n\n\"acme/bolt-2:free\",\"40\"\n";
        let quality = Quality::parse(text).expect("valid");
        assert_eq!(quality.score("acme/bolt-2", ""), Some(61.5));
        assert_eq!(quality.score("other", "acme/bolt-2:free"), Some(40.0));
        assert_eq!(quality.score("other", "none"), None);
        assert_eq!(Quality::parse("acme/bolt-2,3\n").expect("valid").0.len(), 1);
    }

    #[test]
    fn bad_lines_are_named() {
        let wrong = |text: &str| Quality::parse(text).expect_err("refused").to_string();
        assert!(wrong("acme/a,1\nacme/b;2\n").starts_with("line 2: `acme/b;2`"));
        assert!(wrong("acme/a,1\nacme/b,NaN\n").starts_with("line 2"));
        assert!(wrong("acme/a,1\nacme/a,2\n").contains("already"));
        assert_eq!(Quality::parse("model,score\n"), Err(QualityError::Empty));
    }
}
