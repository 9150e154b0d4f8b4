//! Shared bodies.

use std::mem::size_of;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{Point, SERIES_MAX, Series};

/// The bytes of an object or document, shared. Cloning counts one reference and copies nothing.
#[derive(Clone, Debug)]
pub struct Body(Arc<Inner>);

impl Body {
    /// The bytes in order. A part is one piece; a segment is its parts.
    #[must_use]
    pub fn pieces(&self) -> &[Bytes] {
        match &self.0.pieces {
            Pieces::One(piece) => std::slice::from_ref(piece),
            Pieces::Rope(pieces) => pieces,
        }
    }

    /// The bytes of `range`, in order and uncopied; what lies beyond the end is left out.
    pub fn slices(&self, range: Range<u64>) -> impl Iterator<Item = Bytes> + '_ {
        let mut at = 0_u64;
        self.pieces().iter().filter_map(move |piece| {
            let start = at;
            let len = piece.len() as u64;
            at = start.saturating_add(len);
            let from = range.start.clamp(start, at).saturating_sub(start);
            let to = range.end.clamp(start, at).saturating_sub(start);
            let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
            (from < to).then(|| piece.slice(from..to))
        })
    }

    /// Length in bytes; never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a body is never empty")]
    pub fn len(&self) -> u64 {
        self.0.len
    }

    /// The same document compressed with gzip, when the caller gave it.
    #[must_use]
    pub fn gzip(&self) -> Option<&Bytes> {
        self.0.gzip.as_ref()
    }

    /// How old it is at `now`: what it had when it came, and the time since.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        self.0
            .age
            .saturating_add(now.saturating_duration_since(self.0.stored))
    }

    /// The fingerprint of the bytes, from which entity tags are made.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }

    /// Tells whether two handles share the same bytes.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Body {
    /// Same bytes, however they are cut into pieces.
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
            || (self.0.len == other.0.len
                && self.0.gzip == other.0.gzip
                && self
                    .pieces()
                    .iter()
                    .flatten()
                    .eq(other.pieces().iter().flatten()))
    }
}

impl Eq for Body {}

/// A document, freshly made.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fresh {
    /// How old it is already: the `Age` that it came with, zero when made here.
    pub age: Duration,
    /// Its bytes.
    pub body: Bytes,
    /// How far each series has come in it.
    pub edges: Edges,
    /// The same, compressed with gzip.
    pub gzip: Option<Bytes>,
}

impl Fresh {
    /// A document of these bytes that has no edges.
    #[must_use]
    pub const fn new(body: Bytes) -> Self {
        Self {
            age: Duration::ZERO,
            body,
            edges: Edges::new(),
            gzip: None,
        }
    }

    /// Adds the compressed form.
    #[must_use]
    pub fn with_gzip(mut self, gzip: Option<Bytes>) -> Self {
        self.gzip = gzip;
        self
    }

    /// Says how far `series` has come; a series that does not exist is left out.
    #[must_use]
    pub fn with_edge(mut self, series: Series, point: Point) -> Self {
        self.edges.raise(series, point);
        self
    }
}

/// How far each series of a rendition has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Edges([Option<Point>; SERIES_MAX as usize]);

impl Edges {
    /// Nothing has come yet.
    #[must_use]
    pub const fn new() -> Self {
        Self([None; SERIES_MAX as usize])
    }

    /// The edge of `series`.
    #[must_use]
    pub fn get(&self, series: Series) -> Option<Point> {
        self.0.get(usize::from(series.0)).copied().flatten()
    }

    /// Moves the edge of `series` up to `point`; tells whether it moved.
    pub fn raise(&mut self, series: Series, point: Point) -> bool {
        let Some(edge) = self.0.get_mut(usize::from(series.0)) else {
            return false;
        };
        let moved = edge.is_none_or(|edge| edge < point);
        if moved {
            *edge = Some(point);
        }
        moved
    }

    /// Moves every edge up to that of `other`; tells whether one moved.
    pub(crate) fn raise_all(&mut self, other: &Self) -> bool {
        let mut moved = false;
        for series in (0..SERIES_MAX).map(Series) {
            moved |= other
                .get(series)
                .is_some_and(|point| self.raise(series, point));
        }
        moved
    }

    /// Tells whether `series` has reached `point`.
    #[must_use]
    pub fn reached(&self, series: Series, point: Point) -> bool {
        self.get(series).is_some_and(|edge| edge >= point)
    }
}

#[derive(Debug)]
struct Inner {
    age: Duration,
    fingerprint: u64,
    gzip: Option<Bytes>,
    len: u64,
    pieces: Pieces,
    stored: Instant,
}

#[derive(Debug)]
enum Pieces {
    One(Bytes),
    Rope(Box<[Bytes]>),
}

/// What an `Arc` allocates beside its value: two counters.
pub(crate) const ARC_BYTES: usize = 2 * size_of::<usize>();
/// What `Bytes::from_owner` allocates beside the buffer: a counter, a function and the owner.
pub(crate) const OWNER_BYTES: usize = 2 * size_of::<usize>() + size_of::<Vec<u8>>();
/// What a body of one piece allocates beside its bytes.
pub(crate) const BODY_BYTES: usize = ARC_BYTES + size_of::<Inner>() + OWNER_BYTES;

/// A body and what it has allocated.
pub(crate) struct Charged {
    pub(crate) body: Body,
    pub(crate) bytes: usize,
}

impl Body {
    /// Copies `pieces` once into an exact buffer, so that the charge is true whatever they are slices of.
    pub(crate) fn flatten(pieces: &[Bytes], len: usize, stored: Instant) -> Charged {
        let (piece, fingerprint) = copy(pieces, len);
        let bytes = BODY_BYTES.saturating_add(len);
        let inner = Inner {
            age: Duration::ZERO,
            fingerprint,
            gzip: None,
            len: len as u64,
            pieces: Pieces::One(piece),
            stored,
        };
        Charged {
            body: Self(Arc::new(inner)),
            bytes,
        }
    }

    /// Strings the pieces of other bodies together without copying them.
    pub(crate) fn rope(parts: &[Self], stored: Instant) -> Charged {
        let pieces: Box<[Bytes]> = parts.iter().flat_map(Self::pieces).cloned().collect();
        let len = parts.iter().map(Self::len).fold(0_u64, u64::saturating_add);
        let fingerprint = parts
            .iter()
            .fold(0, |sum, part| mix(mix(sum, part.fingerprint()), part.len()));
        let bytes = Self::rope_bytes(pieces.len());
        let inner = Inner {
            age: Duration::ZERO,
            fingerprint,
            gzip: None,
            len,
            pieces: Pieces::Rope(pieces),
            stored,
        };
        Charged {
            body: Self(Arc::new(inner)),
            bytes,
        }
    }

    /// Makes a body of pieces that arrived one after the other, each in a buffer of its own. The fingerprint
    /// depends on where they were cut.
    pub(crate) fn assembled(pieces: Vec<Bytes>, stored: Instant) -> Charged {
        let pieces = pieces.into_boxed_slice();
        let (mut sum, mut len) = (0, 0_u64);
        for piece in &pieces {
            sum = mix(mix(sum, fingerprint(piece)), piece.len() as u64);
            len = len.saturating_add(piece.len() as u64);
        }
        let buffers = pieces
            .len()
            .saturating_mul(OWNER_BYTES)
            .saturating_add(usize::try_from(len).unwrap_or(usize::MAX));
        let bytes = Self::rope_bytes(pieces.len()).saturating_add(buffers);
        let inner = Inner {
            age: Duration::ZERO,
            fingerprint: sum,
            gzip: None,
            len,
            pieces: Pieces::Rope(pieces),
            stored,
        };
        Charged {
            body: Self(Arc::new(inner)),
            bytes,
        }
    }

    /// What a rope of so many pieces allocates, its pieces' own bytes left out.
    pub(crate) const fn rope_bytes(pieces: usize) -> usize {
        ARC_BYTES
            .saturating_add(size_of::<Inner>())
            .saturating_add(pieces.saturating_mul(size_of::<Bytes>()))
    }

    /// Copies a fresh document into exact buffers.
    pub(crate) fn document(fresh: &Fresh, stored: Instant) -> Charged {
        let (piece, fingerprint) = copy(std::slice::from_ref(&fresh.body), fresh.body.len());
        let gzip = fresh
            .gzip
            .as_ref()
            .map(|gzip| copy(std::slice::from_ref(gzip), gzip.len()).0);
        let inner = Inner {
            age: fresh.age,
            fingerprint,
            gzip,
            len: fresh.body.len() as u64,
            pieces: Pieces::One(piece),
            stored,
        };
        Charged {
            body: Self(Arc::new(inner)),
            bytes: Self::document_bytes(fresh),
        }
    }

    /// What [`document`](Self::document) allocates.
    pub(crate) fn document_bytes(fresh: &Fresh) -> usize {
        let gzip = fresh
            .gzip
            .as_ref()
            .map_or(0, |gzip| gzip.len().saturating_add(OWNER_BYTES));
        BODY_BYTES
            .saturating_add(fresh.body.len())
            .saturating_add(gzip)
    }
}

/// Copies `pieces` into one buffer of `len` bytes and takes their fingerprint. The handle counts its
/// references from the start: handing it out allocates nothing, the first time neither.
fn copy(pieces: &[Bytes], len: usize) -> (Bytes, u64) {
    let mut buffer = Vec::with_capacity(len);
    for piece in pieces {
        buffer.extend_from_slice(piece);
    }
    let fingerprint = fingerprint(&buffer);
    (Bytes::from_owner(buffer), fingerprint)
}

/// A 64-bit fingerprint, not against forgers: the bytes are the caller's own. Four lanes, since one chain of
/// multiplications would be slower than the copy beside it.
fn fingerprint(bytes: &[u8]) -> u64 {
    let mut lanes = [1_u64, 2, 3, 4];
    let mut blocks = bytes.chunks_exact(32);
    for block in &mut blocks {
        for (lane, word) in lanes.iter_mut().zip(block.chunks_exact(8)) {
            *lane = mix(*lane, word.try_into().map_or(0, u64::from_le_bytes));
        }
    }
    let tail = blocks
        .remainder()
        .iter()
        .fold(bytes.len() as u64, |sum, &byte| mix(sum, u64::from(byte)));
    lanes.into_iter().fold(tail, mix)
}

/// Folds a word into a sum: an odd multiplier (2^64 over the golden ratio) and a shift, so that every bit of the
/// word reaches the low half of the sum too.
const fn mix(sum: u64, word: u64) -> u64 {
    let product = (sum.rotate_left(29) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}
