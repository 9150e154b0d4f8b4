//! A running `edge-node`, a publisher in real time and viewers who wait.

mod camera;
mod crowd;
mod node;
mod playlist;

pub use camera::Camera;
pub use crowd::{Crowd, Round};
pub use node::{KEY, Node};
pub use playlist::{Edge, edge};
