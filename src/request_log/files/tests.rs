use super::*;
use crate::request_log::call::{Call, Rule};
use crate::request_log::entry::{Entry, count, text};
use crate::request_log::format::{Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::Connection;
use std::io::Write;

/// Takes every object with `in` as a call.
struct Plain;

impl Reader for Plain {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not an object", entry.line) };
        let Ok(Some(input)) = count(object.get("in")) else { return sink.unread("no count", entry.line) };
        let mut call = Call { line: entry.line, ..Call::default() };
        call.raw.input = Some(input);
        call.session = text(object.get("note")).map(Into::into);
        call.app = entry.table.map(Into::into);
        sink.push(call, Keep::First);
    }
}

static PLAIN: Format = Format {
    id: "plain",
    title: "test",
    rule: Rule {
        input: crate::request_log::InputRule::Excludes,
        output: crate::request_log::OutputRule::IncludesReasoning,
    },
    total: Total::None,
    states_failures: false,
    recognises: |entry, _| match entry.object().is_some_and(|object| object.contains_key("in")) {
        true => Sure::Certain,
        false => Sure::No,
    },
    reader: |_| Box::new(Plain),
};

fn options() -> ReadOptions<'static> {
    ReadOptions { format: Some(&PLAIN), progress: None }
}

fn read_all(bytes: impl AsRef<[u8]>) -> LogFile {
    read_bytes(bytes.as_ref(), FileContext::default(), &options()).expect("readable")
}

/// The counts of a log with their lines, its layout, and what is unread with its lines.
/// Lines and inputs of the calls, the layout, and the lines that were not read, by reason.
type Content<'a> = (Vec<(u64, u64)>, Layout, Vec<(&'a str, Vec<u64>)>);

fn content(log: &LogFile) -> Content<'_> {
    let calls = log.found.calls.iter().map(|call| (call.line, call.raw.input.expect("a count")));
    let unread = log.found.unread.iter().map(|(reason, unread)| (reason.as_str(), unread.first.clone()));
    (calls.collect(), log.context.layout, unread.collect())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("compressed")
}

#[test]
fn bad_lines_are_counted_with_their_numbers_and_reading_goes_on() {
    let log = read_all(
        b"\xef\xbb\xbf{\"in\": 1}\r\n\n  nonsense\n{\"in\": 2}\n{\"in\": \"\xff\"}\n{\"in\": 3, \"note\": \"cut\n{\"in\": 4}\n\
          \0\0\0\n{\"in\": 5}{\"in\": 6} {\"in\": 7}\n[{\"in\": 8}, 9]\n{\"in\": 10}",
    );
    let (calls, layout, unread) = content(&log);
    assert_eq!(calls, [(1, 1), (4, 2), (7, 4), (9, 5), (9, 6), (9, 7), (10, 8), (11, 10)]);
    assert_eq!(layout, Layout::Lines);
    let expected: [(&str, Vec<u64>); 4] = [
        ("contains NUL bytes", vec![8]),
        ("not an object", vec![10]),
        ("not valid JSON", vec![3, 6]),
        ("not valid UTF-8", vec![5]),
    ];
    assert_eq!(unread, expected);
}

#[test]
fn objects_over_many_lines_are_entries_and_a_cut_one_does_not_swallow_the_next() {
    let log = read_all(
        "{\n \"in\": 1\n}\n{\n \"in\": 2,\n \"x\": {\n{\n  \"in\": 3\n}{\n \"in\": 4 }\n{\"in\": 5}\n{ \"in\": 6,",
    );
    let (calls, layout, unread) = content(&log);
    assert_eq!((calls, layout), (vec![(1, 1), (7, 3), (9, 4), (11, 5)], Layout::Document));
    assert_eq!(unread[0], (CUT_OFF, vec![12]));
    assert_eq!(unread[1].0, "not valid JSON");
    assert_eq!(unread[1].1.first(), Some(&4));
}

const CUT_OFF: &str = "cut off: the file ends inside this entry";

#[test]
fn the_elements_of_an_array_are_entries_and_broken_ones_are_skipped() {
    let good = read_all(" [{\"in\": 1},\n {\"in\": 2}, 3]\n[{\"in\": 4}]\n{\"in\": 5}");
    assert_eq!(
        content(&good),
        (vec![(1, 1), (2, 2), (1, 4), (4, 5)], Layout::Array, vec![("not an object", vec![3])])
    );
    let broken = read_all(
        "[{\"in\": 1}, {\"in\": \"2, \"a\": [1]}, {\"in\": 3},\n {\"in\": 4, \"b\": \"tex\n {\"in\": 5}, {\"in\": 6",
    );
    let (calls, _, unread) = content(&broken);
    assert_eq!(calls, [(1, 1), (3, 3), (5, 5)]);
    assert_eq!(unread, [(CUT_OFF, vec![6]), ("not valid JSON", vec![2, 4])]);
    assert_eq!(content(&read_all("[]")).0, []);
    let stray = read_all("[1,2\n{\"in\": 5}\n");
    assert_eq!(content(&stray).0, [(3, 5)]);
}

#[test]
fn a_value_that_is_too_long_or_too_deep_is_skipped() {
    let long =
        format!("{{\"in\": 1}}\n{{\"note\": \"{}\"}}\n{{\"in\": 2}}\n", "x".repeat(lines::LONGEST_ENTRY));
    let log = read_all(long);
    assert_eq!(content(&log), (vec![(1, 1), (3, 2)], Layout::Lines, vec![(lines::TOO_LONG, vec![2])]));
    let deep = format!("{}{}\n{{\"in\": 1}}", "[".repeat(500), "]".repeat(500));
    let log = read_all(format!("{{\"in\": 0}}\n{deep}"));
    assert_eq!(content(&log).0, [(1, 0), (3, 1)]);
    assert_eq!(content(&log).2, [("nested too deeply", vec![2])]);
}

/// Takes the objects in the list `rows` as calls; notes the field `end`.
struct Pages;

impl Reader for Pages {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not an object", entry.line) };
        for value in object.get("rows").and_then(|rows| rows.as_array()).into_iter().flatten() {
            Plain.read(&Entry { value, ..*entry }, sink);
        }
        for (name, value) in object.iter().filter(|(_, value)| value.is_string()) {
            sink.note(&format!("{name} {}", value.as_str().expect("a text")));
        }
    }
}

static PAGES: Format = Format {
    recognises: |entry, _| match entry.object().is_some_and(|object| object.contains_key("rows")) {
        true => Sure::Certain,
        false => Sure::No,
    },
    reader: |_| Box::new(Pages),
    ..PLAIN
};

#[test]
fn a_page_larger_than_an_entry_is_read_in_pieces() {
    let note = "x".repeat(1 << 20);
    let rows: Vec<String> = (0..70).map(|n| format!("{{\"in\": {n}, \"x\": [{n}, \"{note}\"]}}")).collect();
    for between in [", ", ",\n  "] {
        let page = format!("{{\"a\": \"b\"{between}\"rows\": [{}],\"end\": \"c\"}}", rows.join(between));
        let next = "{\"rows\": [{\"in\": 500}]}";
        let file = format!("{page} {next}\n{next}\n");
        let options = ReadOptions { format: Some(&PAGES), progress: None };
        let log = read_bytes(file.as_bytes(), FileContext::default(), &options).expect("readable");
        let counts: Vec<u64> = content(&log).0.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, (0..70).chain([500, 500]).collect::<Vec<_>>(), "{:?}", log.found.unread);
        let last = page.lines().count() as u64 + 1;
        assert_eq!(log.found.calls.last().map(|call| call.line), Some(last));
        assert!(log.found.notes["a b"] > 5, "each piece has the fields before the list");
        assert_eq!((log.found.notes["end c"], log.found.unread.len()), (1, 0));
        // What is whole is read, and the cut is reported.
        let cut = &page[..page.len() - (1 << 20)];
        let log = read_bytes(cut.as_bytes(), FileContext::default(), &options).expect("readable");
        assert_eq!((log.found.calls.len(), log.found.unread[CUT_OFF].entries), (69, 1));
    }
}

#[test]
fn rows_of_csv_are_objects_of_strings_by_header() {
    let log = read_all(
        "\u{feff}in,\"a, b\",note\n1,x,\"two\nlines\"\n2,y\n3,z,\n\"4\",\"\"\"q\"\"\",w,extra\n5,,{}\n",
    );
    let (calls, layout, unread) = content(&log);
    assert_eq!((calls, layout), (vec![(2, 1), (5, 3), (7, 5)], Layout::Csv));
    assert_eq!(unread, [("a row that does not have the 3 fields of the header", vec![4, 6])]);
    assert_eq!(log.found.calls[0].session.as_deref(), Some("twolines"), "control characters are removed");
    let semicolons = read_all("in;note\n7;a\n");
    assert_eq!(content(&semicolons).0, [(2, 7)]);
    let bad = read_all(b"in,note\n1,\xff\n2,\0\n3,c\n");
    assert_eq!(content(&bad).0, [(4, 3)]);
    assert_eq!(content(&bad).2, [("contains NUL bytes", vec![3]), ("not valid UTF-8", vec![2])]);
    assert_eq!(content(&read_all("in,note\n")).0, []);
}

#[test]
fn each_event_of_a_stream_is_an_entry() {
    let log = read_all(
        ": begin\nevent: delta\ndata: {\"in\": 1}\n\ndata: {\"in\":\ndata: 2}\n\ndata: {\"in\": 3}\ndata: {\"in\": 4}\n\n\
         data: x\n\nwhat\ndata: [DONE]\n\ndata:{\"in\": 5}",
    );
    let (calls, layout, unread) = content(&log);
    assert_eq!((calls, layout), (vec![(3, 1), (5, 2), (8, 3), (9, 4), (16, 5)], Layout::EventStream));
    assert_eq!(unread, [("not a line of an event stream", vec![13]), ("not valid JSON", vec![11])]);
}

#[test]
fn compression_is_found_by_content_and_damage_keeps_what_was_read() {
    let plain: String =
        (0..20_000).map(|n| format!("{{\"in\": {n}, \"note\": \"{}\"}}\n", n * 7919)).collect();
    let packed = gzip(plain.as_bytes());
    let zstd = zstd::encode_all(plain.as_bytes(), 1).expect("compressed");
    for bytes in [packed.clone(), zstd.clone(), zstd::encode_all(&packed[..], 1).expect("compressed")] {
        let log = read_all(&bytes);
        assert_eq!((log.found.calls.len(), log.found.unread.len()), (20_000, 0));
        assert_eq!(log.bytes, bytes.len() as u64);
        assert_eq!(log.sha256, crate_sha256(&bytes));
    }
    for cut in [&packed[..packed.len() / 2], &zstd[..zstd.len() / 2]] {
        let log = read_all(cut);
        assert!(log.found.calls.len() > 1000, "{}", log.found.calls.len());
        let reasons: Vec<&String> = log.found.unread.keys().collect();
        assert!(reasons[0].contains("damaged or cut off"), "{reasons:?}");
        assert_eq!(log.sha256, crate_sha256(cut), "the digest is that of the whole file");
    }
    let small = gzip(b"{\"in\": 1}\n{\"in\": 2}\n");
    let log = read_all(&small[..small.len() - 9]);
    assert!(!log.found.unread.is_empty());
}

fn crate_sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn data_that_expand_out_of_proportion_are_given_up() {
    let mut bomb = vec![b' '; 300 << 20];
    bomb[..10].copy_from_slice(b"{\"in\": 1}\n");
    let packed = zstd::encode_all(&bomb[..], 3).expect("compressed");
    let log = read_all(packed);
    assert_eq!(content(&log).0, [(1, 1)]);
    let reasons: Vec<&String> = log.found.unread.keys().collect();
    assert!(reasons.iter().any(|reason| reason.contains("expands more than 250 times")), "{reasons:?}");
}

#[test]
fn compressed_data_that_are_damaged_from_the_start_are_not_empty() {
    let error = |bytes: &[u8]| {
        read_bytes(bytes, FileContext::default(), &ReadOptions::default()).expect_err("no log").to_string()
    };
    let mut packed = gzip(b"{\"in\": 1}\n");
    packed.truncate(10);
    packed.extend([0xff; 40]);
    let zstd = zstd::encode_all(&b"{\"in\": 1}\n"[..], 1).expect("compressed");
    for bytes in [&packed[..], &zstd[..5], &[0x1f, 0x8b, 9, 9]] {
        assert!(error(bytes).contains("is damaged compressed data"), "{}", error(bytes));
    }
    let cut = gzip("{\"x\": 1".repeat(9000).as_bytes());
    assert!(error(&cut[..cut.len() - 20]).contains("is damaged compressed data"));
    assert!(error(&gzip(b"")).contains("is empty"));
}

#[test]
fn a_known_log_without_rows_has_no_calls_and_a_note() {
    let read = |bytes: &[u8]| {
        read_bytes(bytes, FileContext::default(), &ReadOptions::default()).expect("a known format")
    };
    let page = read(br#"{"data": [], "total": 0}"#);
    assert_eq!((page.format.id, page.found.calls.len()), ("litellm-spend-logs", 0));
    assert_eq!(page.found.notes[NO_CALLS], 1);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("logs.db");
    let writer = Connection::open(&path).expect("opened");
    writer
        .execute_batch(
            "CREATE TABLE conversations (id TEXT, name TEXT, model TEXT); CREATE TABLE responses (id TEXT, model TEXT, \
             conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT, input_tokens INTEGER, output_tokens INTEGER)",
        )
        .expect("made");
    drop(writer);
    let empty = read_file(&path, &ReadOptions::default()).expect("a known format");
    assert_eq!((empty.format.id, empty.found.calls.len()), ("llm", 0));
    assert_eq!((empty.found.notes[NO_CALLS], empty.found.unread.len()), (1, 0));
    assert!(!read_all("{\"in\": 1}").found.notes.contains_key(NO_CALLS));
}

#[test]
fn a_conversation_without_its_messages_is_a_log_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("api_conversation_history.json"), "[]").expect("written");
    assert_eq!(walk(folder.path()).expect("walked").files, [at("api_conversation_history.json")]);
    std::fs::write(at("ui_messages.json"), "[]").expect("written");
    assert_eq!(walk(folder.path()).expect("walked").files, [at("ui_messages.json")]);
}

#[test]
fn what_is_no_log_is_an_error_that_says_what_it_is() {
    let error = |bytes: &[u8]| {
        let context = FileContext { path: "some/file".into(), ..FileContext::default() };
        read_bytes(bytes, context, &ReadOptions::default()).expect_err("no log").to_string()
    };
    assert!(error(b"").contains("some/file is empty"));
    assert!(error(b"PK\x03\x04rest").contains("ZIP archive"));
    assert!(error(&[0xff, 0xfe, b'{', 0]).contains("UTF-16"));
    let unknown = error(b"{\"nothing\": 1}\nx\n");
    assert!(
        unknown.contains("no usage in a known format") && unknown.contains("looked at 1 lines"),
        "{unknown}"
    );
    assert!(unknown.contains("line 2: not valid JSON"), "{unknown}");
    let missing =
        read_file(Path::new("/nonexistent/log.jsonl"), &ReadOptions::default()).expect_err("missing");
    assert!(missing.to_string().contains("cannot read /nonexistent/log.jsonl"), "{missing}");
    let whole = format!("{:#}", anyhow::Error::from(missing));
    assert_eq!(whole.matches("No such file").count(), 1, "{whole}");
    let deep = error("[".repeat(10_000).as_bytes());
    assert!(deep.contains("nested too deeply"), "{deep}");
}

#[test]
fn tables_of_a_database_are_read_with_the_latest_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a b%20?.db");
    let writer = Connection::open(&path).expect("opened");
    writer
        .execute_batch(
            "CREATE TABLE message (\"in\" INTEGER, note TEXT, raw BLOB, share REAL); \
             CREATE TABLE other (x TEXT); INSERT INTO other VALUES ('y'); \
             INSERT INTO message VALUES (1, '{\"a\": 1}', x'ff', 0.5), (2, NULL, NULL, NULL), ('many', '', NULL, 1);",
        )
        .expect("filled");
    drop(writer);
    let log = read_file(&path, &options()).expect("readable");
    let (calls, layout, unread) = content(&log);
    assert_eq!((calls, layout), (vec![(1, 1), (2, 2)], Layout::Sqlite));
    assert_eq!(unread, [("no count", vec![3])]);
    assert_eq!(log.found.calls[0].session.as_deref(), Some("{\"a\": 1}"), "JSON in a column stays a text");
    assert_eq!(log.found.calls[0].app.as_deref(), Some("message"));
    let bytes = std::fs::read(&path).expect("read");
    assert_eq!((log.sha256, log.bytes), (crate_sha256(&bytes), bytes.len() as u64));
    assert_eq!(content(&read_all(gzip(&bytes))).0, [(1, 1), (2, 2)], "compressed");

    let writer = Connection::open(&path).expect("opened");
    writer.pragma_update(None, "journal_mode", "wal").expect("a write-ahead log");
    writer.execute("INSERT INTO message VALUES (9, NULL, NULL, NULL)", []).expect("inserted");
    let live = read_file(&path, &options()).expect("readable while it is written");
    assert_eq!(content(&live).0, [(1, 1), (2, 2), (4, 9)]);
    assert!(live.found.notes.keys().any(|note| note.contains("write-ahead log")), "{:?}", live.found.notes);
    assert_eq!(std::fs::read(&path).expect("read").len(), live.bytes as usize, "the database is unchanged");
    drop(writer);

    let mut damaged = bytes;
    let half = damaged.len() / 2;
    damaged[half..].fill(0xa5);
    std::fs::write(&path, damaged).expect("written");
    match read_file(&path, &options()) {
        Ok(log) => assert!(!log.found.unread.is_empty()),
        Err(error) => assert!(error.to_string().contains("a b%20?.db"), "{error}"),
    }
}

#[test]
fn a_hostile_database_runs_no_code_of_its_schema_and_large_values_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hostile.db");
    let writer = Connection::open(&path).expect("opened");
    writer
        .execute_batch(
            "CREATE TABLE message (\"in\" INTEGER, note TEXT); INSERT INTO message VALUES (1, 'a'); \
             CREATE TABLE wide (\"in\" INTEGER, note TEXT); \
             INSERT INTO wide SELECT 1, hex(zeroblob(1000000)) FROM (VALUES (1), (2), (3), (4), (5), (6)); \
             INSERT INTO message VALUES (2, zeroblob(68000000)); INSERT INTO message VALUES (3, 'b');",
        )
        .expect("filled");
    drop(writer);
    let log = read_file(&path, &options()).expect("readable");
    let (calls, _, unread) = content(&log);
    assert!(calls.contains(&(1, 1)) && !calls.contains(&(2, 2)), "{calls:?}");
    assert!(unread.contains(&("a row of more than 64 MiB", vec![2])), "{unread:?}");
    assert_eq!(
        calls.len(),
        7,
        "all rows of the wide table are read, though not all are kept to recognise it"
    );
}

#[test]
fn folders_are_walked_without_hidden_files_and_links() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("b/.git")).expect("made");
    for name in
        ["z.jsonl", "b/a.csv", "b/.git/config", ".hidden.jsonl", "b/picture.PNG", "b/task_metadata.json"]
    {
        std::fs::write(at(name), "{\"in\": 1}").expect("written");
    }
    std::os::unix::fs::symlink("/", at("b/root")).expect("linked");
    std::os::unix::fs::symlink(at("z.jsonl"), at("link.jsonl")).expect("linked");
    let found = walk(folder.path()).expect("walked");
    assert_eq!(found.files, [at("b/a.csv"), at("z.jsonl")]);
    let skipped: Vec<(&str, usize)> =
        found.skipped.iter().map(|(why, paths)| (why.as_str(), paths.len())).collect();
    assert_eq!(
        skipped,
        [
            ("describes the log beside it", 1),
            ("hidden", 2),
            ("not a log by its extension", 1),
            ("symbolic link", 2)
        ]
    );
    assert_eq!(log_paths(&at("link.jsonl")).expect("a file"), [at("link.jsonl")]);
    assert!(log_paths(&at("missing")).is_err());
}

#[test]
fn small_files_beside_a_log_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("ui_messages.json"), "{\"in\": 1}").expect("written");
    std::fs::write(at("task_metadata.json"), "{\"in\": 2}").expect("written");
    std::fs::write(at("api_conversation_history.json"), "[3]").expect("written");
    std::fs::create_dir(at("history_item.json")).expect("made");
    let found = beside::read(&at("ui_messages.json"));
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["task_metadata.json", "api_conversation_history.json"]);
    let large = std::fs::File::create(at("api_conversation_history.json")).expect("made");
    large.set_len(40 << 20).expect("longer");
    assert_eq!(beside::read(&at("ui_messages.json")).len(), 1);
    let log = read_file(&at("ui_messages.json"), &options()).expect("readable");
    assert!(log.context.beside.is_empty(), "they are not kept");
}

#[test]
fn progress_is_reported_in_bytes() {
    let last = std::cell::Cell::new(0);
    let report = |bytes| last.set(bytes);
    let options = ReadOptions { progress: Some(&report), ..options() };
    read_bytes(&b"{\"in\": 1}\n"[..], FileContext::default(), &options).expect("readable");
    assert_eq!(last.get(), 10);
}

#[test]
fn a_word_that_breaks_off_is_unread_and_reading_goes_on() {
    for word in ["t", "tru", "nul", "-", "1e", "  fals"] {
        let text = format!("{{\"in\": 1}}\n{word}\n{{\"in\": 2}}\n{word}");
        let log = read_bytes(text.as_bytes(), FileContext::default(), &ReadOptions::default());
        // Whether it is a log is not the point: it is read to its end, and in a finite time.
        if let Ok(log) = log {
            assert_eq!(log.bytes, text.len() as u64, "{word}");
        }
    }
}
