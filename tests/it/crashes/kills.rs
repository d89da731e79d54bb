//! Kills at random moments and at every failpoint, also of the process that recovers; and a full disk at every failpoint.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hitrate::clock::{Clock, SystemClock};
use hitrate::failpoint::PLACES;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::lab::{Lab, StopOnPanic, Verb};
use super::process::{End, run};
use super::state::Held;

/// Number of kills, unless the environment variable `HITRATE_KILLS` has another one.
const KILLS: usize = 200;
/// Kills of one job: the verb, and then the processes that start again.
const MOST_ENDS: usize = 5;
/// After this number of jobs, no further one is begun.
const MOST_JOBS: usize = 100_000;

/// A verb that is killed and started again until it has done its work.
#[derive(Debug, Clone, PartialEq)]
struct Job {
    verb: Verb,
    ends: Vec<End>,
}

/// The verbs for random kills, as often as each is chosen.
const CHOSEN: [(Verb, u32); 14] = [
    (Verb::Collect(0), 10),
    (Verb::Collect(1), 15),
    (Verb::Collect(2), 15),
    (Verb::Collect(3), 10),
    (Verb::Retry, 6),
    (Verb::Recover, 8),
    (Verb::Rebuild, 6),
    (Verb::Migrate, 8),
    (Verb::Alerts, 4),
    (Verb::Serve, 10),
    (Verb::Replay, 6),
    (Verb::Publish, 8),
    (Verb::Import, 5),
    (Verb::Rollup, 5),
];

/// The verb in which a failpoint is reached, and how often in one process.
fn reached_by(place: &'static str) -> (Verb, u32) {
    match place {
        "migrate.applied" | "store.commit" | "store.committed" | "store.checkpointed" => {
            (Verb::Collect(0), 3)
        }
        "recover.run" | "store.invalidated" | "ingest.readings" | "ingest.commit" | "ingest.checkpoint" => {
            (Verb::Recover, 3)
        }
        "serve.announced" | "serve.stopping" => (Verb::Serve, 1),
        "days.tiers" | "days.recommendations" | "days.shifts" => (Verb::Recover, 2),
        "rollup.removed" | "compact.copied" | "compact.renamed" => (Verb::Rollup, 1),
        "backup.copied" | "backup.manifest" => (Verb::Backup, 1),
        "restore.copied" => (Verb::Restore, 1),
        "alerts.outbox" => (Verb::Alerts, 1),
        "import.kept" | "import.rows" => (Verb::Import, 1),
        "replay.run" => (Verb::Replay, 3),
        "replay.publish" => (Verb::Replay, 1),
        "site.staged" | "site.exchanged" => (Verb::Publish, 1),
        "site.moved" => (Verb::Publish, 2),
        "durable.half" | "durable.written" | "durable.renamed" => (Verb::Collect(2), 3),
        // One collection reaches each of the others once: archive and publication.
        _ => (Verb::Collect(1), 1),
    }
}

/// How often something was tried, and how often it ended the process.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    tried: usize,
    killed: usize,
}

/// What was killed where.
#[derive(Debug, Default)]
struct Tally {
    by_verb: BTreeMap<String, Count>,
    by_place: BTreeMap<String, Count>,
}

impl Tally {
    fn note(&mut self, verb: Verb, end: End, is_killed: bool) {
        let place = match end {
            End::At(place, visit) => format!("{place}#{visit}"),
            End::Fails(place, error) => format!("{place}={error}"),
            _ => "a random moment".to_owned(),
        };
        let verb = format!("{verb:?}").split('(').next().unwrap_or_default().to_lowercase();
        for count in [self.by_verb.entry(verb).or_default(), self.by_place.entry(place).or_default()] {
            count.tried += 1;
            count.killed += usize::from(is_killed);
        }
    }

    fn killed(&self) -> usize {
        self.by_verb.values().map(|count| count.killed).sum()
    }

    /// Two tables in Markdown: kills by verb and by place.
    fn table(&self) -> String {
        let rows = |counts: &BTreeMap<String, Count>| -> String {
            counts
                .iter()
                .map(|(name, count)| format!("| {name} | {} | {} |\n", count.tried, count.killed))
                .collect()
        };
        let head = |what: &str| format!("| {what} | started | killed |\n|---|---:|---:|\n");
        format!("{}{}\n{}{}", head("verb"), rows(&self.by_verb), head("place"), rows(&self.by_place))
    }
}

/// The number in an environment variable, or another one.
pub fn number(variable: &str, otherwise: u64) -> u64 {
    let set = std::env::var(variable).ok();
    set.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}

/// A moment at which a verb is killed, up to a tenth after it usually ends.
fn random_end(random: &mut ChaCha8Rng, usual: Duration) -> End {
    End::After(usual.mul_f64(random.random_range(0.0..1.1)))
}

/// Every failpoint at its first visits, and the failures.
fn planned_jobs(random: &mut ChaCha8Rng, usual: &BTreeMap<Verb, Duration>) -> Vec<Job> {
    let mut jobs = Vec::new();
    for place in PLACES.iter().copied() {
        let (verb, visits) = reached_by(place);
        for visit in 1..=visits {
            let mut ends = vec![End::At(place, visit)];
            // Half of the processes that recover are killed, too.
            if random.random_range(0..2) == 0 {
                ends.push(random_end(random, usual[&verb]));
            }
            jobs.push(Job { verb, ends });
        }
    }
    // A process that collects many runs reaches the places of one collection several times.
    for visit in 2..=3 {
        jobs.push(Job { verb: Verb::Demo, ends: vec![End::At("archive.pack", visit)] });
    }
    jobs.push(Job { verb: Verb::Demo, ends: vec![End::At("archive.manifest", 2)] });
    jobs.extend(failures());
    jobs
}

/// A verb that is killed at random moments.
fn random_job(random: &mut ChaCha8Rng, usual: &BTreeMap<Verb, Duration>) -> Job {
    let all: u32 = CHOSEN.iter().map(|(_, weight)| weight).sum();
    let mut left = random.random_range(0..all);
    let chosen = CHOSEN.iter().find(|(_, weight)| {
        let is_chosen = left < *weight;
        left = left.saturating_sub(*weight);
        is_chosen
    });
    let verb = chosen.map_or(Verb::Collect(1), |(verb, _)| *verb);
    let ends = (0..random.random_range(1..=MOST_ENDS)).map(|_| random_end(random, usual[&verb])).collect();
    Job { verb, ends }
}

/// A full disk at every failpoint, and missing rights where files are written.
fn failures() -> Vec<Job> {
    let job =
        |place: &'static str, error| Job { verb: reached_by(place).0, ends: vec![End::Fails(place, error)] };
    let full = PLACES.iter().map(|place| job(place, "full"));
    let of_files =
        PLACES.iter().filter(|place| place.starts_with("durable.") || place.starts_with("archive."));
    full.chain(of_files.map(|place| job(place, "denied"))).collect()
}

/// Kills a verb and starts it again, until it has done its work; checks the folder after each kill and at the end.
fn perform(lab: &Lab, job: &Job, tally: &Mutex<Tally>) {
    let Job { verb, ends } = job;
    let data = lab.folder(*verb);
    let folder = data.path();
    let mut held = Held::by(folder, "before");
    let mut is_finished = false;
    for (number, end) in ends.iter().enumerate() {
        let context = format!("{job:?}, kill {}", number + 1);
        let ended = run(&mut lab.command(*verb, folder), *end, || lab.is_done(*verb, folder));
        tally.lock().expect("not poisoned").note(*verb, *end, ended.is_killed);
        let is_failure = matches!(end, End::Fails(..));
        is_finished = !is_failure && !ended.is_killed && lab.is_success(*verb, ended.code);
        if is_finished {
            break;
        }
        match end {
            End::Fails(place, _) if !ended.is_killed => {
                let said = format!("failpoint {place}");
                // After this one, it is DuckDB that fails.
                let parts = if *place == "store.invalidated" { vec![] } else { vec![said.as_str()] };
                // Without the archive there is no run, so the error ends the verb; others are only logged and made good later.
                assert!(!place.starts_with("archive.") || ended.code != Some(0), "{context}: {ended:?}");
                ended.is_clear(&parts, &context);
            }
            _ => assert!(ended.is_killed, "{context}: {ended:?}"),
        }
        let now = Held::by(folder, &context);
        now.follows(&held, &context);
        held = now;
        is_finished = lab.check_killed(*verb, folder, &context);
        if is_finished {
            break;
        }
    }
    // A demo begins from scratch; opening its folder stores what was archived. After an error that was only logged, the next
    // start does the rest.
    if !is_finished && *verb != Verb::Demo {
        lab.succeeds(*verb, folder);
    }
    let context = format!("{job:?}, at the end");
    Held::by(folder, &context).follows(&held, &context);
    lab.check_finished(*verb, folder, &context);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_and_full_disks_lose_no_run_and_leave_no_half_one() {
    let kills = usize::try_from(number("HITRATE_KILLS", KILLS as u64)).expect("a number");
    let otherwise = SystemClock.now().timestamp_micros().unsigned_abs();
    let seed = number("HITRATE_KILL_SEED", otherwise);
    eprintln!("HITRATE_KILLS={kills} HITRATE_KILL_SEED={seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut lab = Lab::new().await;
    let usual = tokio::task::block_in_place(|| lab.prepare());
    let other = lab.beside().await;
    let jobs = planned_jobs(&mut random, &usual);
    let (next, tally, random) = (AtomicUsize::new(0), Mutex::<Tally>::default(), Mutex::new(random));
    // A process that is to be killed may end before; so random kills go on until there are enough.
    let job = |number: usize| {
        let is_enough = tally.lock().expect("not poisoned").killed() >= kills;
        let more = || random_job(&mut random.lock().expect("not poisoned"), &usual);
        jobs.get(number).cloned().or_else(|| (!is_enough && number < MOST_JOBS).then(more))
    };
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for lab in [&lab, &other] {
                let (next, job, tally) = (&next, &job, &tally);
                scope.spawn(move || {
                    let _stop = StopOnPanic(next);
                    while let Some(job) = job(next.fetch_add(1, Ordering::Relaxed)) {
                        perform(lab, &job, tally);
                    }
                });
            }
        });
    });
    let tally = tally.into_inner().expect("not poisoned");
    eprintln!("{} kills\n\n{}", tally.killed(), tally.table());
    assert!(tally.killed() >= kills, "only {} of {kills} kills", tally.killed());
    for place in PLACES {
        let first = tally.by_place.get(&format!("{place}#1"));
        assert!(first.is_some_and(|count| count.killed > 0), "the failpoint {place} was never reached");
    }
}

#[test]
fn every_failpoint_has_a_verb_that_reaches_it() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let usual = CHOSEN.map(|(verb, _)| (verb, Duration::from_millis(100)));
    let usual = BTreeMap::from(usual);
    let planned = planned_jobs(&mut random, &usual);
    for place in PLACES.iter().copied() {
        assert!(planned.iter().any(|job| job.ends[0] == End::At(place, 1)), "{place}");
        assert!(planned.iter().any(|job| job.ends[0] == End::Fails(place, "full")), "{place}");
    }
    let jobs: Vec<Job> = (0..500).map(|_| random_job(&mut random, &usual)).collect();
    for (verb, _) in CHOSEN {
        assert!(jobs.iter().any(|job| job.verb == verb), "{verb:?}");
    }
}
