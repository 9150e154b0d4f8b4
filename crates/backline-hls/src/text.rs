//! Numbers as text, without the formatting machinery: playlists are written for every part.

/// Decimal places of every duration in a playlist; more upset iOS (quirk 6).
pub(crate) const UNITS_PER_SECOND: u64 = 100_000;

/// Appends a decimal number.
pub(crate) fn push_u64(out: &mut String, value: u64) {
    let mut digits = [0u8; 20];
    let mut rest = value;
    let mut used = 0usize;
    for slot in digits.iter_mut().rev() {
        *slot = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    for digit in digits.iter().skip(digits.len().saturating_sub(used)) {
        out.push(char::from(*digit));
    }
}

/// Appends a number with leading zeros to `width`.
pub(crate) fn push_padded(out: &mut String, value: u64, width: u32) {
    for place in (1..width).rev() {
        if value < 10u64.saturating_pow(place) {
            out.push('0');
        }
    }
    push_u64(out, value);
}

/// Appends a duration in units of 10 microseconds as seconds with five decimals, always (PL-13).
pub(crate) fn push_units(out: &mut String, units: u64) {
    push_u64(out, units / UNITS_PER_SECOND);
    out.push('.');
    push_padded(out, units % UNITS_PER_SECOND, 5);
}

/// Rounds ticks of a timescale to the nearest unit of 10 microseconds: what a playlist prints.
pub(crate) fn units(ticks: u64, timescale: u32) -> u64 {
    let scale = u128::from(timescale.max(1));
    let scaled = u128::from(ticks)
        .saturating_mul(u128::from(UNITS_PER_SECOND))
        .saturating_add(scale / 2);
    u64::try_from(scaled.checked_div(scale).unwrap_or(0)).unwrap_or(u64::MAX)
}

/// Appends milliseconds since 1970 as `2026-11-23T20:00:00.000Z`.
pub(crate) fn push_date(out: &mut String, unix_ms: u64) {
    let days = unix_ms / 86_400_000;
    let (year, month, day) = civil(days);
    push_padded(out, year, 4);
    out.push('-');
    push_padded(out, month, 2);
    out.push('-');
    push_padded(out, day, 2);
    out.push('T');
    push_time(out, unix_ms % 86_400_000);
    out.push('Z');
}

/// Appends milliseconds as `20:00:00.000`; hours have as many digits as they need, two at least.
pub(crate) fn push_time(out: &mut String, ms: u64) {
    push_padded(out, ms / 3_600_000, 2);
    out.push(':');
    push_padded(out, ms / 60_000 % 60, 2);
    out.push(':');
    push_padded(out, ms / 1_000 % 60, 2);
    out.push('.');
    push_padded(out, ms % 1_000, 3);
}

/// Days since 1970-01-01 as year, month and day: eras of 400 years that begin on 1 March, so that leap days end one.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "days of a u64 of milliseconds are below 2^38"
)]
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests;
