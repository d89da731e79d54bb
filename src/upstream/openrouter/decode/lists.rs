//! The lists of models and providers.

use super::{Found, Reader, Row, clip, wire};
use crate::domain::bounds;
use crate::domain::document::Pair;
use crate::domain::endpoint::{Model, Provider};
use crate::domain::ids::{ModelSlug, ProviderSlug, Variant};
use crate::domain::reading::QuarantineReason;
use crate::upstream::openrouter::{Content, DocumentKind};
use chrono::DateTime;
use rust_decimal::Decimal;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The tokenizer of router pseudo-models. Their price is a negative sentinel, because they have no fixed price.
const ROUTER: &str = "Router";

impl Reader<'_> {
    /// The models to sweep with their aliases. A second row of a model is quarantined, because its endpoints would count
    /// twice.
    pub(super) fn models(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let aliases: RefCell<Vec<(String, String)>> = RefCell::default();
        let rows = self.rows(body, |wire: wire::Model, row: &mut Row| {
            aliases.borrow_mut().extend(alias(&wire));
            Ok(model(wire, row)?.map(|model| (model, row.path.clone())))
        })?;
        let (mut ids, mut pairs) = (BTreeSet::new(), BTreeSet::new());
        let mut models = Vec::with_capacity(rows.len());
        for (model, path) in rows {
            let pair = Pair { model: model.model.clone(), variant: model.variant.clone() };
            let is_new_id = ids.insert(model.model_id.clone());
            if is_new_id && pairs.insert(pair.clone()) {
                models.push(model);
                continue;
            }
            let mut row = Row { pair: Some(pair), ..Row::at(path) };
            let field = if is_new_id { "canonical_slug" } else { "id" };
            let detail = format!("duplicate row of `{}`", clip(&model.model_id));
            row.fault(QuarantineReason::DuplicateModel, field, detail);
            self.take_faults(row);
        }
        let aliases = aliases.into_inner();
        for model in &mut models {
            let is_target = |target: &str| {
                target == model.model_id || (model.variant.is_standard() && target == model.model.as_str())
            };
            let own = aliases.iter().filter(|(_, target)| is_target(target));
            model.aliases = own.map(|(alias, _)| alias.clone()).collect();
            model.aliases.sort();
            model.aliases.dedup();
        }
        Ok(Some(Content::Models(models)))
    }

    /// The providers. A second row of a provider is quarantined, and so is a row of the statistics' list that lacks the
    /// name shown on pages: its other name is then used.
    pub(super) fn providers(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let displays_names = self.kind == DocumentKind::AllProviders;
        let convert = |wire: wire::Provider, row: &mut Row| {
            if displays_names && wire.display_name.is_none() {
                row.fault(QuarantineReason::ValueMissing, "displayName", "another name is used");
            }
            Ok(Some((provider(wire), row.path.clone())))
        };
        let rows = self.rows(body, convert)?;
        let mut known = BTreeSet::new();
        let mut providers = Vec::with_capacity(rows.len());
        for (provider, path) in rows {
            if known.insert(provider.provider.clone()) {
                providers.push(provider);
                continue;
            }
            let mut row = Row::at(path);
            let detail = format!("a second row of `{}`", provider.provider);
            row.fault(QuarantineReason::DuplicateProvider, "slug", detail);
            self.take_faults(row);
        }
        Ok(Some(Content::Providers(providers)))
    }
}

/// The name of an alias and that of its target.
fn alias(wire: &wire::Model) -> Option<(String, String)> {
    let target = wire.alias_target.as_ref()?.get("slug")?.as_str()?;
    wire.id.starts_with('~').then(|| (wire.id.clone(), target.to_owned()))
}

/// A model to sweep, or nothing for aliases and router pseudo-models.
fn model(wire: wire::Model, row: &mut Row) -> Result<Option<Model>, (&'static str, String)> {
    let is_router = wire.architecture.and_then(|a| a.tokenizer).is_some_and(|name| name == ROUTER);
    let price = wire.pricing.and_then(|pricing| pricing.prompt);
    let has_sentinel = price.is_some_and(|price| price < Decimal::ZERO);
    if wire.id.starts_with('~') || wire.alias_target.is_some() {
        return Ok(None);
    }
    if has_sentinel && !is_router {
        let detail = "a negative price; the model is left out";
        row.fault(QuarantineReason::ValueOutOfRange, "pricing.prompt", detail);
    }
    // A price that cannot be read has its own fault.
    if price.is_none() && !row.faults.iter().any(|fault| fault.path.contains("pricing")) {
        row.fault(QuarantineReason::ValueMissing, "pricing.prompt", "the model may be a router");
    }
    // A router that is free is listed like a model.
    if has_sentinel || (is_router && price != Some(Decimal::ZERO)) {
        return Ok(None);
    }
    if wire.id.is_empty() || wire.canonical_slug.is_empty() {
        return Err(("id", "the model has no id or no canonical slug".into()));
    }
    let (_, variant) = Variant::split(&wire.id);
    let model = ModelSlug::new(wire.canonical_slug);
    row.pair = Some(Pair { model: model.clone(), variant: variant.clone() });
    let created = row.within("created", wire.created, &bounds::EPOCH);
    Ok(Some(Model {
        model,
        variant,
        name: wire.name.unwrap_or_else(|| wire.id.clone()),
        created: created.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        context_length: row.length("context_length", wire.context_length),
        is_free: price.map(|price| price.is_zero()),
        aliases: Vec::new(),
        model_id: wire.id,
    }))
}

fn provider(wire: wire::Provider) -> Provider {
    let policy = wire.data_policy.unwrap_or_default();
    Provider {
        name: wire.display_name.or(wire.name).unwrap_or_else(|| wire.slug.clone()),
        provider: ProviderSlug::new(wire.slug),
        headquarters: wire.headquarters,
        status_page: wire.status_page_url,
        privacy_policy: wire.privacy_policy_url.or(policy.privacy_policy_url),
        terms_of_service: wire.terms_of_service_url.or(policy.terms_of_service_url),
    }
}
