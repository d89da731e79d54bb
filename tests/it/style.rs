//! The words that `docs/style.md` rejects appear in no page, help, error, comment or document.

use std::path::{Path, PathBuf};

use crate::walls::scan;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").filter_map(Result::ok) {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|found| found == extension) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// The patterns of the table in `docs/style.md`, each as its words.
fn rejected() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root("docs/style.md")).expect("the style guide");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(|pattern| pattern.split(' ').map(str::to_owned).collect()).collect()
}

/// Blanks everything between two marks, but keeps line breaks.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let (inside, behind) = after.split_once(close).unwrap_or((after, ""));
        out.push_str(before);
        out.push(' ');
        out.extend(inside.chars().filter(|c| *c == '\n'));
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The words of a text with their lines; names such as `usage_at` are one word.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let parts = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        found.extend(parts.filter(|word| !word.is_empty()).map(|word| (number + 1, word.to_lowercase())));
    }
    found
}

/// Whether a pattern at a place is correct English after all: "there is no", "is no longer".
fn is_allowed(pattern: &[String], before: Option<&str>, after: Option<&str>) -> bool {
    pattern == ["is", "no"]
        && (before == Some("there") || matches!(after, Some("longer" | "more" | "less" | "such")))
}

fn offences(name: &str, text: &str, rejected: &[Vec<String>]) -> Vec<String> {
    let words = words(text);
    let word = |at: usize| words.get(at).map(|(_, word)| word.as_str());
    let mut found = Vec::new();
    for (at, (line, _)) in words.iter().enumerate() {
        for pattern in rejected {
            let here = pattern.iter().enumerate().all(|(step, part)| word(at + step) == Some(part));
            let before = at.checked_sub(1).and_then(word);
            if here && !is_allowed(pattern, before, word(at + pattern.len())) {
                found.push(format!("{name}:{}: {}", line, pattern.join(" ")));
            }
        }
    }
    found
}

/// The comments and literals of a Rust file, without its unit tests.
fn rust_text(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code = scan::blank_rust(source);
    let text = |(here, code): (char, char)| if here == code && here != '\n' { ' ' } else { here };
    source.chars().zip(code.chars()).map(text).collect()
}

fn checked() -> Vec<(String, String)> {
    let read = |path: &Path| std::fs::read_to_string(path).expect("a text");
    let name = |path: &Path| path.strip_prefix(root("")).unwrap_or(path).display().to_string();
    let prose = |text: &str| without(&without(text, "```", "```"), "`", "`");
    let mut found = Vec::new();
    for path in files("src", "rs") {
        found.push((name(&path), without(&rust_text(&read(&path)), "`", "`")));
    }
    for path in files("templates", "html") {
        found.push((name(&path), without(&without(&read(&path), "{%", "%}"), "{{", "}}")));
    }
    let mut documents = files("docs", "md");
    documents.extend([root("README.md"), root("CHANGELOG.md")]);
    documents.retain(|path| !path.ends_with("style.md"));
    for path in documents {
        found.push((name(&path), prose(&read(&path))));
    }
    for path in files("data", "toml") {
        found.push((name(&path), prose(&read(&path))));
    }
    found
}

#[test]
fn texts_keep_to_the_style_guide() {
    let rejected = rejected();
    assert!(rejected.len() >= 20, "the table of words is read: {rejected:?}");
    let texts = checked();
    assert!(texts.len() > 300, "{} texts", texts.len());
    let found: Vec<String> = texts.iter().flat_map(|(name, text)| offences(name, text, &rejected)).collect();
    assert!(found.is_empty(), "{} rejected words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn an_offence_is_found_where_it_is_text_and_only_there() {
    let rejected = rejected();
    let source = "/// Nobody is told.\nfn told() { tell(\"this is no number\"); }\n// There is no number; it is no longer.\n";
    let found = offences("x.rs", &rust_text(source), &rejected);
    assert_eq!(found, ["x.rs:1: nobody", "x.rs:1: told", "x.rs:2: is no"]);
    assert_eq!(offences("x.md", &without("The `told` name.", "`", "`"), &rejected), Vec::<String>::new());
    assert_eq!(words("a_told_b  Told"), [(1, "a_told_b".to_owned()), (1, "told".to_owned())]);
}
