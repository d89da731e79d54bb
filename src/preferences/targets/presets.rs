//! OpenRouter's presets: a preference that is stored in the account under a name, and the tools that can only name a
//! model.

use super::given::Given;
use super::openrouter::request;
use super::{Draft, Names, OPENROUTER_API, Target, write};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(super) const BODY: Target = Target::whole(
    ("openrouter-preset", "OpenRouter preset"),
    "Body for OpenRouter's presets API; any client that can name a model can then use the preset.",
    ("preset.json", "json"),
    body,
);

pub(super) const COMMAND: Target = Target::whole(
    ("preset", "Any tool (preset)"),
    "A command that creates a preset, for every tool that can name a model: give the tool `MODEL@preset/SLUG`.",
    ("preset.sh", "sh"),
    command,
);

/// A tool that can only name a model: its text refers to a preset.
const fn naming(target: Target) -> Target {
    Target { fields: &[], names: Names::None, ..target }
}

/// Cline, which cannot name providers.
pub(super) const CLINE: Target = naming(Target::whole(
    ("cline", "Cline"),
    "Body for OpenRouter's presets API, because Cline itself can only sort providers.",
    ("preset.json", "json"),
    cline,
));

/// Claude Code, whose settings have no place for a field of the request.
pub(super) const CLAUDE_CODE: Target = naming(Target::whole(
    ("claude-code", "Claude Code"),
    "Settings for ~/.claude/settings.json that use OpenRouter with a preset.",
    ("settings.json", "json"),
    claude_code,
));

/// Codex, whose settings have no place for a field of the request.
pub(super) const CODEX: Target = naming(Target::whole(
    ("codex", "Codex CLI"),
    "Settings for ~/.codex/config.toml that use OpenRouter with a preset.",
    ("config.toml", "toml"),
    codex,
));

/// SillyTavern, which sends the providers of its own setting as `order`.
pub(super) const SILLYTAVERN: Target = naming(Target::whole(
    ("sillytavern", "SillyTavern"),
    "A chat completion preset to import, which uses OpenRouter with a preset of the account.",
    ("hitrate.json", "json"),
    sillytavern,
));

/// Maximum length of the readable part of a preset's name.
const LONGEST: usize = 60;

/// What a preset cannot prevent. Every answer that uses one says so.
const REPLACED: &str = "a request's own `provider` object replaces that of the preset: remove the provider settings of \
    the tool, otherwise the preset's endpoints and limits do not apply";

const RENEW: &str = "a preset does not update itself: send a new one when this one is no longer valid";

/// The name of the preset of a preference.
struct Preset {
    slug: String,
    /// The name to use as a model.
    model: String,
}

impl Preset {
    /// The name consists of readable words (lower-case letters, digits and hyphens) and a short hash of what the preset
    /// is for. The same words may stand for different models or limits, and the preset of one must not replace that of
    /// another; the preset of the next answer to the same question must.
    fn new(given: &Given) -> Self {
        let preference = given.preference;
        let words = format!("hitrate {} {}", given.model_id(), preference.mode);
        let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let words = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
        let words: String = words.chars().take(LONGEST).collect();
        let question = json!([given.model_id(), preference.mode, preference.workload, preference.limits]);
        let hash = Sha256::digest(question.to_string());
        let hash: String = hash.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
        let slug = format!("{}-{hash}", words.trim_end_matches('-'));
        Self { model: format!("{}@preset/{slug}", given.model_id()), slug }
    }

    fn address(&self) -> String {
        format!("{OPENROUTER_API}/presets/{}/chat/completions", self.slug)
    }

    /// How to refer to it.
    fn refer(&self) -> String {
        format!("then use the model `{}` in the tool (`@preset/{}` without a model)", self.model, self.slug)
    }

    /// What to do before a text that only names it works.
    fn first(&self) -> String {
        format!(
            "create the preset `{}` first, because this text only names it: the target `preset` writes the command. Use \
             the same mode, workload and limits for both",
            self.slug
        )
    }
}

/// The request that a preset is made of. OpenRouter keeps the fields that it supports; `messages` is required but not
/// kept.
fn source(given: &Given) -> Value {
    let mut request = request(given);
    request["messages"] = json!([{ "role": "user", "content": "not kept" }]);
    request
}

fn body(given: &Given) -> Result<Draft, String> {
    let preset = Preset::new(given);
    let send = format!(
        "send it with your key: POST {}; sending it again creates a new version of the preset",
        preset.address()
    );
    Ok(Draft::noted(write::json(&source(given)), &[&send, &preset.refer(), REPLACED, RENEW]))
}

fn command(given: &Given) -> Result<Draft, String> {
    let preset = Preset::new(given);
    let text = write::post(&preset.address(), &[write::OPENROUTER_KEY], &source(given));
    let again = "running it again creates a new version of the preset";
    Ok(Draft::noted(text, &[&preset.refer(), again, REPLACED, RENEW]))
}

fn cline(given: &Given) -> Result<Draft, String> {
    let mut draft = body(given)?;
    let first = "Cline cannot name providers to use or to exclude. It sorts them by list price, throughput or latency, \
        which disables load balancing. Leave that setting empty and use a preset for the preference";
    let last = "if Cline does not accept the name of a preset as a model, list the providers under Ignored or Allowed in \
        the OpenRouter account; this applies to every model and client of the account";
    draft.notes.insert(0, first.to_owned());
    draft.notes.push(last.to_owned());
    Ok(draft)
}

fn claude_code(given: &Given) -> Result<Draft, String> {
    let preset = Preset::new(given);
    let settings = json!({ "env": {
        "ANTHROPIC_BASE_URL": OPENROUTER_API.trim_end_matches("/v1"),
        "ANTHROPIC_AUTH_TOKEN": "YOUR_OPENROUTER_API_KEY",
        "ANTHROPIC_API_KEY": "",
        "ANTHROPIC_MODEL": preset.model,
        "ANTHROPIC_DEFAULT_OPUS_MODEL": preset.model,
        "ANTHROPIC_DEFAULT_SONNET_MODEL": preset.model,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": preset.model,
    } });
    let key = "replace YOUR_OPENROUTER_API_KEY with your key: the file does not read environment variables";
    let all = "all four names are the same model, because the small model would otherwise run without the preference; \
        change the last one for a cheaper model in the background";
    Ok(Draft::noted(write::json(&settings), &[&preset.first(), key, all, REPLACED, RENEW]))
}

fn codex(given: &Given) -> Result<Draft, String> {
    let preset = Preset::new(given);
    // A string of `write` is a basic string of TOML, too.
    let text = format!(
        "model = {}\nmodel_provider = \"openrouter\"\n\n[model_providers.openrouter]\nname = \"OpenRouter\"\n\
         base_url = \"{OPENROUTER_API}\"\nenv_key = \"OPENROUTER_API_KEY\"\nwire_api = \"responses\"\n",
        write::string(&preset.model)
    );
    let above = "put the first two lines above all tables of the file, because TOML counts what follows a table to it";
    Ok(Draft::noted(text, &[&preset.first(), above, REPLACED, RENEW]))
}

fn sillytavern(given: &Given) -> Result<Draft, String> {
    let preset = Preset::new(given);
    let settings = json!({
        "chat_completion_source": "openrouter",
        "openrouter_model": preset.model,
        "openrouter_providers": [],
        "openrouter_quantizations": [],
        "openrouter_allow_fallbacks": true,
    });
    let order = "the lists of providers and quantizations are empty on purpose: SillyTavern sends its providers as \
        `order`, which disables sticky routing, and a `provider` object of its own";
    let select = format!(
        "if the list of models does not offer the name, select the source Custom (OpenAI-compatible) with the address \
         {OPENROUTER_API} and type the name of the model there"
    );
    Ok(Draft::noted(write::json(&settings), &[&preset.first(), order, &select, REPLACED, RENEW]))
}
