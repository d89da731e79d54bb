//! Fits a workload to a request log, so that the fitted session has the log's mean turns, prompt tokens, output tokens
//! and reusable share, which determine the bill.

use super::request::Request;
use super::sessions::{Grouping, sessions};
use crate::domain::thresholds::SESSION_MIN_REUSE;
use crate::domain::workload::{CacheTtl, Failures, LensWeights, Workload};
use serde::Serialize;

/// How the reusable tokens of a log are determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReuseFrom {
    /// The cache found nearly all of the previous prompts, so the rest counts as new.
    Found,
    /// Prompts build on each other and the cache found less; the previous prompt counts as reusable.
    Growth,
    /// Prompts do not build on each other; only the tokens found in the cache count as reusable.
    FoundOnly,
}

/// The totals of a session whose prompts build on each other, or their means over sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Moments {
    /// Turns.
    pub turns: f64,
    /// Prompt tokens.
    pub prompt_tokens: f64,
    /// Output tokens.
    pub output_tokens: f64,
    /// Prompt tokens that no earlier turn sent.
    pub fresh_tokens: f64,
}

impl Moments {
    /// Maximum share of the prompt tokens that a cache can hold, 0..1.
    pub fn reusable_share(&self) -> f64 {
        if self.prompt_tokens > 0.0 { 1.0 - self.fresh_tokens / self.prompt_tokens } else { 0.0 }
    }
}

/// A workload fitted to a log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fit {
    /// The workload.
    pub workload: Workload,
    /// Number of requests that it was fitted to.
    pub requests: usize,
    /// Number of sessions, after cutting.
    pub sessions: usize,
    /// Number of cuts, where a prompt could reuse less than half of the previous one.
    pub cuts: usize,
    /// How the requests were grouped.
    pub grouping: Grouping,
    /// How the reusable tokens of a log are determined.
    pub reuse_from: ReuseFrom,
    /// Whether `output_cached` was observed; otherwise it is assumed.
    pub output_cached_seen: bool,
    /// Means over the sessions of the log.
    pub log: Moments,
    /// Means of the fitted session.
    pub fitted: Moments,
    /// Median number of turns per session.
    pub median_turns: f64,
    /// Share of prompt tokens that the log's own hosts found in their caches, 0..1; null if the log does not report it.
    pub hit_rate: Option<f64>,
    /// Total cost according to the log, USD; null if the log does not report it.
    pub cost: Option<f64>,
}

/// Why a log cannot be fitted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FitError {
    /// It has no request.
    #[error("there is no answered request with prompt tokens")]
    Nothing,
}

/// A cache is reliable if the median request found at least this share of the previous prompt.
const DEPENDABLE: f64 = 0.9;
/// Prompts build on each other if at least this share of them is at least as long as the previous one.
const CONVERSATION: f64 = 0.8;
/// Minimum number of request pairs for a conclusion about a cache.
const FEWEST_PAIRS: usize = 5;

/// Fits a workload called `name` to the requests of a log.
///
/// # Errors
/// [`FitError::Nothing`] if there is no request.
pub fn fit(requests: &[Request], name: &str) -> Result<Fit, FitError> {
    if requests.is_empty() {
        return Err(FitError::Nothing);
    }
    let grouped = sessions(requests);
    let reuse_from = reuse_from(&grouped.sessions);
    let seen = (reuse_from == ReuseFrom::Found).then(|| finds_outputs(&grouped.sessions));
    let output_cached = seen.unwrap_or(true);
    let stretches: Vec<Moments> = grouped.sessions.iter().flat_map(|s| cut(s, reuse_from)).collect();
    let moments = mean(&stretches);
    let workload = solve(&moments, output_cached, name, requests.len(), stretches.len());
    let cached: Option<f64> = requests.iter().map(|r| r.cached).sum();
    let prompts: f64 = requests.iter().map(|r| r.prompt).sum();
    let mut turns: Vec<f64> = stretches.iter().map(|s| s.turns).collect();
    turns.sort_by(f64::total_cmp);
    Ok(Fit {
        fitted: Moments {
            turns: f64::from(workload.turns),
            prompt_tokens: workload.prompt_tokens(),
            output_tokens: workload.output_tokens(),
            fresh_tokens: workload.prompt_tokens() * (1.0 - workload.reusable_share()),
        },
        workload,
        requests: requests.len(),
        sessions: stretches.len(),
        cuts: stretches.len() - grouped.sessions.len(),
        grouping: grouped.grouping,
        reuse_from,
        output_cached_seen: seen.is_some(),
        log: moments,
        median_turns: turns[turns.len() / 2],
        hit_rate: cached.map(|cached| cached / prompts),
        cost: requests.iter().map(|r| r.cost).sum(),
    })
}

fn pairs(sessions: &[Vec<Request>]) -> impl Iterator<Item = (&Request, &Request)> {
    sessions.iter().flat_map(|s| s.windows(2).map(|pair| (&pair[0], &pair[1])))
}

fn reuse_from(sessions: &[Vec<Request>]) -> ReuseFrom {
    let all = pairs(sessions).count();
    let grown: Vec<(&Request, &Request)> = pairs(sessions).filter(|(a, b)| b.prompt >= a.prompt).collect();
    let found = grown.iter().filter_map(|(a, b)| Some((b.cached? / a.prompt).min(1.0)));
    let mut found: Vec<f64> = found.collect();
    found.sort_by(f64::total_cmp);
    let reported = found.len() >= FEWEST_PAIRS && found.len() == grown.len();
    if reported && found[found.len() / 2] >= DEPENDABLE {
        ReuseFrom::Found
    } else if grown.len() as f64 >= CONVERSATION * all as f64 {
        ReuseFrom::Growth
    } else {
        ReuseFrom::FoundOnly
    }
}

/// Whether, in most turns, the cache found the previous prompt plus at least half of its output.
fn finds_outputs(sessions: &[Vec<Request>]) -> bool {
    let reported: Vec<bool> = pairs(sessions)
        .filter(|(a, b)| b.prompt >= a.prompt + a.output)
        .filter_map(|(a, b)| Some(b.cached? >= a.prompt + 0.5 * a.output && a.output > 0.0))
        .collect();
    reported.iter().filter(|found| **found).count() * 2 > reported.len()
}

fn reusable(before: &Request, request: &Request, from: ReuseFrom) -> f64 {
    let cached = request.cached.unwrap_or(0.0);
    let grown = request.prompt >= before.prompt;
    let reusable = match from {
        ReuseFrom::Growth if grown => cached.max(before.prompt + before.output),
        _ => cached,
    };
    reusable.min(request.prompt)
}

/// Cuts a session where a prompt can reuse less than half of the previous one: its context was compacted or cleared.
fn cut(session: &[Request], from: ReuseFrom) -> Vec<Moments> {
    let mut stretches: Vec<Moments> = Vec::new();
    for (at, request) in session.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| &session[before]);
        let reused = before.map_or(0.0, |before| reusable(before, request, from));
        // If prompts do not build on each other, sessions are not cut.
        let least = if from == ReuseFrom::FoundOnly { 0.0 } else { SESSION_MIN_REUSE };
        let continues = before.is_some_and(|before| reused >= least * before.prompt);
        match stretches.last_mut().filter(|_| continues) {
            Some(open) => {
                open.turns += 1.0;
                open.prompt_tokens += request.prompt;
                open.output_tokens += request.output;
                open.fresh_tokens += request.prompt - reused;
            }
            None => stretches.push(Moments {
                turns: 1.0,
                prompt_tokens: request.prompt,
                output_tokens: request.output,
                fresh_tokens: request.prompt,
            }),
        }
    }
    stretches
}

fn mean(stretches: &[Moments]) -> Moments {
    let over =
        |part: fn(&Moments) -> f64| stretches.iter().map(part).sum::<f64>() / stretches.len().max(1) as f64;
    Moments {
        turns: over(|s| s.turns),
        prompt_tokens: over(|s| s.prompt_tokens),
        output_tokens: over(|s| s.output_tokens),
        fresh_tokens: over(|s| s.fresh_tokens),
    }
}

/// The session whose closed forms (method 4) give the moments. With a whole number of turns `T`, the moments are scaled
/// by `T` over the mean number of turns. Then `F = S + T*u` (plus `(T-1)*o` if outputs are not cached) and
/// `P = T*S + u*T(T+1)/2 + o*T(T-1)/2` give `u = o + 2(T*F - P)/(T(T-1))` and `S = F - T*u`. Negative results become 0;
/// the fit then keeps the prompt tokens rather than the fresh tokens.
fn solve(moments: &Moments, output_cached: bool, name: &str, requests: usize, sessions: usize) -> Workload {
    let turns = moments.turns.round().max(1.0);
    let scale = turns / moments.turns;
    let (prompt, fresh) = (moments.prompt_tokens * scale, moments.fresh_tokens * scale);
    let output = moments.output_tokens * scale / turns;
    let fresh = if output_cached { fresh } else { fresh - (turns - 1.0) * output };
    let grown = output * turns * (turns - 1.0) / 2.0;
    let (first, new) = if turns < 2.0 {
        (0.0, prompt)
    } else {
        let new = output + 2.0 * (turns * fresh - prompt) / (turns * (turns - 1.0));
        let first = fresh - turns * new;
        if new < 0.0 {
            (((prompt - grown) / turns).max(0.0), 0.0)
        } else if first < 0.0 {
            (0.0, ((prompt - grown) * 2.0 / (turns * (turns + 1.0))).max(0.0))
        } else {
            (first, new)
        }
    };
    Workload {
        name: name.to_owned(),
        title: name.to_owned(),
        about: format!("Fitted to {sessions} sessions ({requests} requests) of a request log."),
        turns: turns as u32,
        first_prompt: first.round(),
        // A session with only empty prompts is impossible, so rounding must not produce one.
        new_input: new.round().max(if first.round() > 0.0 { 0.0 } else { 1.0 }),
        output: output.round(),
        output_cached,
        cache_ttl: CacheTtl::default(),
        weights: LensWeights::default(),
        failures: Failures::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(prompt: f64, output: f64, cached: f64) -> Request {
        Request { session: Some("s".into()), prompt, output, cached: Some(cached), ..Request::default() }
    }

    /// The log that a workload's own sessions would leave with a cache that finds `share` of the reusable tokens.
    fn log_of(workload: &Workload, sessions: usize, share: f64) -> Vec<Request> {
        let mut log = Vec::new();
        for session in 0..sessions {
            for turn in 1..=workload.turns {
                let cached = (share * workload.reusable_of_turn(turn)).round();
                let session = Some(session.to_string().into());
                log.push(Request {
                    session,
                    ..request(workload.prompt_of_turn(turn).round(), workload.output, cached)
                });
            }
        }
        log
    }

    #[test]
    fn a_workload_is_found_again_in_its_own_log() {
        for mut workload in Workload::shipped().expect("shipped workloads") {
            for output_cached in [true, false] {
                workload.output_cached = output_cached;
                let fit = fit(&log_of(&workload, 3, 1.0), &workload.name).expect("a fit");
                let found = &fit.workload;
                assert_eq!((fit.sessions, found.turns), (3, workload.turns), "{}", workload.name);
                assert!((found.prompt_tokens() / workload.prompt_tokens() - 1.0).abs() < 1e-3, "{found:?}");
                assert_eq!(found.output, workload.output);
                if fit.reuse_from == ReuseFrom::Found {
                    assert!((found.first_prompt - workload.first_prompt).abs() < 3.0, "{found:?}");
                    assert!((found.new_input - workload.new_input).abs() < 2.0, "{found:?}");
                    assert_eq!(found.output_cached, output_cached, "{}", workload.name);
                }
            }
        }
    }

    #[test]
    fn a_cold_cache_does_not_make_a_conversation_fresh() {
        let chat = Workload::shipped().expect("shipped workloads").remove(1);
        let fit = fit(&log_of(&chat, 4, 0.0), "cold").expect("a fit");
        assert_eq!((fit.reuse_from, fit.output_cached_seen), (ReuseFrom::Growth, false));
        assert!((fit.workload.reusable_share() - chat.reusable_share()).abs() < 0.01, "{fit:?}");
        assert_eq!(fit.hit_rate, Some(0.0));
    }

    #[test]
    fn prompts_that_do_not_build_on_each_other_reuse_what_was_found() {
        let log: Vec<Request> =
            (0..40).map(|n| request(f64::from(8000 + (n * 37 % 11) * 100), 100.0, 2500.0)).collect();
        let fit = fit(&log, "rag").expect("a fit");
        assert_eq!(fit.reuse_from, ReuseFrom::FoundOnly);
        assert!((fit.log.reusable_share() - 2500.0 * 39.0 / 40.0 / 8500.0).abs() < 0.01, "{fit:?}");
    }

    #[test]
    fn a_compacted_context_begins_a_new_session() {
        let growing = (1..8).map(|n| request(f64::from(1000 * n), 10.0, f64::from(1000 * (n - 1))));
        let after = [request(900.0, 10.0, 100.0), request(1900.0, 10.0, 900.0)];
        let fit = fit(&growing.chain(after).collect::<Vec<_>>(), "x").expect("a fit");
        assert_eq!((fit.sessions, fit.cuts, fit.requests), (2, 1, 9));
    }

    #[test]
    fn an_empty_log_is_no_workload() {
        assert_eq!(fit(&[], "x"), Err(FitError::Nothing));
    }
}
