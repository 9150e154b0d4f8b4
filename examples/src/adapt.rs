//! Adapters to the runtime, to sockets, files and the clock. A file names at most one backline crate.

#[cfg(feature = "archive")]
pub mod archive;
pub mod assets;
pub mod audience;
pub mod body;
pub mod clock;
pub mod dial;
pub mod exposition;
pub mod files;
pub mod flow;
pub mod gather;
pub mod listen;
pub mod log;
pub mod machine;
pub mod program;
pub mod pump;
pub mod random;
pub mod record;
pub mod serve;
pub mod shared;
pub mod signals;
pub mod slate;
pub mod stall;
pub mod tap;
pub mod tls;
pub mod uplink;
