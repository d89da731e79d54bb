//! Studies of the method itself: they compare the analysis of simulated worlds with their known truth.

pub mod coverage;
pub mod lag;
mod ranks;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Runs `work` on each item, two at a time; results are in the order of the items. The result does not depend on the
/// scheduling of the threads.
fn on_two_threads<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let share = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { break };
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, result);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(share);
        share();
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
