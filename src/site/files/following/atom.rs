//! A feed as Atom (RFC 4287).

use super::Feed;
use crate::domain::change::Change;
use askama::Template;

#[derive(Template)]
#[template(path = "changes.atom", escape = "html")]
struct Page<'a> {
    feed: &'a Feed<'a>,
    entries: Vec<Item<'a>>,
}

struct Item<'a> {
    id: String,
    title: &'a str,
    updated: &'a str,
    published: String,
    href: &'a str,
    text: String,
    change: &'a Change,
}

/// The bytes of a feed.
///
/// # Errors
/// If the template cannot be rendered.
pub fn write(feed: Feed<'_>) -> askama::Result<Vec<u8>> {
    let entries = feed
        .entries
        .iter()
        .map(|entry| Item {
            id: entry.id.to_string(),
            title: &entry.title,
            updated: &entry.updated,
            published: super::time(entry.change.at),
            href: &entry.href,
            text: entry.text(),
            change: entry.change,
        })
        .collect();
    let text = Page { feed: &feed, entries }.render()?;
    Ok(crate::site::parts::clean::clean(text).into_bytes())
}
