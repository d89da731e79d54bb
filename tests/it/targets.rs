//! Tests preferences in the formats of their targets. The texts of a few cases are stored in `tests/targets/texts`,
//! where the real programs read them (`tests/targets/run.py`); here they must equal the program's output.

use crate::sample;
use hitrate::domain::backtest::ExpectedCost;
use hitrate::domain::ids::Variant;
use hitrate::domain::limits::Limits;
use hitrate::domain::tier::Tier;
use hitrate::preferences::targets::{Names, Rendered, TARGETS, Target};
use hitrate::preferences::{Mode, Preference, PreferenceOptions, advise, preference};
use hitrate::snapshot::ModelEntry;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A tag that breaks out of every incorrect quotation.
const HOSTILE_TAG: &str = "lu\"men'/$(id) `id` \\ #{x}\nJSON\n: - & * ! {{ é \u{2028}";
const HOSTILE_MODEL: &str = "zephyr/quill'; \"$(id)\" #large";

/// A model and a preference for it with this `provider` object.
fn case(model: &ModelEntry, mode: Mode, provider: Value) -> Preference {
    let snapshot = sample::snapshot();
    let made = preference(&snapshot, model, mode, "coding-agent", snapshot.as_of);
    let provider = serde_json::from_value(provider).expect("a provider object");
    Preference { provider: Some(provider), reason: None, ..made }
}

fn quill() -> ModelEntry {
    sample::snapshot().model("zephyr/quill-large").expect("a model of the sample").clone()
}

/// The model with different tags for its endpoints.
fn renamed(tags: [&str; 4]) -> ModelEntry {
    let mut model = quill();
    let slug = model.slug.to_string();
    let rows = [(Tier::S, 0.21, 0.9), (Tier::A, 0.34, 0.77), (Tier::B, 0.41, 0.62), (Tier::F, 1.4, 0.03)];
    let made = tags.into_iter().zip(rows);
    model.endpoints = made
        .map(|(tag, (tier, cost, rate))| sample::endpoint(&slug, &Variant::standard(), tag, tier, cost, rate))
        .collect();
    model
}

/// A shortlist under all possible limits.
fn limits() -> Value {
    json!({"only": ["lumen/bf16", "quarry"], "allow_fallbacks": true, "require_parameters": true, "zdr": true,
        "data_collection": "deny", "quantizations": ["fp8", "bf16"], "max_price": {"prompt": "1", "completion": "5"}})
}

/// A limit on request parameters.
fn tools() -> Vec<String> {
    vec!["tools".to_owned()]
}

/// The cases whose texts are stored.
fn cases() -> Vec<(&'static str, ModelEntry, Preference)> {
    let listed = json!({"only": ["lumen/bf16", "quarry", "north-cloud/us-east"], "allow_fallbacks": true});
    let mut hostile = renamed([HOSTILE_TAG, "quarry", "north-cloud/us-east", "mirage"]);
    hostile.model_id = HOSTILE_MODEL.to_owned();
    let mut known = renamed(["deepinfra/fp8", "amazon-bedrock/us-east-1", "streamlake", "fireworks"]);
    known.model_id = "z-ai/glm-5.2".to_owned();
    // Providers that Vercel's gateway has, under limits that become conditions there.
    let mut conditions = renamed(["deepinfra/fp8", "novita/fp8", "xai", "fireworks"]);
    conditions.model_id = "x-ai/grok-4.7".to_owned();
    conditions.endpoints.iter_mut().for_each(|endpoint| endpoint.facts.parameters = tools());
    let floor_and_tools = json!({"only": ["deepinfra/fp8", "novita/fp8"], "allow_fallbacks": true,
        "require_parameters": true, "quantizations": ["int8", "fp8", "mxfp8", "fp16", "bf16", "fp32"]});
    let mut ordered = quill();
    // Expensive output at the endpoint with the cheapest session: the sum of one token each gives a different order
    // than the session.
    ordered.endpoints[0].effective.output = Some(60.0);
    [
        ("ordered", ordered, Mode::Shortlist, listed.clone()),
        ("limits", quill(), Mode::Shortlist, limits()),
        ("avoid", quill(), Mode::Avoid, json!({"ignore": ["mirage"]})),
        ("shortlist", quill(), Mode::Shortlist, listed),
        ("pin", quill(), Mode::Pin, json!({"only": ["lumen/bf16"]})),
        ("hostile", hostile, Mode::Shortlist, json!({"only": [HOSTILE_TAG, "quarry"]})),
        ("known", known, Mode::Avoid, json!({"ignore": ["fireworks"]})),
        ("conditions", conditions, Mode::Shortlist, floor_and_tools),
    ]
    .into_iter()
    .map(|(name, model, mode, provider)| {
        let made = case(&model, mode, provider);
        let parameters = if name == "conditions" { tools() } else { Vec::new() };
        let limits = Limits { parameters, ..Limits::default() };
        (name, model, Preference { limits, ..made })
    })
    .collect()
}

fn of(target: &str, case: &str) -> Rendered {
    let cases = cases();
    let (_, model, preference) = cases.iter().find(|(name, ..)| *name == case).expect("a case");
    target.parse::<&Target>().expect("a target").render(preference, model)
}

fn text(target: &str, case: &str) -> String {
    let rendered = of(target, case);
    assert_eq!(rendered.files.len(), 1, "{target}: {:?}", rendered.notes);
    rendered.files[0].text.clone()
}

fn json_of(target: &str, case: &str) -> Value {
    serde_json::from_str(&text(target, case)).expect("JSON")
}

fn noted(rendered: &Rendered, part: &str) -> bool {
    rendered.notes.iter().any(|note| note.contains(part))
}

/// Every stored text: its path below `tests/targets/texts`, and its expected content.
fn kept() -> Vec<(PathBuf, String)> {
    let mut kept = Vec::new();
    for (name, model, preference) in cases() {
        let object = serde_json::to_value(&preference.provider).expect("JSON");
        let facts = json!({"model": model.model_id, "provider": object});
        kept.push((Path::new(name).join("case.json"), format!("{facts:#}\n")));
        for target in TARGETS {
            for file in target.render(&preference, &model).files {
                let extension = match target.language {
                    "python" => "py",
                    "typescript" => "ts",
                    other => other,
                };
                kept.push((Path::new(name).join(format!("{}.{extension}", target.name)), file.text));
            }
        }
    }
    kept
}

#[test]
fn the_texts_that_the_real_programs_read_are_what_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets/texts");
    let kept = kept();
    assert!(kept.len() > 80, "{}", kept.len());
    if std::env::var_os("UPDATE_TEXTS").is_some() {
        for (path, text) in &kept {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        }
    }
    for (path, text) in &kept {
        let found = std::fs::read_to_string(folder.join(path)).unwrap_or_default();
        assert_eq!(&found, text, "{}: UPDATE_TEXTS=1 rewrites them", path.display());
    }
    let there: usize = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|case| std::fs::read_dir(case.expect("an entry").path()).expect("a folder").count())
        .sum();
    assert_eq!(there, kept.len(), "a stored text is no longer written by any case");
}

#[test]
fn names_are_unique_and_unknown_ones_answered_with_the_known() {
    let names: BTreeSet<&str> = Target::names().collect();
    assert_eq!((names.len(), TARGETS.len()), (32, 32));
    assert_eq!(TARGETS[0].name, "openrouter");
    let error = "telex".parse::<&Target>().expect_err("unknown");
    assert!(error.contains("telex") && error.contains("claude-code-router"), "{error}");
}

#[test]
fn where_there_is_no_preference_there_is_no_text_but_the_reason() {
    let sample = sample::snapshot();
    let free = sample.model("northwind/atlas-3:free").expect("a model of the sample");
    let none = preference(&sample, free, Mode::Pin, "coding-agent", sample.as_of);
    for target in TARGETS {
        let answer = target.answer(none.clone(), free);
        assert_eq!((answer.rendered.files.len(), answer.rendered.sticky_safe), (0, false), "{}", target.name);
        assert_eq!(answer.rendered.notes, [none.reason.clone().expect("a reason")], "{}", target.name);
        assert_eq!(answer.preference.target, target.name);
    }
}

#[test]
fn every_text_names_what_the_preference_names_and_nothing_else() {
    for (name, _, preference) in
        cases().into_iter().filter(|(name, ..)| !["hostile", "known", "conditions"].contains(name))
    {
        let object = serde_json::to_value(&preference.provider).expect("JSON");
        let tags: Vec<&str> = ["only", "ignore"]
            .into_iter()
            .filter_map(|list| object[list].as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let others = ["lumen/bf16", "quarry", "north-cloud/us-east", "mirage"];
        for target in
            TARGETS.iter().filter(|target| target.names == Names::Many && target.name != "litellm-cost")
        {
            let rendered = of(target.name, name);
            let Some(file) = rendered.files.first() else {
                assert!(!rendered.notes.is_empty(), "{}: {name}: nothing is said", target.name);
                continue;
            };
            for tag in others {
                assert_eq!(file.text.contains(tag), tags.contains(&tag), "{}: {name}: {tag}", target.name);
            }
        }
    }
}

#[test]
fn litellm_is_told_what_was_paid_with_the_cache_prices() {
    let yaml = text("litellm", "pin");
    // The sample's pinned endpoint: list 0.315, hit rate 0.9, read discount 90 %: 0.05985 USD a million; output 1.26.
    for line in [
        "model: 'openrouter/zephyr/quill-large'",
        "input_cost_per_token: 5.985e-8",
        "output_cost_per_token: 1.26e-6",
        "cache_read_input_token_cost: 5.985e-8",
        "cache_creation_input_token_cost: 5.985e-8",
        "- 'lumen/bf16'",
    ] {
        assert!(yaml.contains(line), "{line}: {yaml}");
    }
    let mut model = quill();
    model.endpoints[0].effective.input = None;
    let pin = case(&model, Mode::Pin, json!({"only": ["lumen/bf16"]}));
    let unpriced = "litellm".parse::<&Target>().expect("a target").render(&pin, &model);
    assert!(!unpriced.files[0].text.contains("cost") && noted(&unpriced, "no price"), "{unpriced:?}");
}

#[test]
fn cost_routing_gets_an_order_only_where_its_own_ranking_is_another() {
    let agreeing = text("litellm-cost", "shortlist");
    assert!(!agreeing.contains("order:"), "{agreeing}");
    assert_eq!(agreeing.matches("model_name:").count(), 3);
    let (_, mut model, shortlist) = cases().swap_remove(0);
    let target = "litellm-cost".parse::<&Target>().expect("a target");
    let rendered = target.render(&shortlist, &model);
    let text = &rendered.files[0].text;
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert!(at("'lumen/bf16'") < at("order: 1") && at("order: 1") < at("'quarry'"), "{text}");
    assert!(text.contains("enable_pre_call_checks: true") && noted(&rendered, "`order`"), "{rendered:?}");
    model.endpoints[1].effective.input = None;
    let rendered = target.render(&shortlist, &model);
    assert!(!rendered.files[0].text.contains("quarry") && noted(&rendered, "`quarry` is left out"));
    for endpoint in &mut model.endpoints {
        endpoint.effective.input = None;
    }
    let rendered = target.render(&shortlist, &model);
    assert!(rendered.files.is_empty() && noted(&rendered, "no effective price"), "{rendered:?}");
}

#[test]
fn what_is_to_be_left_out_becomes_what_is_let_in_where_a_target_knows_only_that() {
    let cost = text("litellm-cost", "avoid");
    assert_eq!((cost.matches("model_name:").count(), cost.contains("mirage")), (3, false));
    let gateway = of("vercel-ai-gateway", "known");
    let value: Value = serde_json::from_str(&gateway.files[0].text).expect("JSON");
    assert_eq!(value["model"], "zai/glm-5.2");
    assert_eq!(value["providerOptions"]["gateway"]["only"], json!(["deepinfra", "bedrock", "streamlake"]));
    assert!(noted(&gateway, "appear later") && !noted(&gateway, "assumed name"), "{gateway:?}");
    assert!(!gateway.sticky_safe, "the gateway has two to choose from");
}

#[test]
fn what_is_unknown_fails_a_limit_in_a_target_too() {
    let mut model = quill();
    model.endpoints[0].facts.trains_on_prompts = None;
    let made = case(&model, Mode::Avoid, json!({"ignore": ["mirage"], "data_collection": "deny"}));
    let target = "litellm-cost".parse::<&Target>().expect("a target");
    let names = |preference: &Preference| {
        target.render(preference, &model).files[0].text.matches("model_name:").count()
    };
    assert_eq!(names(&made), 3);
    let limits = Limits { no_training: true, ..Limits::default() };
    assert_eq!(names(&Preference { limits, ..made }), 2, "the first endpoint does not say");
}

#[test]
fn a_provider_that_is_only_partly_let_in_is_not_named_to_a_router_that_cannot_tell_its_endpoints_apart() {
    let model = renamed(["deepinfra/fp8", "deepinfra/turbo", "fireworks", "azure"]);
    let preference = case(&model, Mode::Avoid, json!({"ignore": ["deepinfra/turbo", "azure"]}));
    let rendered = "vercel-ai-gateway".parse::<&Target>().expect("a target").render(&preference, &model);
    let value: Value = serde_json::from_str(&rendered.files[0].text).expect("JSON");
    assert_eq!(value["providerOptions"]["gateway"]["only"], json!(["fireworks"]));
    assert!(noted(&rendered, "some of theirs are excluded: deepinfra"), "{rendered:?}");
    let unknown = of("vercel-ai-gateway", "shortlist");
    assert!(unknown.files.is_empty() && noted(&unknown, "quarry"), "{unknown:?}");
}

#[test]
fn an_order_names_each_provider_once_and_none_that_is_left_out() {
    let model = renamed(["deepinfra/fp8", "fireworks/fast", "fireworks/fp8", "azure"]);
    let gateway = |model: &ModelEntry, provider: Value| {
        let preference = case(model, Mode::Order, provider);
        let rendered = "vercel-ai-gateway".parse::<&Target>().expect("a target").render(&preference, model);
        let value: Value = serde_json::from_str(&rendered.files[0].text).expect("JSON");
        value["providerOptions"]["gateway"].clone()
    };
    let order = ["fireworks/fp8", "azure", "fireworks/fast", "deepinfra/fp8"];
    let all = gateway(&model, json!({"order": order, "allow_fallbacks": true}));
    assert_eq!(all["order"], json!(["fireworks", "azure", "deepinfra"]));
    // An endpoint of one provider is excluded, so the gateway must not use the provider at all.
    let part =
        gateway(&model, json!({"order": order, "ignore": ["fireworks/fast"], "allow_fallbacks": true}));
    assert_eq!(part["order"], json!(["azure", "deepinfra"]));
    let only = part["only"].as_array().expect("a list");
    assert!(!only.contains(&json!("fireworks")) && only.len() == 2, "{part}");
    let none = gateway(
        &model,
        json!({"order": ["fireworks/fp8"], "ignore": ["fireworks/fast"], "allow_fallbacks": true}),
    );
    assert_eq!((none.get("order"), none["only"].as_array().map(Vec::len)), (None, Some(2)), "{none}");
}

#[test]
fn a_target_that_names_one_provider_writes_the_pin_alone() {
    let profile = json_of("roo", "pin")["providerProfiles"]["apiConfigs"]["hitrate"].take();
    assert_eq!(profile["openRouterSpecificProvider"], "lumen/bf16");
    assert_eq!(profile["openRouterModelId"], "zephyr/quill-large");
    assert!(noted(&of("roo", "pin"), "this is the preference of mode `pin`"));
    for case in ["avoid", "shortlist"] {
        let none = of("roo", case);
        assert!(none.files.is_empty() && noted(&none, "mode `pin`"), "{none:?}");
    }
    let roo: &Target = "roo".parse().expect("a target");
    let modes = [Mode::Avoid, Mode::Shortlist, Mode::Pin, Mode::Order];
    assert_eq!(modes.map(|mode| roo.mode(mode)), [Mode::Avoid, Mode::Pin, Mode::Pin, Mode::Pin]);
    assert!(modes.iter().all(|mode| TARGETS[0].mode(*mode) == *mode));
    // A pin that names several endpoints, because one alone would lose.
    let several = case(&quill(), Mode::Pin, json!({"only": ["lumen/bf16", "quarry"]}));
    let none = roo.render(&several, &quill());
    assert!(none.files.is_empty() && noted(&none, "this pin names 2 endpoints"), "{none:?}");
}

#[test]
fn a_withheld_pin_is_not_replaced_by_the_first_of_a_shortlist() {
    let mut sample = sample::snapshot();
    let model = sample.models.iter_mut().find(|one| one.model_id == "zephyr/quill-large").expect("quill");
    let day = sample.as_of.date_naive();
    // Only the price of the first one is uncertain: too much for it alone, but not for it and another one.
    for (at, endpoint) in model.endpoints.iter_mut().enumerate() {
        let (usd, factor) = (endpoint.session_cost["coding-agent"], if at == 0 { 6.0 } else { 1.0 });
        let (low, high) = (Some(usd / factor), Some(usd * factor));
        endpoint.expected_cost = Some(ExpectedCost { day, usd_per_mtok: usd, low, high, chosen_by: usd });
    }
    let model = sample.model("zephyr/quill-large").expect("quill");
    let roo: &Target = "roo".parse().expect("a target");
    let made = |mode| preference(&sample, model, mode, "coding-agent", sample.as_of);
    assert!(made(Mode::Shortlist).provider.is_some() && made(Mode::Pin).provider.is_none());
    assert!(roo.render(&made(Mode::Shortlist), model).files.is_empty(), "it is not judged alone");
    let rendered = roo.render(&made(roo.mode(Mode::Shortlist)), model);
    assert!(rendered.files.is_empty() && rendered.notes[0].starts_with("withheld: "), "{rendered:?}");
}

#[test]
fn limits_that_no_endpoint_meets_are_not_written() {
    let sample = sample::snapshot();
    let model = sample.model("zephyr/quill-large").expect("quill");
    let rendered = |floor: &str| {
        let limits = Limits { quant_floor: Some(floor.parse().expect("a format")), ..Limits::default() };
        let options = PreferenceOptions { mode: Mode::Pin, workload: "coding-agent", limits: &limits };
        let made = advise(&sample, model, &options, sample.as_of);
        let without = Preference { provider: None, reason: Some("a reason".to_owned()), ..made };
        assert!(without.router_limits.is_some());
        TARGETS[0].render(&without, model)
    };
    let none = rendered("bf16");
    assert!(
        none.files.is_empty() && noted(&none, "no endpoint is known to meet all of your limits"),
        "{none:?}"
    );
    assert!(noted(&none, "a reason"), "{none:?}");
    let some = rendered("fp8");
    assert!(some.files[0].text.contains("quantizations") && noted(&some, "only your limits"), "{some:?}");
}

#[test]
fn a_limit_that_a_target_cannot_say_is_said_not_to_hold() {
    let mut object = limits();
    object["only"] = json!(["lumen/bf16"]);
    let limited = case(&quill(), Mode::Pin, object);
    let lost = |target: &str| {
        let notes = target.parse::<&Target>().expect("a target").render(&limited, &quill()).notes;
        let lost: BTreeSet<String> = notes
            .iter()
            .filter(|note| note.contains("the limit is not enforced"))
            .filter_map(|note| Some(note.split('`').nth(1)?.to_owned()))
            .collect();
        lost.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(lost("litellm"), "");
    assert_eq!(lost("zed"), "max_price zdr");
    assert_eq!(lost("hermes"), "max_price quantizations zdr");
    assert_eq!(lost("roo"), "data_collection max_price quantizations require_parameters zdr");
    let zed =
        json_of("zed", "limits")["language_models"]["open_router"]["available_models"][0]["provider"].take();
    assert_eq!(zed["data_collection"], "disallow");
    let cost = text("litellm-cost", "limits");
    assert_eq!((cost.matches("zdr: true").count(), cost.contains("allow_fallbacks")), (2, false), "{cost}");
    let model = renamed(["deepinfra/fp8", "amazon-bedrock", "fireworks", "azure"]);
    let preference =
        case(&model, Mode::Avoid, json!({"ignore": ["azure"], "zdr": true, "data_collection": "deny"}));
    let gateway = "vercel-ai-gateway".parse::<&Target>().expect("a target").render(&preference, &model);
    let value: Value = serde_json::from_str(&gateway.files[0].text).expect("JSON");
    let options = &value["providerOptions"]["gateway"];
    assert_eq!(
        (&options["zeroDataRetention"], &options["disallowPromptTraining"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn limits_hold_where_there_is_no_preference() {
    let limits = serde_json::from_value(json!({"zdr": true})).expect("a provider object");
    let (_, model, made) = cases().swap_remove(0);
    let reason = Some("nothing to avoid".to_owned());
    let none = Preference { provider: None, router_limits: Some(limits), reason, ..made };
    for target in TARGETS {
        let rendered = target.render(&none, &model);
        assert!(noted(&rendered, "nothing to avoid"), "{}: {rendered:?}", target.name);
        match target.name {
            "litellm-cost" | "vercel-ai-gateway" | "roo" => {
                assert!(rendered.files.is_empty(), "{}", target.name)
            }
            // A text without the limit would not keep it.
            "zed" | "hermes" => {
                assert!(
                    rendered.files.is_empty() && noted(&rendered, "`zdr`"),
                    "{}: {rendered:?}",
                    target.name
                )
            }
            // The preset has the limit; the text only names it.
            "claude-code" | "codex" | "sillytavern" => {
                assert!(noted(&rendered, "create the preset"), "{}: {rendered:?}", target.name)
            }
            _ => {
                let text = rendered.files[0].text.to_lowercase();
                assert!(text.contains("zdr") && text.contains("true"), "{}: {text}", target.name);
            }
        }
        assert!(rendered.files.iter().all(|file| !file.text.contains("lumen")), "{}", target.name);
    }
}

#[test]
fn a_preset_is_referred_to_by_a_name_that_an_address_can_hold() {
    let preset = of("openrouter-preset", "shortlist");
    let slug = "hitrate-zephyr-quill-large-shortlist-f448d8";
    assert!(noted(&preset, &format!("/presets/{slug}/chat/completions")), "{preset:?}");
    assert!(noted(&preset, &format!("`zephyr/quill-large@preset/{slug}`")));
    assert!(noted(
        &of("openrouter-preset", "hostile"),
        "/presets/hitrate-zephyr-quill-id-large-shortlist-56c001/chat"
    ));
    assert_eq!(json_of("cline", "pin"), json_of("openrouter-preset", "pin"));
    let name = format!("zephyr/quill-large@preset/{slug}");
    assert_eq!(json_of("claude-code", "shortlist")["env"]["ANTHROPIC_MODEL"], name);
    assert_eq!(json_of("sillytavern", "shortlist")["openrouter_model"], name);
    let codex: toml::Table = text("codex", "shortlist").parse().expect("TOML");
    assert_eq!(codex["model"].as_str(), Some(name.as_str()));
    let hostile: toml::Table = text("codex", "hostile").parse().expect("TOML");
    assert!(hostile["model"].as_str().is_some_and(|model| model.starts_with(HOSTILE_MODEL)), "{hostile:?}");
    assert!(text("preset", "shortlist").contains(&format!("/presets/{slug}/chat/completions ")));
}

#[test]
fn presets_of_different_questions_have_different_names() {
    let slug = |model: &ModelEntry, preference: &Preference| {
        let notes = "preset".parse::<&Target>().expect("a target").render(preference, model).notes;
        let note = notes.iter().find_map(|note| note.split_once("`@preset/")?.1.split_once('`'));
        note.unwrap_or_else(|| panic!("{notes:?}")).0.to_owned()
    };
    let (model, object) = (quill(), json!({"only": ["lumen/bf16"]}));
    let made = case(&model, Mode::Shortlist, object.clone());
    let limited = |limits| Preference { limits, ..made.clone() };
    let mut dotted = quill();
    dotted.model_id = "zephyr/quill.large".to_owned();
    let slugs = [
        slug(&model, &made),
        slug(&model, &limited(Limits { max_output: Some(1000.0), ..Limits::default() })),
        slug(&model, &limited(Limits { no_training: true, ..Limits::default() })),
        slug(&model, &limited(Limits { max_input: Some(1.0), ..Limits::default() })),
        slug(&model, &Preference { workload: "chat".to_owned(), ..made.clone() }),
        slug(&model, &case(&model, Mode::Pin, object.clone())),
        slug(&dotted, &case(&dotted, Mode::Shortlist, object)),
    ];
    assert_eq!(slugs.iter().collect::<BTreeSet<_>>().len(), slugs.len(), "{slugs:?}");
    // The next answer to the same question is a new version of the same preset.
    let other =
        Preference { provider: case(&model, Mode::Shortlist, json!({"only": ["quarry"]})).provider, ..made };
    assert_eq!(slug(&model, &other), slugs[0]);
    assert!(
        slugs
            .iter()
            .all(|slug| slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
    );
}

#[test]
fn every_answer_with_a_preset_says_what_replaces_it() {
    let with_preset = ["preset", "openrouter-preset", "cline", "claude-code", "codex", "sillytavern"];
    for target in TARGETS {
        let said =
            noted(&of(target.name, "pin"), "a request's own `provider` object replaces that of the preset");
        assert_eq!(said, with_preset.contains(&target.name), "{}", target.name);
    }
}

#[test]
fn n8n_reads_lists_as_texts() {
    let node = json_of("n8n", "limits")["nodes"][0].take();
    assert_eq!(node["type"], "@n8n/n8n-nodes-langchain.lmChatOpenRouter");
    assert_eq!(
        node["parameters"]["options"]["providerRouting"],
        json!({"only": "lumen/bf16,quarry", "allowFallbacks": true, "requireParameters": true,
            "dataCollection": "deny", "zdr": true})
    );
    assert!(noted(&of("n8n", "limits"), "`quantizations`") && noted(&of("n8n", "limits"), "`max_price`"));
    let n8n: &Target = "n8n".parse().expect("a target");
    for (tag, part) in [("lumen,bf16", "by commas"), (" lumen", "by commas"), ("={{ 1 }}", "an expression")] {
        let model = renamed([tag, "quarry", "north-cloud/us-east", "mirage"]);
        let rendered = n8n.render(&case(&model, Mode::Pin, json!({"only": [tag]})), &model);
        assert!(rendered.files.is_empty() && noted(&rendered, part), "{tag}: {rendered:?}");
    }
}

#[test]
fn the_gateway_takes_a_floor_and_tools_as_conditions() {
    let text = json_of("vercel-ai-gateway", "conditions");
    assert_eq!(text["model"], "spacexai/grok-4.7");
    let has = ["int4", "fp4", "mxfp4", "nvfp4", "fp6"].map(|format| format!("!quantization:{format}"));
    let gateway = &text["providerOptions"]["gateway"];
    assert_eq!(gateway["has"], json!([&has[..], &["tool-use".to_owned()]].concat()));
    assert_eq!(gateway["only"], json!(["deepinfra", "novita"]));
    let model = renamed(["deepinfra/fp8", "novita", "xai", "azure"]);
    let object =
        json!({"ignore": ["azure"], "quantizations": ["fp16", "bf16", "fp32"], "require_parameters": true});
    let made = case(&model, Mode::Avoid, object);
    let gateway: &Target = "vercel-ai-gateway".parse().expect("a target");
    let limits = Limits {
        parameters: vec!["seed".to_owned(), "tool_choice".to_owned(), "tools".to_owned()],
        ..Limits::default()
    };
    let rendered = |limits: Limits| {
        let mut model = model.clone();
        for endpoint in &mut model.endpoints {
            endpoint.facts.parameters = limits.parameters.clone();
        }
        gateway.render(&Preference { limits, ..made.clone() }, &model)
    };
    let (with, without) = (rendered(limits), rendered(Limits::default()));
    let options = |rendered: &Rendered| {
        let value: Value = serde_json::from_str(&rendered.files[0].text).expect("JSON");
        value["providerOptions"]["gateway"].clone()
    };
    let floor: Vec<String> = ["int4", "fp4", "mxfp4", "nvfp4", "fp6", "int8", "fp8", "mxfp8"]
        .map(|format| format!("!quantization:{format}"))
        .into();
    assert_eq!(options(&with)["has"], json!([&floor[..], &["tool-use".to_owned()]].concat()));
    assert_eq!(options(&without)["has"], json!(floor));
    assert_eq!(options(&with)["only"], json!(["deepinfra", "novita", "xai"]));
    assert!(noted(&with, "no condition for seed") && noted(&without, "has no condition, so"), "{with:?}");
}

#[test]
fn a_text_without_names_keeps_all_limits_or_is_not_written() {
    let sample = sample::snapshot();
    let model = sample.model("zephyr/quill-large").expect("quill");
    let rendered = |target: &str, limits: Limits| {
        let options = PreferenceOptions { mode: Mode::Pin, workload: "coding-agent", limits: &limits };
        let made = advise(&sample, model, &options, sample.as_of);
        let withheld = Preference { provider: None, reason: Some("withheld: a reason".to_owned()), ..made };
        target.parse::<&Target>().expect("a target").render(&withheld, model)
    };
    let floor = || Limits { quant_floor: Some("fp8".parse().expect("a format")), ..Limits::default() };
    for target in TARGETS {
        let context = rendered(target.name, Limits { context: Some(1000), ..floor() });
        assert!(context.files.is_empty(), "{}: {context:?}", target.name);
        assert!(noted(&context, "`context`") || noted(&context, "a reason"), "{}: {context:?}", target.name);
    }
    let part = rendered("preset", Limits { context: Some(1000), ..floor() });
    assert!(noted(&part, "only a part of your limits") && noted(&part, "withheld: a reason"), "{part:?}");
    assert_eq!(rendered("preset", floor()).files.len(), 1);
    let hermes = rendered("hermes", floor());
    assert!(hermes.files.is_empty() && noted(&hermes, "`quantizations`"), "{hermes:?}");
}

#[test]
fn the_request_explains_the_fields_of_its_mode() {
    for (case, field) in [("avoid", "`ignore`"), ("shortlist", "`allow_fallbacks`"), ("pin", "no fallback")] {
        assert!(noted(&of("openrouter", case), field), "{case}");
    }
    let object = json!({"only": ["quarry"], "order": ["quarry"]});
    let order = TARGETS[0].render(&self::case(&quill(), Mode::Order, object), &quill());
    assert!(noted(&order, "`order` names the endpoints in the order"), "{order:?}");
}

#[test]
fn no_name_breaks_out_of_its_text() {
    for target in TARGETS {
        for file in of(target.name, "hostile").files {
            match target.language {
                "json" => {
                    let value: Value = serde_json::from_str(&file.text).expect("JSON");
                    // Crush has one setting for all models, without the name of a model.
                    let names_it = value.to_string().contains("quill");
                    assert!(names_it || target.name == "crush", "{}", target.name);
                }
                "sh" => {
                    let (head, body) = file.text.split_once("<<'JSON'\n").expect("a here-document");
                    let body = body.strip_suffix("\nJSON\n").expect("its end");
                    // The name of a preset is made of harmless characters.
                    assert!(
                        !head.contains("quill'") && !head.contains("$(") && !head.contains('`'),
                        "{head}"
                    );
                    assert!(body.lines().all(|line| line != "JSON"), "{body}");
                    let value: Value = serde_json::from_str(body).expect("JSON");
                    assert!(value["model"].as_str().is_some_and(|model| model.ends_with(HOSTILE_MODEL)));
                }
                // Their own interpreters read these: see `tests/targets/run.py`.
                "yaml" => assert!(!file.text.contains("\nJSON"), "{}: {}", target.name, file.text),
                "toml" => {
                    assert!(file.text.is_ascii() && file.text.parse::<toml::Table>().is_ok(), "{}", file.text)
                }
                "python" | "typescript" => assert!(file.text.is_ascii() && !file.text.contains("\nJSON")),
                other => panic!("{}: no rule for {other}", target.name),
            }
        }
    }
}

#[test]
fn every_target_is_in_its_document_and_no_other() {
    let text = include_str!("../../docs/targets.md");
    let text = text.split("The checks run").next().expect("the first table");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), Target::names().collect::<Vec<_>>());
}
