//! The token counts of a Codex session: running totals, the increases between them, and the counts of responses.

use crate::request_log::call::{Call, RawCounts};
use crate::request_log::entry::{BadCount, Object, count_of};
use crate::request_log::sink::Sink;
use std::collections::{HashMap, HashSet};

/// Running totals of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals(pub(super) RawCounts);

impl Totals {
    /// The totals of a usage object.
    ///
    /// # Errors
    /// [`BadCount`].
    pub(super) fn of(usage: &Object) -> Result<Self, BadCount> {
        Ok(Self(RawCounts {
            input: count_of(usage, &["input_tokens"])?,
            read: count_of(usage, &["cached_input_tokens", "cache_read_input_tokens"])?,
            write: count_of(
                usage,
                &["cache_write_input_tokens", "cache_write_tokens", "cache_creation_input_tokens"],
            )?,
            output: count_of(usage, &["output_tokens"])?,
            reasoning: count_of(usage, &["reasoning_output_tokens", "reasoning_tokens"])?,
            total: count_of(usage, &["total_tokens"])?,
            ..RawCounts::default()
        }))
    }

    fn fields(self) -> [Option<u64>; 6] {
        let raw = self.0;
        [raw.input, raw.read, raw.write, raw.output, raw.reasoning, raw.total]
    }

    /// The totals after an answer that was not added to them.
    pub(super) fn plus(self, answer: Self) -> Self {
        let [input, read, write, output, reasoning, total] = self.fields().map(|count| count.unwrap_or(0));
        let more = answer.fields().map(|count| count.unwrap_or(0));
        let add = |count: u64, place: usize| Some(count.saturating_add(more[place]));
        Self(RawCounts {
            input: add(input, 0),
            read: add(read, 1),
            write: add(write, 2),
            output: add(output, 3),
            reasoning: add(reasoning, 4),
            total: add(total, 5),
            ..RawCounts::default()
        })
    }

    /// The increase since earlier totals; `None` if any of them fell.
    pub(super) fn since(self, before: Self) -> Option<Self> {
        let mut rest = [None; 6];
        for (rest, (now, then)) in rest.iter_mut().zip(self.fields().into_iter().zip(before.fields())) {
            *rest = match now {
                Some(now) => Some(now.checked_sub(then.unwrap_or(0))?),
                None => None,
            };
        }
        let [input, read, write, output, reasoning, total] = rest;
        Some(Self(RawCounts { input, read, write, output, reasoning, total, ..RawCounts::default() }))
    }
}

/// Replaces the calls of the running total by those of responses, which state the same calls. Calls from before the
/// first response stay: an older version wrote them.
pub(super) fn replace_by_responses(responses: Vec<Call>, sink: &mut Sink) {
    let Some(first) = responses.first().map(|call| call.line) else { return };
    let key = |call: &Call| (call.raw.input, call.raw.read, call.raw.output);
    let mut stated: HashMap<_, u64> = HashMap::new();
    for call in &responses {
        *stated.entry(key(call)).or_default() += 1;
    }
    let mut repeated = 0;
    sink.calls_mut().retain(|call| {
        if call.status.is_failure() {
            return true;
        }
        let is_stated = match stated.get_mut(&key(call)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => call.line > first,
        };
        repeated += u64::from(is_stated);
        !is_stated
    });
    (0..repeated).for_each(|_| sink.duplicate());
    let mut seen = HashSet::new();
    for call in responses {
        if call.id.as_ref().is_some_and(|id| !seen.insert(id.clone())) {
            sink.duplicate();
        } else {
            sink.calls_mut().push(call);
        }
    }
    sink.calls_mut().sort_by_key(|call| call.line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn totals(value: &Value) -> Totals {
        Totals::of(value.as_object().expect("there")).expect("there")
    }

    #[test]
    fn an_increase_has_every_field_and_a_fall_has_none() {
        let before = totals(&json!({"input_tokens": 10, "cached_input_tokens": 4, "output_tokens": 2}));
        let after = totals(&json!({"input_tokens": 25, "cached_input_tokens": 14, "output_tokens": 3}));
        let Totals(increase) = after.since(before).expect("there");
        assert_eq!((increase.input, increase.read, increase.output), (Some(15), Some(10), Some(1)));
        assert_eq!(increase.reasoning, None);
        assert_eq!(before.since(after), None);
    }
}
