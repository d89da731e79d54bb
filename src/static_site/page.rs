//! What a page of a static site has in addition to a served one: the content security policy in its head, and a script
//! that replaces the service.

use super::index::Index;
use super::markup::{Added, up};
use super::plan::{Item, Plan};
use super::{Own, PublishError};
use crate::site;
use crate::snapshot::Snapshot;
use sha2::{Digest, Sha256};

const SCRIPT: &str = include_str!("../../templates/assets/static.js");

/// The script as it is published: without comments and indentation.
pub fn script() -> String {
    let lines = SCRIPT.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The hint for readers without JavaScript, by page.
const WITHOUT_SCRIPT: [(&str, &str); 4] = [
    (
        "/search",
        "This is a static copy of the site: searching needs JavaScript. The pages <a href=\"/models\">Models</a> and \
         <a href=\"/providers\">Providers</a> list everything; use your browser to find a name on them.",
    ),
    (
        "/explore",
        "This is a static copy of the site: filtering, sorting and further pages need JavaScript. The busiest \
         endpoints are listed below; the JSON and CSV files contain all of them.",
    ),
    (
        "/changes",
        "This is a static copy of the site: filtering needs JavaScript. The newest changes are listed below, and the pages \
         of models and providers have feeds of their own changes.",
    ),
    (
        "/compare",
        "This is a static copy of the site: comparing needs JavaScript. A <a href=\"/models\">model’s page</a> shows \
         its endpoints side by side; <a href=\"/providers\">the providers</a> are in one table.",
    ),
];

/// The generated files by path, and how pages refer to them.
pub struct Parts {
    files: [Own; 4],
}

/// A path that contains a hash of the content.
fn hashed(name: &str, ending: &str, bytes: &[u8]) -> String {
    let hash: String = Sha256::digest(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("assets/{name}-{hash}.{ending}")
}

impl Parts {
    /// Generates the files of a snapshot.
    ///
    /// # Errors
    /// [`PublishError::Made`] if the index cannot be serialized as JSON, which would be a bug.
    pub fn new(snapshot: &Snapshot, plan: &Plan) -> Result<Self, PublishError> {
        let index = serde_json::to_string(&Index::new(snapshot, plan))
            .map(|index| site::clean(index).into_bytes())
            .map_err(|error| PublishError::Made { what: "the index", detail: error.to_string() })?;
        let script = script().into_bytes();
        let files = [
            (hashed("static", "js", &script), script),
            (hashed("index", "json", &index), index),
            // GitHub Pages would otherwise run the files through a generator and omit some.
            (".nojekyll".to_owned(), Vec::new()),
            ("_redirects".to_owned(), redirects(plan).into_bytes()),
        ];
        Ok(Self { files })
    }

    pub fn files(&self) -> &[Own] {
        &self.files
    }

    /// What is added to a page; `policy` is the value of its content security policy header.
    pub fn added(&self, item: &Item, policy: Option<&str>) -> Added {
        let hint = WITHOUT_SCRIPT.iter().find(|(page, _)| *page == item.address).map(|(_, hint)| *hint);
        let policy = policy.map(in_page).unwrap_or_default();
        let mut added = Added {
            head: format!(
                "\n<meta http-equiv=\"content-security-policy\" content=\"{policy}\">\
                 \n<meta name=\"referrer\" content=\"no-referrer\">"
            ),
            ..Added::default()
        };
        if let Some(hint) = hint {
            let [(script, _), (index, _), ..] = &self.files;
            let base = up(&item.file);
            added.head_end = format!(
                "<script src=\"{base}{script}\" data-base=\"{base}\" data-index=\"{base}{index}\" defer></script>\n"
            );
            // These addresses are added later and not rewritten with the others.
            let hint = hint.replace("href=\"/models\"", &format!("href=\"{base}models/index.html\""));
            let hint = hint.replace("href=\"/providers\"", &format!("href=\"{base}providers/index.html\""));
            added.main = format!("\n<noscript><p class=\"hint\">{hint}</p></noscript>");
        }
        added
    }
}

/// The familiar addresses whose targets have a file, in the format that Netlify and Cloudflare Pages read.
fn redirects(plan: &Plan) -> String {
    let lines = site::FAMILIAR.iter().filter_map(|(address, target)| {
        let file = plan.leads_to(target)?;
        Some(format!("{address} /{file} 301\n"))
    });
    lines.collect()
}

/// A policy for a `meta` element: `frame-ancestors` is allowed only in a header.
fn in_page(policy: &str) -> String {
    let said = policy.split(';').map(str::trim).filter(|said| !said.starts_with("frame-ancestors"));
    said.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::plan::Kind;
    use super::{Plan, in_page, redirects};

    #[test]
    fn familiar_addresses_lead_to_files() {
        let plan = Plan::of(Kind::Plain, vec!["/changes.atom".to_owned(), "/api".to_owned()], "chat");
        let text = redirects(&plan);
        assert!(text.contains("/docs /api/index.html 301\n/api/docs /api/index.html 301\n"), "{text}");
        assert!(text.contains("/feed.xml /changes.atom 301\n"), "{text}");
        assert!(!text.contains("/health"), "no file answers it: {text}");
    }

    #[test]
    fn a_policy_loses_what_only_a_header_can_say() {
        let header = "default-src 'none'; img-src 'self' data:; frame-ancestors 'none'";
        assert_eq!(in_page(header), "default-src 'none'; img-src 'self' data:");
    }
}
