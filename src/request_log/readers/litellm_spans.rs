//! What LiteLLM writes into its spans beside the conventions. Its first version keeps the cache counts and the session only
//! in dictionaries as Python prints them; the receiver and the reader take them from here.

use super::api_usage::{Family, counts};
use crate::request_log::call::RawCounts;
use crate::request_log::entry::text;
use crate::request_log::python;

/// The attribute with the usage of a call.
pub const USAGE: &str = "metadata.usage_object";
/// The attribute with what the client sent beside the request.
pub const REQUESTER: &str = "metadata.requester_metadata";
/// The span that repeats the contents and the usage of the call above it.
pub const REPEAT: &str = "raw_gen_ai_request";

/// The counts of a printed usage; `None` if it is damaged.
pub fn usage(printed: &str) -> Option<RawCounts> {
    counts(python::literal(printed)?.as_object()?, Family::OpenAi).ok()
}

/// The session in what the client sent.
pub fn session(printed: &str) -> Option<String> {
    text(python::literal(printed)?.get("session_id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_counts_are_those_of_the_usage_object() {
        let openai = "{'prompt_tokens': 90, 'completion_tokens': 7, 'prompt_tokens_details': {'cached_tokens': 50, \
            'cache_creation_tokens': 20}, 'completion_tokens_details': {'reasoning_tokens': 3}}";
        let anthropic = "{'prompt_tokens': 90, 'completion_tokens': 7, 'cache_read_input_tokens': 50, \
            'cache_creation_input_tokens': 20, 'prompt_tokens_details': None, 'completion_tokens_details': {'reasoning_tokens': 3}}";
        for printed in [openai, anthropic] {
            let raw = usage(printed).expect("a usage");
            assert_eq!((raw.read, raw.written(), raw.reasoning), (Some(50), Some(20), Some(3)), "{printed}");
        }
        let apart =
            usage("{'cache_creation_input_tokens': 20, 'cache_creation': {'ephemeral_1h_input_tokens': 15}}");
        let apart = apart.expect("a usage");
        assert_eq!((apart.write_1h, apart.write), (Some(15), Some(5)));
    }

    #[test]
    fn damage_and_other_types_are_nothing() {
        for printed in ["", "None", "[1]", "{'prompt_tokens': -1}", "{'prompt_tokens': <x>}"] {
            assert_eq!(usage(printed), None, "{printed}");
        }
        assert_eq!(session("{'session_id': 's-1', 'headers': {}}").as_deref(), Some("s-1"));
        assert_eq!(session("{'session_id': None}"), None);
    }
}
