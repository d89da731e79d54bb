//! Preferences in the formats of the routers and agents that use them: one file per kind of target, and this registry.
//!
//! A target receives the whole `provider` object, whatever its fields, and adds a note for each field that it cannot
//! express. Texts are written by serializers or by the literal writers of `write`, because names come from the upstream
//! and are untrusted.

mod agents;
mod frameworks;
mod given;
mod limited;
mod litellm;
mod openrouter;
mod presets;
mod snippets;
mod vercel;
mod write;

use super::{Mode, Preference};
use crate::snapshot::ModelEntry;
use crate::wording::preferences::Stickiness;
use given::Given;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// All fields of OpenRouter's `provider` object, according to its published API description.
const ALL_FIELDS: &[&str] = &[
    "only",
    "ignore",
    "order",
    "allow_fallbacks",
    "require_parameters",
    "data_collection",
    "zdr",
    "enforce_distillable_text",
    "quantizations",
    "sort",
    "max_price",
    "preferred_min_throughput",
    "preferred_max_latency",
];

/// Base URL of OpenRouter's API.
const OPENROUTER_API: &str = "https://openrouter.ai/api/v1";

/// The targets in display order; the first is the default.
pub const TARGETS: &[Target] = &[
    openrouter::REQUEST,
    presets::COMMAND,
    presets::BODY,
    litellm::PROXY,
    litellm::COST_ROUTING,
    agents::OPENCODE,
    presets::CLAUDE_CODE,
    presets::CODEX,
    agents::CLAUDE_CODE_ROUTER,
    agents::OPENCLAW,
    agents::QWEN_CODE,
    agents::CRUSH,
    agents::AIDER,
    agents::CONTINUE,
    vercel::TARGET,
    snippets::CURL,
    snippets::PYTHON,
    snippets::TYPESCRIPT,
    frameworks::LANGCHAIN,
    frameworks::LANGCHAIN_JS,
    frameworks::PYDANTIC_AI,
    frameworks::LLAMAINDEX,
    frameworks::OPENHANDS,
    limited::N8N,
    limited::ZED,
    agents::PI,
    limited::HERMES,
    limited::ROO,
    agents::KILO,
    presets::CLINE,
    presets::SILLYTAVERN,
    snippets::BIFROST,
];

/// How many endpoints a target can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// As many as the preference names.
    Many,
    /// One.
    One,
    /// None: it refers to a preference that is stored elsewhere.
    None,
}

/// A router, an agent or a language that a preference can be written for, and what it can express.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub struct Target {
    /// Name in URLs and on the command line.
    pub name: &'static str,
    /// Display name.
    pub title: &'static str,
    /// What the text is and where it goes, in one sentence.
    pub about: &'static str,
    /// Where the text goes: the path of a file, or a suggested name.
    pub path: &'static str,
    /// Language of the text: `json`, `yaml`, `toml`, `sh`, `python`, `typescript`.
    pub language: &'static str,
    /// Fields of OpenRouter's `provider` object that it can express; the notes list the other fields of a preference.
    pub fields: &'static [&'static str],
    /// How many endpoints it can name.
    pub names: Names,
    /// Whether the text carries prices.
    pub prices: bool,
    /// When a conversation stays on the endpoint whose cache is warm.
    pub stickiness: Stickiness,
    #[serde(skip)]
    #[schema(ignore)]
    draft: Writer,
}

/// A preference in the format of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rendered {
    /// Name of the target.
    pub target: String,
    /// Display name of the target.
    pub title: String,
    /// The texts and where they go; empty if there is no preference or the target cannot express it, in which case the
    /// notes give the reason.
    pub files: Vec<File>,
    /// What the target cannot express, and what to know before using the text.
    pub notes: Vec<String>,
    /// Whether a conversation stays on the endpoint whose cache is warm, by the rule of the target.
    pub sticky_safe: bool,
    /// That rule, in words.
    pub stickiness: String,
}

/// A text to put into a file or a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct File {
    /// Where it goes: a path, or a suggested name.
    pub path: String,
    /// `json`, `yaml`, `toml`, `sh`, `python` or `typescript`.
    pub language: String,
    /// The text, ending with a line break.
    pub text: String,
}

/// A preference, together with its text in the format of the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// The preference, with its evidence.
    #[serde(flatten)]
    pub preference: Preference,
    /// The text for its target.
    pub rendered: Rendered,
}

/// Writes a preference in the format of a target, or returns why that is impossible.
type Writer = fn(&Given) -> Result<Draft, String>;

/// The output of a target before it becomes a [`Rendered`].
struct Draft {
    text: String,
    notes: Vec<String>,
    /// Whether the text names a single provider, for targets whose stickiness depends on that.
    names_one: bool,
}

impl Draft {
    fn new(text: String, notes: Vec<String>) -> Self {
        Self { text, notes, names_one: false }
    }

    fn noted(text: String, notes: &[&str]) -> Self {
        Self::new(text, notes.iter().map(|note| (*note).to_owned()).collect())
    }
}

impl Target {
    /// A target that can express every field and name any number of endpoints, without prices.
    const fn whole(
        (name, title): (&'static str, &'static str),
        about: &'static str,
        (path, language): (&'static str, &'static str),
        draft: Writer,
    ) -> Self {
        Self {
            name,
            title,
            about,
            path,
            language,
            fields: ALL_FIELDS,
            names: Names::Many,
            prices: false,
            stickiness: Stickiness::UnlessOrdered,
            draft,
        }
    }
}

/// Its name, because requests with a target are identified by their `Debug` text.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for &'static Target {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        TARGETS.iter().find(|target| target.name == name).ok_or_else(|| {
            let known: Vec<&str> = Target::names().collect();
            format!("unknown target `{name}`: one of {}", known.join(", "))
        })
    }
}

impl Target {
    /// The names of all targets.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TARGETS.iter().map(|target| target.name)
    }

    /// The mode of a preference that is made for this target. A target that can name only one endpoint needs a `pin`,
    /// because the first endpoint of a list was not judged alone.
    pub fn mode(&self, requested: Mode) -> Mode {
        match (self.names, requested) {
            (Names::One, Mode::Shortlist | Mode::Order) => Mode::Pin,
            (_, requested) => requested,
        }
    }

    /// A preference for a model in the format of this target. If there is no preference, the limits still apply: the
    /// text then contains only the limits, and the first note says so. If there are no limits either, or the text could
    /// not keep all of them, or no endpoint meets them, there are no files and the first note gives the reason.
    pub fn render(&self, preference: &Preference, model: &ModelEntry) -> Rendered {
        let draft = Given::new(preference, model).and_then(|given| {
            // A preset has all fields, whatever the tool that names it.
            if self.names != Names::None {
                given.expressible(self.fields)?;
            }
            Ok(((self.draft)(&given)?, given))
        });
        let (files, notes, sticky_safe) = match draft {
            Ok((mut draft, given)) => {
                if preference.provider.is_none() {
                    draft.notes.insert(0, format!("only your limits: {}", given::reason(preference)));
                }
                let sticky_safe = self.is_sticky(&given, &draft);
                (vec![self.file(draft.text)], draft.notes, sticky_safe)
            }
            Err(why) => (Vec::new(), vec![why], false),
        };
        let (target, title) = (self.name.to_owned(), self.title.to_owned());
        Rendered { target, title, files, notes, sticky_safe, stickiness: self.stickiness.to_string() }
    }

    /// Whether a conversation stays in place with this text.
    fn is_sticky(&self, given: &Given, draft: &Draft) -> bool {
        match self.stickiness {
            Stickiness::UnlessOrdered => {
                !["order", "sort"].iter().any(|field| given.provider.contains_key(*field))
            }
            Stickiness::UntilFailure | Stickiness::OneEndpoint => true,
            Stickiness::OneProvider => draft.names_one,
        }
    }

    /// The preference together with its text.
    pub fn answer(&self, preference: Preference, model: &ModelEntry) -> Answer {
        let rendered = self.render(&preference, model);
        Answer { preference: Preference { target: self.name.to_owned(), ..preference }, rendered }
    }

    fn file(&self, mut text: String) -> File {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        File { path: self.path.to_owned(), language: self.language.to_owned(), text }
    }
}
