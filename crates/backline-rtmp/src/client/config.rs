//! What the caller decides once.

use super::Address;
use super::auth::Login;
use crate::Limits;
use crate::handshake::{EchoPolicy, Form};
use crate::server::PlayStart;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// What a client connects for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Purpose {
    /// To play the stream.
    Play {
        /// Where to begin.
        start: PlayStart,
    },
    /// To publish the stream, live.
    Publish,
}

/// How a client behaves; tuned for publishing up to 50 Mb/s to a platform.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// Where to connect.
    pub address: Address,
    /// What for.
    pub purpose: Purpose,
    /// Time for each answer of the server: to connect, to create a stream, to begin. Default 10 s.
    pub answer_timeout: Duration,
    /// Time after which a publication counts as accepted though the server has not said so, less than
    /// `answer_timeout`. Default none: wait. Facebook's servers have been seen to stay silent.
    pub assume_published: Option<Duration>,
    /// Length of a player's buffer, told to the server. Default 3 s.
    pub buffer: Duration,
    /// The `capsEx` mask of Enhanced RTMP, sent where `fourccs` is not empty. Default 15: it can be asked to
    /// connect anew, and knows several tracks, ModEx and its nanoseconds.
    pub caps_ex: u32,
    /// Chunk size for what we send, 1 to 16 777 215 bytes. Default 4096.
    pub chunk_size: u32,
    /// How much a player wants, told to the server in whole milliseconds. Default none: all of it.
    pub duration: Option<Duration>,
    /// What to think of a server whose last handshake packet is not right. Default: ignore it.
    pub echo: EchoPolicy,
    /// What this client calls itself. Default is what live encoders say; some servers look for the letters.
    pub flash_version: String,
    /// FourCCs of Enhanced RTMP that are sent or wanted, such as `hvc1`; `*` is any. Default none: some servers
    /// refuse even H.264 from whoever names any.
    pub fourccs: Vec<String>,
    /// The form of handshake to begin with.
    pub handshake: Form,
    /// Time for the handshake. Default 5 s.
    pub handshake_timeout: Duration,
    /// Time without any byte after which the server is taken for dead. Default 30 s. Of one that is published to and
    /// never answered a ping it is enough that what was sent to it is taken.
    pub idle_timeout: Duration,
    /// Caps on what the server may cost.
    pub limits: Limits,
    /// Silence of the server after which it is asked for a sign of life. Default 10 s; zero never asks.
    pub ping_interval: Duration,
    /// Redirections, logins and requests to connect anew that may follow one another without a stream in between.
    /// Default 4.
    pub redials_max: u8,
    /// Whether a player's stream takes the place of what the server has in a list for this connection, or goes behind
    /// that. Default true.
    pub reset: bool,
    /// Source of the handshake's random bytes. Default 0; give each connection its own.
    pub seed: u64,
    /// Bytes after which we ask the server to acknowledge. Default 2 500 000.
    pub window_ack_size: u32,
    /// How far a login has got.
    pub(super) login: Login,
    /// How many connections in a row came to nothing but another address.
    pub(super) redials: u8,
}

impl Config {
    /// Makes the configuration for publishing to an address.
    #[must_use]
    pub fn publish(address: Address) -> Self {
        Self::new(address, Purpose::Publish)
    }

    /// Makes the configuration for playing from an address, live or recorded.
    #[must_use]
    pub fn play(address: Address) -> Self {
        let start = PlayStart::Any;
        Self::new(address, Purpose::Play { start })
    }

    fn new(address: Address, purpose: Purpose) -> Self {
        Self {
            address,
            purpose,
            answer_timeout: Duration::from_secs(10),
            assume_published: None,
            buffer: Duration::from_secs(3),
            caps_ex: 15,
            chunk_size: 4096,
            duration: None,
            echo: EchoPolicy::default(),
            flash_version: match purpose {
                Purpose::Publish => "FMLE/3.0 (compatible; backline)",
                Purpose::Play { .. } => "LNX 9,0,124,2",
            }
            .to_string(),
            fourccs: Vec::new(),
            handshake: Form::default(),
            handshake_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            limits: Limits::default(),
            ping_interval: Duration::from_secs(10),
            redials_max: 4,
            reset: true,
            seed: 0,
            window_ack_size: 2_500_000,
            login: Login::default(),
            redials: 0,
        }
    }
}
