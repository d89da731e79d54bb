//! The lists of models and providers.

use crate::domain::endpoint::{Model, Provider};
use crate::domain::ids::{ModelSlug, Variant};
use crate::store::columns::{self, naive, select};
use crate::store::{Store, StoreError};
use chrono::{DateTime, Utc};

const MODELS: &str = include_str!("../../../queries/analysis/models.sql");
const ALIASES: &str = include_str!("../../../queries/analysis/aliases.sql");
const PROVIDERS: &str = include_str!("../../../queries/analysis/providers.sql");

impl Store {
    /// The models listed at `as_of`.
    pub fn models(&self, as_of: DateTime<Utc>) -> Result<Vec<Model>, StoreError> {
        let aliases =
            select!(self, ALIASES, [naive(as_of)], |alias: String, model_id: String| { (model_id, alias) })?;
        let mut models = self.models_alone(as_of)?;
        for model in &mut models {
            let own = aliases.iter().filter(|(model_id, _)| *model_id == model.model_id);
            model.aliases = own.map(|(_, alias)| alias.clone()).collect();
        }
        Ok(models)
    }

    /// The models without their aliases.
    fn models_alone(&self, as_of: DateTime<Utc>) -> Result<Vec<Model>, StoreError> {
        select!(
            self,
            MODELS,
            [naive(as_of)],
            |model: ModelSlug,
             variant: Variant,
             model_id: String,
             name: String,
             created_s: Option<i64>,
             context_length: Option<i64>| {
                let created = created_s.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                Model {
                    model,
                    variant,
                    model_id,
                    name,
                    created,
                    context_length,
                    is_free: None,
                    aliases: Vec::new(),
                }
            }
        )
    }

    /// The providers known at `as_of`.
    pub fn providers(&self, as_of: DateTime<Utc>) -> Result<Vec<Provider>, StoreError> {
        select!(
            self,
            PROVIDERS,
            [naive(as_of)],
            Provider { provider, name, headquarters, status_page, privacy_policy, terms_of_service }
        )
    }
}
