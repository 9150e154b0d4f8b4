//! AMF3 in.

use super::{Properties, Value, marker, object};
use crate::amf0::Budget;
use crate::read::Reader;
use crate::{Error, Limits};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Classes that write themselves as the one value that they hold: these are Flex's.
const EXTERNAL: [&str; 3] = [
    "flex.messaging.io.ArrayCollection",
    "flex.messaging.io.ArrayList",
    "flex.messaging.io.ObjectProxy",
];

/// Reads all values of a body, one after the other.
///
/// # Errors
/// A value that is cut off, an unknown marker, a reference to nothing, an object that only its class can read, or a
/// breached cap of `limits`.
pub fn decode(body: &[u8], limits: &Limits) -> Result<Vec<Value>, Error> {
    let mut reader = Reader::new(body);
    let mut budget = Budget::new(limits);
    let mut values = Vec::new();
    while !reader.is_empty() {
        values.push(read(&mut reader, &mut budget, 0)?);
    }
    Ok(values)
}

/// Reads one value, with tables of its own.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    budget: &mut Budget<'_>,
    depth: u32,
) -> Result<Value, Error> {
    let mut decoder = Decoder {
        reader,
        budget,
        strings: Vec::new(),
        traits: Vec::new(),
        objects: 0,
    };
    decoder.value(depth)
}

struct Decoder<'r, 'a, 'l> {
    reader: &'r mut Reader<'a>,
    budget: &'r mut Budget<'l>,
    /// The strings that came, which references name by number; the empty one is never among them.
    strings: Vec<&'a [u8]>,
    traits: Vec<Traits<'a>>,
    /// How many objects came.
    objects: u32,
}

/// What a class says of its objects.
#[derive(Clone)]
struct Traits<'a> {
    class: &'a [u8],
    /// Shared by the objects that name them: thousands may, one inside of the other.
    sealed: Rc<[&'a [u8]]>,
    dynamic: bool,
    external: bool,
}

/// What stands before an object that may be a reference.
enum Begun {
    Reference(Value),
    /// It follows; this is its length or count.
    Inline(u32),
}

impl<'a> Decoder<'_, 'a, '_> {
    fn value(&mut self, depth: u32) -> Result<Value, Error> {
        let at = self.reader.at();
        self.budget.enter(at, depth)?;
        let depth = depth.saturating_add(1);
        Ok(match self.reader.u8()? {
            marker::UNDEFINED => Value::Undefined,
            marker::NULL => Value::Null,
            marker::FALSE => Value::Boolean(false),
            marker::TRUE => Value::Boolean(true),
            marker::INTEGER => {
                // Bit 28 is the sign.
                let bits = self.u29()?.wrapping_shl(3).cast_signed();
                Value::Integer(bits.wrapping_shr(3))
            }
            marker::DOUBLE => Value::Double(self.reader.f64()?),
            marker::STRING => Value::String(self.string()?),
            marker @ (marker::XML_DOCUMENT | marker::XML) => match self.begin(marker)? {
                Begun::Reference(value) => value,
                Begun::Inline(length) => {
                    let at = self.reader.at();
                    let bytes = self.take(length)?;
                    let text = self.text(at, bytes)?;
                    match marker {
                        marker::XML => Value::Xml(text),
                        _ => Value::XmlDocument(text),
                    }
                }
            },
            marker @ marker::DATE => match self.begin(marker)? {
                Begun::Reference(value) => value,
                Begun::Inline(_) => Value::Date(self.reader.f64()?),
            },
            marker @ marker::ARRAY => match self.begin(marker)? {
                Begun::Reference(value) => value,
                Begun::Inline(count) => {
                    let named = self.properties(depth)?;
                    let dense = self.values(count, depth)?;
                    Value::Array { dense, named }
                }
            },
            marker::OBJECT => self.object(depth)?,
            marker @ marker::BYTE_ARRAY => match self.begin(marker)? {
                Begun::Reference(value) => value,
                Begun::Inline(length) => {
                    let at = self.reader.at();
                    let bytes = self.take(length)?;
                    self.budget.string(at, bytes.len())?;
                    Value::ByteArray(Bytes::copy_from_slice(bytes))
                }
            },
            marker @ marker::VECTOR_INT..=marker::VECTOR_OBJECT => self.vector(marker, depth)?,
            marker::DICTIONARY => self.dictionary(depth)?,
            marker => return Err(Error::AmfMarker { at, marker }),
        })
    }

    fn vector(&mut self, marker: u8, depth: u32) -> Result<Value, Error> {
        let count = match self.begin(marker)? {
            Begun::Reference(value) => return Ok(value),
            Begun::Inline(count) => count,
        };
        let fixed = self.reader.u8()? != 0;
        Ok(match marker {
            marker::VECTOR_INT => {
                let values = self.numbers(count, i32::from_be_bytes)?;
                Value::VectorInt { fixed, values }
            }
            marker::VECTOR_UINT => {
                let values = self.numbers(count, u32::from_be_bytes)?;
                Value::VectorUint { fixed, values }
            }
            marker::VECTOR_DOUBLE => {
                let values = self.numbers(count, f64::from_be_bytes)?;
                Value::VectorDouble { fixed, values }
            }
            _ => {
                let class = self.string()?;
                let values = self.values(count, depth)?;
                Value::VectorObject {
                    class,
                    fixed,
                    values,
                }
            }
        })
    }

    fn dictionary(&mut self, depth: u32) -> Result<Value, Error> {
        let count = match self.begin(marker::DICTIONARY)? {
            Begun::Reference(value) => return Ok(value),
            Begun::Inline(count) => count,
        };
        let weak = self.reader.u8()? != 0;
        let mut entries = Vec::new();
        for _ in 0..count {
            let key = self.value(depth)?;
            entries.push((key, self.value(depth)?));
        }
        Ok(Value::Dictionary { entries, weak })
    }

    fn object(&mut self, depth: u32) -> Result<Value, Error> {
        let at = self.reader.at();
        let head = self.u29()?;
        if head & object::INLINE == 0 {
            return self.reference(at, head >> 1, marker::OBJECT);
        }
        self.objects = self.objects.saturating_add(1);
        let traits = self.traits(at, head)?;
        let class = self.text(at, traits.class)?;
        if traits.external {
            if !EXTERNAL.contains(&class.as_str()) {
                return Err(Error::AmfExternal { at });
            }
            let value = Box::new(self.value(depth)?);
            return Ok(Value::External { class, value });
        }
        let mut sealed = Properties::new();
        for name in &*traits.sealed {
            let name = self.text(at, name)?;
            sealed.push((name, self.value(depth)?));
        }
        let dynamic = traits.dynamic.then(|| self.properties(depth));
        Ok(Value::Object {
            class,
            sealed,
            dynamic: dynamic.transpose()?,
        })
    }

    /// Reads the traits of an object, or finds those that came earlier.
    fn traits(&mut self, at: usize, head: u32) -> Result<Traits<'a>, Error> {
        if head & object::INLINE_TRAITS == 0 {
            let index = head >> 2;
            let found = usize::try_from(index)
                .ok()
                .and_then(|index| self.traits.get(index));
            return found.cloned().ok_or(Error::AmfReference { at, index });
        }
        let external = head & object::EXTERNAL != 0;
        let class = self.string_bytes()?;
        let mut sealed = Vec::new();
        // An object that writes itself has no count there.
        let count = if external { 0 } else { head >> 4 };
        for _ in 0..count {
            self.budget.count(self.reader.at())?;
            sealed.push(self.string_bytes()?);
        }
        let traits = Traits {
            class,
            sealed: sealed.into(),
            dynamic: !external && head & object::DYNAMIC != 0,
            external,
        };
        self.budget.count(at)?;
        self.traits.push(traits.clone());
        Ok(traits)
    }

    /// Reads names and values up to an empty name.
    fn properties(&mut self, depth: u32) -> Result<Properties, Error> {
        let mut properties = Properties::new();
        loop {
            let name = self.string()?;
            if name.is_empty() {
                return Ok(properties);
            }
            properties.push((name, self.value(depth)?));
        }
    }

    fn values(&mut self, count: u32, depth: u32) -> Result<Vec<Value>, Error> {
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value(depth)?);
        }
        Ok(values)
    }

    /// Reads numbers, which take no more room than their bytes.
    fn numbers<const N: usize, T>(
        &mut self,
        count: u32,
        number: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Error> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let bytes = self.reader.take(count.saturating_mul(N))?;
        let (numbers, _) = bytes.as_chunks::<N>();
        Ok(numbers.iter().copied().map(number).collect())
    }

    /// Reads what stands before an object: its reference, or its length or count.
    fn begin(&mut self, marker: u8) -> Result<Begun, Error> {
        let at = self.reader.at();
        let head = self.u29()?;
        if head & object::INLINE == 0 {
            return Ok(Begun::Reference(self.reference(at, head >> 1, marker)?));
        }
        self.objects = self.objects.saturating_add(1);
        Ok(Begun::Inline(head >> 1))
    }

    fn reference(&self, at: usize, index: u32, marker: u8) -> Result<Value, Error> {
        if index >= self.objects {
            return Err(Error::AmfReference { at, index });
        }
        Ok(Value::Reference { index, marker })
    }

    fn string(&mut self) -> Result<String, Error> {
        let at = self.reader.at();
        let bytes = self.string_bytes()?;
        self.text(at, bytes)
    }

    /// Makes text of bytes. Each copy is charged, so that references to a long string cost what they make.
    fn text(&mut self, at: usize, bytes: &[u8]) -> Result<String, Error> {
        self.budget.string(at, bytes.len())?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn string_bytes(&mut self) -> Result<&'a [u8], Error> {
        let at = self.reader.at();
        let head = self.u29()?;
        let index = head >> 1;
        if head & object::INLINE == 0 {
            let found = usize::try_from(index)
                .ok()
                .and_then(|index| self.strings.get(index));
            return found.copied().ok_or(Error::AmfReference { at, index });
        }
        let bytes = self.take(index)?;
        if !bytes.is_empty() {
            self.strings.push(bytes);
        }
        Ok(bytes)
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], Error> {
        self.reader
            .take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Reads a number of up to 29 bits: seven a byte, eight in the fourth (AMF3, 1.3.1).
    fn u29(&mut self) -> Result<u32, Error> {
        let mut number = 0_u32;
        for _ in 0..3 {
            let byte = self.reader.u8()?;
            number = number << 7 | u32::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Ok(number << 8 | u32::from(self.reader.u8()?))
    }
}
