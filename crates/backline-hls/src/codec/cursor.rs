//! Whole bytes of a record, by nom's complete parsers, with the place of what does not fit.

use nom::Parser;

use super::Fault;
use crate::RecordProblem;

/// What is left of a record.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    size: usize,
    spec: &'static str,
}

impl<'a> Cursor<'a> {
    /// Starts at byte 0 of `record`, whose layout `spec` describes.
    pub(super) fn new(record: &'a [u8], spec: &'static str) -> Self {
        Self {
            rest: record,
            size: record.len(),
            spec,
        }
    }

    /// Reads one field or a tuple of them.
    pub(super) fn read<O>(
        &mut self,
        field: &'static str,
        mut parser: impl Parser<&'a [u8], Output = O, Error = nom::error::Error<&'a [u8]>>,
    ) -> Result<O, Fault> {
        match parser.parse(self.rest) {
            Ok((rest, value)) => {
                self.rest = rest;
                Ok(value)
            }
            Err(nom::Err::Error(error) | nom::Err::Failure(error)) => {
                Err(self.truncated(self.size.saturating_sub(error.input.len()), field))
            }
            // Complete parsers never ask for more.
            Err(nom::Err::Incomplete(_)) => Err(self.truncated(self.at(), field)),
        }
    }

    /// Where the next field begins.
    pub(super) fn at(&self) -> usize {
        self.size.saturating_sub(self.rest.len())
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// A fault of a value that was read at byte `at`.
    pub(super) fn wrong(
        &self,
        at: usize,
        field: &'static str,
        value: impl Into<u64>,
        expected: &'static str,
    ) -> Fault {
        Fault {
            at,
            problem: RecordProblem::Value {
                field,
                value: value.into(),
                expected,
                spec: self.spec,
            },
        }
    }

    /// A fault of what should have come before the record's end.
    pub(super) fn missing(&self, what: &'static str) -> Fault {
        Fault {
            at: self.at(),
            problem: RecordProblem::Missing {
                what,
                spec: self.spec,
            },
        }
    }

    fn truncated(&self, at: usize, field: &'static str) -> Fault {
        Fault {
            at,
            problem: RecordProblem::Truncated {
                field,
                spec: self.spec,
            },
        }
    }
}
