//! The tables of the API: the columns of each. Names and units are the same as in the JSON.

use super::catalogue::{ModelSummary, ProviderSummary, Served};
use crate::domain::change::Change;
use crate::domain::flag::names;
use crate::domain::ids::ProviderSlug;
use crate::domain::share::ShareRow;
use crate::domain::tier::{Lens, Tier};
use crate::snapshot::{ProviderTier, RecentReading};
use crate::table::{Cell, columns};

fn rank(rank: Option<usize>) -> Option<i64> {
    rank.and_then(|rank| i64::try_from(rank).ok())
}

fn lens_tier(provider: &ProviderSummary, lens: Lens) -> Tier {
    provider.tiers.get(&lens).copied().unwrap_or(Tier::Unrated)
}

columns!(ProviderTier, |row| {
    "provider": Cell::text(&row.provider),
    "name": Cell::text(&row.name),
    "tier": Cell::tier(row.tier),
    "span": Cell::maybe(row.span.as_ref()),
    "adjusted": Cell::Number(row.adjusted),
    "low": Cell::Number(row.low),
    "high": Cell::Number(row.high),
    "rank_low": Cell::Whole(rank(row.rank_low)),
    "rank_high": Cell::Whole(rank(row.rank_high)),
    "traffic_mean": Cell::Number(row.traffic_mean),
    "model_mean": Cell::Number(row.model_mean),
    "models": Cell::count(row.models),
    "shared_models": Cell::count(row.shared_models),
    "endpoints": Cell::count(row.endpoints),
    "tokens_per_day": Cell::Number(Some(row.tokens_per_day)),
    "since": Cell::maybe(row.since),
    "reason": Cell::maybe(row.reason.as_ref()),
    "measured": Cell::Number(row.measured),
    "next_low": Cell::Number(row.next_low),
    "next_high": Cell::Number(row.next_high),
});

columns!(ModelSummary, |row| {
    "model_id": Cell::text(&row.model_id),
    "slug": Cell::text(&row.slug),
    "variant": Cell::text(&row.variant),
    "name": Cell::text(&row.name),
    "created": Cell::Time(row.created),
    "context_length": Cell::Whole(row.context_length),
    "hit_rate": Cell::Number(row.hit_rate),
    "tokens_per_day": Cell::Number(Some(row.tokens_per_day)),
    "endpoints": Cell::count(row.endpoints),
    "providers": Cell::Text(row.providers.iter().map(ProviderSlug::as_str).collect::<Vec<_>>().join(" ")),
});

columns!(ProviderSummary, |row| {
    "provider": Cell::text(&row.provider),
    "name": Cell::text(&row.name),
    "headquarters": Cell::maybe(row.headquarters.as_ref()),
    "models": Cell::count(row.models),
    "endpoints": Cell::count(row.endpoints),
    "tokens_per_day": Cell::Number(Some(row.tokens_per_day)),
    "cache": Cell::tier(lens_tier(row, Lens::Cache)),
    "cost": Cell::tier(lens_tier(row, Lens::Cost)),
    "reliability": Cell::tier(lens_tier(row, Lens::Reliability)),
    "speed": Cell::tier(lens_tier(row, Lens::Speed)),
    "overall": Cell::tier(lens_tier(row, Lens::Overall)),
});

columns!(Served, |row| {
    "model_id": Cell::text(&row.model_id),
    "tag": Cell::text(&row.tag),
    "tier": Cell::tier(row.tier),
    "hit_rate": Cell::Number(row.hit_rate),
    "effective_input": Cell::Number(row.effective_input),
    "flags": Cell::Text(names(&row.flags)),
});

columns!(RecentReading, |row| {
    "run_id": Cell::text(&row.run_id),
    "observed_at": Cell::Time(Some(row.observed_at)),
    "window_kind": Cell::text(row.window_kind),
    "window_start": Cell::Time(row.window_start),
    "window_end": Cell::Time(row.window_end),
    "model": Cell::text(&row.model),
    "variant": Cell::text(&row.variant),
    "endpoint_id": Cell::text(row.endpoint_id),
    "provider": Cell::text(&row.provider),
    "provider_name": Cell::text(&row.provider_name),
    "tag": Cell::text(&row.tag),
    "hit_rate": Cell::Number(row.hit_rate),
    "tokens": Cell::Whole(row.tokens),
    "effective_input": Cell::Number(row.effective_input),
    "effective_output": Cell::Number(row.effective_output),
    "list_input": Cell::Number(row.list_input),
    "list_output": Cell::Number(row.list_output),
    "list_cache_read": Cell::Number(row.list_cache_read),
    "list_cache_write": Cell::Number(row.list_cache_write),
    "uptime_5m": Cell::Number(row.uptime_5m),
    "uptime_30m": Cell::Number(row.uptime_30m),
    "uptime_1d": Cell::Number(row.uptime_1d),
    "status": Cell::Whole(row.status.map(i64::from)),
    "list_cache_write_1h": Cell::Number(row.list_cache_write_1h),
    "max_prompt_tokens": Cell::Whole(row.max_prompt_tokens),
    "deprecation_date": Cell::Time(row.deprecation_date),
    "created_at": Cell::Time(row.created_at),
});

columns!(ShareRow, |row| {
    "provider": Cell::text(&row.provider),
    "tag": Cell::maybe(row.tag.as_ref()),
    "endpoint_id": Cell::maybe(row.endpoint_id),
    "tokens_per_day": Cell::Number(row.tokens_per_day),
    "share": Cell::Number(row.share),
    "share_before": Cell::Number(row.share_before),
});

columns!(Change, |row| {
    "at": Cell::Time(Some(row.at)),
    "kind": Cell::text(row.kind),
    "model": Cell::maybe(row.model.as_ref()),
    "variant": Cell::maybe(row.variant.as_ref()),
    "model_id": Cell::maybe(row.model_id.as_ref()),
    "endpoint_id": Cell::maybe(row.endpoint_id),
    "provider": Cell::maybe(row.provider.as_ref()),
    "tag": Cell::maybe(row.tag.as_ref()),
    "field": Cell::maybe(row.field),
    "before": Cell::maybe(row.before.as_ref()),
    "after": Cell::maybe(row.after.as_ref()),
    "percent": Cell::Number(row.percent),
    "until": Cell::Time(row.until),
    "session_before": Cell::Number(row.session.and_then(|session| session.before)),
    "session_after": Cell::Number(row.session.and_then(|session| session.after)),
    "session_percent": Cell::Number(row.session.and_then(|session| session.percent)),
    "q_value": Cell::Number(row.evidence.as_ref().map(|evidence| evidence.q_value)),
    "includes": Cell::count(row.includes.len()),
    "source": Cell::maybe(row.source.as_ref()),
    "why": Cell::text(&row.why),
});
