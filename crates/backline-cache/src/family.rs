//! The renditions: their windows, documents and edges.

use std::mem::size_of;
use std::ops::Range;

use crate::body::Edges;
use crate::ledger::Entry;
use crate::ring::Ring;
use crate::store::{NONE, Slab};
use crate::{Body, Error, Kind, Point, Series};

/// How many kinds of object there are.
pub(crate) const KINDS: [Kind; 3] = [Kind::Init, Kind::Part, Kind::Segment];

/// All that belongs to one rendition.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) stream: u32,
    pub(crate) rendition: u32,
    pub(crate) documents: Vec<Doc>,
    pub(crate) edges: Edges,
    /// No edge moves any more.
    pub(crate) finished: bool,
    rings: [Ring; KINDS.len()],
    /// Grows with every change that a document would show.
    pub(crate) version: u64,
}

/// A document in one form.
#[derive(Debug)]
pub(crate) struct Doc {
    pub(crate) form: u8,
    /// The fetch under way, or [`NONE`].
    pub(crate) fill: u32,
    pub(crate) stored: Option<StoredDoc>,
    /// How many wait.
    pub(crate) waiting: u32,
    pub(crate) waits: Vec<Wait>,
}

#[derive(Debug)]
pub(crate) struct StoredDoc {
    pub(crate) body: Body,
    pub(crate) edges: Edges,
    pub(crate) entry: Entry,
    /// Made when no edge could move any more: it satisfies every wait.
    pub(crate) last: bool,
    pub(crate) version: u64,
}

/// Those who wait for a document to reach the same point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) after: Option<(Series, Point)>,
    /// The point is reached; what is missing is the document.
    pub(crate) due: bool,
    pub(crate) group: u32,
}

impl StoredDoc {
    /// Tells whether it has what a request waits for.
    pub(crate) fn satisfies(&self, after: Option<(Series, Point)>) -> bool {
        self.last || after.is_none_or(|(series, point)| self.edges.reached(series, point))
    }
}

impl Doc {
    const fn new(form: u8) -> Self {
        Self {
            form,
            fill: NONE,
            stored: None,
            waiting: 0,
            waits: Vec::new(),
        }
    }
}

impl Family {
    fn new(stream: u32, rendition: u32, forms: u8) -> Self {
        Self {
            stream,
            rendition,
            documents: Vec::with_capacity(usize::from(forms)),
            edges: Edges::new(),
            finished: false,
            rings: [const { Ring::new() }; KINDS.len()],
            version: 0,
        }
    }

    #[inline]
    pub(crate) fn ring(&self, kind: Kind) -> &Ring {
        let [init, part, segment] = &self.rings;
        match kind {
            Kind::Init => init,
            Kind::Part => part,
            Kind::Segment => segment,
        }
    }

    pub(crate) fn ring_mut(&mut self, kind: Kind) -> &mut Ring {
        let [init, part, segment] = &mut self.rings;
        match kind {
            Kind::Init => init,
            Kind::Part => part,
            Kind::Segment => segment,
        }
    }

    pub(crate) fn document(&self, form: u8) -> Option<&Doc> {
        self.documents.iter().find(|doc| doc.form == form)
    }

    pub(crate) fn document_mut(&mut self, form: u8) -> Option<&mut Doc> {
        self.documents.iter_mut().find(|doc| doc.form == form)
    }

    /// The document of `form`, made if there is room for one more form.
    pub(crate) fn document_entry(&mut self, form: u8, forms: u8) -> Option<&mut Doc> {
        let at = self.documents.iter().position(|doc| doc.form == form);
        let at = match at {
            Some(at) => at,
            None if self.documents.len() < usize::from(forms) => {
                self.documents.push(Doc::new(form));
                self.documents.len().saturating_sub(1)
            }
            None => return None,
        };
        self.documents.get_mut(at)
    }

    /// The stored document of `form` if nothing has changed since it was made.
    pub(crate) fn current(&self, form: u8) -> Option<&StoredDoc> {
        self.document(form)?
            .stored
            .as_ref()
            .filter(|doc| doc.version == self.version)
    }

    /// Tells whether a request may have its document as soon as it is made.
    pub(crate) fn is_due(&self, after: Option<(Series, Point)>) -> bool {
        self.finished || after.is_none_or(|(series, point)| self.edges.reached(series, point))
    }
}

/// The renditions by name: a sorted list, since there are few and every hit looks here first.
#[derive(Debug)]
pub(crate) struct Families {
    index: Vec<(u64, u32)>,
    slab: Slab<Family>,
    forms: u8,
    /// Bytes that rings and document lists have allocated.
    pub(crate) inner_bytes: usize,
    most: u32,
}

impl Families {
    pub(crate) const fn new(most: u32, forms: u8) -> Self {
        Self {
            index: Vec::new(),
            slab: Slab::new(),
            forms,
            inner_bytes: 0,
            most,
        }
    }

    #[inline]
    pub(crate) fn find(&self, stream: u32, rendition: u32) -> Option<u32> {
        let at = self.search(stream, rendition).ok()?;
        self.index.get(at).map(|&(_, slot)| slot)
    }

    #[inline]
    pub(crate) fn lookup(&self, stream: u32, rendition: u32) -> Option<&Family> {
        self.slab.get(self.find(stream, rendition)?)
    }

    pub(crate) fn get(&self, at: u32) -> Option<&Family> {
        self.slab.get(at)
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut Family> {
        self.slab.get_mut(at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Family)> {
        self.slab.iter()
    }

    /// The renditions of `stream`, as positions for [`at`](Self::at).
    pub(crate) fn of_stream(&self, stream: u32) -> Range<usize> {
        let start = self.index.partition_point(|&(id, _)| id < join(stream, 0));
        start
            ..self
                .index
                .partition_point(|&(id, _)| id <= join(stream, u32::MAX))
    }

    pub(crate) fn at(&self, position: usize) -> Option<u32> {
        self.index.get(position).map(|&(_, slot)| slot)
    }

    pub(crate) const fn len(&self) -> usize {
        self.slab.len() as usize
    }

    /// Bytes that one more rendition allocates on top.
    pub(crate) const fn growth(&self) -> usize {
        let index = if self.index.len() == self.index.capacity() {
            INDEX_STEP.saturating_mul(size_of::<(u64, u32)>())
        } else {
            0
        };
        self.slab
            .growth()
            .saturating_add(index)
            .saturating_add(self.documents_bytes())
    }

    /// Adds a rendition that is not there.
    pub(crate) fn add(&mut self, stream: u32, rendition: u32) -> Result<u32, Error> {
        if self.slab.len() >= self.most {
            return Err(Error::Renditions {
                stream,
                rendition,
                most: self.most,
            });
        }
        let slot = self.slab.insert(Family::new(stream, rendition, self.forms));
        self.inner_bytes = self.inner_bytes.saturating_add(self.documents_bytes());
        if self.index.len() == self.index.capacity() {
            self.index.reserve_exact(INDEX_STEP);
        }
        if let Err(at) = self.search(stream, rendition) {
            self.index.insert(at, (join(stream, rendition), slot));
        }
        Ok(slot)
    }

    pub(crate) fn remove(&mut self, at: u32) -> Option<Family> {
        let family = self.slab.remove(at)?;
        self.index.retain(|&(_, slot)| slot != at);
        let rings = KINDS
            .iter()
            .map(|&kind| family.ring(kind).bytes())
            .sum::<usize>();
        self.inner_bytes = self
            .inner_bytes
            .saturating_sub(rings)
            .saturating_sub(self.documents_bytes());
        Some(family)
    }

    /// Bytes allocated.
    pub(crate) const fn bytes(&self) -> usize {
        let index = self
            .index
            .capacity()
            .saturating_mul(size_of::<(u64, u32)>());
        self.slab
            .bytes()
            .saturating_add(index)
            .saturating_add(self.inner_bytes)
    }

    const fn documents_bytes(&self) -> usize {
        (self.forms as usize).saturating_mul(size_of::<Doc>())
    }

    #[inline]
    fn search(&self, stream: u32, rendition: u32) -> Result<usize, usize> {
        self.index
            .binary_search_by_key(&join(stream, rendition), |&(id, _)| id)
    }
}

const INDEX_STEP: usize = 16;

const fn join(stream: u32, rendition: u32) -> u64 {
    ((stream as u64) << 32) | rendition as u64
}
