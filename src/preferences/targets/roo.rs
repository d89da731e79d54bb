//! Roo Code, which can name only one provider.

use super::given::Given;
use super::{Draft, Names, Target, write};
use serde_json::json;

const FIELDS: &[&str] = &["only"];

pub(super) const TARGET: Target = Target {
    fields: FIELDS,
    names: Names::One,
    ..Target::whole(
        ("roo", "Roo Code"),
        "Settings for import: a provider profile for the model.",
        ("roo-code-settings.json", "json"),
        draft,
    )
};

fn draft(given: &Given) -> Result<Draft, String> {
    given.named()?;
    let only = given.names("only").filter(|names| !names.is_empty()).ok_or_else(|| {
        "Roo Code can name one provider to use and none to exclude: use mode `pin` or a preset (`openrouter-preset`)"
            .to_owned()
    })?;
    let (_, mut notes) = given.fit(FIELDS);
    if only.len() > 1 {
        notes.push(format!(
            "Roo Code can name only one provider: this is the best of {}; not used: {}",
            only.len(),
            only[1..].join(", ")
        ));
    }
    notes.push(
        "Roo Code sends that name as `order` and `only` without fallbacks: requests fail when the endpoint is down"
            .to_owned(),
    );
    let profile = json!({
        "apiProvider": "openrouter",
        "openRouterModelId": given.model_id(),
        "openRouterSpecificProvider": only[0],
    });
    let settings = json!({
        "providerProfiles": { "currentApiConfigName": "hitrate", "apiConfigs": { "hitrate": profile } },
        "globalSettings": {},
    });
    // With a single endpoint, a conversation cannot move elsewhere.
    Ok(Draft { text: write::json(&settings), notes, sticky_safe: true })
}
