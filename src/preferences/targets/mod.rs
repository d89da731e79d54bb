//! Preferences in the formats of the routers and agents that follow them: one file a target, and this registry.
//!
//! A target takes the whole `provider` object, whatever fields it has, and says of each field it cannot express that it
//! does not hold there. Texts are made by serializers or by the literal writers of `write`: names come from the upstream
//! and are untrusted.

mod aider;
mod bifrost;
mod claude_code_router;
mod cline;
mod continue_dev;
mod curl;
mod given;
mod hermes;
mod kilo;
mod litellm;
mod litellm_cost;
mod opencode;
mod openrouter;
mod pi;
mod preset;
mod python;
mod roo;
mod typescript;
mod vercel;
mod vercel_names;
mod write;
mod zed;

use super::Preference;
use crate::snapshot::ModelEntry;
use given::Given;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All fields of OpenRouter's `provider` object, by its published API description.
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

/// Where OpenRouter's API is.
const OPENROUTER_API: &str = "https://openrouter.ai/api/v1";

/// The targets, in the order they are shown in; the first is the default.
pub const TARGETS: &[Target] = &[
    openrouter::TARGET,
    preset::TARGET,
    litellm::TARGET,
    litellm_cost::TARGET,
    opencode::TARGET,
    claude_code_router::TARGET,
    aider::TARGET,
    continue_dev::TARGET,
    vercel::TARGET,
    curl::TARGET,
    python::TARGET,
    typescript::TARGET,
    zed::TARGET,
    pi::TARGET,
    hermes::TARGET,
    roo::TARGET,
    kilo::TARGET,
    cline::TARGET,
    bifrost::TARGET,
];

/// How many endpoints a target can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// As many as the preference names.
    Many,
    /// One.
    One,
    /// None of its own: it refers to a preference that is kept elsewhere.
    None,
}

/// A router, an agent or a language that a preference can be written for, and what it can express.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Target {
    /// Name in addresses and on the command line.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What the text is and where it goes, in one sentence.
    pub about: &'static str,
    /// Where the text goes: a file's path, or a name for it.
    pub path: &'static str,
    /// Language of the text: `json`, `yaml`, `sh`, `python`, `typescript`.
    pub language: &'static str,
    /// Fields of OpenRouter's `provider` object that it can express; what else a preference holds is said in the notes.
    pub fields: &'static [&'static str],
    /// How many endpoints it can name.
    pub names: Names,
    /// Whether the text carries prices.
    pub prices: bool,
    #[serde(skip)]
    #[schema(ignore)]
    draft: Writer,
}

/// A preference in the words of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rendered {
    /// Name of the target.
    pub target: String,
    /// Name of the target for people.
    pub title: String,
    /// What to put where; empty where there is no preference or the target cannot express it, the notes then say why.
    pub files: Vec<File>,
    /// What the target cannot express, and what to know before using the text.
    pub notes: Vec<String>,
    /// Whether a conversation stays on the endpoint whose cache is warm.
    pub sticky_safe: bool,
}

/// A text to put into a file or a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct File {
    /// Where it goes: a path, or a name for it.
    pub path: String,
    /// `json`, `yaml`, `sh`, `python` or `typescript`.
    pub language: String,
    /// The text, with a line break at its end.
    pub text: String,
}

/// A preference, and the same in the words of its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// The preference, with its evidence.
    #[serde(flatten)]
    pub preference: Preference,
    /// The text for its target.
    pub rendered: Rendered,
}

/// How a target writes a preference down, or why it cannot.
type Writer = fn(&Given) -> Result<Draft, String>;

/// What a target makes of a preference, before it is put into a frame.
struct Draft {
    text: String,
    notes: Vec<String>,
    sticky_safe: bool,
}

impl Target {
    /// The target of a name.
    ///
    /// # Errors
    /// The known names, where there is none of that name.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        TARGETS.iter().find(|target| target.name == name).ok_or_else(|| {
            let known: Vec<&str> = Self::names().collect();
            format!("unknown target `{name}`: one of {}", known.join(", "))
        })
    }

    /// The names of all targets.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TARGETS.iter().map(|target| target.name)
    }

    /// A preference for a model in the words of this target. Where there is no preference the limits still hold: the text
    /// is then of them alone, and the first note says so. Without either, or where the target cannot express what there
    /// is, there are no files and the first note says why.
    pub fn render(&self, preference: &Preference, model: &ModelEntry) -> Rendered {
        let draft = Given::new(preference, model).and_then(|given| (self.draft)(&given));
        let (files, notes, sticky_safe) = match draft {
            Ok(mut draft) => {
                if preference.provider.is_none() {
                    draft.notes.insert(0, format!("your limits alone: {}", given::reason(preference)));
                }
                (vec![self.file(draft.text)], draft.notes, draft.sticky_safe)
            }
            Err(why) => (Vec::new(), vec![why], false),
        };
        let (target, title) = (self.name.to_owned(), self.title.to_owned());
        Rendered { target, title, files, notes, sticky_safe }
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
