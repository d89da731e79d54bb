//! Whether the archive is whole.

use super::Finding;
use crate::archive::{Problem, Verified};
use crate::domain::format;

/// Problems that a finding describes, and those beyond of which it names the file.
const NAMED: usize = 3;
const LISTED: usize = 100;

/// Whether the archive of `what` is whole.
pub fn archive(what: &'static str, verified: &Verified) -> Finding {
    let all = verified.manifests;
    let of = if verified.read == all {
        match all {
            1 => "the only archived run".to_owned(),
            _ => format!("all {all} archived runs"),
        }
    } else {
        format!("{} of {all} archived runs (`--all` reads every run)", verified.read)
    };
    let bodies = verified.bodies;
    if verified.problems.is_empty() {
        let are = if all == 1 { "is" } else { "are" };
        return Finding::ok(what, format!("{of} {are} whole: {bodies} bodies have their sha256"));
    }
    // What is lost first.
    let (mut named, harmless): (Vec<_>, Vec<_>) =
        verified.problems.iter().partition(|problem| problem.is_loss);
    let lost = named.len();
    named.extend(harmless);
    let shown = named.iter().take(NAMED).map(|problem| described(problem)).collect::<Vec<_>>().join("; ");
    let others: Vec<String> =
        named.iter().skip(NAMED).take(LISTED).map(|problem| problem.path.display().to_string()).collect();
    let more = match named.len().saturating_sub(NAMED) {
        0 => String::new(),
        more if more > LISTED => format!("; and {more} more, among them {}", others.join(", ")),
        more => format!("; and {more} more: {}", others.join(", ")),
    };
    let detail = format!("{} in {of}: {shown}{more}", format::counted(named.len() as u64, "damaged file"));
    if lost == 0 {
        let action = "nothing is lost; copy the named files from a backup if you have one, and test the disk";
        return Finding::warning(what, detail, action);
    }
    Finding::failed(
        what,
        detail,
        "copy the named files from a backup (`hitrate backup verify` shows whether it is whole); the record keeps its numbers, \
         but a replay sets the runs aside that need them",
    )
}

/// The file and what is wrong with it; errors of the archive name the file themselves.
fn described(problem: &Problem) -> String {
    let path = problem.path.display().to_string();
    if problem.what.contains(&path) { problem.what.clone() } else { format!("{path}: {}", problem.what) }
}
