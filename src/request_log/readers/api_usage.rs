//! The usage objects of the providers' APIs: OpenAI (chat completions and responses) and compatible APIs, Anthropic,
//! Gemini, Bedrock and Ollama.

use crate::request_log::call::{InputRule, OutputRule, RawCounts, Rule};
use crate::request_log::entry::{BadCount, Object, count, count_of};

/// A form of usage objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `prompt_tokens` or `input_tokens`, including cached and written tokens.
    OpenAi,
    /// `input_tokens`, excluding `cache_read_input_tokens` and `cache_creation_input_tokens`.
    Anthropic,
    /// `promptTokenCount` including cached tokens, `candidatesTokenCount` excluding `thoughtsTokenCount`.
    Gemini,
    /// `inputTokens`, excluding `cacheReadInputTokens` and `cacheWriteInputTokens`.
    Bedrock,
    /// `prompt_eval_count` and `eval_count`.
    Ollama,
}

impl Family {
    /// What the counts of the form include.
    pub const fn rule(self) -> Rule {
        let input = match self {
            Self::OpenAi | Self::Gemini | Self::Ollama => InputRule::IncludesReadAndWritten,
            Self::Anthropic | Self::Bedrock => InputRule::Excludes,
        };
        let output = match self {
            Self::Gemini => OutputRule::ExcludesReasoning,
            _ => OutputRule::IncludesReasoning,
        };
        Rule { input, output }
    }

    /// The maker's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI",
            Self::Anthropic => "Anthropic",
            Self::Gemini => "Gemini",
            Self::Bedrock => "Bedrock",
            Self::Ollama => "Ollama",
        }
    }
}

/// The form of a usage object; `None` if it has none of the known fields.
pub fn family_of(usage: &Object) -> Option<Family> {
    let has = |keys: &[&str]| keys.iter().any(|key| usage.contains_key(*key));
    if has(&["promptTokenCount", "candidatesTokenCount", "prompt_token_count", "candidates_token_count"]) {
        Some(Family::Gemini)
    } else if has(&["prompt_eval_count", "eval_count"]) {
        Some(Family::Ollama)
    } else if has(&["prompt_tokens"]) {
        Some(Family::OpenAi)
    } else if has(&["input_tokens"]) {
        let theirs =
            ["cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "server_tool_use"];
        Some(if has(&theirs) { Family::Anthropic } else { Family::OpenAi })
    } else if has(&["inputTokens"]) && has(&["outputTokens"]) {
        let others = ["inputTokenDetails", "outputTokenDetails", "cachedInputTokens", "reasoningTokens"];
        (!has(&others)).then_some(Family::Bedrock)
    } else {
        None
    }
}

/// The counts of a usage object, as written.
///
/// # Errors
/// [`BadCount`].
pub fn counts(usage: &Object, family: Family) -> Result<RawCounts, BadCount> {
    match family {
        Family::OpenAi => open_ai(usage),
        Family::Anthropic => anthropic(usage),
        Family::Gemini => gemini(usage),
        Family::Bedrock => bedrock(usage),
        Family::Ollama => Ok(RawCounts {
            input: count(usage.get("prompt_eval_count"))?,
            output: count(usage.get("eval_count"))?,
            ..RawCounts::default()
        }),
    }
}

/// The counts of one form as another one would write them, so that one rule fits all records of a file.
pub fn converted(mut raw: RawCounts, from: Family, to: Family) -> RawCounts {
    let inside = raw.read.unwrap_or(0).saturating_add(raw.written().unwrap_or(0));
    let excludes = |family: Family| family.rule().input == InputRule::Excludes;
    raw.input = match (excludes(from), excludes(to)) {
        (true, false) => raw.input.map(|input| input.saturating_add(inside)),
        (false, true) => raw.input.map(|input| input.checked_sub(inside).unwrap_or(input)),
        _ => raw.input,
    };
    let reasoning = raw.reasoning.unwrap_or(0);
    raw.output = match (from.rule().output, to.rule().output) {
        (OutputRule::ExcludesReasoning, OutputRule::IncludesReasoning) => {
            raw.output.map(|output| output.saturating_add(reasoning))
        }
        (OutputRule::IncludesReasoning, OutputRule::ExcludesReasoning) => {
            raw.output.map(|output| output.saturating_sub(reasoning))
        }
        _ => raw.output,
    };
    raw
}

fn inner<'a>(usage: &'a Object, keys: &[&str]) -> Option<&'a Object> {
    keys.iter().find_map(|key| usage.get(*key)?.as_object())
}

/// The largest count that is stated among several keys of several objects: of two fields for one quantity, proxies
/// often fill only one and leave the other at zero.
fn largest(places: &[(Option<&Object>, &[&str])]) -> Result<Option<u64>, BadCount> {
    let mut most = None;
    for (object, keys) in places {
        let Some(object) = object else { continue };
        for key in *keys {
            most = most.max(count(object.get(*key))?);
        }
    }
    Ok(most)
}

/// Puts the written tokens into the counts: those for five minutes and for an hour apart, the rest of the total beside.
fn put_written(raw: &mut RawCounts, total: Option<u64>, apart: Option<&Object>) -> Result<(), BadCount> {
    if let Some(apart) = apart {
        raw.write_5m = count_of(apart, &["ephemeral_5m_input_tokens", "ephemeral_5m_tokens"])?;
        raw.write_1h = count_of(apart, &["ephemeral_1h_input_tokens", "ephemeral_1h_tokens"])?;
    }
    put_written_beside(raw, total);
    Ok(())
}

/// OpenAI's chat completions and responses, and the variants of compatible APIs (DeepSeek, Moonshot, Mistral, xAI, the
/// proxies). If the total shows that the record excludes a part, the part is added, so that the rule of the form fits.
fn open_ai(usage: &Object) -> Result<RawCounts, BadCount> {
    let details = inner(usage, &["prompt_tokens_details", "input_tokens_details", "input_token_details"]);
    let output_details =
        inner(usage, &["completion_tokens_details", "output_tokens_details", "output_token_details"]);
    let read = largest(&[
        (details, &["cached_tokens", "cache_read_tokens", "cache_read"]),
        (
            Some(usage),
            &[
                "cache_read_input_tokens",
                "prompt_cache_hit_tokens",
                "cached_tokens",
                "num_cached_tokens",
                "cached_input_tokens",
            ],
        ),
    ])?;
    let written = largest(&[
        (details, &["cache_write_tokens", "cache_creation_tokens", "cache_creation"]),
        (Some(usage), &["cache_creation_input_tokens", "cache_write_tokens", "cache_write_input_tokens"]),
    ])?;
    let mut input = count_of(usage, &["prompt_tokens", "input_tokens"])?;
    if input.is_none() {
        let missed = count(usage.get("prompt_cache_miss_tokens"))?;
        input = missed.map(|missed| missed.saturating_add(read.unwrap_or(0)));
    }
    let mut raw = RawCounts {
        input,
        read,
        output: count_of(usage, &["completion_tokens", "output_tokens"])?,
        reasoning: largest(&[
            (output_details, &["reasoning_tokens", "reasoning"]),
            (Some(usage), &["reasoning_tokens", "reasoning_output_tokens"]),
        ])?,
        total: count(usage.get("total_tokens"))?,
        ..RawCounts::default()
    };
    let apart = inner(usage, &["cache_creation"])
        .or_else(|| inner(details?, &["cache_creation_token_details", "cache_creation"]));
    put_written(&mut raw, written, apart)?;
    settle(&mut raw);
    Ok(raw)
}

/// Adds the parts that the total of a record shows to be beside its input and output.
pub fn settle(raw: &mut RawCounts) {
    let (Some(total), Some(input), Some(output)) = (raw.total, raw.input, raw.output) else { return };
    let Some(beside) = total.checked_sub(input).and_then(|rest| rest.checked_sub(output)) else { return };
    if beside == 0 {
        return;
    }
    let cached = raw.read.unwrap_or(0).saturating_add(raw.written().unwrap_or(0));
    let reasoning = raw.reasoning.unwrap_or(0);
    let (to_input, to_output) = match beside {
        n if n == reasoning => (0, reasoning),
        n if n == cached => (cached, 0),
        n if n == cached.saturating_add(reasoning) => (cached, reasoning),
        _ => return,
    };
    raw.input = Some(input.saturating_add(to_input));
    raw.output = Some(output.saturating_add(to_output));
}

fn anthropic(usage: &Object) -> Result<RawCounts, BadCount> {
    let output_details = inner(usage, &["output_tokens_details"]);
    let mut raw = RawCounts {
        input: count(usage.get("input_tokens"))?,
        read: count(usage.get("cache_read_input_tokens"))?,
        output: count(usage.get("output_tokens"))?,
        reasoning: largest(&[(output_details, &["thinking_tokens", "reasoning_tokens"])])?,
        ..RawCounts::default()
    };
    put_written(
        &mut raw,
        count(usage.get("cache_creation_input_tokens"))?,
        inner(usage, &["cache_creation"]),
    )?;
    Ok(raw)
}

fn gemini(usage: &Object) -> Result<RawCounts, BadCount> {
    let prompt = count_of(usage, &["promptTokenCount", "prompt_token_count"])?;
    let tools = count_of(usage, &["toolUsePromptTokenCount", "tool_use_prompt_token_count"])?;
    Ok(RawCounts {
        input: prompt.map(|prompt| prompt.saturating_add(tools.unwrap_or(0))),
        read: count_of(usage, &["cachedContentTokenCount", "cached_content_token_count"])?,
        output: count_of(usage, &["candidatesTokenCount", "candidates_token_count", "responseTokenCount"])?,
        reasoning: count_of(usage, &["thoughtsTokenCount", "thoughts_token_count"])?,
        total: count_of(usage, &["totalTokenCount", "total_token_count"])?,
        ..RawCounts::default()
    })
}

/// Bedrock's Converse. `cacheDetails` states for how long tokens were written.
fn bedrock(usage: &Object) -> Result<RawCounts, BadCount> {
    let mut raw = RawCounts {
        input: count(usage.get("inputTokens"))?,
        read: count_of(usage, &["cacheReadInputTokens", "cacheReadInputTokenCount"])?,
        output: count(usage.get("outputTokens"))?,
        total: count(usage.get("totalTokens"))?,
        ..RawCounts::default()
    };
    let details = usage.get("cacheDetails").and_then(|details| details.as_array());
    for detail in details.into_iter().flatten().filter_map(|detail| detail.as_object()) {
        let tokens = count(detail.get("inputTokens"))?;
        match detail.get("ttl").and_then(|ttl| ttl.as_str()) {
            Some("5m") => raw.write_5m = tokens,
            Some("1h") => raw.write_1h = tokens,
            _ => {}
        }
    }
    let written = count_of(usage, &["cacheWriteInputTokens", "cacheWriteInputTokenCount"])?;
    put_written_beside(&mut raw, written);
    // A total of the two fields alone does not show whether the input includes cached tokens.
    if raw.total == raw.input.zip(raw.output).map(|(input, output)| input.saturating_add(output)) {
        raw.total = None;
    }
    Ok(raw)
}

fn put_written_beside(raw: &mut RawCounts, total: Option<u64>) {
    let known = raw.write_5m.unwrap_or(0).saturating_add(raw.write_1h.unwrap_or(0));
    let is_split = raw.write_5m.or(raw.write_1h).is_some();
    raw.write = total.map(|total| total.saturating_sub(known)).filter(|rest| !is_split || *rest > 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::call::Tokens;
    use serde_json::{Value, json};

    fn read(usage: &Value) -> (Family, Tokens) {
        let usage = usage.as_object().expect("an object");
        let family = family_of(usage).expect("a known form");
        (family, counts(usage, family).expect("counts").disjoint(family.rule()))
    }

    #[test]
    fn every_form_comes_to_the_same_disjoint_counts() {
        let wanted = |tokens: Tokens| {
            (tokens.uncached, tokens.read, tokens.written(), tokens.output(), tokens.reasoning)
        };
        let same = (Some(70), Some(500), Some(30), Some(44), Some(12));
        for usage in [
            json!({"prompt_tokens": 600, "completion_tokens": 44, "prompt_tokens_details": {"cached_tokens": 500,
                "cache_write_tokens": 30}, "completion_tokens_details": {"reasoning_tokens": 12}}),
            json!({"input_tokens": 600, "output_tokens": 44, "input_tokens_details": {"cached_tokens": 500,
                "cache_write_tokens": 30}, "output_tokens_details": {"reasoning_tokens": 12}}),
            json!({"input_tokens": 70, "output_tokens": 44, "cache_read_input_tokens": 500,
                "cache_creation_input_tokens": 30, "output_tokens_details": {"thinking_tokens": 12}}),
            // The total shows that reasoning is beside the output.
            json!({"prompt_tokens": 600, "completion_tokens": 32, "total_tokens": 644, "cached_tokens": 500,
                "cache_write_tokens": 30, "completion_tokens_details": {"reasoning_tokens": 12}}),
            // The total shows that cached and written tokens are beside the input.
            json!({"prompt_tokens": 70, "completion_tokens": 44, "total_tokens": 644,
                "cache_read_input_tokens": 500, "prompt_tokens_details": {"cached_tokens": 0,
                "cache_creation_tokens": 30}, "completion_tokens_details": {"reasoning_tokens": 12}}),
        ] {
            assert_eq!(wanted(read(&usage).1), same, "{usage}");
        }
    }

    #[test]
    fn gemini_excludes_thoughts_and_bedrock_excludes_cached_tokens() {
        let (family, tokens) = read(&json!({"promptTokenCount": 600, "cachedContentTokenCount": 500,
            "candidatesTokenCount": 32, "thoughtsTokenCount": 12, "totalTokenCount": 644}));
        assert_eq!((family, tokens.uncached, tokens.output()), (Family::Gemini, Some(100), Some(44)));
        let (family, tokens) = read(&json!({"inputTokens": 70, "outputTokens": 44, "totalTokens": 644,
            "cacheReadInputTokens": 500, "cacheWriteInputTokens": 30,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 30}]}));
        assert_eq!(family, Family::Bedrock);
        assert_eq!((tokens.prompt(), tokens.write_1h, tokens.write), (Some(600), Some(30), None));
    }

    #[test]
    fn deepseek_and_other_variants_are_understood() {
        let (_, tokens) = read(&json!({"prompt_tokens": 300, "completion_tokens": 9,
            "prompt_cache_hit_tokens": 256, "prompt_cache_miss_tokens": 44}));
        assert_eq!((tokens.uncached, tokens.read), (Some(44), Some(256)));
        let (family, tokens) = read(&json!({"prompt_eval_count": 26, "eval_count": 290}));
        assert_eq!((family, tokens.uncached, tokens.read), (Family::Ollama, Some(26), None));
    }

    #[test]
    fn written_tokens_are_not_counted_twice() {
        let (_, tokens) = read(&json!({"input_tokens": 4, "output_tokens": 2, "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 900,
            "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 300}}));
        assert_eq!((tokens.written(), tokens.write), (Some(900), None));
        let (_, tokens) = read(&json!({"input_tokens": 4, "output_tokens": 2,
            "cache_creation_input_tokens": 900, "cache_creation": {"ephemeral_5m_input_tokens": 600}}));
        assert_eq!((tokens.written(), tokens.write), (Some(900), Some(300)));
    }

    #[test]
    fn what_is_absent_stays_absent_and_bad_counts_are_refused() {
        let (_, tokens) = read(&json!({"prompt_tokens": 8, "completion_tokens": 1}));
        assert_eq!((tokens.read, tokens.written(), tokens.reasoning), (None, None, None));
        let usage = json!({"prompt_tokens": -3});
        assert_eq!(counts(usage.as_object().expect("an object"), Family::OpenAi), Err(BadCount));
        let usage = json!({"tokens": 3});
        assert_eq!(family_of(usage.as_object().expect("an object")), None);
    }

    #[test]
    fn counts_are_converted_between_forms() {
        let raw = RawCounts { input: Some(600), read: Some(500), write: Some(30), ..RawCounts::default() };
        let exclusive = converted(raw, Family::OpenAi, Family::Anthropic);
        assert_eq!(exclusive.input, Some(70));
        assert_eq!(converted(exclusive, Family::Anthropic, Family::OpenAi).input, Some(600));
        let odd = RawCounts { input: Some(60), read: Some(500), ..RawCounts::default() };
        assert_eq!(
            converted(odd, Family::OpenAi, Family::Anthropic).input,
            Some(60),
            "it excludes them already"
        );
        let thoughts = RawCounts { output: Some(32), reasoning: Some(12), ..RawCounts::default() };
        assert_eq!(converted(thoughts, Family::Gemini, Family::OpenAi).output, Some(44));
    }
}
