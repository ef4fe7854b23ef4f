//! What handlers answer: JSON and CSV that say as of when, and problems.

use bytes::Bytes;
use dataflows::epochs::Epoch;
use serde::Serialize;
use serde_json::json;
use warp::http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, UPGRADE};
use warp::http::{Response as HttpResponse, StatusCode};
use warp::reply::Response;

use super::Context;

/// As of when an answer is.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Stamp {
    pub(super) generation: u64,
    pub(super) as_of_epoch: Epoch,
    pub(super) staleness_ms: Option<u64>,
}

impl Context {
    /// The stamp of an answer that is as of `as_of_epoch`.
    pub(super) fn stamp(&self, as_of_epoch: Epoch) -> Stamp {
        Stamp {
            generation: self.facts.generation,
            as_of_epoch,
            staleness_ms: self.staleness_ms(),
        }
    }

    /// Age of the last closed epoch; `None` before the first.
    pub(super) fn staleness_ms(&self) -> Option<u64> {
        Some(self.doors.meter.since_closed()?.as_millis() as u64)
    }
}

/// A JSON object that begins with the stamp.
#[derive(Serialize)]
struct Stamped<'a, T> {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    body: &'a T,
}

pub(super) fn stamped(stamp: Stamp, body: &impl Serialize) -> Response {
    json(StatusCode::OK, &Stamped { stamp, body })
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("answers are plain values with text for keys");
    response(status, "application/json", text)
}

pub(super) fn response(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response {
    let mut response = HttpResponse::new(body.into().into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A table by RFC 4180; as of when it is stands in the headers.
pub(super) fn csv<const N: usize>(
    stamp: Stamp,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Response {
    let mut table = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let written = table.write_record(header).and_then(|()| {
        rows.into_iter()
            .try_for_each(|row| table.write_record(row.map(tame)))
    });
    let text = written
        .map_err(|error| error.to_string())
        .and_then(|()| table.into_inner().map_err(|error| error.to_string()))
        .expect("writing rows of one length to memory cannot fail");
    let mut response = response(
        StatusCode::OK,
        "text/csv; charset=utf-8; header=present",
        text,
    );
    let headers = response.headers_mut();
    headers.insert("tributary-generation", stamp.generation.into());
    headers.insert("tributary-as-of-epoch", stamp.as_of_epoch.into());
    if let Some(staleness_ms) = stamp.staleness_ms {
        headers.insert("tributary-staleness-ms", staleness_ms.into());
    }
    response
}

/// A spreadsheet must not take a name for a formula.
fn tame(cell: String) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\0') if !is_number => format!("'{cell}"),
        _ => cell,
    }
}

/// A number of a table; nothing where it is not defined.
pub(super) fn cell(number: Option<f64>) -> String {
    number.map_or(String::new(), |number| number.to_string())
}

/// Why there is no answer, by RFC 9457.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let detail = detail.into();
        Problem { status, detail }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// For a body of more bytes than that.
    pub(super) fn too_large(bytes_max: usize) -> Problem {
        let detail = format!("the body has more than {bytes_max} bytes; send it in parts");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub(super) fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("problem"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = response(self.status, "application/problem+json", body.to_string());
        let (name, value) = match self.status {
            StatusCode::TOO_MANY_REQUESTS => (RETRY_AFTER, "1"),
            StatusCode::SERVICE_UNAVAILABLE => (RETRY_AFTER, "5"),
            StatusCode::UPGRADE_REQUIRED => (UPGRADE, "websocket"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (ACCEPT_ENCODING, "identity"),
            _ => return response,
        };
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::tame;

    #[test]
    fn a_name_is_no_formula() {
        assert_eq!(tame("=1+1".to_owned()), "'=1+1");
        assert_eq!(tame("-12.5".to_owned()), "-12.5");
        assert_eq!(tame("search".to_owned()), "search");
    }
}
