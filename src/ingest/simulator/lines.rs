//! From a small plain struct to a line of JSON.
//!
//! Lines are put together from texts made once and from decimals written by hand: no serializer, no allocation. Names
//! were checked to need no escaping when the scenario was read.

use dataflows::event::{EventType, TimeMs};

use super::chains::{advertiser_name, campaign_name};
use super::scenario::Scenario;

/// An event before it is text; what does not apply is `NONE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) time_ms: TimeMs,
    pub(super) user: u32,
    /// Index of the pair of advertiser and campaign.
    pub(super) campaign: u32,
    /// Revenue of a conversion, else cost, in ten-thousandths of a currency unit.
    pub(super) amount: u32,
    pub(super) content: u32,
    pub(super) position_s: u32,
    pub(super) duration_s: u32,
    pub(super) channel: u8,
    pub(super) region: u8,
    pub(super) device: u8,
    pub(super) event_type: EventType,
}

impl Line {
    pub(super) const NONE: u32 = u32::MAX;
    pub(super) const NO_INDEX: u8 = u8::MAX;

    pub(super) fn new(event_type: EventType, time_ms: TimeMs) -> Line {
        Line {
            number: 0,
            time_ms,
            user: Line::NONE,
            campaign: Line::NONE,
            amount: Line::NONE,
            content: Line::NONE,
            position_s: Line::NONE,
            duration_s: Line::NONE,
            channel: Line::NO_INDEX,
            region: Line::NO_INDEX,
            device: Line::NO_INDEX,
            event_type,
        }
    }
}

/// The pieces of lines that do not change during a run.
pub(super) struct Texts {
    campaigns: Vec<String>,
    channels: Vec<String>,
    types: Vec<String>,
    regions: Vec<String>,
    devices: Vec<String>,
}

impl Texts {
    pub(super) fn new(scenario: &Scenario) -> Texts {
        let pieces = |key: &str, names: Vec<&str>| {
            let piece = |name: &&str| format!(",\"{key}\":\"{name}\"");
            names.iter().map(piece).collect::<Vec<_>>()
        };
        let channels = scenario
            .channels
            .iter()
            .map(|channel| channel.name.as_str());
        let types = EventType::ALL.iter().map(|event_type| event_type.name());
        Texts {
            campaigns: campaigns(scenario),
            channels: pieces("channel", channels.collect()),
            types: pieces("event_type", types.collect()),
            regions: pieces(
                "region",
                scenario.regions.keys().map(String::as_str).collect(),
            ),
            devices: pieces(
                "device",
                scenario.devices.keys().map(String::as_str).collect(),
            ),
        }
    }

    /// Appends the line and its end.
    pub(super) fn render(&self, line: &Line, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"event_id\":\"e");
        push_padded(out, line.number, 10);
        out.extend_from_slice(b"\",\"event_time\":");
        push_number(out, line.time_ms as u64);
        if line.user != Line::NONE {
            out.extend_from_slice(b",\"user_id\":\"u");
            push_padded(out, line.user as u64, 8);
            out.push(b'"');
        }
        push_piece(out, &self.campaigns, line.campaign);
        push_index(out, &self.channels, line.channel);
        out.extend_from_slice(self.types[line.event_type as usize].as_bytes());
        push_index(out, &self.regions, line.region);
        push_index(out, &self.devices, line.device);
        push_details(out, line);
        out.extend_from_slice(b"}\n");
    }
}

fn campaigns(scenario: &Scenario) -> Vec<String> {
    let of = |advertiser: u16| {
        let name = advertiser_name(advertiser);
        (0..scenario.advertisers.campaigns).map(move |campaign| {
            let campaign = campaign_name(scenario, advertiser, campaign);
            format!(",\"advertiser\":\"{name}\",\"campaign\":\"{campaign}\"")
        })
    };
    (0..scenario.advertisers.count).flat_map(of).collect()
}

fn push_piece(out: &mut Vec<u8>, pieces: &[String], index: u32) {
    if let Some(piece) = pieces.get(index as usize) {
        out.extend_from_slice(piece.as_bytes());
    }
}

fn push_index(out: &mut Vec<u8>, pieces: &[String], index: u8) {
    if index != Line::NO_INDEX {
        push_piece(out, pieces, index as u32);
    }
}

/// What only some types have.
fn push_details(out: &mut Vec<u8>, line: &Line) {
    if line.amount != Line::NONE {
        let converts = line.event_type == EventType::Conversion;
        let (revenue, cost) = if converts {
            (line.amount, 0)
        } else {
            (0, line.amount)
        };
        out.extend_from_slice(b",\"revenue\":");
        push_money(out, revenue);
        out.extend_from_slice(b",\"cost\":");
        push_money(out, cost);
    }
    if line.content != Line::NONE {
        out.extend_from_slice(b",\"content\":\"c");
        push_padded(out, line.content as u64, 6);
        out.push(b'"');
    }
    if line.position_s != Line::NONE {
        out.extend_from_slice(b",\"position\":");
        push_number(out, line.position_s as u64);
    }
    if line.duration_s != Line::NONE {
        out.extend_from_slice(b",\"duration\":");
        push_number(out, line.duration_s as u64);
    }
    if line.event_type == EventType::Consent {
        out.extend_from_slice(b",\"attributes\":{\"consent\":\"granted\"}");
    }
}

/// Units with four decimals.
fn push_money(out: &mut Vec<u8>, amount: u32) {
    push_number(out, (amount / 10_000) as u64);
    out.push(b'.');
    push_padded(out, (amount % 10_000) as u64, 4);
}

fn push_number(out: &mut Vec<u8>, value: u64) {
    push_padded(out, value, 1);
}

const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

/// Decimal digits, at least `width` of them. Two at a time, which halves the divisions.
fn push_padded(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while value >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(value % 100) as usize]);
        value /= 100;
    }
    if value > 0 {
        at -= 1;
        digits[at] = b'0' + value as u8;
    }
    // A pair may have written a leading zero.
    while at < digits.len() && digits[at] == b'0' {
        at += 1;
    }
    out.extend_from_slice(&digits[at.min(digits.len() - width)..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_padded_and_never_cut() {
        for (value, width) in [
            (0, 1),
            (7, 1),
            (10, 1),
            (42, 8),
            (100, 1),
            (9_999, 4),
            (u64::MAX, 4),
        ] {
            let mut out = Vec::new();
            push_padded(&mut out, value, width);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{value:0width$}"));
        }
    }
}
