//! What the operator answers: one user's sessions and journeys, and what became of the events of a receipt.
//!
//! In: the questions of a closed epoch, after its events. Out: answers. What must hold: an answer tells what the
//! edges were made of, no more and no less; what has been forgotten is said to be.

use crate::answer::{Answer, Body, Journey, Point, Session, User};
use crate::control::{Control, Subject};
use crate::epochs::{Closed, Epoch};
use crate::event::FIRST_TIME_MS;
use crate::settings::JourneyRule;

use super::Sessionizer;
use super::arrivals::Arrivals;
use super::journeys::Journeys;
use super::tally::Tally;

impl Sessionizer {
    /// The answers this worker owes for a closed epoch.
    pub(super) fn answers(
        &mut self,
        closed: &Closed<Arrivals>,
        epoch: Epoch,
        tally: Tally,
    ) -> Vec<Answer> {
        let receipts = tally.receipts.into_iter();
        let mut answers: Vec<Answer> = receipts
            .map(|(receipt, (accepted, duplicate))| Answer {
                question: receipt.id(),
                asker: receipt.asker(),
                as_of_epoch: epoch,
                body: Body::Receipt {
                    accepted,
                    duplicate,
                },
            })
            .collect();
        let labels = self.labels.borrow();
        for message in &closed.control {
            let Control::Ask(question) = message else {
                continue;
            };
            let Subject::User(user) = question.subject else {
                continue;
            };
            let held = self
                .state
                .of_user(user, &labels, |journeys, now| journeys.answer(now));
            answers.extend(held.map(|user| Answer {
                question: question.id,
                asker: question.asker,
                as_of_epoch: epoch,
                body: Body::User(user),
            }));
        }
        answers
    }
}

impl Journeys<'_> {
    /// All that is held; `now` is the watermark in milliseconds since 2000.
    fn answer(&self, now: i64) -> User {
        User {
            complete_since_ms: (self.bound > 0).then_some(self.bound + FIRST_TIME_MS),
            sessions: self.session_answers(now),
            journeys: self.journey_answers(now),
        }
    }

    fn session_answers(&self, now: i64) -> Vec<Session> {
        let gap = self.settings.session_gap_ms;
        let mut sessions: Vec<Session> = Vec::new();
        for at in 0..self.list.len() {
            let entry = self.list.get(at);
            let time_ms = entry.time() + FIRST_TIME_MS;
            let is_open = now.saturating_sub(entry.time()) <= gap;
            match sessions.last_mut().filter(|_| entry.is_joined()) {
                Some(session) => {
                    session.last_ms = time_ms;
                    session.activities += 1;
                    session.is_open = is_open;
                }
                None => sessions.push(Session {
                    first_ms: time_ms,
                    last_ms: time_ms,
                    activities: 1,
                    is_open,
                }),
            }
        }
        sessions
    }

    fn journey_answers(&self, now: i64) -> Vec<Journey> {
        let mut journeys: Vec<Journey> = (0..self.list.len())
            .filter(|&at| self.starts_journey(at))
            .map(|at| self.journey_from(at, now))
            .collect();
        journeys.sort_by_key(|journey| (journey.advertiser, journey.points[0].time_ms));
        journeys
    }

    fn starts_journey(&self, at: usize) -> bool {
        let entry = self.list.get(at);
        entry.is_point()
            && self
                .previous_point(at, self.advertiser(entry))
                .is_none_or(|before| self.list.get(before).is_conversion())
    }

    fn journey_from(&self, mut at: usize, now: i64) -> Journey {
        let first = self.list.get(at);
        let advertiser = self.advertiser(first);
        let mut points = vec![self.point_answer(at)];
        while !self.list.get(at).is_conversion() {
            let Some(next) = self.next_point(at, advertiser) else {
                break;
            };
            at = next;
            points.push(self.point_answer(at));
        }
        Journey {
            advertiser: self.labels.advertiser_name(advertiser),
            points,
            is_open: !self.list.get(at).is_conversion() && self.may_go_on(at, now),
        }
    }

    /// Whether a point at `now` could follow the point `at`.
    fn may_go_on(&self, at: usize, now: i64) -> bool {
        let since = |at: usize| now.saturating_sub(self.list.get(at).time());
        match self.settings.journeys {
            JourneyRule::GapMs(gap) => since(at) <= gap,
            JourneyRule::Session => {
                let is_last =
                    (at + 1..self.list.len()).all(|later| self.list.get(later).is_joined());
                is_last && since(self.list.len() - 1) <= self.settings.session_gap_ms
            }
        }
    }

    fn point_answer(&self, at: usize) -> Point {
        let entry = self.list.get(at);
        let label = self.labels.get(self.label(entry));
        Point {
            time_ms: entry.time() + FIRST_TIME_MS,
            kind: entry.kind(),
            is_touch: self.is_touch(entry),
            channel: label.channel,
            campaign: label.campaign,
            value: if entry.is_conversion() {
                self.value(entry)
            } else {
                0
            },
        }
    }
}
