//! Sessions and journeys: from a stream of events to the transitions that appear and disappear.
//!
//! In: events, routed by the key group of their user, and control. Out: edges in this worker's own numbers
//! ([`Labels`]) and tallies. What must hold: at every closed epoch the edges add up to those of the accepted events
//! so far, as if they had come sorted.

mod answers;
mod arena;
mod arrivals;
mod body;
mod copies;
mod edge;
mod entry;
mod group;
mod journeys;
mod list;
mod place;
mod retention;
mod seams;
mod slot;
mod state;
mod table;
mod tally;

use std::cell::RefCell;
use std::rc::Rc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::answer::Answer;
use crate::clock::Clock;
use crate::control::{Control, Subject};
use crate::dispositions::{Counter, Tallied};
use crate::epochs::{Closed, Epoch, Epochs};
use crate::event::{Disposition, Event, KEY_GROUPS};
use crate::labels::Labels;
use crate::names::Names;
use crate::settings::Settings;

use arrivals::Arrivals;
pub(crate) use edge::{CONVERSION, Edge, START, StateId};
use state::State;
use tally::Tally;

/// What comes out of [`sessions`].
pub(crate) struct Sessions<'s> {
    pub(crate) edges: StreamVec<'s, Epoch, Edge>,
    pub(crate) tallies: StreamVec<'s, Epoch, Tallied>,
    pub(crate) answers: StreamVec<'s, Epoch, Answer>,
}

/// Sessionizes `events` in event time and emits the change of every transition, epoch by epoch.
pub(crate) fn sessions<'s>(
    events: StreamVec<'s, Epoch, Event>,
    control: StreamVec<'s, Epoch, Control>,
    names: Names,
    labels: Rc<RefCell<Labels>>,
    settings: Settings,
) -> Sessions<'s> {
    let scope = events.scope();
    let workers = scope.peers();
    let mut builder = OperatorBuilder::new("Sessions".to_owned(), scope);
    let by_group =
        Exchange::new(move |event: &Event| (event.user.group() * workers / KEY_GROUPS) as u64);
    let mut events = builder.new_input(events, by_group);
    let mut control = builder.new_input(control, Pipeline);
    let (edges_out, edges) = builder.new_output::<Vec<Edge>>();
    let (tallies_out, tallies) = builder.new_output::<Vec<Tallied>>();
    let (answers_out, answers) = builder.new_output::<Vec<Answer>>();
    let mut edges_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(edges_out);
    let mut tallies_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(tallies_out);
    let mut answers_out = OutputBuilder::<_, CapacityContainerBuilder<_>>::from(answers_out);
    builder.build(move |_| {
        let mut epochs = Epochs::new(3);
        let mut sessionizer = Sessionizer::new(settings, names, labels);
        move |frontiers| {
            events.for_each(|capability, data| {
                sessionizer.receive(data, &mut epochs.at(&capability).data);
            });
            control.for_each(|capability, data| epochs.receive_control(&capability, data));
            let (mut edges_out, mut tallies_out) = (edges_out.activate(), tallies_out.activate());
            let mut answers_out = answers_out.activate();
            while let Some((epoch, closed)) = epochs.next_closed(&[&frontiers[0], &frontiers[1]]) {
                let tally = sessionizer.close(&closed);
                edges_out
                    .session(&closed.capabilities[0])
                    .give_iterator(sessionizer.edges.drain(..));
                tallies_out
                    .session(&closed.capabilities[1])
                    .give_iterator(tallied(&tally));
                let answers = sessionizer.answers(&closed, epoch, tally).into_iter();
                answers_out
                    .session(&closed.capabilities[2])
                    .give_iterator(answers);
                sessionizer.reuse(closed.data);
            }
        }
    });
    Sessions {
        edges,
        tallies,
        answers,
    }
}

/// Closed epochs whose memory is kept.
const SPARE_MAX: usize = 4;

/// What the operator holds.
struct Sessionizer {
    settings: Settings,
    names: Names,
    labels: Rc<RefCell<Labels>>,
    clock: Clock,
    state: State,
    edges: Vec<Edge>,
    /// Memory for the next epochs' arrivals.
    spare: Vec<Arrivals>,
}

impl Sessionizer {
    fn new(settings: Settings, names: Names, labels: Rc<RefCell<Labels>>) -> Sessionizer {
        let (clock, state) = (Clock::default(), State::new(settings));
        Sessionizer {
            settings,
            names,
            labels,
            clock,
            state,
            edges: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Takes events of an epoch in, to wait for its end.
    fn receive(&mut self, events: &[Event], arrivals: &mut Arrivals) {
        if arrivals.capacity() == 0 {
            *arrivals = self.spare.pop().unwrap_or_default();
        }
        arrivals.take_in(events, &mut self.labels.borrow_mut());
    }

    /// Keeps the memory of a closed epoch, of a few of them: epochs that wait for their end at once need one each.
    fn reuse(&mut self, mut arrivals: Arrivals) {
        if arrivals.capacity() > 0 && self.spare.len() < SPARE_MAX {
            arrivals.clear();
            self.spare.push(arrivals);
        }
    }

    /// Takes one epoch whole: its names, its events, and only then the bound that its watermarks set. A question
    /// for everything makes the counts of what is open exact; else they are as old as the sweep's last visit.
    fn close(&mut self, closed: &Closed<Arrivals>) -> Tally {
        let mut tally = Tally::default();
        let labels = self.labels.borrow();
        let mut is_asked = false;
        for message in &closed.control {
            match message {
                Control::Name(name, text) => self.names.insert(*name, text),
                Control::Watermark(watermark) => self.clock.update(*watermark),
                Control::Ask(question) => is_asked |= question.subject == Subject::Chains,
                Control::Load(_) | Control::Watch(_) | Control::Unwatch(_) => {}
            }
        }
        self.state.insert_all(
            &closed.data,
            &labels,
            &self.names,
            &mut self.edges,
            &mut tally,
        );
        self.state.advance(
            self.clock.bound(self.settings.allowed_lateness_ms),
            self.clock.now(),
        );
        if is_asked {
            self.state.sweep_all(&labels, &mut tally);
        } else {
            self.state.sweep(&labels, &mut tally);
        }
        self.state.expire(&labels);
        tally
    }
}

fn tallied(tally: &Tally) -> impl Iterator<Item = Tallied> {
    [
        (Counter::Disposition(Disposition::Accepted), tally.accepted),
        (
            Counter::Disposition(Disposition::Duplicate),
            tally.duplicate,
        ),
        (Counter::Conflicts, tally.conflicts),
        (Counter::OpenSessions, tally.open_sessions),
        (Counter::OpenJourneys, tally.open_journeys),
    ]
    .into_iter()
    .filter(|&(_, count)| count != 0)
}
