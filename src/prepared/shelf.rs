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
/// The first things stay, so a client that requests ever new addresses cannot displace prepared ones.
#[derive(Debug)]
pub struct Shelf<E, K, V> {
    bounds: Bounds,
    /// Ordered by age, the oldest first.
    epochs: RwLock<Vec<Epoch<E, K, V>>>,
}

#[derive(Debug)]
struct Epoch<E, K, V> {
    of: E,
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
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epochs.iter().rev().find(|epoch| epoch.of == *of)?.things.get(key).cloned()
    }

    /// Keeps a thing of the given size for an epoch if it fits, and returns whether it does. A new epoch displaces the
    /// oldest one.
    pub fn keep(&self, of: &E, key: K, thing: Arc<V>, bytes: usize) -> bool {
        // Dropped after the lock is released: it may hold thousands of bodies, and readers would wait.
        let mut _displaced = None;
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        if epochs.iter().all(|epoch| epoch.of != *of) {
            if epochs.len() == EPOCHS {
                _displaced = Some(epochs.remove(0));
            }
            epochs.push(Epoch { of: of.clone(), bytes: 0, things: HashMap::new() });
        }
        let Some(epoch) = epochs.iter_mut().find(|epoch| epoch.of == *of) else { return false };
        let fits = epoch.things.len() < self.bounds.things && epoch.bytes + bytes <= self.bounds.bytes;
        if fits {
            epoch.bytes += bytes;
            epoch.things.insert(key, thing);
        }
        fits
    }

    /// The number of things and bytes in the newest epoch.
    pub fn newest(&self) -> (usize, usize) {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epochs.last().map_or((0, 0), |epoch| (epoch.things.len(), epoch.bytes))
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
