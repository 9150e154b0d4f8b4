//! Who holds which bytes: each body is charged once, however many things hold it.

use crate::Body;
use crate::body::Charged;
use crate::store::Slab;

/// Names a charged body.
pub(crate) type Entry = u32;

/// The bodies that are held, by windows, documents, ropes and answers that wait to be taken.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: Slab<Charge>,
    bytes: usize,
}

#[derive(Debug)]
struct Charge {
    bytes: usize,
    holders: u32,
    /// The bodies whose bytes this one shares.
    parts: Box<[Entry]>,
}

impl Ledger {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Slab::new(),
            bytes: 0,
        }
    }

    /// Charges a body, held once. `parts` are held with it.
    pub(crate) fn charge(&mut self, charged: Charged, parts: Box<[Entry]>) -> (Body, Entry) {
        for &part in &parts {
            self.hold(part);
        }
        let bytes = charged.bytes.saturating_add(size_of_val(&*parts));
        self.bytes = self.bytes.saturating_add(bytes);
        (
            charged.body,
            self.entries.insert(Charge {
                bytes,
                holders: 1,
                parts,
            }),
        )
    }

    /// Holds a body once more.
    pub(crate) fn hold(&mut self, entry: Entry) {
        if let Some(charge) = self.entries.get_mut(entry) {
            charge.holders = charge.holders.saturating_add(1);
        }
    }

    /// Lets go of a body once; the last to do so takes its charge off.
    pub(crate) fn release(&mut self, entry: Entry) {
        let Some(charge) = self.entries.get_mut(entry) else {
            return;
        };
        charge.holders = charge.holders.saturating_sub(1);
        if charge.holders == 0
            && let Some(charge) = self.entries.remove(entry)
        {
            self.bytes = self.bytes.saturating_sub(charge.bytes);
            for &part in &charge.parts {
                self.release(part);
            }
        }
    }

    /// Bytes allocated.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.saturating_add(self.entries.bytes())
    }

    /// Bytes that the next charge allocates on top of its body.
    pub(crate) const fn growth(&self) -> usize {
        self.entries.growth()
    }
}
