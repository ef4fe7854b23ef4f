//! Around every request: who may ask, what may be sent, what it is counted as, and the headers of the answer.
//!
//! What must hold: pages of other hosts get nothing, not even through a name of theirs that points at this machine
//! (DNS rebinding); paths are logged, queries and bodies never.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use tower_service::Service;
use warp::http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, ORIGIN, UPGRADE,
};
use warp::http::{HeaderMap, Method, Request, StatusCode, Version};
use warp::reply::Response;

use super::Context;
use super::answer::Problem;
use super::limits::Limits;
use super::routes::{self, ROUTES};

const SECURITY_HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers one request.
pub(super) async fn handle<S>(
    context: Arc<Context>,
    mut routes: S,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let began = Instant::now();
    let id = context.counters.next_request();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = routes::index_of(&path);
    if method == Method::HEAD {
        // Answered as GET; the protocol leaves the body out. No connection can become a WebSocket by it.
        *request.method_mut() = Method::GET;
        request.headers_mut().remove(UPGRADE);
    }
    let mut response = match refusal(&context.limits, route, &request) {
        Some(response) => response,
        None => {
            let Ok(response) = routes.call(request).await;
            response
        }
    };
    dress(&mut response, id);
    let (status, took) = (response.status(), began.elapsed());
    context.counters.answered(route, status, took);
    let ms = took.as_secs_f64() * 1e3;
    tracing::debug!(id, %method, path, status = status.as_u16(), ms, "request");
    Ok(response)
}

/// Why a request is not even looked at.
fn refusal<B>(limits: &Limits, route: Option<usize>, request: &Request<B>) -> Option<Response> {
    let headers = request.headers();
    if request.version() == Version::HTTP_11 && !headers.contains_key(HOST) {
        return Some(Problem::bad("header host is missing").into_response());
    }
    let allowed = match route {
        Some(route) => &ROUTES[route].method,
        None => &Method::GET,
    };
    if let Err(problem) = may_ask(limits, headers) {
        return Some(problem.into_response());
    }
    if request.method() != allowed {
        return Some(not_allowed(allowed));
    }
    let problem = may_send(limits, headers).err()?;
    Some(problem.into_response())
}

fn not_allowed(allowed: &Method) -> Response {
    let detail = format!("this path takes {allowed} only");
    let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).into_response();
    let allow = match *allowed {
        Method::GET => "GET, HEAD",
        _ => "POST",
    };
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// Whether the body can be taken, as far as the head tells: none of one that cannot is read.
fn may_send(limits: &Limits, headers: &HeaderMap) -> Result<(), Problem> {
    let is_plain = |encoding: &HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "bodies are not unpacked here; send it without content-encoding",
        ));
    }
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limits.body_bytes_max) {
        return Err(Problem::too_large(limits.body_bytes_max));
    }
    Ok(())
}

/// Whether the page that asks, if one does, is of this server.
fn may_ask(limits: &Limits, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| {
        let mut values = headers.get_all(&name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value
                .to_str()
                .map(Some)
                .map_err(|_| Problem::bad(format!("header {name} is no text"))),
            (Some(_), Some(_)) => Err(Problem::bad(format!("header {name} is given twice"))),
            (None, _) => Ok(None),
        }
    };
    let (host, origin) = (text(HOST)?, text(ORIGIN)?);
    let is_listed = |origin: &str| {
        let known = limits.origins.iter();
        known.into_iter().any(|o| o.eq_ignore_ascii_case(origin))
    };
    let is_ours = |host: &str| {
        let listed = limits.origins.iter().filter_map(|origin| authority(origin));
        limits.any_host
            || is_address(host)
            || listed.into_iter().any(|h| h.eq_ignore_ascii_case(host))
    };
    if let Some(host) = host.filter(|host| !is_ours(host)) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!("{host:?} is no name of this server; add its origin to serve.origins"),
        ));
    }
    let is_same = |origin: &str| host.is_some() && authority(origin) == host;
    match origin {
        Some(origin) if !is_same(origin) && !is_listed(origin) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!("pages of {origin:?} may not ask; add it to serve.origins if they should"),
        )),
        _ => Ok(()),
    }
}

/// The `host:port` of an origin.
fn authority(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, authority)| authority)
}

/// `localhost` or an address in digits: nobody can point these elsewhere.
fn is_address(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok()
}

fn dress(response: &mut Response, id: u64) {
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers.insert(REQUEST_ID, id.into());
    let no_store = HeaderValue::from_static("no-store");
    headers.entry("cache-control").or_insert(no_store);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(limits: &Limits, host: &str, origin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if !origin.is_empty() {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        may_ask(limits, &headers).is_ok()
    }

    #[test]
    fn only_own_pages_and_listed_ones_may_ask() {
        let mut limits = Limits::default();
        assert!(asks(&limits, "127.0.0.1:8000", ""));
        assert!(asks(&limits, "localhost:8000", "http://localhost:8000"));
        assert!(asks(&limits, "[::1]:8000", "http://[::1]:8000"));
        assert!(!asks(&limits, "localhost:8000", "http://evil.example"));
        assert!(!asks(&limits, "localhost:8000", "null"));
        assert!(!asks(&limits, "localhost:8000", "http://localhost:3000"));
        // A name of theirs that points at this machine.
        assert!(!asks(
            &limits,
            "evil.example:8000",
            "http://evil.example:8000"
        ));
        limits.origins = vec!["https://desk.example".to_owned()];
        assert!(asks(&limits, "localhost:8000", "https://desk.example"));
        assert!(asks(&limits, "desk.example", "https://desk.example"));
        limits.any_host = true;
        assert!(asks(&limits, "other.example", "http://other.example"));
        assert!(!asks(&limits, "other.example", "http://evil.example"));
    }
}
