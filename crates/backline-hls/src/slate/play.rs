//! What plays while the publisher is away, where the policy is [`Absence::Slate`](crate::Absence::Slate).
//!
//! `absence` calls these: `slate_begin` once at the deadline, after everything open was closed; `slate_due_ns` for the
//! time of the next call of `slate_play`; `slate_end` when the publisher's first picture is there, or at the end of the
//! show, after which nothing of the slate may be open. What they list must be set in `changed`; the caller makes it
//! known. The phase stays Waiting or Stopped, so that the publisher's next sync sample begins a discontinuity.

use crate::presentation::Presentation;

#[expect(clippy::needless_pass_by_ref_mut, reason = "there is no slate yet")]
impl Presentation {
    /// Begins the slate. `false`: there is none that fits, and the absence is filled with gaps.
    pub(crate) fn slate_begin(&mut self, _now_ns: u64) -> bool {
        false
    }

    /// When the slate has something to do.
    pub(crate) fn slate_due_ns(&self) -> Option<u64> {
        None
    }

    /// Plays what is due.
    pub(crate) fn slate_play(&mut self, _now_ns: u64) {}

    /// Ends the slate.
    pub(crate) fn slate_end(&mut self, _now_ns: u64) {}
}
