//! Decides, for each model of a file, what its input and output fields include: by the totals of the records, then by
//! contradictions, then by the rule of the format.
//!
//! A part that is larger than its whole must be beside it. Cached tokens are beside the input if they exceed it; written
//! tokens are if both together still exceed it. One emitter writes all records of a model alike, so what most records
//! prove holds for all of them. Only where the records of one model differ is each decided by its own values.

use super::call::{Call, InputRule, OutputRule, RawCounts, Rule};
use super::format::{Format, Total};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// What a rule is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The totals of the records.
    Totals,
    /// Records that would contradict themselves under the rule of the format.
    Contradiction,
    /// The records follow different rules, so each was decided by its own values.
    EachRecord,
    /// Nothing in the file decides; the rule of the format is assumed.
    Assumed,
    /// No record has cached, written or reasoning tokens, so every rule gives the same counts.
    Irrelevant,
}

/// The rule of one model in a file, or of the records of one model that one program wrote.
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
    /// Number of records that follow another rule, by their own values.
    pub against: u64,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.input {
            InputRule::IncludesReadAndWritten => "the input includes cached and written tokens",
            InputRule::IncludesRead => "the input includes cached tokens, written ones are beside it",
            InputRule::IncludesWritten => "the input includes written tokens, cached ones are beside it",
            InputRule::Excludes => "cached and written tokens are beside the input",
        })?;
        f.write_str(match self.output {
            OutputRule::IncludesReasoning => ", the output includes reasoning",
            OutputRule::ExcludesReasoning => ", reasoning is beside the output",
        })
    }
}

const INPUT_RULES: [InputRule; 4] = [
    InputRule::IncludesReadAndWritten,
    InputRule::IncludesRead,
    InputRule::IncludesWritten,
    InputRule::Excludes,
];
const OUTPUT_RULES: [OutputRule; 2] = [OutputRule::IncludesReasoning, OutputRule::ExcludesReasoning];

/// A part is beside its whole in all records if at least this share of them proves it and they are not in order of a
/// change.
const LEAST_SHARE: f64 = 0.5;
/// Minimum number of records before and after a change of the emitter.
const FEWEST_IN_ROW: usize = 3;

/// Decides the rules of a file and applies them to its calls.
pub fn decide(calls: &mut [Call], format: &Format) -> Vec<Decision> {
    let mut by_model: BTreeMap<(Option<String>, Rule), Vec<usize>> = BTreeMap::new();
    for (place, call) in calls.iter().enumerate() {
        let usual = call.usual_rule.unwrap_or(format.rule);
        by_model.entry((call.model().map(ToString::to_string), usual)).or_default().push(place);
    }
    let mut decisions = Vec::new();
    for ((model, usual), places) in by_model {
        let records: Vec<RawCounts> = places.iter().map(|place| calls[*place].raw).collect();
        let (rules, rule, evidence) = rules_of(&records, usual, format.total);
        let mut against = 0;
        for (place, own) in places.iter().zip(&rules) {
            calls[*place].rule = *own;
            against += u64::from(*own != rule);
        }
        let evidence = if against > 0 { Evidence::EachRecord } else { evidence };
        decisions.push(Decision { model, rule, evidence, records: places.len() as u64, against });
    }
    decisions
}

/// The rule of each record, the one of most of them, and what it is based on.
fn rules_of(records: &[RawCounts], usual: Rule, total: Total) -> (Vec<Rule>, Rule, Evidence) {
    let is_relevant = |raw: &RawCounts| {
        [raw.read, raw.written(), raw.reasoning].into_iter().flatten().any(|count| count > 0)
    };
    if !records.iter().any(is_relevant) {
        return (vec![usual; records.len()], usual, Evidence::Irrelevant);
    }
    if total == Total::OfDisjoint
        && let Some((rules, rule)) = by_totals(records, usual)
    {
        return (rules, rule, Evidence::Totals);
    }
    by_contradictions(records, usual)
}

/// All rules, that of the format first.
fn all_rules(first: Rule) -> impl Iterator<Item = Rule> {
    let all = INPUT_RULES
        .into_iter()
        .flat_map(|input| OUTPUT_RULES.into_iter().map(move |output| Rule { input, output }));
    std::iter::once(first).chain(all.filter(move |rule| *rule != first))
}

/// The rules under which the totals are right, if any total tells two rules apart. A record without such a total follows
/// the rule of most of the others.
fn by_totals(records: &[RawCounts], first: Rule) -> Option<(Vec<Rule>, Rule)> {
    let rules: Vec<Rule> = all_rules(first).collect();
    let mut right = vec![0_usize; rules.len()];
    let mut proves = false;
    for raw in records {
        let fits: Vec<bool> = rules.iter().map(|rule| fits_total(raw, *rule)).collect();
        // A total that fits every rule or none proves nothing.
        if fits.contains(&true) && fits.contains(&false) {
            proves = true;
            right.iter_mut().zip(&fits).for_each(|(count, fits)| *count += usize::from(*fits));
        }
    }
    let most = right.iter().copied().max().filter(|_| proves)?;
    let rule = rules.iter().zip(&right).find(|(_, count)| **count == most).map(|(rule, _)| *rule)?;
    let of = |raw: &RawCounts| -> Rule {
        if fits_total(raw, rule) {
            return rule;
        }
        rules.iter().copied().find(|other| fits_total(raw, *other)).unwrap_or(rule)
    };
    Some((records.iter().map(of).collect(), rule))
}

fn fits_total(raw: &RawCounts, rule: Rule) -> bool {
    let tokens = raw.disjoint(rule);
    let total = tokens.prompt().map(|prompt| prompt.saturating_add(tokens.output().unwrap_or(0)));
    raw.total.is_some() && raw.total == total && !contradicts(raw, rule)
}

/// Where a part of the records is, compared with the whole that the rule of the format puts it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Inside,
    Beside,
    /// Beside in the records that prove it, inside in the others.
    EachRecord,
}

impl Side {
    /// The side that the records prove; each states whether it proves that the part is beside the whole, in their
    /// order, or nothing if it does not have the part.
    fn of(proofs: impl Iterator<Item = Option<bool>>) -> Self {
        let proofs: Vec<bool> = proofs.flatten().collect();
        let beside = proofs.iter().filter(|proof| **proof).count();
        if beside == 0 {
            return Self::Inside;
        }
        if beside == proofs.len() {
            return Self::Beside;
        }
        // A new version of the emitter changes all records from one moment on.
        let changes = proofs.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let is_change = changes == 1 && beside.min(proofs.len() - beside) >= FEWEST_IN_ROW;
        if is_change || (beside as f64) < LEAST_SHARE * proofs.len() as f64 {
            Self::EachRecord
        } else {
            Self::Beside
        }
    }

    fn is_beside(self, proof: Option<bool>) -> bool {
        match self {
            Self::Inside => false,
            Self::Beside => true,
            Self::EachRecord => proof == Some(true),
        }
    }
}

fn by_contradictions(records: &[RawCounts], first: Rule) -> (Vec<Rule>, Rule, Evidence) {
    let (has_read, has_written) = match first.input {
        InputRule::IncludesReadAndWritten => (true, true),
        InputRule::IncludesRead => (true, false),
        InputRule::IncludesWritten => (false, true),
        InputRule::Excludes => (false, false),
    };
    let has_reasoning = first.output == OutputRule::IncludesReasoning;
    let read = |raw: &RawCounts| proof(raw.read, raw.input).filter(|_| has_read);
    let reads = Side::of(records.iter().map(read));
    let is_read_inside = |raw: &RawCounts| has_read && !reads.is_beside(read(raw));
    let written = |raw: &RawCounts| {
        let inside = if is_read_inside(raw) { raw.read.unwrap_or(0) } else { 0 };
        proof(raw.written(), raw.input.map(|input| input.saturating_sub(inside))).filter(|_| has_written)
    };
    let writes = Side::of(records.iter().map(written));
    let has_proof = records.iter().any(|raw| written(raw).is_some());
    // Without written tokens, they are assumed to be where the cached ones are.
    let is_write_inside = |raw: &RawCounts| match has_proof {
        true => has_written && !writes.is_beside(written(raw)),
        false => has_written && (is_read_inside(raw) || !has_read),
    };
    let reasoning = |raw: &RawCounts| proof(raw.reasoning, raw.output).filter(|_| has_reasoning);
    let thoughts = Side::of(records.iter().map(reasoning));
    let of = |raw: &RawCounts| Rule {
        input: match (is_read_inside(raw), is_write_inside(raw)) {
            (true, true) => InputRule::IncludesReadAndWritten,
            (true, false) => InputRule::IncludesRead,
            (false, true) => InputRule::IncludesWritten,
            (false, false) => InputRule::Excludes,
        },
        output: match has_reasoning && !thoughts.is_beside(reasoning(raw)) {
            true => OutputRule::IncludesReasoning,
            false => OutputRule::ExcludesReasoning,
        },
    };
    let rules: Vec<Rule> = records.iter().map(of).collect();
    let mut counts: BTreeMap<Rule, usize> = BTreeMap::new();
    rules.iter().for_each(|rule| *counts.entry(*rule).or_default() += 1);
    let most = counts.into_iter().max_by_key(|(rule, count)| (*count, *rule == first));
    let rule = most.map_or(first, |(rule, _)| rule);
    let evidence = if rule == first { Evidence::Assumed } else { Evidence::Contradiction };
    (rules, rule, evidence)
}

/// Whether a part is larger than what it would have to be a part of; nothing if a record does not have the part.
fn proof(part: Option<u64>, whole: Option<u64>) -> Option<bool> {
    Some(part.filter(|part| *part > 0)? > whole?)
}

/// Whether a part of a record would be larger than its whole.
fn contradicts(raw: &RawCounts, rule: Rule) -> bool {
    let read = raw.read.unwrap_or(0);
    let written = raw.written().unwrap_or(0);
    let inside = match rule.input {
        InputRule::IncludesReadAndWritten => read.saturating_add(written),
        InputRule::IncludesRead => read,
        InputRule::IncludesWritten => written,
        InputRule::Excludes => 0,
    };
    let is_input_too_small = raw.input.is_some_and(|input| inside > input);
    let is_output_too_small = rule.output == OutputRule::IncludesReasoning
        && raw.output.zip(raw.reasoning).is_some_and(|(output, reasoning)| reasoning > output);
    is_input_too_small || is_output_too_small
}

/// Number of calls with equal input and cached tokens, if these are most of the calls with cached tokens and the rule
/// adds them up: the sign of an input field that includes cached tokens against the rule (a flat hit rate of 50 %).
pub fn flat_half(calls: &[Call]) -> Option<usize> {
    let added = |call: &&Call| matches!(call.rule.input, InputRule::Excludes | InputRule::IncludesWritten);
    let cached: Vec<&Call> =
        calls.iter().filter(added).filter(|call| call.raw.read.unwrap_or(0) >= 1000).collect();
    let is_flat = |call: &&&Call| {
        let (read, input) = (call.raw.read.unwrap_or(0), call.raw.input.unwrap_or(0));
        read.abs_diff(input) * 50 <= read
    };
    let flat = cached.iter().filter(is_flat).count();
    (flat >= 5 && flat * 10 >= cached.len() * 8).then_some(flat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::format::{Reader, Sure};
    use crate::request_log::sink::Sink;

    struct Nothing;
    impl Reader for Nothing {
        fn read(&mut self, _: &crate::request_log::Entry<'_>, _: &mut Sink) {}
    }

    fn format(input: InputRule, total: Total) -> Format {
        Format {
            id: "test",
            title: "test",
            rule: Rule { input, output: OutputRule::IncludesReasoning },
            total,
            states_failures: false,
            recognises: |_, _| Sure::No,
            reader: |_| Box::new(Nothing),
        }
    }

    fn call(input: u64, read: u64, write: u64) -> Call {
        let raw = RawCounts {
            input: Some(input),
            read: Some(read),
            write: Some(write),
            output: Some(10),
            ..RawCounts::default()
        };
        Call { raw, ..Call::default() }
    }

    /// The prompt tokens of each call, and the decision.
    fn decided(mut calls: Vec<Call>, format: &Format) -> (Vec<u64>, Decision) {
        let mut decisions = decide(&mut calls, format);
        assert_eq!(decisions.len(), 1);
        (calls.iter().map(|call| call.tokens().prompt().expect("a prompt")).collect(), decisions.remove(0))
    }

    #[test]
    fn parts_that_exceed_their_whole_are_beside_it() {
        let inclusive = format(InputRule::IncludesReadAndWritten, Total::OfFields);
        for (counts, prompt, input) in [
            ((734_311, 426_653, 184_457), 734_311, InputRule::IncludesReadAndWritten),
            ((51_232, 1_188_096, 0), 1_239_328, InputRule::Excludes),
            ((31, 0, 1253), 1284, InputRule::IncludesRead),
            ((12, 2495, 100), 2607, InputRule::Excludes),
            ((1000, 900, 200), 1200, InputRule::IncludesRead),
        ] {
            let (prompts, decision) = decided(vec![call(counts.0, counts.1, counts.2)], &inclusive);
            assert_eq!((prompts[0], decision.rule.input, decision.against), (prompt, input, 0), "{counts:?}");
        }
    }

    #[test]
    fn what_most_records_prove_holds_for_all_of_them() {
        let inclusive = format(InputRule::IncludesReadAndWritten, Total::OfFields);
        let rows = vec![call(40, 9000, 60), call(3000, 2000, 0), call(50, 9000, 70), call(20, 5000, 80)];
        let (prompts, decision) = decided(rows, &inclusive);
        assert_eq!(prompts, [9100, 5000, 9120, 5100]);
        assert_eq!((decision.evidence, decision.against), (Evidence::Contradiction, 0));
    }

    #[test]
    fn a_change_of_the_emitter_is_decided_for_each_record_and_reported() {
        let inclusive = format(InputRule::IncludesReadAndWritten, Total::OfFields);
        let old = (0..4).map(|n| call(12, 2000 + n, 100));
        let new = (0..5).map(|n| call(3000, 2000 + n, 100));
        let (prompts, decision) = decided(old.chain(new).collect(), &inclusive);
        assert_eq!(&prompts[..2], [2112, 2113]);
        assert_eq!(&prompts[4..], [3000; 5]);
        assert_eq!((decision.evidence, decision.against), (Evidence::EachRecord, 4));
        let mut rare: Vec<Call> = (0..20).map(|_| call(3000, 2000, 0)).collect();
        rare[7] = call(10, 2000, 0);
        let (prompts, decision) = decided(rare, &inclusive);
        assert_eq!((prompts[6], prompts[7], decision.against), (3000, 2010, 1));
    }

    #[test]
    fn totals_decide_before_the_rule_of_the_format() {
        let mut rows = vec![call(100, 900, 50), call(100, 0, 0), call(3000, 900, 0)];
        for (row, total) in rows.iter_mut().zip([1060, 110, 3910]) {
            row.raw.total = Some(total);
        }
        let disjoint = format(InputRule::IncludesReadAndWritten, Total::OfDisjoint);
        let (prompts, decision) = decided(rows.clone(), &disjoint);
        assert_eq!((prompts, decision.evidence), (vec![1050, 100, 3900], Evidence::Totals));
        assert_eq!(decision.rule.input, InputRule::Excludes);
        // The totals of LiteLLM are the sums of its fields and decide nothing.
        let fields = format(InputRule::IncludesReadAndWritten, Total::OfFields);
        rows.truncate(1);
        rows[0].raw.total = Some(110);
        rows[0].raw.input = Some(2000);
        assert_eq!(decided(rows, &fields).1.evidence, Evidence::Assumed);
    }

    #[test]
    fn each_total_decides_whether_its_output_includes_reasoning() {
        let record = |output, reasoning, total| {
            let raw = RawCounts {
                input: Some(100),
                output: Some(output),
                reasoning: Some(reasoning),
                total: Some(total),
                ..RawCounts::default()
            };
            Call { raw, ..Call::default() }
        };
        let format = format(InputRule::Excludes, Total::OfDisjoint);
        let mut calls = vec![record(40, 60, 200), record(900, 600, 1000), record(800, 600, 900)];
        let decisions = decide(&mut calls, &format);
        let outputs: Vec<_> = calls.iter().map(|call| call.tokens().output()).collect();
        assert_eq!(outputs, [Some(100), Some(900), Some(800)]);
        assert_eq!((decisions[0].evidence, decisions[0].against), (Evidence::EachRecord, 1));
    }

    #[test]
    fn models_are_decided_apart_and_records_without_parts_decide_nothing() {
        let inclusive = format(InputRule::IncludesReadAndWritten, Total::None);
        let of = |model: &str, call: Call| Call { model_sent: Some(model.into()), ..call };
        let mut calls = vec![of("a", call(10, 500, 0)), of("b", call(900, 500, 0)), of("c", call(7, 0, 0))];
        let decisions = decide(&mut calls, &inclusive);
        let found: Vec<Evidence> = decisions.iter().map(|decision| decision.evidence).collect();
        assert_eq!(found, [Evidence::Contradiction, Evidence::Assumed, Evidence::Irrelevant]);
        let prompts: Vec<_> = calls.iter().map(|call| call.tokens().prompt()).collect();
        assert_eq!(prompts, [Some(510), Some(900), Some(7)]);
    }

    #[test]
    fn a_flat_half_is_a_sign() {
        let exclusive = format(InputRule::Excludes, Total::None);
        let mut calls: Vec<Call> = (0..6).map(|n| call(20_100, 20_000 + n, 0)).collect();
        decide(&mut calls, &exclusive);
        assert_eq!(flat_half(&calls), Some(6));
        calls.truncate(3);
        assert_eq!(flat_half(&calls), None);
    }
}
