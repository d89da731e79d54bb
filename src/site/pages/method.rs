//! The method page: the project's own `docs/method.md`, and the thresholds that the program uses.

use crate::domain::thresholds::Threshold;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::tested::{self, ListErrors, Tested};
use crate::site::registry::Section;
use askama::Template;
use pulldown_cmark::{Alignment, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "method.html")]
struct MethodPage<'a> {
    shell: Shell,
    heading: String,
    body: String,
    tested: Option<Tested<'a>>,
    list: Option<ListErrors>,
    thresholds: Vec<(&'a Threshold, String)>,
}

/// Renders the method page; `markdown` is the project's own text and may contain HTML.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, markdown: &str) -> askama::Result<String> {
    let text = to_html(markdown);
    let thresholds = view.snapshot.thresholds.iter().map(|of| (of, number(of.value))).collect();
    let snapshot = view.snapshot.as_ref();
    MethodPage {
        tested: snapshot.backtest.as_ref().and_then(|backtest| tested::tested(backtest.headline())),
        list: tested::list_errors(snapshot),
        shell: Shell::of_page(
            view,
            Section::Method,
            "method",
            "What the numbers mean and how they are made.",
        ),
        heading: text.heading.unwrap_or_else(|| "The method".to_owned()),
        body: text.body,
        thresholds,
    }
    .render()
}

fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-4 { format!("{value:e}") } else { format!("{value}") }
}

pub(super) struct Text {
    pub heading: Option<String>,
    pub body: String,
}

/// Renders the text without its first `h1`, which becomes the heading of the page; any other `h1` becomes an `h2`, so a
/// page has only one `h1`. Headings get ids, and tables get a box to scroll in.
pub(super) fn to_html(markdown: &str) -> Text {
    let mut heading: Option<String> = None;
    let mut events: Vec<Event> = Vec::new();
    let mut source = Parser::new_ext(markdown, Options::ENABLE_TABLES).peekable();
    let mut ids = Ids::default();
    let mut unlinked = false;
    while let Some(event) = source.next() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let inner: Vec<Event> =
                    source.by_ref().take_while(|e| !matches!(e, Event::End(TagEnd::Heading(_)))).collect();
                let plain = plain(&inner);
                if level == HeadingLevel::H1 && heading.is_none() {
                    heading = Some(plain);
                    continue;
                }
                let level = if level == HeadingLevel::H1 { HeadingLevel::H2 } else { level };
                let id = Some(CowStr::from(ids.of(&plain)));
                events.push(Event::Start(Tag::Heading { level, id, classes: Vec::new(), attrs: Vec::new() }));
                events.extend(inner);
                events.push(Event::End(TagEnd::Heading(level)));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => match destination(&dest_url) {
                Some(dest_url) => {
                    events.push(Event::Start(Tag::Link { link_type, dest_url: dest_url.into(), title, id }));
                }
                None => unlinked = true,
            },
            // Links do not nest, so the next end tag belongs to the omitted link.
            Event::End(TagEnd::Link) if unlinked => unlinked = false,
            Event::Start(Tag::Table(columns)) => {
                events.push(Event::Html(
                    "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">".into(),
                ));
                // Alignment would produce inline styles, which the content security policy rejects.
                events.push(Event::Start(Tag::Table(vec![Alignment::None; columns.len()])));
            }
            Event::End(TagEnd::Table) => {
                events.push(event);
                events.push(Event::Html("</div>".into()));
            }
            other => events.push(other),
        }
    }
    let mut body = String::new();
    html::push_html(&mut body, events.into_iter());
    // An empty header cell is the corner of a table. Scrollable blocks must be reachable by keyboard.
    let body = body.replace("<th></th>", "<td></td>").replace("<th>", "<th scope=\"col\">");
    Text { heading, body: body.replace("<pre>", "<pre tabindex=\"0\">") }
}

/// The target of a link of the text on the site. Headings have different ids here. Other documents of the project are
/// not served, so links to them become plain text.
fn destination(address: &str) -> Option<String> {
    match address.strip_prefix("method.md").unwrap_or(address).strip_prefix('#') {
        Some(heading) => Some(format!("#m-{heading}")),
        None => (address.contains("://") || address.starts_with('/')).then(|| address.to_owned()),
    }
}

fn plain(events: &[Event]) -> String {
    let text = |event: &Event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.to_string()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// Makes the ids of headings unique.
#[derive(Default)]
struct Ids(BTreeMap<String, usize>);

impl Ids {
    fn of(&mut self, heading: &str) -> String {
        let words: Vec<String> = heading
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let base = format!("m-{}", words.join("-"));
        let count = self.0.entry(base.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { base } else { format!("{base}-{count}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heading_is_the_pages_and_ids_are_unique() {
        let text =
            to_html("# The `method`\n\n## Tiers\n\n## Tiers\n\n# More\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n");
        assert_eq!(text.heading.as_deref(), Some("The method"));
        assert!(!text.body.contains("<h1"), "{}", text.body);
        assert!(text.body.contains("id=\"m-tiers\"") && text.body.contains("id=\"m-tiers-2\""));
        assert!(text.body.contains("<h2 id=\"m-more\""));
        assert!(text.body.contains("aria-label=\"Table\"><table>"), "{}", text.body);
        let corner = to_html("|  | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n").body;
        assert!(corner.contains("<td></td>") && corner.contains("<pre tabindex=\"0\">"), "{corner}");
        assert!(text.body.contains("<th scope=\"col\">b") && !text.body.contains("style="), "{}", text.body);
    }

    #[test]
    fn links_lead_to_what_the_site_has() {
        let text = to_html("[a](api.md#limits) [b](#how-sure) [c](method.md#x) [d](https://e.example/)\n");
        assert!(!text.body.contains("api.md") && text.body.contains("a <a"), "{}", text.body);
        for link in ["#m-how-sure", "#m-x", "https://e.example/"] {
            assert!(text.body.contains(&format!("href=\"{link}\"")), "{link}: {}", text.body);
        }
    }

    #[test]
    fn small_thresholds_keep_their_digits() {
        assert_eq!(number(1e-9), "1e-9");
        assert_eq!(number(0.9), "0.9");
        assert_eq!(number(10e6), "10000000");
    }
}
