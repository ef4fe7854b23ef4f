//! The mix as records whose text is borrowed: what a parser has in hand when it is done with a line.
//!
//! What must hold: they say the same as the decoded events of the mix, in the same order.

use dataflows::event::{EventType, Kind};

use super::workload::{Mix, Workload};
use crate::ingest::record;

/// One record.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    user: &'a str,
    time: i64,
    advertiser: &'a str,
    channel: &'a str,
    kind: Kind,
    event_id: &'a str,
    campaign: &'a str,
    value: i64,
}

impl<'a> Record<'a> {
    /// As the decoders hand it over.
    pub(super) fn decoded(&self) -> record::Record<'a> {
        let (event_type, revenue) = match self.kind {
            Kind::Other => (EventType::AdRequest, None),
            Kind::Impression => (EventType::AdImpression, None),
            Kind::Click => (EventType::AdClick, None),
            Kind::Conversion => (EventType::Conversion, Some(self.value)),
        };
        record::Record {
            event_type,
            event_time: self.time,
            event_id: Some(self.event_id),
            user: Some(self.user),
            advertiser: Some(self.advertiser),
            campaign: Some(self.campaign),
            channel: Some(self.channel),
            sequence: None,
            revenue,
            cost: None,
            touches: false,
            unknown_fields: 0,
        }
    }
}

/// The texts of all records of a mix, for records to borrow.
pub(super) struct Texts {
    mix: Mix,
    ids: String,
    /// Where the ids of each record end: the user's and the event's.
    ends: Vec<(usize, usize)>,
    advertisers: Vec<String>,
    campaigns: Vec<String>,
}

/// Most bytes of a record's ids.
const IDS_BYTES: usize = 24;

impl Texts {
    /// With room for all from the start: memory given back now, the allocator would give back to the system while something
    /// is measured.
    pub(super) fn new(mix: Mix) -> Texts {
        let records = mix.events as usize;
        let mut ids = String::with_capacity(records * IDS_BYTES);
        let mut ends = Vec::with_capacity(records);
        for record in Workload::new(mix) {
            record.write_user(&mut ids);
            let user = ids.len();
            record.write_id(&mut ids);
            ends.push((user, ids.len()));
        }
        Texts {
            mix,
            ids,
            ends,
            advertisers: mix.advertiser_texts().collect(),
            campaigns: mix.campaign_texts().collect(),
        }
    }

    pub(super) fn records(&self) -> Vec<Record<'_>> {
        let mut start = 0;
        let ids = self.ends.iter().map(|&(user, id)| {
            let user_start = std::mem::replace(&mut start, id);
            (&self.ids[user_start..user], &self.ids[user..id])
        });
        let whole = Workload::new(self.mix).zip(ids);
        let borrowed = whole.map(|(record, (user, event_id))| Record {
            user,
            time: record.time,
            advertiser: &self.advertisers[record.advertiser as usize],
            channel: record.channel_text(),
            kind: record.kind,
            event_id,
            campaign: &self.campaigns[record.campaign as usize],
            value: record.value(),
        });
        let mut records = Vec::with_capacity(self.ends.len());
        records.extend(borrowed);
        records
    }
}
