//! Bodies made so far from the snapshot being served, so that a hot address costs a lookup.

use super::problem::Problem;
use crate::prepared::Prepared;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bounds of what is kept; past either the whole is dropped and begins anew.
const MAX_BODIES: usize = 2_000;
const MAX_BYTES: usize = 64 << 20;
/// Keys are built from what the client sent: longer ones are not kept.
const MAX_KEY: usize = 400;

#[derive(Default)]
struct Kept {
    snapshot: String,
    bytes: usize,
    by_key: HashMap<String, Arc<Prepared>>,
}

/// A bounded cache of bodies of one snapshot.
#[derive(Default)]
pub(super) struct Bodies(Mutex<Kept>);

impl Bodies {
    /// The body of a key, made by `make` where it is not kept yet.
    ///
    /// # Errors
    /// What `make` answers; problems are not kept.
    pub fn get(
        &self,
        snapshot: &str,
        key: String,
        make: impl FnOnce() -> Result<Prepared, Problem>,
    ) -> Result<Arc<Prepared>, Problem> {
        if let Some(body) = self.kept(snapshot, &key) {
            return Ok(body);
        }
        // Made outside of the lock: two requests may make the same body once each, none waits for another's.
        let body = Arc::new(make()?);
        if key.len() <= MAX_KEY {
            self.keep(snapshot, key, Arc::clone(&body));
        }
        Ok(body)
    }

    fn kept(&self, snapshot: &str, key: &str) -> Option<Arc<Prepared>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.snapshot == snapshot { kept.by_key.get(key).cloned() } else { None }
    }

    fn keep(&self, snapshot: &str, key: String, body: Arc<Prepared>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = body.bytes().len();
        let full = kept.by_key.len() >= MAX_BODIES || kept.bytes + size > MAX_BYTES;
        if kept.snapshot != snapshot || full {
            *kept = Kept { snapshot: snapshot.to_owned(), ..Kept::default() };
        }
        kept.bytes += size;
        kept.by_key.insert(key, body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(size: usize) -> Prepared {
        Prepared::new("text/plain", vec![b'x'; size])
    }

    fn get(bodies: &Bodies, snapshot: &str, key: &str, size: usize) -> usize {
        let made = bodies.get(snapshot, key.to_owned(), || Ok(body(size))).expect("a body");
        made.bytes().len()
    }

    #[test]
    fn a_body_is_made_once_a_snapshot() {
        let bodies = Bodies::default();
        assert_eq!(get(&bodies, "one", "/a", 10), 10);
        assert_eq!(get(&bodies, "one", "/a", 20), 10);
        assert_eq!(get(&bodies, "two", "/a", 20), 20);
    }

    #[test]
    fn it_stays_bounded_whatever_is_asked() {
        let bodies = Bodies::default();
        for number in 0..MAX_BODIES + 10 {
            get(&bodies, "one", &format!("/{number}"), 1);
        }
        get(&bodies, "one", &"k".repeat(MAX_KEY + 1), 1);
        let kept = bodies.0.lock().expect("not poisoned");
        assert_eq!((kept.by_key.len(), kept.bytes), (10, 10));
    }
}
