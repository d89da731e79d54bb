//! The site as files: what is written, that every link has a target, and that the folder is replaced as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::Duration;
use hitrate::snapshot::{Snapshot, store};
use hitrate::static_site::{MARKER, Options, Report, publish, script};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::hitrate;
use crate::rig::folder;
use crate::sample;

const LIVE: &str = "https://live.test";
const OWN: &str = "https://pages.test/me";

/// A published folder.
struct Site {
    _root: TempDir,
    out: PathBuf,
    report: Report,
}

fn written(snapshot: Snapshot, live: &str, own: &str) -> Site {
    let root = folder();
    let out = root.path().join("site");
    let now = snapshot.as_of + Duration::minutes(24);
    let snapshot = Arc::new(snapshot);
    let named = if own.is_empty() { live } else { own };
    let service = hitrate::serve::for_files(snapshot.clone(), now, named);
    let options = Options { out: out.clone(), force: false, live: live.to_owned(), own: own.to_owned() };
    let heard = AtomicUsize::new(0);
    let report = publish(&service, &snapshot, &options, |_, _| {
        heard.fetch_add(1, Ordering::Relaxed);
    });
    let report = report.expect("published");
    assert!(heard.load(Ordering::Relaxed) + 4 >= report.files, "every file is reported");
    Site { _root: root, out, report }
}

impl Site {
    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.out.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_str(&self.text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn files(&self) -> BTreeSet<String> {
        files(&self.out)
    }
}

/// All files of a folder, as paths relative to it.
fn files(folder: &Path) -> BTreeSet<String> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let below = path.strip_prefix(folder).expect("below it");
                found.insert(below.to_str().expect("plain names").to_owned());
            }
        }
    }
    found
}

/// The values of all attributes that contain addresses.
fn addresses(text: &str) -> Vec<String> {
    let named = [" href=\"", " src=\"", " action=\"", " data-index=\""];
    let of =
        |name: &str| text.split(name).skip(1).filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>();
    named.into_iter().flat_map(of).map(|value| value.replace("&#38;", "&").replace("&amp;", "&")).collect()
}

fn ids(text: &str) -> BTreeSet<&str> {
    text.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// Follows every relative address of every page, picture and feed, including its fragment. Returns their number.
fn check_links(site: &Site) -> usize {
    let files = site.files();
    let is_markup = |file: &&String| [".html", ".svg", ".atom"].iter().any(|ending| file.ends_with(ending));
    let texts: BTreeMap<&String, String> =
        files.iter().filter(is_markup).map(|file| (file, site.text(file))).collect();
    let mut followed = 0;
    for (file, text) in &texts {
        for address in addresses(text) {
            if address.starts_with("http://") || address.starts_with("https://") {
                continue;
            }
            assert!(
                !address.starts_with('/') && !address.starts_with("//"),
                "{file}: {address} leaves the folder"
            );
            let (path, fragment) = address.split_once('#').unwrap_or((&address, ""));
            let path = path.split('?').next().unwrap_or_default();
            let target = if path.is_empty() { (*file).clone() } else { joined(file, path) };
            assert!(files.contains(&target), "{file}: {address} is not a file ({target})");
            if !fragment.is_empty() && target.ends_with(".html") {
                assert!(ids(&texts[&target]).contains(fragment), "{file}: {address} has no such place");
            }
            followed += 1;
        }
    }
    for sheet in files.iter().filter(|file| file.ends_with(".css")) {
        assert!(
            !site.text(sheet).contains("url("),
            "{sheet} names other files; teach this test to follow them"
        );
    }
    followed
}

/// Resolves a path relative to a file, within the folder.
fn joined(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        if part == ".." {
            assert!(parts.pop().is_some(), "{file}: {path} climbs out of the folder");
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// The sample, with names that are difficult for file systems and addresses.
fn awkward() -> Snapshot {
    let mut snapshot = sample::snapshot();
    let names = [
        "a/b:c?d#e",
        "Upper/Case",
        "upper/case",
        "x/.hidden",
        "x/<b>\"quoted\"",
        "x/con",
        "x/rtl-\u{202e}name",
        "x/50%",
    ];
    let first = snapshot.models[0].clone();
    snapshot.models.extend(names.map(|id| {
        let mut model = first.clone();
        model.model_id = id.to_owned();
        model
    }));
    let mut long = first.clone();
    long.model_id = format!("long/{}", "n".repeat(300));
    snapshot.models.push(long);
    snapshot
}

#[test]
fn every_link_of_every_page_leads_to_a_file() {
    let site = written(sample::snapshot(), "", "");
    assert_eq!(site.report.failed, [""; 0]);
    assert!(check_links(&site) > 1000);
    let files = site.files();
    for file in [
        "index.html",
        "tiers/cost/chat/index.html",
        "tiers/cost/chat.json",
        "tiers/cache.csv",
        "models/index.html",
        "models.json",
        "models/northwind/atlas-3/index.html",
        "models/northwind/atlas-3.json",
        "models/northwind/atlas-3.csv",
        "models/northwind/atlas-3~3afree/index.html",
        "models/northwind/atlas-3/endpoints/quarry/fp8/index.html",
        "badge/model/northwind/atlas-3/endpoints/quarry/fp8.svg",
        "providers/lumen/index.html",
        "badge/lumen.svg",
        "badge/cache/lumen.svg",
        "badge/model/northwind/atlas-3.svg",
        "chart/model/northwind/atlas-3/hit-rate.svg",
        "search/index.html",
        "explore/index.html",
        "explore.csv",
        "explore.json",
        "compare/index.html",
        "api/index.html",
        "api/v1/openapi.json",
        "changes.atom",
        "changes.feed.json",
        "models/northwind/atlas-3/changes.atom",
        "models/northwind/atlas-3/changes.feed.json",
        "favicon.svg",
        MARKER,
    ] {
        assert!(files.contains(file), "{file} is missing");
    }
    assert_eq!(files.len(), site.report.files + 1, "and the marker");
    assert!(!files.contains("sitemap.xml") && !files.iter().any(|file| file.starts_with("og/")));
    let models = site.json("models.json");
    assert_eq!(models["data"].as_array().map(Vec::len), Some(sample::snapshot().models.len()));
}

#[test]
fn awkward_names_have_files_of_their_own() {
    let snapshot = awkward();
    let models = snapshot.models.len();
    let site = written(snapshot, "", "");
    assert_eq!(site.report.failed, [""; 0]);
    check_links(&site);
    let files = site.files();
    let pages = files.iter().filter(|file| file.starts_with("models/") && file.ends_with("/index.html"));
    let pages = pages.filter(|file| !file.contains("/endpoints/"));
    assert_eq!(pages.count(), models + 1, "one each, and the list");
    let lower: BTreeSet<String> = files.iter().map(|file| file.to_lowercase()).collect();
    assert_eq!(lower.len(), files.len(), "none is another's where capitals do not count");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~/".contains(c);
    assert!(files.iter().all(|file| file.chars().all(plain)), "{files:?}");
}

#[test]
fn lists_are_whole_however_long_they_are() {
    let mut snapshot = sample::snapshot();
    let mut lean = snapshot.models[0].clone();
    lean.endpoints.truncate(1);
    let more = (0..620).map(|number| {
        let mut model = lean.clone();
        model.model_id = format!("many/model-{number}");
        model
    });
    snapshot.models = more.collect();
    let root = folder();
    let (now, out) = (snapshot.as_of, root.path().join("site"));
    let snapshot = Arc::new(snapshot);
    let service = hitrate::serve::for_files(snapshot.clone(), now, "");
    let options = Options { out: out.clone(), force: false, live: String::new(), own: String::new() };
    publish(&service, &snapshot, &options, |_, _| {}).expect("published");
    let text = std::fs::read_to_string(out.join("models.json")).expect("there");
    let list: Value = serde_json::from_str(&text).expect("JSON");
    let ids: BTreeSet<&str> = list["data"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|model| model["model_id"].as_str())
        .collect();
    assert_eq!(ids.len(), 620);
    assert!(
        list["meta"]["next_cursor"].is_null() && list["meta"]["snapshot"].is_string(),
        "{}",
        list["meta"]
    );
}

#[test]
fn pages_carry_their_policy_and_what_only_a_service_answers_says_so() {
    let site = written(sample::snapshot(), "", "");
    let front = site.text("index.html");
    assert!(
        front.contains("<meta http-equiv=\"content-security-policy\" content=\"default-src 'none'"),
        "{front}"
    );
    assert!(!front.contains("frame-ancestors") && !front.contains("unsafe-inline"));
    assert!(front.contains("published less than an hour later"), "no age that grows");
    let model = site.text("models/northwind/atlas-3/index.html");
    assert!(!model.contains("/api/v1/preferences/"), "no address of a service that is not there");
    let quill = site.text("models/zephyr/quill-large/index.html");
    let texts = quill.matches("<details name=\"tool\">").count();
    assert!(texts > 10 && quill.contains("<summary>opencode</summary>"), "texts of {texts} tools: {quill}");
    assert!(!quill.contains("?tool="), "a file cannot answer another choice");
    assert!(model.contains("title=\"Available only from the live service"));
    assert!(site.report.lost_links > 0 && site.report.live_links == 0);
    for page in ["search", "explore", "changes", "compare"] {
        let text = site.text(&format!("{page}/index.html"));
        assert!(
            text.contains("<noscript><p class=\"hint\">") && text.contains("connect-src 'self'"),
            "{page}"
        );
        assert!(text.contains("data-base=\"../\" data-index=\"../assets/index-"), "{page}");
    }
}

#[test]
fn with_a_live_service_its_answers_are_linked_there() {
    let site = written(sample::snapshot(), LIVE, "");
    check_links(&site);
    assert!(site.report.lost_links == 0 && site.report.live_links > 0);
    let model = site.text("models/northwind/atlas-3/index.html");
    assert!(
        model.contains(&format!(
            "href=\"{LIVE}/api/v1/preferences/northwind/atlas-3?target=openrouter&amp;mode="
        )),
        "{model}"
    );
    assert!(model.contains(&format!("<link rel=\"canonical\" href=\"{LIVE}/models/northwind/atlas-3\">")));
    let live = format!("<a href=\"{LIVE}");
    let pages = site.files().into_iter().filter(|file| file.ends_with(".html"));
    for (page, text) in pages.map(|page| (page.clone(), site.text(&page))) {
        let own = text.split(&live).skip(1).filter_map(|rest| rest.split('"').next());
        for path in own {
            let is_answered_live = ["/cost?", "/llms.txt", "/api/v1/preferences/", "/api/v1/endpoints/"]
                .iter()
                .any(|start| path.starts_with(start))
                || path.starts_with("/models/") && path.contains('?');
            assert!(is_answered_live, "{page}: {path} should be a file");
        }
    }
}

#[test]
fn a_site_that_knows_its_address_names_it() {
    let site = written(sample::snapshot(), LIVE, OWN);
    check_links(&site);
    let model = site.text("models/northwind/atlas-3/index.html");
    let page = "models/northwind/atlas-3/index.html";
    assert!(model.contains(&format!("<link rel=\"canonical\" href=\"{OWN}/{page}\">")), "{model}");
    assert!(model.contains(&format!("content=\"{OWN}/og/model/northwind/atlas-3.png\"")));
    let feed = site.json("models/northwind/atlas-3/changes.feed.json");
    assert_eq!(feed["home_page_url"], format!("{OWN}/{page}"));
    assert_eq!(feed["feed_url"], format!("{OWN}/models/northwind/atlas-3/changes.feed.json"));
    let map = site.text("sitemap.xml");
    assert!(map.contains(&format!("<loc>{OWN}/</loc>")) && map.contains(&format!("<loc>{OWN}/{page}</loc>")));
    assert!(!map.contains("search") && !map.contains("/cost</loc>"));
    let named = map.split("<loc>").skip(1).filter_map(|rest| rest.split('<').next());
    let absolute = [site.text("changes.atom"), site.text("index.html"), model];
    let absolute = absolute.iter().flat_map(|text| addresses(text)).collect::<Vec<_>>();
    let mut checked = 0;
    for address in named.chain(absolute.iter().map(String::as_str)) {
        let Some(rest) = address.strip_prefix(OWN) else { continue };
        let file = if rest == "/" { "index.html" } else { rest.trim_start_matches('/') };
        assert!(site.out.join(file.split('#').next().unwrap_or_default()).is_file(), "{address}");
        checked += 1;
    }
    assert!(checked > 20);
    assert!(site.text("robots.txt").contains(&format!("Sitemap: {OWN}/sitemap.xml")));
}

#[test]
fn the_index_has_every_endpoint_as_the_explorer_shows_it() {
    let site = written(sample::snapshot(), "", "");
    let files = site.files();
    let index = files.iter().find(|file| file.starts_with("assets/index-")).expect("an index");
    let index = site.json(index);
    let endpoints = index["endpoints"].as_array().expect("rows");
    assert_eq!(endpoints.len(), sample::snapshot().summary.endpoints);
    let page = site.text("explore/index.html");
    let shown =
        endpoints.iter().filter(|row| page.contains(&format!(">{}</a>", row[3].as_str().expect("a tag"))));
    assert!(shown.clone().count() > 3);
    for row in shown {
        let [numbers, texts] = [5, 6].map(|at| row[at].as_array().expect("figures"));
        assert_eq!((numbers.len(), texts.len()), (8, 8));
        for (number, text) in numbers.iter().zip(texts) {
            let text = text.as_str().expect("a text");
            assert!(page.contains(&format!(">{text}</td>")), "{text}");
            assert_eq!(number.is_null(), !text.contains(|c: char| c.is_ascii_digit()), "{number} {text}");
        }
    }
    for list in ["models", "providers"] {
        for row in index[list].as_array().expect("rows") {
            assert!(files.contains(row[2].as_str().expect("a file")), "{row}");
        }
    }
}

#[test]
fn the_script_of_a_static_site_is_small_and_writes_no_markup() {
    assert!(script().len() <= 10 * 1024, "{} bytes", script().len());
    assert!(!script().contains("innerHTML"), "what names say is never markup");
}

/// A data folder whose snapshot is the sample.
fn data() -> TempDir {
    let data = folder();
    store::save(&data.path().join("snapshots"), &sample::snapshot()).expect("saved");
    data
}

#[test]
fn publish_reports_replaces_what_it_wrote_and_refuses_what_it_did_not() {
    let (data, root) = (data(), folder());
    let out = root.path().join("site");
    let out = out.to_str().expect("plain");
    let now = "2026-10-05T16:20:00Z";
    let first = hitrate(data.path(), &["publish", "--out", out, "--now", now, "--json"]);
    assert_eq!(first.code, 0, "{first:?}");
    let report = first.json();
    for key in
        ["out", "snapshot", "files", "pages", "bytes", "live_links", "lost_links", "failed", "duration_ms"]
    {
        assert!(!report[key].is_null(), "{key}: {report}");
    }
    let before = files(Path::new(out));
    std::fs::write(Path::new(out).join("CNAME"), "tiers.test").expect("written");
    let again = hitrate(data.path(), &["publish", "--out", out, "--now", now]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.out.contains("pages") && again.out.contains("need a live service"), "{}", again.out);
    let after: BTreeSet<String> = before.iter().cloned().chain(["CNAME".to_owned()]).collect();
    assert_eq!(files(Path::new(out)), after);

    std::fs::write(root.path().join("mine.txt"), "mine").expect("written");
    let here = root.path().to_str().expect("plain");
    let refused = hitrate(data.path(), &["publish", "--out", here, "--now", now]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{refused:?}");
    assert!(refused.err.contains("--force"), "{}", refused.err);
    let forced = hitrate(data.path(), &["publish", "--out", here, "--now", now, "--force"]);
    assert_eq!(forced.code, 0, "{forced:?}");
    assert!(root.path().join("mine.txt").is_file() && root.path().join("index.html").is_file());
}

#[test]
fn publish_says_what_is_missing_or_wrong() {
    let (empty, root) = (folder(), folder());
    let out = root.path().join("site");
    let out = out.to_str().expect("plain");
    let nothing = hitrate(empty.path(), &["publish", "--out", out]);
    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(nothing.err.contains("hitrate collect") && !Path::new(out).exists(), "{}", nothing.err);
    let data = data();
    let early = hitrate(data.path(), &["publish", "--out", out, "--now", "2020-01-01T00:00:00Z"]);
    assert_eq!(early.code, 1, "{early:?}");
    let wrong = hitrate(data.path(), &["publish", "--out", out, "--url", "pages.test"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert_eq!(hitrate(data.path(), &["publish"]).code, 2);
}
