//! Work that comes close together, done together.

use std::cell::Cell;
use std::time::Duration;

use tokio::runtime::Builder;

/// What is waited before the kernel is asked what has come: nothing beside a part of 200 ms, and enough for a few of
/// the 73,000 messages a second of a thousand cameras.
const GATHER: Duration = Duration::from_micros(250);

/// What a thread did since it last had nothing to do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Done {
    /// Neither of the two.
    Nothing,
    /// It took in what came by itself.
    Took,
    /// It answered somebody.
    Answered,
}

thread_local! {
    static DONE: Cell<Done> = const { Cell::new(Done::Nothing) };
}

/// Lets a thread that has nothing left to do wait a moment before it asks for more, if all that it did was to take in
/// what came by itself. With many cameras it then finds several of them ready at once, and asks far less often; an
/// idle thread sleeps as before.
pub fn gather(builder: &mut Builder) -> &mut Builder {
    builder.on_thread_park(|| {
        if more_comes() {
            std::thread::sleep(GATHER);
        }
    })
}

/// This thread took in what a peer sends by a clock of its own: more comes, and nobody notices the wait.
pub(crate) fn took() {
    if DONE.get() == Done::Nothing {
        DONE.set(Done::Took);
    }
}

/// This thread answered somebody who may ask again at once: each of his requests would take the wait longer.
pub(crate) fn answered() {
    DONE.set(Done::Answered);
}

/// Whether a wait gathers something and costs nobody anything; begins anew.
fn more_comes() -> bool {
    DONE.replace(Done::Nothing) == Done::Took
}

#[cfg(test)]
mod tests {
    use super::{answered, more_comes, took};

    #[test]
    fn a_thread_waits_after_taking_in_and_never_after_an_answer() {
        assert!(!more_comes(), "an idle thread has nothing to wait for");
        took();
        took();
        assert!(more_comes());
        assert!(
            !more_comes(),
            "what was done before the last wait counts no more"
        );
        took();
        answered();
        took();
        assert!(!more_comes(), "whoever was answered asks again");
    }
}
