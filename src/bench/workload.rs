//! The events that are measured with: a made-up mix of ad events, the same for the same numbers.
//!
//! In: a [`Mix`]. Out: [`Record`]s in order of arrival, each as a JSON line of 11 fields or as a decoded event. What
//! must hold: the line and the event of a record say the same; the records depend on the mix alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use dataflows::event::{Event, Kind, Name, Receipt, UserId};
use xxhash_rust::xxh3::xxh3_64;

/// Event time of the first event.
const FIRST_TIME_MS: i64 = 1_760_000_000_000;
/// How fast popularity falls with a user's rank.
const ZIPF: f64 = 0.7;
const LATE_SHARE: f64 = 0.05;
/// Share of a user's events that belong to the advertiser who aims at them.
const AIMED_SHARE: f64 = 0.7;
const CAMPAIGNS_EACH: u64 = 5;
const CHANNELS: [&str; 8] = [
    "search",
    "social",
    "display",
    "video",
    "email",
    "affiliate",
    "ctv",
    "audio",
];
const REGIONS: [&str; 6] = ["us-east", "us-west", "eu-west", "eu-north", "apac", "latam"];
const DEVICES: [&str; 4] = ["mobile", "desktop", "tv", "tablet"];

/// The key of the pseudonyms.
pub(super) const KEY: [u8; 32] = [7; 32];

/// What the events are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mix {
    pub(super) events: u64,
    pub(super) users: u64,
    pub(super) advertisers: u64,
    /// Event time from first to last.
    pub(super) span_ms: u64,
    /// How late the late ones are at most.
    pub(super) late_ms: u64,
}

impl Mix {
    /// Ten events a user, ten advertisers, four hours.
    pub(super) fn of(events: u64) -> Mix {
        Mix {
            events,
            users: (events / 10).max(1),
            advertisers: 10,
            span_ms: 4 * 3_600_000,
            late_ms: 60_000,
        }
    }

    /// The same spread over another time.
    pub(super) fn over_ms(self, span_ms: u64) -> Mix {
        Mix {
            span_ms,
            late_ms: self.late_ms.min(span_ms / 4).max(2),
            ..self
        }
    }

    pub(super) fn weights(&self) -> Weights {
        let mut sum = 0.0;
        let weigh = |rank| {
            sum += (rank as f64).powf(-ZIPF);
            sum
        };
        (1..=self.users).map(weigh).collect()
    }

    /// Texts of all names the records use.
    pub(super) fn names(&self) -> Vec<(Name, String)> {
        let channels = CHANNELS.iter().map(|&text| text.to_owned());
        self.advertiser_texts()
            .chain(self.campaign_texts())
            .chain(channels)
            .map(|text| (Name::of(&text), text))
            .collect()
    }

    pub(super) fn advertiser_texts(&self) -> impl Iterator<Item = String> {
        (0..self.advertisers).map(|number| format!("adv_{number:02}"))
    }

    pub(super) fn campaign_texts(&self) -> impl Iterator<Item = String> {
        (0..self.advertisers * CAMPAIGNS_EACH).map(|number| format!("cmp_{number:02}"))
    }
}

/// One event, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    number: u64,
    pub(super) time: i64,
    user: u64,
    pub(super) advertiser: u64,
    pub(super) campaign: u64,
    channel: usize,
    region: usize,
    device: usize,
    pub(super) kind: Kind,
    /// Revenue of a conversion, cost of a touch; ten-thousandths.
    money: u64,
}

/// Random numbers (wyrand, Wang Yi 2019).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0xa076_1d64_78bd_642f);
        let product = u128::from(self.0) * u128::from(self.0 ^ 0xe703_7ed1_a0b4_28db);
        (product >> 64) as u64 ^ product as u64
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

/// By rank, the weight of all users up to it.
pub(super) type Weights = Arc<[f64]>;

/// The records of a mix, one after the other.
pub(super) struct Workload {
    mix: Mix,
    random: Random,
    cumulative: Weights,
    drawn: u64,
    late: BinaryHeap<Reverse<(i64, Record)>>,
}

impl Workload {
    pub(super) fn new(mix: Mix) -> Workload {
        Workload::of(mix, mix.weights())
    }

    fn of(mix: Mix, cumulative: Weights) -> Workload {
        Workload {
            mix,
            random: Random(42),
            cumulative,
            drawn: 0,
            late: BinaryHeap::new(),
        }
    }

    fn time(&self, number: u64) -> i64 {
        let offset =
            u128::from(number) * u128::from(self.mix.span_ms) / u128::from(self.mix.events);
        FIRST_TIME_MS + offset as i64
    }

    fn rank(&mut self) -> u64 {
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let wanted = self.random.share() * total;
        let rank = self.cumulative.partition_point(|&sum| sum < wanted) as u64;
        rank.min(self.mix.users - 1)
    }

    fn draw(&mut self) -> Record {
        let (number, rank) = (self.drawn, self.rank());
        self.drawn += 1;
        let random = &mut self.random;
        let traits = Random(rank).next();
        let advertiser = if random.share() < AIMED_SHARE {
            traits % self.mix.advertisers
        } else {
            random.below(self.mix.advertisers)
        };
        let campaign = advertiser * CAMPAIGNS_EACH + random.below(CAMPAIGNS_EACH);
        let place = random.share();
        let (kind, money) = match random.below(100) {
            0..=49 => (Kind::Other, 0),
            50..=89 => (Kind::Impression, 10 + random.below(200)),
            90..=97 => (Kind::Click, 1_000 + random.below(20_000)),
            _ => (Kind::Conversion, 50_000 + random.below(1_950_000)),
        };
        Record {
            number,
            time: self.time(number),
            // Odd and no multiple of 5, so no two ranks meet below 10^8.
            user: rank * 48_271_301 % 100_000_000,
            advertiser,
            campaign,
            channel: (place * place * 8.0) as usize,
            region: (traits >> 20) as usize % REGIONS.len(),
            device: (traits >> 40) as usize % DEVICES.len(),
            kind,
            money,
        }
    }
}

impl Iterator for Workload {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let is_drained = self.drawn == self.mix.events;
            let now = self.time(self.drawn);
            let is_due = |&Reverse((arrival, _)): &Reverse<(i64, Record)>| arrival <= now;
            if is_drained || self.late.peek().is_some_and(is_due) {
                return self.late.pop().map(|Reverse((_, record))| record);
            }
            let record = self.draw();
            if self.random.share() >= LATE_SHARE {
                return Some(record);
            }
            let delay = 1 + self.random.below(self.mix.late_ms - 1) as i64;
            self.late.push(Reverse((record.time + delay, record)));
        }
    }
}

impl Record {
    pub(super) fn write_user(&self, out: &mut String) {
        out.push('u');
        out.push_str(padded(self.user, 8, &mut [0; 20]));
    }

    pub(super) fn write_id(&self, out: &mut String) {
        out.push('e');
        out.push_str(padded(self.number, 10, &mut [0; 20]));
    }

    pub(super) fn channel_text(&self) -> &'static str {
        CHANNELS[self.channel]
    }

    fn id(&self) -> u64 {
        let mut text = String::new();
        self.write_id(&mut text);
        xxh3_64(text.as_bytes())
    }

    /// Micro-units of a conversion.
    pub(super) fn value(&self) -> i64 {
        match self.kind {
            Kind::Conversion => self.money as i64 * 100,
            _ => 0,
        }
    }

    /// Appends the record as a JSON line.
    pub(super) fn write_line(&self, out: &mut Vec<u8>) {
        let kind = match self.kind {
            Kind::Other => "ad_request",
            Kind::Impression => "impression",
            Kind::Click => "click",
            Kind::Conversion => "conversion",
        };
        let (revenue, cost) = match self.kind {
            Kind::Conversion => (self.money, 0),
            _ => (0, self.money),
        };
        let mut text = |text: &str| out.extend_from_slice(text.as_bytes());
        let mut digits = [0; 20];
        text("{\"event_id\":\"e");
        text(padded(self.number, 10, &mut digits));
        text("\",\"event_time\":");
        text(padded(self.time as u64, 1, &mut digits));
        text(",\"user_id\":\"u");
        text(padded(self.user, 8, &mut digits));
        text("\",\"advertiser\":\"adv_");
        text(padded(self.advertiser, 2, &mut digits));
        text("\",\"campaign\":\"cmp_");
        text(padded(self.campaign, 2, &mut digits));
        text("\",\"channel\":\"");
        text(CHANNELS[self.channel]);
        text("\",\"event_type\":\"");
        text(kind);
        text("\",\"region\":\"");
        text(REGIONS[self.region]);
        text("\",\"device\":\"");
        text(DEVICES[self.device]);
        for (key, amount) in [("\",\"revenue\":", revenue), (",\"cost\":", cost)] {
            text(key);
            text(padded(amount / 10_000, 1, &mut digits));
            text(".");
            text(padded(amount % 10_000, 4, &mut digits));
        }
        text("}\n");
    }
}

/// `number` in at least `width` decimal digits.
fn padded(mut number: u64, width: usize, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    while number > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    std::str::from_utf8(&digits[at..]).expect("digits are ASCII")
}

/// Makes decoded events of records, as the decoders would.
pub(super) struct Decoder {
    advertisers: Vec<Name>,
    campaigns: Vec<Name>,
    channels: [Name; CHANNELS.len()],
}

impl Decoder {
    pub(super) fn new(mix: &Mix) -> Decoder {
        Decoder {
            advertisers: mix.advertiser_texts().map(|text| Name::of(&text)).collect(),
            campaigns: mix.campaign_texts().map(|text| Name::of(&text)).collect(),
            channels: CHANNELS.map(Name::of),
        }
    }

    pub(super) fn event(&self, record: &Record) -> Event {
        let mut user = String::new();
        record.write_user(&mut user);
        Event {
            user: UserId::new(&KEY, user.as_bytes()),
            time: record.time,
            id: record.id(),
            sequence: 0,
            advertiser: self.advertisers[record.advertiser as usize],
            campaign: self.campaigns[record.campaign as usize],
            channel: self.channels[record.channel],
            value: record.value(),
            kind: record.kind,
            touches: false,
            userless: false,
            receipt: Receipt::NONE,
        }
    }
}

/// The mix as decoded events, made as they are asked for.
pub(super) fn events(mix: Mix) -> impl Iterator<Item = Event> + Send {
    events_of(mix, mix.weights())
}

/// The same by weights that somebody else holds as well.
pub(super) fn events_of(mix: Mix, weights: Weights) -> impl Iterator<Item = Event> + Send {
    let decoder = Decoder::new(&mix);
    Workload::of(mix, weights).map(move |record| decoder.event(&record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::admit::{Admitter, Decoded};
    use crate::ingest::block::{Block, Payload};

    #[test]
    fn the_lines_decode_to_the_events() {
        let mix = Mix::of(5_000);
        let mut lines = Vec::new();
        Workload::new(mix).for_each(|record| record.write_line(&mut lines));
        let block = Block::new(0, Payload::Json(lines));
        let mut decoded = Decoded::default();
        Admitter::new(KEY, 3, usize::MAX).decode(&block, &mut decoded);
        assert_eq!(decoded.records, mix.events);
        assert_eq!(decoded.events, events(mix).collect::<Vec<_>>());
    }

    #[test]
    fn every_record_comes_once_and_some_come_late() {
        let mut numbers: Vec<u64> = Workload::new(Mix::of(20_000)).map(|r| r.number).collect();
        let late = numbers.windows(2).filter(|w| w[0] > w[1]).count();
        assert!((700..1_300).contains(&late), "{late}");
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..20_000));
    }
}
