//! Names of the upstream in what commands print, log and write: they stay text. Pages, feeds and the API are in
//! `site/hostile.rs`, preferences in `targets.rs`.

use std::fs;
use std::path::Component;

use hitrate::snapshot::store;

use crate::binary::{command, finish};
use crate::fuzz::targets::names::poisoned;
use crate::rig::{files, folder};

const MODEL: &str = "zephyr/quill-large";

/// Names that terminals, tables, log files, shells and file systems could obey.
const NAMES: [&str; 8] = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m",
    "two\nlines\r\n2026-01-01T00:00:00Z ERROR forged\ttab",
    "\u{202e}gnp.exe\u{2066}\u{2069}\u{200b}\u{feff}",
    "../../../etc/passwd\0/..\\..\\x",
    "=HYPERLINK(\"http://x.example\",\"y\")",
    "'; DROP TABLE run; -- $(id) `id` ${HOME} %s%n {{7*7}}",
    "<script>alert(1)</script>]]>&amp;",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
];

/// Whether a terminal obeys a character of a text, or a reader is misled by it.
fn obeyed(text: &str, is_table_of_tabs: bool) -> Option<char> {
    text.chars().find(|c| match c {
        '\n' => false,
        '\t' => !is_table_of_tabs,
        c => c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'),
    })
}

#[test]
fn nothing_that_commands_print_is_obeyed_by_a_terminal() {
    let data = folder();
    let verbs: [&[&str]; 9] = [
        &["tiers"],
        &["tiers", "--lens", "cache"],
        &["model", MODEL],
        &["cost", MODEL],
        &["cost", "--across"],
        &["status"],
        &["share"],
        &["prefs", MODEL, "--for", "openrouter", "--mode", "avoid"],
        &["prefs", "no/such-model"],
    ];
    for name in NAMES {
        store::save(&data.path().join("snapshots"), &poisoned(name)).expect("saved");
        for verb in verbs {
            for form in ["text", "tsv"] {
                let mut command = command();
                command.env("COLUMNS", "80").env("HITRATE_LOG", "trace").arg("--data-dir").arg(data.path());
                let ran = finish(command.args(verb).args(["--table", form]));
                // Names in a snapshot do not change what a command can do; its age does, for costs, status and preferences.
                let must_succeed = ["tiers", "model", "share"].contains(&verb[0]);
                assert!(!must_succeed || ran.code == 0, "{verb:?} as {form} with {name:?}: {ran:?}");
                assert!(verb[1..] != ["no/such-model"] || ran.code != 0, "{verb:?}: {ran:?}");
                // The text of a preference is for a file and exact.
                let out = if verb.contains(&"prefs") { "" } else { &ran.out };
                for text in [out, &ran.err] {
                    let found = obeyed(text, form == "tsv");
                    assert_eq!(found, None, "{verb:?} as {form} with {name:?}: {text:?}");
                }
                if form == "text" && ran.code == 0 && !verb.contains(&"prefs") {
                    let longest = ran.out.lines().map(|line| line.chars().count()).max();
                    assert!(longest.unwrap_or(0) <= 200, "{verb:?} with {name:?}: a line of {longest:?}");
                }
            }
        }
    }
}

#[test]
fn published_files_stay_in_their_folder_under_plain_names() {
    let (data, root) = (folder(), folder());
    for name in [NAMES[0], NAMES[3]] {
        let mut snapshot = poisoned(name);
        for model in &mut snapshot.models {
            model.model_id = format!("{}{name}", model.model_id);
        }
        store::save(&data.path().join("snapshots"), &snapshot).expect("saved");
        let out = root.path().join("site");
        let mut publish = command();
        publish.arg("--data-dir").arg(data.path()).arg("publish").arg("--out").arg(&out);
        let ran = finish(publish.args(["--now", "2026-10-05T16:20:00Z"]));
        assert!([0, 5].contains(&ran.code), "{ran:?}");
        assert_eq!(fs::read_dir(root.path()).expect("a folder").count(), 1, "one folder was written");
        let written = files(&out);
        assert!(written.len() > 50, "{written:?}");
        for file in written {
            let inner = file.strip_prefix(&out).expect("inside");
            let is_plain = |part: Component<'_>| match part {
                Component::Normal(name) => name.to_str().is_some_and(|name| {
                    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
                }),
                _ => false,
            };
            assert!(inner.components().all(is_plain), "{}", inner.display());
        }
    }
}
