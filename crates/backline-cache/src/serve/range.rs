//! `Range` with one range (RFC 9110, 14.2), its open end written as 2^53-1 (RFC 8673).

use std::ops::Range;

/// Clients of RFC 8673 write this as the last position when they mean "whatever comes".
const OPEN_END: u64 = (1 << 53) - 1;

/// What a `Range` header comes to for a representation of known length.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Resolved {
    /// Send these bytes as 206.
    Part(Range<u64>),
    /// Nothing of it exists: 416.
    Unsatisfiable,
    /// Send everything as 200: the header is not of a kind that is served, which a server may
    /// always answer so. Several ranges are among that: they multiply the bytes of a reply.
    Whole,
}

/// Resolves the value of a `Range` header against a representation of `complete` bytes.
pub(super) fn resolve(value: &[u8], complete: u64) -> Resolved {
    let Some((first, last)) = parse(value) else {
        return Resolved::Whole;
    };
    match (first, last) {
        (Some(first), None) if first < complete => Resolved::Part(first..complete),
        (Some(first), Some(last)) if last < first => Resolved::Whole,
        (Some(first), Some(last)) if first < complete => {
            let end = if last >= OPEN_END {
                complete
            } else {
                complete.min(last.saturating_add(1))
            };
            Resolved::Part(first..end)
        }
        (None, Some(suffix)) if suffix > 0 => {
            Resolved::Part(complete.saturating_sub(suffix)..complete)
        }
        (Some(_), _) | (None, Some(_)) => Resolved::Unsatisfiable,
        (None, None) => Resolved::Whole,
    }
}

/// Reads `bytes=first-last`, `bytes=first-` or `bytes=-suffix`; `None` for all else.
fn parse(value: &[u8]) -> Option<(Option<u64>, Option<u64>)> {
    let value = std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
    let (unit, set) = value.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim_matches([' ', '\t']).split_once('-')?;
    Some((position(first)?, position(last)?))
}

/// Reads an optional position. Digits beyond 64 bits are as good as the largest number.
#[expect(
    clippy::option_option,
    reason = "absent and malformed are different answers"
)]
fn position(digits: &str) -> Option<Option<u64>> {
    if digits.is_empty() {
        return Some(None);
    }
    digits
        .bytes()
        .all(|digit| digit.is_ascii_digit())
        .then(|| Some(digits.parse().unwrap_or(u64::MAX)))
}
