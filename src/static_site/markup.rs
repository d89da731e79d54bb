//! Makes the addresses in pages and feeds relative to the file that contains them.
//!
//! A tokenizer finds the positions of attribute values; everything else stays as it was, byte for byte.

use super::plan::Plan;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use serde_json::Value;
use std::convert::Infallible;
use std::ops::Range;

/// Title of links that only the service can answer.
const LIVE_ONLY: &str = "Available only from the live service, whose address this copy does not know";

/// What addresses are resolved against.
#[derive(Debug, Clone, Copy)]
pub struct Links<'a> {
    pub plan: &'a Plan,
    /// The live service, without a trailing slash; empty if there is none to link to.
    pub live: &'a str,
    /// Public address of the published site, without a trailing slash; empty if unknown.
    pub own: &'a str,
}

/// What is added to a page.
#[derive(Debug, Default)]
pub struct Added {
    /// After the character set.
    pub head: String,
    /// At the end of the head.
    pub head_end: String,
    /// At the start of the main element.
    pub main: String,
}

/// A text with its addresses rewritten.
#[derive(Debug)]
pub struct Rewritten {
    pub text: String,
    /// Number of addresses that lead to the live service.
    pub live: usize,
    /// Addresses without a target.
    pub lost: Vec<String>,
}

enum Lead {
    Stays,
    To(String),
    Live(String),
    Nowhere,
}

impl Links<'_> {
    fn resolve(&self, file: &str, value: &str) -> Lead {
        let own = Some(value).filter(|_| !self.own.is_empty()).and_then(|value| value.strip_prefix(self.own));
        let (address, base) = match own {
            // The public address itself is the front page, with or without a slash.
            Some("") => ("/", format!("{}/", self.own)),
            Some(rest) if rest.starts_with('/') => (rest, format!("{}/", self.own)),
            _ if value.starts_with('/') && !value.starts_with("//") => (value, up(file)),
            _ => return Lead::Stays,
        };
        let (address, fragment) = address.split_once('#').map_or((address, None), |(a, f)| (a, Some(f)));
        let fragment = fragment.map(|name| format!("#{name}")).unwrap_or_default();
        match self.plan.leads_to(address) {
            Some(target) => Lead::To(format!("{base}{target}{fragment}")),
            None if self.live.is_empty() => Lead::Nowhere,
            None => Lead::Live(format!("{}{address}{fragment}", self.live)),
        }
    }
}

/// A JSON Feed with the addresses of files; an address without a file is left out. `None` if it is not valid JSON.
pub fn rewrite_feed(links: Links<'_>, file: &str, body: &[u8]) -> Option<Vec<u8>> {
    const FIELDS: [&str; 3] = ["home_page_url", "feed_url", "url"];
    let mut feed: Value = serde_json::from_slice(body).ok()?;
    let rewrite = |object: &mut Value| {
        for field in FIELDS {
            let Some(address) = object.get(field).and_then(Value::as_str) else { continue };
            match links.resolve(file, address) {
                Lead::Stays => {}
                Lead::To(to) | Lead::Live(to) => object[field] = Value::String(to),
                Lead::Nowhere => drop(object.as_object_mut().map(|fields| fields.remove(field))),
            }
        }
    };
    rewrite(&mut feed);
    feed.get_mut("items").and_then(Value::as_array_mut)?.iter_mut().for_each(rewrite);
    serde_json::to_vec(&feed).ok()
}

/// The path from a file to the folder of the site: `../../`.
pub fn up(file: &str) -> String {
    "../".repeat(file.matches('/').count())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// A range of the text and its replacement.
type Edit = (Range<usize>, String);

/// Reads a text and collects the edits.
struct Reader<'a> {
    links: Links<'a>,
    file: &'a str,
    added: Added,
    edits: Vec<Edit>,
    live: usize,
    lost: Vec<String>,
    tag: Vec<u8>,
    attribute: Vec<u8>,
    attribute_starts: usize,
}

impl Reader<'_> {
    fn see(&mut self, event: CallbackEvent<'_>, span: Span<usize>) {
        match event {
            CallbackEvent::OpenStartTag { name } => name.clone_into(&mut self.tag),
            CallbackEvent::AttributeName { name } => {
                name.clone_into(&mut self.attribute);
                self.attribute_starts = span.start;
            }
            CallbackEvent::AttributeValue { value } => self.see_value(value, span),
            CallbackEvent::CloseStartTag { .. } => {
                let put = match self.tag.as_slice() {
                    b"meta" => std::mem::take(&mut self.added.head),
                    b"main" => std::mem::take(&mut self.added.main),
                    _ => String::new(),
                };
                self.put(span.end, put);
            }
            CallbackEvent::EndTag { name: b"head" } => {
                let put = std::mem::take(&mut self.added.head_end);
                self.put(span.start, put);
            }
            _ => {}
        }
    }

    fn put(&mut self, at: usize, text: String) {
        if !text.is_empty() {
            self.edits.push((at..at, text));
        }
    }

    /// Whether an address names the site itself.
    fn is_own(&self, value: &[u8]) -> bool {
        !self.links.own.is_empty() && value.starts_with(self.links.own.as_bytes())
    }

    fn see_value(&mut self, value: &[u8], span: Span<usize>) {
        let named = match self.attribute.as_slice() {
            b"href" | b"src" | b"action" => true,
            // Previews require absolute addresses.
            b"content" => self.tag == b"meta" && self.is_own(value),
            _ => false,
        };
        let Some(value) = std::str::from_utf8(value).ok().filter(|_| named) else { return };
        match self.links.resolve(self.file, value) {
            Lead::Stays => {}
            Lead::To(to) => self.edits.push((span.start..span.end, escaped(&to))),
            Lead::Live(to) => {
                self.live += 1;
                self.edits.push((span.start..span.end, escaped(&to)));
            }
            Lead::Nowhere => {
                self.lost.push(value.to_owned());
                // Including the closing quotation mark.
                self.edits.push((self.attribute_starts..span.end + 1, format!("title=\"{LIVE_ONLY}\"")));
            }
        }
    }
}

/// Rewrites the addresses of a page or feed that is written to `file`.
pub fn rewrite(links: Links<'_>, file: &str, text: &str, added: Added) -> Rewritten {
    let mut reader = Reader {
        links,
        file,
        added,
        edits: Vec::new(),
        live: 0,
        lost: Vec::new(),
        tag: Vec::new(),
        attribute: Vec::new(),
        attribute_starts: 0,
    };
    let see = |event: CallbackEvent<'_>, span: Span<usize>| -> Option<Infallible> {
        reader.see(event, span);
        None
    };
    // All results go through the callback, and reading from memory does not fail.
    Tokenizer::new_with_emitter(text, CallbackEmitter::new(see)).for_each(|never| match never {
        Ok(never) => match never {},
        Err(never) => match never {},
    });
    let Reader { edits, live, lost, .. } = reader;
    Rewritten { text: edited(text, edits), live, lost }
}

fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(place, _)| place.start);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut done = 0;
    for (place, put) in edits {
        out += &text[done..place.start];
        out += &put;
        done = place.end;
    }
    out + &text[done..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::static_site::plan::Kind;

    fn plan() -> Plan {
        let pages = ["/", "/models", "/models/a/b:free", "/explore", "/?lens=cache"].map(str::to_owned);
        Plan::of(Kind::Page, pages.to_vec(), "chat")
    }

    fn rewritten(file: &str, text: &str, live: &str, own: &str) -> Rewritten {
        rewrite(Links { plan: &plan(), live, own }, file, text, Added::default())
    }

    #[test]
    fn addresses_are_relative_to_their_file_and_all_else_stays() {
        let text = "<!doctype html>\n<a class=x href=\"/models/a/b:free#days\">a &amp; b ü</a><img src=\"/models\">\
                    <a href=\"#here\">h</a><a href=\"https://else.test/models\">e</a><a href=\"//models\">f</a>\
                    <form action='/explore'></form><a href=\"/explore?q=a&#38;sort=hit\">s</a>";
        let expected = "<!doctype html>\n<a class=x href=\"../models/a/b~3afree/index.html#days\">a &amp; b ü</a>\
                        <img src=\"../models/index.html\"><a href=\"#here\">h</a>\
                        <a href=\"https://else.test/models\">e</a><a href=\"//models\">f</a>\
                        <form action='../explore/index.html'></form>\
                        <a href=\"../explore/index.html?q=a&amp;sort=hit\">s</a>";
        let done = rewritten("changes/index.html", text, "", "");
        assert_eq!(done.text, expected);
        assert_eq!((done.live, done.lost.len()), (0, 0));
    }

    #[test]
    fn what_has_no_file_leads_to_the_service_or_says_so() {
        let text = "<p><a rel=\"nofollow\" href=\"/cost?model=a&amp;turns=3\" class=\"y\">cost</a></p>";
        let live = rewritten("index.html", text, "https://live.test", "");
        assert!(live.text.contains("href=\"https://live.test/cost?model=a&amp;turns=3\""), "{}", live.text);
        let lost = rewritten("index.html", text, "", "");
        let expected = format!("<p><a rel=\"nofollow\" title=\"{LIVE_ONLY}\" class=\"y\">cost</a></p>");
        assert_eq!(lost.text, expected);
        assert_eq!(lost.lost, ["/cost?model=a&turns=3"]);
    }

    #[test]
    fn its_own_address_is_told_apart_from_others_that_begin_alike() {
        let own = "https://me.test/x";
        let text = "<meta property=\"og:url\" content=\"https://me.test/x/?lens=cache\"><link href=\"https://me.test/x\">\
                    <a href=\"https://me.test/xylophone\">o</a><meta content=\"/models\" name=\"a\">";
        let done = rewritten("models/index.html", text, "", own).text;
        assert!(done.contains("content=\"https://me.test/x/tiers/cache/index.html\""), "{done}");
        assert!(done.contains("<link href=\"https://me.test/x/index.html\">"), "{done}");
        assert!(done.contains("href=\"https://me.test/xylophone\""), "{done}");
        assert!(done.contains("content=\"/models\""), "a name that looks like an address stays: {done}");
    }

    #[test]
    fn what_is_added_stands_once_in_its_place() {
        let added = Added { head: "[1]".into(), head_end: "[2]".into(), main: "[3]".into() };
        let text = "<html><head><meta charset=\"utf-8\"><meta name=\"x\"></head><body><main id=\"m\">x</main></body></html>";
        let done = rewrite(Links { plan: &plan(), live: "", own: "" }, "index.html", text, added).text;
        let expected = "<html><head><meta charset=\"utf-8\">[1]<meta name=\"x\">[2]</head><body><main id=\"m\">[3]x</main></body></html>";
        assert_eq!(done, expected);
    }
}
