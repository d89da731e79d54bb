//! The names under which instrumentations write one model call: the current semantic conventions for generative AI,
//! their deprecated forms, and those of OpenInference, OpenLLMetry, Sentry, Pydantic, Vercel's AI SDK and OpenRouter.

use super::super::call::{Call, InputRule, Name, OutputRule, RawCounts, Rule};
use super::super::entry::{self, BadCount};
use super::litellm_spans;
use super::otlp_attributes::Attributes;

/// Names of the input field.
const INPUT: &[&str] = &[
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
];
/// Names of the tokens read from the cache.
const READ: &[&str] = &[
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.cached_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.input_cached_tokens",
    "gen_ai.usage.prompt_tokens_details.cached_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cached_tokens",
    "llm.token_count.prompt_details.cache_read",
    "llm.usage.cache_read_input_tokens",
    "ai.usage.cachedInputTokens",
    "ai.usage.inputTokenDetails.cacheReadTokens",
];
/// Names of the tokens written to the cache.
const WRITE: &[&str] = &[
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.input_tokens.cache_creation",
    "gen_ai.usage.cache_creation_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.token_count.prompt_details.cache_write",
    "llm.usage.cache_creation_input_tokens",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
];
const WRITE_5M: &[&str] =
    &["gen_ai.usage.input_tokens.cache_write_5m", "gen_ai.usage.cache_creation.ephemeral_5m_input_tokens"];
const WRITE_1H: &[&str] =
    &["gen_ai.usage.input_tokens.cache_write_1h", "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens"];
/// Names of the output field.
const OUTPUT: &[&str] = &[
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
];
/// Names of the reasoning tokens.
const REASONING: &[&str] = &[
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.reasoning_output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "llm.usage.reasoning_tokens",
    "ai.usage.reasoningTokens",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "codex.usage.reasoning_output_tokens",
];
const TOTAL: &[&str] = &[
    "gen_ai.usage.total_tokens",
    "llm.token_count.total",
    "llm.usage.total_tokens",
    "ai.usage.totalTokens",
    "ai.usage.tokens",
];
/// LangSmith's details of a count, as JSON in a string.
const LANGSMITH_INPUT: &str = "gen_ai.usage.input_token_details";
const LANGSMITH_OUTPUT: &str = "gen_ai.usage.output_token_details";
/// Names of an amount that a tool computed, USD.
pub(super) const COST: &[&str] = &[
    "gen_ai.usage.cost",
    "gen_ai.usage.total_cost",
    "gen_ai.usage.cost_usd",
    "gen_ai.cost.total_cost",
    "gen_ai.cost.total_tokens",
    "llm.cost.total",
    "llm.cost.usd",
    "llm.usage.cost",
    "operation.cost",
];
pub(super) const MODEL_SENT: &[&str] =
    &["gen_ai.request.model", "llm.request.model", "ai.model.id", "llm.model_name", "llm.model", "model"];
pub(super) const MODEL_SERVED: &[&str] =
    &["gen_ai.response.model", "llm.response.model", "ai.response.model"];
pub(super) const PLATFORM: &[&str] = &[
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "llm.system",
    "llm.vendor",
    "ai.model.provider",
];
const SESSION: &[&str] = &[
    "gen_ai.conversation.id",
    "session.id",
    "conversation.id",
    "gen_ai.session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "ai.telemetry.metadata.sessionId",
    "ai.telemetry.metadata.session_id",
    "ai.telemetry.metadata.threadId",
    "ai.telemetry.metadata.thread_id",
];
pub(super) const AGENT: &[&str] = &["gen_ai.agent.name", "agent.name", "agent_name"];
pub(super) const RESPONSE_ID: &[&str] = &["gen_ai.response.id", "ai.response.id", "llm.response.id"];
pub(super) const TIER: &[&str] =
    &["openai.response.service_tier", "gen_ai.openai.response.service_tier", "gen_ai.response.service_tier"];

/// The rule of a record that counts uncached input only.
pub(super) const EXCLUSIVE: Rule = Rule { input: InputRule::Excludes, output: OutputRule::IncludesReasoning };

/// The token counts as written.
///
/// # Errors
/// [`BadCount`].
pub(super) fn counts(attributes: &Attributes<'_>) -> Result<RawCounts, BadCount> {
    let litellm = attributes.text_whole(litellm_spans::USAGE).and_then(litellm_spans::usage);
    let litellm = litellm.unwrap_or_default();
    let write_5m = attributes.count(WRITE_5M)?.or(litellm.write_5m).filter(|count| *count > 0);
    let write_1h = attributes.count(WRITE_1H)?.or(litellm.write_1h).filter(|count| *count > 0);
    let by_lifetime = write_5m.unwrap_or(0).saturating_add(write_1h.unwrap_or(0));
    let detail = |name: &str, key: &str| {
        let details = entry::object_or_json(attributes.get(name));
        entry::count(details.as_ref().and_then(|details| details.get(key)))
    };
    let written = attributes
        .count(WRITE)?
        .or(detail(LANGSMITH_INPUT, "cache_creation")?)
        .or(written_by_vercel(attributes)?)
        .or(litellm.written());
    Ok(RawCounts {
        input: attributes.count(INPUT)?,
        read: attributes.count(READ)?.or(detail(LANGSMITH_INPUT, "cache_read")?).or(litellm.read),
        write: written.map(|all| all.saturating_sub(by_lifetime)),
        write_5m,
        write_1h,
        output: attributes.count(OUTPUT)?,
        reasoning: attributes
            .count(REASONING)?
            .or(detail(LANGSMITH_OUTPUT, "reasoning")?)
            .or(litellm.reasoning),
        total: attributes.count(TOTAL)?,
    })
}

/// The session of a span: that of the conventions, or the one that the client of LiteLLM named.
pub(super) fn session(attributes: &Attributes<'_>) -> Option<Name> {
    let named = || litellm_spans::session(attributes.text_whole(litellm_spans::REQUESTER)?);
    attributes.text(SESSION).or_else(named).map(Name::from)
}

/// Written tokens that Vercel's AI SDK 5 keeps among the provider's own fields, as JSON in a string.
fn written_by_vercel(attributes: &Attributes<'_>) -> Result<Option<u64>, BadCount> {
    let metadata = entry::object_or_json(attributes.get("ai.response.providerMetadata"));
    entry::count(metadata.as_ref().and_then(|m| entry::at(m, &["anthropic", "cacheCreationInputTokens"])))
}

/// The rule that differs from that of the conventions: Vercel's AI SDK 5 copies Anthropic's counts, whose input excludes
/// cached and written tokens.
pub(super) fn usual_rule(attributes: &Attributes<'_>) -> Option<Rule> {
    let provider = attributes.text(&["ai.model.provider"])?;
    let is_anthropic = provider.contains("anthropic") && !provider.contains("openrouter");
    (is_anthropic && !attributes.any(&["ai.usage.inputTokenDetails."])).then_some(EXCLUSIVE)
}

/// Whether any token count is stated.
pub(super) fn has_usage(call: &Call) -> bool {
    let raw = &call.raw;
    [raw.input, raw.output, raw.read, raw.written(), raw.total].iter().any(Option::is_some)
}

/// Time to the first token, ms. The conventions state it in seconds.
pub(super) fn first_token(attributes: &Attributes<'_>) -> Option<f64> {
    const SECONDS: &[&str] = &[
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
        "gen_ai.response.time_to_first_token",
    ];
    const MILLISECONDS: &[&str] =
        &["ai.response.msToFirstChunk", "ai.stream.msToFirstChunk", "ttft_ms", "llm.time_to_first_token_ms"];
    let seconds = attributes.number(SECONDS).map(|seconds| seconds * 1e3);
    seconds.or_else(|| attributes.number(MILLISECONDS)).filter(|ms| (0.0..1e12).contains(ms))
}

/// What a span does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// One call of a model.
    Model,
    /// An agent, a chain or a whole generation of several steps: its usage is the sum over its calls.
    Sum,
    /// An embedding, a reranking, a tool or a retrieval: no call with a prompt cache.
    OtherWork,
    /// Not stated.
    Unknown,
}

/// What a span does, by its attributes.
pub(super) fn operation(name: &str, attributes: &Attributes<'_>) -> Operation {
    let stated = attributes.text(&[
        "gen_ai.operation.name",
        "openinference.span.kind",
        "ai.operationId",
        "operation.name",
        "llm.request.type",
        "traceloop.span.kind",
        "gen_ai.span.kind",
    ]);
    let stated = stated.unwrap_or_else(|| name.chars().take(64).collect());
    // Vercel's AI SDK appends the function's name: `ai.streamText.doStream my-function`.
    let operation =
        stated.split(' ').next().unwrap_or_default().trim_start_matches("gen_ai.").to_ascii_lowercase();
    let is_call = |operation: &str| operation.ends_with(".dogenerate") || operation.ends_with(".dostream");
    match operation.as_str() {
        "chat"
        | "completion"
        | "text_completion"
        | "generate_content"
        | "llm"
        | "llm_call"
        | "responses"
        | "messages"
        | "claude_code.llm_request"
        | "inference"
        | "generate_text"
        | "chat_completion"
        | "acompletion"
        | "atext_completion"
        | "aresponses"
        | "anthropic_messages" => Operation::Model,
        operation if is_call(operation) => Operation::Model,
        "embeddings" | "embedding" | "aembedding" | "rerank" | "reranker" | "execute_tool" | "tool"
        | "retriever" | "retrieval" | "ai.embed" | "ai.embedmany" | "ai.toolcall" | "guardrail"
        | "evaluator" => Operation::OtherWork,
        "invoke_agent" | "create_agent" | "invoke_workflow" | "agent" | "chain" | "workflow" | "task"
        | "plan" | "ai.generatetext" | "ai.streamtext" | "ai.generateobject" | "ai.streamobject" => {
            Operation::Sum
        }
        operation if operation.starts_with("ai.embed") => Operation::OtherWork,
        _ => Operation::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_are_found_under_every_name() {
        for names in [INPUT, READ, WRITE, OUTPUT, REASONING, TOTAL] {
            for name in names {
                let value = json!({*name: "7"});
                let raw = counts(&Attributes::new(Some(&value))).expect("counts");
                let stated = [raw.input, raw.read, raw.write, raw.output, raw.reasoning, raw.total];
                assert_eq!(stated.into_iter().flatten().collect::<Vec<_>>(), [7], "{name}");
            }
        }
        let details = json!({LANGSMITH_INPUT: "{\"cache_read\": 5}", WRITE[0]: 30, WRITE_1H[0]: 20});
        let raw = counts(&Attributes::new(Some(&details))).expect("counts");
        assert_eq!(
            (raw.read, raw.write, raw.write_1h, raw.written()),
            (Some(5), Some(10), Some(20), Some(30))
        );
        assert_eq!(counts(&Attributes::new(Some(&json!({READ[0]: -1})))), Err(BadCount));
        let printed =
            "{'prompt_tokens': 9, 'prompt_tokens_details': {'cached_tokens': 5, 'cache_write_tokens': None}}";
        let litellm = json!({INPUT[0]: 9, litellm_spans::USAGE: printed});
        let raw = counts(&Attributes::new(Some(&litellm))).expect("counts");
        assert_eq!((raw.input, raw.read, raw.write), (Some(9), Some(5), None));
    }

    #[test]
    fn an_operation_is_recognised_by_its_name() {
        let of = |key: &str, value: &str| operation("x", &Attributes::new(Some(&json!({key: value}))));
        assert_eq!(of("gen_ai.operation.name", "chat"), Operation::Model);
        assert_eq!(of("ai.operationId", "ai.streamText.doStream"), Operation::Model);
        assert_eq!(of("ai.operationId", "ai.streamText"), Operation::Sum);
        assert_eq!(of("openinference.span.kind", "TOOL"), Operation::OtherWork);
        assert_eq!(of("gen_ai.operation.name", "embeddings"), Operation::OtherWork);
        assert_eq!(of("gen_ai.operation.name", "<b>\u{202e}"), Operation::Unknown);
        assert_eq!(operation("chat maker/m", &Attributes::default()), Operation::Model);
    }

    #[test]
    fn the_time_to_the_first_token_is_in_milliseconds() {
        let of = |key: &str, value: f64| first_token(&Attributes::new(Some(&json!({key: value}))));
        assert_eq!(of("gen_ai.response.time_to_first_chunk", 0.25), Some(250.0));
        assert_eq!(of("ai.response.msToFirstChunk", 250.0), Some(250.0));
        assert_eq!(of("ttft_ms", -1.0), None);
    }
}
