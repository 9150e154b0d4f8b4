#![doc = include_str!("../README.md")]

extern crate alloc;

pub mod amf0;
pub mod chunk;
mod error;
pub mod flv;
pub mod handshake;
mod limits;
mod message;
mod read;
pub mod server;
mod transmit;

// The public interface is: the modules above and these three, which all of them share.
pub use error::Error;
pub use limits::Limits;
pub use transmit::Transmit;
