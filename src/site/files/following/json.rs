//! A feed as JSON Feed, version 1.1 (<https://www.jsonfeed.org/version/1.1/>).

use super::Feed;
use crate::domain::change::Change;
use serde::Serialize;

/// The version that the format requires.
const VERSION: &str = "https://jsonfeed.org/version/1.1";

#[derive(Serialize)]
struct Page<'a> {
    version: &'static str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_page_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_url: Option<&'a str>,
    description: &'a str,
    language: &'static str,
    authors: [Author; 1],
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Author {
    name: &'static str,
}

#[derive(Serialize)]
struct Item<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    title: &'a str,
    content_text: String,
    date_published: String,
    date_modified: &'a str,
    tags: [&'static str; 1],
    /// The changes themselves, as the API returns them. Extensions begin with an underscore.
    #[serde(rename = "_hitrate")]
    extension: &'a [&'a Change],
}

/// The bytes of a feed. Addresses must be absolute in this format, so they are omitted if the public address of the site
/// is unknown.
pub fn write<'a>(feed: &'a Feed<'_>) -> Vec<u8> {
    let absolute = |address: &'a String| Some(address.as_str()).filter(|_| !feed.base.is_empty());
    let items = feed.entries.iter().map(|entry| Item {
        id: format!("urn:uuid:{}", entry.id),
        url: absolute(&entry.href),
        title: &entry.title,
        content_text: entry.text(),
        date_published: super::time(entry.change.at),
        date_modified: &entry.updated,
        tags: [entry.change.kind.as_str()],
        extension: &entry.changes,
    });
    let page = Page {
        version: VERSION,
        title: &feed.title,
        home_page_url: absolute(&feed.page),
        feed_url: absolute(&feed.own),
        description: &feed.about,
        language: "en",
        authors: [Author { name: "hitrate" }],
        items: items.collect(),
    };
    // Strings and numbers only: this cannot fail.
    serde_json::to_vec(&page).unwrap_or_default()
}
