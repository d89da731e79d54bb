//! Roo Code, which names one provider.

use super::given::Given;
use super::{Draft, Names, Target, write};
use serde_json::json;

const FIELDS: &[&str] = &["only"];

pub(super) const TARGET: Target = Target {
    name: "roo",
    title: "Roo Code",
    about: "Settings to import: a provider profile for the model.",
    path: "roo-code-settings.json",
    language: "json",
    fields: FIELDS,
    names: Names::One,
    prices: false,
    draft,
};

fn draft(given: &Given) -> Result<Draft, String> {
    given.named()?;
    let only = given.names("only").filter(|names| !names.is_empty()).ok_or_else(|| {
        "Roo Code can name one provider to use and none to leave out: take mode `pin`, or a preset (`openrouter-preset`)"
            .to_owned()
    })?;
    let (_, mut notes) = given.fit(FIELDS);
    if only.len() > 1 {
        notes.push(format!(
            "Roo Code names one provider: the best of {}; the others are not used: {}",
            only.len(),
            only[1..].join(", ")
        ));
    }
    notes.push(
        "it sends that name as `order` and `only` without fallbacks: when the endpoint is down, requests fail".to_owned(),
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
    // One endpoint: there is no other place a conversation could go.
    Ok(Draft { text: write::json(&settings), notes, sticky_safe: true })
}
