//! The only adapter that holds a machine which several tasks use.
//!
//! One lock, never held across an `.await`; answers that come later travel through one-shot channels
//! in a slab whose index is the token; whoever waits and leaves cancels his token by being dropped.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use slab::Slab;
use tokio::sync::{Notify, mpsc, oneshot};

use super::machine::{Desk, Machine};

/// Other outputs that may wait for the task that logs them; more are dropped, since a log line is
/// worth less than a picture.
const NOTICES_MAX: usize = 1024;

/// A machine shared by tasks. Clones are handles of the same machine.
pub struct Shared<M: Desk>(Arc<Inner<M>>);

/// What a verb got: its result at once, or the promise of an answer by token.
#[expect(
    clippy::exhaustive_enums,
    reason = "an answer comes now or later; there is no third way"
)]
#[derive(Debug)]
pub enum Asked<N, L> {
    /// Answered; the token is free again.
    Now(N),
    /// Held; what the caller needs to remember until the answer comes.
    Later(L),
}

/// A held request. Resolves to `None` when the machine is gone. Dropping it cancels the token.
pub struct Waiting<M: Desk> {
    shared: Arc<Inner<M>>,
    token: u64,
    answer: oneshot::Receiver<M::Answer>,
    settled: bool,
}

struct Inner<M: Desk> {
    state: Mutex<State<M>>,
    /// Rung when the deadline moves earlier than the one that the timer task sleeps for.
    earlier: Notify,
    notices: mpsc::Sender<M::Output>,
}

struct State<M: Desk> {
    machine: M,
    waiting: Slab<Seat<M::Answer>>,
    /// Distinguishes two holders of one slab index, so that a late cancel hits nobody else.
    round: u32,
    armed: Option<Instant>,
}

struct Seat<A> {
    round: u32,
    sender: oneshot::Sender<A>,
}

/// Answers that are sent after the lock is released, so that 500 wake-ups hold nobody up.
type Wake<A> = Vec<(oneshot::Sender<A>, A)>;

impl<M: Desk> Clone for Shared<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Desk> Shared<M> {
    /// Shares `machine`. The receiver gets every output that answers no token.
    pub fn new(machine: M) -> (Self, mpsc::Receiver<M::Output>) {
        let (notices, receiver) = mpsc::channel(NOTICES_MAX);
        let state = State {
            machine,
            waiting: Slab::new(),
            round: 0,
            armed: None,
        };
        (
            Self(Arc::new(Inner {
                state: Mutex::new(state),
                earlier: Notify::new(),
                notices,
            })),
            receiver,
        )
    }

    /// Runs a verb or a getter on the machine, then delivers what came of it.
    pub fn with<R>(&self, verb: impl FnOnce(&mut M, Instant) -> R) -> R {
        let mut state = self.0.lock();
        let result = verb(&mut state.machine, Instant::now());
        self.0.settle(state);
        result
    }

    /// Runs a verb that may be answered later; it gets the token to pass on.
    ///
    /// # Errors
    ///
    /// Not an error: the answer comes later, and the returned future waits for it.
    pub fn ask<N, L>(
        &self,
        verb: impl FnOnce(&mut M, Instant, u64) -> Asked<N, L>,
    ) -> Result<N, (L, Waiting<M>)> {
        let mut state = self.0.lock();
        state.round = state.round.wrapping_add(1);
        let round = state.round;
        let token = token(round, state.waiting.vacant_key());
        let asked = verb(&mut state.machine, Instant::now(), token);
        let result = match asked {
            Asked::Now(now) => Ok(now),
            Asked::Later(later) => {
                let (sender, answer) = oneshot::channel();
                state.waiting.insert(Seat { round, sender });
                let shared = Arc::clone(&self.0);
                Err((
                    later,
                    Waiting {
                        shared,
                        token,
                        answer,
                        settled: false,
                    },
                ))
            }
        };
        self.0.settle(state);
        result
    }

    /// Calls the machine at its deadlines, for ever. One task a machine runs this.
    pub async fn run_timer(&self) {
        loop {
            let deadline = {
                let mut state = self.0.lock();
                state.armed = state.machine.poll_timeout();
                state.armed
            };
            tokio::select! {
                () = sleep_until(deadline) => self.with(Machine::handle_timeout),
                () = self.0.earlier.notified() => {}
            }
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

impl<M: Desk> Inner<M> {
    /// A panic of another holder must not take the stage down with it: the machine is a value whose
    /// calls each leave it consistent, so a poisoned lock is taken as it is.
    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drains the outputs and wakes whom they concern.
    fn settle(&self, mut state: MutexGuard<'_, State<M>>) {
        let mut wake: Wake<M::Answer> = Vec::new();
        while let Some(output) = state.machine.poll_output() {
            match M::told(output) {
                Ok((token, answer)) => {
                    if let Some(sender) = state.leave(token) {
                        wake.push((sender, answer));
                    }
                }
                Err(notice) => drop(self.notices.try_send(notice)),
            }
        }
        let earlier = match (state.machine.poll_timeout(), state.armed) {
            (Some(deadline), Some(armed)) => deadline < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        drop(state);
        for (sender, answer) in wake {
            // The receiver may have left in this instant; then nobody waits for the answer.
            drop(sender.send(answer));
        }
        if earlier {
            self.earlier.notify_one();
        }
    }
}

impl<M: Desk> State<M> {
    fn leave(&mut self, token: u64) -> Option<oneshot::Sender<M::Answer>> {
        let (round, index) = split(token);
        let seat = self.waiting.get(index)?;
        (seat.round == round).then(|| self.waiting.remove(index).sender)
    }
}

impl<M: Desk> Future for Waiting<M> {
    type Output = Option<M::Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let poll = Pin::new(&mut self.answer).poll(context);
        if poll.is_ready() {
            self.settled = true;
        }
        poll.map(Result::ok)
    }
}

impl<M: Desk> Drop for Waiting<M> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut state = self.shared.lock();
        // An answer may be on its way to whoever leaves; what the machine keeps beside it goes as well.
        state.leave(self.token);
        state.machine.cancel(Instant::now(), self.token);
        self.shared.settle(state);
    }
}

fn token(round: u32, index: usize) -> u64 {
    // The caches cap waiters far below 2^32, so the index always fits; a wrapped one would only be
    // refused by `leave`.
    u64::from(round) << 32 | (index as u64 & 0xFFFF_FFFF)
}

fn split(token: u64) -> (u32, usize) {
    ((token >> 32) as u32, (token & 0xFFFF_FFFF) as usize)
}

#[cfg(test)]
mod tests;
