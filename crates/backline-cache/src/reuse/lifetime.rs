//! Whether an answer may be kept and shared, and for how long (RFC 9111, 3 and 4.2; RFC 5861).

use std::time::{Duration, SystemTime};

use http::header::{AGE, AUTHORIZATION, DATE, EXPIRES, HeaderMap, HeaderValue, SET_COOKIE, VIA};

use super::control::Control;
use super::{date, targeted};
use crate::pull::Lifetime;
use crate::rules::{Class, Treatment};

/// When an answer came.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "these two are what RFC 9111, 4.2.3 asks for"
)]
pub struct Clock {
    /// How long its head took to come, which counts as age. Where the origin held the request until the answer
    /// existed, the time on the way only.
    pub delay: Duration,
    /// The time of day when its head was there.
    pub received: SystemTime,
}

/// How long an answer may be kept and shared. The treatment's own lifetimes outrank what the origin says, and
/// its defaults stand in for what it does not say; but nothing is shared that may not be: `private`, `no-store`,
/// a cookie, an answer to `Authorization`, `Vary: *`, a part of a body.
///
/// An error at a name of live media other than 410 lives only as long as a rule says: what is missing may be
/// there a moment later.
#[must_use]
pub fn lifetime(
    request: &HeaderMap,
    status: u16,
    response: &HeaderMap,
    treatment: &Treatment,
    clock: Clock,
) -> Lifetime {
    let targeted = targeted::read(response);
    let control = targeted.unwrap_or_else(|| Control::read(response));
    let explicit = control
        .s_maxage
        .or(control.max_age)
        .map(Duration::from_secs)
        .or_else(|| {
            // RFC 9213, 2.1: beside a targeted field the others do not count.
            targeted.is_none().then(|| expires(response, clock))?
        });
    let (ruled, default) = if status < 400 {
        (treatment.ttl, treatment.default_ttl)
    } else {
        (treatment.neg_ttl, default_of_error(status, treatment))
    };
    let kept_by_default = BY_DEFAULT.contains(&status);
    let age = age(response, clock);
    // What the origin says counts from when it made the answer, what is decided here from when it came.
    let from_now = |ttl: Duration| ttl.saturating_add(age);
    let ttl = match (ruled, explicit) {
        _ if control.no_cache => Duration::ZERO,
        (Some(ttl), _) => from_now(ttl),
        (None, Some(ttl)) => ttl,
        (None, None) if kept_by_default && !default.is_zero() => from_now(default),
        (None, None) => Duration::ZERO,
    };
    let mut lifetime = Lifetime::fresh_for(ttl);
    lifetime.age = age;
    lifetime.store = is_shareable(request, response, control)
        && !treatment.bypass
        && !matches!(status, 0..=199 | 206 | 304)
        && (kept_by_default || explicit.is_some() || control.public || ruled.is_some());
    let stale_is_said =
        control.stale_if_error.is_some() || control.stale_while_revalidate.is_some();
    // `s-maxage` says it as well (5.2.2.10), unless the origin allows staleness in the same breath.
    lifetime.must_revalidate = control.must_revalidate
        || control.no_cache
        || (control.s_maxage.is_some() && !stale_is_said && treatment.ttl.is_none());
    if !lifetime.must_revalidate {
        let said = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        lifetime.stale_if_error = treatment.stale_if_error(said(control.stale_if_error));
        lifetime.stale_while_revalidate =
            treatment.stale_while_revalidate(said(control.stale_while_revalidate));
    }
    lifetime
}

/// Tells whether others may see an answer at all.
fn is_shareable(request: &HeaderMap, response: &HeaderMap, control: Control) -> bool {
    let for_all = super::vary(response)
        .is_some_and(|names| names.split(|&byte| byte == b',').any(|name| name == b"*"));
    !control.private
        && !control.no_store
        && !for_all
        && !response.contains_key(SET_COOKIE)
        && !request.contains_key(AUTHORIZATION)
        && !Control::read(request).no_store
}

/// How long an error lives that nobody says anything of.
fn default_of_error(status: u16, treatment: &Treatment) -> Duration {
    let is_live = matches!(
        treatment.class,
        Class::Init | Class::Part | Class::Playlist | Class::Segment
    );
    if is_live && status != 410 {
        Duration::ZERO
    } else {
        treatment.default_neg_ttl
    }
}

/// `Expires`, counted from `Date`. What is no date has passed, and so has the second of two (5.3).
fn expires(response: &HeaderMap, clock: Clock) -> Option<Duration> {
    let mut lines = response.get_all(EXPIRES).iter();
    let first = lines.next()?;
    if lines.next().is_some() {
        return Some(Duration::ZERO);
    }
    let date = response
        .get(DATE)
        .map(HeaderValue::as_bytes)
        .and_then(date::parse)
        .unwrap_or(clock.received);
    let left = date::parse(first.as_bytes()).and_then(|end| end.duration_since(date).ok());
    Some(left.unwrap_or(Duration::ZERO))
}

/// The age on arrival (4.2.3). `Date` is compared with our own clock only where a hop was HTTP/1.0, which may
/// not have counted: the clock of a box without a network may be wrong by years.
fn age(response: &HeaderMap, clock: Clock) -> Duration {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::trim).map(str::to_owned);
    let said = response
        .get(AGE)
        .and_then(text)
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
        .map_or(0, |digits| digits.parse().unwrap_or(u64::MAX).min(1 << 31));
    let corrected = Duration::from_secs(said).saturating_add(clock.delay);
    let old_hop = response.get_all(VIA).iter().filter_map(text).any(|line| {
        line.split(',')
            .any(|hop| hop.trim_start().starts_with("1.0"))
    });
    let apparent = response
        .get(DATE)
        .filter(|_| old_hop)
        .and_then(|date| date::parse(date.as_bytes()))
        .and_then(|date| clock.received.duration_since(date).ok());
    corrected.max(apparent.unwrap_or(Duration::ZERO))
}

/// Statuses that may be kept where nothing is said of it (RFC 9110, 15.1), those of parts left out.
const BY_DEFAULT: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];
