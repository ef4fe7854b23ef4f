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

/// The messages of one epoch as `C` collects them, with the right to answer at it on each output.
pub(crate) struct Closed<C> {
    pub(crate) capabilities: Vec<Capability<Epoch>>,
    pub(crate) data: C,
    pub(crate) control: Vec<Control>,
}

/// The epochs that are still open.
pub(crate) struct Epochs<C> {
    outputs: usize,
    open: BTreeMap<Epoch, Closed<C>>,
}

impl<D> Epochs<Vec<Vec<D>>> {
    pub(crate) fn receive(&mut self, capability: &InputCapability<Epoch>, data: &mut Vec<D>) {
        self.at(capability).data.push(std::mem::take(data));
    }
}

impl<C: Default> Epochs<C> {
    /// For an operator with `outputs` outputs.
    pub(crate) fn new(outputs: usize) -> Epochs<C> {
        Epochs {
            outputs,
            open: BTreeMap::new(),
        }
    }

    /// What has come of the capability's epoch.
    pub(crate) fn at(&mut self, capability: &InputCapability<Epoch>) -> &mut Closed<C> {
        let outputs = self.outputs;
        self.open
            .entry(*capability.time())
            .or_insert_with(|| Closed {
                capabilities: (0..outputs).map(|port| capability.retain(port)).collect(),
                data: C::default(),
                control: Vec::new(),
            })
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
    ) -> Option<(Epoch, Closed<C>)> {
        let epoch = *self.open.keys().next()?;
        if frontiers.iter().any(|frontier| frontier.less_equal(&epoch)) {
            return None;
        }
        self.open.pop_first()
    }
}
