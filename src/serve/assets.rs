//! The dashboard, as it was when the program was built.

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use warp::reply::Response;
use xxhash_rust::xxh3::xxh3_64;

use super::answer::response;
use super::routes::{Answers, Doc};

/// Paths below the root, and the bytes of each.
type Files = &'static [(&'static str, &'static [u8])];

const FILES: Files = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

const MISSING: &str =
    "The dashboard is not built into this program: run scripts/build, then start it again.\n";

pub(super) static DOC: Doc = Doc::get("/", "the dashboard", &[], Answers::Page);

/// Files of the dashboard, and `/` whether there is one or not.
pub(super) fn route() -> BoxedFilter<(Response,)> {
    warp::get()
        .and(warp::path::full())
        .and(warp::header::optional(IF_NONE_MATCH.as_str()))
        .and_then(
            |path: warp::path::FullPath, known: Option<String>| async move {
                serve(path.as_str(), known.as_deref()).ok_or_else(warp::reject::not_found)
            },
        )
        .boxed()
}

fn serve(path: &str, known: Option<&str>) -> Option<Response> {
    let path = if path == "/" { "/index.html" } else { path };
    let Some((_, bytes)) = FILES.iter().find(|(name, _)| *name == path) else {
        let missing = || response(StatusCode::OK, "text/plain; charset=utf-8", MISSING);
        return (path == "/index.html").then(missing);
    };
    let tag = format!("\"{:016x}\"", xxh3_64(bytes));
    let mut response = match known {
        Some(known) if known == tag => {
            let mut response = response(StatusCode::NOT_MODIFIED, content_type(path), "");
            response.headers_mut().remove("content-type");
            response
        }
        _ => response(StatusCode::OK, content_type(path), *bytes),
    };
    let headers = response.headers_mut();
    // Names of bundled files hold a hash of what is in them, so a file of such a name never changes.
    let keep = match path.starts_with("/assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    Some(response)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
