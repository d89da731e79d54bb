//! Request logs.

use super::support::{bounded, choice, folder_of, write};
use hitrate::request_log::{
    FileContext, LogFile, ReadOptions, fit, formats, inspect_all, read_bytes, read_file, requests, sessions,
};

/// A log in a format that the first byte chooses.
pub fn one_format(input: &[u8]) {
    let (format, rest) = choice(input);
    let all: Vec<_> = formats().collect();
    let options = ReadOptions { format: all.get(format % all.len()).copied(), progress: None };
    if let Ok(file) = read_bytes(rest, FileContext::default(), &options) {
        checked(file, rest.len());
    }
}

/// A file whose container, compression and format are recognised, by path and from a stream.
pub fn containers(input: &[u8]) {
    let options = ReadOptions::default();
    let streamed = read_bytes(input, FileContext::default(), &options);
    let path = folder_of("log").join("input");
    write(&path, input);
    let named = read_file(&path, &options);
    match (streamed, named) {
        (Ok(streamed), Ok(named)) => {
            assert_eq!(streamed.sha256, named.sha256);
            assert_eq!(streamed.found.calls.len(), named.found.calls.len());
            checked(named, input.len());
        }
        (Err(one), Err(_)) => bounded("the error", one.to_string().len(), input.len(), 4),
        // A database may have files beside it, and a stream has no path.
        (one, other) => assert!(
            input.starts_with(b"SQLite format 3")
                || input.starts_with(&[0x1f, 0x8b])
                || input.starts_with(&[0x28]),
            "by stream {one:?}, by path {other:?}"
        ),
    }
}

/// What is derived from a log.
fn checked(file: LogFile, input: usize) {
    assert_eq!(file.bytes, input as u64, "{:?}", file.context);
    let count = file.found.calls.len();
    // One call takes at least a few bytes, unless the file is compressed.
    bounded("calls", count, input, 300);
    for call in &file.found.calls {
        let names =
            [&call.session, &call.model_sent, &call.model_served, &call.provider_name, &call.app, &call.key];
        let longest = names.into_iter().flatten().map(|name| name.chars().count()).max();
        assert!(longest.unwrap_or(0) <= 512, "a long name is kept: {call:?}");
        assert!(call.paid.is_none_or(f64::is_finite), "{call:?}");
    }
    let files = [file];
    let sums = inspect_all(None, &files);
    _ = serde_json::to_string(&sums).expect("the summary can be written");
    let (requests, _) = requests(&files);
    _ = sessions(&requests);
    _ = fit(&requests, "fuzz");
}
