//! The audience page, embedded by `build.rs`.

use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::body::Rope;

/// One embedded file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Asset {
    /// File name, without a folder.
    pub name: &'static str,
    media_type: &'static str,
    /// Quoted, as it stands in the header.
    etag: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Nothing is loaded from outside the box. The player's worker and its media come from blobs, and the
/// track that it puts captions into is empty data.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; media-src 'self' blob: data:; worker-src 'self' blob:; img-src 'self' data:; frame-ancestors *; base-uri 'none'; form-action 'none'",
);

/// Finds an embedded file by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// Tells whether the player for browsers without native HLS is part of this build.
#[must_use]
pub fn has_player() -> bool {
    find("hls.min.js").is_some()
}

impl Asset {
    /// Answers a request that carries `headers`.
    #[must_use]
    pub fn answer(&self, headers: &HeaderMap) -> Response<Rope> {
        let mut response = Response::default();
        let fresh = headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .any(|value| matches(value, self.etag));
        if fresh {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if accepts_gzip(headers) {
            response
                .headers_mut()
                .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = self.gzip.into();
        } else {
            *response.body_mut() = self.plain.into();
        }
        let out = response.headers_mut();
        out.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        out.insert(ETAG, HeaderValue::from_static(self.etag));
        // A new build must show at the next visit; revalidation costs one small answer.
        out.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        out.insert(VARY, HeaderValue::from_static("accept-encoding"));
        out.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.media_type.starts_with("text/html") {
            out.insert(CONTENT_SECURITY_POLICY, POLICY);
        }
        response
    }
}

fn matches(value: &HeaderValue, etag: &str) -> bool {
    value.to_str().is_ok_and(|list| {
        list.split(',')
            .map(str::trim)
            .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
    })
}

/// Tells whether the client takes gzip: named or by `*`, and not with a weight of zero.
#[must_use]
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut any = false;
    for value in headers.get_all(ACCEPT_ENCODING) {
        for coding in value.to_str().unwrap_or_default().split(',') {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = parameters
                .trim()
                .strip_prefix("q=")
                .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            match name.trim() {
                name if name.eq_ignore_ascii_case("gzip") => return weight > 0.0,
                "*" => any = weight > 0.0,
                _ => {}
            }
        }
    }
    any
}

#[cfg(test)]
mod tests;
