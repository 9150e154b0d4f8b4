//! The wall clock, read in this one place.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the wall time in milliseconds since 1970; 0 for a clock set before that.
#[must_use]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A wall time as `2026-11-24_20-15-30`, in UTC: sorts as it was, and is a file's name on any system.
#[must_use]
pub fn file_date(unix_ms: u64) -> String {
    let seconds = unix_ms / 1_000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March here, so that the odd day is the last one of a year (the civil calendar of Gregory XIII).
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let of_400 = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_400 + of_400 / 4 - of_400 / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = era * 400 + of_400 + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}_{hour:02}-{minute:02}-{second:02}")
}

#[cfg(test)]
mod tests {
    use super::file_date;

    #[test]
    fn dates_of_files_are_those_of_the_calendar() {
        assert_eq!(file_date(0), "1970-01-01_00-00-00");
        assert_eq!(file_date(951_782_400_000), "2000-02-29_00-00-00");
        assert_eq!(file_date(1_795_464_000_000), "2026-11-23_20-00-00");
        assert_eq!(file_date(4_102_444_799_999), "2099-12-31_23-59-59");
    }
}
