//! What was made so far, so that the next who asks is answered by a lookup.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// Epochs kept at a time: the one being served, and the one being prepared.
const EPOCHS: usize = 2;

/// Bounds of what is kept of one epoch; what comes past them is made anew for everybody who asks.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most things.
    pub things: usize,
    /// Most bytes, as their makers count them.
    pub bytes: usize,
}

/// Things by key, each true for one epoch `E`: a snapshot, say, and whatever else they depend on.
///
/// What came first stays. So whoever asks for ever new addresses displaces nothing that was prepared.
#[derive(Debug)]
pub struct Shelf<E, K, V> {
    bounds: Bounds,
    /// The oldest epoch first.
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

    /// What is kept under a key for an epoch.
    pub fn get<Q>(&self, of: &E, key: &Q) -> Option<Arc<V>>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epochs.iter().rev().find(|epoch| epoch.of == *of)?.things.get(key).cloned()
    }

    /// Keeps a thing of some bytes for an epoch, where it fits. A new epoch displaces the oldest one.
    pub fn keep(&self, of: &E, key: K, thing: Arc<V>, bytes: usize) {
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        if epochs.iter().all(|epoch| epoch.of != *of) {
            if epochs.len() == EPOCHS {
                epochs.remove(0);
            }
            epochs.push(Epoch { of: of.clone(), bytes: 0, things: HashMap::new() });
        }
        let Some(epoch) = epochs.iter_mut().find(|epoch| epoch.of == *of) else { return };
        if epoch.things.len() < self.bounds.things && epoch.bytes + bytes <= self.bounds.bytes {
            epoch.bytes += bytes;
            epoch.things.insert(key, thing);
        }
    }

    /// How many things and bytes the newest epoch holds.
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
