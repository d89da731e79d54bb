//! Functions that read untrusted input, each with what must hold for every input. A panic is a finding.

mod documents;
mod files;
mod logs;
pub mod names;
mod requests;
mod support;

/// A target: it reads the input and panics if something is wrong.
pub type Target = fn(&[u8]);

/// All targets by name; `fuzz/corpus/NAME` has the inputs that are kept.
pub const TARGETS: &[(&str, Target)] = &[
    ("decode", documents::decode),
    ("sweep", documents::sweep),
    ("history", documents::history),
    ("recorded", documents::recorded),
    ("manifest", files::manifest),
    ("snapshot", files::snapshot),
    ("server_json", files::server_json),
    ("settings", files::settings),
    ("workloads", files::workloads),
    ("plans", files::plans),
    ("import_file", files::import_file),
    ("log_formats", logs::one_format),
    ("log_containers", logs::containers),
    ("otlp", requests::otlp),
    ("mcp", requests::mcp),
    ("api", requests::api),
    ("pages", requests::pages),
    ("sql", requests::sql),
    ("markup", names::markup),
    ("names", names::names),
    ("preferences", names::preferences),
];
