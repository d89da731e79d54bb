//! The memory that bodies take: those in flight and those that the caller has, together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes of all bodies of a fetcher, with their limit.
#[derive(Debug, Clone)]
pub(super) struct Held {
    used: Arc<AtomicUsize>,
    limit: usize,
}

impl Held {
    pub(super) fn new(limit: usize) -> Self {
        Self { used: Arc::default(), limit }
    }

    /// An account for one body. It is given back when dropped, unless it is kept.
    pub(super) fn lease(&self) -> Lease {
        Lease { held: self.clone(), bytes: 0 }
    }

    /// Forgets the bodies that the caller has.
    pub(super) fn clear(&self) {
        self.used.store(0, Ordering::Relaxed);
    }
}

/// The bytes of one body.
#[derive(Debug)]
pub(super) struct Lease {
    held: Held,
    bytes: usize,
}

impl Lease {
    /// Takes more bytes. Returns whether the limit allows it.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let limit = self.held.limit;
        let more = |used: usize| used.checked_add(bytes).filter(|total| *total <= limit);
        let is_taken = self.held.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if is_taken {
            self.bytes += bytes;
        }
        is_taken
    }

    /// The lease of no bytes; those taken are given back.
    pub(super) fn emptied(self) -> Self {
        self.held.lease()
    }

    /// The caller gets the body, so its bytes stay taken.
    pub(super) fn keep(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let bytes = self.bytes;
        let less = |used: usize| Some(used.saturating_sub(bytes));
        // The update always has a value.
        let _ = self.held.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_count_until_they_are_dropped_or_the_caller_has_them() {
        let held = Held::new(10);
        let (mut first, mut second) = (held.lease(), held.lease());
        assert!(first.take(6) && second.take(4) && !second.take(1));
        drop(second);
        let mut third = held.lease();
        assert!(third.take(4));
        first.keep();
        assert!(!third.take(1), "the caller has the first body");
        held.clear();
        assert!(third.take(10));
    }
}
