//! Durations as a rule writes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A duration, plain or in target durations of the stream: `"10m"`, `"1.5s"`, `"6td"`.
///
/// Units: `ms`, `s`, `m`, `h`, `d`, `td`. Up to three decimals. `0` needs a unit as well.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Span {
    /// Thousandths of the stream's target duration.
    Targets(u32),
    /// The same for every stream.
    Time(Duration),
}

/// Not a duration.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "expected a number with one of the units ms, s, m, h, d, td, such as \"6td\"; byte {at} is not of that form"
)]
#[non_exhaustive]
pub struct SpanError {
    /// Offset of the first byte that does not fit.
    pub at: usize,
}

impl Span {
    /// The duration for a stream of this target duration.
    #[must_use]
    pub fn resolve(self, target: Duration) -> Duration {
        match self {
            Self::Targets(thousandths) => {
                // In seconds and the rest of one, so that no product is too large for what it is kept in.
                let of = |part: Duration| part.saturating_mul(thousandths).as_nanos();
                let whole = of(Duration::from_secs(target.as_secs()));
                let rest = of(Duration::from_nanos(target.subsec_nanos().into()));
                let ns = whole.saturating_add(rest).checked_div(1_000);
                ns.and_then(|ns| u64::try_from(ns).ok())
                    .map_or(Duration::MAX, Duration::from_nanos)
            }
            Self::Time(time) => time,
        }
    }

    /// Tells whether it is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        match self {
            Self::Targets(thousandths) => thousandths == 0,
            Self::Time(time) => time.is_zero(),
        }
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole_end = digits(text);
        let rest = text.get(whole_end..).unwrap_or_default();
        let (decimals, unit_at) = match rest.strip_prefix('.') {
            None => ("", whole_end),
            Some(after) => {
                let count = digits(after);
                let from = whole_end.saturating_add(1);
                if !(1..=3).contains(&count) {
                    return Err(SpanError { at: from });
                }
                (
                    after.get(..count).unwrap_or_default(),
                    from.saturating_add(count),
                )
            }
        };
        // Nine digits of days are more than anybody lives, and their milliseconds fit 64 bits.
        if !(1..=9).contains(&whole_end) {
            return Err(SpanError { at: 0 });
        }
        let number = |digits: &str| digits.parse::<u64>().unwrap_or(0);
        let scale = [1_000, 100, 10, 1];
        let part = number(decimals).saturating_mul(scale.get(decimals.len()).copied().unwrap_or(0));
        let thousandths = number(text.get(..whole_end).unwrap_or_default())
            .saturating_mul(1_000)
            .saturating_add(part);
        let ms_each = match text.get(unit_at..).unwrap_or_default() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "td" => {
                return u32::try_from(thousandths)
                    .map(Self::Targets)
                    .map_err(|_| SpanError { at: 0 });
            }
            _ => return Err(SpanError { at: unit_at }),
        };
        let us = u64::checked_mul(thousandths, ms_each).ok_or(SpanError { at: 0 })?;
        Ok(Self::Time(Duration::from_micros(us)))
    }
}

impl fmt::Display for Span {
    /// Writes it in the largest unit that needs no more than three decimals.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (thousandths, unit) = match *self {
            Self::Targets(thousandths) => (u128::from(thousandths), "td"),
            Self::Time(time) => {
                let us = time.as_micros();
                let units: [(u128, _); 4] = [
                    (86_400_000, "d"),
                    (3_600_000, "h"),
                    (60_000, "m"),
                    (1_000, "s"),
                ];
                units
                    .into_iter()
                    .filter(|(ms, _)| us.checked_rem(*ms) == Some(0))
                    .filter_map(|(ms, unit)| Some((us.checked_div(ms)?, unit)))
                    .find(|(thousandths, _)| *thousandths >= 1_000)
                    .unwrap_or((us, "ms"))
            }
        };
        write!(out, "{}", thousandths / 1_000)?;
        let part = thousandths % 1_000;
        if part > 0 {
            let digits = format_args!("{part:03}").to_string();
            write!(out, ".{}", digits.trim_end_matches('0'))?;
        }
        out.write_str(unit)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText::<Self>::new())
    }
}

/// Reads what is written as text.
#[cfg(feature = "serde")]
pub(super) struct FromText<T>(std::marker::PhantomData<T>);

#[cfg(feature = "serde")]
impl<T> FromText<T> {
    pub(super) const fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

#[cfg(feature = "serde")]
impl<T: FromStr<Err: fmt::Display>> serde::de::Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}
