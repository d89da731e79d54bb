//! Notes below the tables of `traffic costs` and `traffic plans`: each once, with what it is about.

use crate::cli::tables::{clean, line};
use crate::domain::format::grouped;
use crate::traffic::worth::LeftOut;

/// More names than this are counted, not listed.
const MOST_NAMES: usize = 4;

/// A count with its noun: `1 call`, `1,234 calls`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count as u64), if count == 1 { one } else { many })
}

/// Some names: all of a few, otherwise the first ones and how many more there are.
pub(super) fn names<T: AsRef<str>>(all: &[T]) -> String {
    let shown = if all.len() > MOST_NAMES + 1 { MOST_NAMES } else { all.len() };
    let listed: Vec<String> = all[..shown].iter().map(|name| clean(name.as_ref())).collect();
    match all.len() - shown {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// Sentences without a full stop, each with the names that it is about, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<(String, Vec<String>)>);

impl Notes {
    /// Adds a note, or a name to a note that is there.
    pub fn add(&mut self, note: &str, about: Option<&str>) {
        let at = self.0.iter().position(|(known, _)| known == note).unwrap_or_else(|| {
            self.0.push((note.to_owned(), Vec::new()));
            self.0.len() - 1
        });
        let (_, known) = &mut self.0[at];
        if let Some(name) = about.filter(|name| !known.iter().any(|one| one == name)) {
            known.push(name.to_owned());
        }
    }

    /// The notes under a heading, one a line; nothing without any.
    pub fn lines(&self) -> Vec<String> {
        let notes = self.0.iter().map(|(note, about)| match about.as_slice() {
            [] => format!("- {}.", line(note)),
            about => format!("- {}: {}.", names(about), line(note)),
        });
        let heading = (!self.0.is_empty()).then(|| "Notes:".to_owned());
        heading.into_iter().chain(notes).collect()
    }
}

/// The calls that no cost covers; `None` without any.
pub(super) fn left_out(left: &LeftOut, undated: usize) -> Option<String> {
    let unknown: usize = left.unknown_models.values().sum();
    let models: Vec<&String> = left.unknown_models.keys().collect();
    let parts = [
        (left.failed, counted(left.failed, "failed call", "failed calls")),
        (left.replayed, counted(left.replayed, "replayed reply", "replayed replies")),
        (left.without_tokens, counted(left.without_tokens, "call", "calls") + " without token counts"),
        (
            unknown,
            format!(
                "{} of {} not in the catalogue ({})",
                counted(unknown, "call", "calls"),
                if models.len() == 1 { "a model that is" } else { "models that are" },
                names(&models)
            ),
        ),
        (undated, counted(undated, "call", "calls") + " without a time"),
    ];
    let known: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    (!known.is_empty()).then(|| format!("Left out: {}.", known.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_written_once_with_all_its_names() {
        let mut notes = Notes::default();
        assert_eq!(notes.lines(), Vec::<String>::new());
        for name in ["a", "b", "a", "<i>\u{202e}c\nd"] {
            notes.add("the limit is unknown", Some(name));
        }
        notes.add("prices are those of today", None);
        notes.add("prices are those of today", None);
        assert_eq!(
            notes.lines(),
            ["Notes:", "- a, b, <i>c d: the limit is unknown.", "- prices are those of today."]
        );
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(names(&["a", "b", "c", "d", "e"]), "a, b, c, d, e");
        assert_eq!(names(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d and 2 more");
    }

    #[test]
    fn what_is_left_out_is_named_with_the_right_number() {
        assert_eq!(left_out(&LeftOut::default(), 0), None);
        let left = LeftOut {
            failed: 1,
            replayed: 2,
            without_tokens: 1,
            unknown_models: [("m".to_owned(), 1)].into(),
            paid_usd: 0.0,
        };
        let said = left_out(&left, 1_234).expect("something is left out");
        assert_eq!(
            said,
            "Left out: 1 failed call; 2 replayed replies; 1 call without token counts; 1 call of a model that is not in \
             the catalogue (m); 1,234 calls without a time."
        );
    }
}
