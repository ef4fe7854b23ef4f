//! The directory of names: which text a [`Name`] stands for.
//!
//! In: (name, text) pairs from the control stream, broadcast to every worker in the epoch that first uses them.
//! Out: texts, for ordering and display. What must hold: when an epoch closes on a worker, every name used up to
//! it is here; two texts of one hash stop the process.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::event::Name;

/// One worker's directory; clones share it.
#[derive(Clone, Default)]
pub struct Names(Rc<RefCell<HashMap<Name, String>>>);

impl Names {
    pub fn insert(&self, name: Name, text: &str) {
        let mut names = self.0.borrow_mut();
        let known = names.entry(name).or_insert_with(|| text.to_owned());
        assert!(
            known == text,
            "the names {known:?} and {text:?} have the same 64-bit hash"
        );
    }

    /// Calls `read` with the text of `name`.
    pub fn with<R>(&self, name: Name, read: impl FnOnce(&str) -> R) -> R {
        let names = self.0.borrow();
        read(
            names
                .get(&name)
                .expect("a name arrives no later than the epoch that uses it"),
        )
    }

    /// The order of two names by their texts.
    pub fn cmp(&self, a: Name, b: Name) -> std::cmp::Ordering {
        if a == b {
            return std::cmp::Ordering::Equal;
        }
        let names = self.0.borrow();
        names[&a].cmp(&names[&b])
    }
}
