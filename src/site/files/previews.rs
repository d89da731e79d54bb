//! The content of the pictures for link previews.

use super::card::{Card, Colour, WIDTH, Weight};
use crate::domain::tier::Tier;
use crate::site::parts::picks::picks;
use crate::site::parts::shell::View;
use crate::site::parts::{effect_with_unit, format, lens};
use crate::snapshot::{ModelEntry, ProviderEntry, ProviderTier};
use crate::wording::price_list::{self, ListVerdict};

const INK: Colour = [0x15, 0x18, 0x1e];
const SOFT: Colour = [0x56, 0x5d, 0x6a];
const GROUND: Colour = [0xfa, 0xfb, 0xfc];
const ACCENT: Colour = [0x1a, 0x52, 0xd8];
const WHITE: Colour = [0xff; 3];
const LEFT: f32 = 72.0;
const ROOM: f32 = WIDTH as f32 - 2.0 * LEFT;

/// The tier colours of the light scheme.
fn colour(tier: Tier) -> Colour {
    match tier {
        Tier::S => [0x14, 0x48, 0x9a],
        Tier::A => [0x11, 0x77, 0x95],
        Tier::B => [0x4c, 0x54, 0x63],
        Tier::C => [0x8a, 0x65, 0x00],
        Tier::D => [0x92, 0x2b, 0x00],
        Tier::F => [0x7a, 0x0a, 0x45],
        Tier::Unrated => SOFT,
    }
}

/// A card with the name of the site, a title, a subtitle and the origin of the data.
fn begin(view: &View, title: &str, sub: &str) -> Option<Card> {
    let mut card = Card::new(GROUND)?;
    card.fill((0, 0), (WIDTH, 12), ACCENT);
    card.write("hitrate", (LEFT, 96.0), (Weight::Bold, 44.0, INK), ROOM);
    card.write(title, (LEFT, 208.0), (Weight::Bold, 82.0, INK), ROOM);
    card.write(sub, (LEFT, 264.0), (Weight::Regular, 38.0, SOFT), ROOM);
    let simulated = if view.snapshot.simulated { "Simulated data · " } else { "" };
    let day = view.snapshot.as_of.format("%Y-%m-%d");
    let foot = format!("{simulated}{day} · data from {}’s public pages", view.snapshot.upstream());
    card.write(&foot, (LEFT, 590.0), (Weight::Regular, 30.0, SOFT), ROOM);
    Some(card)
}

/// A tier's letter on its colour.
fn letter(card: &mut Card, (x, y): (usize, usize), size: usize, tier: Tier) {
    card.fill((x, y), (size, size), colour(tier));
    let text = if tier == Tier::Unrated { "–".to_owned() } else { tier.to_string() };
    let height = size as f32 * 0.78;
    let width = card.width(&text, Weight::Bold, height);
    let place = (x as f32 + (size as f32 - width) / 2.0, y as f32 + size as f32 * 0.76);
    card.write(&text, place, (Weight::Bold, height, WHITE), size as f32);
}

/// The front page's card: the tier list of the default lens, as far as it fits. `None` if the fonts cannot be read.
pub fn of_site(view: &View) -> Option<Vec<u8>> {
    let snapshot = view.snapshot.as_ref();
    let mut card =
        begin(view, "Which hosts really cache", "Inference providers in tiers, with the evidence")?;
    let rows: Vec<&ProviderTier> = snapshot
        .tier_list(lens::DEFAULT_LENS, None)
        .map(|list| list.providers.iter().collect())
        .unwrap_or_default();
    for (index, tier) in Tier::RATED.into_iter().take(4).enumerate() {
        let y = 300 + index * 60;
        letter(&mut card, (LEFT as usize, y), 52, tier);
        let names: Vec<&str> = rows.iter().filter(|r| r.tier == tier).map(|r| r.name.as_str()).collect();
        let text = if names.is_empty() { "none".to_owned() } else { names.join(" · ") };
        let style = (Weight::Regular, 34.0, INK);
        card.write(&text, (LEFT + 72.0, y as f32 + 38.0), style, ROOM - 72.0);
    }
    Some(card.png())
}

/// A provider's card: its tier under every lens. `None` if the fonts cannot be read.
pub fn of_provider(view: &View, provider: &ProviderEntry) -> Option<Vec<u8>> {
    let snapshot = view.snapshot.as_ref();
    let endpoints = format!("{} endpoints on {} models", provider.endpoints, provider.models.len());
    let mut card = begin(view, &provider.name, &endpoints)?;
    let width = ROOM / 5.0;
    for (index, lens) in lens::all().into_iter().enumerate() {
        let x = LEFT + width * index as f32;
        let row = snapshot.tier_of(&provider.provider, lens);
        letter(&mut card, (x as usize, 318), 110, row.map_or(Tier::Unrated, |row| row.tier));
        card.write(lens::title(lens), (x, 474.0), (Weight::Bold, 32.0, INK), width - 12.0);
        let value = row.filter(|row| row.tier != Tier::Unrated).and_then(|row| row.adjusted);
        let value = value.map_or_else(|| "unrated".to_owned(), |v| effect_with_unit(lens, v));
        card.write(&value, (x, 514.0), (Weight::Regular, 30.0, SOFT), width - 12.0);
    }
    Some(card.png())
}

/// A model's card: its cheapest hosts and the price list's pick. `None` if the fonts cannot be read.
pub fn of_model(view: &View, model: &ModelEntry) -> Option<Vec<u8>> {
    let snapshot = view.snapshot.as_ref();
    let workload = snapshot.default_workload();
    let title = snapshot.default_title();
    let hosts = format!("{} hosts, cost of a {title} session", model.endpoints.len());
    let mut card = begin(view, &model.name, &hosts)?;
    let priced = model.endpoints.iter().filter_map(|e| Some((e, *e.session_cost.get(workload)?)));
    for (index, (endpoint, cost)) in priced.take(3).enumerate() {
        let y = 300 + index * 66;
        letter(&mut card, (LEFT as usize, y), 56, endpoint.tier);
        let style = (Weight::Bold, 38.0, INK);
        card.write(&format::usd(cost), (LEFT + 78.0, y as f32 + 42.0), style, 200.0);
        card.write(
            &endpoint.name,
            (LEFT + 270.0, y as f32 + 42.0),
            (Weight::Regular, 38.0, INK),
            ROOM - 270.0,
        );
    }
    let text = match picks(snapshot, model) {
        None => "There is no choice of hosts.".to_owned(),
        Some(picks) => match (picks.verdict, picks.surcharge()) {
            (ListVerdict::Misleads, Some(surcharge)) => {
                format!("Taking the lowest list price costs {} more.", format::percent(surcharge))
            }
            (ListVerdict::Tie, _) => format!("The cheapest is {}.", price_list::place(picks.hosts)),
            (verdict, _) => verdict.to_string(),
        },
    };
    card.write(&text, (LEFT, 530.0), (Weight::Regular, 34.0, SOFT), ROOM);
    Some(card.png())
}
