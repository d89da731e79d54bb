//! Names of models as people write them for the router: with shortcuts that change the routing, and with presets.

use super::ids::names;

names! {
    /// A suffix of a model's name that is not a variant: the router accepts it for every model.
    Shortcut {
        /// Sorts endpoints by throughput.
        Nitro = "nitro",
        /// Sorts endpoints by list price.
        Floor = "floor",
        /// Sorts endpoints by the quality of their tool calls.
        Exacto = "exacto",
        /// Adds the results of a web search to the prompt.
        Online = "online",
    }
}

/// What separates the name of a preset from that of the model before it.
const PRESET: &str = "@preset/";

/// The parts of a model's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenName<'a> {
    /// The public id or canonical slug, with its variant; empty if only a preset is named.
    pub model: &'a str,
    /// The shortcuts, in the order in which they are written.
    pub shortcuts: Vec<Shortcut>,
    /// The name of a preset.
    pub preset: Option<&'a str>,
}

impl<'a> WrittenName<'a> {
    /// Takes a name apart. A suffix that is not a shortcut is a variant and stays with the model.
    pub fn parse(name: &'a str) -> Self {
        let (mut model, preset) = match name.split_once(PRESET) {
            Some((model, preset)) => (model, Some(preset)),
            None => (name, None),
        };
        let mut shortcuts = Vec::new();
        while let Some((before, shortcut)) =
            model.rsplit_once(':').and_then(|(before, last)| Some((before, Shortcut::parse(last)?)))
        {
            shortcuts.insert(0, shortcut);
            model = before;
        }
        Self { model, shortcuts, preset }
    }

    /// Whether the name is only that of a model.
    pub fn is_plain(&self) -> bool {
        self.shortcuts.is_empty() && self.preset.is_none()
    }

    /// Whether the model is named by an alias such as `~author/family-latest`, whose target changes.
    pub fn is_alias(&self) -> bool {
        self.model.starts_with('~')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart() {
        let parts = |name: &'static str| {
            let name = WrittenName::parse(name);
            (
                name.model,
                name.shortcuts.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" "),
                name.preset,
            )
        };
        assert_eq!(parts("a/b"), ("a/b", String::new(), None));
        assert_eq!(parts("a/b:free"), ("a/b:free", String::new(), None));
        assert_eq!(parts("a/b:nitro"), ("a/b", "nitro".to_owned(), None));
        assert_eq!(parts("a/b:free:nitro:online"), ("a/b:free", "nitro online".to_owned(), None));
        assert_eq!(parts("a/b:floor@preset/x"), ("a/b", "floor".to_owned(), Some("x")));
        assert_eq!(parts("@preset/x"), ("", String::new(), Some("x")));
        assert_eq!(parts("a/b:nitro:free"), ("a/b:nitro:free", String::new(), None));
        assert!(WrittenName::parse("a/b:free").is_plain() && !WrittenName::parse("a/b:exacto").is_plain());
        assert!(WrittenName::parse("~a/b-latest:nitro").is_alias());
    }
}
