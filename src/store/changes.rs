//! What changed, derived from the history tables as of a time: moves of list prices, facts of endpoints in turn, models
//! that came and went, and kinds of windows.

use super::columns::{self, each_row, naive, select};
use super::facts::facts_of;
use super::{Store, StoreError};
use crate::domain::endpoint::{EndpointFacts, PriceTier, Prices};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::price_move::{EndpointNames, PriceMove, PriceState};
use crate::domain::window::WindowKind;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const PRICES: &str = include_str!("../../queries/changes/prices.sql");
const FACTS: &str = include_str!("../../queries/changes/facts.sql");
const MODELS: &str = include_str!("../../queries/changes/models.sql");
const NAMES: &str = include_str!("../../queries/changes/names.sql");
const WINDOWS: &str = include_str!("../../queries/changes/windows.sql");

/// The facts of an endpoint over a time in which they did not change.
#[derive(Debug, Clone, PartialEq)]
pub struct FactsRow {
    /// The endpoint.
    pub endpoint_id: Uuid,
    /// Public name of its model, if a run listed it.
    pub model_id: Option<String>,
    /// Its facts.
    pub facts: EndpointFacts,
    /// The first run that saw them.
    pub valid_from: DateTime<Utc>,
    /// The first run that no longer saw them; `None` if they still held.
    pub valid_to: Option<DateTime<Utc>>,
    /// The last reading of the endpoint before them; `None` if there is none.
    pub last_read: Option<DateTime<Utc>>,
    /// Whether the row before could have the facts that older versions did not read.
    pub facts_known: bool,
    /// Whether a row without one directly before it is an appearance.
    pub may_appear: bool,
}

/// A model that was listed or is no longer listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedModel {
    /// The run that saw it.
    pub at: DateTime<Utc>,
    /// Whether it is listed from then on.
    pub is_listed: bool,
    /// For a model that is listed again, the first run that no longer listed it.
    pub absent_since: Option<DateTime<Utc>>,
    /// Canonical slug.
    pub model: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// Public name.
    pub model_id: String,
}

/// A run whose usage summaries cover another kind of window than those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowMove {
    /// The run.
    pub at: DateTime<Utc>,
    /// The kind before.
    pub before: WindowKind,
    /// Its kind.
    pub after: WindowKind,
}

/// The names by which changes can be filtered, also of what is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeNames {
    /// Public names and canonical slugs of models.
    pub models: BTreeSet<String>,
    /// Aliases of models with their targets.
    pub aliases: BTreeMap<String, String>,
    /// Base slugs of providers.
    pub providers: BTreeSet<String>,
    /// Tags and UUIDs of endpoints.
    pub endpoints: BTreeSet<String>,
}

impl Store {
    /// The names of all models, providers and endpoints of the record.
    ///
    /// # Errors
    /// [`StoreError`] if the record cannot be read.
    pub fn change_names(&self) -> Result<ChangeNames, StoreError> {
        let rows = select!(self, NAMES, [], |of_what: String, name: String, target: Option<String>| {
            (of_what, name, target)
        })?;
        let mut names = ChangeNames::default();
        for (of_what, name, target) in rows {
            match of_what.as_str() {
                "model" => _ = names.models.insert(name),
                "provider" => _ = names.providers.insert(name),
                "endpoint" => _ = names.endpoints.insert(name),
                _ => names.aliases.extend(target.map(|target| (name, target))),
            }
        }
        Ok(names)
    }

    /// All moves of list prices up to `as_of`, oldest first. The reading before a move is looked up from `read_from` on.
    ///
    /// # Errors
    /// [`StoreError`] if the record cannot be read.
    pub fn price_moves(
        &self,
        as_of: DateTime<Utc>,
        read_from: DateTime<Utc>,
    ) -> Result<Vec<PriceMove>, StoreError> {
        let moves: Vec<PriceMove> = select!(
            self,
            PRICES,
            [naive(as_of), naive(read_from)],
            |at: DateTime<Utc>,
             last_read: Option<DateTime<Utc>>,
             endpoint_id: Uuid,
             model: ModelSlug,
             variant: Variant,
             model_id: Option<String>,
             provider: Option<ProviderSlug>,
             tag: Option<Tag>,
             was_input: Option<f64>,
             now_input: Option<f64>,
             was_output: Option<f64>,
             now_output: Option<f64>,
             was_cache_read: Option<f64>,
             now_cache_read: Option<f64>,
             was_cache_write: Option<f64>,
             now_cache_write: Option<f64>,
             was_cache_write_1h: Option<f64>,
             now_cache_write_1h: Option<f64>,
             was_discount: Option<f64>,
             now_discount: Option<f64>,
             was_tiers: Vec<PriceTier>,
             now_tiers: Vec<PriceTier>,
             price_1h_known: bool| {
                let before = Prices {
                    input: was_input,
                    output: was_output,
                    cache_read: was_cache_read,
                    cache_write: was_cache_write,
                    cache_write_1h: if price_1h_known { was_cache_write_1h } else { now_cache_write_1h },
                };
                let after = Prices {
                    input: now_input,
                    output: now_output,
                    cache_read: now_cache_read,
                    cache_write: now_cache_write,
                    cache_write_1h: now_cache_write_1h,
                };
                PriceMove {
                    at,
                    last_read,
                    endpoint: EndpointNames { endpoint_id, model, variant, model_id, provider, tag },
                    before: PriceState { list: before, discount: was_discount, tiers: was_tiers },
                    after: PriceState { list: after, discount: now_discount, tiers: now_tiers },
                }
            }
        )?;
        Ok(moves.into_iter().filter(PriceMove::is_move).collect())
    }

    /// The facts of the endpoints that changed, appeared or went up to `as_of`: by endpoint, oldest first. The reading
    /// before a row is looked up from `read_from` on.
    ///
    /// # Errors
    /// [`StoreError`] if the record cannot be read.
    pub fn changed_facts(
        &self,
        as_of: DateTime<Utc>,
        read_from: DateTime<Utc>,
    ) -> Result<Vec<FactsRow>, StoreError> {
        self.read(|connection| {
            let mut rows = Vec::new();
            for batch in columns::batches(&mut connection.prepare(FACTS)?, [naive(as_of), naive(read_from)])?
            {
                let batch = batch?;
                let mut facts = facts_of(&batch)?.into_iter();
                each_row!(&batch, |endpoint_id: Uuid,
                                   model_id: Option<String>,
                                   valid_from: DateTime<Utc>,
                                   valid_to: Option<DateTime<Utc>>,
                                   last_read: Option<DateTime<Utc>>,
                                   facts_known: bool,
                                   may_appear: bool| {
                    rows.extend(facts.next().map(|facts| FactsRow {
                        endpoint_id,
                        model_id,
                        facts,
                        valid_from,
                        valid_to,
                        last_read,
                        facts_known,
                        may_appear,
                    }));
                });
            }
            Ok(rows)
        })
    }

    /// The models that came and went up to `as_of`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the record cannot be read.
    pub fn listed_models(&self, as_of: DateTime<Utc>) -> Result<Vec<ListedModel>, StoreError> {
        select!(
            self,
            MODELS,
            [naive(as_of)],
            ListedModel { at, is_listed, absent_since, model, variant, model_id }
        )
    }

    /// The changes of the kind of window up to `as_of`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the record cannot be read.
    pub fn window_moves(&self, as_of: DateTime<Utc>) -> Result<Vec<WindowMove>, StoreError> {
        select!(self, WINDOWS, [naive(as_of)], WindowMove { at, before: was_kind, after: now_kind })
    }
}
