//! The user's own numbers on top of a known workload, for the API and the calculator.

use crate::domain::workload::{CacheTtl, Workload};
use crate::domain::workload_file::{self, WorkloadError};

/// Name of a workload with the user's own numbers.
const OWN: &str = "own";

/// Numbers that override those of a workload; `None` keeps the workload's number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct OwnNumbers {
    /// Turns per session.
    pub turns: Option<u32>,
    /// Tokens of the first prompt before the user's first input.
    pub first_prompt: Option<f64>,
    /// New input tokens per turn.
    pub new_input: Option<f64>,
    /// Output tokens per turn.
    pub output: Option<f64>,
    /// Whether the model's own output can be found in the cache on the next turn.
    pub output_cached: Option<bool>,
    /// Requested lifetime of cache writes.
    pub cache_ttl: Option<CacheTtl>,
}

impl OwnNumbers {
    /// The workload with these numbers; it is named `own` if a number differs.
    ///
    /// # Errors
    /// [`WorkloadError::Value`] for a number that is impossible for a session.
    pub fn over(&self, base: &Workload) -> Result<Workload, WorkloadError> {
        let mut workload = Workload {
            turns: self.turns.unwrap_or(base.turns),
            first_prompt: self.first_prompt.unwrap_or(base.first_prompt),
            new_input: self.new_input.unwrap_or(base.new_input),
            output: self.output.unwrap_or(base.output),
            output_cached: self.output_cached.unwrap_or(base.output_cached),
            cache_ttl: self.cache_ttl.unwrap_or(base.cache_ttl),
            ..base.clone()
        };
        if workload != *base {
            OWN.clone_into(&mut workload.name);
            "Your own numbers".clone_into(&mut workload.title);
            workload.about = format!("Numbers from the request; the rest as in {}.", base.name);
        }
        workload_file::check(&workload, "request")?;
        Ok(workload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_stays_and_nonsense_is_refused() {
        let base = Workload::shipped().expect("shipped workloads").remove(1);
        assert_eq!(OwnNumbers::default().over(&base).expect("valid"), base);
        assert_eq!(
            OwnNumbers { turns: Some(base.turns), ..OwnNumbers::default() }.over(&base).expect("valid"),
            base
        );
        let own = OwnNumbers { turns: Some(3), ..OwnNumbers::default() }.over(&base).expect("valid");
        assert_eq!((own.name.as_str(), own.turns, own.new_input), ("own", 3, base.new_input));
        for nonsense in [
            OwnNumbers { turns: Some(0), ..OwnNumbers::default() },
            OwnNumbers { output: Some(f64::NAN), ..OwnNumbers::default() },
            OwnNumbers { first_prompt: Some(0.0), new_input: Some(0.0), ..OwnNumbers::default() },
        ] {
            assert!(nonsense.over(&base).is_err(), "{nonsense:?}");
        }
    }
}
