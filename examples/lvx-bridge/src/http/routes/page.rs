//! The page for browsers. Its files hold no values, so that anyone may read them.

use axum::{
    Extension,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{login::see_other, place::Place};
use crate::{
    http::{Refusal, policy::Visitor},
    page::{self, File, INDEX},
};

/// Extension of a request whose path is the base path without a slash at its end. Relative addresses of the page
/// would leave the base path.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct WithoutSlash;

/// Answers with the page.
pub(super) async fn index(Extension(visitor): Extension<Visitor>, request: Request) -> Response {
    if request.extensions().get::<WithoutSlash>().is_some() {
        return see_other(&visitor, "/");
    }
    match page::find(INDEX) {
        Some(file) => answer(file, request.headers()),
        None => missing().into_response(),
    }
}

/// Answers with another file of the page.
pub(super) async fn file(place: Place, headers: HeaderMap) -> Result<Response, Refusal> {
    let file = page::find(place.part("file")?).filter(|file| file.name != INDEX);
    file.map(|file| answer(file, &headers)).ok_or_else(missing)
}

fn missing() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

/// Returns a file, or that the client has it. Browsers ask each time, because the files change with the program.
fn answer(file: &File, request: &HeaderMap) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ETAG, HeaderValue::from_static(file.tag));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if has(request, file.tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    if accepts_gzip(request) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        (headers, file.gzip).into_response()
    } else {
        (headers, file.plain).into_response()
    }
}

/// Returns the parts of all headers of a name, which commas separate.
fn parts(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Returns whether the client has this version of a file.
fn has(request: &HeaderMap, tag: &str) -> bool {
    let strong = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    parts(request, header::IF_NONE_MATCH).any(|known| known == "*" || strong(known) == strong(tag))
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    parts(request, header::ACCEPT_ENCODING).any(|part| {
        let mut words = part.split(';').map(str::trim);
        let name = words.next().unwrap_or_default();
        let quality = words.find_map(|word| word.strip_prefix("q=")?.parse::<f32>().ok());
        name.eq_ignore_ascii_case("gzip") && quality.is_none_or(|quality| quality > 0.0)
    })
}
