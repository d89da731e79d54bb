//! Cline, which cannot name providers: the preference goes into a preset.

use super::given::Given;
use super::{Draft, Names, Target, preset};

pub(super) const TARGET: Target = Target {
    fields: &[],
    names: Names::None,
    ..Target::whole(
        ("cline", "Cline"),
        "Body for OpenRouter's presets API, because Cline itself can only sort providers.",
        ("preset.json", "json"),
        draft,
    )
};

fn draft(given: &Given) -> Result<Draft, String> {
    let (text, mut notes) = preset::body(given);
    notes.insert(
        0,
        "Cline cannot name providers to use or to exclude. It sorts them by list price, throughput or latency, which \
         disables load balancing. Leave that setting empty and use a preset for the preference"
            .to_owned(),
    );
    notes.push(
        "if Cline does not accept the name of a preset as a model, list the providers under Ignored or Allowed in the \
         OpenRouter account; this applies to every model and client of the account"
            .to_owned(),
    );
    Ok(Draft { text, notes, sticky_safe: given.sticky_safe() })
}
