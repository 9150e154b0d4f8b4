//! A table of states as text, for the tests that hold it to the committed one.

use alloc::format;
use alloc::string::String;
use core::fmt::Debug;

/// Writes what each event leads to from each state, in columns of `width`.
pub(crate) fn matrix<S: Copy + Debug, E: Copy + Debug>(
    states: &[S],
    events: &[E],
    width: usize,
    after: impl Fn(S, E) -> Option<S>,
) -> String {
    let cell = |text: String| format!("{text:<width$}");
    let mut matrix = cell(String::new());
    matrix.extend(events.iter().map(|event| cell(format!("{event:?}"))));
    for state in states {
        matrix.truncate(matrix.trim_end().len());
        matrix.push('\n');
        matrix.push_str(&cell(format!("{state:?}")));
        for event in events {
            let next = after(*state, *event).map_or_else(|| "-".into(), |next| format!("{next:?}"));
            matrix.push_str(&cell(next));
        }
    }
    format!("{}\n", matrix.trim_end())
}
