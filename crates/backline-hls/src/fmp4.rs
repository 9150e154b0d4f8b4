//! The CMAF writer: init segments, and the header of each part. Payloads are never touched (MUX-4).
//!
//! An init segment describes the tracks and holds no media. A part is one movie fragment: the header made here, then
//! the samples' bytes in the order of the runs. Parts that are written one after another are their parent segment
//! (MUX-3).
//!
//! ```text
//! init:  ftyp moov
//! part:  [styp] [prft] [emsg ..] moof mdat-header | payloads of run 1 | payloads of run 2
//!        `---- fragment_header ------------------´ `------- the caller's own handles ---´
//! ```

mod boxes;
mod emsg;
mod entry;
mod fragment;
mod init;

pub(crate) use emsg::{emsg, emsg_size, prft};
pub(crate) use fragment::part_header;
pub use fragment::{FragmentSample, Run, Styp, fragment_header};
pub use init::{Brand, init};
