//! `backline-cache`'s pull-through store as tasks share it: who asks, who reads what still grows, and what is to be
//! fetched.

mod body;

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use backline_cache::pull::{Ask, Head, Pull, PullAnswer, PullOutput, Read, Reader, Taken};
use backline_cache::rules::Treatment;
use backline_cache::{Client, Error, FillId, Name, Token};
use bytes::Bytes;
use http::HeaderMap;

use super::machine::{Desk, Machine};
use super::shared::Asked;
use super::upstream::Answered;

pub use self::body::{Broken, Growing};

/// The store and what its callers have to remember beside it.
#[derive(Debug)]
pub struct Pulled {
    pull: Pull,
    /// What waits for whoever fetches, in order.
    work: VecDeque<Work>,
    /// The ticket of who waits for bytes, by the token that he asked with.
    reading: BTreeMap<u64, u64>,
    /// The headers of those who wait: one of them leads each fetch.
    askers: BTreeMap<u64, Arc<HeaderMap>>,
    /// Answers that one request alone gets, by its token.
    own: BTreeMap<u64, Answered>,
    /// The same before it is known whose they are.
    unclaimed: BTreeMap<FillId, Answered>,
}

/// What the store tells.
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
    /// There is work.
    Work,
}

/// A late answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Told {
    /// To a request.
    Answer(PullAnswer),
    /// To a reader: there may be more.
    Readable,
}

/// Something to do at the origin.
#[derive(Debug)]
#[non_exhaustive]
pub enum Work {
    /// Nobody wants this any more.
    Abandon(FillId),
    /// To be asked for.
    Fetch(Box<Fetch>),
}

/// What is to be asked for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fetch {
    /// Which fill it is.
    pub fill: FillId,
    /// What.
    pub name: Name,
    /// The head of what is there already, which may still be good.
    pub revalidate: Option<Bytes>,
    /// What the rules say of it.
    pub treatment: Treatment,
    /// The headers of a request for it.
    pub asker: Arc<HeaderMap>,
}

impl Pulled {
    /// Wraps the store.
    #[must_use]
    pub const fn new(pull: Pull) -> Self {
        Self {
            pull,
            work: VecDeque::new(),
            reading: BTreeMap::new(),
            askers: BTreeMap::new(),
            own: BTreeMap::new(),
            unclaimed: BTreeMap::new(),
        }
    }

    /// The store, for its getters.
    #[must_use]
    pub const fn pull(&self) -> &Pull {
        &self.pull
    }

    /// The store, for its other verbs.
    pub const fn pull_mut(&mut self) -> &mut Pull {
        &mut self.pull
    }

    /// Asks; the token is that of a reader too, if the answer is a body that still grows.
    pub fn request(
        &mut self,
        now: Instant,
        ask: &Ask<'_>,
        asker: &Arc<HeaderMap>,
        token: u64,
        client: u64,
        deadline: Instant,
    ) -> Asked<(u64, PullAnswer), u64> {
        let answer = self
            .pull
            .request(now, ask, Token(token), Client(client), deadline);
        match answer {
            PullAnswer::Held => {
                self.askers.insert(token, Arc::clone(asker));
                Asked::Later(token)
            }
            answer => Asked::Now((token, answer)),
        }
    }

    /// Reads on, up to `end`; `ticket` gets [`Told::Readable`] when there is nothing yet.
    pub fn read(
        &mut self,
        now: Instant,
        token: u64,
        reader: Reader,
        end: u64,
        ticket: u64,
    ) -> Asked<Read, ()> {
        match self.pull.read(now, reader, end) {
            Read::Wait => {
                self.reading.insert(token, ticket);
                Asked::Later(())
            }
            read => Asked::Now(read),
        }
    }

    /// A reader leaves, at the end or before.
    pub fn leave(&mut self, now: Instant, token: u64, reader: Reader) {
        self.reading.remove(&token);
        self.pull.leave(now, reader);
    }

    /// The next thing to do.
    pub fn next_work(&mut self) -> Option<Work> {
        self.work.pop_front()
    }

    /// Tells the head of what a fetch brings, and keeps the rest of it for the one request that it is for, if the store
    /// does not take it. Gives it back if the body goes on into the store.
    ///
    /// # Errors
    ///
    /// The store knows of no such fetch.
    pub fn head(
        &mut self,
        now: Instant,
        fill: FillId,
        head: &Head,
        answered: Answered,
    ) -> Result<Option<Answered>, Error> {
        match self.pull.fill_head(now, fill, head)? {
            Taken::Store => Ok(Some(answered)),
            Taken::Pass => {
                self.unclaimed.insert(fill, answered);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// What [`PullAnswer::Own`] promised to a token.
    pub fn take_own(&mut self, token: u64) -> Option<Answered> {
        self.own.remove(&token)
    }
}

impl Machine for Pulled {
    /// What happens to it comes through its verbs.
    type Event = Infallible;
    type Output = Output;
    type Transmit = Bytes;
    type Error = Error;

    fn handle_event(&mut self, _now: Instant, event: Infallible) -> Result<(), Error> {
        match event {}
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.pull.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        loop {
            match self.pull.poll_output()? {
                PullOutput::Abandon { fill, .. } => {
                    self.work.push_back(Work::Abandon(fill));
                    return Some(Output::Work);
                }
                PullOutput::Fetch {
                    fill,
                    name,
                    leader,
                    revalidate,
                    treatment,
                    ..
                } => {
                    let asker = leader.and_then(|leader| self.askers.get(&leader.0));
                    let asker = asker.map(Arc::clone).unwrap_or_default();
                    self.work.push_back(Work::Fetch(Box::new(Fetch {
                        fill,
                        name,
                        revalidate,
                        treatment,
                        asker,
                    })));
                    return Some(Output::Work);
                }
                PullOutput::Readable { token, .. } => {
                    if let Some(token) = self.reading.remove(&token.0) {
                        let told = Told::Readable;
                        return Some(Output::Told { token, told });
                    }
                }
                PullOutput::Ready { token, answer, .. } => {
                    self.askers.remove(&token.0);
                    if let PullAnswer::Own(fill) = answer {
                        let answered = self.unclaimed.remove(&fill);
                        self.own
                            .extend(answered.map(|answered| (token.0, answered)));
                    }
                    let (token, told) = (token.0, Told::Answer(answer));
                    return Some(Output::Told { token, told });
                }
                _ => {}
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.pull.poll_timeout()
    }
}

impl Desk for Pulled {
    type Answer = Told;

    fn told(output: Output) -> Result<(u64, Told), Output> {
        match output {
            Output::Told { token, told } => Ok((token, told)),
            // It only says that the list is longer: one that is lost costs nothing, since others wait to say the same.
            other @ Output::Work => Err(other),
        }
    }

    fn cancel(&mut self, now: Instant, token: u64) {
        self.askers.remove(&token);
        self.own.remove(&token);
        // The ticket of a reader is none of the store's tokens; he leaves by his own.
        self.pull.cancel(now, Token(token));
    }
}

#[cfg(test)]
mod tests;
