//! The tables of the API: the columns of each. Names and units are the same as in the JSON.

use super::catalogue::{ModelSummary, ProviderSummary, Served};
use crate::domain::flag::names;
use crate::domain::tier::{Lens, Tier};
use crate::snapshot::{Event, ProviderTier, RecentReading};
use crate::table::{Cell, Row};

impl Row<17> for ProviderTier {
    const COLUMNS: [&'static str; 17] = [
        "provider",
        "name",
        "tier",
        "span",
        "adjusted",
        "low",
        "high",
        "rank_low",
        "rank_high",
        "traffic_mean",
        "model_mean",
        "models",
        "shared_models",
        "endpoints",
        "tokens_per_day",
        "since",
        "reason",
    ];
    fn cells(&self) -> [Cell; 17] {
        let rank = |rank: Option<usize>| rank.map_or(Cell::Whole(None), Cell::count);
        [
            Cell::text(&self.provider),
            Cell::text(&self.name),
            Cell::tier(self.tier),
            Cell::maybe(self.span.as_ref()),
            Cell::Number(self.adjusted),
            Cell::Number(self.low),
            Cell::Number(self.high),
            rank(self.rank_low),
            rank(self.rank_high),
            Cell::Number(self.traffic_mean),
            Cell::Number(self.model_mean),
            Cell::count(self.models),
            Cell::count(self.shared_models),
            Cell::count(self.endpoints),
            Cell::Number(Some(self.tokens_per_day)),
            Cell::maybe(self.since),
            Cell::maybe(self.reason.as_ref()),
        ]
    }
}

impl Row<10> for ModelSummary {
    const COLUMNS: [&'static str; 10] = [
        "model_id",
        "slug",
        "variant",
        "name",
        "created",
        "context_length",
        "hit_rate",
        "tokens_per_day",
        "endpoints",
        "providers",
    ];
    fn cells(&self) -> [Cell; 10] {
        let providers: Vec<&str> = self.providers.iter().map(|slug| slug.as_str()).collect();
        [
            Cell::text(&self.model_id),
            Cell::text(&self.slug),
            Cell::text(&self.variant),
            Cell::text(&self.name),
            Cell::Time(self.created),
            Cell::Whole(self.context_length),
            Cell::Number(self.hit_rate),
            Cell::Number(Some(self.tokens_per_day)),
            Cell::count(self.endpoints),
            Cell::Text(providers.join(" ")),
        ]
    }
}

impl Row<11> for ProviderSummary {
    const COLUMNS: [&'static str; 11] = [
        "provider",
        "name",
        "headquarters",
        "models",
        "endpoints",
        "tokens_per_day",
        "cache",
        "cost",
        "reliability",
        "speed",
        "overall",
    ];
    fn cells(&self) -> [Cell; 11] {
        let of = |lens: Lens| Cell::tier(self.tiers.get(&lens).copied().unwrap_or(Tier::Unrated));
        [
            Cell::text(&self.provider),
            Cell::text(&self.name),
            Cell::maybe(self.headquarters.as_ref()),
            Cell::count(self.models),
            Cell::count(self.endpoints),
            Cell::Number(Some(self.tokens_per_day)),
            of(Lens::Cache),
            of(Lens::Cost),
            of(Lens::Reliability),
            of(Lens::Speed),
            of(Lens::Overall),
        ]
    }
}

impl Row<6> for Served {
    const COLUMNS: [&'static str; 6] = ["model_id", "tag", "tier", "hit_rate", "effective_input", "flags"];
    fn cells(&self) -> [Cell; 6] {
        [
            Cell::text(&self.model_id),
            Cell::text(&self.tag),
            Cell::tier(self.tier),
            Cell::Number(self.hit_rate),
            Cell::Number(self.effective_input),
            Cell::Text(names(&self.flags)),
        ]
    }
}

impl Row<27> for RecentReading {
    const COLUMNS: [&'static str; 27] = [
        "run_id",
        "observed_at",
        "window_kind",
        "window_start",
        "window_end",
        "model",
        "variant",
        "endpoint_id",
        "provider",
        "provider_name",
        "tag",
        "hit_rate",
        "tokens",
        "effective_input",
        "effective_output",
        "list_input",
        "list_output",
        "list_cache_read",
        "list_cache_write",
        "uptime_5m",
        "uptime_30m",
        "uptime_1d",
        "status",
        "list_cache_write_1h",
        "max_prompt_tokens",
        "deprecation_date",
        "created_at",
    ];
    fn cells(&self) -> [Cell; 27] {
        [
            Cell::text(&self.run_id),
            Cell::Time(Some(self.observed_at)),
            Cell::text(self.window_kind),
            Cell::Time(self.window_start),
            Cell::Time(self.window_end),
            Cell::text(&self.model),
            Cell::text(&self.variant),
            Cell::text(self.endpoint_id),
            Cell::text(&self.provider),
            Cell::text(&self.provider_name),
            Cell::text(&self.tag),
            Cell::Number(self.hit_rate),
            Cell::Whole(self.tokens),
            Cell::Number(self.effective_input),
            Cell::Number(self.effective_output),
            Cell::Number(self.list_input),
            Cell::Number(self.list_output),
            Cell::Number(self.list_cache_read),
            Cell::Number(self.list_cache_write),
            Cell::Number(self.uptime_5m),
            Cell::Number(self.uptime_30m),
            Cell::Number(self.uptime_1d),
            Cell::Whole(self.status.map(i64::from)),
            Cell::Number(self.list_cache_write_1h),
            Cell::Whole(self.max_prompt_tokens),
            Cell::Time(self.deprecation_date),
            Cell::Time(self.created_at),
        ]
    }
}

impl Row<6> for Event {
    const COLUMNS: [&'static str; 6] = ["at", "kind", "model_id", "tag", "detail", "provider"];
    fn cells(&self) -> [Cell; 6] {
        [
            Cell::Time(Some(self.at)),
            Cell::text(self.kind),
            Cell::maybe(self.model_id.as_ref()),
            Cell::maybe(self.tag.as_ref()),
            Cell::text(&self.detail),
            Cell::maybe(self.provider.as_ref()),
        ]
    }
}
