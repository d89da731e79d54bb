//! What a preference may say about each endpoint of a model.

use super::answer::Wish;
use super::kept::{Missed, longest_prompt, missed};
use super::rank::{expected_cost, session_cost};
use super::{Evidence, TRAFFIC};
use crate::domain::flag::FlagKind;
use crate::domain::thresholds::{PREFERENCE_MIN_AGE_HOURS, PREFERENCE_MIN_UPTIME, PREFERENCE_READING_DAYS};
use crate::domain::tier::{Lens, Tier};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use chrono::{DateTime, Duration, Utc};

/// From this status down the upstream counts an endpoint as out of order (-5: uptime under 80 %, -10: disabled).
const STATUS_DOWN: i32 = -5;

/// One endpoint as a preference sees it.
pub(super) struct Judged<'a> {
    pub endpoint: &'a Endpoint,
    /// Position in the model's list.
    pub position: usize,
    /// By session cost within the model, under the workload.
    pub tier: Tier,
    /// Cost of a session, USD.
    pub cost: Option<f64>,
    /// What it is ranked by.
    pub expected: Option<f64>,
    /// The limits it does not keep.
    pub missed: Vec<Missed>,
    /// Why it must never be recommended.
    pub unfit: Option<String>,
    /// Why it should be avoided.
    pub avoid: Option<String>,
    why: String,
}

impl Judged<'_> {
    /// Whether it may be recommended under one of the tiers.
    pub fn good(&self, tiers: &[Tier]) -> bool {
        self.admitted() && self.unfit.is_none() && tiers.contains(&self.tier)
    }

    /// Whether it keeps all limits.
    pub fn admitted(&self) -> bool {
        self.missed.is_empty()
    }

    /// Why it is neither good nor bad, or what is wrong with it: limits first.
    pub fn shortcoming(&self) -> String {
        let missed: Vec<String> = self.missed.iter().map(Missed::text).collect();
        if !missed.is_empty() {
            return format!("outside of the limits: {}", missed.join(", "));
        }
        self.unfit.clone().or_else(|| self.avoid.clone()).unwrap_or_else(|| self.why.clone())
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
pub(super) fn judge<'a>(snapshot: &Snapshot, model: &'a ModelEntry, wish: &Wish<'_>) -> Vec<Judged<'a>> {
    let workload = wish.workload;
    let costs = Costs::of(model, workload, snapshot.default_workload());
    let longest = longest_prompt(snapshot, workload);
    let known = Known {
        as_of: snapshot.as_of,
        young_record: record_is_young(snapshot),
        // Where every endpoint is too short the sessions are cut.
        longest: longest.filter(|longest| model.endpoints.iter().any(|e| !is_short(e, *longest))),
    };
    let mut judged: Vec<Judged> = (model.endpoints.iter().enumerate())
        .map(|(position, endpoint)| {
            let cost = session_cost(endpoint, workload);
            let (tier, why) = costs.verdict(endpoint, cost);
            let broken = broken(endpoint);
            let expensive = matches!(tier, Tier::D | Tier::F).then(|| why.clone());
            let unfit = broken.clone().or_else(|| unfit(endpoint, cost, &known));
            let missed = missed(wish.limits, endpoint, longest);
            let expected = expected_cost(endpoint, workload);
            Judged {
                endpoint,
                position,
                tier,
                cost,
                expected,
                missed,
                unfit,
                avoid: broken.or(expensive),
                why,
            }
        })
        .collect();
    judged.sort_by(|a, b| {
        let key = |j: &Judged| j.expected.unwrap_or(f64::INFINITY);
        key(a).total_cmp(&key(b)).then_with(|| a.endpoint.tag.cmp(&b.endpoint.tag))
    });
    judged
}

/// Whether the whole record is too young for an endpoint's age to mean anything.
pub(super) fn record_is_young(snapshot: &Snapshot) -> bool {
    snapshot.as_of - snapshot.summary.first_run < Duration::hours(PREFERENCE_MIN_AGE_HOURS)
}

/// What every endpoint of a model is held against.
struct Known {
    as_of: DateTime<Utc>,
    /// Whether first sights say nothing about ages.
    young_record: bool,
    /// Longest prompt of the workload, tokens; `None` where it is not bounded or no endpoint takes it.
    longest: Option<f64>,
}

impl Known {
    /// Whether an endpoint is too new. The upstream's own date says so also where the record is young.
    fn is_new(&self, endpoint: &Endpoint) -> bool {
        let told = endpoint.created_at.is_some() || !self.young_record;
        let age = self.as_of - endpoint.since();
        told && (age < Duration::hours(PREFERENCE_MIN_AGE_HOURS) || endpoint.is_flagged(FlagKind::New))
    }
}

/// Whether an endpoint refuses a prompt of this length, tokens.
fn is_short(endpoint: &Endpoint, prompt: f64) -> bool {
    endpoint.max_prompt_tokens.is_some_and(|most| (most as f64) < prompt)
}

/// Whether nothing was read of an endpoint for days: neither usage in the newest run nor a price since.
fn is_unread(endpoint: &Endpoint, as_of: DateTime<Utc>) -> bool {
    let newest = endpoint.days.last().map(|day| day.day);
    let old = newest.is_none_or(|day| (as_of.date_naive() - day).num_days() > PREFERENCE_READING_DAYS);
    endpoint.tokens.is_none() && old
}

/// What makes an endpoint bad whatever it costs.
fn broken(endpoint: &Endpoint) -> Option<String> {
    match endpoint.status {
        Some(status) if status <= STATUS_DOWN => Some(format!("down: the upstream gives it status {status}")),
        _ if endpoint.is_flagged(FlagKind::Down) => Some("down in the newest run".to_owned()),
        _ if endpoint.is_flagged(FlagKind::Phantom) => {
            Some("phantom cache: it lists a discount for cached tokens and does not give it".to_owned())
        }
        _ => None,
    }
}

/// What keeps an endpoint from being recommended although it is not bad.
fn unfit(endpoint: &Endpoint, cost: Option<f64>, known: &Known) -> Option<String> {
    let low = |uptime: Option<f64>| uptime.filter(|share| *share < PREFERENCE_MIN_UPTIME);
    if let Some(uptime) = low(endpoint.uptime_30m).or(low(endpoint.uptime_1d)) {
        return Some(format!("uptime {:.1} %", uptime * 100.0));
    }
    if known.is_new(endpoint) {
        return Some(format!("appeared less than {PREFERENCE_MIN_AGE_HOURS} hours ago"));
    }
    if let Some(date) = endpoint.ended_by(known.as_of) {
        return Some(format!("deprecated: the upstream's last day for it was {}", date.format("%Y-%m-%d")));
    }
    if let (Some(longest), Some(most)) =
        (known.longest.filter(|longest| is_short(endpoint, *longest)), endpoint.max_prompt_tokens)
    {
        return Some(format!("it takes prompts of at most {most} tokens, and the longest has {longest:.0}"));
    }
    for (flag, meaning) in [
        (FlagKind::Restricted, "not offered to everybody"),
        (FlagKind::Deranked, "de-ranked by the upstream"),
    ] {
        if endpoint.is_flagged(flag) {
            return Some(meaning.to_owned());
        }
    }
    if cost.is_none() {
        return Some("its session cost is not known".to_owned());
    }
    is_unread(endpoint, known.as_of)
        .then(|| format!("nothing was read of it for over {PREFERENCE_READING_DAYS} days"))
}

/// The session costs of a model under one workload.
struct Costs<'a> {
    workload: &'a str,
    /// Whether the published tiers were made under this workload.
    published: bool,
    median: Option<f64>,
}

impl<'a> Costs<'a> {
    fn of(model: &ModelEntry, workload: &'a str, default: &str) -> Self {
        let rated = model.endpoints.iter().filter(|endpoint| endpoint.tier != Tier::Unrated);
        let mut costs: Vec<f64> = rated.filter_map(|endpoint| session_cost(endpoint, workload)).collect();
        costs.sort_by(f64::total_cmp);
        let middle = costs.len() / 2;
        let median = match costs.len() {
            0 | 1 => None,
            even if even % 2 == 0 => Some((costs[middle - 1] + costs[middle]) / 2.0),
            _ => Some(costs[middle]),
        };
        Self { workload, published: workload == default, median: median.filter(|median| *median > 0.0) }
    }

    /// The tier of an endpoint and why. What is unrated under the default workload is unrated under every other: there
    /// is too little behind it, whatever it is priced under.
    fn verdict(&self, endpoint: &Endpoint, cost: Option<f64>) -> (Tier, String) {
        let (Some(cost), Some(median), true) = (cost, self.median, endpoint.tier != Tier::Unrated) else {
            return (Tier::Unrated, endpoint.why.clone());
        };
        let relative = cost / median - 1.0;
        let tier = if self.published { endpoint.tier } else { Lens::Cost.cuts().tier(relative) };
        let why = format!(
            "tier {tier}: {} costs {cost:.4} USD, {:+.0} % against the model's median{}",
            what(self.workload),
            relative * 100.0,
            if self.published { held(endpoint) } else { String::new() }
        );
        (tier, why)
    }
}

/// That a tier is kept although the figures of the moment give another: without it the sentence would contradict itself.
fn held(endpoint: &Endpoint) -> String {
    let verdict = endpoint.verdicts.get(&Lens::Cost);
    let verdict = verdict.filter(|verdict| verdict.tier == endpoint.tier && verdict.naive != verdict.tier);
    verdict.map_or_else(String::new, |verdict| {
        let since = verdict.since.map_or_else(String::new, |day| format!(" since {day}"));
        format!(
            " (these figures alone: {}; {}{since}, as tiers change only where the change is sure or lasts)",
            verdict.naive, verdict.tier
        )
    })
}

fn what(workload: &str) -> String {
    match workload {
        TRAFFIC => "a million prompt tokens of its traffic".to_owned(),
        workload => format!("a {workload} session"),
    }
}
