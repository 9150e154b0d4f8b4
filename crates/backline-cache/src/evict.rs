//! Whom to evict when a budget is full: index structures that know numbers and sizes, never bodies.
//!
//! [`S3Fifo`] misses the fewest bytes and suits media; [`Gdsf`] misses the fewest requests and suits small
//! objects such as pages. Each works on `(id, hash, bytes)`: the caller's small dense number of an object (an index of
//! its slab), a hash of its name that outlives it, and its size.
//!
//! ```
//! use backline_cache::evict::S3Fifo;
//!
//! let mut order = S3Fifo::new(1_000);
//! for (id, hash) in [(0, 70), (1, 71), (2, 72)] {
//!     while order.bytes() + 400 > 1_000 {
//!         let victim = order.evict().unwrap(); // let its body go
//!         assert_eq!(victim, 0);
//!     }
//!     order.insert(id, hash, 400);
//!     order.touch(1);
//! }
//! assert_eq!(order.bytes(), 800);
//! ```

mod gdsf;
mod ghosts;
mod queue;
mod s3fifo;

pub use self::gdsf::Gdsf;
pub use self::s3fifo::S3Fifo;
