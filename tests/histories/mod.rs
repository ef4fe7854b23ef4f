//! Small random histories that reach the corners: ties, copies, gaps of exactly the limit, records at the bound of
//! lateness, users who are none, names that look like states.

#![allow(dead_code, unreachable_pub)] // every test takes what it needs of it

use std::collections::HashMap;

use dataflows::event::{Event, Kind, Name, Receipt, TimeMs, UserId};
use dataflows::settings::{JourneyRule, Settings};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The records of every partition in log order, and the texts of their names.
#[derive(Clone, Debug)]
pub struct History {
    pub partitions: Vec<Vec<Option<Event>>>,
    pub names: HashMap<Name, String>,
}

impl History {
    pub fn records(&self) -> u64 {
        self.partitions.iter().map(|log| log.len() as u64).sum()
    }
}

pub const ADVERTISERS: [&str; 3] = ["default", "Acme, \"Ltd\"", "*"];
pub const CHANNELS: [&str; 4] = ["Email", "start", "(null)", "Écran"];
pub const CAMPAIGNS: [&str; 3] = ["(unknown)", "Spring", "\\null"];
const KEY: [u8; 32] = [7; 32];
/// 2025-01-31T23:00:00Z.
const BASE: TimeMs = 1_738_364_400_000;
const MINUTE: i64 = 60_000;

/// The name table of every history.
pub fn names() -> HashMap<Name, String> {
    let texts = ADVERTISERS.iter().chain(&CHANNELS).chain(&CAMPAIGNS);
    texts
        .map(|text| (Name::of(text), text.to_string()))
        .collect()
}

pub fn user(raw: &str) -> UserId {
    UserId::new(&KEY, raw.as_bytes())
}

/// A touch of Email for the first advertiser, to be changed with `..`.
pub fn touch(raw_user: &str, time: TimeMs, id: u64) -> Event {
    Event {
        user: user(raw_user),
        time,
        id,
        sequence: 0,
        advertiser: Name::of(ADVERTISERS[0]),
        campaign: Name::of(CAMPAIGNS[0]),
        channel: Name::of(CHANNELS[0]),
        value: 0,
        kind: Kind::Click,
        touches: false,
        userless: false,
        receipt: Receipt::NONE,
    }
}

/// The settings that histories are made for, one of several for each seed: both rules, gaps and bounds of lateness.
pub fn settings(seed: u64) -> Settings {
    let mut random = Random(seed, 1 << 32);
    Settings {
        session_gap_ms: random.of(&[30 * MINUTE, 5 * MINUTE, 1]),
        journeys: random.of(&[
            JourneyRule::Session,
            JourneyRule::Session,
            JourneyRule::GapMs(7 * 24 * 60 * MINUTE),
            JourneyRule::GapMs(20 * MINUTE),
            JourneyRule::GapMs(0),
        ]),
        allowed_lateness_ms: random.of(&[Some(10 * MINUTE), Some(0), Some(60 * MINUTE), None]),
        watermark_support: random.of(&[1, 3]),
        processes: 1,
    }
}

/// The history of a seed, with gaps and delays around those of `settings`.
pub fn history(seed: u64, settings: &Settings) -> History {
    let mut maker = Maker::new(seed, settings);
    for _ in 0..maker.records {
        maker.push_record();
    }
    History {
        partitions: maker.partitions,
        names: names(),
    }
}

struct Maker {
    random: Random,
    settings: Settings,
    records: usize,
    partitions: Vec<Vec<Option<Event>>>,
    events: Vec<Event>,
    now: TimeMs,
    last_of_user: HashMap<UserId, TimeMs>,
}

impl Maker {
    fn new(seed: u64, settings: &Settings) -> Maker {
        let mut random = Random(seed, 0);
        let partitions = 1 + random.below(3);
        Maker {
            records: random.of(&[3, 12, 40, 120]),
            random,
            settings: *settings,
            partitions: vec![Vec::new(); partitions as usize],
            events: Vec::new(),
            now: BASE,
            last_of_user: HashMap::new(),
        }
    }

    fn push_record(&mut self) {
        let record = match self.random.below(20) {
            0 => None,
            1..=4 if !self.events.is_empty() => Some(self.copy()),
            _ => Some(self.fresh()),
        };
        if let Some(event) = record {
            self.now = self.now.max(event.time);
            self.last_of_user.insert(event.user, event.time);
            self.events.push(event);
        }
        let partition = self.random.below(self.partitions.len() as u64) as usize;
        self.partitions[partition].push(record);
    }

    /// An event that nobody has seen.
    fn fresh(&mut self) -> Event {
        let number = self.events.len() as u64;
        let userless = self.random.below(12) == 0;
        let raw_user = match userless {
            true => format!("event {number}"),
            false => format!("user {}", self.random.below(4)),
        };
        let time = self.time(user(&raw_user));
        // Some ids repeat at another time or of another user, which makes no copies; their hashes have no order.
        let id = (number / (1 + self.random.below(2))).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut event = touch(&raw_user, time, id);
        event.userless = userless;
        self.fill(&mut event);
        event
    }

    /// An earlier event again, sometimes with other content.
    fn copy(&mut self) -> Event {
        let place = self.random.below(self.events.len() as u64) as usize;
        let mut event = self.events[place];
        match self.random.below(4) {
            0 => self.fill(&mut event),
            1 => event.sequence -= 1,
            _ => {}
        }
        event
    }

    fn fill(&mut self, event: &mut Event) {
        let random = &mut self.random;
        event.kind = random.of(&[
            Kind::Other,
            Kind::Impression,
            Kind::Click,
            Kind::Click,
            Kind::Conversion,
        ]);
        event.sequence = random.of(&[0, 0, 1, -1]);
        event.advertiser = Name::of(random.of(&ADVERTISERS));
        event.campaign = Name::of(random.of(&CAMPAIGNS));
        event.channel = Name::of(random.of(&CHANNELS));
        let converts = event.kind == Kind::Conversion;
        event.touches = converts && random.below(3) == 0;
        let value = random.of(&[0, 1_500_000, 333_333, -250_000]);
        event.value = if converts { value } else { 0 };
    }

    /// Often one of the times around which a decision turns.
    fn time(&mut self, user: UserId) -> TimeMs {
        let lateness = self.settings.allowed_lateness_ms.unwrap_or(10 * MINUTE);
        let gap = match self.settings.journeys {
            JourneyRule::GapMs(gap) if self.random.below(2) == 0 => gap,
            _ => self.settings.session_gap_ms,
        };
        let (now, random) = (self.now, &mut self.random);
        let last = self.last_of_user.get(&user).copied().unwrap_or(now);
        let near = random.below(3) as i64 - 1;
        match random.below(16) {
            0..=1 => now,
            2 => last,
            3..=5 => last + gap + near,
            6 => last - gap - near,
            7 => now - lateness + near,
            8 => now - random.below(3 * lateness as u64 + 2) as i64,
            9 => now + 59 * MINUTE + near * MINUTE,
            10 if random.below(4) == 0 => now + 24 * 60 * MINUTE + near * MINUTE,
            _ => now + random.below(4 * MINUTE as u64) as i64,
        }
    }
}

/// Numbers that look drawn: a seed, and how many were drawn.
struct Random(u64, u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.1 += 1;
        xxh3_64_with_seed(&self.1.to_le_bytes(), self.0) % limit
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
