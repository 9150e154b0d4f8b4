//! Pumps a TCP connection through an RTMP server session.

use std::io;
use std::time::{Duration, Instant};

use backline_rtmp::server::{Output, Server};
use backline_rtmp::{Error, Transmit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes read at once: a few frames of a 10 Mb/s camera.
const READ_BYTES: usize = 64 * 1024;
/// How long a peer that is told goodbye may take to read it.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

/// A connection and its session. One task drives it by calling [`Pump::next`].
#[derive(Debug)]
pub struct Pump {
    stream: TcpStream,
    server: Server,
    buffer: Box<[u8]>,
    /// What of the buffer the session has not taken yet.
    left: std::ops::Range<usize>,
    sending: Option<Transmit>,
    /// The peer takes nothing any more. FFmpeg sends its last frames and closes at once: they are still read.
    deaf: bool,
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

impl Pump {
    /// Begins a session on an accepted connection.
    #[must_use]
    pub fn new(stream: TcpStream, server: Server) -> Self {
        let buffer = vec![0; READ_BYTES].into_boxed_slice();
        Self {
            stream,
            server,
            buffer,
            left: 0..0,
            sending: None,
            deaf: false,
        }
    }

    /// The session, for its verbs and counters.
    pub const fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// Moves bytes until the session has something to tell. Cancel safe: nothing is lost when the
    /// future is dropped.
    ///
    /// # Errors
    ///
    /// The connection is of no further use; [`Pump::finish`] says what is left to say.
    pub async fn next(&mut self) -> Result<Output, Ended> {
        loop {
            if let Some(output) = self.server.poll_output() {
                return Ok(output);
            }
            if self.deaf {
                while self.server.poll_transmit().is_some() {}
            } else if self.sending.is_none() {
                self.sending = self.server.poll_transmit();
            }
            let waiting = self.buffer.get(self.left.clone()).unwrap_or_default();
            if !waiting.is_empty() {
                let taken = self.server.handle_input(Instant::now(), waiting)?;
                self.left.start += taken;
                if taken > 0 {
                    continue;
                }
            }
            self.wait().await?;
        }
    }

    /// Says what is left to say and closes the connection; a peer that does not listen is left.
    pub async fn finish(mut self) {
        let goodbye = async {
            if let Some(mut transmit) = self.sending.take() {
                self.stream.write_all_buf(&mut transmit).await?;
            }
            while let Some(mut transmit) = self.server.poll_transmit() {
                self.stream.write_all_buf(&mut transmit).await?;
            }
            self.stream.shutdown().await?;
            // A socket closed with unread bytes resets the connection, and the peer would lose what it
            // was told just now.
            while self.stream.read(&mut self.buffer).await? > 0 {}
            Ok::<_, io::Error>(())
        };
        // Nothing is left to be done about a failure here.
        drop(tokio::time::timeout(GOODBYE_MAX, goodbye).await);
    }

    /// Waits for the socket or the clock, whatever comes first, and does one step of it.
    async fn wait(&mut self) -> Result<(), Ended> {
        let Self {
            stream,
            server,
            buffer,
            left,
            sending,
            deaf,
        } = self;
        let (mut reader, mut writer) = stream.split();
        let deadline = server.poll_timeout();
        tokio::select! {
            written = async {
                match sending.as_mut() {
                    Some(transmit) => writer.write_buf(transmit).await,
                    None => std::future::pending().await,
                }
            } => {
                *deaf = !matches!(written, Ok(1..));
                if *deaf || sending.as_ref().is_some_and(|transmit| !bytes::Buf::has_remaining(transmit)) {
                    *sending = None;
                }
            }
            read = reader.read(buffer), if left.start == left.end => match read? {
                0 => return Err(Ended::Closed),
                read => *left = 0..read,
            },
            () = sleep_until(deadline) => server.handle_timeout(Instant::now()),
        }
        Ok(())
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
