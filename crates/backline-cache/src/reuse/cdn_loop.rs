//! `CDN-Loop` (RFC 8586): a request that comes back to where it was is answered 508.

use http::header::{HeaderMap, HeaderName, HeaderValue};

const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// Tells whether a request was here before. `id` names this cache, uniquely among those that may be in a row.
#[must_use]
pub fn loops(request: &HeaderMap, id: &str) -> bool {
    request
        .get_all(CDN_LOOP)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .any(|info| {
            let end = info
                .iter()
                .position(|&byte| byte == b';')
                .unwrap_or(info.len());
            let found = info.get(..end).unwrap_or_default().trim_ascii();
            found.eq_ignore_ascii_case(id.as_bytes())
        })
}

/// Adds this cache to those that a fetch went through. `false`, and nothing is added, where `id` cannot stand
/// in a header.
pub fn mark(fetch: &mut HeaderMap, id: &str) -> bool {
    let Ok(value) = HeaderValue::from_str(id) else {
        return false;
    };
    fetch.append(CDN_LOOP, value);
    true
}
