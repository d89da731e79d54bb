//! Vercel's AI Gateway: another router with its own names, which supports lists of providers to use but not to exclude.

use super::given::Given;
use super::{Draft, Stickiness, Target, write};
use crate::snapshot::Endpoint;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const FILE: &str = include_str!("../../../data/vercel.toml");

static SPELLING: LazyLock<Result<Spelling, toml::de::Error>> = LazyLock::new(|| toml::from_str(FILE));

/// How the gateway spells providers and models, from `data/vercel.toml`: maps OpenRouter's names to the gateway's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelling {
    /// Of providers, by base slug.
    providers: BTreeMap<String, String>,
    /// Of the part of a model id before the slash.
    authors: BTreeMap<String, String>,
}

impl Spelling {
    /// The table.
    ///
    /// # Errors
    /// Never for the embedded file: a test reads it.
    fn shipped() -> Result<&'static Self, String> {
        SPELLING.as_ref().map_err(|error| format!("data/vercel.toml: {error}"))
    }

    /// The gateway's id of a model; `None` if its author has no known counterpart there.
    fn model(&self, model_id: &str) -> Option<String> {
        let (author, name) = model_id.split_once('/')?;
        Some(format!("{}/{name}", self.authors.get(author)?))
    }
}

/// Fields of the object that have a counterpart there.
const FIELDS: &[&str] = &["only", "ignore", "order", "data_collection", "zdr"];

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
        let order = order.into_iter().filter_map(|tag| spelling.providers.get(base(tag)));
        gateway.insert("order".to_owned(), json!(order.collect::<Vec<_>>()));
    }
    limits(given, &mut gateway);
    let model = match spelling.model(given.model_id()) {
        Some(model) => {
            notes.push(format!(
                "the gateway's name for the model is assumed to be `{model}`; check that it exists"
            ));
            model
        }
        None => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_read() {
        let names = Spelling::shipped().expect("data/vercel.toml is valid");
        assert_eq!(names.model("z-ai/glm-5.2").as_deref(), Some("zai/glm-5.2"));
        assert_eq!(names.model("absent/model"), None);
        assert_eq!(names.providers["amazon-bedrock"], "bedrock");
    }
}
