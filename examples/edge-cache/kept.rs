//! From what is kept to an answer: validators, ranges, encoding, age, and what the cache says of itself.

use std::error::Error;
use std::io::Read as _;
use std::ops::Range;
use std::time::Instant;

use backline_cache::pull::{Copy, How, Why};
use backline_cache::reuse::{self, Selected, head};
use backline_cache::{CacheStatus, Conditions, Forward};
use backline_examples::adapt::body::Rope;
use backline_examples::adapt::pull::Growing;
use backline_examples::adapt::upstream::Answered;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::header::{
    ACCEPT_RANGES, AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;

use super::proxy::Site;
use super::replies::{Sent, text};

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// What is unpacked for a client that takes no gzip: playlists and pages. More may be a bomb.
const PLAIN_MAX: u64 = 16 << 20;

/// What `Cache-Status` says of a copy (RFC 9211); `rule` is the one that decided.
pub(crate) fn said(copy: &Copy, name: &str, rule: &str) -> String {
    let forwarded = CacheStatus::forwarded;
    let mut said = match copy.how() {
        How::Collapsed => {
            let mut said = forwarded(Forward::UriMiss);
            said.collapsed = true;
            said
        }
        How::Fetched => {
            let mut said = forwarded(Forward::UriMiss);
            said.stored = copy.lifetime().store;
            said
        }
        How::Revalidated => {
            let mut said = forwarded(Forward::Stale);
            said.forward_status = Some(304);
            said
        }
        How::Stale(Why::Failing | Why::Slow | Why::Uplink) => forwarded(Forward::Stale),
        _ => CacheStatus::hit(),
    };
    let now = Instant::now();
    said.name = name;
    said.ttl = Some(copy.ttl_left(now));
    said.stale_for = matches!(copy.how(), How::Stale(_))
        .then(|| copy.age(now).saturating_sub(copy.lifetime().fresh_for));
    said.detail = (!rule.is_empty()).then_some(rule);
    said.to_string()
}

/// Answers a GET or HEAD from a copy, which may still grow.
pub(crate) async fn reply(
    site: &Site,
    copy: &Copy,
    token: u64,
    request: &Request<impl Sized>,
    status: &str,
) -> Result<Response<Sent>, Box<dyn Error + Send + Sync>> {
    let (_, mut headers) = head::decode(copy.meta(), &site.heads)?;
    let asked = request.headers();
    let (whole, growing) = body(site, copy, token, asked, &mut headers).await?;
    let age = HeaderValue::from(copy.age(Instant::now()).as_secs());
    headers.insert(AGE, age);
    headers.append(CACHE_STATUS, status.parse()?);
    let mut response = Response::new(Sent::Kept(Rope::default()));
    *response.status_mut() = StatusCode::from_u16(copy.status())?;
    let length = match &whole {
        Some(pieces) => Some(pieces.iter().map(|piece| piece.len() as u64).sum()),
        None => copy.length(),
    };
    let mut range = 0..length.unwrap_or(u64::MAX);
    if copy.status() == 200 {
        let selected = reuse::select(asked, &headers);
        if selected == Selected::NotModified {
            headers.remove(CONTENT_LENGTH);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.headers_mut() = headers;
            return Ok(response);
        }
        if let Some(length) = length {
            headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            let mut conditions = Conditions::default();
            if let Selected::Range(wanted) = selected {
                conditions.range = Some(wanted);
            }
            let (status, part) = conditions.range(length);
            *response.status_mut() = StatusCode::from_u16(status)?;
            range = part;
            if let Some(said) = content_range(response.status(), &range, length) {
                headers.insert(CONTENT_RANGE, said.parse()?);
            }
        }
    }
    if length.is_some() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    }
    *response.headers_mut() = headers;
    if request.method() == Method::HEAD {
        return Ok(response);
    }
    *response.body_mut() = match (whole, growing) {
        (Some(pieces), _) => Sent::Kept(cut(pieces, range)),
        (None, Some(growing)) => {
            let left = length.map(|_| range.end - range.start);
            Sent::Growing(growing.cut(range, left))
        }
        (None, None) => Sent::Kept(Rope::default()),
    };
    Ok(response)
}

/// The bytes of a copy that are there, or else the reader of those that come, as the client can take them.
async fn body(
    site: &Site,
    copy: &Copy,
    token: u64,
    asked: &HeaderMap,
    headers: &mut HeaderMap,
) -> Result<(Option<Vec<Bytes>>, Option<Growing>), Box<dyn Error + Send + Sync>> {
    // From here on the reader leaves when this is dropped.
    let growing = copy
        .reader()
        .map(|reader| Growing::new(site.desk.clone(), token, reader, copy.length()));
    let packed = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let here = || {
        let body = copy.body();
        body.map_or_else(Vec::new, |body| body.slices(0..body.len()).collect())
    };
    if !packed || Conditions::from_headers(asked).takes_gzip() {
        return Ok(match growing {
            Some(growing) => (None, Some(growing)),
            None => (Some(here()), None),
        });
    }
    let pieces = match growing {
        Some(growing) => all(growing).await?,
        None => here(),
    };
    plain(headers);
    Ok((Some(vec![unpacked(&pieces)?]), None))
}

/// What the origin sends for one request alone.
pub(crate) fn through(answered: Answered, name: &str, why: Forward) -> Response<Sent> {
    let (parts, ()) = answered.head.into_parts();
    let mut response = Response::new(Sent::Through(answered.body));
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    let headers = response.headers_mut();
    reuse::strip_hop_by_hop(headers);
    say(headers, name, why, parts.status);
    response
}

/// An answer without one from the origin.
pub(crate) fn refused(status: u16, name: &str) -> Response<Sent> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = text(
        status,
        "the origin gives no answer, and nothing of it is kept\n",
    );
    say(response.headers_mut(), name, Forward::UriMiss, status);
    response
}

fn say(headers: &mut HeaderMap, name: &str, why: Forward, status: StatusCode) {
    let mut said = CacheStatus::forwarded(why);
    said.name = name;
    said.forward_status = Some(status.as_u16());
    if let Ok(said) = said.to_string().parse() {
        headers.append(CACHE_STATUS, said);
    }
}

fn content_range(status: StatusCode, range: &Range<u64>, length: u64) -> Option<String> {
    match status {
        StatusCode::PARTIAL_CONTENT => {
            Some(format!("bytes {}-{}/{length}", range.start, range.end - 1))
        }
        StatusCode::RANGE_NOT_SATISFIABLE => Some(format!("bytes */{length}")),
        _ => None,
    }
}

/// The bytes of a range, uncopied.
fn cut(pieces: Vec<Bytes>, range: Range<u64>) -> Rope {
    let mut at = 0;
    let within = |piece: Bytes| {
        let length = piece.len() as u64;
        let from = range.start.clamp(at, at + length) - at;
        let to = range.end.clamp(at, at + length) - at;
        at += length;
        // Both are at most the length of a piece.
        piece.slice(usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0))
    };
    pieces.into_iter().map(within).collect()
}

/// Waits for all that still comes.
async fn all(mut growing: Growing) -> Result<Vec<Bytes>, Box<dyn Error + Send + Sync>> {
    let mut pieces = Vec::new();
    while let Some(frame) =
        std::future::poll_fn(|context| std::pin::Pin::new(&mut growing).poll_frame(context)).await
    {
        pieces.extend(frame?.into_data().ok());
    }
    Ok(pieces)
}

/// Of gzip, for who does not take it.
fn unpacked(pieces: &[Bytes]) -> std::io::Result<Bytes> {
    let mut plain = Vec::new();
    let packed = pieces.concat();
    let mut decoder = MultiGzDecoder::new(packed.as_slice()).take(PLAIN_MAX + 1);
    decoder.read_to_end(&mut plain)?;
    if plain.len() as u64 > PLAIN_MAX {
        return Err(std::io::Error::other("it unpacks to more than 16 MiB"));
    }
    Ok(plain.into())
}

/// The head of what was unpacked: another representation, equal in what it says.
fn plain(headers: &mut HeaderMap) {
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    let weak = tag.map(|tag| format!("W/{}", tag.trim_start_matches("W/")));
    if let Some(Ok(weak)) = weak.map(HeaderValue::try_from) {
        headers.insert(ETAG, weak);
    }
}
