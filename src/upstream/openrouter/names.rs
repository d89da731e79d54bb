//! The upstream's names of the fields of a run: findings use the names that the upstream's developers use.

use super::decode::FACT_FIELDS;
use super::{DocumentKind, wire_fields};

/// Domain path and upstream name, except for facts of endpoints ([`FACT_FIELDS`]).
const NAMES: &[(&str, &str)] = &[
    ("models", "models"),
    ("models.model", "models.canonical_slug"),
    ("models.variant", "models.id"),
    ("models.model_id", "models.id"),
    ("models.name", "models.name"),
    ("models.created", "models.created"),
    ("models.context_length", "models.context_length"),
    ("models.is_free", "models.pricing.prompt"),
    ("providers", "all_providers"),
    ("providers.provider", "all_providers.slug"),
    ("providers.name", "all_providers.displayName"),
    ("providers.headquarters", "all_providers.headquarters"),
    ("providers.status_page", "all_providers.statusPageUrl"),
    ("providers.privacy_policy", "all_providers.dataPolicy.privacyPolicyURL"),
    ("providers.terms_of_service", "all_providers.dataPolicy.termsOfServiceURL"),
    ("readings", "stats_endpoint"),
    ("facts", "stats_endpoint"),
    ("facts.model", "stats_endpoint"),
    ("facts.variant", "stats_endpoint"),
    ("prices", "stats_endpoint.pricing"),
    ("prices.input", "stats_endpoint.pricing.prompt"),
    ("prices.output", "stats_endpoint.pricing.completion"),
    ("prices.cache_read", "stats_endpoint.pricing.input_cache_read"),
    ("prices.cache_write", "stats_endpoint.pricing.input_cache_write"),
    ("prices.cache_write_1h", "stats_endpoint.pricing.input_cache_write_1h"),
    ("prices.discount", "stats_endpoint.pricing.discount"),
    ("prices.tiers", "stats_endpoint.pricing.overrides"),
    ("prices.tiers[].input", "stats_endpoint.pricing.overrides.prompt"),
    ("prices.tiers[].output", "stats_endpoint.pricing.overrides.completion"),
    ("prices.tiers[].cache_read", "stats_endpoint.pricing.overrides.input_cache_read"),
    ("prices.tiers[].cache_write", "stats_endpoint.pricing.overrides.input_cache_write"),
    ("prices.tiers[].cache_write_1h", "stats_endpoint.pricing.overrides.input_cache_write_1h"),
    ("prices.tiers[].min_prompt_tokens", "stats_endpoint.pricing.overrides.min_prompt_tokens"),
    ("prices.tiers[].utc_start", "stats_endpoint.pricing.overrides.utc_start"),
    ("prices.tiers[].utc_end", "stats_endpoint.pricing.overrides.utc_end"),
    ("prices.tiers[].utc_days", "stats_endpoint.pricing.overrides.utc_days"),
    ("documented.facts.tag", "public_endpoints.tag"),
    ("documented.prices.input", "public_endpoints.pricing.prompt"),
    ("documented.prices.output", "public_endpoints.pricing.completion"),
    ("documented.prices.cache_read", "public_endpoints.pricing.input_cache_read"),
    ("documented.prices.cache_write", "public_endpoints.pricing.input_cache_write"),
    ("documented.prices.cache_write_1h", "public_endpoints.pricing.input_cache_write_1h"),
    ("documented.health.status", "public_endpoints.status"),
    ("health", "stats_endpoint.stats"),
    ("health.status", "stats_endpoint.status"),
    ("health.uptime_5m", "public_endpoints.uptime_last_5m"),
    ("health.uptime_30m", "public_endpoints.uptime_last_30m"),
    ("health.uptime_1d", "public_endpoints.uptime_last_1d"),
    ("health.counters_1d", "stats_endpoint.status_heuristics_1d"),
    ("health.counters_1d.success", "stats_endpoint.status_heuristics_1d.success"),
    ("health.counters_1d.error", "stats_endpoint.status_heuristics_1d.derankableError"),
    ("health.counters_1d.rate_limited", "stats_endpoint.status_heuristics_1d.rateLimited"),
    ("health.throughput", "stats_endpoint.stats.p50_throughput"),
    ("health.latency_ms", "stats_endpoint.stats.p50_latency"),
    ("health.requests_30m", "stats_endpoint.stats.request_count"),
    ("usage", "effective_pricing"),
    ("usage.hit_rate", "effective_pricing.cacheHitRate"),
    ("usage.tokens", "effective_pricing.totalTokens"),
    ("usage.effective_input", "effective_pricing.effectiveInputPrice"),
    ("usage.effective_output", "effective_pricing.effectiveOutputPrice"),
    ("usage.day", "effective_pricing.inputChartData.x"),
    ("model_usage", "effective_pricing"),
    ("model_usage.model", "effective_pricing"),
    ("model_usage.variant", "effective_pricing"),
    ("model_usage.hit_rate", "effective_pricing.weightedCacheHitRate"),
    ("model_usage.effective_input", "effective_pricing.weightedInputPrice"),
    ("model_usage.effective_output", "effective_pricing.weightedOutputPrice"),
    ("charts", "effective_pricing.inputChartData"),
    ("charts.input", "effective_pricing.inputChartData"),
    ("charts.output", "effective_pricing.outputChartData"),
    ("activity", "model_activity"),
    ("activity.model", "model_activity"),
    ("activity.variant", "model_activity"),
    ("activity.day", "model_activity.date"),
    ("activity.prompt_tokens", "model_activity.total_prompt_tokens"),
    ("activity.completion_tokens", "model_activity.total_completion_tokens"),
    ("activity.cached_tokens", "model_activity.total_native_tokens_cached"),
    ("activity.requests", "model_activity.count"),
    ("closing_rates", "hit_rate_comparison"),
    ("closing_rates.endpoint_id", "hit_rate_comparison"),
    ("closing_rates.day", "hit_rate_comparison.x"),
    ("closing_rates.hit_rate", "hit_rate_comparison.y"),
    ("quarantined.effective_pricing.hit_rate_out_of_range", "effective_pricing.cacheHitRate"),
    ("quarantined.effective_pricing.negative_tokens", "effective_pricing.totalTokens"),
    ("quarantined.effective_pricing.duplicate_summary", "effective_pricing"),
    ("quarantined.stats_endpoint.duplicate_endpoint", "stats_endpoint"),
    ("quarantined.models.duplicate_model", "models"),
    ("quarantined.hit_rate_comparison.hit_rate_out_of_range", "hit_rate_comparison.y"),
];

/// Other fields that a domain path is computed from.
const ALSO: &[(&str, &[&str])] = &[
    ("facts.restricted", &["stats_endpoint.is_private", "stats_endpoint.is_byok_only"]),
    ("health.status", &["public_endpoints.status"]),
    ("health.throughput", &["public_endpoints.throughput_last_30m"]),
    ("health.latency_ms", &["public_endpoints.latency_last_30m"]),
    ("providers.name", &["providers.name"]),
    ("providers.headquarters", &["providers.headquarters"]),
    ("providers.status_page", &["providers.status_page_url"]),
    ("providers.privacy_policy", &["providers.privacy_policy_url"]),
    ("providers.terms_of_service", &["providers.terms_of_service_url"]),
];

/// Lists of rows inside a document; they are omitted from the names of the rows' fields.
const ROWS: [&str; 3] = ["endpoints", "providerSummaries", "analytics"];

/// The upstream's name of a domain path, if known. Trailing list markers are ignored.
pub fn known_name(path: &str) -> Option<String> {
    let bare = path.trim_end_matches("[]");
    if let Some((_, name)) = NAMES.iter().find(|(domain, _)| *domain == bare) {
        return Some((*name).to_owned());
    }
    if let Some(fact) = bare.strip_prefix("facts.") {
        let field = FACT_FIELDS.iter().find(|(name, _)| *name == fact).map_or(fact, |(_, field)| field);
        let read = (DocumentKind::StatsEndpoint, format!("data[].{field}"));
        return wire_fields().contains(&read).then(|| format!("stats_endpoint.{field}"));
    }
    // `documents.KIND.FIELD` already uses the upstream's names.
    let own = path.strip_prefix("documents.")?;
    let steps: Vec<&str> = own.split('.').filter(|step| !ROWS.contains(step)).collect();
    Some(steps.join("."))
}

/// The upstream's names of a domain path: the field that it is usually read from, and the other fields that it is
/// computed from. If there is none, the path itself or the document of a quarantined row.
pub fn upstream_names(path: &str) -> (String, &'static [&'static str]) {
    let quarantined = || path.strip_prefix("quarantined.")?.split('.').next().map(str::to_owned);
    let name = known_name(path).or_else(quarantined).unwrap_or_else(|| path.to_owned());
    (name, ALSO.iter().find(|(domain, _)| *domain == path).map_or(&[], |(_, others)| others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_upstream_names_them() {
        let upstream_name = |path| upstream_names(path).0;
        assert_eq!(upstream_name("usage.hit_rate"), "effective_pricing.cacheHitRate");
        assert_eq!(upstream_name("prices.tiers[]"), "stats_endpoint.pricing.overrides");
        assert_eq!(upstream_name("documents.public_endpoints.endpoints.tag"), "public_endpoints.tag");
        assert_eq!(upstream_name("quarantined.model_activity.new_reason"), "model_activity");
        assert_eq!(upstream_name("facts.created_at"), "stats_endpoint.created_at");
        assert_eq!(upstream_name("facts.parameters[]"), "stats_endpoint.supported_parameters");
        assert_eq!(upstream_name("facts.brand_new"), "facts.brand_new");
        assert_eq!(upstream_names("facts.restricted").1.len(), 2);
    }

    #[test]
    fn no_path_has_two_names() {
        let mut paths: Vec<&str> = NAMES.iter().map(|(path, _)| *path).collect();
        paths.sort_unstable();
        let before = paths.len();
        paths.dedup();
        assert_eq!(paths.len(), before);
    }
}
