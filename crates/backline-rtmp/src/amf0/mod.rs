//! AMF0, the format of commands and metadata.
//!
//! The reader takes any bytes: it neither panics nor allocates from a count or length that the bytes
//! merely declare. What it read, the writer writes again with the same meaning.

mod budget;
mod decode;
mod encode;

use crate::amf3;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) use budget::Budget;
pub(crate) use decode::Decoder;
pub use decode::decode;
pub use encode::encode;

/// Markers of AMF0 values (AMF0, 2.1).
mod marker {
    pub(super) const NUMBER: u8 = 0x00;
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const OBJECT: u8 = 0x03;
    pub(super) const NULL: u8 = 0x05;
    pub(super) const UNDEFINED: u8 = 0x06;
    pub(super) const REFERENCE: u8 = 0x07;
    pub(super) const ECMA_ARRAY: u8 = 0x08;
    pub(super) const OBJECT_END: u8 = 0x09;
    pub(super) const STRICT_ARRAY: u8 = 0x0A;
    pub(super) const DATE: u8 = 0x0B;
    pub(super) const LONG_STRING: u8 = 0x0C;
    pub(super) const UNSUPPORTED: u8 = 0x0D;
    pub(super) const XML: u8 = 0x0F;
    pub(super) const TYPED_OBJECT: u8 = 0x10;
    pub(super) const AMF3: u8 = 0x11;
}

/// Names and values, in the order of the wire; a name may come twice.
pub type Properties = Vec<(String, Value)>;

/// One AMF0 value.
///
/// Text that is not UTF-8 is read with U+FFFD in place of what is wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// An AMF3 value inside AMF0; AMF0 goes on behind it.
    Amf3(Box<amf3::Value>),
    /// True or false.
    Boolean(bool),
    /// Milliseconds since 1970 in UTC; the zone is reserved and ignored.
    Date(f64),
    /// An associative array. The count on the wire is only a hint and is not kept.
    EcmaArray(Properties),
    /// Nothing, on purpose.
    Null,
    /// A number.
    Number(f64),
    /// An anonymous object.
    Object(Properties),
    /// The index of an object that came earlier in the same body. It is not followed, so a value
    /// that contains itself costs nothing.
    Reference(u16),
    /// A dense array.
    StrictArray(Vec<Self>),
    /// Text; the writer picks the long form above 65 535 bytes.
    String(String),
    /// An object with a class name.
    TypedObject(String, Properties),
    /// Nothing, by accident.
    Undefined,
    /// A value that the writer could not express.
    Unsupported,
    /// An XML document as text.
    Xml(String),
}

impl Value {
    /// Returns the number, if this is one.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Amf3(value) => value.as_number(),
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Amf3(value) => value.as_str(),
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the first property of this name, if this is an object or an associative array.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.properties()
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Returns all properties; none, if this is neither an object nor an associative array.
    #[must_use]
    pub fn properties(&self) -> &[(String, Self)] {
        match self {
            Self::EcmaArray(properties)
            | Self::Object(properties)
            | Self::TypedObject(_, properties) => properties,
            _ => &[],
        }
    }

    /// Returns the text, if this is a string.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Amf3(value) => match *value {
                amf3::Value::String(text) => Some(text),
                _ => None,
            },
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns about how many bytes the value has on the wire.
    pub(crate) fn weight(&self) -> usize {
        let of = |properties: &[(String, Self)]| {
            let each = properties.iter().map(|(key, value)| {
                let head = key.len().saturating_add(2);
                value.weight().saturating_add(head)
            });
            each.fold(5, usize::saturating_add)
        };
        match self {
            Self::Amf3(value) => value.weight().saturating_add(1),
            Self::EcmaArray(properties) | Self::Object(properties) => of(properties),
            Self::TypedObject(class, properties) => of(properties).saturating_add(class.len()),
            Self::StrictArray(values) => {
                let each = values.iter().map(Self::weight);
                each.fold(5, usize::saturating_add)
            }
            Self::String(text) | Self::Xml(text) => text.len().saturating_add(3),
            _ => 9,
        }
    }
}
