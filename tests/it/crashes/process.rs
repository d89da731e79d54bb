//! Processes of the built program that are killed, or that end themselves at a failpoint.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hitrate::failpoint;
use rustix::process::{Pid, Signal, kill_process};

/// The longest time that a process may take. It is a hang if it takes longer. Publications run at low priority, so on a busy
/// machine a start takes minutes.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// How long a process may go on after an error: a server serves.
const GOES_ON: Duration = Duration::from_secs(10);
/// The exit codes of a verb that could not do all of its work.
const CODES: [i32; 3] = [0, 1, 5];
/// How often a process is looked at.
const STEP: Duration = Duration::from_millis(2);

/// How a process is ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// By SIGKILL after this time.
    After(Duration),
    /// By an abort at the nth visit of a failpoint.
    At(&'static str, u32),
    /// By itself, after this error at a failpoint, as `failpoint::reach` names it; a server goes on for some seconds.
    Fails(&'static str, &'static str),
    /// By itself.
    Never,
}

/// A process that ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Whether SIGKILL or an abort at the failpoint ended it.
    pub is_killed: bool,
    /// Standard error.
    pub err: String,
    /// Standard output.
    pub out: String,
    /// How long it ran.
    pub lasted: Duration,
}

/// Sends a signal to a process of this test.
pub fn signal(child: &Child, signal: Signal) {
    // It may have ended in the meantime.
    _ = kill_process(Pid::from_child(child), signal);
}

fn text(mut file: File) -> String {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).expect("readable");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs a command until it ends. If `is_done` is true before that, the process is asked to terminate.
pub fn run(command: &mut Command, end: End, is_done: impl Fn() -> bool) -> Ended {
    match end {
        End::At(place, visit) => _ = command.env(failpoint::VARIABLE, format!("{place}#{visit}")),
        End::Fails(place, error) => _ = command.env(failpoint::VARIABLE, format!("{place}={error}")),
        End::After(_) | End::Never => {}
    }
    let limit = match end {
        End::After(time) => time,
        End::Fails(..) => GOES_ON,
        End::At(..) | End::Never => Duration::MAX,
    };
    // Files and not pipes: a pipe that no one reads stops a process with much to say.
    let (out, err) = (tempfile::tempfile().expect("a file"), tempfile::tempfile().expect("a file"));
    let copy = |file: &File| Stdio::from(file.try_clone().expect("a second handle"));
    command.stdin(Stdio::null()).stdout(copy(&out)).stderr(copy(&err));
    let started = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let (mut is_asked, mut looked) = (false, started);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        let lasted = started.elapsed();
        if lasted >= limit {
            child.kill().expect("it can be killed");
            break child.wait().expect("it ends");
        }
        if !is_asked && looked.elapsed() > Duration::from_millis(20) {
            looked = Instant::now();
            is_asked = is_done();
            if is_asked {
                signal(&child, Signal::TERM);
            }
        }
        if lasted > PATIENCE {
            child.kill().expect("it can be killed");
            _ = child.wait();
            panic!("the process did not end within {PATIENCE:?}, standard error: {}", text(err));
        }
        std::thread::sleep(STEP);
    };
    let by = status.signal();
    let is_killed = match end {
        End::After(_) | End::Fails(..) => by == Some(Signal::KILL.as_raw()),
        End::At(..) => by == Some(Signal::ABORT.as_raw()),
        End::Never => false,
    };
    Ended { code: status.code(), is_killed, err: text(err), out: text(out), lasted: started.elapsed() }
}

impl Ended {
    /// Checks that the exit code is one of the table, and that the output of a failure has these parts of its message.
    pub fn is_clear(&self, parts: &[&str], context: &str) {
        let code = self.code.unwrap_or_else(|| panic!("{context}: ended by a signal, {self:?}"));
        assert!(CODES.contains(&code), "{context}: {self:?}");
        assert!(!self.err.contains("panicked"), "{context}: {}", self.err);
        if code != 0 {
            let said = format!("{}{}", self.err, self.out);
            let missing: Vec<_> = parts.iter().filter(|part| !said.contains(**part)).collect();
            assert!(missing.is_empty(), "{context}: {missing:?} is missing in {said}");
        }
    }
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Ended {
    run(command, End::Never, || false)
}
