//! What a run leaves at its end, and the [`Report`] made of it.

use std::collections::BTreeMap;

use dataflows::answer::{Answer, Body, Counted};
use dataflows::attribution::{Attribution, Credit};
use dataflows::event::Name;
use dataflows::row::Float;
use dataflows::transitions::{self as flow, Scope, Window};
use dataflows::weight::Weight;

use crate::frames::Frames;
use crate::report::{self, Report};

/// All results at the end of a run: the small rows, and the counts that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Results {
    pub frames: Frames,
    pub answers: Vec<Answer>,
}

impl Results {
    /// Everything by name.
    pub fn report(&self) -> Report {
        let counted = &self.frames.dispositions;
        let mut chains = BTreeMap::new();
        let counted_chains = self.answers.iter().filter_map(|answer| match &answer.body {
            Body::Chain(counted) => Some(counted),
            _ => None,
        });
        for counted in counted_chains {
            for window in Window::ALL {
                if let Some((key, chain)) = self.chain(counted, window) {
                    chains.insert(key, chain);
                }
            }
        }
        Report {
            as_of_epoch: self.frames.as_of_epoch,
            accepted: counted.accepted as u64,
            duplicate: counted.duplicate as u64,
            late: counted.late as u64,
            invalid: counted.invalid as u64,
            no_consent: counted.no_consent as u64,
            conflicts: counted.conflicts as u64,
            open_sessions: counted.open_sessions as u64,
            open_journeys: counted.open_journeys as u64,
            chains,
        }
    }

    fn text(&self, name: Name) -> String {
        self.frames.labels().text(name).as_ref().to_owned()
    }

    fn chain(&self, answer: &Counted, window: Window) -> Option<(report::ChainKey, report::Chain)> {
        let counted = |weights: &[Weight; 3]| {
            let Weight { count, value } = weights[window as usize];
            ((count, value) != (0, 0)).then_some(report::Count {
                count,
                value_micros: value,
            })
        };
        let counts: BTreeMap<_, _> = answer
            .counts
            .iter()
            .filter_map(|(from, to, weights)| {
                Some(((self.state(*from), self.state(*to)), counted(weights)?))
            })
            .collect();
        let shown = self.frames.attribution(answer.chain, window);
        assert_eq!(
            shown.is_some(),
            !counts.is_empty(),
            "rows and counts tell of different chains"
        );
        let chain = self.solved(shown?, counts);
        let advertiser = match answer.chain.scope {
            Scope::Everyone => None,
            Scope::Advertiser(name) => Some(self.text(name)),
        };
        Some((
            report::ChainKey {
                advertiser,
                dimension: answer.chain.dimension,
                window,
            },
            chain,
        ))
    }

    fn state(&self, state: flow::State) -> report::State {
        match state {
            flow::State::Start => report::State::Start,
            flow::State::Named(name) => report::State::Named(self.text(name)),
            flow::State::Conversion => report::State::Conversion,
            flow::State::Null => report::State::Null,
        }
    }

    fn solved(
        &self,
        row: &Attribution,
        counts: BTreeMap<(report::State, report::State), report::Count>,
    ) -> report::Chain {
        let number = |float: Option<Float>| float.map(f64::from);
        let credit = |credit: &Credit| report::Credit {
            state: self.text(credit.state),
            removal_effect: number(credit.removal_effect),
            removal_effect_value: number(credit.removal_effect_value),
            attributed_conversions: number(credit.attributed_conversions),
            attributed_value: number(credit.attributed_value),
        };
        report::Chain {
            counts,
            p_conversion: number(row.p_conversion),
            expected_value_per_journey: number(row.expected_value_per_journey),
            credits: row.credits.iter().map(credit).collect(),
        }
    }
}
