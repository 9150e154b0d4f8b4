//! Sets of status codes.

use std::fmt;
use std::str::FromStr;

/// One status or a hundred of them: `"404"`, `"5xx"`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Statuses {
    first: u16,
    last: u16,
}

/// Neither of the two.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a status such as 404, or a class of them such as 5xx")]
#[non_exhaustive]
pub struct StatusesError;

impl Statuses {
    /// One status.
    ///
    /// # Errors
    ///
    /// [`StatusesError`] unless it has three digits and is not informational.
    pub const fn one(status: u16) -> Result<Self, StatusesError> {
        if status < 200 || status > 599 {
            return Err(StatusesError);
        }
        Ok(Self {
            first: status,
            last: status,
        })
    }

    /// Tells whether a status is one of these.
    #[must_use]
    pub const fn contains(self, status: u16) -> bool {
        self.first <= status && status <= self.last
    }

    /// Tells whether all of `other` are among these.
    pub(super) const fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// Tells whether these are errors.
    pub(super) const fn are_errors(self) -> bool {
        self.first >= 400
    }
}

impl FromStr for Statuses {
    type Err = StatusesError;

    fn from_str(text: &str) -> Result<Self, StatusesError> {
        match text.as_bytes() {
            [digit @ b'2'..=b'5', b'x', b'x'] => {
                let first = u16::from(digit.saturating_sub(b'0')).saturating_mul(100);
                Ok(Self {
                    first,
                    last: first.saturating_add(99),
                })
            }
            [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] => {
                text.parse().map_or(Err(StatusesError), Self::one)
            }
            _ => Err(StatusesError),
        }
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(out, "{}", self.first)
        } else {
            write!(out, "{}xx", self.first / 100)
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Statuses {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Statuses {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Statuses;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a status such as 404, or a class of them such as \"5xx\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Statuses, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, status: i64) -> Result<Statuses, E> {
                u16::try_from(status)
                    .map_or(Err(StatusesError), Statuses::one)
                    .map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, status: u64) -> Result<Statuses, E> {
                u16::try_from(status)
                    .map_or(Err(StatusesError), Statuses::one)
                    .map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
