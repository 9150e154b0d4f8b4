//! The keeper's address: what is kept and why, counters, and purge.

use std::sync::Arc;

use backline_cache::pull::Purge;
use backline_examples::adapt::exposition::Format;
use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::proxy::Site;
use super::replies::{Sent, page, text};
use super::status;

/// Answers one request of the keeper.
pub(crate) async fn answer(site: Arc<Site>, request: Request<Incoming>) -> Response<Sent> {
    let query = request.uri().query().unwrap_or_default();
    let reads = *request.method() == Method::GET || *request.method() == Method::HEAD;
    match request.uri().path() {
        "/purge" if *request.method() == Method::POST => purge(&site, query),
        "/purge" => only("POST"),
        _ if !reads => only("GET, HEAD"),
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/metrics" => {
            let format = Format::wanted(request.headers());
            page(status::metrics(&site, format).into(), format.content_type())
        }
        "/" => page(status::html(&site).into(), "text/html; charset=utf-8"),
        _ => text(StatusCode::NOT_FOUND, "no such page\n"),
    }
}

/// Forgets what the query names: `path=/a/b`, or `prefix=/a/` with everything below.
fn purge(site: &Site, query: &str) -> Response<Sent> {
    let gone = match query.split_once('=') {
        Some(("path", path)) => match site.name(path) {
            Ok(name) => site.purge(Purge::Name(&name)),
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        },
        Some(("prefix", prefix)) if prefix.starts_with('/') => site.purge(Purge::Prefix(prefix)),
        _ => {
            return text(
                StatusCode::BAD_REQUEST,
                "say what: ?path=/a/b.mp4 for one object, ?prefix=/a/ for all below\n",
            );
        }
    };
    tracing::info!(query, gone, "purged");
    text(StatusCode::OK, Bytes::from(format!("{gone}\n")))
}

fn only(methods: &'static str) -> Response<Sent> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, format!("{methods} only\n"));
    let allow = HeaderValue::from_static(methods);
    response.headers_mut().insert(ALLOW, allow);
    response
}
