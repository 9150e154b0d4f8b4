#![doc = include_str!("../README.md")]

extern crate alloc;

pub mod aggregate;
pub mod amf0;
pub mod amf3;
pub mod chunk;
pub mod client;
pub mod command;
pub mod control;
mod error;
pub mod flv;
pub mod handshake;
mod limits;
mod message;
mod read;
pub mod relay;
pub mod report;
pub mod server;
mod session;
pub mod shared_object;
mod transmit;

// The public interface is: the modules above and these three, which all of them share.
pub use error::Error;
pub use limits::Limits;
pub use transmit::Transmit;
