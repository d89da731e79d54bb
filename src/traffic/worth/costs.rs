//! What the user's calls would have cost at every endpoint of their models, beside what was paid.

use super::host::{Basis, HostCost};
use super::lifetimes::Lifetimes;
use super::lists::ListHistory;
use super::turns::{LeftOut, ModelTurns, OwnTurn, OwnTurns};
use crate::domain::ids::{ModelSlug, Tag};
use crate::request_log::{PaidKind, SessionKind};
use crate::snapshot::Snapshot;
use crate::store::OwnCall;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the user's calls would have cost elsewhere: the document of `hitrate traffic costs --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Costs {
    /// Time of the first call that is priced; null without one whose time is known.
    pub from: Option<DateTime<Utc>>,
    /// Time of the last such call.
    pub to: Option<DateTime<Utc>>,
    /// Calls that are priced.
    pub calls: usize,
    /// By model, in the order of their ids.
    pub models: Vec<ModelCosts>,
    /// Calls that are not priced, by reason.
    pub left_out: LeftOut,
    /// What these numbers assume, in sentences.
    pub notes: Vec<String>,
}

/// What was paid for some calls, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PaidSum {
    /// What kind of money it is.
    pub kind: PaidKind,
    /// Number of calls.
    pub calls: usize,
    /// Their sum, USD; null if the log states no amount.
    pub usd: Option<f64>,
}

/// An endpoint that is named but not priced.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotPriced {
    /// Routing name (tag).
    pub tag: Tag,
    /// The reason.
    pub why: String,
}

/// The calls of one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelCosts {
    /// Public name of the model.
    pub model_id: String,
    /// Canonical slug.
    pub slug: ModelSlug,
    /// Calls that are priced.
    pub calls: usize,
    /// Their sessions; a call without one counts as one.
    pub sessions: usize,
    /// Sessions that hitrate inferred from times and growing prompts.
    pub guessed_sessions: usize,
    /// Prompt tokens.
    pub prompt_tokens: f64,
    /// Prompt tokens that a cache could have found: what the previous turn of the session already contained.
    pub reusable_tokens: f64,
    /// Prompt tokens that were read from a cache, as logged.
    pub read_tokens: f64,
    /// Output tokens.
    pub output_tokens: f64,
    /// What was paid, by kind: kinds are never added up.
    pub paid: Vec<PaidSum>,
    /// The endpoints, cheapest first; those with unknown caching come last, in the order of their cold cost.
    pub hosts: Vec<HostCost>,
    /// Tag of the cheapest endpoint with known caching.
    pub cheapest: Option<Tag>,
    /// Endpoints that could not have served the calls, or without a price.
    pub not_priced: Vec<NotPriced>,
}

/// Prices calls at every endpoint of their models. `lists` may be empty; then present prices are used, and a note says
/// so.
pub fn costs(calls: &[OwnCall], snapshot: &Snapshot, lists: &ListHistory, lifetimes: &Lifetimes) -> Costs {
    let turns = OwnTurns::of(calls, snapshot);
    let basis = Basis { lists, lifetimes, as_of: snapshot.as_of };
    let models: Vec<ModelCosts> = turns.models.iter().map(|of| model_costs(of, &basis)).collect();
    let times = || turns.models.iter().flat_map(ModelTurns::turns).filter_map(|turn| turn.call.at);
    Costs {
        from: times().min(),
        to: times().max(),
        calls: models.iter().map(|model| model.calls).sum(),
        notes: notes(&models, lists),
        models,
        left_out: turns.left_out,
    }
}

fn model_costs(of: &ModelTurns<'_>, basis: &Basis<'_>) -> ModelCosts {
    let mut hosts = Vec::new();
    let mut not_priced = Vec::new();
    for endpoint in &of.model.endpoints {
        match basis.host(of, endpoint) {
            Ok(host) => hosts.push(host),
            Err(why) => not_priced.push(NotPriced { tag: endpoint.tag.clone(), why }),
        }
    }
    hosts.sort_by(|a, b| {
        let rank = |host: &HostCost| (host.usd.is_none(), host.usd.unwrap_or(host.cold));
        rank(a).0.cmp(&rank(b).0).then(rank(a).1.total_cmp(&rank(b).1)).then_with(|| a.tag.cmp(&b.tag))
    });
    let sum = |count: fn(&OwnTurn<'_>) -> f64| of.turns().map(count).sum::<f64>();
    ModelCosts {
        model_id: of.model.model_id.clone(),
        slug: of.model.slug.clone(),
        calls: of.turns().count(),
        sessions: of.sessions.len(),
        guessed_sessions: of.sessions.iter().filter(|one| one.kind == SessionKind::Guessed).count(),
        prompt_tokens: sum(|turn| turn.prompt),
        reusable_tokens: sum(|turn| turn.reusable),
        read_tokens: sum(|turn| turn.read),
        output_tokens: sum(|turn| turn.output),
        paid: paid(of),
        cheapest: hosts.first().filter(|host| host.usd.is_some()).map(|host| host.tag.clone()),
        hosts,
        not_priced,
    }
}

fn paid(of: &ModelTurns<'_>) -> Vec<PaidSum> {
    let mut kinds: BTreeMap<PaidKind, (usize, Option<f64>)> = BTreeMap::new();
    for turn in of.turns() {
        let (calls, usd) = kinds.entry(turn.call.paid_kind).or_default();
        *calls += 1;
        if let Some(paid) = turn.call.paid {
            *usd = Some(usd.unwrap_or(0.0) + paid);
        }
    }
    kinds.into_iter().map(|(kind, (calls, usd))| PaidSum { kind, calls, usd }).collect()
}

/// A bill that is off the list prices by less than this share may be rounded.
const BILL_AGREES_WITHIN: f64 = 0.02;

/// Whether a bill disagrees with the list prices of every endpoint that may have served the calls. A log that names only
/// the provider does not say which of its endpoints did, and one without writes leaves a range.
fn differs_from_bill(model: &ModelCosts) -> bool {
    let mut ranges: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for host in &model.hosts {
        let Some(own) = host.own else { continue };
        let ends = [own.against_paid, own.against_paid_if_written];
        for share in ends.into_iter().flatten().filter_map(|change| change.fraction) {
            let (low, high) =
                ranges.entry(host.provider.as_str()).or_insert((f64::INFINITY, f64::NEG_INFINITY));
            (*low, *high) = (low.min(share), high.max(share));
        }
    }
    ranges.values().any(|(low, high)| *low >= BILL_AGREES_WITHIN || *high <= -BILL_AGREES_WITHIN)
}

fn notes(models: &[ModelCosts], lists: &ListHistory) -> Vec<String> {
    let mut notes = Vec::new();
    let hosts = || models.iter().flat_map(|model| &model.hosts);
    let present: usize = hosts().map(|host| host.turns_at_present_prices).sum();
    if lists.is_empty() && !models.is_empty() {
        notes.push(
            "prices are the present list prices, because the record of past prices was not read".to_owned(),
        );
    } else if present > 0 {
        notes.push(
            "calls on days that the record does not cover are priced at the present list prices".to_owned(),
        );
    }
    if hosts().any(|host| !host.lifetime_known) {
        notes.push(
            "how long a cache keeps a prefix is unknown for some hosts; their public rate is applied whatever the pause"
                .to_owned(),
        );
    }
    if hosts().any(|host| host.assumed) {
        notes.push("full retention of some hosts is assumed from other models".to_owned());
    }
    if hosts().any(|host| host.expired_turns > 0) {
        notes.push(
            "after a pause longer than the published lifetime nothing is found; the public rate contains such pauses too, \
             so these costs are on the high side"
                .to_owned(),
        );
    }
    let kinds = || models.iter().flat_map(|model| &model.paid).map(|paid| paid.kind);
    if kinds().any(|kind| matches!(kind, PaidKind::FeeOnly | PaidKind::SubscriptionZero | PaidKind::Unknown))
    {
        notes.push(
            "calls that were paid by a subscription, or of which only a fee or nothing is known, are not compared with \
             what was paid"
                .to_owned(),
        );
    }
    if kinds().any(|kind| kind == PaidKind::ComputedByTool) {
        notes
            .push("some of what was paid was computed by the tool that wrote the log, not billed".to_owned());
    }
    if models.iter().any(differs_from_bill) {
        notes.push(
            "the bill of some calls differs by 2 % or more from the list prices with the same hits (`own.against_paid`): \
             the record does not have the prices of their days, or the account pays other ones"
                .to_owned(),
        );
    }
    if models.iter().any(|model| model.guessed_sessions > 0) {
        notes.push("some sessions are inferred from times and growing prompts".to_owned());
    }
    if !models.is_empty() {
        notes.push(
            "retries at another host, fees for buying credit and taxes are not included; written tokens are billed if the \
             host lists a write price"
                .to_owned(),
        );
    }
    notes
}
