//! Small numbers for what a touch says: its advertiser, campaign and channel together are one label.
//!
//! Numbers are a worker's own, given in order of first sight; they never leave the worker.

use crate::event::{Event, Name};
use crate::fold::FoldMap;

/// A worker's number for a (advertiser, campaign, channel).
pub(crate) type LabelId = u32;
/// A worker's number for an advertiser.
pub(crate) type AdvertiserId = u32;

/// The names behind a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Label {
    pub(crate) advertiser: Name,
    pub(crate) campaign: Name,
    pub(crate) channel: Name,
}

/// The labels one worker has seen.
#[derive(Default)]
pub(crate) struct Labels {
    ids: FoldMap<Label, LabelId>,
    labels: Vec<Label>,
    /// The advertiser of each label: a table of its own, since every neighbour search reads it.
    advertiser_of: Vec<AdvertiserId>,
    advertiser_ids: FoldMap<Name, AdvertiserId>,
    advertisers: Vec<Name>,
}

impl Labels {
    pub(crate) fn of(&mut self, event: &Event) -> LabelId {
        let label = Label {
            advertiser: event.advertiser,
            campaign: event.campaign,
            channel: event.channel,
        };
        match self.ids.get(&label) {
            Some(&id) => id,
            None => self.add(label),
        }
    }

    fn add(&mut self, label: Label) -> LabelId {
        let id = self.labels.len() as LabelId;
        let next = self.advertisers.len() as AdvertiserId;
        let advertiser = *self.advertiser_ids.entry(label.advertiser).or_insert(next);
        if advertiser == next {
            self.advertisers.push(label.advertiser);
        }
        self.ids.insert(label, id);
        self.labels.push(label);
        self.advertiser_of.push(advertiser);
        id
    }

    pub(crate) fn get(&self, id: LabelId) -> Label {
        self.labels[id as usize]
    }

    pub(crate) fn advertiser(&self, id: LabelId) -> AdvertiserId {
        self.advertiser_of[id as usize]
    }

    pub(crate) fn advertiser_name(&self, id: AdvertiserId) -> Name {
        self.advertisers[id as usize]
    }
}
