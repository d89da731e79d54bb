//! Named places at which a test makes the program end or fail, as a crash or a full disk would.
//!
//! Only builds with debug assertions read the environment variable [`VARIABLE`]; in a release build every place is
//! empty. Its value is `name`, `name#3` for the third time that the place is reached, or either with `=full`,
//! `=denied` or `=error`. Without one of these the process is aborted, which for files and databases is the same as
//! SIGKILL: nothing is flushed and no destructor runs.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The environment variable that names the place.
pub const VARIABLE: &str = "HITRATE_FAILPOINT";

/// All places, in the order in which a run passes them. A test compares the list with the sources.
pub const PLACES: &[&str] = &[
    "migrate.applied",
    "store.commit",
    "store.committed",
    "store.checkpointed",
    "recover.run",
    "serve.announced",
    "durable.half",
    "durable.written",
    "durable.renamed",
    "archive.pack",
    "archive.manifest",
    "store.invalidated",
    "ingest.readings",
    "ingest.commit",
    "ingest.checkpoint",
    "days.tiers",
    "days.recommendations",
    "days.shifts",
    "publish.built",
    "publish.written",
    "publish.saved",
    "publish.swapped",
    "rollup.removed",
    "compact.copied",
    "compact.renamed",
    "alerts.outbox",
    "import.kept",
    "import.rows",
    "replay.run",
    "replay.publish",
    "site.staged",
    "site.exchanged",
    "site.moved",
    "serve.stopping",
    "backup.copied",
    "backup.manifest",
    "restore.copied",
];

/// What happens at the place that the variable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Abort,
    Fail(io::ErrorKind),
}

/// The place that is named, the time at which it acts, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Armed {
    place: String,
    time: u32,
    action: Action,
}

/// Does what the environment variable names for this place; usually nothing.
///
/// # Errors
/// The error that the variable names, from the `time`-th visit on: a full disk stays full.
pub fn reach(place: &'static str) -> io::Result<()> {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    static VISITS: OnceLock<Mutex<HashMap<&'static str, u32>>> = OnceLock::new();
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    let armed = ARMED.get_or_init(|| std::env::var(VARIABLE).ok().and_then(|value| parse(&value)));
    let Some(armed) = armed.as_ref().filter(|armed| armed.place == place) else { return Ok(()) };
    let mut visits = VISITS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let visit = visits.entry(place).or_default();
    *visit += 1;
    match armed.action {
        Action::Abort if *visit == armed.time => std::process::abort(),
        Action::Fail(kind) if *visit >= armed.time => Err(io::Error::new(kind, format!("failpoint {place}"))),
        _ => Ok(()),
    }
}

fn parse(value: &str) -> Option<Armed> {
    let (place, action) = match value.split_once('=') {
        None => (value, Action::Abort),
        Some((place, "full")) => (place, Action::Fail(io::ErrorKind::StorageFull)),
        Some((place, "denied")) => (place, Action::Fail(io::ErrorKind::PermissionDenied)),
        Some((place, "error")) => (place, Action::Fail(io::ErrorKind::Other)),
        Some(_) => return None,
    };
    let (place, time) = match place.split_once('#') {
        None => (place, 1),
        Some((place, time)) => (place, time.parse().ok()?),
    };
    PLACES.contains(&place).then(|| Armed { place: place.to_owned(), time, action })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_names_a_place_a_time_and_an_action() {
        let armed = |time, action| Some(Armed { place: "archive.pack".to_owned(), time, action });
        assert_eq!(parse("archive.pack"), armed(1, Action::Abort));
        assert_eq!(parse("archive.pack#3"), armed(3, Action::Abort));
        assert_eq!(parse("archive.pack#2=full"), armed(2, Action::Fail(io::ErrorKind::StorageFull)));
        assert_eq!(parse("archive.pack=denied"), armed(1, Action::Fail(io::ErrorKind::PermissionDenied)));
        for wrong in ["", "archive", "archive.pack#x", "archive.pack=no", "archive.pack=full#2"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    /// The places that the sources below a folder name.
    fn named_in(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path())
        {
            if entry.is_dir() {
                named_in(&entry, found);
            } else if entry.ends_with("src/failpoint.rs") {
                // The calls of its tests.
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&entry).expect("a source");
                // Also through a closure of this name, which maps the error.
                for call in ["failpoint::reach(\"", " reached(\""] {
                    let names = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                    found.extend(names.map(str::to_owned));
                }
            }
        }
    }

    #[test]
    fn the_list_of_places_is_that_of_the_sources() {
        let mut named = Vec::new();
        named_in(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut named);
        named.sort();
        let mut places: Vec<&str> = PLACES.to_vec();
        places.sort_unstable();
        assert_eq!(named, places, "each place of PLACES has exactly one call of `reach`");
    }

    #[test]
    fn a_place_that_is_not_named_does_nothing() {
        assert!(reach("archive.pack").is_ok());
    }
}
