//! The providers under one lens: effects over the cells, converted to the lens's unit and to tiers.

use super::effects::solve;
use super::equations::{Effects, Observation};
use super::field::Field;
use super::intervals::certainties;
use super::lenses::Gauge;
use super::next_week::{self, Parts};
use super::rating::{Scale, fill_rows};
use super::resample::{Plan, Replicates};
use super::sized::{Panel, SizedCell};
use super::standing::Standing;
use super::statistics::{Share, model_mean, spread, traffic_mean};
use super::{AnalysisError, Parameters, Tuning};
use crate::domain::hourly::RequestSize;
use crate::domain::ids::ProviderSlug;
use crate::domain::thresholds::{MIN_SHARED_MODELS, PROMPT_SIZE_MIN_COUNTS};
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{PromptSizeTerm, ProviderTier, Reliability};
use crate::wording::lists::Unrated;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::LN_2;
use uuid::Uuid;

/// A list together with the raw effects of its rated providers, which `overall` needs.
pub(super) struct Ranked {
    pub lens: Lens,
    pub providers: Vec<ProviderTier>,
    /// Effects of the rated providers on the lens's additive scale.
    pub theta: BTreeMap<String, f64>,
    /// How far the effects of the rated providers moved within the window, in the order of [`listed_providers`]; `None`
    /// if that is unknown.
    pub moves: Vec<Option<f64>>,
    /// The same effects on resampled sets of models, providers in the order of [`listed_providers`].
    pub replicates: Replicates,
    /// The term by which the measures are compared at the same size of the prompts.
    pub prompt_size: Option<PromptSizeTerm>,
}

/// What all lenses of a field share.
pub(super) struct Ground<'a> {
    field: &'a Field,
    parts: &'a Parts,
    names: &'a BTreeMap<String, String>,
    sizes: &'a BTreeMap<Uuid, RequestSize>,
    pub providers: Vec<&'a str>,
    /// Models of the cells, by name.
    pub models: BTreeMap<&'a str, usize>,
    plan: Plan,
    pub ridge: f64,
}

impl<'a> Ground<'a> {
    pub fn new(field: &'a Field, parts: &'a Parts, parameters: &'a Parameters, tuning: &Tuning) -> Self {
        let mut hosts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for cell in field.cells() {
            hosts.entry(cell.model.as_str()).or_default().insert(cell.provider.as_str());
        }
        let shared: Vec<_> = hosts
            .values()
            .enumerate()
            .filter(|(_, hosts)| hosts.len() > 1)
            .map(|(number, _)| number)
            .collect();
        let plan = Plan::new(hosts.len(), &shared, tuning.resamples);
        let models = hosts.into_keys().enumerate().map(|(number, name)| (name, number)).collect();
        Self {
            field,
            parts,
            names: &parameters.provider_names,
            sizes: &parameters.prompt_sizes,
            providers: listed_providers(field),
            models,
            plan,
            ridge: tuning.ridge,
        }
    }

    /// The logarithm of the tokens a request of a cell, if it is known from at least `counts` counts of requests.
    fn size(&self, cell: &Cell<'_>, counts: u32) -> Option<f64> {
        let size = self.sizes.get(&cell.standing.id).filter(|size| size.counts() >= counts)?;
        size.tokens_per_request().map(f64::ln).filter(|size| size.is_finite())
    }
}

/// An endpoint that a lens compares, with its measure and the value on the additive scale.
pub(super) struct Cell<'a> {
    pub standing: &'a Standing,
    measure: f64,
    y: f64,
}

/// The endpoints that a lens compares.
pub(super) fn cells<'a>(gauge: &Gauge<'_>, ground: &Ground<'a>) -> Vec<Cell<'a>> {
    let read = |standing| gauge.read(standing).map(|(measure, y)| Cell { standing, measure, y });
    let room = gauge.room();
    ground.field.cells().filter(|standing| standing.lacking(room).is_none()).filter_map(read).collect()
}

/// The cells whose tokens a request are known from at least `counts` counts, for the equations with the size of the
/// prompts.
pub(super) fn sized(cells: &[Cell<'_>], ground: &Ground<'_>, counts: u32) -> Panel {
    let sized = |cell: &Cell<'_>| {
        Some(SizedCell {
            size: ground.size(cell, counts)?,
            row: observation(cell, ground, published_weight)?,
        })
    };
    Panel {
        cells: cells.iter().filter_map(sized).collect(),
        providers: ground.providers.len(),
        models: ground.models.len(),
        ridge: ground.ridge,
    }
}

/// The endpoints that a lens compares, under `cache` with their hit rates at the mean prompt size of their model, and the
/// term behind that. An endpoint of unknown size counts as one of the mean size.
pub(super) fn adjusted_cells<'a>(
    gauge: &Gauge<'_>,
    ground: &Ground<'a>,
) -> Result<(Vec<Cell<'a>>, Option<PromptSizeTerm>), AnalysisError> {
    let mut cells = cells(gauge, ground);
    if gauge.lens != Lens::Cache {
        return Ok((cells, None));
    }
    let panel = sized(&cells, ground, PROMPT_SIZE_MIN_COUNTS);
    let term = panel.term()?;
    if let Some(term) = term {
        let means = panel.mean_sizes();
        for cell in &mut cells {
            let model = ground.models.get(cell.standing.model.as_str());
            if let Some((size, mean)) =
                ground.size(cell, PROMPT_SIZE_MIN_COUNTS).zip(model.and_then(|model| means[*model]))
            {
                cell.y -= term.per_doubling * (size - mean) / LN_2;
            }
        }
    }
    Ok((cells, term))
}

pub(super) fn ranked(gauge: &Gauge<'_>, ground: &Ground<'_>) -> Result<Ranked, AnalysisError> {
    let (field, listed) = (ground.field, &ground.providers);
    let (cells, prompt_size) = adjusted_cells(gauge, ground)?;
    let rows = observations(&cells, ground, published_weight);
    let effects = effects(gauge, &rows, ground)?;
    let replicates = Replicates::of(&rows, &effects, &ground.plan, ground.ridge)?;
    let (mut providers, mut points) = (Vec::new(), Vec::new());
    for (number, provider) in listed.iter().enumerate() {
        let mut row = evidence(provider, ground.names, &cells);
        row.shared_models = effects.shared_models[number];
        row.reason = unrated(gauge, field, &row, &effects, number).map(|reason| reason.to_string());
        // Outside the rated component an effect is relative to other peers, so it is not shown next to these.
        row.adjusted = effects.comparable(number);
        points.push(row.adjusted.filter(|_| row.reason.is_none()));
        providers.push(row);
    }
    let named = |(number, provider): (usize, &&str)| Some(((*provider).to_owned(), points[number]?));
    let theta: BTreeMap<_, _> = listed.iter().enumerate().filter_map(named).collect();
    let scale = Scale { lens: gauge.lens, z: spread(&theta.values().copied().collect::<Vec<_>>()) };
    for row in &mut providers {
        finish(gauge, row, scale);
    }
    fill_rows(&mut providers, &certainties(&points, &replicates), scale);
    let moves = moves(gauge, &cells, &points, ground)?;
    next_week::fill_rows(&mut providers, &points, &moves, scale);
    sort(gauge.lens, &mut providers);
    Ok(Ranked { lens: gauge.lens, providers, theta, moves, replicates, prompt_size })
}

/// The effects of the listed providers, relative to the centre of the lens.
pub(super) fn effects(
    gauge: &Gauge<'_>,
    rows: &[Observation],
    ground: &Ground<'_>,
) -> Result<Effects, AnalysisError> {
    let mut effects = solve(rows, ground.providers.len(), ground.models.len(), ground.ridge)?;
    if gauge.lens == Lens::Cost {
        // Traffic goes to the cheap hosts, so relative to the traffic-weighted mean most hosts would look expensive.
        effects.centre_on_median(MIN_SHARED_MODELS);
    }
    Ok(effects)
}

/// How far the effects of the rated providers moved within the window, over the cells with days in both of its parts.
fn moves<'c>(
    gauge: &Gauge<'_>,
    cells: &[Cell<'c>],
    points: &[Option<f64>],
    ground: &Ground<'_>,
) -> Result<Vec<Option<f64>>, AnalysisError> {
    let moved = |cell: &Cell<'c>| Some(Cell { y: ground.parts.moved(gauge, cell.standing)?, ..*cell });
    let moved: Vec<Cell<'_>> = cells.iter().filter_map(moved).collect();
    let moved = effects(gauge, &observations(&moved, ground, published_weight), ground)?;
    Ok(points.iter().enumerate().map(|(number, point)| (*point).and(moved.comparable(number))).collect())
}

/// Providers of the newest run's standard variants, and those with cells; by name.
pub(super) fn listed_providers(field: &Field) -> Vec<&str> {
    let offered = |s: &&Standing| s.counts || (s.latest.is_some() && s.variant == "standard");
    let listed: BTreeSet<_> = field.standings.iter().filter(offered).map(|s| s.provider.as_str()).collect();
    listed.into_iter().collect()
}

/// The weight of a cell is the square root of its tokens per day. This damps the largest cells without ignoring volume.
pub(super) fn published_weight(tokens: f64) -> f64 {
    tokens.sqrt()
}

/// The row of a cell in the equations, with a weight made from its tokens per day.
pub(super) fn observation(
    cell: &Cell<'_>,
    ground: &Ground<'_>,
    weight: impl Fn(f64) -> f64,
) -> Option<Observation> {
    let provider = ground.providers.binary_search(&cell.standing.provider.as_str()).ok()?;
    let model = *ground.models.get(cell.standing.model.as_str())?;
    Some(Observation { model, provider, y: cell.y, weight: weight(cell.standing.tokens?) })
}

/// The rows of the cells.
pub(super) fn observations(
    cells: &[Cell<'_>],
    ground: &Ground<'_>,
    weight: impl Fn(f64) -> f64,
) -> Vec<Observation> {
    cells.iter().filter_map(|cell| observation(cell, ground, &weight)).collect()
}

/// A provider's row before it is rated.
fn evidence(provider: &str, names: &BTreeMap<String, String>, cells: &[Cell<'_>]) -> ProviderTier {
    let own = cells.iter().filter(|c| c.standing.provider == provider);
    let shares: Vec<_> = own
        .map(|c| Share {
            model: &c.standing.model,
            value: c.measure,
            tokens: c.standing.tokens.unwrap_or(0.0),
        })
        .collect();
    let name = names.get(provider).cloned().unwrap_or_else(|| provider.to_owned());
    ProviderTier {
        traffic_mean: traffic_mean(&shares),
        model_mean: model_mean(&shares),
        models: shares.iter().map(|s| s.model).collect::<BTreeSet<_>>().len(),
        endpoints: shares.len(),
        // Folded from 0, because the sum of an empty iterator is -0.
        tokens_per_day: shares.iter().fold(0.0, |sum, s| sum + s.tokens),
        ..ProviderTier::unrated(ProviderSlug::new(provider), name)
    }
}

/// Why a provider has no tier under this lens; `None` if it has one.
fn unrated(
    gauge: &Gauge<'_>,
    field: &Field,
    row: &ProviderTier,
    effects: &Effects,
    number: usize,
) -> Option<Unrated> {
    if gauge.lens == Lens::Reliability && gauge.reliability == Reliability::NotPublished {
        return Some(Unrated::NotPublished(gauge.reliability));
    }
    if row.endpoints == 0 {
        let mut own = field.cells().filter(|s| s.provider == row.provider.as_str()).peekable();
        if own.peek().is_none() {
            return Some(Unrated::LittleTraffic);
        }
        let short = own.all(|s| s.lacking(gauge.room()).is_some());
        return Some(if short { Unrated::TooShort } else { Unrated::NoData });
    }
    if row.shared_models == 0 || effects.component[number] != effects.largest {
        return Some(Unrated::NothingShared);
    }
    (row.shared_models < MIN_SHARED_MODELS).then_some(Unrated::FewShared(row.shared_models))
}

/// Converts the effect to the lens's unit and assigns the tier.
fn finish(gauge: &Gauge<'_>, row: &mut ProviderTier, scale: Scale) {
    row.adjusted = row.adjusted.and_then(|effect| scale.value(effect));
    if row.reason.is_some() {
        return;
    }
    row.tier = row.adjusted.map_or(Tier::Unrated, |value| gauge.lens.tier(value));
    row.reason = match (row.tier, gauge.lens) {
        (Tier::Unrated, _) => Some(Unrated::NoDifference.to_string()),
        (_, Lens::Reliability) => Some(gauge.reliability.to_string()),
        _ => None,
    };
}

/// Sorts rated providers best first, then the unrated ones by name. Several can be held at the edge of a row: there the
/// measured figures decide.
pub(super) fn sort(lens: Lens, providers: &mut [ProviderTier]) {
    let sign = if lens.cuts().higher_is_better { -1.0 } else { 1.0 };
    let place = |row: &ProviderTier| match row.tier {
        Tier::Unrated => [0.0; 2],
        _ => [row.adjusted, row.measured].map(|figure| sign * figure.unwrap_or(0.0)),
    };
    let order = |a: &ProviderTier, b: &ProviderTier| -> Ordering {
        let ([shown_a, raw_a], [shown_b, raw_b]) = (place(a), place(b));
        let figures = shown_a.total_cmp(&shown_b).then(raw_a.total_cmp(&raw_b));
        a.tier.cmp(&b.tier).then(figures).then_with(|| a.name.cmp(&b.name))
    };
    providers.sort_by(order);
}
