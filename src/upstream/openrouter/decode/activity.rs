//! The daily activity of a pair.

use super::{Found, Reader, Row, day, wire};
use crate::domain::bounds;
use crate::domain::document::Pair;
use crate::domain::reading::{Activity, QuarantineReason};
use crate::upstream::openrouter::Content;

impl Reader<'_> {
    pub(super) fn activity(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let pair = self.pair()?;
        let wire: wire::Envelope<wire::ActivityBody> = self.envelope(body)?;
        let rows =
            self.each(&wire.data.analytics, "$.data.analytics", |wire, row| activity(wire, row, &pair));
        Ok((!rows.is_empty()).then_some(Content::Activity(rows)))
    }
}

/// A day of a model. Missing or refused tokens do not mean zero: such a day is skipped.
fn activity(
    wire: wire::Activity,
    row: &mut Row,
    pair: &Pair,
) -> Result<Option<Activity>, (&'static str, String)> {
    let day = day("date", &wire.date)?;
    let mut count = |field: &str, value: Option<i64>, bounds| {
        if value.is_none() {
            row.fault(QuarantineReason::ValueMissing, field, "the day is skipped without it");
        }
        row.within(field, value, bounds)
    };
    let prompt = count("total_prompt_tokens", wire.total_prompt_tokens, &bounds::TOKENS);
    let completion = count("total_completion_tokens", wire.total_completion_tokens, &bounds::TOKENS);
    let cached_tokens =
        row.within("total_native_tokens_cached", wire.total_native_tokens_cached, &bounds::TOKENS);
    let requests = row.within("count", wire.count, &bounds::REQUESTS);
    Ok(prompt.zip(completion).map(|(prompt_tokens, completion_tokens)| Activity {
        model: pair.model.clone(),
        variant: pair.variant.clone(),
        day,
        prompt_tokens,
        completion_tokens,
        cached_tokens,
        requests,
    }))
}
