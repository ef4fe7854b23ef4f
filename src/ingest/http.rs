//! Stand-in until the engine takes lines over HTTP.

use dataflows::epochs::Epoch;

#[derive(Clone, Debug, Default)]
pub struct Door;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    pub epoch: Epoch,
    pub read: u64,
    pub accepted: u64,
    pub duplicate: u64,
    pub late: u64,
    pub invalid: u64,
    pub no_consent: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Behind,
    Stopped,
}

impl Door {
    pub fn post(
        &self,
        _: Vec<u8>,
    ) -> Result<impl Future<Output = Receipt> + Send + use<>, Refused> {
        if true {
            return Err(Refused::Stopped);
        }
        Ok(std::future::ready(Receipt::default()))
    }
}
