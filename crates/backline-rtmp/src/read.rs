//! A cursor over one body that is wholly there: `nom` in complete mode, with the place in the error.

use crate::Error;
use bytes::Bytes;
use core::ops::Range;
use nom::IResult;

type Parsed<'a, T> = IResult<&'a [u8], T, ()>;

/// Reads a body from its front.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Where the bytes end in the body.
    end: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            end: body.len(),
        }
    }

    /// Returns the offset of the next byte.
    pub(crate) const fn at(&self) -> usize {
        self.end.saturating_sub(self.rest.len())
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.apply(1, nom::number::complete::be_u8)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.apply(2, nom::number::complete::be_u16)
    }

    /// Reads a signed number of three bytes (SI24).
    pub(crate) fn i24(&mut self) -> Result<i32, Error> {
        self.apply(3, nom::number::complete::be_i24)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.apply(4, nom::number::complete::be_u32)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, Error> {
        self.apply(8, nom::number::complete::be_f64)
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        self.apply(count, nom::bytes::complete::take(count))
    }

    /// Reads an unsigned number of three bytes (UI24).
    pub(crate) fn u24(&mut self) -> Result<u32, Error> {
        self.apply(3, nom::number::complete::be_u24)
    }

    /// Returns a reader of the next bytes alone, whose places are those of the whole body.
    pub(crate) fn part(&mut self, count: usize) -> Result<Self, Error> {
        let rest = self.take(count)?;
        let end = self.at();
        Ok(Self { rest, end })
    }

    fn apply<T>(
        &mut self,
        needed: usize,
        mut parser: impl nom::Parser<&'a [u8], Output = T, Error = ()>,
    ) -> Result<T, Error> {
        let parsed: Parsed<'a, T> = parser.parse(self.rest);
        let (rest, value) = parsed.map_err(|_| Error::Truncated {
            at: self.at(),
            needed,
        })?;
        self.rest = rest;
        Ok(value)
    }
}

/// Returns a part of bytes that belong to a body of `whole` bytes. It shares them, unless it is less than a quarter of
/// the body: who keeps a few bytes would hold all of it, and count those few alone.
pub(crate) fn share(bytes: &Bytes, place: Range<usize>, whole: usize) -> Bytes {
    match bytes.get(place.clone()) {
        Some(part) if part.len() < whole / 4 => Bytes::copy_from_slice(part),
        _ => bytes.slice(place),
    }
}
