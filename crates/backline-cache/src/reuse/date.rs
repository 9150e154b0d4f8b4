//! Dates of HTTP (RFC 9110, 5.6.7), to the second.

use std::time::{Duration, SystemTime};

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Reads a date of any of the three forms, all in UTC. `None` for what is none, or lies before 1970.
///
/// A year of two digits is taken for one up to 2069, which the form of RFC 850 leaves open.
#[must_use]
pub fn parse(value: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let mut words = text.split([' ', '-', ',']).filter(|word| !word.is_empty());
    let weekday = words.next()?;
    if !weekday.get(..3).is_some_and(|start| DAYS.contains(&start)) {
        return None;
    }
    let words: Vec<&str> = words.collect();
    let (day, month, year, time) = match *words.as_slice() {
        // Sun, 06 Nov 1994 08:49:37 GMT, and Sunday, 06-Nov-94 08:49:37 GMT
        [day, month, year, time, "GMT"] => (day, month, year, time),
        // Sun Nov  6 08:49:37 1994
        [month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|known| *known == month)?;
    let month = u64::try_from(month).ok()?.checked_add(1)?;
    let year = match (number(year)?, year.len()) {
        (short @ 0..=69, 2) => short.checked_add(2000)?,
        (short, 2) => short.checked_add(1900)?,
        (full, 4) => full,
        _ => return None,
    };
    let day = number(day).filter(|day| (1..=31).contains(day))?;
    let mut clock = time.split(':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // A leap second has the number 60.
    if clock.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_before(year, month)?.checked_add(day.checked_sub(1)?)?;
    let seconds = days
        .checked_mul(24)?
        .checked_add(hour)?
        .checked_mul(60)?
        .checked_add(minute)?
        .checked_mul(60)?
        .checked_add(second)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Writes a date in the form that is preferred. What lies before 1970 is written as its beginning.
#[must_use]
pub fn format(date: SystemTime) -> String {
    let seconds = date
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let days = seconds / DAY;
    let of_day = seconds % DAY;
    // No year is longer, so that this is the year or one shortly before it. A date beyond 9999 has no form.
    let mut year: u64 = (days / 366).saturating_add(1970).min(9999);
    while year < 9999 && days_before(year.saturating_add(1), 1).is_some_and(|first| first <= days) {
        year = year.saturating_add(1);
    }
    let begun = |month: &u64| days_before(year, *month).is_some_and(|first| first <= days);
    let month = (1..=12).filter(begun).max().unwrap_or(1);
    let day = days
        .saturating_sub(days_before(year, month).unwrap_or(0))
        .saturating_add(1);
    let name = |names: &[&'static str], at: u64| {
        let at = usize::try_from(at).unwrap_or(0);
        names.get(at).copied().unwrap_or_default()
    };
    format_args!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        name(&DAYS, days.saturating_add(4) % 7),
        name(&MONTHS, month.saturating_sub(1)),
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
    .to_string()
}

/// Days from 1970 to the first of a month.
fn days_before(year: u64, month: u64) -> Option<u64> {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let past = year.checked_sub(1)?;
    let leap_days = (past / 4)
        .checked_sub(past / 100)?
        .checked_add(past / 400)?
        .checked_sub(LEAP_DAYS_1970)?;
    let of_year = BEFORE.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    year.checked_sub(1970)?
        .checked_mul(365)?
        .checked_add(leap_days)?
        .checked_add(*of_year)?
        .checked_add(u64::from(is_leap && month > 2))
}

/// A number of digits only.
fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

const DAY: u64 = 24 * 60 * 60;
/// Leap days before 1970, by the rule of today.
const LEAP_DAYS_1970: u64 = 477;
