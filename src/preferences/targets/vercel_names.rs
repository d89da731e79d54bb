//! How Vercel's AI Gateway spells providers and models, from `data/vercel.toml`.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const FILE: &str = include_str!("../../../data/vercel.toml");

static NAMES: LazyLock<Result<Names, toml::de::Error>> = LazyLock::new(|| toml::from_str(FILE));

/// Maps OpenRouter's names to the gateway's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    /// Of providers, by base slug.
    pub providers: BTreeMap<String, String>,
    /// Of the part of a model id before the slash.
    authors: BTreeMap<String, String>,
}

impl Names {
    /// The table.
    ///
    /// # Errors
    /// Never for the embedded file: a test reads it.
    pub fn shipped() -> Result<&'static Self, String> {
        NAMES.as_ref().map_err(|error| format!("data/vercel.toml: {error}"))
    }

    /// The gateway's id of a model; `None` if its author has no known counterpart there.
    pub fn model(&self, model_id: &str) -> Option<String> {
        let (author, name) = model_id.split_once('/')?;
        Some(format!("{}/{name}", self.authors.get(author)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_read() {
        let names = Names::shipped().expect("data/vercel.toml is valid");
        assert_eq!(names.model("z-ai/glm-5.2").as_deref(), Some("zai/glm-5.2"));
        assert_eq!(names.model("nobody/model"), None);
        assert_eq!(names.providers["amazon-bedrock"], "bedrock");
    }
}
