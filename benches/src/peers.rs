//! Others who do the same work, each behind the same few methods, used as their documentation says.

mod librtmp2;
mod rml_rtmp;
mod shiguredo_rtmp;

pub mod fragments;
pub mod mux;
pub mod ours;

pub use self::librtmp2::LibRtmp2;
pub use self::rml_rtmp::{RmlRtmp, RmlSession};
pub use self::shiguredo_rtmp::{Shiguredo, ShiguredoSession};

/// Turns the bytes after the handshake into messages.
pub trait Demux {
    /// Name and version.
    const WHO: &'static str;

    /// A demuxer for a connection that begins with `prelude`, which sets the chunk size to `chunk_size`.
    fn new(prelude: &[u8], chunk_size: u32) -> Self;

    /// Takes all of `read` and calls `sink` with type, timestamp and body of every message that is complete.
    fn feed(&mut self, read: &[u8], sink: impl FnMut(u8, u32, &[u8]));
}

/// A server's session: handshake, commands, media.
pub trait Session {
    /// Name and version.
    const WHO: &'static str;

    /// A session for a fresh connection.
    fn new() -> Self;

    /// Takes all of `read`, accepts whatever is asked for, appends what has to be sent to `out` and calls `sink` with
    /// the type (8 audio, 9 video) and the coded bytes of every frame.
    fn feed(&mut self, read: &[u8], out: &mut Vec<u8>, sink: impl FnMut(u8, &[u8]));
}
