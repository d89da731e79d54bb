//! Builds the world of a configuration: providers and models here, endpoints and events in their own files.

use chrono::{Datelike, Duration};

use super::config::SimulatorConfig;
use super::noise::{Draw, Noise};
use super::world::{Model, Provider, World};
use super::{endpoints, events, names, shifts};

/// Builds the world of a validated configuration.
pub(super) fn build(config: &SimulatorConfig) -> World {
    let noise = Noise::new(config.seed);
    let providers = (0..config.providers).map(|i| provider(config, noise, i)).collect();
    let models = (0..config.models).map(|i| model(config, noise, i)).collect();
    let mut world =
        World { noise, providers, models, endpoints: Vec::new(), pairs: Vec::new(), events: Vec::new() };
    if config.events {
        events::shift_one_provider(&mut world, config);
    }
    endpoints::populate(&mut world, config);
    if config.events {
        events::happen(&mut world, config);
    }
    endpoints::idle(&mut world, config.habits.idle_models);
    if let Some(shifts) = &config.shifts {
        shifts::plan(&mut world, config, shifts);
    }
    world
}

/// The hostile name that replaces an invented one, for the first few if hostile names are enabled.
fn hostile(config: &SimulatorConfig, index: usize) -> Option<String> {
    names::hostile(index).filter(|_| config.hostile_names).map(str::to_owned)
}

fn provider(config: &SimulatorConfig, noise: Noise, index: usize) -> Provider {
    let key = index as i64;
    let name = names::provider(index);
    let cacheless = index % 4 == 3 && index / 4 < config.cacheless_providers;
    let limited = if index % 13 == 5 {
        noise.at(Draw::Limited, [key]).between(0.5, 1.8)
    } else {
        0.01 * noise.at(Draw::Limited, [key]).factor(1.2).min(8.0)
    };
    Provider {
        slug: names::slug(&name),
        internal: name.replace(' ', ""),
        display: hostile(config, index).unwrap_or(name),
        headquarters: ["US", "DE", "SG", "CN", "FI", "FR"][noise.at(Draw::Catalog, [0, key]).index(6)],
        theta: endpoints::bounded(0.19 * noise.at(Draw::Theta, [key]).normal(), 0.27),
        shift: None,
        cacheless,
        bills_writes: !cacheless && index % 13 == 8,
        limited_ratio: limited,
    }
}

fn model(config: &SimulatorConfig, noise: Noise, index: usize) -> Model {
    let key = index as i64;
    let (id, name) = names::model(index);
    let created = config.start - Duration::days(30 + noise.at(Draw::Catalog, [1, key]).index(300) as i64);
    let date = format!("{:04}{:02}{:02}", created.year(), created.month(), created.day());
    Model {
        canonical: format!("{id}-{date}"),
        id,
        name: hostile(config, index).unwrap_or(name),
        created: created.timestamp(),
        context: [131_072, 200_000, 262_144, 1_048_576][noise.at(Draw::Catalog, [2, key]).index(4)],
        alpha: noise.at(Draw::Alpha, [key]).between(0.30, 0.69),
        price: (0.4 * noise.at(Draw::Price, [key]).factor(1.1)).clamp(0.03, 6.0),
        tiered: index % 9 == 7,
        log_tokens: 300e6_f64.ln() + 1.2 * noise.at(Draw::Volume, [0, key]).normal(),
    }
}
