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

/// A body of which nothing ever comes.
struct Silent;

impl Body for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_requests_body_is_bounded_in_bytes_and_in_time() {
    let time = Duration::from_secs(4);
    let body = || {
        Rope::new(vec![
            Bytes::from_static(b"two "),
            Bytes::from_static(b"pieces"),
        ])
    };
    let taken = take(body(), 10, time).await.expect("it just fits");
    assert_eq!(taken, b"two pieces");
    assert!(matches!(
        take(body(), 9, time).await,
        Err(Unread::Long { limit: 9 })
    ));
    assert!(matches!(
        take(Silent, 9, time).await,
        Err(Unread::Late { .. })
    ));
}
