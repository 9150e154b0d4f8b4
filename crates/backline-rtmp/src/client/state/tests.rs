//! The committed matrix of states and events.

use super::{Event, State};
use crate::session::matrix::matrix;

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
    let matrix = matrix(&STATES, &EVENTS, 12, State::after);
    let committed = include_str!("../../../tests/data/client_states.txt");
    assert_eq!(
        matrix, committed,
        "if this change is meant, commit it:\n{matrix}"
    );
}
