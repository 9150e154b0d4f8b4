//! Time, which is an argument.

use crate::support::{Peer, flat, hex, simple_handshake, text};
use backline_rtmp::Error;
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::Message;
use backline_rtmp::flv::{Audio, AudioCodec, AudioData, Media, Packet};
use backline_rtmp::server::{Config, Ending, Output};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn failed(peer: &Peer) -> Option<&Error> {
    match &peer.outputs[..] {
        [.., Output::Failed(error), Output::Close] => Some(error),
        _ => None,
    }
}

/// The pings that were heard, by their number.
fn pings(peer: &Peer) -> Vec<u32> {
    let pings = peer.heard.iter().filter_map(|message| {
        let number = message.payload.strip_prefix(&[0, 6])?;
        let is_ping = message.kind == Message::USER_CONTROL;
        is_ping.then(|| u32::from_be_bytes(number.try_into().unwrap()))
    });
    pings.collect()
}

fn pong(peer: &mut Peer, number: u32) {
    let body = [&[0, 7], &number.to_be_bytes()[..]].concat();
    peer.send(2, 0, Message::USER_CONTROL, 0, &body);
}

fn sound(second: u64) -> Packet {
    let frame = AudioData::Frame(hex("21").into());
    Packet::new(
        second * 1000,
        Media::Audio(Audio::new(AudioCodec::Aac, frame)),
    )
}

#[test]
fn a_silent_publisher_is_pinged_once_and_its_pong_is_a_sign_of_life() {
    let mut peer = Peer::publishing(Config::default());
    assert_eq!(peer.server.poll_timeout(), Some(peer.now + 10 * SECOND));
    peer.pass(10 * SECOND);
    let [number] = pings(&peer)[..] else {
        panic!("{:?}", peer.heard)
    };
    // One ping for one silence; what is left is the end.
    assert_eq!(peer.server.poll_timeout(), Some(peer.now + 20 * SECOND));
    peer.pass(19 * SECOND);
    assert_eq!(pings(&peer).len(), 1);
    pong(&mut peer, number);
    assert_eq!(peer.server.stats().round_trip, Some(19 * SECOND));
    assert_eq!(peer.server.poll_timeout(), Some(peer.now + 10 * SECOND));
    peer.pass(29 * SECOND);
    assert_eq!((pings(&peer).len(), failed(&peer)), (2, None));
    peer.pass(SECOND);
    assert!(failed(&peer).is_some());
}

#[test]
fn a_pong_with_a_number_of_the_peers_own_is_no_round_trip() {
    let mut peer = Peer::publishing(Config::default());
    peer.pass(10 * SECOND);
    pong(&mut peer, 0xDEAD_BEEF);
    assert_eq!(peer.server.stats().round_trip, None);
    peer.pass(29 * SECOND);
    assert_eq!(failed(&peer), None);
}

#[test]
fn a_ping_interval_of_zero_never_asks() {
    let mut config = Config::default();
    config.ping_interval = Duration::ZERO;
    let mut peer = Peer::publishing(config);
    assert_eq!(peer.server.poll_timeout(), Some(peer.now + 30 * SECOND));
    peer.pass(29 * SECOND);
    assert!(pings(&peer).is_empty());
}

#[test]
fn a_player_lives_by_its_pongs_and_acknowledgements_and_is_dropped_without() {
    let mut peer = Peer::playing(Config::default());
    for round in 0..20 {
        peer.pass(10 * SECOND);
        let number = *pings(&peer).last().unwrap();
        peer.pass(SECOND / 10);
        pong(&mut peer, number);
        assert_eq!(pings(&peer).len(), round + 1);
    }
    assert_eq!(peer.server.stats().round_trip, Some(SECOND / 10));
    peer.pass(29 * SECOND);
    peer.send(2, 0, Message::ACKNOWLEDGEMENT, 0, &77_u32.to_be_bytes());
    assert_eq!(peer.server.stats().acknowledged, 77);
    peer.pass(29 * SECOND);
    assert_eq!(failed(&peer), None);
    // One that answered pings and stops is gone, though the system still takes what is sent to it.
    assert_eq!(peer.server.send(peer.now, &sound(0)), Ok(true));
    peer.drain();
    peer.pass(SECOND);
    let after_ms = 30_000;
    assert_eq!(failed(&peer), Some(&Error::IdleTimeout { after_ms }));
}

#[test]
fn q34_a_player_without_pong_lives_while_it_takes_what_is_sent() {
    let mut peer = Peer::playing(Config::default());
    for second in 0..300 {
        assert_eq!(peer.server.send(peer.now, &sound(second)), Ok(true));
        peer.pass(SECOND);
    }
    assert_eq!(failed(&peer), None);
    // Then its socket takes nothing more: the first packet found all taken, the others wait behind it.
    for second in 300..330 {
        assert_eq!(failed(&peer), None, "{second}");
        assert_eq!(peer.server.send(peer.now, &sound(second)), Ok(true));
        peer.now += SECOND;
        peer.server.handle_timeout(peer.now);
    }
    peer.drain();
    assert!(failed(&peer).is_some());
}

#[test]
fn a_player_that_talks_and_reads_nothing_is_dropped() {
    let mut config = Config::default();
    config.limits.transmits = 1;
    let mut peer = Peer::playing(config);
    peer.server.send(peer.now, &sound(0)).unwrap();
    // The pause has to wait for room for its answer, and is offered again and again.
    let values = [text("pause"), Value::Number(0.0), Value::Null];
    let pause = Message::new(3, 1, Message::COMMAND, 0, amf0::encode(&values));
    let pause = flat(peer.muxer.write(&pause));
    for _ in 0..30 {
        assert_eq!(peer.server.poll_output(), None);
        peer.now += SECOND;
        assert_eq!(peer.server.handle_input(peer.now, &pause), Ok(0));
        peer.server.handle_timeout(peer.now);
    }
    let error = Error::IdleTimeout { after_ms: 30_000 };
    assert_eq!(peer.server.poll_output(), Some(Output::Failed(error)));
}

#[test]
fn after_a_player_stops_or_its_stream_ends_the_wait_for_the_next_wish_begins() {
    for ends_here in [true, false] {
        let mut peer = Peer::playing(Config::default());
        peer.pass(5 * SECOND);
        if ends_here {
            peer.server.end(peer.now, Ending::Unpublished).unwrap();
        } else {
            peer.command(1, "closeStream", 0.0, &[]);
        }
        assert_eq!(peer.server.poll_timeout(), Some(peer.now + 10 * SECOND));
        peer.command(1, "play", 0.0, &[Value::Null, text("other")]);
        assert_eq!(peer.server.poll_timeout(), None);
        peer.accept();
        assert_eq!(peer.server.poll_timeout(), Some(peer.now + 10 * SECOND));
    }
}

#[test]
fn rtmp_35_a_player_may_say_more_than_a_peer_that_does_nothing() {
    let mut peer = Peer::playing(Config::default());
    for _ in 0..20_000 {
        peer.send(2, 0, Message::ACKNOWLEDGEMENT, 0, &77_u32.to_be_bytes());
    }
    assert_eq!(peer.error, None);
    assert!(peer.server.stats().bytes_in > 100_000);
    peer.command(1, "closeStream", 0.0, &[]);
    for _ in 0..60_000 {
        if peer.error.is_none() {
            peer.send(2, 0, Message::ACKNOWLEDGEMENT, 0, &77_u32.to_be_bytes());
        }
    }
    assert!(matches!(peer.error, Some(Error::PrePublishBytes { .. })));
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
