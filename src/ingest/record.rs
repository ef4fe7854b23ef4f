//! One record as a source delivered it: decoded and checked, its text still borrowed from the line.
//!
//! In: bytes of one line or row. Out: a [`Record`], or the [`Reason`] why it is invalid.

use dataflows::event::{EventType, Micros, TimeMs};

/// The fields the dataflow uses; absent, null and empty text are `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    pub event_type: EventType,
    pub event_time: TimeMs,
    pub event_id: Option<&'a str>,
    /// `user_id`, else `anonymous_id`.
    pub user: Option<&'a str>,
    pub advertiser: Option<&'a str>,
    pub campaign: Option<&'a str>,
    pub channel: Option<&'a str>,
    pub sequence: Option<i64>,
    pub revenue: Option<Micros>,
    pub cost: Option<Micros>,
    /// A conversion row that is a touch of its channel as well (only mapped rows say both).
    pub touches: bool,
    /// Fields that no version of the schema names.
    pub unknown_fields: u32,
}

/// Why a record is invalid; the name is what the dead-letter file and the counters say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not UTF-8.
    Encoding,
    /// Not one JSON object, or not one CSV row of the header's width.
    Syntax,
    /// Nested deeper than any record of the schema needs.
    Depth,
    /// Longer than the limit.
    TooLong,
    /// No `event_type`.
    MissingType,
    /// An `event_type` that the schema does not have.
    UnknownType,
    /// No `event_time`.
    MissingTime,
    /// An `event_time` that is no time.
    BadTime,
    /// An `event_time` outside 2000-2100.
    TimeRange,
    /// An id, name or attribute that is neither text nor integer.
    BadText,
    /// A number that is none, is not finite or is out of its range.
    BadNumber,
}

impl Reason {
    pub const ALL: [Reason; 11] = [
        Reason::Encoding,
        Reason::Syntax,
        Reason::Depth,
        Reason::TooLong,
        Reason::MissingType,
        Reason::UnknownType,
        Reason::MissingTime,
        Reason::BadTime,
        Reason::TimeRange,
        Reason::BadText,
        Reason::BadNumber,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Reason::Encoding => "encoding",
            Reason::Syntax => "syntax",
            Reason::Depth => "depth",
            Reason::TooLong => "too_long",
            Reason::MissingType => "missing_type",
            Reason::UnknownType => "unknown_type",
            Reason::MissingTime => "missing_time",
            Reason::BadTime => "bad_time",
            Reason::TimeRange => "time_range",
            Reason::BadText => "bad_text",
            Reason::BadNumber => "bad_number",
        }
    }
}
