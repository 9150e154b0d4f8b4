//! A presentation and the cache in front of it: the presentation decides, the cache keeps bodies and
//! waiting requests, and what the cache lacks the presentation renders.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backline_cache::{
    Answer, Cache, Client, Document, FillId, Fresh, Key, Kind, Series, Token, Via, Want,
};
use backline_hls::{
    Decision, Event, Form, Headers, ObjectId, ObjectKind, Playlist, Presentation, Refusal,
    RenditionId, Slate,
};
use bytes::Bytes;

use crate::adapt::machine::{Desk, Machine};
use crate::adapt::shared::Asked;

/// The presentation's number in the cache; a cache of its own has only this one.
const STREAM: u32 = 0;
/// Series of the cache: what is listed, and what is closed.
const LISTED: Series = Series(0);
const CLOSED: Series = Series(1);
/// A hint stays good while its publisher is away: it is kept, or taken back by name.
const PROMISE: Duration = Duration::from_secs(24 * 3600);
/// The longest wait for an object that is promised: hls.js gives up after 10 s.
const HOLD: Duration = Duration::from_secs(9);

/// Both machines as one.
#[derive(Debug)]
pub struct Origin {
    presentation: Presentation,
    cache: Cache,
    now: Instant,
    /// The points of the last advance by rendition that the cache took, to notice a change that moves none.
    edges: BTreeMap<u16, (backline_hls::Point, backline_hls::Point)>,
    notices: VecDeque<Notice>,
    taps: Taps,
}

/// Who else sees what the presentation gives out.
#[derive(Default)]
struct Taps(Vec<Tap>);

/// Sees what happens on a stage beside the audience, in order. It must not wait: the stage is locked meanwhile.
pub type Tap = Box<dyn FnMut(Tapped<'_>) + Send>;

/// What a tap sees.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Tapped<'a> {
    /// The presentation gave this out, and is beyond it.
    Output(&'a backline_hls::Output, &'a Presentation),
    /// A publisher has come or gone.
    Turn,
}

impl Taps {
    fn see(&mut self, what: Tapped<'_>) {
        self.0.iter_mut().for_each(|tap| tap(what));
    }
}

impl std::fmt::Debug for Taps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} taps", self.0.len())
    }
}

/// What the origin tells: an answer, or something for the log.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// The answer to a token.
    #[non_exhaustive]
    Told {
        /// The token.
        token: u64,
        /// Its answer.
        told: Told,
    },
    /// Something for the log.
    Notice(Notice),
}

/// A late answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Told {
    /// What came of the request.
    pub answer: Answer,
    /// How the wait ended.
    pub via: Via,
    /// When the machine knew it.
    pub at: Instant,
}

/// Something for the log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// The cache refused what the presentation gave it.
    Cache(backline_cache::Error),
    /// Every playlist has its end mark.
    Ended,
    /// So many objects left before their time, since the memory is too small.
    Evicted(u64),
    /// The presentation warns.
    Hls(backline_hls::Warning),
}

/// An answer that needs no waiting.
#[derive(Debug)]
#[non_exhaustive]
pub enum Now {
    /// The presentation refuses: status, reason, headers.
    Refused(u16, Refusal, Headers),
    /// The cache has it, or knows that there is nothing.
    Answer(Answer, Headers),
}

impl Origin {
    /// Puts `cache` in front of `presentation`.
    #[must_use]
    pub const fn new(presentation: Presentation, cache: Cache, now: Instant) -> Self {
        Self {
            presentation,
            cache,
            now,
            edges: BTreeMap::new(),
            notices: VecDeque::new(),
            taps: Taps(Vec::new()),
        }
    }

    /// Shows everything that follows to `tap` too.
    pub fn watch(&mut self, tap: Tap) {
        self.taps.0.push(tap);
    }

    /// Gives the slate that plays while the publisher is away.
    pub fn set_slate(&mut self, slate: Arc<Slate>) {
        self.presentation.set_slate(Some(slate));
    }

    /// The presentation, for its getters.
    #[must_use]
    pub const fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// The cache, for its getters.
    #[must_use]
    pub const fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Asks for `path`, which is relative to the presentation. A held request remembers the headers.
    pub fn request(
        &mut self,
        now: Instant,
        path: &str,
        query: Option<&str>,
        token: u64,
        client: u64,
    ) -> Asked<Now, Headers> {
        self.now = now;
        let (want, deadline, headers) = match self.presentation.decide(now, path, query) {
            Decision::Refuse {
                status,
                reason,
                headers,
            } => return Asked::Now(Now::Refused(status, reason, headers)),
            Decision::Object { object, headers } => {
                (Want::Object(key(object)), now + HOLD, headers)
            }
            Decision::Playlist {
                playlist,
                hold,
                headers,
            } => {
                let document = document(playlist);
                match hold {
                    None => (Want::current(document), now + HOLD, headers),
                    Some(hold) => (
                        Want::reached(document, series(hold.series), point(hold.point)),
                        hold.deadline,
                        headers,
                    ),
                }
            }
        };
        match self
            .cache
            .request(now, want, Token(token), Client(client), deadline)
        {
            Answer::Held => Asked::Later(headers),
            answer => Asked::Now(Now::Answer(answer, headers)),
        }
    }

    /// Hands everything that the presentation has to say to the cache.
    fn settle(&mut self, now: Instant) {
        while let Some(output) = self.presentation.poll_output() {
            self.taps.see(Tapped::Output(&output, &self.presentation));
            if let Err(error) = self.apply(now, output) {
                self.notices.push_back(Notice::Cache(error));
            }
        }
    }

    fn apply(
        &mut self,
        now: Instant,
        output: backline_hls::Output,
    ) -> Result<(), backline_cache::Error> {
        use backline_hls::Output as Hls;
        let cache = &mut self.cache;
        match output {
            Hls::Init { object, body } => cache.publish(now, key(object), &[body]),
            Hls::Part { object, body } => cache.publish(now, key(object), &body),
            Hls::Segment { object, parts } => {
                let parts: Vec<Key> = parts.into_iter().map(key).collect();
                cache.publish_rope(now, key(object), &parts)?;
                // Its bandwidth is part of the multivariant playlist.
                cache.outdate(now, STREAM, u32::from(RenditionId::MULTIVARIANT.0))
            }
            Hls::Text { object, body } => cache.publish(now, key(object), &[body]),
            Hls::Promised { object } => cache.promise(now, key(object), now + PROMISE),
            Hls::Retracted { object } => {
                cache.retract(now, key(object), 404);
                Ok(())
            }
            Hls::Advanced {
                rendition,
                listed,
                closed,
            } => self.advance(now, rendition, listed, closed),
            Hls::Expired {
                object,
                available_until,
            } => {
                cache.keep_until(now, key(object), available_until);
                Ok(())
            }
            Hls::Ended => {
                cache.finish(now, STREAM);
                self.notices.push_back(Notice::Ended);
                Ok(())
            }
            Hls::Warning(warning) => {
                self.notices.push_back(Notice::Hls(warning));
                Ok(())
            }
        }
    }

    fn advance(
        &mut self,
        now: Instant,
        rendition: RenditionId,
        listed: backline_hls::Point,
        closed: backline_hls::Point,
    ) -> Result<(), backline_cache::Error> {
        let id = u32::from(rendition.0);
        if self.edges.get(&rendition.0) == Some(&(listed, closed)) {
            return self.cache.outdate(now, STREAM, id);
        }
        self.cache.advance(now, STREAM, id, CLOSED, point(closed))?;
        self.cache.advance(now, STREAM, id, LISTED, point(listed))?;
        // Only what the cache has taken: what it refused is given to it once more when the same comes again.
        self.edges.insert(rendition.0, (listed, closed));
        Ok(())
    }

    fn fill(&mut self, fill: FillId, want: &Want) {
        let rendered = match want {
            Want::Document { document, .. } => {
                playlist(*document).and_then(|playlist| self.presentation.render(playlist))
            }
            _ => None,
        };
        let result = rendered.ok_or(404).map(|rendered| {
            Fresh::new(rendered.text)
                .with_gzip(rendered.gzip)
                .with_edge(LISTED, point(rendered.listed))
                .with_edge(CLOSED, point(rendered.closed))
        });
        if let Err(error) = self.cache.fill(self.now, fill, result) {
            self.notices.push_back(Notice::Cache(error));
        }
    }
}

impl Machine for Origin {
    type Event = Event;
    type Output = Output;
    type Transmit = Bytes;
    type Error = backline_hls::Error;

    fn handle_event(&mut self, now: Instant, event: Event) -> Result<(), Self::Error> {
        self.now = now;
        self.settle(now);
        let turn = matches!(event, Event::Start { .. } | Event::Stop);
        let result = self.presentation.handle_event(now, event);
        self.settle(now);
        if turn {
            self.taps.see(Tapped::Turn);
        }
        result
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.presentation.handle_timeout(now);
        self.settle(now);
        self.cache.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        use backline_cache::Output as Cached;
        loop {
            if let Some(notice) = self.notices.pop_front() {
                return Some(Output::Notice(notice));
            }
            match self.cache.poll_output()? {
                Cached::Fetch { fill, want, .. } => self.fill(fill, &want),
                Cached::Ready {
                    token, answer, via, ..
                } => {
                    return Some(Output::Told {
                        token: token.0,
                        told: Told {
                            answer,
                            via,
                            at: self.now,
                        },
                    });
                }
                Cached::Evicted { objects, .. } => {
                    return Some(Output::Notice(Notice::Evicted(objects)));
                }
                _ => {}
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let timeouts = [self.presentation.poll_timeout(), self.cache.poll_timeout()];
        timeouts.into_iter().flatten().min()
    }
}

impl Desk for Origin {
    type Answer = Told;

    fn told(output: Output) -> Result<(u64, Told), Output> {
        match output {
            Output::Told { token, told } => Ok((token, told)),
            other @ Output::Notice(_) => Err(other),
        }
    }

    fn cancel(&mut self, now: Instant, token: u64) {
        self.cache.cancel(now, Token(token));
    }
}

fn key(object: ObjectId) -> Key {
    let kind = match object.kind {
        ObjectKind::Init => Kind::Init,
        ObjectKind::Part => Kind::Part,
        ObjectKind::Segment => Kind::Segment,
    };
    Key::new(STREAM, u32::from(object.rendition.0), kind, object.number)
}

fn document(playlist: Playlist) -> Document {
    let form = match playlist.form {
        Form::Full => 0,
        Form::Skip => 1,
        Form::SkipV2 => 2,
    };
    let rendition = playlist.rendition.unwrap_or(RenditionId::MULTIVARIANT);
    Document::new(STREAM, u32::from(rendition.0), form)
}

/// Turns back what [`document`] made.
fn playlist(document: Document) -> Option<Playlist> {
    let form = match document.form {
        1 => Form::Skip,
        2 => Form::SkipV2,
        _ => Form::Full,
    };
    let rendition = u16::try_from(document.rendition).ok().map(RenditionId)?;
    Some(Playlist {
        rendition: (rendition != RenditionId::MULTIVARIANT).then_some(rendition),
        form,
    })
}

const fn series(series: backline_hls::Series) -> Series {
    match series {
        backline_hls::Series::Closed => CLOSED,
        backline_hls::Series::Listed => LISTED,
    }
}

const fn point(point: backline_hls::Point) -> backline_cache::Point {
    backline_cache::Point::new(point.msn, point.part)
}

#[cfg(test)]
mod tests;
