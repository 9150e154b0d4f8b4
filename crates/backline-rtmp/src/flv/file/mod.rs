//! FLV files (FLV 10.1, Annex E.2 to E.4): a recording of a publication.
//!
//! The format suits a box that may lose its power: a writer only appends, and nothing at the front has to be put
//! right in the end. After a power cut [`Reader::whole_len`] says how far the file is whole; cut it there and go on
//! with [`Writer::resume`].

mod reader;
mod writer;

pub use reader::{Event, Header, Reader};
pub use writer::{Tag, Writer};

/// Bytes of the file header, and where it says that tags begin (E.2).
const HEADER_LEN: usize = 9;
const SIGNATURE: [u8; 3] = *b"FLV";
const VERSION: u8 = 1;
/// Flags of the file header.
const HAS_AUDIO: u8 = 0x04;
const HAS_VIDEO: u8 = 0x01;
/// Bytes of a tag before its body, and of the back pointer behind it (E.3).
const TAG_HEADER_LEN: usize = 11;
const BACK_POINTER_LEN: usize = 4;
/// Flag of a tag whose body is encrypted (E.4.1).
const FILTER: u8 = 0x20;
const TAG_TYPE: u8 = 0x1F;

/// Returns what the back pointer of a tag says: the length of its body and of what stands before.
const fn tag_len(body: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "it is 11")]
    body.saturating_add(TAG_HEADER_LEN as u32)
}
