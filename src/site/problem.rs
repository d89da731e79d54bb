//! Pages for what is not there: a wrong address, and everything before the first collection.

use super::search::Found;
use super::shell::{Section, Shell, View};
use askama::Template;

/// Seconds between two looks at whether the first snapshot has come.
const RELOAD_AFTER: u32 = 10;

/// What was asked for and is not there.
#[derive(Debug, Clone)]
pub struct Missing {
    /// What the heading says.
    pub heading: String,
    /// What happened and what to do, one or two sentences; may hold what the visitor typed.
    pub detail: String,
    /// What was probably meant.
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

/// Renders the page of something that is not there.
///
/// # Errors
/// Where the template cannot be rendered.
pub fn render(view: &View, missing: &Missing) -> askama::Result<String> {
    let shell = Shell::new(view, Section::Elsewhere, missing.heading.clone(), "Not found.");
    Problem { shell, missing }.render()
}

/// Renders the page that stands in for every page until the first snapshot is published; it reloads itself.
///
/// # Errors
/// Where the template cannot be rendered.
pub fn empty() -> askama::Result<String> {
    let mut shell =
        Shell::bare(Section::Elsewhere, "first collection under way", "The first collection is under way.");
    shell.refresh = Some(RELOAD_AFTER);
    Empty { shell }.render()
}
