//! The computation of Tributary: collections in, collections out. No I/O, no clock, no async, no JSON.

pub mod event;
pub mod settings;
pub mod transitions;
