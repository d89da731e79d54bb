//! Which requests meet a fault, and when.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

use super::Fault;

/// Paths that no fault concerns: the target of [`Fault::RedirectMissing`].
pub(super) const NOWHERE: &str = "/api/nowhere";

/// A fault with the requests and the times that it concerns.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultPlan {
    /// The fault.
    pub fault: Fault,
    /// Share of the requests, 0..=1. Below 1 it concerns only the documents of models, so that a sweep has something to
    /// request; always the same ones.
    pub share: f64,
    /// Only addresses that contain this text; empty means all.
    pub address: String,
    /// Simulated hours from the reference time in which it happens, `[from, to)`; `None` means always.
    pub hours: Option<(f64, f64)>,
    /// The reference time of `hours`.
    pub reference: DateTime<Utc>,
}

/// The text of a plan is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FaultError {
    /// There is no fault with this name.
    #[error("there is no fault `{name}`; the faults are {}", Fault::ALL.map(Fault::name).join(", "))]
    Unknown { name: String },
    /// The share is not a number between 0 and 1.
    #[error("the share `{0}` must be a number above 0 and at most 1")]
    Share(String),
    /// The hours are not a range.
    #[error("the hours `{0}` must be a range such as -24..-12, the first below the second")]
    Hours(String),
}

impl FaultPlan {
    /// The fault for every request, always.
    pub fn of(fault: Fault) -> Self {
        Self { fault, share: 1.0, address: String::new(), hours: None, reference: DateTime::UNIX_EPOCH }
    }

    /// The same for a share of the documents of models.
    #[must_use]
    pub fn share(self, share: f64) -> Self {
        Self { share, ..self }
    }

    /// The same for the addresses that contain a text.
    #[must_use]
    pub fn on(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }

    /// The same with its hours counted from a time.
    #[must_use]
    pub fn from(self, reference: DateTime<Utc>) -> Self {
        Self { reference, ..self }
    }

    /// Whether it happens at a simulated time.
    pub(in crate::simulator) fn is_at(&self, time: DateTime<Utc>) -> bool {
        let Some((from, to)) = self.hours else { return true };
        let hours = (time - self.reference).as_seconds_f64() / TimeDelta::hours(1).as_seconds_f64();
        (from..to).contains(&hours)
    }

    /// The fault that a request meets, the `number`th of its server; `target` is its path with its query.
    pub(in crate::simulator) fn meets(
        &self,
        target: &str,
        number: u64,
        time: DateTime<Utc>,
    ) -> Option<Fault> {
        let concerns = self.fault != Fault::Gone
            && self.is_at(time)
            && !target.starts_with(NOWHERE)
            && target.contains(&self.address)
            && (self.share >= 1.0 || (is_of_a_model(target) && place(target) < self.share));
        let chosen = number.wrapping_add(hash(target));
        concerns.then(|| self.fault.of_request(chosen))
    }
}

/// Whether it is a document of one model, not a list that a sweep begins with.
fn is_of_a_model(target: &str) -> bool {
    target.contains("permaslug=") || target.ends_with("/endpoints")
}

fn hash(target: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    target.hash(&mut hasher);
    hasher.finish()
}

/// The place of a request between 0 and 1.
fn place(target: &str) -> f64 {
    hash(target) as f64 / u64::MAX as f64
}

impl FromStr for FaultPlan {
    type Err = FaultError;

    /// `NAME[:SHARE][@FROM..TO]`, the hours counted from the reference time.
    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (rest, hours) = match text.split_once('@') {
            Some((rest, hours)) => (rest, Some(range(hours)?)),
            None => (text, None),
        };
        let (name, share) = match rest.split_once(':') {
            Some((name, share)) => (name, fraction(share)?),
            None => (rest, 1.0),
        };
        let fault = Fault::ALL.into_iter().find(|fault| fault.name() == name);
        let fault = fault.ok_or_else(|| FaultError::Unknown { name: name.to_owned() })?;
        Ok(Self { hours, ..Self::of(fault).share(share) })
    }
}

fn fraction(text: &str) -> Result<f64, FaultError> {
    let share: Option<f64> = text.parse().ok();
    share.filter(|share| *share > 0.0 && *share <= 1.0).ok_or_else(|| FaultError::Share(text.to_owned()))
}

fn range(text: &str) -> Result<(f64, f64), FaultError> {
    let hour = |text: &str| text.parse::<f64>().ok().filter(|hour| hour.is_finite());
    let range = text.split_once("..").and_then(|(from, to)| Some((hour(from)?, hour(to)?)));
    range.filter(|(from, to)| from < to).ok_or_else(|| FaultError::Hours(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> FaultPlan {
        text.parse().expect(text)
    }

    #[test]
    fn a_plan_has_a_name_a_share_and_hours() {
        assert_eq!(plan("status-500"), FaultPlan::of(Fault::Status500));
        assert_eq!(plan("hang:0.25").share, 0.25);
        assert_eq!(plan("gone@-24..-12").hours, Some((-24.0, -12.0)));
        assert_eq!(plan("drip:1@0..1.5"), FaultPlan { hours: Some((0.0, 1.5)), ..plan("drip") });
        for fault in Fault::ALL {
            assert_eq!(plan(fault.name()).fault, fault);
        }
    }

    #[test]
    fn what_is_no_plan_is_refused_with_what_is() {
        for (text, words) in [
            ("", "there is no fault ``"),
            ("hung", "status-500, rate-limited"),
            ("hang:0", "the share `0`"),
            ("hang:2", "at most 1"),
            ("hang:NaN", "the share `NaN`"),
            ("hang@3..3", "the first below the second"),
            ("hang@3", "such as -24..-12"),
            ("hang@..inf", "the hours `..inf`"),
        ] {
            let error = text.parse::<FaultPlan>().expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_share_concerns_the_same_documents_of_models_every_time() {
        let half = plan("html:0.5");
        let time = DateTime::UNIX_EPOCH;
        assert_eq!(half.meets("/api/v1/models", 1, time), None, "a sweep begins");
        let target = |number: usize| format!("/api/frontend/v1/stats/endpoint?permaslug=a/{number}");
        let met = |number: usize| half.meets(&target(number), 1, time).is_some();
        let count = (0..1000).filter(|number| met(*number)).count();
        assert!((400..600).contains(&count), "{count}");
        assert!((0..100).all(|number| half.meets(&target(number), 7, time).is_some() == met(number)));
    }

    #[test]
    fn a_plan_ends_and_concerns_the_addresses_it_names() {
        let start: DateTime<Utc> = "2026-08-01T00:00:00Z".parse().expect("a time");
        let plan = plan("html@0..2").from(start).on("/providers");
        let at = |minutes| start + TimeDelta::minutes(minutes);
        let met = |minutes| plan.meets("/api/v1/providers", 1, at(minutes));
        assert_eq!([met(-1), met(0), met(119), met(120)], [None, Some(Fault::Html), Some(Fault::Html), None]);
        assert_eq!(plan.meets("/api/v1/models", 1, at(0)), None);
        let missing = FaultPlan::of(Fault::RedirectMissing);
        assert_eq!(missing.meets(NOWHERE, 1, at(0)), None, "the target of the redirect is really missing");
    }
}
