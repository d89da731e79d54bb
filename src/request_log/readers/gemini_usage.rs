//! Responses and usage metadata of the Gemini API and of Vertex AI.

use super::api_usage::Family;
use super::plain::{Plain, sure};
use crate::request_log::format::{Format, Total};

/// The format.
pub const FORMAT: Format = Format {
    id: "gemini-usage",
    title: "Usage lines of Google's Gemini API",
    rule: Family::Gemini.rule(),
    total: Total::OfDisjoint,
    states_failures: false,
    recognises: |entry, _| sure(entry, Family::Gemini),
    reader: |context| Box::new(Plain::new(Family::Gemini, None, context)),
};

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_as};
    use super::FORMAT;
    use crate::request_log::entry::Layout;
    use serde_json::json;

    #[test]
    fn cached_tokens_are_inside_and_thoughts_beside() {
        let found = read(
            &FORMAT,
            &[json!({"responseId": "g1", "modelVersion": "gemini-x", "createTime": "2026-08-01T10:00:00Z",
                "candidates": [{"finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 800, "cachedContentTokenCount": 600, "candidatesTokenCount": 40,
                    "thoughtsTokenCount": 110, "toolUsePromptTokenCount": 20, "totalTokenCount": 970}})],
        );
        let tokens = found.calls[0].tokens();
        assert_eq!((tokens.prompt(), tokens.uncached, tokens.output()), (Some(820), Some(220), Some(150)));
        assert_eq!(
            (found.calls[0].model().map(|m| &**m), found.calls[0].finish.as_deref()),
            (Some("gemini-x"), Some("stop"))
        );
    }

    #[test]
    fn the_last_part_of_a_stream_counts() {
        let part = |output: u64, finish: Option<&str>| json!({"candidates": [{"finishReason": finish}], "usageMetadata": {"promptTokenCount": 30, "candidatesTokenCount": output}});
        let found =
            read_as(&FORMAT, Layout::EventStream, &[part(2, None), part(6, None), part(11, Some("STOP"))]);
        assert_eq!((found.calls.len(), found.calls[0].raw.output, found.unread.len()), (1, Some(11), 0));
    }
}
