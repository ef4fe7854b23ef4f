//! Epoch by epoch: what an operator received, held back until the epoch has closed.
//!
//! Results may only depend on the events of closed epochs, so operators with state take each epoch whole and in
//! order, whatever order its messages came in.

use std::collections::BTreeMap;

use timely::dataflow::operators::{Capability, InputCapability};
use timely::progress::frontier::MutableAntichain;

use crate::control::Control;

/// Timely's timestamp: the ingest epoch.
pub type Epoch = u64;

/// The messages of one epoch, with the right to answer at it on each output.
pub(crate) struct Closed<D> {
    pub(crate) capabilities: Vec<Capability<Epoch>>,
    pub(crate) data: Vec<Vec<D>>,
    pub(crate) control: Vec<Control>,
}

/// The epochs that are still open.
pub(crate) struct Epochs<D> {
    outputs: usize,
    open: BTreeMap<Epoch, Closed<D>>,
}

impl<D> Epochs<D> {
    /// For an operator with `outputs` outputs.
    pub(crate) fn new(outputs: usize) -> Epochs<D> {
        Epochs {
            outputs,
            open: BTreeMap::new(),
        }
    }

    fn at(&mut self, capability: &InputCapability<Epoch>) -> &mut Closed<D> {
        let outputs = self.outputs;
        self.open
            .entry(*capability.time())
            .or_insert_with(|| Closed {
                capabilities: (0..outputs).map(|port| capability.retain(port)).collect(),
                data: Vec::new(),
                control: Vec::new(),
            })
    }

    pub(crate) fn receive(&mut self, capability: &InputCapability<Epoch>, data: &mut Vec<D>) {
        self.at(capability).data.push(std::mem::take(data));
    }

    pub(crate) fn receive_control(
        &mut self,
        capability: &InputCapability<Epoch>,
        control: &mut Vec<Control>,
    ) {
        self.at(capability).control.append(control);
    }

    /// The earliest epoch that no input can add to any more.
    pub(crate) fn next_closed(
        &mut self,
        frontiers: &[&MutableAntichain<Epoch>],
    ) -> Option<(Epoch, Closed<D>)> {
        let epoch = *self.open.keys().next()?;
        if frontiers.iter().any(|frontier| frontier.less_equal(&epoch)) {
            return None;
        }
        self.open.pop_first()
    }
}
