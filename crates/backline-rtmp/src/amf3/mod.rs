//! AMF3, which newer Flash clients put inside of AMF0.
//!
//! The reader takes any bytes: it neither panics nor allocates from a count or length that the bytes merely declare.
//! What it read, the writer writes again with the same meaning. Each value has tables of its own.

mod decode;
mod encode;

use crate::amf0;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::Bytes;

pub use decode::decode;
pub(crate) use decode::read;
pub use encode::encode;
pub(crate) use encode::write;

/// Markers of AMF3 values (AMF3, 3.1).
mod marker {
    pub(super) const UNDEFINED: u8 = 0x00;
    pub(super) const NULL: u8 = 0x01;
    pub(super) const FALSE: u8 = 0x02;
    pub(super) const TRUE: u8 = 0x03;
    pub(super) const INTEGER: u8 = 0x04;
    pub(super) const DOUBLE: u8 = 0x05;
    pub(super) const STRING: u8 = 0x06;
    pub(super) const XML_DOCUMENT: u8 = 0x07;
    pub(super) const DATE: u8 = 0x08;
    pub(super) const ARRAY: u8 = 0x09;
    pub(super) const OBJECT: u8 = 0x0A;
    pub(super) const XML: u8 = 0x0B;
    pub(super) const BYTE_ARRAY: u8 = 0x0C;
    pub(super) const VECTOR_INT: u8 = 0x0D;
    pub(super) const VECTOR_UINT: u8 = 0x0E;
    pub(super) const VECTOR_DOUBLE: u8 = 0x0F;
    pub(super) const VECTOR_OBJECT: u8 = 0x10;
    pub(super) const DICTIONARY: u8 = 0x11;
}

/// The bits of the number before an object (AMF3, 3.12): a reference has none, and neither has one to traits the
/// second.
mod object {
    pub(super) const INLINE: u32 = 0x01;
    pub(super) const INLINE_TRAITS: u32 = 0x02;
    pub(super) const EXTERNAL: u32 = 0x04;
    pub(super) const DYNAMIC: u32 = 0x08;
}

/// Names and values, in the order of the wire; a name may come twice.
pub type Properties = Vec<(String, Value)>;

/// One AMF3 value.
///
/// Text that is not UTF-8 is read with U+FFFD in place of what is wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// An array: values by number, and values by name beside them.
    Array {
        /// By number.
        dense: Vec<Self>,
        /// By name; the wire cannot have an empty one.
        named: Properties,
    },
    /// True or false.
    Boolean(bool),
    /// Bytes.
    ByteArray(Bytes),
    /// Milliseconds since 1970 in UTC.
    Date(f64),
    /// Keys of any kind, and their values.
    Dictionary {
        /// Keys and values.
        entries: Vec<(Self, Self)>,
        /// Whether its keys are held weakly.
        weak: bool,
    },
    /// A number.
    Double(f64),
    /// An object that writes itself, and holds one value: Flex has several of these. Others cannot be read, since only
    /// their class knows where they end.
    External {
        /// Its class.
        class: String,
        /// What it holds.
        value: Box<Self>,
    },
    /// A whole number of 29 bits, from -268 435 456 to 268 435 455. The writer makes a [`Double`](Self::Double) of what
    /// is beyond.
    Integer(i32),
    /// Nothing, on purpose.
    Null,
    /// An object.
    Object {
        /// Its class; empty if it has none.
        class: String,
        /// What its class says that it has.
        sealed: Properties,
        /// What else it has, for a class that allows it; the wire cannot have an empty name.
        dynamic: Option<Properties>,
    },
    /// An object that came earlier in the same value; arrays, dates, byte arrays and the like count as objects. It is
    /// not followed, so a value that contains itself costs nothing.
    Reference {
        /// Its number in the order of their beginnings, from 0.
        index: u32,
        /// The marker of the kind that it is said to be, such as 0x0A for an object.
        marker: u8,
    },
    /// Text.
    String(String),
    /// Nothing, by accident.
    Undefined,
    /// Numbers.
    VectorDouble {
        /// Whether their count is fixed.
        fixed: bool,
        /// The numbers.
        values: Vec<f64>,
    },
    /// Whole numbers with a sign.
    VectorInt {
        /// Whether their count is fixed.
        fixed: bool,
        /// The numbers.
        values: Vec<i32>,
    },
    /// Values of one class.
    VectorObject {
        /// The class; empty or `*` for any.
        class: String,
        /// Whether their count is fixed.
        fixed: bool,
        /// The values.
        values: Vec<Self>,
    },
    /// Whole numbers without a sign.
    VectorUint {
        /// Whether their count is fixed.
        fixed: bool,
        /// The numbers.
        values: Vec<u32>,
    },
    /// An XML document as text (E4X).
    Xml(String),
    /// An XML document as text, of the older kind.
    XmlDocument(String),
}

impl Value {
    /// Returns the number, if this is one.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Double(number) => Some(*number),
            Self::Integer(number) => Some(f64::from(*number)),
            _ => None,
        }
    }

    /// Returns the text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns about how many bytes the value has on the wire.
    pub(crate) fn weight(&self) -> usize {
        let sum = |weights: &mut dyn Iterator<Item = usize>| weights.fold(5, usize::saturating_add);
        let list = |values: &[Self]| sum(&mut values.iter().map(Self::weight));
        let of = |properties: &Properties| {
            let each = |(name, value): &(String, Self)| {
                value.weight().saturating_add(name.len().saturating_add(2))
            };
            sum(&mut properties.iter().map(each))
        };
        match self {
            Self::Array { dense, named } => list(dense).saturating_add(of(named)),
            Self::ByteArray(bytes) => bytes.len().saturating_add(5),
            Self::Dictionary { entries, .. } => {
                let each =
                    |(key, value): &(Self, Self)| key.weight().saturating_add(value.weight());
                sum(&mut entries.iter().map(each))
            }
            Self::External { class, value } => value.weight().saturating_add(class.len()),
            Self::Object {
                class,
                sealed,
                dynamic,
            } => {
                let dynamic = dynamic.as_ref().map_or(0, of);
                of(sealed)
                    .saturating_add(dynamic)
                    .saturating_add(class.len())
            }
            Self::String(text) | Self::Xml(text) | Self::XmlDocument(text) => {
                text.len().saturating_add(5)
            }
            Self::VectorDouble { values, .. } => size_of_val(&**values).saturating_add(6),
            Self::VectorInt { values, .. } => size_of_val(&**values).saturating_add(6),
            Self::VectorObject { class, values, .. } => list(values).saturating_add(class.len()),
            Self::VectorUint { values, .. } => size_of_val(&**values).saturating_add(6),
            _ => 9,
        }
    }

    /// Returns what comes nearest in AMF0: numbers lose their kind, and what AMF0 cannot say becomes
    /// [`Unsupported`](amf0::Value::Unsupported).
    #[must_use]
    pub fn to_amf0(&self) -> amf0::Value {
        let properties = |properties: &Properties| -> amf0::Properties {
            properties
                .iter()
                .map(|(name, value)| (name.clone(), value.to_amf0()))
                .collect()
        };
        let list = |values: &[Self]| values.iter().map(Self::to_amf0).collect();
        match self {
            Self::Array { dense, named } if named.is_empty() => {
                amf0::Value::StrictArray(list(dense))
            }
            Self::Array { dense, named } => {
                let numbered = (0_usize..).zip(dense);
                let numbered = numbered.map(|(at, value)| (at.to_string(), value.to_amf0()));
                amf0::Value::EcmaArray(properties(named).into_iter().chain(numbered).collect())
            }
            Self::Boolean(on) => amf0::Value::Boolean(*on),
            Self::Date(unix_ms) => amf0::Value::Date(*unix_ms),
            Self::Double(number) => amf0::Value::Number(*number),
            Self::External { value, .. } => value.to_amf0(),
            Self::Integer(number) => amf0::Value::Number(f64::from(*number)),
            Self::Null => amf0::Value::Null,
            Self::Object {
                class,
                sealed,
                dynamic,
            } => {
                let mut all = properties(sealed);
                all.extend(dynamic.iter().flat_map(properties));
                match class.as_str() {
                    "" => amf0::Value::Object(all),
                    class => amf0::Value::TypedObject(class.to_string(), all),
                }
            }
            Self::String(text) => amf0::Value::String(text.clone()),
            Self::Undefined => amf0::Value::Undefined,
            Self::VectorDouble { values, .. } => numbers(values.iter().copied()),
            Self::VectorInt { values, .. } => numbers(values.iter().copied().map(f64::from)),
            Self::VectorUint { values, .. } => numbers(values.iter().copied().map(f64::from)),
            Self::VectorObject { values, .. } => amf0::Value::StrictArray(list(values)),
            Self::Xml(text) | Self::XmlDocument(text) => amf0::Value::Xml(text.clone()),
            Self::ByteArray(_) | Self::Dictionary { .. } | Self::Reference { .. } => {
                amf0::Value::Unsupported
            }
        }
    }
}

fn numbers(numbers: impl Iterator<Item = f64>) -> amf0::Value {
    amf0::Value::StrictArray(numbers.map(amf0::Value::Number).collect())
}
