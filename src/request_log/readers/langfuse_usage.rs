//! The usage of an observation of Langfuse: a map of names and counts that each integration fills its own way.

use crate::request_log::call::{InputRule, OutputRule, RawCounts, Rule};
use crate::request_log::entry::{BadCount, Object, count, count_of, object_or_json};
use serde_json::Value;

/// What a key of the map counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Input,
    Read,
    /// The part of the input that is not in the cache.
    Missed,
    Write,
    Write5m,
    Write1h,
    Output,
    Reasoning,
    Total,
    /// Audio, images and other parts of the input.
    OtherInput,
    /// Audio and other parts of the output.
    OtherOutput,
    /// Text, which is the input or output itself.
    Same,
    Unknown,
}

fn part_of(key: &str) -> Part {
    let key = key.to_lowercase().replace(['.', '-'], "_");
    let has = |word: &str| key.contains(word);
    let is_output = has("output") || has("completion") || has("candidates");
    if has("cache") && has("miss") {
        return Part::Missed;
    }
    if has("cache") {
        if !(has("creation") || has("write") || has("written")) {
            return Part::Read;
        }
        return if has("5m") {
            Part::Write5m
        } else if has("1h") {
            Part::Write1h
        } else {
            Part::Write
        };
    }
    if has("reasoning") || has("thought") || has("thinking") {
        return Part::Reasoning;
    }
    match key.as_str() {
        "total" | "total_tokens" | "totaltokens" | "totaltokencount" | "total_token_count" => Part::Total,
        "input" | "input_tokens" | "inputtokens" | "prompt" | "prompt_tokens" | "prompttokens"
        | "prompttokencount" | "prompt_token_count" => Part::Input,
        "output"
        | "output_tokens"
        | "outputtokens"
        | "completion"
        | "completion_tokens"
        | "completiontokens"
        | "candidatestokencount"
        | "candidates_token_count" => Part::Output,
        _ if has("text") => Part::Same,
        _ if ["audio", "image", "video", "modality", "prediction"].iter().any(|word| has(word)) => {
            if is_output {
                Part::OtherOutput
            } else {
                Part::OtherInput
            }
        }
        _ => Part::Unknown,
    }
}

/// The counts of an observation, and the keys that are not known and not zero; `None` if it has no usage.
///
/// # Errors
/// [`BadCount`].
pub fn counts(observation: &Object) -> Result<Option<(RawCounts, Vec<String>)>, BadCount> {
    for key in ["usageDetails", "usage_details", "providedUsageDetails", "provided_usage_details"] {
        let Some(details) = object_or_json(observation.get(key)) else { continue };
        let found = from_details(&details)?;
        let counts = [found.0.input, found.0.read, found.0.written(), found.0.output, found.0.total];
        if counts.iter().any(|count| count.unwrap_or(0) > 0) {
            return Ok(Some(found));
        }
    }
    let usage = object_or_json(observation.get("usage"));
    let from = |object: &Object, input: &[&str], output: &[&str], total: &[&str]| {
        Ok::<_, BadCount>(RawCounts {
            input: count_of(object, input)?,
            output: count_of(object, output)?,
            total: count_of(object, total)?,
            ..RawCounts::default()
        })
    };
    let mut raw = RawCounts::default();
    if let Some(usage) = &usage {
        raw = from(
            usage,
            &["input", "promptTokens", "inputTokens"],
            &["output", "completionTokens", "outputTokens"],
            &["total", "totalTokens"],
        )?;
    }
    if raw == RawCounts::default() {
        raw = from(
            observation,
            &["inputUsage", "promptTokens", "prompt_tokens", "inputTokens", "input_tokens"],
            &["outputUsage", "completionTokens", "completion_tokens", "outputTokens", "output_tokens"],
            &["totalUsage", "totalTokens", "total_tokens"],
        )?;
    }
    let is_empty = [raw.input, raw.output, raw.total].iter().all(|count| count.unwrap_or(0) == 0);
    Ok((!is_empty).then_some((raw, Vec::new())))
}

fn from_details(details: &Object) -> Result<(RawCounts, Vec<String>), BadCount> {
    let mut raw = RawCounts::default();
    let (mut write, mut missed, mut other_input, mut other_output) = (None, None, 0, 0);
    let mut unknown = Vec::new();
    let mut put = |key: &str, value: &Value| -> Result<(), BadCount> {
        let Some(tokens) = count(Some(value))? else { return Ok(()) };
        let field = match part_of(key) {
            Part::Input => &mut raw.input,
            Part::Read => &mut raw.read,
            Part::Missed => &mut missed,
            Part::Write => &mut write,
            Part::Write5m => &mut raw.write_5m,
            Part::Write1h => &mut raw.write_1h,
            Part::Output => &mut raw.output,
            Part::Reasoning => &mut raw.reasoning,
            Part::Total => &mut raw.total,
            Part::OtherInput => {
                other_input += tokens;
                return Ok(());
            }
            Part::OtherOutput => {
                other_output += tokens;
                return Ok(());
            }
            Part::Same => return Ok(()),
            Part::Unknown => {
                if tokens > 0 {
                    unknown.push(key.to_owned());
                }
                return Ok(());
            }
        };
        // Two keys for one quantity repeat each other.
        *field = (*field).max(Some(tokens));
        Ok(())
    };
    for (key, value) in details {
        match value {
            Value::Object(inner) => {
                for (name, value) in inner {
                    put(&format!("{key}.{name}"), value)?;
                }
            }
            value => put(key, value)?,
        }
    }
    // The rest of the input is the input if no other one is stated.
    raw.input = raw.input.or(missed);
    let split = raw.write_5m.unwrap_or(0) + raw.write_1h.unwrap_or(0);
    let is_split = raw.write_5m.or(raw.write_1h).is_some();
    raw.write = write.map(|all: u64| all.saturating_sub(split)).filter(|rest| !is_split || *rest > 0);
    // Audio and images are parts of their own only if the total counts them beside input and output.
    if (other_input > 0 || other_output > 0) && !total_fits(&raw) {
        let with = RawCounts {
            input: Some(raw.input.unwrap_or(0).saturating_add(other_input)),
            output: Some(raw.output.unwrap_or(0).saturating_add(other_output)),
            ..raw
        };
        if total_fits(&with) {
            raw = with;
        }
    }
    Ok((raw, unknown))
}

/// Whether the total is right under any rule.
fn total_fits(raw: &RawCounts) -> bool {
    let inputs = [
        InputRule::IncludesReadAndWritten,
        InputRule::IncludesRead,
        InputRule::IncludesWritten,
        InputRule::Excludes,
    ];
    let outputs = [OutputRule::IncludesReasoning, OutputRule::ExcludesReasoning];
    inputs.into_iter().any(|input| {
        outputs.into_iter().any(|output| {
            let tokens = raw.disjoint(Rule { input, output });
            raw.total.is_some()
                && raw.total == Some(tokens.prompt().unwrap_or(0) + tokens.output().unwrap_or(0))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn details(value: Value) -> (RawCounts, Vec<String>) {
        counts(json!({ "usageDetails": value }).as_object().expect("an object"))
            .expect("counts")
            .expect("usage")
    }

    #[test]
    fn every_name_of_a_part_is_known() {
        for key in [
            "input_cached_tokens",
            "cache_read_input_tokens",
            "input_cache_read",
            "prompt_details.cache_read",
            "details.cache_read_tokens",
            "cache_read.input_tokens",
            "input_cached_content_token_count",
        ] {
            assert_eq!(part_of(key), Part::Read, "{key}");
        }
        for key in [
            "input_cache_creation",
            "cache_creation_input_tokens",
            "cache_write_tokens",
            "prompt_details.cache_write",
        ] {
            assert_eq!(part_of(key), Part::Write, "{key}");
        }
        assert_eq!(part_of("input_cache_creation_5m"), Part::Write5m);
        assert_eq!(part_of("cache_creation.ephemeral_1h_input_tokens"), Part::Write1h);
        for key in [
            "output_reasoning",
            "output_reasoning_tokens",
            "completion_details.reasoning",
            "thoughts_token_count",
        ] {
            assert_eq!(part_of(key), Part::Reasoning, "{key}");
        }
        assert_eq!(part_of("prompt_details.audio"), Part::OtherInput);
        assert_eq!(part_of("output_audio_tokens"), Part::OtherOutput);
        assert_eq!(part_of("search_units"), Part::Unknown);
    }

    #[test]
    fn parts_are_not_counted_twice() {
        let (raw, unknown) = details(
            json!({"input": 40, "input_cached_tokens": 300, "cache_read_input_tokens": 300,
            "input_cache_creation": 90, "input_cache_creation_5m": 60, "input_cache_creation_1h": 30, "output": 5,
            "search_units": 2, "total": 435}),
        );
        assert_eq!((raw.read, raw.written(), raw.write), (Some(300), Some(90), None));
        assert_eq!(unknown, ["search_units"]);
        let (raw, _) = details(json!({"input": 40, "output": 5, "prompt_details": {"cache_read": 20}}));
        assert_eq!((raw.read, raw.total), (Some(20), None));
    }

    #[test]
    fn tokens_that_were_not_in_the_cache_are_not_read_from_it() {
        let counts = json!({"prompt_cache_hit_tokens": 200, "prompt_cache_miss_tokens": 800, "input": 1000, "output": 5});
        assert_eq!((details(counts.clone()).0.read, details(counts).0.input), (Some(200), Some(1000)));
        let alone = details(json!({"prompt_cache_hit_tokens": 200, "prompt_cache_miss_tokens": 800})).0;
        assert_eq!((alone.read, alone.input), (Some(200), Some(800)));
        let none = json!({"usageDetails": {"input": 0, "output": 0, "total": 0}});
        assert_eq!(super::counts(none.as_object().expect("an object")), Ok(None));
    }

    #[test]
    fn audio_is_added_only_if_the_total_counts_it() {
        let (raw, _) = details(json!({"input": 40, "input_audio": 10, "output": 5, "total": 55}));
        assert_eq!(raw.input, Some(50));
        let (raw, _) = details(json!({"input": 40, "prompt_details.audio": 10, "output": 5, "total": 45}));
        assert_eq!(raw.input, Some(40));
    }

    #[test]
    fn legacy_usage_and_json_in_a_cell_are_read() {
        let legacy =
            json!({"usage": {"input": 40, "output": 5, "total": 45, "unit": "TOKENS"}, "promptTokens": 99});
        let (raw, _) = counts(legacy.as_object().expect("an object")).expect("counts").expect("usage");
        assert_eq!((raw.input, raw.output, raw.read), (Some(40), Some(5), None));
        let cell = json!({"usageDetails": "{\"input\": \"7\", \"output\": 1}"});
        let (raw, _) = counts(cell.as_object().expect("an object")).expect("counts").expect("usage");
        assert_eq!(raw.input, Some(7));
        let empty = json!({"usageDetails": {}, "inputUsage": 0, "outputUsage": 0, "totalUsage": 0});
        assert_eq!(counts(empty.as_object().expect("an object")), Ok(None));
        let bad = json!({"usageDetails": {"input": -1}});
        assert_eq!(counts(bad.as_object().expect("an object")), Err(BadCount));
    }
}
