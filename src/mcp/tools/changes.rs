//! `what_changed`.

use super::super::address::Address;
use super::super::arguments::{WhatChanged, count};
use super::super::failure::Failure;
use super::super::reply::{Reply, text};
use super::super::source::{Listed, Source};
use crate::domain::window;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

pub(super) async fn answer(source: &Source, wanted: WhatChanged) -> Result<Reply, Failure> {
    let limit = count("limit", wanted.limit, 20, 100)?;
    let since = wanted.since.as_deref().map(time).transpose()?;
    let mut address = Address::of("/api/v1/changes").with_fields(&wanted, &["since", "limit"]);
    if let Some(since) = since {
        address = address.with("from", since.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    }
    let Listed { mut entries, meta, is_complete } = source.list(&address).await?;
    let found = entries.len();
    entries.truncate(limit);
    let at_least = if is_complete { "" } else { "at least " };
    let summary = match (entries.first(), found) {
        (None, _) => "no changes".to_owned(),
        (Some(newest), 1) => format!("1 change, at {}: {}", text(newest, "at"), text(newest, "why")),
        (Some(newest), _) => {
            format!(
                "{at_least}{found} changes; the newest, at {}: {}",
                text(newest, "at"),
                text(newest, "why")
            )
        }
    };
    Ok(Reply::new(summary, Value::Array(entries), meta, &address)
        .left_off("changes", found.saturating_sub(limit)))
}

fn time(text: &str) -> Result<DateTime<Utc>, Failure> {
    window::start(text.trim()).map_err(|why| {
        let shown: String = text.chars().take(40).collect();
        Failure::Argument(format!("`since` is `{shown}`; {why}"))
    })
}
