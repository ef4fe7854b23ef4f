//! What a client may take: connections, bytes, time.

use std::time::Duration;

/// The bounds of a server; the keys of `[serve]` are of the same names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections_max: usize,
    /// A request's head must be here by then, and a kept connection used again.
    pub head_time: Duration,
    /// A request's body must be here by then, and an answer begin as long after.
    pub request_time: Duration,
    pub body_bytes_max: usize,
    /// A reader that takes nothing for so long is let go.
    pub stall_time: Duration,
    /// Foreign pages that may use the server, as `https://host:port`.
    pub origins: Vec<String>,
    /// Any host name is taken for this server's: it is reachable from elsewhere and does not know its names.
    pub any_host: bool,
}

impl Limits {
    /// Bytes of a request's head. Ours have a few hundred.
    pub const HEAD_BYTES_MAX: usize = 16 << 10;
    /// Bytes of a client's WebSocket message.
    pub const MESSAGE_BYTES_MAX: usize = 64 << 10;
    /// Whole bodies under way, or as many bytes in more of them.
    const BODIES_MAX: usize = 128;

    /// Bytes of all bodies under way.
    pub(super) fn bodies_bytes_max(&self) -> usize {
        Limits::BODIES_MAX * self.body_bytes_max
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 12_000,
            head_time: Duration::from_secs(10),
            request_time: Duration::from_secs(30),
            body_bytes_max: 1 << 20,
            stall_time: Duration::from_secs(30),
            origins: Vec::new(),
            any_host: false,
        }
    }
}
