//! The fuzz targets of hitrate. The functions are in `targets`, which `tests/it/fuzz.rs` includes too: there the kept corpus and
//! seeded mutations of it run in `make test`.

#[path = "../../tests/it/sample.rs"]
#[allow(dead_code, reason = "the integration tests use the rest")]
pub mod sample;
#[path = "targets/mod.rs"]
pub mod targets;

/// Runs the target with the name of the program: each target is a program of its own, from one file.
///
/// # Panics
/// If the program has the name of no target, and if the target finds something wrong.
pub fn run(name: &str, input: &[u8]) {
    let found = targets::TARGETS.iter().find(|(target, _)| *target == name);
    let (_, target) = found.expect("the names in Cargo.toml are those in TARGETS");
    target(input);
}
