//! Time, which is an argument.

use crate::support::{Peer, hex, simple_handshake};
use backline_rtmp::Error;
use backline_rtmp::chunk::Message;
use backline_rtmp::server::{Config, Output};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn failed(peer: &Peer) -> Option<&Error> {
    match &peer.outputs[..] {
        [.., Output::Failed(error), Output::Close] => Some(error),
        _ => None,
    }
}

#[test]
fn rtmp_35_a_silent_peer_is_dropped_after_5_s() {
    let mut peer = Peer::new(Config::default());
    assert_eq!(peer.server.poll_timeout(), Some(peer.now + 5 * SECOND));
    // A byte now and then does not help.
    for byte in &simple_handshake()[..4] {
        peer.pass(SECOND);
        peer.send_raw(&[*byte]);
    }
    assert_eq!(failed(&peer), None);
    peer.pass(SECOND);
    assert_eq!(
        failed(&peer),
        Some(&Error::HandshakeTimeout { after_ms: 5000 })
    );
    assert_eq!(peer.server.poll_timeout(), None);
}

#[test]
fn rtmp_35_a_peer_that_does_not_publish_is_dropped_after_10_s() {
    let mut peer = Peer::connected(Config::default());
    peer.pass(9 * SECOND);
    assert_eq!(failed(&peer), None);
    peer.pass(SECOND);
    assert_eq!(
        failed(&peer),
        Some(&Error::PublishTimeout { after_ms: 10_000 })
    );
}

#[test]
fn the_caller_may_take_its_time_with_an_answer() {
    let mut peer = Peer::requested(Config::default());
    assert_eq!(peer.server.poll_timeout(), None);
    peer.pass(3600 * SECOND);
    peer.accept();
    assert_eq!(peer.server.poll_timeout(), Some(peer.now + 10 * SECOND));
}

#[test]
fn a_publisher_that_falls_silent_is_dropped_after_30_s() {
    let mut peer = Peer::publishing(Config::default());
    peer.pass(29 * SECOND);
    peer.send(4, 1, Message::AUDIO, 0, &hex("AF01 00"));
    peer.pass(29 * SECOND);
    assert_eq!(failed(&peer), None);
    peer.pass(SECOND);
    assert_eq!(
        failed(&peer),
        Some(&Error::IdleTimeout { after_ms: 30_000 })
    );
    assert_eq!(peer.server.handle_input(peer.now, &[0]), Err(Error::Closed));
}

#[test]
fn after_a_publication_the_wait_for_the_next_begins() {
    let mut peer = Peer::publishing(Config::default());
    peer.pass(20 * SECOND);
    peer.command(1, "closeStream", 0.0, &[]);
    assert_eq!(peer.server.poll_timeout(), Some(peer.now + 10 * SECOND));
}

#[test]
fn an_instant_that_goes_back_is_taken_as_the_latest_and_counted() {
    let mut peer = Peer::new(Config::default());
    let start = peer.now;
    peer.pass(3 * SECOND);
    peer.server.handle_timeout(start);
    peer.server
        .handle_timeout(start.checked_sub(SECOND).unwrap_or(start));
    assert_eq!(peer.server.stats().clock_reversals, 2);
    peer.pass(2 * SECOND);
    assert!(failed(&peer).is_some());
}

#[test]
fn a_timer_that_rings_early_does_nothing() {
    let mut peer = Peer::new(Config::default());
    peer.pass(5 * SECOND - Duration::from_nanos(1));
    assert!(peer.outputs.is_empty());
}
