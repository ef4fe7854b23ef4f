//! The vocabulary: what an event is once it has been decoded, validated and hashed.
//!
//! In: borrowed text from a source (`src/ingest`). Out: [`Event`], a plain value of fixed size that workers exchange.
//! What must hold: no raw user id survives the edge (a [`UserId`] is only made by hashing), a name is its fixed-seed
//! 64-bit hash, money is an integer of micro-units, time an integer of milliseconds.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

pub use crate::pseudonym::UserId;

/// Milliseconds since 1970-01-01T00:00:00Z, event time.
pub type TimeMs = i64;
/// Whole minutes since [`FIRST_TIME_MS`].
pub type Minute = u32;
/// Millionths of a currency unit.
pub type Micros = i64;

/// 2000-01-01T00:00:00Z, the earliest valid event time.
pub const FIRST_TIME_MS: TimeMs = 946_684_800_000;
/// 2100-01-01T00:00:00Z, the first time that is too late to be valid.
pub const END_TIME_MS: TimeMs = 4_102_444_800_000;
/// Money outside ± this is invalid: a billion units.
pub const MAX_MICROS: Micros = 1_000_000_000_000_000;

/// The minute an event time falls into.
pub fn minute_of(time_ms: TimeMs) -> Minute {
    debug_assert!((FIRST_TIME_MS..END_TIME_MS).contains(&time_ms));
    ((time_ms - FIRST_TIME_MS) / 60_000) as Minute
}

/// Version of the event schema; a new field or type raises it.
pub const SCHEMA_VERSION: u32 = 1;

macro_rules! event_types {
    ($($variant:ident = $name:literal $(| $alias:literal)?),+ $(,)?) => {
        /// What happened. The names are the values of the field `event_type`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum EventType { $($variant),+ }

        impl EventType {
            /// Every type, in the order of the schema.
            pub const ALL: &[EventType] = &[$(EventType::$variant),+];

            /// The name in the schema.
            pub fn name(self) -> &'static str {
                match self { $(EventType::$variant => $name),+ }
            }

            /// The type of that name or alias.
            pub fn parse(name: &[u8]) -> Option<EventType> {
                $(if name == $name.as_bytes() $(|| name == $alias.as_bytes())? { return Some(EventType::$variant); })+
                None
            }
        }
    };
}

event_types! {
    AdRequest = "ad_request", AdImpression = "ad_impression" | "impression", AdClick = "ad_click" | "click",
    AdSkip = "ad_skip", AdComplete = "ad_complete", AdError = "ad_error", Conversion = "conversion",
    Spend = "spend", TvSpot = "tv_spot",
    VideoPlay = "video_play", VideoPause = "video_pause", VideoStop = "video_stop", VideoSeek = "video_seek",
    VideoBuffer = "video_buffer", VideoError = "video_error", VideoQualityChange = "video_quality_change",
    VideoComplete = "video_complete",
    UserLike = "user_like", UserDislike = "user_dislike", UserComment = "user_comment", UserShare = "user_share",
    UserSubscribe = "user_subscribe", UserBookmark = "user_bookmark",
    SessionStart = "session_start", SessionEnd = "session_end", SessionHeartbeat = "session_heartbeat",
    DeviceChange = "device_change",
    Consent = "consent", Erase = "erase",
}

/// The part an event plays in a journey, in the order of cause: of two events at one moment the lesser came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Kind {
    /// Activity only.
    Other = 0,
    /// A touch.
    Impression = 1,
    /// A touch.
    Click = 2,
    /// Ends its journey; see [`Event::touches`] for one that is a touch as well.
    Conversion = 3,
}

impl Kind {
    /// The kind of that number, of which the lower two bits count.
    #[inline]
    pub(crate) fn numbered(number: u8) -> Kind {
        match number & 3 {
            0 => Kind::Other,
            1 => Kind::Impression,
            2 => Kind::Click,
            _ => Kind::Conversion,
        }
    }
}

impl From<EventType> for Kind {
    fn from(event_type: EventType) -> Kind {
        match event_type {
            EventType::AdImpression => Kind::Impression,
            EventType::AdClick => Kind::Click,
            EventType::Conversion => Kind::Conversion,
            _ => Kind::Other,
        }
    }
}

/// The fixed-seed 64-bit hash of a name (advertiser, campaign, channel); the text travels beside it, see `names`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name(pub u64);

impl Name {
    /// xxh3 with seed 0 of the UTF-8 bytes.
    pub fn of(text: &str) -> Name {
        Name(xxh3_64(text.as_bytes()))
    }
}

/// The advertiser of an event that names none.
pub const DEFAULT_ADVERTISER: &str = "default";
/// The channel or campaign of a touch that names none.
pub const UNKNOWN: &str = "(unknown)";

/// Groups of users that move together between workers: the top 10 bits of the user's hash.
pub const KEY_GROUPS: usize = 1024;

/// An accepted record on its way to the workers: 80 bytes, no pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// Whose; made of the event id when the record names no user (see `userless`).
    pub user: UserId,
    pub time: TimeMs,
    /// xxh3_64 with seed 0 of the event id, or of `<partition>:<sequence or record number>` when there is none.
    pub id: u64,
    /// Order within one millisecond, before the kind; 0 where the record has none.
    pub sequence: i64,
    pub advertiser: Name,
    pub campaign: Name,
    pub channel: Name,
    /// Of a conversion, else 0.
    pub value: Micros,
    pub kind: Kind,
    /// A conversion that is a touch of its channel too, just before it (a row that says both).
    pub touches: bool,
    /// Has no user: accepted and de-duplicated, but in no session and no journey.
    pub userless: bool,
    /// Whom to tell what became of it.
    pub receipt: Receipt,
}

#[cfg(test)]
impl Event {
    /// One of some user and some names that says nothing else.
    pub(crate) fn plain(kind: Kind, time: TimeMs) -> Event {
        Event {
            user: UserId::new(&[0; 32], b"u"),
            time,
            id: 0,
            sequence: 0,
            advertiser: Name(1),
            campaign: Name(2),
            channel: Name(3),
            value: 0,
            kind,
            touches: false,
            userless: false,
            receipt: Receipt::NONE,
        }
    }
}

/// A number under which somebody waits to hear what became of some events.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Receipt(u32);

impl Receipt {
    /// Nobody waits.
    pub const NONE: Receipt = Receipt(0);
    /// Numbers of one worker that are in use at the same time.
    pub const NUMBERS: u32 = (1 << 20) - 1;

    /// The `number`th receipt of the worker `asker`.
    pub fn new(asker: usize, number: u32) -> Receipt {
        assert!(
            asker < 1 << 12,
            "4,096 workers at most can ask for receipts"
        );
        Receipt((asker as u32) << 20 | (number % Receipt::NUMBERS + 1))
    }

    pub fn is_some(self) -> bool {
        self != Receipt::NONE
    }

    pub fn asker(self) -> usize {
        (self.0 >> 20) as usize
    }

    pub fn id(self) -> u64 {
        self.0.into()
    }
}

/// What became of a record; every record read has exactly one, tested in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Disposition {
    Invalid,
    Late,
    NoConsent,
    Duplicate,
    Accepted,
}

impl Disposition {
    pub const ALL: [Disposition; 5] = [
        Disposition::Invalid,
        Disposition::Late,
        Disposition::NoConsent,
        Disposition::Duplicate,
        Disposition::Accepted,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Disposition::Invalid => "invalid",
            Disposition::Late => "late",
            Disposition::NoConsent => "no_consent",
            Disposition::Duplicate => "duplicate",
            Disposition::Accepted => "accepted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name_and_aliases() {
        for &event_type in EventType::ALL {
            assert_eq!(
                EventType::parse(event_type.name().as_bytes()),
                Some(event_type)
            );
        }
        assert_eq!(
            EventType::parse(b"impression"),
            Some(EventType::AdImpression)
        );
        assert_eq!(EventType::parse(b"click"), Some(EventType::AdClick));
        assert_eq!(EventType::parse(b"Click"), None);
    }

    #[test]
    fn an_event_is_eighty_bytes() {
        assert_eq!(size_of::<Event>(), 80);
    }
}
