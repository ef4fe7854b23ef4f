//! How events look: everything on a line that does not decide how a visit goes on.

use dataflows::event::{EventType, TimeMs};

use super::draw::{Alias, Chance, Random, below, unit};
use super::lines::Line;
use super::scenario::Scenario;
use super::visits::{Step, Visit, Walk};

/// Programmes people watch; the first are watched most.
const CONTENTS: f64 = 20_000.0;

/// Draws the details of lines.
pub(super) struct Details {
    /// Of one advertiser, of all.
    campaigns: u32,
    all_campaigns: u64,
    channels: u8,
    /// By channel: the most an impression and a click cost.
    costs: Vec<[u32; 2]>,
    value_min: u32,
    value_max: u32,
    activity: Mix,
    background: Option<Mix>,
    background_chance: Chance,
    devices: Alias,
    regions: Alias,
}

struct Mix {
    types: Vec<EventType>,
    weights: Alias,
}

impl Mix {
    fn new<'a>(mix: impl Iterator<Item = (&'a String, &'a f64)>) -> Mix {
        let (types, weights): (Vec<_>, Vec<_>) = mix
            .map(|(name, weight)| {
                let event_type = EventType::parse(name.as_bytes());
                (event_type.expect("the scenario was checked"), *weight)
            })
            .unzip();
        Mix {
            types,
            weights: Alias::new(&weights),
        }
    }

    fn draw(&self, random: &mut Random) -> EventType {
        self.types[self.weights.draw(random)]
    }
}

impl Details {
    pub(super) fn new(scenario: &Scenario) -> Details {
        let ten_thousandths = |units: f64| (units * 10_000.0).round() as u32;
        let channels = scenario.channels.iter();
        let costs = channels
            .map(|channel| [channel.impression_cost, channel.click_cost].map(ten_thousandths));
        let background: f64 = scenario.background.values().sum();
        Details {
            campaigns: scenario.advertisers.campaigns as u32,
            all_campaigns: scenario.advertisers.count as u64
                * scenario.advertisers.campaigns as u64,
            channels: scenario.channels.len() as u8,
            costs: costs.collect(),
            value_min: ten_thousandths(scenario.advertisers.value_min),
            value_max: ten_thousandths(scenario.advertisers.value_max),
            activity: Mix::new(scenario.activity.iter()),
            background: (background > 0.0).then(|| Mix::new(scenario.background.iter())),
            background_chance: Chance::new(background),
            devices: Alias::new(&scenario.devices.values().copied().collect::<Vec<_>>()),
            regions: Alias::new(&scenario.regions.values().copied().collect::<Vec<_>>()),
        }
    }

    pub(super) fn region_of(&self, bits: u64) -> u8 {
        self.regions.pick(bits) as u8
    }

    pub(super) fn device_of(&self, bits: u64) -> u8 {
        self.devices.pick(bits) as u8
    }

    /// The line of a visit's step.
    pub(super) fn of_visit(&self, step: Step, visit: &mut Visit, random: &mut Random) -> Line {
        let mut line = Line::new(EventType::AdRequest, visit.last_ms);
        match step {
            Step::SessionStart => line.event_type = EventType::SessionStart,
            Step::SessionEnd => line.event_type = EventType::SessionEnd,
            Step::Activity => self.activity(&mut line, visit, random),
            Step::Request(walk) => {
                self.place(&mut line, &visit.walks[walk]);
                line.amount = 0;
            }
            Step::Impression(walk) => self.touch(
                &mut line,
                &visit.walks[walk],
                EventType::AdImpression,
                random,
            ),
            Step::Click(walk) => {
                self.touch(&mut line, &visit.walks[walk], EventType::AdClick, random)
            }
            Step::Conversion(walk) => {
                self.place(&mut line, &visit.walks[walk]);
                line.event_type = EventType::Conversion;
                let range = (self.value_max - self.value_min) as u64 + 1;
                line.amount = self.value_min + below(random, range) as u32;
            }
        }
        line.user = visit.user;
        line.region = visit.region;
        line.device = visit.device;
        line
    }

    fn touch(&self, line: &mut Line, walk: &Walk, event_type: EventType, random: &mut Random) {
        self.place(line, walk);
        line.event_type = event_type;
        let click = event_type == EventType::AdClick;
        let most = self.costs[walk.state as usize][click as usize] as u64;
        // From a fifth of the most to the most, as prices in an auction go.
        line.amount = (most / 5 + below(random, most - most / 5 + 1)) as u32;
    }

    /// Whose ad it is and where; a journey without a touch has no channel yet.
    fn place(&self, line: &mut Line, walk: &Walk) {
        line.campaign = walk.advertiser as u32 * self.campaigns + walk.campaign as u32;
        if walk.state < self.channels {
            line.channel = walk.state;
        }
    }

    fn activity(&self, line: &mut Line, visit: &mut Visit, random: &mut Random) {
        line.event_type = self.activity.draw(random);
        match line.event_type {
            EventType::AdSkip | EventType::AdComplete | EventType::AdError => {
                let walk = visit.open_walk().filter(|walk| walk.state < self.channels);
                if let Some(walk) = walk {
                    self.place(line, walk);
                }
                line.duration_s = 15 + 15 * below(random, 2) as u32;
            }
            EventType::SessionHeartbeat | EventType::Consent => {}
            EventType::DeviceChange => visit.device = self.devices.draw(random) as u8,
            _ => watch(line, random),
        }
    }

    /// An ad request that names nobody and no ad.
    pub(super) fn filler(&self, time_ms: TimeMs) -> Line {
        Line::new(EventType::AdRequest, time_ms)
    }

    /// An event that belongs to no visit, now and then.
    pub(super) fn of_background(
        &self,
        users: u32,
        time_ms: TimeMs,
        random: &mut Random,
    ) -> Option<Line> {
        let mix = self
            .background
            .as_ref()
            .filter(|_| self.background_chance.hit(random))?;
        let mut line = Line::new(mix.draw(random), time_ms);
        if line.event_type == EventType::Erase {
            line.user = users.saturating_add(below(random, 1_000_000) as u32);
            return Some(line);
        }
        line.campaign = below(random, self.all_campaigns) as u32;
        line.channel = below(random, self.channels as u64) as u8;
        if line.event_type == EventType::TvSpot {
            line.region = self.regions.draw(random) as u8;
            line.content = content(random);
            line.duration_s = 15 + 15 * below(random, 2) as u32;
        }
        line.amount = 10_000 + below(random, 5_000_000) as u32;
        Some(line)
    }
}

/// What is watched, and where in it.
fn watch(line: &mut Line, random: &mut Random) {
    line.content = content(random);
    if line.event_type.name().starts_with("video_") {
        line.duration_s = 600 + line.content * 37 % 6_600;
        line.position_s = match line.event_type {
            EventType::VideoComplete => line.duration_s,
            _ => below(random, line.duration_s as u64) as u32,
        };
    }
}

/// The cube makes one programme in a hundred take a fifth of the watching.
fn content(random: &mut Random) -> u32 {
    (unit(random).powi(3) * CONTENTS) as u32
}
