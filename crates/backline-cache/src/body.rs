//! Shared bodies.

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
