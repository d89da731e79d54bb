//! Cline, which names no provider: the preference goes into a preset.

use super::given::Given;
use super::{Draft, Names, Target, preset};

pub(super) const TARGET: Target = Target {
    name: "cline",
    title: "Cline",
    about: "Body for OpenRouter's presets API: Cline itself can only sort providers.",
    path: "preset.json",
    language: "json",
    fields: &[],
    names: Names::None,
    prices: false,
    draft,
};

fn draft(given: &Given) -> Result<Draft, String> {
    let (text, mut notes) = preset::body(given);
    notes.insert(
        0,
        "Cline cannot name providers, to use or to leave out: it sorts them by price, throughput or latency, which goes \
         by the list and switches load balancing off. Leave that setting empty and let a preset carry the preference"
            .to_owned(),
    );
    notes.push(
        "where Cline does not take the name of a preset as a model, list the providers under Ignored or Allowed in the \
         OpenRouter account: that holds for every model and client of the account"
            .to_owned(),
    );
    Ok(Draft { text, notes, sticky_safe: given.sticky_safe() })
}
