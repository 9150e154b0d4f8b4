//! Boxes in memory: nothing is believed that does not lie inside its parent.

use crate::{Error, FileProblem};

/// A box's name.
pub(super) type Kind = [u8; 4];

/// A box whose bytes are all there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boxed<'a> {
    pub(super) kind: Kind,
    /// Where its body begins in the file.
    pub(super) at: u64,
    pub(super) body: &'a [u8],
}

/// Boxes one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boxes<'a> {
    rest: &'a [u8],
    at: u64,
}

impl<'a> Boxes<'a> {
    /// Reads `bytes`, which begin at `at` of the file.
    pub(super) fn new(bytes: &'a [u8], at: u64) -> Self {
        Self { rest: bytes, at }
    }

    /// The first box of a kind.
    pub(super) fn find(self, kind: Kind) -> Result<Option<Boxed<'a>>, Error> {
        for boxed in self {
            let boxed = boxed?;
            if boxed.kind == kind {
                return Ok(Some(boxed));
            }
        }
        Ok(None)
    }

    /// The first box of a kind, which must be there.
    pub(super) fn need(self, kind: Kind) -> Result<Boxed<'a>, Error> {
        let at = self.at;
        let found = self.find(kind)?;
        found.ok_or(Error::File {
            at,
            problem: FileProblem::Missing { kind },
        })
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<Boxed<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        // QuickTime ends some lists with four zero bytes.
        let (head, after) = self.rest.split_at_checked(HEADER)?;
        let at = self.at;
        let header = match Header::read(head, after) {
            Ok(header) => header,
            Err(problem) => {
                self.rest = &[];
                return Some(Err(Error::File { at, problem }));
            }
        };
        // A box without a size reaches to the end of its parent.
        let size = header.size.unwrap_or(self.rest.len() as u64);
        let body = usize::try_from(size)
            .ok()
            .and_then(|size| self.rest.get(header.length..size));
        let Some(body) = body else {
            let room = self.rest.len() as u64;
            let kind = header.kind;
            self.rest = &[];
            let problem = FileProblem::Size { kind, size, room };
            return Some(Err(Error::File { at, problem }));
        };
        let taken = header.length.saturating_add(body.len());
        self.rest = self.rest.get(taken..).unwrap_or(&[]);
        self.at = at.saturating_add(size);
        Some(Ok(Boxed {
            kind: header.kind,
            at: at.saturating_add(header.length as u64),
            body,
        }))
    }
}

impl<'a> Boxed<'a> {
    /// The boxes in it.
    pub(super) fn children(self) -> Boxes<'a> {
        Boxes::new(self.body, self.at)
    }

    /// The boxes in it after `skip` bytes of fields.
    pub(super) fn children_after(self, skip: usize) -> Result<Boxes<'a>, Error> {
        let body = self
            .body
            .get(skip..)
            .ok_or_else(|| self.short("its fields"))?;
        Ok(Boxes::new(body, self.at.saturating_add(skip as u64)))
    }

    /// Some bytes of it.
    pub(super) fn bytes<const N: usize>(
        self,
        offset: usize,
        field: &'static str,
    ) -> Result<[u8; N], Error> {
        self.body
            .get(offset..)
            .and_then(<[u8]>::first_chunk)
            .copied()
            .ok_or_else(|| self.short(field))
    }

    pub(super) fn u32(self, offset: usize, field: &'static str) -> Result<u32, Error> {
        self.bytes(offset, field).map(u32::from_be_bytes)
    }

    pub(super) fn u16(self, offset: usize, field: &'static str) -> Result<u16, Error> {
        self.bytes(offset, field).map(u16::from_be_bytes)
    }

    /// A number that is 32 bits long in version 0 and 64 in version 1.
    pub(super) fn versioned(self, offset: usize, field: &'static str) -> Result<u64, Error> {
        match self.version()? {
            0 => self.u32(offset, field).map(u64::from),
            _ => self.bytes(offset, field).map(u64::from_be_bytes),
        }
    }

    /// Version 0 or 1 of a box that has both.
    pub(super) fn version(self) -> Result<u8, Error> {
        let [version] = self.bytes(0, "version")?;
        if version > 1 {
            return Err(self.wrong(0, "version", version.into(), "0 or 1"));
        }
        Ok(version)
    }

    /// It ends inside `field`.
    pub(super) fn short(self, field: &'static str) -> Error {
        Error::File {
            at: self.at,
            problem: FileProblem::Truncated {
                kind: self.kind,
                field,
            },
        }
    }

    /// A value that cannot be.
    pub(super) fn wrong(
        self,
        offset: usize,
        field: &'static str,
        value: u64,
        expected: &'static str,
    ) -> Error {
        Error::File {
            at: self.at.saturating_add(offset as u64),
            problem: FileProblem::Value {
                kind: self.kind,
                field,
                value,
                expected,
            },
        }
    }
}

/// What stands before a box's body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Its own length.
    pub(super) length: usize,
    /// Of the whole box; `None`: to the end.
    pub(super) size: Option<u64>,
}

impl Header {
    /// Reads the eight bytes of `head` and, where they say so, eight more (ISO/IEC 14496-12 4.2).
    pub(super) fn read(head: &[u8], after: &[u8]) -> Result<Self, FileProblem> {
        let word = head.first_chunk::<4>().copied().unwrap_or_default();
        let kind = head.last_chunk::<4>().copied().unwrap_or_default();
        let (length, size) = match u32::from_be_bytes(word) {
            0 => (HEADER, None),
            1 => match after.first_chunk::<8>() {
                Some(size) => (HEADER_WIDE, Some(u64::from_be_bytes(*size))),
                None => {
                    let field = "size";
                    return Err(FileProblem::Truncated { kind, field });
                }
            },
            size => (HEADER, Some(u64::from(size))),
        };
        match size {
            Some(size) if size < length as u64 => {
                let room = length as u64;
                Err(FileProblem::Size { kind, size, room })
            }
            size => Ok(Self { kind, length, size }),
        }
    }
}

/// Size and type, and with a 64-bit size.
pub(super) const HEADER: usize = 8;
pub(super) const HEADER_WIDE: usize = 16;
