//! List prices with their conditional prices.

use super::{Row, clip, wire};
use crate::domain::bounds;
use crate::domain::endpoint::{ListPrices, PriceTier};
use crate::domain::reading::QuarantineReason;
use crate::upstream::openrouter::price_override::Override;

pub(super) fn list_prices(wire: Option<wire::Pricing>, row: &mut Row) -> ListPrices {
    let Some(wire) = wire else { return ListPrices::default() };
    ListPrices {
        input: row.price("pricing.prompt", wire.prompt),
        output: row.price("pricing.completion", wire.completion),
        cache_read: row.price("pricing.input_cache_read", wire.input_cache_read),
        cache_write: row.price("pricing.input_cache_write", wire.input_cache_write),
        cache_write_1h: row.price("pricing.input_cache_write_1h", wire.input_cache_write_1h),
        discount: row.within("pricing.discount", wire.discount, &bounds::DISCOUNT),
        tiers: price_tiers(wire.overrides, row),
    }
}

/// The conditional prices that are fully understood. Without one of its conditions, a price would apply too often;
/// without one of its prices, the base price would apply instead. Such an override is never applied.
fn price_tiers(overrides: Vec<Option<Override>>, row: &mut Row) -> Vec<PriceTier> {
    let mut tiers = Vec::with_capacity(overrides.len());
    for (position, wire) in overrides.into_iter().enumerate() {
        let Some(wire) = wire else { continue };
        let before = row.faults.len();
        let tier = price_tier(wire, &format!("pricing.overrides[{position}]"), row);
        if row.faults.len() == before {
            tiers.push(tier);
        }
    }
    tiers
}

fn price_tier(wire: Override, path: &str, row: &mut Row) -> PriceTier {
    for (key, detail) in &wire.not_understood {
        let key = clip(key);
        let (field, named) = match key.as_str() {
            "" => (path.to_owned(), String::new()),
            key => (format!("{path}.{key}"), format!("`{key}`: ")),
        };
        let detail = format!("{named}{detail}; the price is never applied");
        row.fault(QuarantineReason::UnknownCondition, &field, detail);
    }
    let at = |field: &str| format!("{path}.{field}");
    PriceTier {
        min_prompt_tokens: row.within(&at("min_prompt_tokens"), wire.min_prompt_tokens, &bounds::LENGTH),
        utc_start: wire.utc_start,
        utc_end: wire.utc_end,
        utc_days: wire.utc_days,
        input: row.price(&at("prompt"), wire.prompt),
        output: row.price(&at("completion"), wire.completion),
        cache_read: row.price(&at("input_cache_read"), wire.input_cache_read),
        cache_write: row.price(&at("input_cache_write"), wire.input_cache_write),
        cache_write_1h: row.price(&at("input_cache_write_1h"), wire.input_cache_write_1h),
    }
}
