//! Keeps what was made, so that later requests need only a lookup.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// Number of epochs kept: the one being served and the one being prepared.
const EPOCHS: usize = 2;

/// Limits of what is kept for one epoch; anything beyond them is made again for every request.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Maximum number of things.
    pub things: usize,
    /// Maximum number of bytes, as counted by the caller.
    pub bytes: usize,
}

/// Things by key, each valid for one epoch `E`: a snapshot, for example, and whatever else they depend on.
///
/// The first things stay, so a client that requests ever new addresses cannot displace prepared ones. Each epoch has its
/// own lock: a thread of low priority that prepares the next one, and may have to wait for a processor while it holds
/// the lock, does not hold up the readers of the present one.
#[derive(Debug)]
pub struct Shelf<E, K, V> {
    bounds: Bounds,
    /// Ordered by age, the oldest first.
    epochs: RwLock<Vec<Arc<Epoch<E, K, V>>>>,
}

#[derive(Debug)]
struct Epoch<E, K, V> {
    of: E,
    kept: RwLock<Kept<K, V>>,
}

#[derive(Debug)]
struct Kept<K, V> {
    bytes: usize,
    things: HashMap<K, Arc<V>>,
}

impl<E: PartialEq + Clone, K: Eq + Hash, V> Shelf<E, K, V> {
    /// An empty shelf.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, epochs: RwLock::default() }
    }

    /// The thing kept under a key for an epoch.
    pub fn get<Q>(&self, of: &E, key: &Q) -> Option<Arc<V>>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let epoch = self.epoch(of)?;
        let kept = epoch.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.things.get(key).cloned()
    }

    fn epoch(&self, of: &E) -> Option<Arc<Epoch<E, K, V>>> {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epochs.iter().rev().find(|epoch| epoch.of == *of).cloned()
    }

    /// The same; a new epoch displaces the oldest one.
    fn epoch_or_new(&self, of: &E) -> Arc<Epoch<E, K, V>> {
        if let Some(epoch) = self.epoch(of) {
            return epoch;
        }
        let kept = RwLock::new(Kept { bytes: 0, things: HashMap::new() });
        let new = Arc::new(Epoch { of: of.clone(), kept });
        // Dropped after the lock is released: it may hold thousands of bodies, and readers would wait.
        let mut _displaced = None;
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster.
        if let Some(epoch) = epochs.iter().find(|epoch| epoch.of == *of) {
            return epoch.clone();
        }
        if epochs.len() == EPOCHS {
            _displaced = Some(epochs.remove(0));
        }
        epochs.push(new.clone());
        new
    }

    /// Keeps a thing of the given size for an epoch if it fits, and returns whether it does. A new epoch displaces the
    /// oldest one.
    pub fn keep(&self, of: &E, key: K, thing: Arc<V>, bytes: usize) -> bool {
        let epoch = self.epoch_or_new(of);
        let mut kept = epoch.kept.write().unwrap_or_else(PoisonError::into_inner);
        let fits = kept.things.len() < self.bounds.things && kept.bytes + bytes <= self.bounds.bytes;
        if fits {
            kept.bytes += bytes;
            kept.things.insert(key, thing);
        }
        fits
    }

    /// The number of things and bytes in the newest epoch.
    pub fn newest(&self) -> (usize, usize) {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epochs.last().map_or((0, 0), |epoch| {
            let kept = epoch.kept.read().unwrap_or_else(PoisonError::into_inner);
            (kept.things.len(), kept.bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> Shelf<u32, String, u32> {
        Shelf::new(Bounds { things: 3, bytes: 100 })
    }

    fn keep(shelf: &Shelf<u32, String, u32>, epoch: u32, key: &str, thing: u32) {
        shelf.keep(&epoch, key.to_owned(), Arc::new(thing), 10);
    }

    #[test]
    fn a_thing_is_true_for_its_epoch_alone_and_two_epochs_are_kept() {
        let shelf = shelf();
        keep(&shelf, 1, "a", 11);
        keep(&shelf, 2, "a", 12);
        assert_eq!(shelf.get(&1, "a").as_deref(), Some(&11));
        assert_eq!(shelf.get(&2, "a").as_deref(), Some(&12));
        keep(&shelf, 3, "b", 13);
        assert!(shelf.get(&1, "a").is_none() && shelf.get(&3, "a").is_none());
        assert_eq!(shelf.get(&2, "a").as_deref(), Some(&12));
    }

    #[test]
    fn it_stays_bounded_and_what_came_first_stays() {
        let shelf = shelf();
        for number in 0..9 {
            keep(&shelf, 1, &number.to_string(), number);
        }
        assert_eq!(shelf.newest(), (3, 30));
        assert_eq!(shelf.get(&1, "0").as_deref(), Some(&0));
        assert!(shelf.get(&1, "8").is_none());
        let heavy = Shelf::new(Bounds { things: 3, bytes: 5 });
        heavy.keep(&1, "a".to_owned(), Arc::new(1), 6);
        assert_eq!(heavy.newest(), (0, 0));
    }
}
