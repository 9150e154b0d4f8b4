//! AMF0 in.

use super::{Budget, Properties, Value, marker};
use crate::read::Reader;
use crate::{Error, Limits, amf3};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Reads all values of a body, one after the other.
///
/// # Errors
/// A value that is cut off, an unknown marker, or a breached cap of `limits`.
pub fn decode(body: &[u8], limits: &Limits) -> Result<Vec<Value>, Error> {
    Decoder::new(body, limits).collect()
}

/// Reads the values of one body; the caps hold for the whole of it.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    pub(crate) reader: Reader<'a>,
    pub(crate) budget: Budget<'a>,
}

impl Iterator for Decoder<'_> {
    type Item = Result<Value, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let value = self.value(0);
        if value.is_err() {
            // What follows a broken value cannot be found.
            self.reader = Reader::new(&[]);
        }
        Some(value)
    }
}

impl<'a> Decoder<'a> {
    pub(crate) const fn new(body: &'a [u8], limits: &'a Limits) -> Self {
        Self {
            reader: Reader::new(body),
            budget: Budget::new(limits),
        }
    }

    fn value(&mut self, depth: u32) -> Result<Value, Error> {
        let at = self.reader.at();
        self.budget.enter(at, depth)?;
        let depth = depth.saturating_add(1);
        Ok(match self.reader.u8()? {
            marker::NUMBER => Value::Number(self.reader.f64()?),
            marker::BOOLEAN => Value::Boolean(self.reader.u8()? != 0),
            marker::STRING => Value::String(self.short_string()?),
            marker::OBJECT => Value::Object(self.properties(depth)?),
            marker::NULL => Value::Null,
            marker::UNDEFINED => Value::Undefined,
            marker::REFERENCE => Value::Reference(self.reader.u16()?),
            marker::ECMA_ARRAY => {
                // The count is a hint that many writers get wrong.
                self.reader.u32()?;
                Value::EcmaArray(self.properties(depth)?)
            }
            marker::STRICT_ARRAY => self.strict_array(depth)?,
            marker::DATE => {
                let unix_ms = self.reader.f64()?;
                self.reader.u16()?;
                Value::Date(unix_ms)
            }
            marker::LONG_STRING => Value::String(self.long_string()?),
            marker::UNSUPPORTED => Value::Unsupported,
            marker::XML => Value::Xml(self.long_string()?),
            marker::TYPED_OBJECT => {
                let class = self.short_string()?;
                Value::TypedObject(class, self.properties(depth)?)
            }
            marker::AMF3 => {
                let value = amf3::read(&mut self.reader, &mut self.budget, depth)?;
                Value::Amf3(Box::new(value))
            }
            marker => return Err(Error::AmfMarker { at, marker }),
        })
    }

    fn properties(&mut self, depth: u32) -> Result<Properties, Error> {
        let mut properties = Properties::new();
        // Some encoders leave the end marker out at the end of the body.
        while !self.reader.is_empty() {
            let key = self.short_string()?;
            if key.is_empty() && self.reader.rest().first() == Some(&marker::OBJECT_END) {
                self.reader.u8()?;
                break;
            }
            let value = self.value(depth)?;
            properties.push((key, value));
        }
        Ok(properties)
    }

    fn strict_array(&mut self, depth: u32) -> Result<Value, Error> {
        let count = self.reader.u32()?;
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value(depth)?);
        }
        Ok(Value::StrictArray(values))
    }

    /// Reads a name as it stands before a value: a length of two bytes and so many bytes.
    pub(crate) fn short_string(&mut self) -> Result<String, Error> {
        let length = self.reader.u16()?;
        self.string(usize::from(length))
    }

    fn long_string(&mut self) -> Result<String, Error> {
        let length = self.reader.u32()?;
        self.string(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn string(&mut self, length: usize) -> Result<String, Error> {
        let at = self.reader.at();
        let bytes = self.reader.take(length)?;
        self.budget.string(at, length)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}
