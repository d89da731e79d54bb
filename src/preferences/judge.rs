//! Judges each endpoint of a model for a preference.

use super::kept::{Missed, longest_prompt, missed};
use super::rank::{expected_cost, session_cost, usual_cost};
use super::{Evidence, PreferenceOptions, TRAFFIC};
use crate::domain::endpoint::is_down;
use crate::domain::flag::FlagKind;
use crate::domain::format::{percent, percent_change};
use crate::domain::statistics::median;
use crate::domain::thresholds::{
    ENDPOINT_MIN_TOKENS, PREFERENCE_MIN_AGE_HOURS, PREFERENCE_MIN_UPTIME, PREFERENCE_READING_DAYS,
};
use crate::domain::tier::{Lens, Tier};
use crate::domain::workload::Room;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::wording::preferences::LittleTraffic;
use chrono::{DateTime, Duration, Utc};

/// One endpoint as a preference sees it.
pub(super) struct Judged<'a> {
    pub endpoint: &'a Endpoint,
    /// Position in the model's list.
    pub position: usize,
    /// Tier by session cost within the model, under the workload.
    pub tier: Tier,
    /// Cost of a session at the list prices of now, USD.
    pub cost: Option<f64>,
    /// The cost that endpoints are ranked by.
    pub expected: Option<f64>,
    /// The limits that it violates.
    pub missed: Vec<Missed>,
    /// Why it must never be recommended.
    pub unfit: Option<String>,
    /// Why it should be avoided.
    pub avoid: Option<String>,
    /// Whether it does not accept the longest turn of the workload, although other endpoints of the model do.
    pub too_short: bool,
    /// Why it has too little traffic to be named by `only`.
    pub thin: Option<LittleTraffic>,
    why: String,
}

impl Judged<'_> {
    /// Whether it may be recommended and is in one of the tiers.
    pub fn good(&self, tiers: &[Tier]) -> bool {
        self.admitted() && self.unfit.is_none() && tiers.contains(&self.tier)
    }

    /// Whether it may be recommended, is in one of the tiers, and has enough traffic to be named.
    pub fn nameable(&self, tiers: &[Tier]) -> bool {
        self.thin.is_none() && self.good(tiers)
    }

    /// Whether it meets all limits.
    pub fn admitted(&self) -> bool {
        self.missed.is_empty()
    }

    /// What is wrong with it, limits first; otherwise why it is neither good nor bad.
    pub fn shortcoming(&self) -> String {
        let missed: Vec<String> = self.missed.iter().map(Missed::text).collect();
        if !missed.is_empty() {
            return format!("violates the limits: {}", missed.join(", "));
        }
        let thin = || self.thin.map(|thin| thin.to_string());
        self.unfit.clone().or_else(|| self.avoid.clone()).or_else(thin).unwrap_or_else(|| self.why.clone())
    }

    pub fn evidence(&self) -> Evidence {
        let wrong = !self.admitted() || self.avoid.is_some();
        Evidence {
            tag: self.endpoint.tag.to_string(),
            provider: self.endpoint.provider.to_string(),
            tier: self.tier,
            session_cost: self.cost,
            expected_cost: self.expected,
            hit_rate: self.endpoint.hit_rate,
            uptime: self.endpoint.uptime_30m.or(self.endpoint.uptime_1d),
            why: match (wrong, self.admitted()) {
                (false, _) => self.why.clone(),
                (true, true) => self.avoid.clone().unwrap_or_default(),
                (true, false) => self.shortcoming(),
            },
        }
    }
}

/// Judges every endpoint of a model, lowest expected cost first; those without a cost come last.
pub(super) fn judge<'a>(
    snapshot: &Snapshot,
    model: &'a ModelEntry,
    options: &PreferenceOptions<'_>,
) -> Vec<Judged<'a>> {
    let workload = options.workload;
    let costs = Costs::of(snapshot, model, workload);
    let longest = longest_prompt(snapshot, workload);
    // The traffic has no longest turn.
    let known = snapshot.workload(workload).filter(|_| workload != TRAFFIC);
    let traffic = model.endpoints.iter().filter_map(|endpoint| endpoint.tokens_per_day).sum();
    let known = Known {
        as_of: snapshot.as_of,
        young_record: record_is_young(snapshot),
        room: known.map(|workload| model.room(workload)).unwrap_or_default(),
    };
    let mut judged: Vec<Judged> = (model.endpoints.iter().enumerate())
        .map(|(position, endpoint)| {
            let cost = session_cost(endpoint, workload);
            let (tier, why) = costs.verdict(endpoint);
            let broken = broken(endpoint);
            let expensive = matches!(tier, Tier::D | Tier::F).then(|| why.clone());
            let unfit = broken.clone().or_else(|| unfit(endpoint, cost, &known));
            let missed = missed(options.limits, endpoint, longest);
            let expected = expected_cost(endpoint, workload);
            let avoid = broken.or(expensive);
            let too_short = endpoint.is_too_short(known.room);
            let thin = LittleTraffic::of(endpoint.tokens_per_day, traffic);
            Judged { endpoint, position, tier, cost, expected, missed, unfit, avoid, too_short, thin, why }
        })
        .collect();
    judged.sort_by(|a, b| {
        let key = |j: &Judged| j.expected.unwrap_or(f64::INFINITY);
        key(a).total_cmp(&key(b)).then_with(|| a.endpoint.tag.cmp(&b.endpoint.tag))
    });
    judged
}

/// Whether the whole record is too young to say anything about an endpoint's age.
pub(super) fn record_is_young(snapshot: &Snapshot) -> bool {
    snapshot.as_of - snapshot.summary.first_run < Duration::hours(PREFERENCE_MIN_AGE_HOURS)
}

/// What all endpoints of a model are judged by.
struct Known {
    as_of: DateTime<Utc>,
    /// Whether the time of first sight says nothing about the age.
    young_record: bool,
    /// What the workload requires of an endpoint.
    room: Room,
}

impl Known {
    /// Whether an endpoint is too new. The upstream's own date decides this even if the record is young.
    fn is_new(&self, endpoint: &Endpoint) -> bool {
        let age_known = endpoint.facts.created_at.is_some() || !self.young_record;
        let age = self.as_of - endpoint.since();
        age_known && (age < Duration::hours(PREFERENCE_MIN_AGE_HOURS) || endpoint.is_flagged(FlagKind::New))
    }
}

/// Whether an endpoint has had no reading for days: neither usage in the newest run nor a recent price.
fn is_unread(endpoint: &Endpoint, as_of: DateTime<Utc>) -> bool {
    let newest = endpoint.days.last().map(|day| day.day);
    let old = newest.is_none_or(|day| (as_of.date_naive() - day).num_days() > PREFERENCE_READING_DAYS);
    endpoint.tokens.is_none() && old
}

/// What makes an endpoint bad regardless of its cost.
fn broken(endpoint: &Endpoint) -> Option<String> {
    match endpoint.status {
        Some(status) if is_down(status.into()) => Some(format!("down: the upstream reports status {status}")),
        _ if endpoint.is_flagged(FlagKind::Down) => Some("down in the newest run".to_owned()),
        _ if endpoint.is_flagged(FlagKind::Phantom) => {
            Some("phantom cache: a discount for cached tokens is listed but not applied".to_owned())
        }
        _ => None,
    }
}

/// Why an endpoint that is not bad still cannot be recommended.
fn unfit(endpoint: &Endpoint, cost: Option<f64>, known: &Known) -> Option<String> {
    let low = |uptime: Option<f64>| uptime.filter(|share| *share < PREFERENCE_MIN_UPTIME);
    if let Some(uptime) = low(endpoint.uptime_30m).or(low(endpoint.uptime_1d)) {
        return Some(format!("uptime {}", percent(uptime, 1)));
    }
    if known.is_new(endpoint) {
        return Some(format!("appeared less than {PREFERENCE_MIN_AGE_HOURS} hours ago"));
    }
    if let Some(date) = endpoint.ended_by(known.as_of) {
        return Some(format!("deprecated: the upstream stopped offering it on {}", date.format("%Y-%m-%d")));
    }
    let (context, prompt) = (endpoint.facts.context_length, endpoint.facts.max_prompt_tokens);
    if let Some(short) = known.room.lacking(context, prompt) {
        return Some(short.to_string());
    }
    let deranked = endpoint.is_flagged(FlagKind::Deranked).then_some("de-ranked by the upstream");
    if let Some(why) = endpoint.why_closed().or(deranked) {
        return Some(why.to_owned());
    }
    if cost.is_none() {
        return Some("its session cost is unknown".to_owned());
    }
    is_unread(endpoint, known.as_of)
        .then(|| format!("no reading for more than {PREFERENCE_READING_DAYS} days"))
}

/// The session costs of a model under one workload, at the usual list prices.
struct Costs<'a> {
    workload: &'a str,
    /// Whether the published tiers are based on this workload.
    published: bool,
    /// What the workload of the published tiers requires of an endpoint.
    room: Room,
    median: Option<f64>,
}

impl<'a> Costs<'a> {
    fn of(snapshot: &Snapshot, model: &ModelEntry, workload: &'a str) -> Self {
        let default = snapshot.default_workload();
        let room = snapshot.workload(default).map(Room::of).unwrap_or_default();
        let own = Self { workload, published: workload == default, room, median: None };
        let rated = model.endpoints.iter().filter(|endpoint| own.rates(endpoint));
        let costs: Vec<f64> = rated.filter_map(|endpoint| usual_cost(endpoint, workload)).collect();
        let has_choice = costs.len() > 1;
        let median = median(costs).filter(|median| has_choice && *median > 0.0);
        Self { median, ..own }
    }

    /// Whether an endpoint may have a tier. One that is unrated under the default workload is unrated under every other,
    /// because its data are too thin for any of them, unless it only is too short for the default workload.
    fn rates(&self, endpoint: &Endpoint) -> bool {
        let busy = || endpoint.tokens_per_day.is_some_and(|tokens| tokens >= ENDPOINT_MIN_TOKENS);
        endpoint.tier != Tier::Unrated || (!self.published && endpoint.is_too_short(self.room) && busy())
    }

    /// The tier of an endpoint and the reason.
    fn verdict(&self, endpoint: &Endpoint) -> (Tier, String) {
        let cost = usual_cost(endpoint, self.workload);
        let (Some(cost), Some(median), true) = (cost, self.median, self.rates(endpoint)) else {
            return (Tier::Unrated, endpoint.why.clone());
        };
        let relative = cost / median - 1.0;
        let tier = if self.published { endpoint.tier } else { Lens::Cost.tier(relative) };
        let why = format!(
            "tier {tier}: {} {} {cost:.4} USD, {} relative to the model's median{}",
            what(self.workload),
            if endpoint.unusual_cost_now(self.workload).is_some() { "usually costs" } else { "costs" },
            percent_change(relative, 1),
            if self.published { held(endpoint) } else { String::new() }
        );
        (tier, why)
    }
}

/// States that the measured figure is just past the edge of the tier's row; otherwise the sentence would contradict
/// itself.
fn held(endpoint: &Endpoint) -> String {
    let verdict = endpoint.verdicts.get(&Lens::Cost);
    let verdict = verdict.filter(|verdict| verdict.tier == endpoint.tier && verdict.naive != verdict.tier);
    verdict.map_or_else(String::new, |verdict| {
        let since = verdict.since.map_or_else(String::new, |day| format!(" since {day}"));
        format!(" (held at the edge of {}{since})", verdict.tier)
    })
}

fn what(workload: &str) -> String {
    match workload {
        TRAFFIC => "a million prompt tokens of its traffic".to_owned(),
        workload => format!("a {workload} session"),
    }
}
