//! Pages for missing content: a wrong address, and every page before the first collection.

use super::search::Found;
use crate::site::parts::shell::{Shell, View};
use crate::site::registry::Section;
use askama::Template;

/// Seconds between two checks for the first snapshot.
const RELOAD_AFTER: u32 = 10;

/// Requested content that does not exist.
#[derive(Debug, Clone)]
pub struct Missing {
    pub heading: &'static str,
    /// What happened and what to do, in one or two sentences; may contain what the visitor typed.
    pub detail: String,
    /// Likely intended targets.
    pub nearest: Vec<Found>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    shell: Shell,
    missing: &'a Missing,
}

#[derive(Template)]
#[template(path = "empty.html")]
struct Empty {
    shell: Shell,
}

/// Renders the page for missing content.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, missing: &Missing) -> askama::Result<String> {
    let shell = Shell::new(view, Section::Elsewhere, missing.heading, "Not found.");
    Problem { shell, missing }.render()
}

/// Renders the page that replaces every page until the first snapshot is published; it reloads itself.
///
/// # Errors
/// If the template cannot be rendered.
pub fn empty() -> askama::Result<String> {
    let mut shell =
        Shell::bare(Section::Elsewhere, "first collection under way", "The first collection is under way.");
    shell.refresh = Some(RELOAD_AFTER);
    Empty { shell }.render()
}
