//! What is simulated: the typed form of `config/scenarios/*.toml`.
//!
//! In: TOML text. Out: a [`Scenario`] in which every number is in its range; an error names the key.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use dataflows::event::{END_TIME_MS, EventType, FIRST_TIME_MS, TimeMs};
use serde::Deserialize;

const BUILT_IN: [(&str, &str); 2] = [
    (
        "normal",
        include_str!("../../../config/scenarios/normal.toml"),
    ),
    ("flat", include_str!("../../../config/scenarios/flat.toml")),
];

/// Types a visit may mix in: they are no point of a journey and need a user.
const ACTIVITY: [EventType; 20] = [
    EventType::AdSkip,
    EventType::AdComplete,
    EventType::AdError,
    EventType::VideoPlay,
    EventType::VideoPause,
    EventType::VideoStop,
    EventType::VideoSeek,
    EventType::VideoBuffer,
    EventType::VideoError,
    EventType::VideoQualityChange,
    EventType::VideoComplete,
    EventType::UserLike,
    EventType::UserDislike,
    EventType::UserComment,
    EventType::UserShare,
    EventType::UserSubscribe,
    EventType::UserBookmark,
    EventType::SessionHeartbeat,
    EventType::DeviceChange,
    EventType::Consent,
];
const BACKGROUND: [EventType; 3] = [EventType::Spend, EventType::TvSpot, EventType::Erase];

/// See `config/scenarios/normal.toml`, where every key has its unit and its reason.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    pub start_ms: TimeMs,
    pub traffic: Traffic,
    pub visits: Visits,
    pub delivery: Delivery,
    pub advertisers: Advertisers,
    pub start: Start,
    pub channels: Vec<Channel>,
    pub regions: BTreeMap<String, f64>,
    pub devices: BTreeMap<String, f64>,
    pub activity: BTreeMap<String, f64>,
    #[serde(default)]
    pub background: BTreeMap<String, f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    pub events_per_second: f64,
    pub users: u32,
    pub zipf: f64,
    /// 24 weights, one for each hour; none = constant.
    #[serde(default)]
    pub diurnal: Vec<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visits {
    pub gap_mean_s: f64,
    pub gap_max_s: f64,
    pub activity_share: f64,
    pub second_journey_share: f64,
    pub marked_share: f64,
    pub fill_rate: f64,
    pub click_share: f64,
    pub home_share: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    pub out_of_order_share: f64,
    pub out_of_order_max_ms: u64,
    pub duplicate_share: f64,
    pub duplicate_max_ms: u64,
    pub late_share: f64,
    pub late_by_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advertisers {
    pub count: u16,
    pub zipf: f64,
    pub campaigns: u16,
    pub campaign_zipf: f64,
    pub spread: f64,
    pub value_min: f64,
    pub value_max: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    pub untouched: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    pub name: String,
    pub first: f64,
    pub next: f64,
    pub repeat: f64,
    pub convert: f64,
    pub leave: f64,
    pub impression_cost: f64,
    pub click_cost: f64,
}

impl Scenario {
    /// A built-in scenario by its name, or else the file of that path.
    pub fn load(name_or_path: &str) -> Result<Scenario> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Scenario::parse(text);
        }
        let text = std::fs::read_to_string(name_or_path)
            .with_context(|| format!("read scenario {name_or_path} (built in: normal, flat)"))?;
        Scenario::parse(&text).with_context(|| format!("scenario {name_or_path}"))
    }

    /// Unknown keys are refused and every number is checked.
    pub fn parse(text: &str) -> Result<Scenario> {
        let scenario: Scenario = toml::from_str(text)?;
        scenario.check()?;
        Ok(scenario)
    }

    pub(super) fn check(&self) -> Result<()> {
        within(
            "start_ms",
            self.start_ms as f64,
            FIRST_TIME_MS as f64,
            END_TIME_MS as f64,
        )?;
        self.traffic.check()?;
        self.visits.check()?;
        self.delivery.check()?;
        self.advertisers.check()?;
        within("start.untouched", self.start.untouched, 0.0, 0.99)?;
        self.check_channels()?;
        check_mix("regions", &self.regions, 64)?;
        check_mix("devices", &self.devices, 64)?;
        check_mix("activity", &self.activity, ACTIVITY.len())?;
        check_types("activity", &self.activity, &ACTIVITY)?;
        check_types("background", &self.background, &BACKGROUND)?;
        let background: f64 = self.background.values().sum();
        within("background (sum)", background, 0.0, 0.5)
    }

    fn check_channels(&self) -> Result<()> {
        ensure!(
            (1..=200).contains(&self.channels.len()),
            "channels: 1 to 200, not {}",
            self.channels.len()
        );
        let names: BTreeSet<_> = self.channels.iter().map(|channel| &channel.name).collect();
        ensure!(
            names.len() == self.channels.len(),
            "channels: a name is there twice"
        );
        for channel in &self.channels {
            channel.check()?;
        }
        let first: f64 = self.channels.iter().map(|channel| channel.first).sum();
        ensure!(first > 0.0, "channels: no `first` is above 0");
        Ok(())
    }
}

impl Traffic {
    fn check(&self) -> Result<()> {
        within(
            "traffic.events_per_second",
            self.events_per_second,
            0.1,
            1e8,
        )?;
        within("traffic.users", self.users as f64, 1.0, 4e9)?;
        within("traffic.zipf", self.zipf, 0.0, 3.0)?;
        ensure!(
            self.diurnal.is_empty() || self.diurnal.len() == 24,
            "traffic.diurnal: 24 weights, not {}",
            self.diurnal.len()
        );
        // A deeper trough could leave pauses in a visit that split its session.
        self.diurnal
            .iter()
            .try_for_each(|&weight| within("traffic.diurnal", weight, 0.05, 20.0))
    }
}

impl Visits {
    fn check(&self) -> Result<()> {
        within("visits.gap_mean_s", self.gap_mean_s, 0.001, 300.0)?;
        within("visits.gap_max_s", self.gap_max_s, 1.0, 900.0)?;
        within("visits.activity_share", self.activity_share, 0.0, 0.95)?;
        within(
            "visits.second_journey_share",
            self.second_journey_share,
            0.0,
            1.0,
        )?;
        within("visits.marked_share", self.marked_share, 0.0, 1.0)?;
        within("visits.fill_rate", self.fill_rate, 0.05, 1.0)?;
        within("visits.click_share", self.click_share, 0.0, 1.0)?;
        within("visits.home_share", self.home_share, 0.0, 1.0)
    }
}

impl Delivery {
    fn check(&self) -> Result<()> {
        within(
            "delivery.out_of_order_share",
            self.out_of_order_share,
            0.0,
            1.0,
        )?;
        within("delivery.late_share", self.late_share, 0.0, 1.0)?;
        within("delivery.duplicate_share", self.duplicate_share, 0.0, 1.0)?;
        let both = self.out_of_order_share + self.late_share;
        within("delivery.out_of_order_share + late_share", both, 0.0, 1.0)?;
        let week_ms = 7.0 * 86_400_000.0;
        within(
            "delivery.out_of_order_max_ms",
            self.out_of_order_max_ms as f64,
            1.0,
            week_ms,
        )?;
        within(
            "delivery.duplicate_max_ms",
            self.duplicate_max_ms as f64,
            1.0,
            week_ms,
        )?;
        within("delivery.late_by_ms", self.late_by_ms as f64, 1.0, week_ms)
    }
}

impl Advertisers {
    fn check(&self) -> Result<()> {
        within("advertisers.count", self.count as f64, 1.0, 10_000.0)?;
        within("advertisers.zipf", self.zipf, 0.0, 3.0)?;
        within("advertisers.campaigns", self.campaigns as f64, 1.0, 1_000.0)?;
        within("advertisers.campaign_zipf", self.campaign_zipf, 0.0, 3.0)?;
        within("advertisers.spread", self.spread, 0.0, 1.0)?;
        within("advertisers.value_max", self.value_max, 0.0, 400_000.0)?;
        within("advertisers.value_min", self.value_min, 0.0, self.value_max)
    }
}

impl Channel {
    fn check(&self) -> Result<()> {
        check_name("channels.name", &self.name)?;
        let key = |key: &str| format!("channels.{} of {}", key, self.name);
        within(&key("first"), self.first, 0.0, 1e6)?;
        within(&key("next"), self.next, 0.0, 1e6)?;
        within(&key("repeat"), self.repeat, 0.0, 1.0)?;
        within(&key("convert"), self.convert, 0.0, 1.0)?;
        // Every journey must come to an end soon, or a bounded run could not be filled with whole ones.
        within(&key("leave"), self.leave, 0.01, 1.0)?;
        within(&key("convert + leave"), self.convert + self.leave, 0.0, 1.0)?;
        within(
            &key("impression_cost"),
            self.impression_cost,
            0.0,
            400_000.0,
        )?;
        within(&key("click_cost"), self.click_cost, 0.0, 400_000.0)
    }
}

pub(super) fn within(key: &str, value: f64, least: f64, most: f64) -> Result<()> {
    ensure!(
        (least..=most).contains(&value),
        "{key}: {value} is outside {least} to {most}"
    );
    Ok(())
}

fn check_mix(key: &str, mix: &BTreeMap<String, f64>, most: usize) -> Result<()> {
    ensure!(
        (1..=most).contains(&mix.len()),
        "{key}: 1 to {most} entries, not {}",
        mix.len()
    );
    for (name, &weight) in mix {
        check_name(key, name)?;
        within(&format!("{key}.{name}"), weight, 0.0, 1e6)?;
    }
    ensure!(
        mix.values().sum::<f64>() > 0.0,
        "{key}: no weight is above 0"
    );
    Ok(())
}

fn check_types(key: &str, mix: &BTreeMap<String, f64>, allowed: &[EventType]) -> Result<()> {
    for (name, &weight) in mix {
        match EventType::parse(name.as_bytes()) {
            Some(event_type) if allowed.contains(&event_type) => {}
            _ => bail!("{key}.{name}: no event type that belongs here"),
        }
        within(&format!("{key}.{name}"), weight, 0.0, 1e6)?;
    }
    Ok(())
}

/// Names are copied into JSON as they are.
fn check_name(key: &str, name: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte);
    ensure!(
        !name.is_empty() && name.len() <= 64 && name.bytes().all(plain),
        "{key}: {name:?} is no name of 1 to 64 letters, digits, '-', '_', '.' or spaces"
    );
    Ok(())
}
