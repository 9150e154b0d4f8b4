//! Pumps a byte stream, such as a TCP connection or TLS over one, through an RTMP session.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use backline_rtmp::{Error, Transmit};
use bytes::Buf;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::gather;
use super::machine::Machine;

/// Bytes read at once: a few frames of a 10 Mb/s camera.
const READ_BYTES: usize = 64 * 1024;
/// Pieces written at once: a picture of 64 KiB in chunks of 4 KiB, each a header and a payload.
const PIECES_MAX: usize = 16;
/// How long a peer that is told goodbye may take to read it.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

thread_local! {
    /// What is read goes through the session before the task gives way, so that a thread needs one buffer,
    /// however many connections it has.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// A connection and its session. One task drives it by calling [`Pump::next`].
#[derive(Debug)]
pub struct Pump<M, S = TcpStream> {
    stream: S,
    session: M,
    /// What the session has not taken yet of what was read.
    left: VecDeque<u8>,
    sending: VecDeque<Transmit>,
    /// Wakes the task when the session wants it; it may wake too early, and is moved on then.
    alarm: Option<Pin<Box<Sleep>>>,
    /// The peer takes nothing any more. FFmpeg sends its last frames and closes at once: they are still read.
    deaf: bool,
    /// Why there will be no more input, to be told after the outputs that came before.
    failed: Option<Error>,
}

/// Why there is no next output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// The peer closed the connection.
    #[error("the peer closed the connection")]
    Closed,
    /// The socket failed.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The peer broke the protocol or a cap.
    #[error(transparent)]
    Protocol(#[from] Error),
}

impl<M, S> Pump<M, S>
where
    M: Machine<Transmit = Transmit, Error = Error>,
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// Begins a session on a connection that is open.
    #[must_use]
    pub const fn new(stream: S, session: M) -> Self {
        Self {
            stream,
            session,
            left: VecDeque::new(),
            sending: VecDeque::new(),
            alarm: None,
            deaf: false,
            failed: None,
        }
    }

    /// The session, for its verbs and counters.
    pub const fn session(&mut self) -> &mut M {
        &mut self.session
    }

    /// Moves bytes until the session has something to tell. Cancel safe: nothing is lost when the
    /// future is dropped.
    ///
    /// # Errors
    ///
    /// The connection is of no further use; [`Pump::finish`] says what is left to say.
    pub async fn next(&mut self) -> Result<M::Output, Ended>
    where
        M: Unpin,
    {
        loop {
            if let Some(output) = self.next_or(|_| false).await? {
                return Ok(output);
            }
        }
    }

    /// Moves bytes like [`Pump::next`], or until the session is as it is wanted, such as with room for more to send;
    /// there is no output then.
    ///
    /// # Errors
    ///
    /// As of [`Pump::next`].
    pub async fn next_or(&mut self, wanted: impl Fn(&M) -> bool) -> Result<Option<M::Output>, Ended>
    where
        M: Unpin,
    {
        poll_fn(|context| self.poll_next(context, &wanted)).await
    }

    /// Says what is left to say and closes the connection; a peer that does not listen is left.
    pub async fn finish(mut self) {
        let goodbye = async {
            while let Some(mut transmit) = self
                .sending
                .pop_front()
                .or_else(|| self.session.poll_transmit())
            {
                self.stream.write_all_buf(&mut transmit).await?;
            }
            self.stream.shutdown().await?;
            // A socket closed with unread bytes resets the connection, and the peer would lose what it
            // was told just now.
            let mut unread = [0; 1024];
            while self.stream.read(&mut unread).await? > 0 {}
            Ok::<_, io::Error>(())
        };
        // Nothing is left to be done about a failure here.
        drop(tokio::time::timeout(GOODBYE_MAX, goodbye).await);
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        wanted: &impl Fn(&M) -> bool,
    ) -> Poll<Result<Option<M::Output>, Ended>> {
        loop {
            if let Some(output) = self.session.poll_output() {
                return Poll::Ready(Ok(Some(output)));
            }
            if let Some(error) = self.failed.take() {
                return Poll::Ready(Err(error.into()));
            }
            if wanted(&self.session) {
                return Poll::Ready(Ok(None));
            }
            let wrote = self.poll_write(context).is_ready();
            if self.take_left() {
                continue;
            }
            // What the session does not want yet waits here, and what comes behind it waits in the socket.
            let read = self.left.is_empty() && self.poll_read(context)?.is_ready();
            // The alarm comes last, so that it is not set for each piece of a stream that flows.
            if !read && !wrote && self.poll_alarm(context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Offers what was read before.
    fn take_left(&mut self) -> bool {
        if self.left.is_empty() {
            return false;
        }
        let left = self.left.make_contiguous();
        match self.session.handle_input(Instant::now(), left) {
            Ok(taken) => {
                self.left.drain(..taken);
                if self.left.is_empty() {
                    self.left = VecDeque::new();
                }
                taken > 0
            }
            Err(error) => {
                self.failed = Some(error);
                true
            }
        }
    }

    /// Reads once, and offers what was read.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            let read = buffer.filled();
            if read.is_empty() {
                return Poll::Ready(Err(Ended::Closed));
            }
            gather::took();
            let now = Instant::now();
            match self.session.handle_input(now, read) {
                Ok(taken) => self.left.extend(read.get(taken..).unwrap_or_default()),
                Err(error) => self.failed = Some(error),
            }
            // A peer that never pauses must not keep the session from what is due.
            if self.session.poll_timeout().is_some_and(|due| due <= now) {
                self.session.handle_timeout(now);
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Writes once; ready if it did, pending if there is nothing to write or no room for it.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.deaf && self.session.poll_transmit().is_some() {}
        while self.sending.len() < PIECES_MAX {
            let Some(transmit) = self.session.poll_transmit() else {
                break;
            };
            self.sending.push_back(transmit);
        }
        if self.sending.is_empty() {
            return Poll::Pending;
        }
        let mut slices = [IoSlice::new(&[]); 2 * PIECES_MAX];
        let mut count = 0;
        for transmit in &self.sending {
            let free = slices.get_mut(count..).unwrap_or_default();
            count += transmit.chunks_vectored(free);
        }
        let pieces = slices.get(..count).unwrap_or_default();
        let stream = Pin::new(&mut self.stream);
        let Poll::Ready(written) = stream.poll_write_vectored(context, pieces) else {
            return Poll::Pending;
        };
        let Ok(mut written @ 1..) = written else {
            self.deaf = true;
            self.sending.clear();
            return Poll::Ready(());
        };
        while let Some(first) = self.sending.front_mut() {
            let of_first = written.min(first.remaining());
            first.advance(of_first);
            written -= of_first;
            if first.has_remaining() {
                break;
            }
            self.sending.pop_front();
        }
        Poll::Ready(())
    }

    /// Tells the session when its instant has come; ready if it did.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.session.poll_timeout() else {
            return Poll::Pending;
        };
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        // Most bytes move the deadline on. Moving the alarm each time would cost more than one early waking.
        if alarm.deadline().into_std() > deadline {
            alarm.as_mut().reset(deadline.into());
        }
        ready!(alarm.as_mut().poll(context));
        if Instant::now() < deadline {
            alarm.as_mut().reset(deadline.into());
            ready!(alarm.as_mut().poll(context));
        }
        self.session.handle_timeout(Instant::now());
        Poll::Ready(())
    }
}
