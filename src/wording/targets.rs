//! What the texts for targets say about the fields that they contain.

use crate::domain::written_name::{Shortcut, WrittenName};

/// The fields of OpenRouter's `provider` object that a preference uses to name endpoints, by the name of its mode.
pub fn mode_fields(mode: &str) -> &'static str {
    match mode {
        "avoid" => {
            "mode `avoid`: `ignore` names the endpoints that are never used; the router chooses among all others"
        }
        "shortlist" => {
            "mode `shortlist`: `only` names the endpoints that may be used, and the router chooses among them; \
             `allow_fallbacks` lets it try another one of them if one fails"
        }
        "pin" => "mode `pin`: `only` names the endpoint that may be used; there is no fallback",
        _ => {
            "mode `order`: `order` names the endpoints in the order in which they are tried, and `only` repeats them so \
             that no other is used after the last"
        }
    }
}

/// What the parts of a model's name do besides naming `model`, one sentence each. `name` is as it was requested.
pub fn parts_of_name(name: &WrittenName, model: &str) -> Vec<String> {
    let alias = name.is_alias().then(|| {
        format!(
            "`{}` is an alias, whose target in the newest run is `{model}`. The preference names `{model}`: request it again \
             when the alias has another target",
            name.model
        )
    });
    let preset = name.preset.map(|preset| {
        format!(
            "the preset `{preset}` is not part of this preference, and its content is unknown here: the `provider` object of \
             a request replaces that of the preset"
        )
    });
    let shortcuts = name.shortcuts.iter().map(|shortcut| shortcut_effect(*shortcut));
    alias.into_iter().chain(shortcuts).chain(preset).collect()
}

/// What a shortcut does to the choice of the endpoint and to warm caches.
fn shortcut_effect(shortcut: Shortcut) -> String {
    let sorted = |by: &str, also: &str| {
        format!(
            "`:{shortcut}` is left out: it sorts the endpoints by {by}, like `sort`, which switches off load balancing and \
             sticky routing, so a conversation may leave the endpoint whose cache is warm{also}. Do not use it together with \
             this preference"
        )
    };
    match shortcut {
        Shortcut::Nitro => sorted("throughput", "; it also admits priority service tiers at their prices"),
        Shortcut::Floor => sorted(
            "list price",
            "; it also admits flex service tiers, and the lowest list price is not always the lowest cost",
        ),
        Shortcut::Exacto => sorted("the quality of their tool calls", ""),
        Shortcut::Online => "`:online` is left out: it adds the results of a web search to the prompt. It does not change \
            the choice of the endpoint, but searches are billed, and a prompt is cached only up to the first result that \
            differs. OpenRouter has deprecated it in favour of its web search tool"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_name_is_explained() {
        let of = |name: &'static str| parts_of_name(&WrittenName::parse(name), "a/b");
        assert!(of("a/b").is_empty() && of("a/b:free").is_empty());
        for shortcut in Shortcut::ALL {
            let said = shortcut_effect(shortcut);
            assert!(said.contains(&format!("`:{shortcut}`")), "{said}");
            assert_eq!(said.contains("sticky routing"), shortcut != Shortcut::Online, "{said}");
        }
        let all = of("~a/b-latest:nitro:online@preset/mine");
        assert_eq!(all.len(), 4);
        for (said, part) in
            all.iter().zip(["`~a/b-latest` is an alias", "throughput", "web search", "`mine`"])
        {
            assert!(said.contains(part), "{said}");
        }
        assert!(all[0].contains("`a/b`"));
    }
}
