//! Versions and removals: what a reader lacks, however long it was away.

use dataflows::attribution::{Attribution, Figures};
use dataflows::row::{Clock, Row};
use dataflows::transitions::{ChainKey, Dimension, Scope, Window};

use super::*;

const EVERYONE: ChainKey = ChainKey {
    scope: Scope::Everyone,
    dimension: Dimension::Channel,
};

fn row(window: Window, journeys: i64) -> Row {
    Row::Attribution(Attribution {
        chain: EVERYONE,
        window,
        figures: Arc::new(Figures {
            journeys,
            ..Figures::default()
        }),
    })
}

fn clock(minute: i64) -> Row {
    let now_ms = minute * 60_000;
    Row::Clock(Clock {
        now_ms: Some(now_ms),
        latest_ms: now_ms,
    })
}

fn selection(topics: &[Topic]) -> Selection {
    Selection {
        topics: topics.to_vec(),
        ..Selection::default()
    }
}

fn keys(selected: &Selected) -> Vec<&str> {
    selected.cells.iter().map(|cell| &*cell.key).collect()
}

#[test]
fn a_row_that_is_replaced_has_not_gone() {
    let mut frames = Frames::default();
    let wanted = selection(&[Topic::Attribution]);
    frames.close(1, vec![(row(Window::All, 1), 1), (row(Window::Day, 1), 1)]);
    let before = frames.mark();
    frames.close(
        2,
        vec![
            (row(Window::All, 2), 1),
            (row(Window::All, 1), -1),
            (row(Window::Day, 1), -1),
        ],
    );
    let selected = frames.select(&wanted, Since::Revision(before.revision));
    assert_eq!(keys(&selected), ["attribution/*/channel/all"]);
    assert_eq!(selected.removed, ["attribution/*/channel/24h".into()]);
    // Back again, so it is no longer among those that went.
    frames.close(3, vec![(row(Window::Day, 5), 1)]);
    let selected = frames.select(&wanted, Since::Epoch(1));
    assert_eq!(selected.cells.len(), 2);
    assert!(selected.removed.is_empty() && !selected.is_whole);
    assert!(frames.select(&wanted, Since::Epoch(3)).is_empty());
}

#[test]
fn who_was_away_too_long_gets_everything_anew() {
    let mut frames = Frames::default();
    let wanted = selection(&[Topic::Attribution]);
    frames.close(1, vec![(row(Window::All, 1), 1)]);
    for epoch in 2..REMOVED_MAX as u64 * 2 + 10 {
        let diff = if epoch % 2 == 0 { 1 } else { -1 };
        frames.close(epoch, vec![(row(Window::Hour, 1), diff)]);
    }
    let now = frames.as_of_epoch;
    assert!(frames.select(&wanted, Since::Epoch(1)).is_whole);
    assert!(!frames.select(&wanted, Since::Epoch(now - 100)).is_whole);
    assert!(frames.select(&wanted, Since::Epoch(now + 1)).is_whole);
}

#[test]
fn six_hours_are_kept_and_older_minutes_are_told_as_gone() {
    let mut frames = Frames::default();
    let wanted = selection(&[Topic::History]);
    frames.close(1, vec![(row(Window::All, 1), 1), (clock(1), 1)]);
    for minute in 2..=360_u64 {
        frames.close(minute, vec![(clock(minute as i64), 1)]);
    }
    assert_eq!(frames.points(EVERYONE, Window::All).len(), 360);
    frames.close(361, vec![(clock(361), 1)]);
    let selected = frames.select(&wanted, Since::Epoch(360));
    assert_eq!(selected.removed, ["history/*/channel/all/60000".into()]);
    let minutes = [360, 361].map(|minute| format!("history/*/channel/all/{}", minute * 60_000));
    assert_eq!(keys(&selected), minutes);
    assert_eq!(frames.points(EVERYONE, Window::All).len(), 360);
}
