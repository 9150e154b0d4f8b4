//! What a shared cache may do with an answer over HTTP (RFC 9111): pure functions over header maps.
//!
//! They hold nothing and read no clock. [`access`] says whether a request may be answered from the store,
//! [`lifetime`] whether and for how long an answer may be kept, [`vary`] and [`variant`] which requests it
//! answers, [`validate`] and [`merge`] renew it, and [`select`] answers conditions. [`head::encode`] makes the
//! compact bytes that are stored. Where this cache is stricter than it must be: what was asked for with
//! `Authorization`, and what sets a cookie, is never shared, whatever the answer says.

pub mod cdn_loop;
pub mod date;
pub mod head;

mod control;
mod lifetime;
mod targeted;
mod vary;

use http::header::{
    AGE, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode};

use self::control::Control;
pub use self::lifetime::{Clock, lifetime};
pub use self::vary::{variant, vary};
use crate::pull::Freshness;

/// How a request may be answered.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Access {
    /// By the origin alone: nothing is looked up, nothing is kept.
    Pass,
    /// From the store, by what the request says of freshness.
    Share(Freshness),
}

/// Reads how a request may be answered.
///
/// `GET` and `HEAD` may be, unless they carry `Authorization`, `no-store`, or a precondition that only the origin
/// can judge (`If-Match`, `If-Unmodified-Since`).
#[must_use]
pub fn access(method: &Method, request: &HeaderMap) -> Access {
    let alone = [AUTHORIZATION, IF_MATCH, IF_UNMODIFIED_SINCE];
    let control = Control::read(request);
    if (*method != Method::GET && *method != Method::HEAD)
        || control.no_store
        || alone.iter().any(|name| request.contains_key(name))
    {
        return Access::Pass;
    }
    Access::Share(if control.only_if_cached {
        Freshness::OnlyIfCached
    } else if control.no_cache || control.max_age == Some(0) {
        Freshness::Revalidate
    } else {
        Freshness::Any
    })
}

/// Tells whether what is stored under the target of this request is to be dropped, since the
/// request may have changed it (RFC 9111, 4.4).
#[must_use]
pub fn invalidates(method: &Method, status: StatusCode) -> bool {
    !method.is_safe() && (status.is_success() || status.is_redirection())
}

/// Takes out what is for one connection only (RFC 9110, 7.6.1), named in `Connection` or known to be.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        CONNECTION,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        HeaderName::from_static("proxy-authentication-info"),
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// Makes out of a viewer's request fields those of a fetch that is for everybody: without the
/// viewer's conditions and range.
pub fn strip_conditions(request: &mut HeaderMap) {
    for name in [
        CACHE_CONTROL,
        IF_MATCH,
        IF_MODIFIED_SINCE,
        IF_NONE_MATCH,
        IF_RANGE,
        IF_UNMODIFIED_SINCE,
        RANGE,
    ] {
        request.remove(name);
    }
}

/// Makes a fetch conditional on what is stored (RFC 9111, 4.3.1). `false` when the stored answer has
/// no validator, and the fetch stays as it is.
pub fn validate(request: &mut HeaderMap, stored: &HeaderMap) -> bool {
    let pairs = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];
    let mut any = false;
    for (validator, condition) in pairs {
        match stored.get(validator) {
            Some(value) => {
                request.insert(condition, value.clone());
                any = true;
            }
            None => {
                request.remove(condition);
            }
        }
    }
    any
}

/// Updates the stored fields from those of a 304, or of a `HEAD` that [`agrees`] (RFC 9111, 3.2 and 4.3.4).
pub fn merge(stored: &mut HeaderMap, fresh: &HeaderMap) {
    let mut fresh = fresh.clone();
    strip_hop_by_hop(&mut fresh);
    // They describe the bytes that are stored, not those that were not sent.
    for name in [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE] {
        fresh.remove(name);
    }
    // An age that the origin does not send again would be that of the earlier answer.
    stored.remove(AGE);
    for name in fresh.keys() {
        stored.remove(name);
        for value in fresh.get_all(name) {
            stored.append(name.clone(), value.clone());
        }
    }
}

/// Tells whether the answer to a `HEAD` is about the stored representation, so that it may renew it (RFC 9111, 4.3.5).
#[must_use]
pub fn agrees(stored: &HeaderMap, head: &HeaderMap) -> bool {
    [ETAG, LAST_MODIFIED, CONTENT_LENGTH].iter().all(|name| {
        match (head.get(name), stored.get(name)) {
            (Some(fresh), Some(old)) => fresh == old,
            (Some(_), None) => *name == CONTENT_LENGTH,
            (None, _) => true,
        }
    })
}

/// What a viewer's conditions select of a stored answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Selected<'a> {
    /// The viewer has it: 304.
    NotModified,
    /// What this value of `Range` asks for.
    Range(&'a [u8]),
    /// All of it.
    Whole,
}

/// Evaluates the conditions of a request against the validators of a stored 200 (RFC 9110, 13.2.2 and RFC 9111, 4.3.2).
#[must_use]
pub fn select<'a>(request: &'a HeaderMap, stored: &HeaderMap) -> Selected<'a> {
    let etag = stored.get(ETAG).map(HeaderValue::as_bytes);
    let modified = stored.get(LAST_MODIFIED).map(HeaderValue::as_bytes);
    let unchanged = if request.contains_key(IF_NONE_MATCH) {
        request
            .get_all(IF_NONE_MATCH)
            .iter()
            .any(|list| names(list.as_bytes(), etag))
    } else {
        request.get(IF_MODIFIED_SINCE).is_some_and(|since| {
            let seconds = |value| date::parse(value);
            match (seconds(since.as_bytes()), modified.and_then(seconds)) {
                (Some(since), Some(modified)) => modified <= since,
                _ => false,
            }
        })
    };
    if unchanged {
        return Selected::NotModified;
    }
    let mut ranges = request.get_all(RANGE).iter();
    match (ranges.next(), ranges.next()) {
        (Some(range), None) if range_holds(request, etag, modified) => {
            Selected::Range(range.as_bytes())
        }
        _ => Selected::Whole,
    }
}

/// Tells whether `If-Range` lets the range apply: by a strong tag, or by the very date.
fn range_holds(request: &HeaderMap, etag: Option<&[u8]>, modified: Option<&[u8]>) -> bool {
    let mut validators = request.get_all(IF_RANGE).iter();
    match (validators.next(), validators.next()) {
        (None, _) => true,
        (Some(validator), None) => {
            let validator = validator.as_bytes().trim_ascii();
            if validator.starts_with(b"\"") {
                Some(validator) == etag
            } else {
                Some(validator) == modified && date::parse(validator).is_some()
            }
        }
        _ => false,
    }
}

/// Tells whether a list of entity tags names this one, by weak comparison. `*` names any.
fn names(list: &[u8], etag: Option<&[u8]>) -> bool {
    let strong = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    if list.trim_ascii() == b"*" {
        return true;
    }
    let Some(etag) = etag.map(|tag| strong(tag.trim_ascii())) else {
        return false;
    };
    // A comma may stand inside of the quotes.
    let mut rest = list;
    while let Some(open) = rest.iter().position(|&byte| byte == b'"') {
        let after = rest.get(open.saturating_add(1)..).unwrap_or_default();
        let Some(len) = after.iter().position(|&byte| byte == b'"') else {
            return false;
        };
        if etag.get(1..etag.len().saturating_sub(1)) == after.get(..len) {
            return true;
        }
        rest = after.get(len.saturating_add(1)..).unwrap_or_default();
    }
    false
}
