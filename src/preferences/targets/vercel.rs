//! Vercel's AI Gateway: another router with its own names, which supports lists of providers to use but not to exclude,
//! and conditions on what a provider offers (`has`).

use super::given::Given;
use super::{Draft, Stickiness, Target, write};
use crate::domain::quantization::Quantization;
use crate::snapshot::Endpoint;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const FILE: &str = include_str!("../../../data/vercel.toml");

static SPELLING: LazyLock<Result<Spelling, toml::de::Error>> = LazyLock::new(|| toml::from_str(FILE));

/// The version of Vercel's package that the names were read from.
const PACKAGE: &str = "@ai-sdk/gateway 4.0.146";

/// How the gateway spells providers and models, from `data/vercel.toml`: maps OpenRouter's names to the gateway's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelling {
    /// Of providers, by base slug.
    providers: BTreeMap<String, String>,
    /// Of the part of a model id before the slash.
    authors: BTreeMap<String, String>,
    /// Of models whose name after the slash differs, too.
    models: BTreeMap<String, String>,
    /// The names after the slash that the package lists, by the gateway's author.
    known: BTreeMap<String, BTreeSet<String>>,
}

/// The gateway's name of a model.
#[derive(Debug, PartialEq)]
enum Model {
    /// The package lists it.
    Listed(String),
    /// The name if the gateway has the model under OpenRouter's name; the package does not list it.
    Assumed(String),
    /// The author has no known counterpart.
    Unknown,
}

impl Spelling {
    /// The table.
    ///
    /// # Errors
    /// Never for the embedded file: a test reads it.
    fn shipped() -> Result<&'static Self, String> {
        SPELLING.as_ref().map_err(|error| format!("data/vercel.toml: {error}"))
    }

    fn model(&self, model_id: &str) -> Model {
        if let Some(listed) = self.models.get(model_id) {
            return Model::Listed(listed.clone());
        }
        let named = model_id.split_once('/');
        let Some((author, name)) = named.and_then(|(author, name)| Some((self.authors.get(author)?, name)))
        else {
            return Model::Unknown;
        };
        let id = format!("{author}/{name}");
        let is_listed = self.known.get(author).is_some_and(|names| names.contains(name));
        if is_listed { Model::Listed(id) } else { Model::Assumed(id) }
    }
}

/// Fields of the object that have a counterpart there. `quantizations` and `require_parameters` become conditions.
const FIELDS: &[&str] =
    &["only", "ignore", "order", "data_collection", "zdr", "quantizations", "require_parameters"];

/// Conditions on request parameters, as names of `has`.
const CAPABILITIES: &[(&str, &str)] = &[
    ("tools", "tool-use"),
    ("tool_choice", "tool-use"),
    ("structured_outputs", "structured-output"),
    ("reasoning", "reasoning"),
    ("include_reasoning", "reasoning"),
];

pub(super) const TARGET: Target = Target {
    fields: FIELDS,
    stickiness: Stickiness::OneProvider,
    ..Target::whole(
        ("vercel-ai-gateway", "Vercel AI Gateway"),
        "Fields for the body of a chat completion at ai-gateway.vercel.sh, or `providerOptions` of the AI SDK.",
        ("request.json", "json"),
        draft,
    )
};

fn draft(given: &Given) -> Result<Draft, String> {
    given.named()?;
    let spelling = Spelling::shipped()?;
    let (_, mut notes) = given.fit(FIELDS);
    let mut gateway = Map::new();
    let only = admitted(given, spelling, &mut notes)?;
    gateway.insert("only".to_owned(), json!(only));
    if let Some(order) = given.names("order") {
        // Only providers that `only` names: the gateway might otherwise use one that was left out.
        let order = order.into_iter().filter_map(|tag| spelling.providers.get(base(tag)));
        let mut order: Vec<&String> = order.filter(|name| only.contains(name)).collect();
        unique(&mut order);
        if !order.is_empty() {
            gateway.insert("order".to_owned(), json!(order));
        }
    }
    limits(given, &mut gateway);
    let has = conditions(given, &mut notes);
    if !has.is_empty() {
        gateway.insert("has".to_owned(), json!(has));
    }
    let model = match spelling.model(given.model_id()) {
        Model::Listed(model) => model,
        Model::Assumed(model) => {
            notes.push(format!(
                "`{model}` is the assumed name of the model there: {PACKAGE} does not list it, so check that the gateway \
                 offers it"
            ));
            model
        }
        Model::Unknown => {
            notes.push("the gateway's name for the model is unknown; this is OpenRouter's name".to_owned());
            given.model_id().to_owned()
        }
    };
    if given.names("ignore").is_some() {
        notes.push(
            "the gateway has no list of providers to exclude: `only` names the remaining ones, and providers that \
             appear later are not used"
                .to_owned(),
        );
    }
    notes.push(
        "the evidence comes from OpenRouter: the same provider may cache differently behind another router"
            .to_owned(),
    );
    let request = json!({ "model": model, "providerOptions": { "gateway": Value::Object(gateway) } });
    Ok(Draft { names_one: only.len() == 1, ..Draft::new(write::json(&request), notes) })
}

/// The gateway's names of the admitted providers, best first. A provider with an endpoint that is not admitted is left
/// out, because the gateway does not distinguish the endpoints of a provider.
fn admitted<'a>(
    given: &Given,
    spelling: &'a Spelling,
    notes: &mut Vec<String>,
) -> Result<Vec<&'a String>, String> {
    let admitted = given.admitted();
    let in_both = |endpoint: &&Endpoint| {
        let provider = &endpoint.provider;
        let mut siblings = given.model.endpoints.iter().filter(|other| other.provider == *provider);
        siblings.any(|other| admitted.iter().all(|one| one.endpoint_id != other.endpoint_id))
    };
    let (mut names, mut unknown, mut mixed): (Vec<&String>, Vec<&str>, Vec<&str>) = Default::default();
    for endpoint in &admitted {
        let provider = endpoint.provider.as_str();
        match spelling.providers.get(provider) {
            _ if in_both(endpoint) => mixed.push(provider),
            Some(name) => names.push(name),
            None => unknown.push(provider),
        }
    }
    for (list, why) in [
        (
            &mut mixed,
            "the gateway does not distinguish endpoints of a provider, and some of theirs are excluded",
        ),
        (&mut unknown, "they have no known counterpart at the gateway"),
    ] {
        unique(list);
        if !list.is_empty() {
            notes.push(format!("left out because {why}: {}", list.join(", ")));
        }
    }
    unique(&mut names);
    if names.is_empty() {
        return Err(format!(
            "none of the admitted providers can be named at the gateway. {}",
            notes.join(". ")
        ));
    }
    Ok(names)
}

fn unique<T: PartialEq + Copy>(list: &mut Vec<T>) {
    let mut seen: Vec<T> = Vec::new();
    list.retain(|one| {
        !seen.contains(one) && {
            seen.push(*one);
            true
        }
    });
}

fn base(tag: &str) -> &str {
    tag.split('/').next().unwrap_or(tag)
}

fn limits(given: &Given, gateway: &mut Map<String, Value>) {
    if given.provider.get("zdr") == Some(&true.into()) {
        gateway.insert("zeroDataRetention".to_owned(), true.into());
    }
    if given.provider.get("data_collection").is_some_and(|value| value == "deny") {
        gateway.insert("disallowPromptTraining".to_owned(), true.into());
    }
}

/// The entries of `has`: each format below the floor is excluded, and what the limit on parameters asks for is required.
fn conditions(given: &Given, notes: &mut Vec<String>) -> Vec<String> {
    let mut has = Vec::new();
    if let Some(accepted) = given.names("quantizations") {
        let coarser =
            Quantization::all().map(Quantization::as_str).filter(|format| !accepted.contains(format));
        has.extend(coarser.map(|format| format!("!quantization:{format}")));
        notes.push(
            "the floor of the weight format is written as `!quantization:` of each coarser format; a provider whose format \
             the gateway does not know passes such a condition. `only` names only providers with a known, accepted format"
                .to_owned(),
        );
    }
    if given.provider.get("require_parameters") == Some(&true.into()) {
        let capability = |wanted: &String| {
            CAPABILITIES.iter().find(|(parameter, _)| parameter == wanted).map(|(_, capability)| *capability)
        };
        let wanted = &given.preference.limits.parameters;
        let mut required: Vec<&str> = wanted.iter().filter_map(capability).collect();
        unique(&mut required);
        has.extend(required.into_iter().map(str::to_owned));
        let other: Vec<&str> =
            wanted.iter().filter(|one| capability(one).is_none()).map(String::as_str).collect();
        if wanted.is_empty() || !other.is_empty() {
            let of = if other.is_empty() { String::new() } else { format!(" for {}", other.join(", ")) };
            notes.push(format!(
                "the gateway has no condition{of}, so `require_parameters` is kept only by the names in `only`"
            ));
        }
    }
    has
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_read() {
        let names = Spelling::shipped().expect("data/vercel.toml is valid");
        let listed = |id: &str| Model::Listed(id.to_owned());
        for (model, there) in [
            ("z-ai/glm-5.2", "zai/glm-5.2"),
            ("x-ai/grok-4.7", "spacexai/grok-4.7"),
            ("google/gemini-3-flash-preview", "google/gemini-3-flash"),
            ("deepseek/deepseek-chat-v3.1", "deepseek/deepseek-v3.1"),
            ("qwen/qwen3-32b", "alibaba/qwen-3-32b"),
        ] {
            assert_eq!(names.model(model), listed(there));
        }
        assert_eq!(names.model("z-ai/glm-0"), Model::Assumed("zai/glm-0".to_owned()));
        assert_eq!(names.model("absent/model"), Model::Unknown);
        for (provider, there) in [("amazon-bedrock", "bedrock"), ("xai", "xai"), ("together", "togetherai")] {
            assert_eq!(names.providers[provider], there);
        }
        let is_listed = |id: &String| {
            id.split_once('/')
                .is_some_and(|(author, name)| names.known.get(author).is_some_and(|own| own.contains(name)))
        };
        assert!(names.models.values().all(is_listed), "a counterpart that the package does not list");
        assert!(names.authors.values().all(|author| names.known.contains_key(author)));
    }
}
