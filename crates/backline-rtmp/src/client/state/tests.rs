//! The committed matrix of states and events.

use super::{Event, State};
use alloc::format;
use alloc::string::String;

const STATES: [State; 6] = [
    State::Handshake,
    State::Connecting,
    State::Creating,
    State::Starting,
    State::Streaming,
    State::Closed,
];
const EVENTS: [Event; 6] = [
    Event::Handshaken,
    Event::Connected,
    Event::Created,
    Event::Started,
    Event::End,
    Event::Fail,
];

#[test]
fn the_matrix_is_the_committed_one() {
    let cell = |text: String| format!("{text:<12}");
    let mut matrix = cell(String::new());
    matrix.extend(EVENTS.map(|event| cell(format!("{event:?}"))));
    for state in STATES {
        matrix.truncate(matrix.trim_end().len());
        matrix.push('\n');
        matrix.push_str(&cell(format!("{state:?}")));
        for event in EVENTS {
            let after = state
                .after(event)
                .map_or_else(|| "-".into(), |after| format!("{after:?}"));
            matrix.push_str(&cell(after));
        }
    }
    let matrix = format!("{}\n", matrix.trim_end());
    let committed = include_str!("../../../tests/data/client_states.txt");
    assert_eq!(
        matrix, committed,
        "if this change is meant, commit it:\n{matrix}"
    );
}
