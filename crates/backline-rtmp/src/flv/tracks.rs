//! The tracks of one media message.

use crate::{Error, Limits, read};
use alloc::vec::{self, Vec};
use bytes::Bytes;
use core::ops::Range;

/// The tracks of one media message, in the order of the wire: one without an allocation, as nearly always, or several.
#[derive(Clone, Debug)]
pub struct Tracks<T>(Inner<T>);

#[derive(Clone, Debug)]
enum Inner<T> {
    One(Option<T>),
    Many(vec::IntoIter<T>),
}

impl<T> Tracks<T> {
    pub(super) const fn one(track: T) -> Self {
        Self(Inner::One(Some(track)))
    }

    pub(super) fn many(tracks: Vec<T>) -> Self {
        Self(Inner::Many(tracks.into_iter()))
    }

    /// Turns each track into something else.
    pub(crate) fn map_each<U>(self, make: impl FnMut(T) -> U) -> Tracks<U> {
        match self.0 {
            Inner::One(track) => Tracks(Inner::One(track.map(make))),
            Inner::Many(tracks) => Tracks::many(tracks.map(make).collect()),
        }
    }
}

impl<T> Iterator for Tracks<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            Inner::One(track) => track.take(),
            Inner::Many(tracks) => tracks.next(),
        }
    }
}

/// A body that was read, apart from its payloads: what is known of each track, and where its payload stands.
pub(crate) enum Read<T> {
    One(T, usize),
    /// Several tracks, and where their wrapper stands.
    Many(Vec<(T, Range<usize>)>, usize),
}

impl<T> Read<T> {
    /// Gives each track its payload, which shares the bytes of the body unless it is a small part of them.
    pub(super) fn with_payloads(
        self,
        body: Bytes,
        join: impl Fn(T, Bytes, usize) -> T,
    ) -> Tracks<T> {
        match self {
            Self::One(head, at) => Tracks::one(join(head, body, at)),
            Self::Many(heads, _) => Tracks::many(
                heads
                    .into_iter()
                    .map(|(head, place)| join(head, read::share(&body, place, body.len()), 0))
                    .collect(),
            ),
        }
    }
}

/// Adds a track, if there is room for it.
pub(super) fn push<T>(
    tracks: &mut Vec<T>,
    track: T,
    at: usize,
    limits: &Limits,
) -> Result<(), Error> {
    if tracks.len() >= usize::from(limits.tracks) {
        return Err(Error::Tracks {
            at,
            limit: limits.tracks,
        });
    }
    tracks.push(track);
    Ok(())
}
