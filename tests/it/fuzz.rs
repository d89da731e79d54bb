//! The fuzz targets without a fuzzer: every input of the corpus, and seeded mutations of them. `make fuzz` runs the same
//! functions under libFuzzer.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[path = "../../fuzz/src/targets/mod.rs"]
pub mod targets;

use targets::{TARGETS, Target};

/// Multiplies the number of mutations.
const VARIABLE: &str = "HITRATE_FUZZ_MUTATIONS";
/// No input is longer, bytes.
const LONGEST: usize = 16 << 10;

/// Pieces that broke readers before: of numbers, nesting, compression, names and protocols.
const TOKENS: [&[u8]; 44] = [
    b"1e400",
    b"-1e308",
    b"18446744073709551616",
    b"-9223372036854775808",
    b"1e-320",
    b"NaN",
    b"Infinity",
    b"0.1e99999999999",
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"\"\"",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xf0\x9f\xa7\xaa",
    b"\xe2\x80\xae",
    b"\xef\xbb\xbf",
    b"\0",
    b"\r\n\r\n",
    b"\x1b[31m",
    b"<script>",
    b"]]>",
    b"&#0;",
    b"\"><img src=x onerror=a>",
    b"'; --",
    b"=1+1",
    b"../../",
    b"%00",
    b"%2e%2e%2f",
    b"&&==",
    b"9999-12-31T23:59:60Z",
    b"-0001-01-01",
    b"+262143-12-31",
    b"253402300800000",
    b"00000000-0000-0000-0000-000000000000",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"SELECT * FROM '/etc/passwd'",
];

/// Targets whose executions take longer than a fraction of a millisecond, and how many mutations they get instead.
const SLOW: [(&str, usize); 6] =
    [("pages", 150), ("names", 60), ("sql", 60), ("preferences", 300), ("api", 600), ("mcp", 600)];
const USUAL: usize = 2_000;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("a file"))).collect()
}

/// Runs an input. What panics is written to a file, whose path is in the message.
fn execute(name: &str, target: Target, input: &[u8], from: &Path) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) else { return };
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
    let kept = std::env::temp_dir().join(format!("hitrate-fuzz-{name}-{}", std::process::id()));
    std::fs::write(&kept, input).expect("the folder for temporary files can be written");
    panic!("{name}: {text}\nthe input is in {}, a mutation of {}", kept.display(), from.display());
}

fn mutated(rng: &mut impl Rng, corpus: &[(PathBuf, Vec<u8>)], first: &[u8]) -> Vec<u8> {
    let mut input = first.to_vec();
    for _ in 0..rng.random_range(1..=6) {
        let place = rng.random_range(0..=input.len());
        let end = (place + rng.random_range(1..=64)).min(input.len());
        match rng.random_range(0..9) {
            0 if place < input.len() => input[place] ^= 1 << rng.random_range(0..8),
            1 if place < input.len() => input[place] = rng.random(),
            2 => drop(input.drain(place..end)),
            3 => {
                let piece = input[place..end].repeat(rng.random_range(1..=20));
                input.splice(place..place, piece);
            }
            4 => input.truncate(place),
            5 => {
                let (_, other) = &corpus[rng.random_range(0..corpus.len())];
                let from = rng.random_range(0..=other.len());
                input.splice(place.., other[from..].iter().copied());
            }
            6 => {
                // A number becomes another one.
                let digits = |byte: &u8| byte.is_ascii_digit();
                let start = place + input[place..].iter().take_while(|byte| !digits(byte)).count();
                let end = start + input[start..].iter().take_while(|byte| digits(byte)).count();
                let token = TOKENS[rng.random_range(0..8)];
                input.splice(start..end, token.iter().copied());
            }
            _ => {
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                input.splice(place..place, token.iter().copied());
            }
        }
        input.truncate(LONGEST);
    }
    input
}

fn run(names: &[&str]) {
    let times: usize = std::env::var(VARIABLE).ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    for name in names {
        let (_, target) = TARGETS.iter().find(|(target, _)| target == name).expect("a target");
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        for (path, input) in &corpus {
            execute(name, *target, input, path);
        }
        let count = SLOW.iter().find(|(slow, _)| slow == name).map_or(USUAL, |(_, count)| *count) * times;
        let mut rng = ChaCha8Rng::seed_from_u64(16);
        for number in 0..count {
            let (path, first) = &corpus[number % corpus.len()];
            let input = mutated(&mut rng, &corpus, first);
            execute(name, *target, &input, path);
        }
    }
}

#[test]
fn no_document_of_the_upstream_is_too_odd() {
    run(&["decode", "sweep", "history", "recorded"]);
}

#[test]
fn no_file_is_too_odd() {
    run(&["manifest", "snapshot", "server_json", "settings", "workloads", "plans", "import_file"]);
}

#[test]
fn no_log_is_too_odd() {
    run(&["log_formats", "log_containers"]);
}

#[test]
fn no_request_is_too_odd() {
    run(&["otlp", "mcp", "api", "pages", "sql"]);
}

#[test]
fn no_name_is_too_odd() {
    run(&["markup", "names", "preferences"]);
}

/// The names in double quotes after a key, in a file of settings.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')).collect()
}

#[test]
fn every_target_has_a_program_a_corpus_and_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).expect("a file");
    let (_, programs) = own.split_once("\n[[bin]]").expect("programs");
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(values(programs, "name"), names);
    let folders: BTreeSet<String> = std::fs::read_dir(root.join("fuzz/corpus"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(folders, names.iter().map(|name| (*name).to_owned()).collect());
    let tests = include_str!("fuzz.rs");
    let lists: String = tests.lines().filter(|line| line.trim_start().starts_with("run(&[")).collect();
    assert!(names.iter().all(|name| lists.contains(&format!("\"{name}\""))), "{lists}");
}

/// The profile of one package must be that of the other: then libraries compile once for both.
#[test]
fn the_fuzz_package_compiles_libraries_as_the_main_package_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| -> toml::Table {
        std::fs::read_to_string(root.join(path)).expect("a file").parse().expect("TOML")
    };
    let (main, mut fuzz) = (read("Cargo.toml"), read("fuzz/Cargo.toml"));
    let own = fuzz["profile"]["dev"]["package"].as_table_mut().expect("packages").remove("hitrate");
    assert!(own.is_some(), "hitrate itself has a profile of its own");
    assert_eq!(main["profile"]["dev"], fuzz["profile"]["dev"]);
    let written = |table: &toml::Table, name: &str| table["dependencies"][name].to_string();
    for name in fuzz["dependencies"].as_table().expect("a table").keys() {
        if !["hitrate", "libfuzzer-sys"].contains(&name.as_str()) {
            assert_eq!(written(&fuzz, name), written(&main, name), "{name}");
        }
    }
}
