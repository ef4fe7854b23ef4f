//! Messages to clients: a head of each one's own, and a body that equal subscriptions share.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use dataflows::epochs::Epoch;
use serde_json::json;

use super::PROTOCOL;
use super::hub::HEARTBEAT;
use crate::frames::{Mark, Selected};
use crate::serve::status;

/// Rows and removed keys as JSON, without the head. Snapshots and deltas end in the same way.
#[derive(Clone, Debug)]
pub(super) struct Body {
    rows: Bytes,
    /// The rows are all there are.
    pub(super) is_whole: bool,
}

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// `snapshot`, `delta` and so on.
    pub(super) kind: &'static str,
    /// The epoch a client has with it, where it has one.
    pub(super) epoch: Option<Epoch>,
    /// The text, in two parts.
    pub(super) head: Bytes,
    pub(super) body: Bytes,
}

impl Message {
    fn whole(kind: &'static str, epoch: Option<Epoch>, text: String) -> Message {
        Message {
            kind,
            epoch,
            head: text.into(),
            body: Bytes::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// Both parts in one piece.
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut text = BytesMut::with_capacity(self.len());
        text.extend_from_slice(&self.head);
        text.extend_from_slice(&self.body);
        text.freeze()
    }
}

fn now_ms() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis())
}

impl Body {
    pub(super) fn of(selected: &Selected) -> Body {
        let rows: Vec<&Bytes> = selected
            .cells
            .iter()
            .map(|cell| cell.json(&selected.labels))
            .collect();
        let bytes: usize = rows.iter().map(|row| row.len() + 1).sum();
        let mut out = BytesMut::with_capacity(bytes + 64);
        out.extend_from_slice(b"\"rows\":{");
        for (i, row) in rows.into_iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b",");
            }
            out.extend_from_slice(row);
        }
        out.extend_from_slice(b"}");
        if !selected.is_whole {
            let removed: Vec<&str> = selected.removed.iter().map(AsRef::as_ref).collect();
            out.extend_from_slice(format!(",\"removed\":{}", json!(removed)).as_bytes());
        }
        out.extend_from_slice(b"}");
        Body {
            rows: out.freeze(),
            is_whole: selected.is_whole,
        }
    }

    /// For a client that knows nothing.
    pub(super) fn snapshot(&self, generation: u64, at: Mark) -> Message {
        let head = format!(
            "{{\"type\":\"snapshot\",\"generation\":{generation},\"epoch\":{},\"server_time_ms\":{},",
            at.epoch,
            now_ms()
        );
        Message {
            kind: "snapshot",
            epoch: Some(at.epoch),
            head: head.into(),
            body: self.rows.clone(),
        }
    }

    /// For a client that is at epoch `from`.
    pub(super) fn delta(&self, generation: u64, from: Epoch, at: Mark) -> Message {
        let head = format!(
            "{{\"type\":\"delta\",\"generation\":{generation},\"from_epoch\":{from},\"epoch\":{},\"server_time_ms\":{},",
            at.epoch,
            now_ms()
        );
        Message {
            kind: "delta",
            epoch: Some(at.epoch),
            head: head.into(),
            body: self.rows.clone(),
        }
    }
}

pub(super) fn hello(generation: u64, epoch: Epoch) -> Message {
    let text = json!({
        "type": "hello",
        "protocol": PROTOCOL,
        "generation": generation,
        "epoch": epoch,
        "server_time_ms": now_ms() as u64,
        "version": status::VERSION,
        "commit": status::COMMIT,
        "heartbeat_ms": HEARTBEAT.as_millis() as u64,
    });
    Message::whole("hello", None, text.to_string())
}

pub(super) fn heartbeat(generation: u64, epoch: Epoch, staleness_ms: Option<u64>) -> Message {
    let text = json!({
        "type": "heartbeat",
        "generation": generation,
        "epoch": epoch,
        "server_time_ms": now_ms() as u64,
        "staleness_ms": staleness_ms,
    });
    Message::whole("heartbeat", Some(epoch), text.to_string())
}

pub(super) fn error(title: &str) -> Message {
    let text = json!({ "type": "error", "title": title });
    Message::whole("error", None, text.to_string())
}
