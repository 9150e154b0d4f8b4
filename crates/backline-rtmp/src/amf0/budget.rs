//! What the AMF values of one body may cost.

use crate::{Error, Limits};

/// Counts what the values of one body cost, in AMF0 and AMF3 together.
#[derive(Debug)]
pub(crate) struct Budget<'a> {
    limits: &'a Limits,
    nodes: u32,
    string_bytes: usize,
}

impl<'a> Budget<'a> {
    pub(crate) const fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            nodes: 0,
            string_bytes: 0,
        }
    }

    /// Charges a value at this depth.
    pub(crate) fn enter(&mut self, at: usize, depth: u32) -> Result<(), Error> {
        let limit = self.limits.amf_depth;
        if depth > limit {
            return Err(Error::AmfDepth { at, limit });
        }
        self.count(at)
    }

    /// Charges something that costs as much as a value.
    pub(crate) const fn count(&mut self, at: usize) -> Result<(), Error> {
        let limit = self.limits.amf_nodes;
        if self.nodes >= limit {
            return Err(Error::AmfNodes { at, limit });
        }
        self.nodes = self.nodes.saturating_add(1);
        Ok(())
    }

    /// Charges the bytes of a string.
    pub(crate) fn string(&mut self, at: usize, length: usize) -> Result<(), Error> {
        self.string_bytes = self.string_bytes.saturating_add(length);
        let limit = self.limits.amf_string_bytes;
        if u64::try_from(self.string_bytes).unwrap_or(u64::MAX) > u64::from(limit) {
            return Err(Error::AmfStrings { at, limit });
        }
        Ok(())
    }
}
