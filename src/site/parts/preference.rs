//! The preferences that can be copied from a model's page.

use super::{format, link};
use crate::preferences::targets::{File, TARGETS, Target};
use crate::preferences::{Compared, Mode, Preference, Saving, preference};
use crate::site::parts::When;
use crate::snapshot::{ModelEntry, Snapshot};
use crate::wording::price_list;
use chrono::{DateTime, Utc};

/// The preference of one mode, ready to be copied, or the reason why there is none.
#[derive(Debug, Clone)]
pub struct Instruction {
    pub of: Preference,
    pub about: &'static str,
    /// The JSON to put into a request; `None` if there is no preference.
    pub json: Option<String>,
    /// The expected saving, in sentences.
    pub saving: Vec<String>,
    /// Its address in the API.
    pub address: String,
}

/// A preference in the format of a router or agent.
pub struct Text {
    pub target: &'static Target,
    /// Its mode: the default one, or the first other one that the target supports.
    pub mode: Mode,
    /// What to copy, and where to put it.
    pub file: File,
    /// What the target does not support, and other notes.
    pub notes: Vec<String>,
    /// When a conversation stays on the endpoint whose cache is warm.
    pub stickiness: String,
    /// Name and address of each mode.
    pub others: Vec<(&'static str, String)>,
}

/// The preferences of a model.
pub struct Instructions {
    /// One per mode, the default first.
    pub modes: Vec<Instruction>,
    /// One per target; empty if there is no preference in any mode.
    pub texts: Vec<Text>,
    /// Advice on session ids.
    pub session_id: String,
    /// What the router does without a preference.
    pub router_default: String,
    /// The time until which they are valid.
    pub valid_until: When,
}

/// The preferences of a model under the snapshot's default workload.
pub fn instructions(snapshot: &Snapshot, model: &ModelEntry, now: DateTime<Utc>) -> Option<Instructions> {
    let of = |mode| preference(snapshot, model, mode, snapshot.default_workload(), now);
    let all: Vec<Preference> = Mode::OFFERED.into_iter().map(of).collect();
    let first = all.first()?;
    Some(Instructions {
        session_id: quoted(&first.session_id),
        router_default: quoted(&first.router_default),
        valid_until: When::new(first.valid_until),
        texts: TARGETS.iter().filter_map(|target| text(target, model, &all)).collect(),
        modes: all.into_iter().map(|preference| instruction(model, preference)).collect(),
    })
}

/// The text of a target in the first mode that it supports.
fn text(target: &'static Target, model: &ModelEntry, preferences: &[Preference]) -> Option<Text> {
    let rendered = preferences.iter().map(|preference| (preference.mode, target.render(preference, model)));
    let (mode, rendered) = rendered.into_iter().find(|(_, rendered)| !rendered.files.is_empty())?;
    let file = rendered.files.into_iter().next()?;
    let address = |other: Mode| {
        format!("{}?target={}&mode={other}", link::preference_json(&model.model_id), target.name)
    };
    Some(Text {
        target,
        mode,
        file,
        notes: rendered.notes,
        stickiness: quoted(&rendered.stickiness),
        others: Mode::OFFERED.into_iter().map(|mode| (mode.as_str(), address(mode))).collect(),
    })
}

fn instruction(model: &ModelEntry, preference: Preference) -> Instruction {
    let body = preference.provider.as_ref().map(|provider| {
        let request = serde_json::json!({ "model": model.model_id, "provider": provider });
        serde_json::to_string_pretty(&request).unwrap_or_default()
    });
    Instruction {
        about: match preference.mode {
            Mode::Avoid => "Block these hosts; OpenRouter picks among the rest.",
            Mode::Shortlist => "Use only these hosts.",
            Mode::Pin => "Use only the best host.",
            Mode::Order => "Try these hosts in this order; sticky routing is off.",
        },
        json: body.filter(|text| !text.is_empty()),
        saving: match preference.provider {
            Some(_) => saving(&preference.saving),
            None => Vec::new(),
        },
        address: format!("{}?mode={}", link::preference_json(&model.model_id), preference.mode),
        of: preference,
    }
}

/// The expected saving of a preference; unknown values are omitted.
fn saving(saving: &Saving) -> Vec<String> {
    let listed = saving.against_cheapest_list.against.as_ref().map_or(1, Vec::len);
    let against = [
        (format!("always taking {}", price_list::reference(listed)), &saving.against_cheapest_list),
        ("what its traffic pays on average".to_owned(), &saving.against_traffic_average),
    ];
    let describe = |(against, compared): (String, &Compared)| {
        let share = compared.fraction.filter(|share| share.is_finite())?;
        let costs = share < 0.0;
        let ends = compared.low.zip(compared.high).map(|(low, high)| {
            let (low, high) = if costs { (-high, -low) } else { (low, high) };
            format!(" (90 % interval: {} to {})", format::percent(low), format::percent(high))
        });
        let words = if costs { ("Costs", " more than") } else { ("Saves", " compared with") };
        let (share, ends) = (format::percent(share.abs()), ends.unwrap_or_default());
        Some(format!("{} {share}{} {against}{ends}.", words.0, words.1))
    };
    against.into_iter().filter_map(describe).collect()
}

/// Turns the backticks of terminal text into quotation marks.
pub fn quoted(text: &str) -> String {
    let mut is_open = false;
    text.chars()
        .map(|c| match c {
            '`' => {
                is_open = !is_open;
                if is_open { '“' } else { '”' }
            }
            other => other,
        })
        .collect()
}
