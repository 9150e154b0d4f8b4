//! Adapters to the runtime, to sockets, files and the clock. A file names at most one backline crate.

pub mod assets;
pub mod body;
pub mod clock;
pub mod files;
pub mod listen;
pub mod machine;
pub mod pump;
pub mod serve;
pub mod shared;
pub mod stall;
