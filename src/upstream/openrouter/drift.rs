//! The fields that the upstream sends and this program does not use. A field that is in neither the wire types nor this
//! list is drift: it is counted and shown, so that a new price key or a renamed field is noticed on its first day.

use super::DocumentKind;

/// Whether a path is a known unused field at the top level of a row, or below one.
pub fn known(kind: DocumentKind, path: &str) -> bool {
    let list = match kind {
        DocumentKind::Models => MODELS,
        DocumentKind::Providers => PROVIDERS,
        DocumentKind::AllProviders => ALL_PROVIDERS,
        DocumentKind::PublicEndpoints => PUBLIC_ENDPOINTS,
        DocumentKind::StatsEndpoint => STATS_ENDPOINT,
        DocumentKind::EffectivePricing => EFFECTIVE_PRICING,
        DocumentKind::ModelActivity => MODEL_ACTIVITY,
        DocumentKind::HitRateComparison => &[],
    };
    let under = |prefix: &&str| {
        path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    list.iter().any(under) || PRICING.iter().any(|key| pricing_key(path, key))
}

/// Prices that do not apply to a text session, at the base and in conditional tiers.
pub const PRICING: &[&str] = &[
    "request",
    "image",
    "image_token",
    "image_output",
    "audio",
    "audio_output",
    "input_audio_cache",
    "web_search",
    "internal_reasoning",
    "display_pricing",
];

/// Whether a path is one of `pricing` with this key, or below it.
fn pricing_key(path: &str, key: &str) -> bool {
    let inside = path.strip_prefix("pricing.").map(|rest| rest.strip_prefix("overrides.*.").unwrap_or(rest));
    inside.is_some_and(|rest| rest == key || rest.strip_prefix(key).is_some_and(|more| more.starts_with('.')))
}

const MODELS: &[&str] = &[
    "hugging_face_id",
    "description",
    "architecture",
    "top_provider",
    "per_request_limits",
    "supported_parameters",
    "default_parameters",
    "supported_voices",
    "knowledge_cutoff",
    "expiration_date",
    "links",
    "reasoning",
    "benchmarks",
];

const PROVIDERS: &[&str] =
    &["datacenters", "may_log_prompts", "may_train_on_data", "moderated_by_openrouter"];

const ALL_PROVIDERS: &[&str] = &[
    "adapterName",
    "baseUrl",
    "byokEnabled",
    "datacenters",
    "hasChatCompletions",
    "hasCompletions",
    "icon",
    "isAbortable",
    "moderationRequired",
    "pricingStrategy",
    "sendClientIp",
    "editors",
    "owners",
    "dataPolicy.canPublish",
    "dataPolicy.requiresUserIDs",
    "dataPolicy.retentionDays",
    "dataPolicy.trainingOpenRouter",
];

const PUBLIC_ENDPOINTS: &[&str] = &[
    // Fields of the model around the endpoints.
    "id",
    "created",
    "description",
    "architecture",
    // Fields of an endpoint.
    "name",
    "model_id",
    "model_name",
    "supports_implicit_caching",
    "supports_tool_choice",
    "supports_voice_cloning",
    "supports_multiple_audio_references",
    "supports_image_reference",
];

const STATS_ENDPOINT: &[&str] = &[
    "name",
    "model",
    "model_variant_slug",
    "adapter_name",
    "provider_model_id",
    "provider_info",
    "variant",
    "is_free",
    "can_abort",
    "max_tokens_per_image",
    "excluded_parameters",
    "is_byok",
    "moderation_required",
    "data_policy.trainingOpenRouter",
    "data_policy.retentionDays",
    "data_policy.canPublish",
    "data_policy.requiresUserIDs",
    "display_pricing",
    "pricing_json",
    "pricing_version_id",
    "supports_tool_parameters",
    "supports_reasoning",
    "supports_multipart",
    "supports_implicit_caching",
    "limit_rpm",
    "limit_rpd",
    "limit_rpm_cf",
    "has_completions",
    "has_chat_completions",
    "features",
    "supported_video_parameters",
    "supported_image_parameters",
    "allowed_passthrough_parameters",
    "capacity_tpm",
    "stats.endpoint_id",
    "stats.p75_throughput",
    "stats.p90_throughput",
    "stats.p95_throughput",
    "stats.p99_throughput",
    "stats.p75_latency",
    "stats.p90_latency",
    "stats.p95_latency",
    "stats.p99_latency",
    "stats.window_minutes",
    "statsByTier",
    "status_heuristics",
    "status_heuristics_5m",
    "routing_heuristics_by_tier",
    "tiers",
];

const EFFECTIVE_PRICING: &[&str] =
    &["providerNames", "endpointNames", "endpointRawNames", "endpointProviderSlugs", "providerSlug"];

const MODEL_ACTIVITY: &[&str] = &[
    "cachedAt",
    "model_permaslug",
    "variant",
    "variant_permaslug",
    "total_native_tokens_reasoning",
    "num_media_prompt",
    "num_media_completion",
    "image_output_requests",
    "num_video_prompt",
    "video_output_seconds",
    "rerank_documents",
    "stt_transcript_characters",
    "num_audio_prompt",
    "total_tool_calls",
    "requests_with_tool_call_errors",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_passed_over_with_all_below_them_and_new_ones_are_not() {
        let kind = DocumentKind::StatsEndpoint;
        assert!(known(kind, "model.features.reasoning"));
        assert!(known(kind, "pricing.overrides.*.image"));
        assert!(!known(kind, "models"));
        assert!(!known(kind, "pricing.input_cache_write_24h"));
        assert!(!known(kind, "stats.p10_latency"));
    }
}
