//! Conditions of rules: what is compared, with what, and how it came out.

use std::fmt;

use super::{Asked, Class, Glob, Statuses, Surroundings, Uplink};

/// What a condition is about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Field {
    /// [`Surroundings::air`].
    Air,
    /// [`Surroundings::battery_min`].
    BatteryMin,
    /// [`Asked::class`].
    Class,
    /// [`Surroundings::disk_free_mb`].
    DiskFreeMb,
    /// [`Asked::held`].
    Held,
    /// [`Surroundings::loss`].
    Loss,
    /// [`Surroundings::metered`].
    Metered,
    /// [`Asked::path`].
    Path,
    /// [`Surroundings::rtt_ms`].
    RttMs,
    /// [`Surroundings::saturated`].
    Saturated,
    /// [`Asked::status`].
    Status,
    /// [`Surroundings::uplink`].
    Uplink,
    /// [`Surroundings::viewers`].
    Viewers,
}

impl Field {
    /// Its name, as rules have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Air => "air",
            Self::BatteryMin => "battery_min",
            Self::Class => "class",
            Self::DiskFreeMb => "disk_free_mb",
            Self::Held => "held",
            Self::Loss => "loss",
            Self::Metered => "metered",
            Self::Path => "path",
            Self::RttMs => "rtt_ms",
            Self::Saturated => "saturated",
            Self::Status => "status",
            Self::Uplink => "uplink",
            Self::Viewers => "viewers",
        }
    }

    pub(super) fn value<'a>(self, asked: &Asked<'a>, house: &Surroundings) -> Value<'a> {
        let number = |value: Option<u64>| value.map_or(Value::Unknown, Value::Number);
        let flag = |value: Option<bool>| value.map_or(Value::Unknown, Value::Flag);
        match self {
            Self::Air => number(house.air.map(u64::from)),
            Self::BatteryMin => number(house.battery_min.map(u64::from)),
            Self::Class => asked.class.map_or(Value::Unknown, Value::Class),
            Self::DiskFreeMb => number(house.disk_free_mb),
            Self::Held => Value::Flag(asked.held),
            Self::Loss => number(house.loss.map(u64::from)),
            Self::Metered => flag(house.metered),
            Self::Path => Value::Path(asked.path),
            Self::RttMs => number(house.rtt_ms.map(u64::from)),
            Self::Saturated => flag(house.saturated),
            Self::Status => number(asked.status.map(u64::from)),
            Self::Uplink => house.uplink.map_or(Value::Unknown, Value::Uplink),
            Self::Viewers => number(house.viewers.map(u64::from)),
        }
    }
}

/// What it has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Wanted<'a> {
    /// A larger number.
    Above(u64),
    /// A smaller number.
    Below(u64),
    /// One of these.
    Class(&'a [Class]),
    /// The same.
    Flag(bool),
    /// A path of this pattern.
    Path(&'a Glob),
    /// One of these.
    Status(Statuses),
    /// The same.
    Uplink(Uplink),
}

impl Wanted<'_> {
    pub(super) fn holds(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Above(least), Value::Number(value)) => value > least,
            (Self::Below(most), Value::Number(value)) => value < most,
            (Self::Class(classes), Value::Class(class)) => classes.contains(class),
            (Self::Flag(wanted), Value::Flag(value)) => wanted == value,
            (Self::Path(glob), Value::Path(path)) => glob.matches(path),
            (Self::Status(statuses), Value::Number(status)) => {
                u16::try_from(*status).is_ok_and(|status| statuses.contains(status))
            }
            (Self::Uplink(wanted), Value::Uplink(value)) => wanted == value,
            _ => false,
        }
    }

    /// Tells whether whatever meets `other` meets this too. Both are about the same field.
    pub(super) fn follows_from(&self, other: &Wanted<'_>) -> bool {
        match (self, other) {
            (Self::Above(ours), Wanted::Above(theirs)) => theirs >= ours,
            (Self::Below(ours), Wanted::Below(theirs)) => theirs <= ours,
            (Self::Class(ours), Wanted::Class(theirs)) => {
                theirs.iter().all(|class| ours.contains(class))
            }
            (Self::Flag(ours), Wanted::Flag(theirs)) => ours == theirs,
            (Self::Path(ours), Wanted::Path(theirs)) => ours.covers(theirs),
            (Self::Status(ours), Wanted::Status(theirs)) => ours.covers(*theirs),
            (Self::Uplink(ours), Wanted::Uplink(theirs)) => ours == theirs,
            _ => false,
        }
    }
}

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Above(least) => write!(out, "above {least}"),
            Self::Below(most) => write!(out, "below {most}"),
            Self::Class(classes) => {
                for (index, class) in classes.iter().enumerate() {
                    let between = if index == 0 { "" } else { " or " };
                    write!(out, "{between}{}", class.name())?;
                }
                Ok(())
            }
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::Path(glob) => write!(out, "{glob}"),
            Self::Status(statuses) => write!(out, "{statuses}"),
            Self::Uplink(uplink) => write!(out, "{uplink}"),
        }
    }
}

/// What it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// What the object is.
    Class(Class),
    /// Yes or no.
    Flag(bool),
    /// A measure or a status.
    Number(u64),
    /// The path.
    Path(&'a str),
    /// Nobody knows; no condition holds about it.
    Unknown,
    /// The uplink.
    Uplink(Uplink),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => out.write_str(class.name()),
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Path(path) => out.write_str(path),
            Self::Unknown => out.write_str("unknown"),
            Self::Uplink(uplink) => write!(out, "{uplink}"),
        }
    }
}

impl fmt::Display for Uplink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Down => "down",
            Self::Up => "up",
        })
    }
}

/// One condition of a rule, compared with what is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison<'a> {
    /// What it is about.
    pub field: Field,
    /// Whether it holds.
    pub holds: bool,
    /// What it is.
    pub value: Value<'a>,
    /// What it had to be.
    pub wanted: Wanted<'a>,
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            holds,
            value,
            wanted,
        } = self;
        let not = if *holds { "" } else { "not " };
        write!(out, "{} is {value}, {not}{wanted}", field.name())
    }
}
