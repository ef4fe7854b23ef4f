//! The fast way: a scanner that expects the keys in the order in which it last saw them.
//!
//! In: a line. Out: the record, or `None` for anything out of the ordinary (an escape, an exponent, a key given twice,
//! any invalid value), which the full way then looks at. What it takes, it must read as the full way does.

use dataflows::event::{EventType, Micros, TimeMs};

use super::keys::{KeyOrder, Pattern, START};
use super::scanner::{Scanner, Span};
use crate::ingest::record::Record;
use crate::ingest::schema::{Field, FieldKind};
use crate::ingest::time::is_valid;

/// Decodes a line if it is valid and looks ordinary.
pub(super) fn scan<'a>(order: &mut KeyOrder, line: &'a str) -> Option<Record<'a>> {
    let mut scanner = Scanner::new(line);
    let mut draft = Draft::default();
    let mut pattern = order.after(START);
    if pattern.is(scanner.ahead(), b'{') {
        scanner.skip(pattern.len)?;
    } else {
        pattern = scanner.aside(|aside| aside.first_key(order))?;
    }
    loop {
        if draft.seen & pattern.bit != 0 {
            return None;
        }
        draft.seen |= pattern.bit;
        draft.take(pattern, &mut scanner)?;
        let foreseen = order.after(usize::from(pattern.index));
        if foreseen.is(scanner.ahead(), b',') {
            scanner.skip(foreseen.len)?;
            pattern = foreseen;
        } else if scanner.skip_spaced(foreseen) {
            pattern = foreseen;
        } else if scanner.is_last_brace() {
            return draft.record(line);
        } else {
            match scanner.aside(|aside| aside.next_key(order, pattern))? {
                Some(next) => pattern = next,
                None => return draft.record(line),
            }
        }
    }
}

/// Texts that a record keeps: the fields before this one, some of which are no texts.
const KEPT: usize = Field::Channel as usize + 1;

/// What has been read of a record.
#[derive(Default)]
struct Draft {
    /// By [`Pattern::bit`].
    seen: u32,
    /// By field; of length 0 where absent.
    texts: [Span; KEPT],
    event_type: Option<EventType>,
    time: Option<TimeMs>,
    sequence: Option<i64>,
    revenue: Option<Micros>,
    cost: Option<Micros>,
    unknown: u32,
}

impl Draft {
    /// Reads the value of a key.
    #[inline(always)]
    fn take(&mut self, pattern: &Pattern, scanner: &mut Scanner) -> Option<()> {
        if pattern.kind == FieldKind::Text {
            let text = scanner.text()?;
            if let Some(kept) = self.texts.get_mut(pattern.field as usize) {
                *kept = text;
            }
            return Some(());
        }
        match pattern.kind {
            FieldKind::Type => self.event_type = Some(scanner.event_type()?),
            FieldKind::Time => self.time = Some(scanner.time()?),
            FieldKind::Integer => self.sequence = scanner.aside(Scanner::integer)?,
            FieldKind::Money if pattern.field == Field::Revenue => {
                self.revenue = scanner.money()?
            }
            FieldKind::Money => self.cost = scanner.money()?,
            FieldKind::Measure => scanner.aside(Scanner::measure)?,
            FieldKind::Ignored | FieldKind::Text => {
                self.unknown += u32::from(pattern.bit == 0);
                scanner.aside(Scanner::skip_value)?;
            }
        }
        Some(())
    }

    #[inline(always)]
    fn record<'a>(&self, line: &'a str) -> Option<Record<'a>> {
        let text = |field: Field| match self.texts[field as usize] {
            Span { len: 0, .. } => None,
            text => text.of(line),
        };
        Some(Record {
            event_type: self.event_type?,
            event_time: self.time.filter(|&time| is_valid(time))?,
            event_id: text(Field::EventId),
            user: text(Field::UserId).or(text(Field::AnonymousId)),
            advertiser: text(Field::Advertiser),
            campaign: text(Field::Campaign),
            channel: text(Field::Channel),
            sequence: self.sequence,
            revenue: self.revenue,
            cost: self.cost,
            touches: false,
            unknown_fields: self.unknown,
        })
    }
}
