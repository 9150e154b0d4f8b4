use std::task::Waker;

use super::*;
use crate::adapt::body::Rope;

fn step(body: &mut Carried<Rope>) -> Option<usize> {
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(body).poll_frame(&mut context) {
        Poll::Ready(frame) => frame.map(|frame| match frame {
            Ok(frame) => frame.into_data().map_or(0, |data| data.len()),
            Err(never) => match never {},
        }),
        Poll::Pending => unreachable!("a rope is always ready"),
    }
}

#[test]
fn a_body_leaves_in_slices_and_knows_its_length() {
    let flow = Flow::new(Instant::now());
    let pieces = vec![Bytes::from(vec![1; 40_000]), Bytes::from(vec![2; 100])];
    let mut body = flow.carry(Rope::new(pieces), Instant::now());
    let mut left = 40_100;
    for expected in [SLICE, SLICE, 40_000 - 2 * SLICE, 100] {
        assert_eq!(body.size_hint().exact(), Some(left));
        assert!(!body.is_end_stream());
        assert_eq!(step(&mut body), Some(expected));
        left -= expected as u64;
    }
    assert!(body.is_end_stream() && step(&mut body).is_none());
}

#[test]
fn what_stands_still_is_told_apart_from_what_waits_and_from_nothing() {
    let begun = Instant::now();
    let later = begun + Duration::from_secs(100);
    let flow = Flow::new(begun);
    assert_eq!(flow.pace(later), Pace::Idle(Duration::from_secs(100)));
    let waiting = flow.request();
    assert_eq!(flow.pace(later), Pace::Busy);
    let mut body = flow.carry(Rope::from("body"), begun);
    assert_eq!(flow.pace(later), Pace::Stalled(Duration::from_secs(100)));
    assert_eq!(step(&mut body), Some(4));
    let Pace::Stalled(stalled) = flow.pace(later) else {
        unreachable!("it is still there")
    };
    assert!(stalled <= Duration::from_secs(100));
    drop(body);
    assert_eq!(flow.pace(later), Pace::Busy);
    drop(waiting);
    assert!(matches!(flow.pace(later), Pace::Idle(_)));
}

/// A body whose bytes are still to come.
struct Coming;

impl Body for Coming {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

#[test]
fn a_body_that_has_nothing_yet_is_no_reader_that_stands_still() {
    let begun = Instant::now();
    let flow = Flow::new(begun);
    let mut body = flow.carry(Coming, begun);
    let mut context = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut body).poll_frame(&mut context).is_pending());
    assert_eq!(flow.pace(begun + Duration::from_secs(100)), Pace::Busy);
    drop(body);
    assert!(matches!(flow.pace(Instant::now()), Pace::Idle(_)));
}
