//! Session profiles, under which prices are compared.

use super::ids::names;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use utoipa::ToSchema;

/// A session profile. Token counts are per session or per turn, as stated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Name in URLs and on the command line: `coding-agent`.
    pub name: String,
    /// Name on pages.
    pub title: String,
    /// The kind of work it represents and the source of its numbers.
    pub about: String,
    /// Turns of a session, `T`.
    pub turns: u32,
    /// Tokens of the first prompt before the user's first input, `S`.
    pub first_prompt: f64,
    /// New input tokens per turn, `u`.
    pub new_input: f64,
    /// Output tokens per turn, `o`.
    pub output: f64,
    /// Whether the model's own output can be found in the cache on the next turn.
    pub output_cached: bool,
    /// Requested lifetime of cache writes: `5m` or `1h`.
    #[serde(default)]
    pub cache_ttl: CacheTtl,
    /// Weights of the lenses cache, cost, reliability, speed in `overall`.
    #[serde(default)]
    pub weights: LensWeights,
    /// What failed requests cost.
    #[serde(default)]
    pub failures: Failures,
}

names! {
    /// The cache lifetime that a session requests for its writes. It determines the write price if a host lists one for
    /// each lifetime.
    #[derive(Default)]
    CacheTtl {
        /// Five minutes, or the host's default.
        #[default]
        FiveMinutes = "5m",
        /// One hour. Hosts without a price for it are priced with their only write price.
        OneHour = "1h",
    }
}

impl FromStr for CacheTtl {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::parse(name);
        named.ok_or_else(|| {
            let short: String = name.chars().take(60).collect();
            format!("unknown `cache_ttl` `{short}`: expected 5m or 1h")
        })
    }
}

/// The cost of failed requests: how many prompts are paid again after one. A request that succeeds at once is paid
/// once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Failures {
    /// Prompts paid again after an error.
    pub error: f64,
    /// Prompts paid again after a request that was rejected at once (rate-limited).
    pub refused: f64,
}

impl Default for Failures {
    /// After an error, tokens have been consumed and the prompt is sent again; a rejected request costs nothing.
    fn default() -> Self {
        Self { error: 1.0, refused: 0.0 }
    }
}

/// Weights of the lenses in `overall`; they need not sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LensWeights {
    /// Weight of the cache lens.
    pub cache: f64,
    /// Weight of the cost lens.
    pub cost: f64,
    /// Weight of the reliability lens.
    pub reliability: f64,
    /// Weight of the speed lens.
    pub speed: f64,
}

impl Default for LensWeights {
    /// The weights of the shipped coding agent.
    fn default() -> Self {
        Self { cache: 0.15, cost: 0.5, reliability: 0.25, speed: 0.1 }
    }
}

/// The error for a name that is not one of the known workloads.
pub fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let short: String = name.chars().take(80).collect();
    format!("unknown workload `{short}`: one of {}", known.collect::<Vec<_>>().join(", "))
}

impl Workload {
    /// Prompt tokens of a whole session, `P = T*S + u*T(T+1)/2 + o*T(T-1)/2` (method 4).
    pub fn prompt_tokens(&self) -> f64 {
        let turns = f64::from(self.turns);
        turns * self.first_prompt
            + self.new_input * turns * (turns + 1.0) / 2.0
            + self.output * turns * (turns - 1.0) / 2.0
    }

    /// Output tokens of a whole session.
    pub fn output_tokens(&self) -> f64 {
        f64::from(self.turns) * self.output
    }

    /// The maximum share of the prompt tokens that can be found in a cache, 0..1 (method 4).
    pub fn reusable_share(&self) -> f64 {
        let turns = f64::from(self.turns);
        let fresh_output = if self.output_cached { 0.0 } else { (turns - 1.0) * self.output };
        let fresh = self.first_prompt + turns * self.new_input + fresh_output;
        (1.0 - fresh / self.prompt_tokens()).max(0.0)
    }

    /// Tokens of a turn's prompt that were already in the previous turn; `turn` is counted from 1. These are all tokens
    /// except the new input and, if the cache does not keep outputs, the last answer. The sum over all turns is
    /// `reusable_share * prompt_tokens`.
    pub fn reusable_of_turn(&self, turn: u32) -> f64 {
        if turn == 1 {
            return 0.0;
        }
        let lost = if self.output_cached { 0.0 } else { self.output };
        (self.prompt_of_turn(turn) - self.new_input - lost).max(0.0)
    }

    /// The longest prompt of the session, tokens: that of its last turn.
    pub fn longest_prompt(&self) -> f64 {
        self.prompt_of_turn(self.turns.max(1))
    }

    /// The required context length, tokens: the longest prompt plus its answer.
    pub fn longest_turn(&self) -> f64 {
        self.longest_prompt() + self.output
    }

    /// Prompt tokens of turn `turn`, counted from 1.
    pub fn prompt_of_turn(&self, turn: u32) -> f64 {
        self.first_prompt + f64::from(turn - 1) * (self.new_input + self.output) + self.new_input
    }
}

/// The prompt and turn lengths that an endpoint must accept, tokens. The default requires nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Room {
    prompt: f64,
    turn: f64,
}

/// The limit of an endpoint that a session exceeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TooShort {
    /// It accepts prompts of at most `most` tokens; the longest of the session has `longest`.
    Prompt {
        /// Its limit, tokens.
        most: i64,
        /// Longest prompt of the session, tokens.
        longest: f64,
    },
    /// Its context is shorter than the longest turn of the session.
    Context {
        /// Its context, tokens.
        length: i64,
        /// Longest turn of the session with its output, tokens.
        longest: f64,
    },
}

impl Room {
    /// The lengths of a longest prompt and of a longest turn (prompt and output), tokens.
    pub const fn new(prompt: f64, turn: f64) -> Self {
        Self { prompt, turn }
    }

    /// The lengths of the longest turn of a workload.
    pub fn of(workload: &Workload) -> Self {
        Self { prompt: workload.longest_prompt(), turn: workload.longest_turn() }
    }

    /// Why an endpoint with this context and longest prompt (tokens) is too short; `None` if it accepts the turn, or if
    /// its limits are unknown.
    pub fn lacking(self, context_length: Option<i64>, max_prompt_tokens: Option<i64>) -> Option<TooShort> {
        let prompts = max_prompt_tokens.filter(|most| (*most as f64) < self.prompt);
        let context = context_length.filter(|length| (*length as f64) < self.turn);
        let prompts = prompts.map(|most| TooShort::Prompt { most, longest: self.prompt });
        prompts.or(context.map(|length| TooShort::Context { length, longest: self.turn }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_too_short_for_a_longer_prompt_or_turn_and_unknown_limits_are_no_obstacle() {
        let workload = Workload { turns: 1, first_prompt: 900.0, new_input: 100.0, ..shipped().remove(0) };
        let workload = Workload { output: 50.0, ..workload };
        let lacking = |context, prompt| Room::of(&workload).lacking(context, prompt);
        assert_eq!(lacking(None, None), None);
        assert_eq!(lacking(Some(1050), Some(1000)), None, "just long enough");
        let (length, longest) = (1049, 1050.0);
        assert_eq!(lacking(Some(1049), None), Some(TooShort::Context { length, longest }));
        let (most, longest) = (999, 1000.0);
        assert_eq!(lacking(Some(1), Some(999)), Some(TooShort::Prompt { most, longest }));
        assert_eq!(Room::default().lacking(Some(0), Some(0)), None);
    }

    fn shipped() -> Vec<Workload> {
        Workload::shipped().expect("data/workloads.toml is valid")
    }

    #[test]
    fn the_shipped_file_names_the_four_workloads() {
        let names: Vec<_> = shipped().into_iter().map(|w| w.name).collect();
        assert_eq!(names, ["coding-agent", "chat", "rag", "batch"]);
    }

    #[test]
    fn the_closed_form_is_the_sum_over_turns() {
        for workload in shipped() {
            let sum: f64 = (1..=workload.turns).map(|t| workload.prompt_of_turn(t)).sum();
            assert!((sum / workload.prompt_tokens() - 1.0).abs() < 1e-12, "{}", workload.name);
            assert!((0.0..1.0).contains(&workload.reusable_share()), "{}", workload.name);
        }
    }
}
