//! Values in playlists: numbers, durations, dates.

use core::time::Duration;

/// `u64::from_str` would take a sign.
pub(super) fn integer(text: &str) -> Option<u64> {
    let decimal = !text.is_empty() && text.len() <= 20 && is_digits(text);
    decimal.then(|| text.parse().ok()).flatten()
}

/// Seconds with or without decimals; what is below a nanosecond is cut.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if !is_digits(decimals) || (whole.is_empty() && decimals.is_empty()) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { integer(whole)? };
    Some(Duration::new(whole, fraction(decimals, 9)))
}

/// Seconds with a sign, in nanoseconds.
pub(super) fn signed_ns(text: &str) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let ns = i64::try_from(seconds(text)?.as_nanos()).ok()?;
    Some(if negative { ns.saturating_neg() } else { ns })
}

/// Thousandths of a number with decimals, such as a frame rate.
pub(super) fn thousandths(text: &str) -> Option<u64> {
    u64::try_from(seconds(text)?.as_millis()).ok()
}

/// The first `places` decimals as an integer.
fn fraction(decimals: &str, places: u32) -> u32 {
    let mut value: u32 = 0;
    let mut digits = decimals.bytes();
    for _ in 0..places {
        let digit = digits.next().map_or(0, |byte| byte.wrapping_sub(b'0'));
        value = value.saturating_mul(10).saturating_add(u32::from(digit));
    }
    value
}

/// `WxH` in pixels.
pub(super) fn resolution(text: &str) -> Option<(u64, u64)> {
    let (width, height) = text.split_once('x')?;
    Some((integer(width)?, integer(height)?))
}

/// A date of ISO 8601 with its zone (`Z`, `+00:00`, `+0000` or `+00`) as microseconds since 1970; without one it
/// is UTC.
pub(super) fn date_us(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (clock, zone_min) = zone(time)?;
    let mut fields = date.split('-');
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
    let (year, month, day) = (
        field(year, 4, 0..=9_999)?,
        field(month, 2, 1..=12)?,
        field(day, 2, 1..=31)?,
    );
    let mut parts = clock.split(':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let (second, decimals) = match parts.next() {
        Some(text) => text.split_once('.').unwrap_or((text, "")),
        None => ("00", ""),
    };
    if fields.next().is_some() || parts.next().is_some() || !is_digits(decimals) {
        return None;
    }
    // A leap second is read as the one after it.
    let (hour, minute, second) = (
        field(hour, 2, 0..=24)?,
        field(minute, 2, 0..=59)?,
        field(second, 2, 0..=60)?,
    );
    let minutes = days(year, month, day)
        .saturating_mul(24)
        .saturating_add(hour)
        .saturating_mul(60)
        .saturating_add(minute)
        .saturating_sub(zone_min);
    let seconds = minutes.saturating_mul(60).saturating_add(second);
    let micros = i64::from(fraction(decimals, 6));
    Some(seconds.saturating_mul(1_000_000).saturating_add(micros))
}

/// Splits a time into its clock and the minutes of its zone.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (clock, zone) = time.split_at_checked(at)?;
    let digits = zone.get(1..)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(pair) => pair,
        None => digits.split_at_checked(2)?,
    };
    let minutes = if minutes.is_empty() { "00" } else { minutes };
    let all = field(hours, 2, 0..=23)?
        .saturating_mul(60)
        .saturating_add(field(minutes, 2, 0..=59)?);
    let west = zone.starts_with('-');
    Some((clock, if west { all.saturating_neg() } else { all }))
}

fn field(text: &str, width: usize, range: core::ops::RangeInclusive<i64>) -> Option<i64> {
    if text.len() != width || !is_digits(text) {
        return None;
    }
    text.parse().ok().filter(|value| range.contains(value))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Days since 1970 by the civil calendar, counting years from March so that leap days end one.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "years have four digits, months and days two"
)]
fn days(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leaps = shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400);
    365 * shifted + leaps + day_of_year - 719_468
}

#[cfg(test)]
mod tests;
