//! An upstream of another shape: one JSON list of models, each with its providers and their prices, latency, throughput
//! and uptime. It publishes neither usage nor hit rates.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hitrate::domain::document::{Request, Subject};
use hitrate::domain::endpoint::{EndpointFacts, ListPrices, Model, Provider};
use hitrate::domain::ids::{DocumentName, ModelSlug, ProviderSlug, Tag, Variant};
use hitrate::domain::reading::{
    DocumentReport, Health, Known, QuarantineReason, Quarantined, Reading, RunReadings, SourceReport,
};
use hitrate::domain::units::UsdPerMtok;
use hitrate::upstream::{Due, Kind, Outcome, Upstream};
use rust_decimal::Decimal;
use serde::Deserialize;

/// Its name.
pub const NAME: &str = "listing";
/// Its only kind of documents.
const OFFERS: Kind = Kind { name: "offers", about: Subject::Endpoints };

/// The upstream at an address.
pub struct Listing {
    pub base_url: String,
}

#[derive(Deserialize)]
struct Offers {
    models: Vec<OfferedModel>,
}

#[derive(Deserialize)]
struct OfferedModel {
    id: String,
    offers: Vec<Offer>,
}

#[derive(Deserialize)]
struct Offer {
    provider: String,
    usd_per_mtok_in: Decimal,
    usd_per_mtok_out: Decimal,
    first_token_seconds: Option<f64>,
    tokens_per_second: Option<f64>,
    uptime_percent: Option<f64>,
}

impl Upstream for Listing {
    fn name(&self) -> &'static str {
        NAME
    }
    fn base_url(&self) -> &str {
        &self.base_url
    }
    fn kinds(&self) -> &'static [Kind] {
        &[OFFERS]
    }
    fn first(&self) -> Vec<Request> {
        vec![Request { kind: DocumentName::new(OFFERS.name), pair: None, path: "/offers.json".into() }]
    }
    fn next(&self, _outcomes: &[Outcome<'_>], _due: &Due) -> Vec<Request> {
        Vec::new()
    }
    fn read(&self, outcomes: &[Outcome<'_>], observed_at: DateTime<Utc>, _known: &Known) -> RunReadings {
        let mut run = RunReadings { observed_at, ..RunReadings::default() };
        let mut counts = SourceReport { source: NAME.into(), ..SourceReport::default() };
        for outcome in outcomes {
            counts.planned += 1;
            match outcome.answered().map(|_| serde_json::from_slice::<Offers>(outcome.body)) {
                Some(Ok(offers)) => {
                    counts.ok += 1;
                    add(offers, &mut run);
                }
                Some(Err(error)) => {
                    counts.failed += 1;
                    run.quarantined.push(unreadable(outcome, error.to_string()));
                }
                None => counts.failed += 1,
            }
        }
        let of_kind = SourceReport { source: OFFERS.name.into(), ..counts.clone() };
        run.documents = vec![DocumentReport { about: OFFERS.about, counts: of_kind }];
        run.sources = vec![counts];
        run
    }
    fn field_names(&self, path: &str) -> (String, &'static [&'static str]) {
        (path.to_owned(), &[])
    }
}

fn unreadable(outcome: &Outcome<'_>, detail: String) -> Quarantined {
    let kind = DocumentName::new(OFFERS.name);
    Quarantined::new(QuarantineReason::Undecodable, kind, None, "$", detail, outcome.sha256)
}

fn add(offers: Offers, run: &mut RunReadings) {
    let mut providers: BTreeMap<String, Provider> = BTreeMap::new();
    for OfferedModel { id, offers } in offers.models {
        let model = ModelSlug::new(&id);
        run.models.push(Model {
            model: model.clone(),
            variant: Variant::standard(),
            model_id: id.clone(),
            name: id,
            created: None,
            context_length: None,
            is_free: None,
            aliases: Vec::new(),
        });
        for offer in offers {
            providers.entry(offer.provider.clone()).or_insert_with(|| provider(&offer.provider));
            run.readings.push(reading(&model, offer));
        }
    }
    run.providers = providers.into_values().collect();
}

fn provider(name: &str) -> Provider {
    Provider {
        provider: ProviderSlug::new(name),
        name: name.to_owned(),
        headquarters: None,
        status_page: None,
        privacy_policy: None,
        terms_of_service: None,
    }
}

fn reading(model: &ModelSlug, offer: Offer) -> Reading {
    let facts = EndpointFacts {
        model: model.clone(),
        variant: Variant::standard(),
        tag: Tag::new(&offer.provider),
        provider: ProviderSlug::new(&offer.provider),
        provider_name: offer.provider,
        ..EndpointFacts::default()
    };
    Reading {
        facts,
        prices: ListPrices {
            input: Some(UsdPerMtok(offer.usd_per_mtok_in)),
            output: Some(UsdPerMtok(offer.usd_per_mtok_out)),
            ..ListPrices::default()
        },
        health: Health {
            latency_ms: offer.first_token_seconds.map(|seconds| seconds * 1000.0),
            throughput: offer.tokens_per_second,
            uptime_1d: offer.uptime_percent.map(|percent| percent / 100.0),
            ..Health::default()
        },
        usage: None,
        closing_prices: BTreeMap::new(),
    }
}
