//! What a reader wants of the frames, and what it gets: all of it, or what has changed since it last looked.

use std::ops::RangeInclusive;
use std::sync::Arc;

use dataflows::epochs::Epoch;
use dataflows::event::{Name, TimeMs};
use dataflows::transitions::{ChainKey, Dimension, Scope, Window};

use super::cell::{Cell, Entry, Key, Value};
use super::{Frames, Labels, Revision};

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Engine,
    Dispositions,
    Attribution,
    Transitions,
    History,
}

impl Topic {
    pub const ALL: [Topic; 5] = [
        Topic::Engine,
        Topic::Dispositions,
        Topic::Attribution,
        Topic::Transitions,
        Topic::History,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Topic::Engine => "engine",
            Topic::Dispositions => "dispositions",
            Topic::Attribution => "attribution",
            Topic::Transitions => "transitions",
            Topic::History => "history",
        }
    }
}

/// The rows somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Sorted, each once.
    pub topics: Vec<Topic>,
    /// The chain of transitions and history, and of attribution too unless that is of every chain.
    pub chain: (ChainKey, Window),
    pub every_chain: bool,
}

impl Default for Selection {
    fn default() -> Selection {
        let everyone = ChainKey {
            scope: Scope::Everyone,
            dimension: Dimension::Channel,
        };
        Selection {
            topics: vec![Topic::Engine, Topic::Dispositions, Topic::Attribution],
            chain: (everyone, Window::All),
            every_chain: true,
        }
    }
}

impl Selection {
    pub fn has(&self, topic: Topic) -> bool {
        self.topics.contains(&topic)
    }

    fn holds(&self, key: Key) -> bool {
        let (of_chain, of_window) = self.chain;
        let is_meant = |chain, window| (chain, window) == (of_chain, of_window);
        match key {
            Key::Engine => self.has(Topic::Engine),
            Key::Dispositions | Key::Scopes => self.has(Topic::Dispositions),
            Key::Attribution(chain, window) => {
                self.has(Topic::Attribution) && (self.every_chain || is_meant(chain, window))
            }
            Key::Transitions(chain, window) => {
                self.has(Topic::Transitions) && is_meant(chain, window)
            }
            Key::History(chain, window, _) => self.has(Topic::History) && is_meant(chain, window),
        }
    }

    /// The keys of rows that may be wanted, besides history.
    fn ranges(&self) -> Vec<RangeInclusive<Key>> {
        let (chain, window) = self.chain;
        let one = |key: Key| key..=key;
        let mut ranges = Vec::new();
        for topic in &self.topics {
            match topic {
                Topic::Engine => ranges.push(one(Key::Engine)),
                Topic::Dispositions => ranges.push(Key::Dispositions..=Key::Scopes),
                Topic::Attribution if self.every_chain => ranges.push(every_chain()),
                Topic::Attribution => ranges.push(one(Key::Attribution(chain, window))),
                Topic::Transitions => ranges.push(one(Key::Transitions(chain, window))),
                Topic::History => {}
            }
        }
        ranges
    }
}

fn every_chain() -> RangeInclusive<Key> {
    let first = ChainKey {
        scope: Scope::Everyone,
        dimension: Dimension::Channel,
    };
    let last = ChainKey {
        scope: Scope::Advertiser(Name(u64::MAX)),
        dimension: Dimension::Campaign,
    };
    Key::Attribution(first, Window::All)..=Key::Attribution(last, Window::Hour)
}

/// A moment in the life of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub revision: Revision,
    pub epoch: Epoch,
}

/// How much a reader knows already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    Nothing,
    Revision(Revision),
    /// All of this epoch, as a client says that comes back.
    Epoch(Epoch),
}

impl Since {
    fn is_before(self, mark: Mark) -> bool {
        match self {
            Since::Nothing => true,
            Since::Revision(revision) => mark.revision > revision,
            Since::Epoch(epoch) => mark.epoch > epoch,
        }
    }
}

/// What a reader gets. It makes the text of it without holding the lock.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The moment after it.
    pub mark: Mark,
    /// All rows there are, to replace whatever the reader has.
    pub is_whole: bool,
    pub cells: Vec<Arc<Cell>>,
    pub removed: Vec<Arc<str>>,
    pub labels: Labels,
}

impl Selected {
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.removed.is_empty()
    }
}

impl Frames {
    /// The rows of `selection` that a reader lacks who knows `since`; all of them if nobody knows any more what has gone.
    pub fn select(&self, selection: &Selection, since: Since) -> Selected {
        let forgotten = match self.history.forgotten {
            later if selection.has(Topic::History) && later.revision > self.forgotten.revision => {
                later
            }
            _ => self.forgotten,
        };
        let is_known = match since {
            Since::Nothing => false,
            Since::Revision(revision) => revision >= forgotten.revision,
            Since::Epoch(epoch) => epoch <= self.as_of_epoch && epoch >= forgotten.epoch,
        };
        let since = if is_known { since } else { Since::Nothing };
        let mut cells = Vec::new();
        for range in selection.ranges() {
            let rows = self.rows.range(range);
            let lacking = rows.filter(|(key, entry)| is_lacking(**key, entry, since));
            cells.extend(lacking.map(|(_, entry)| entry.cell.clone()));
        }
        if selection.has(Topic::History) {
            self.select_history(selection, since, &mut cells);
        }
        Selected {
            mark: self.mark(),
            is_whole: !is_known,
            cells,
            removed: self.removed(selection, since),
            labels: self.labels.clone(),
        }
    }

    fn select_history(&self, selection: &Selection, since: Since, cells: &mut Vec<Arc<Cell>>) {
        let (chain, window) = selection.chain;
        let cell = |point: Arc<super::Point>| {
            let key = Key::History(chain, window, point.at_ms);
            Arc::new(Cell::new(key.text(&self.labels), Value::Point(point)))
        };
        let sealed = self.history.points(chain, window);
        let lacking = sealed.filter(|(_, mark)| since.is_before(*mark));
        cells.extend(lacking.map(|(point, _)| cell(point)));
        let changed = [Key::Attribution(chain, window), Key::Dispositions];
        let marks = changed.iter().filter_map(|key| self.rows.get(key));
        let entered = self.history.entered();
        let mut marks = marks.map(|entry| entry.mark).chain([entered]);
        let is_changed = marks.any(|mark| since.is_before(mark));
        if is_changed && let Some(point) = self.open_point(chain, window) {
            cells.push(cell(Arc::new(point)));
        }
    }

    fn removed(&self, selection: &Selection, since: Since) -> Vec<Arc<str>> {
        if since == Since::Nothing {
            return Vec::new();
        }
        let mut gone: Vec<Key> = Vec::new();
        let later = self.removed.iter().rev();
        let later = later.take_while(|removed| since.is_before(removed.mark));
        gone.extend(
            later
                .map(|removed| removed.key)
                .filter(|&key| selection.holds(key) && !self.is_there(key)),
        );
        if selection.has(Topic::History) {
            let (chain, window) = selection.chain;
            let dropped = self.history.dropped_since(|mark| since.is_before(mark));
            gone.extend(dropped.map(|minute| Key::History(chain, window, minute)));
        }
        gone.sort();
        gone.dedup();
        gone.into_iter().map(|key| key.text(&self.labels)).collect()
    }

    fn is_there(&self, key: Key) -> bool {
        match key {
            Key::History(chain, window, minute) => self.has_point(chain, window, minute),
            _ => self.rows.contains_key(&key),
        }
    }

    fn has_point(&self, chain: ChainKey, window: Window, minute_ms: TimeMs) -> bool {
        if self.history.minute_ms() == Some(minute_ms) {
            return self.attribution(chain, window).is_some();
        }
        self.history.has(chain, window, minute_ms)
    }

    /// The chain in the minute that is still open.
    pub(super) fn open_point(&self, chain: ChainKey, window: Window) -> Option<super::Point> {
        let row = self.attribution(chain, window)?;
        let now_ms = self.clock.and_then(|clock| clock.now_ms)?;
        self.history.open(row, now_ms, self.dispositions.accepted)
    }
}

/// A reader that comes back by epoch gets the engine anew: it changes within an epoch too.
fn is_lacking(key: Key, entry: &Entry, since: Since) -> bool {
    since.is_before(entry.mark) || (key == Key::Engine && matches!(since, Since::Epoch(_)))
}
