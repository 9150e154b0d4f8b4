//! Whole MP4 files: a slate is read from one, and a finished night is written to one.
//!
//! Both work on what the caller opened: [`read_slate`] on a `Read + Seek`, [`ProgressiveWriter`] on a
//! `Write + Seek`. The boxes of such files are those of the `mp4` crate; which of a file's boxes it gets to see, and
//! that each of them is whole, is decided here, since it trusts what it reads.

mod entry;
mod movie;
mod part;
mod slate;
mod walk;
mod writer;

pub use part::{StoredPart, StoredRun};
pub use slate::read_slate;
pub use writer::ProgressiveWriter;
