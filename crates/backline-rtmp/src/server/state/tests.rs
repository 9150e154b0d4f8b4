//! The committed matrix of states and events.

use super::{Event, State};
use crate::session::matrix::matrix;

const STATES: [State; 8] = [
    State::Handshake,
    State::Unconnected,
    State::Connected,
    State::PublishRequested,
    State::Publishing,
    State::PlayRequested,
    State::Playing,
    State::Closed,
];
const EVENTS: [Event; 10] = [
    Event::Handshaken,
    Event::Connect,
    Event::Publish,
    Event::Play,
    Event::Accept,
    Event::Reject,
    Event::Unpublish,
    Event::Stop,
    Event::Close,
    Event::Fail,
];

#[test]
fn the_matrix_is_the_committed_one() {
    let matrix = matrix(&STATES, &EVENTS, 17, State::after);
    let committed = include_str!("../../../tests/data/states.txt");
    assert_eq!(
        matrix, committed,
        "if this change is meant, commit it:\n{matrix}"
    );
}
