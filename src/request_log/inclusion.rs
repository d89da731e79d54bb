//! Decides, for each model of a file, what its input and output fields include: by the totals of the records, then by
//! contradictions, then by the rule of the format.

use super::call::{Call, InputRule, OutputRule, Rule};
use super::format::{Format, Total};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a rule is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The totals of the records.
    Totals,
    /// Records that would contradict themselves under the rule of the format.
    Contradiction,
    /// Nothing in the file decides; the rule of the format is assumed.
    Assumed,
    /// No record has cached, written or reasoning tokens, so every rule gives the same counts.
    Irrelevant,
}

/// The rule of one model in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The model; null if the log does not state it.
    pub model: Option<String>,
    /// The rule.
    pub rule: Rule,
    /// What it is based on.
    pub evidence: Evidence,
    /// Number of records.
    pub records: u64,
    /// Number of records that contradict the rule.
    pub against: u64,
}

const INPUT_RULES: [InputRule; 4] = [
    InputRule::IncludesReadAndWritten,
    InputRule::IncludesRead,
    InputRule::IncludesWritten,
    InputRule::Excludes,
];
const OUTPUT_RULES: [OutputRule; 2] = [OutputRule::IncludesReasoning, OutputRule::ExcludesReasoning];

/// Decides the rules of a file and applies them to its calls.
pub fn decide(calls: &mut [Call], format: &Format) -> Vec<Decision> {
    let mut by_model: BTreeMap<(Option<String>, Rule), Vec<usize>> = BTreeMap::new();
    for (place, call) in calls.iter().enumerate() {
        let usual = call.usual_rule.unwrap_or(format.rule);
        by_model.entry((call.model().map(ToString::to_string), usual)).or_default().push(place);
    }
    let mut decisions = Vec::new();
    for ((model, usual), places) in by_model {
        let records: Vec<&Call> = places.iter().map(|place| &calls[*place]).collect();
        let (rule, evidence) = rule_of(&records, usual, format.total);
        let against = records.iter().filter(|call| contradicts(call, rule)).count() as u64;
        for place in &places {
            calls[*place].rule = rule;
        }
        decisions.push(Decision { model, rule, evidence, records: places.len() as u64, against });
    }
    decisions
}

fn rule_of(records: &[&Call], usual: Rule, totals: Total) -> (Rule, Evidence) {
    let is_relevant = |call: &&&Call| {
        let raw = &call.raw;
        [raw.read, raw.written(), raw.reasoning].into_iter().flatten().any(|count| count > 0)
    };
    let relevant: Vec<&Call> = records.iter().filter(is_relevant).copied().collect();
    if relevant.is_empty() {
        return (usual, Evidence::Irrelevant);
    }
    if totals == Total::OfDisjoint
        && let Some(rule) = by_totals(&relevant, usual)
    {
        return (rule, Evidence::Totals);
    }
    let against = |rule: Rule| relevant.iter().filter(|call| contradicts(call, rule)).count();
    let found = against(usual);
    let better = rules(usual).min_by_key(|rule| against(*rule));
    match better {
        Some(rule) if found > 0 && against(rule) < found => (rule, Evidence::Contradiction),
        _ => (usual, Evidence::Assumed),
    }
}

/// All rules, that of the format first.
fn rules(first: Rule) -> impl Iterator<Item = Rule> {
    let all = INPUT_RULES
        .into_iter()
        .flat_map(|input| OUTPUT_RULES.into_iter().map(move |output| Rule { input, output }));
    std::iter::once(first).chain(all.filter(move |rule| *rule != first))
}

/// The rule under which most totals are right, if any total tells two rules apart.
fn by_totals(records: &[&Call], first: Rule) -> Option<Rule> {
    let right = |rule: Rule| {
        records.iter().filter(|call| call.raw.total.is_some() && call.raw.total == total(call, rule)).count()
    };
    let counted: Vec<(Rule, usize)> = rules(first).map(|rule| (rule, right(rule))).collect();
    let most = counted.iter().map(|(_, count)| *count).max()?;
    let fewest = counted.iter().map(|(_, count)| *count).min()?;
    (most > fewest).then(|| counted.iter().find(|(_, count)| *count == most).map(|(rule, _)| *rule))?
}

fn total(call: &Call, rule: Rule) -> Option<u64> {
    let tokens = call.raw.disjoint(rule);
    Some(tokens.prompt()? + tokens.output().unwrap_or(0))
}

/// Whether a part of a record would be larger than its whole.
fn contradicts(call: &Call, rule: Rule) -> bool {
    let raw = &call.raw;
    let read = raw.read.unwrap_or(0);
    let written = raw.written().unwrap_or(0);
    let inside = match rule.input {
        InputRule::IncludesReadAndWritten => read + written,
        InputRule::IncludesRead => read,
        InputRule::IncludesWritten => written,
        InputRule::Excludes => 0,
    };
    let is_input_too_small = raw.input.is_some_and(|input| inside > input);
    let is_output_too_small = rule.output == OutputRule::IncludesReasoning
        && raw.output.zip(raw.reasoning).is_some_and(|(output, reasoning)| reasoning > output);
    is_input_too_small || is_output_too_small
}
