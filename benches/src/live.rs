//! A running `edge-node`, a publisher in real time and viewers who wait.

mod camera;
mod crowd;
mod fetch;
mod node;
mod playlist;
mod process;

pub use camera::Camera;
pub use crowd::{Crowd, Round};
pub use fetch::fetch;
pub use node::{KEY, Node, get};
pub use playlist::{Edge, edge};
pub use process::{Process, SERVER_CPU, free_port, line, listens, pinned, spawn};
