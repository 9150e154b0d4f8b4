use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;

fn collect(mut body: Rope) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
        bytes.extend_from_slice(frame.data_ref().expect("a rope has data frames only"));
        assert_eq!(
            body.size_hint().exact(),
            Some(body.len()),
            "the hint follows what was sent"
        );
    }
    assert!(body.is_end_stream());
    bytes
}

#[test]
fn del_9_a_rope_sends_its_pieces_once_and_in_order() {
    let rope = Rope::new(vec![Bytes::from("ab"), Bytes::new(), Bytes::from("c")]);
    assert_eq!(rope.len(), 3);
    assert_eq!(collect(rope), b"abc");
    assert_eq!(collect(Rope::from("one")), b"one");
    assert_eq!(collect(Rope::default()), b"");
    assert_eq!(collect(Rope::new(vec![Bytes::new()])), b"");
}
