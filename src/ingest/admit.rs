//! From a block to events: decode, hash, name; then, in log order, number and judge by lateness.
//!
//! In: a [`Block`], and later where its partition's log stood before it. Out: an [`Admitted`] block. What must hold:
//! the first half depends on the block alone, so any worker can do it at any time; the second on the log alone.

use std::borrow::Cow;

use dataflows::event::{DEFAULT_ADVERTISER, Event, Kind, Name, Receipt, TimeMs, UNKNOWN, UserId};
use dataflows::fold::FoldMap;
use dataflows::pseudonym::Pseudonyms;
use xxhash_rust::xxh3::xxh3_64;

use super::block::{Block, Payload};
use super::csv::{CsvDecoder, rows};
use super::json::JsonDecoder;
use super::record::{Reason, Record};
use super::watermark::Top;

/// A record that was rejected: why, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Number of the record within its block.
    pub record: u64,
    pub reason: Reason,
    pub bytes: Vec<u8>,
}

/// A block whose records are decoded.
#[derive(Default)]
pub struct Decoded {
    pub events: Vec<Event>,
    pub records: u64,
    pub invalid: u64,
    pub rejected: Vec<Rejected>,
    /// Names this worker had not seen before.
    pub names: Vec<(Name, String)>,
    pub unknown_fields: u64,
    pub top: Top,
    /// [`Block::arrived`].
    arrived: Option<TimeMs>,
    least_time: Option<TimeMs>,
    /// Events whose id is their place in the log, known only in order.
    unnamed: Vec<Unnamed>,
}

struct Unnamed {
    event: usize,
    record: u64,
    sequence: Option<i64>,
}

/// One worker's decoders and directory of names.
pub struct Admitter {
    key: [u8; 32],
    /// In the place of a user until the pseudonym is made.
    nobody: UserId,
    support: usize,
    json: JsonDecoder,
    names: FoldMap<Name, String>,
    /// Of the block in hand, by the number of the event.
    pseudonyms: Pseudonyms<usize>,
    /// A longer record is invalid.
    record_bytes_max: usize,
}

impl Admitter {
    /// `key` makes pseudonyms; `support` is the watermark's.
    pub fn new(key: [u8; 32], support: usize, record_bytes_max: usize) -> Admitter {
        Admitter {
            key,
            nobody: UserId::new(&key, b""),
            support,
            json: JsonDecoder::new(),
            names: FoldMap::default(),
            pseudonyms: Pseudonyms::new(key),
            record_bytes_max,
        }
    }

    /// Decodes a block into `out`, which is cleared first.
    pub fn decode(&mut self, block: &Block, out: &mut Decoded) {
        out.clear();
        out.arrived = block.arrived;
        match &block.payload {
            Payload::Json(bytes) => self.decode_lines(bytes, out),
            Payload::Csv(bytes, decoder) => self.decode_rows(bytes, decoder, out),
            Payload::Events(events, range) => self.take_events(&events[range.clone()], out),
            Payload::Heartbeat(time) => out.top.raise(*time),
        }
        if block.receipt.is_some() {
            out.events
                .iter_mut()
                .for_each(|event| event.receipt = block.receipt);
        }
        self.finish_users(out);
    }

    /// Takes records that are decoded into `out`, which is cleared first.
    pub fn admit<'a>(&mut self, records: impl Iterator<Item = Record<'a>>, out: &mut Decoded) {
        out.clear();
        records.for_each(|record| self.take_valid(&record, out));
        self.finish_users(out);
    }

    fn decode_lines(&mut self, bytes: &[u8], out: &mut Decoded) {
        let mut json = std::mem::take(&mut self.json);
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => {
                let mut start = 0;
                for end in memchr::memchr_iter(b'\n', bytes).chain(std::iter::once(bytes.len())) {
                    let line = text[start..end].trim_ascii();
                    start = (end + 1).min(bytes.len());
                    if !line.is_empty() {
                        self.take(json.decode_str(line), line.as_bytes(), out);
                    }
                }
            }
            Err(_) => {
                for line in bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
                    if !line.is_empty() {
                        self.take(json.decode(line), line, out);
                    }
                }
            }
        }
        self.json = json;
    }

    fn decode_rows(&mut self, bytes: &[u8], decoder: &CsvDecoder, out: &mut Decoded) {
        let mut decoder = decoder.clone();
        for row in rows(bytes) {
            if !row.trim_ascii().is_empty() {
                self.take(decoder.decode(row), row, out);
            }
        }
    }

    fn take_events(&mut self, events: &[Option<Event>], out: &mut Decoded) {
        out.records += events.len() as u64;
        for event in events.iter().flatten() {
            out.push(event, self.support);
        }
        out.invalid += (events.len() - out.events.len()) as u64;
    }

    fn take(&mut self, record: Result<Record<'_>, Reason>, bytes: &[u8], out: &mut Decoded) {
        let record = if bytes.len() > self.record_bytes_max {
            Err(Reason::TooLong)
        } else {
            record
        };
        match record {
            Ok(record) => self.take_valid(&record, out),
            Err(reason) => {
                out.invalid += 1;
                out.rejected.push(Rejected {
                    record: out.records,
                    reason,
                    bytes: bytes.to_vec(),
                });
                out.records += 1;
            }
        }
    }

    fn take_valid(&mut self, record: &Record<'_>, out: &mut Decoded) {
        let event = self.event(record, out);
        out.push(&event, self.support);
        match (record.user, record.event_id) {
            (Some(user), _) => self.user(user, out),
            (None, Some(id)) => self.userless(id, out),
            // Judging gives it an id, and a stand-in made of that.
            (None, None) => {}
        }
        out.records += 1;
    }

    fn event(&mut self, record: &Record<'_>, out: &mut Decoded) -> Event {
        let kind = Kind::from(record.event_type);
        let id = match record.event_id {
            Some(id) => xxh3_64(id.as_bytes()),
            None => {
                let (event, sequence) = (out.events.len(), record.sequence);
                out.unnamed.push(Unnamed {
                    event,
                    record: out.records,
                    sequence,
                });
                0
            }
        };
        out.unknown_fields += u64::from(record.unknown_fields);
        Event {
            user: self.nobody,
            time: record.event_time,
            id,
            sequence: record.sequence.unwrap_or(0),
            advertiser: self.name(record.advertiser.unwrap_or(DEFAULT_ADVERTISER), out),
            campaign: self.name(record.campaign.unwrap_or(UNKNOWN), out),
            channel: self.name(record.channel.unwrap_or(UNKNOWN), out),
            value: if kind == Kind::Conversion {
                record.revenue.unwrap_or(0)
            } else {
                0
            },
            kind,
            touches: record.touches,
            userless: record.user.is_none(),
            receipt: Receipt::NONE,
        }
    }

    /// Makes the pseudonym of the newest event.
    #[inline]
    fn user(&mut self, raw: &str, out: &mut Decoded) {
        self.pseudonym(&apart(raw), out)
    }

    fn userless(&mut self, id: &str, out: &mut Decoded) {
        self.pseudonym(&stand_in(id), out)
    }

    #[inline]
    fn pseudonym(&mut self, raw: &[u8], out: &mut Decoded) {
        let events = &mut out.events;
        let newest = events.len() - 1;
        self.pseudonyms
            .push(raw, newest, |event, user| events[event].user = user);
    }

    fn finish_users(&mut self, out: &mut Decoded) {
        self.pseudonyms
            .finish(|event, user| out.events[event].user = user);
    }

    #[inline]
    fn name(&mut self, text: &str, out: &mut Decoded) -> Name {
        let name = Name::of(text);
        match self.names.get(&name) {
            Some(known) => assert!(
                known == text,
                "the names {known:?} and {text:?} have the same 64-bit hash"
            ),
            None => {
                self.names.insert(name, text.to_owned());
                out.names.push((name, text.to_owned()));
            }
        }
        name
    }

    /// The second half, in log order: `before` is the top and `records` the number of records ahead of the block.
    /// Gives ids to those that have none, takes the late events out and returns how many they were.
    pub fn judge(
        &self,
        block: &mut Decoded,
        partition: u32,
        before: &Top,
        records: u64,
        allowed_lateness_ms: Option<i64>,
    ) -> u64 {
        for unnamed in &block.unnamed {
            let place = unnamed
                .sequence
                .map_or((records + unnamed.record) as i128, i128::from);
            let id = format!("{partition}:{place}");
            let event = &mut block.events[unnamed.event];
            event.id = xxh3_64(id.as_bytes());
            if event.userless {
                event.user = UserId::new(&self.key, &stand_in(&id));
            }
        }
        let Some(lateness_ms) = allowed_lateness_ms else {
            return 0;
        };
        let mut after = before.clone();
        after.merge(&block.top, self.support);
        let highest = after.watermark(self.support);
        if highest.is_none_or(|w| {
            block
                .least_time
                .is_none_or(|least| least >= w - lateness_ms)
        }) {
            return 0;
        }
        let mut top = before.clone();
        let (count, arrived) = (block.events.len(), block.arrived);
        block.events.retain(|event| {
            top.add(believed(event.time, arrived), self.support);
            top.watermark(self.support)
                .is_none_or(|w| event.time >= w - lateness_ms)
        });
        (count - block.events.len()) as u64
    }
}

/// How far the event's time moves the watermark.
#[inline]
fn believed(time: TimeMs, arrived: Option<TimeMs>) -> TimeMs {
    arrived.map_or(time, |arrived| time.min(arrived))
}

/// What stands for the user of an event that has none; no raw user id can hash to the same.
fn stand_in(event_id: &str) -> Vec<u8> {
    [b"\0event\0", event_id.as_bytes()].concat()
}

impl Decoded {
    /// The records in log order, `None` where one was rejected; judged before, so that all have their ids.
    pub fn into_log(self) -> Vec<Option<Event>> {
        let mut log: Vec<Option<Event>> = Vec::with_capacity(self.records as usize);
        let mut rejected = self
            .rejected
            .iter()
            .map(|rejected| rejected.record)
            .peekable();
        let mut events = self.events.into_iter();
        for record in 0..self.records {
            log.push(if rejected.next_if_eq(&record).is_some() {
                None
            } else {
                events.next()
            });
        }
        log
    }

    fn clear(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        // The dataflow keeps the buffers it is sent: the next block is about as long as the last one.
        events.clear();
        events.reserve(self.records as usize);
        *self = Decoded {
            events,
            ..Decoded::default()
        };
    }

    #[inline(always)]
    fn push(&mut self, event: &Event, support: usize) {
        self.top.add(believed(event.time, self.arrived), support);
        self.least_time = Some(
            self.least_time
                .map_or(event.time, |least| least.min(event.time)),
        );
        self.events.push(*event);
    }
}

/// A raw user id as it is hashed: one that begins with NUL is set apart from the stand-ins of [`stand_in`].
#[inline]
fn apart(raw: &str) -> Cow<'_, [u8]> {
    match raw.starts_with('\0') {
        true => Cow::Owned([b"\0user\0", raw.as_bytes()].concat()),
        false => Cow::Borrowed(raw.as_bytes()),
    }
}

/// The pseudonym of a raw user id.
pub fn pseudonym(key: &[u8; 32], raw: &str) -> UserId {
    UserId::new(key, &apart(raw))
}
