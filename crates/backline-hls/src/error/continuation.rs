//! Why a playlist cannot be gone on with.

/// Why [`Continuation`](crate::continuation::Continuation) does not take a version.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ContinuationProblem {
    /// A delta update came first.
    #[error("a delta update of what was never whole")]
    Delta,
    /// Its numbers leave no room for those that are added.
    #[error("media sequence number {msn}, expected at most {most}")]
    Number {
        /// The number.
        msn: u64,
        /// The highest.
        most: u64,
    },
    /// More playlists than [`Limits::renditions`](crate::Limits::renditions).
    #[error("more than {limit} playlists")]
    TooMany {
        /// The cap.
        limit: usize,
    },
}
