//! How much memory work takes.

use crate::support::{Peer, flat, hex, object, pattern, simple_handshake, text};
use allocation_counter::measure;
use backline_rtmp::Limits;
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::{Demuxer, Message, Muxer};
use backline_rtmp::flv::{Audio, Media, Packet, Video};
use backline_rtmp::server::{Config, Output, PlayRequest, PublishRequest};

fn stream(length: usize, chunk_size: u32, count: u64) -> Vec<u8> {
    let mut muxer = Muxer::new();
    let mut bytes = flat(muxer.set_chunk_size(chunk_size));
    for time in 0..count {
        let message = Message::new(6, 1, Message::VIDEO, time * 33, pattern(length).into());
        bytes.extend(flat(muxer.write(&message)));
    }
    bytes
}

#[test]
fn one_allocation_a_message_in_steady_state() {
    for (length, chunk_size) in [
        (350, 4096),
        (25_000, 128),
        (25_000, 4096),
        (250_000, 128),
        (250_000, 65_536),
    ] {
        let warm = stream(length, chunk_size, 2);
        let bytes = stream(length, chunk_size, 12)[16..].to_vec();
        let mut demuxer = Demuxer::new(Limits::default());
        let mut rest = &warm[..];
        while demuxer.next_message(&mut rest).unwrap().is_some() {}
        let mut count = 0;
        let counted = measure(|| {
            for piece in bytes.chunks(16 << 10) {
                let mut rest = piece;
                while let Some(message) = demuxer.next_message(&mut rest).unwrap() {
                    count += u64::from(message.payload.len() == length);
                }
            }
        });
        assert_eq!(
            (count, counted.count_total),
            (12, 12),
            "{length} in chunks of {chunk_size}"
        );
    }
}

#[test]
fn a_session_adds_none() {
    let mut peer = Peer::publishing(Config::default());
    let mut bytes = Vec::new();
    for time in 0..20 {
        let body = [&hex("2701000000")[..], &pattern(3000)].concat();
        let message = Message::new(6, 1, Message::VIDEO, time, body.into());
        bytes.push(flat(peer.muxer.write(&message)));
        let message = Message::new(
            4,
            1,
            Message::AUDIO,
            time,
            [&hex("AF01")[..], &pattern(300)].concat().into(),
        );
        bytes.push(flat(peer.muxer.write(&message)));
    }
    let Peer { server, now, .. } = &mut peer;
    let mut run = |bytes: &[Vec<u8>]| {
        for piece in bytes {
            assert_eq!(server.handle_input(*now, piece), Ok(piece.len()));
            let output = server.poll_output();
            assert!(matches!(
                output,
                Some(
                    Output::Media(Packet {
                        media: Media::Video(_),
                        ..
                    }) | Output::Media(Packet {
                        media: Media::Audio(_),
                        ..
                    })
                )
            ));
        }
    };
    run(&bytes[..8]);
    let counted = measure(|| run(&bytes[8..]));
    assert_eq!(counted.count_total, 32);
}

#[test]
fn an_idle_connection_holds_at_most_4_kib() {
    // In the middle of the handshake: the answer, and nothing else.
    let mut held = 0;
    let counted = measure(|| {
        let mut peer = Peer::new(Config::default());
        peer.send_raw(&simple_handshake()[..1000]);
        held = size_of_val(&peer.server);
        core::mem::forget(peer);
    });
    assert!(counted.bytes_current <= 3200, "{}", counted.bytes_current);
    assert!(held <= 2048, "{held}");
    // A publisher or a player between two messages.
    for name in ["publish", "play"] {
        let heap = idle_heap(name);
        assert!(heap + 2048 <= 4096, "{name}: {heap}");
    }
}

/// The heap of a session that was asked to publish or play, and was let in.
fn idle_heap(name: &str) -> i64 {
    let Peer {
        server: mut idle,
        now,
        mut muxer,
        ..
    } = Peer::new(Config::default());
    assert!(size_of_val(&idle) <= 2048, "{}", size_of_val(&idle));
    let mut steps = vec![simple_handshake()];
    let mut command = |stream, values: &[Value]| {
        let body = amf0::encode(values);
        let message = Message::new(3, stream, Message::COMMAND, 0, body);
        steps.push(flat(muxer.write(&message)));
    };
    let app = object(&[("app", text("live"))]);
    command(0, &[text("connect"), Value::Number(1.0), app]);
    command(0, &[text("createStream"), Value::Number(2.0), Value::Null]);
    command(
        1,
        &[text(name), Value::Number(3.0), Value::Null, text("key")],
    );
    let frame = Audio::decode(hex("AF01 21").into(), &Limits::default()).unwrap();
    let packet = Packet::new(0, Media::Audio(frame));
    let counted = measure(|| {
        for step in &steps {
            let mut rest = &step[..];
            while !rest.is_empty() {
                let taken = idle.handle_input(now, rest).unwrap();
                rest = &rest[taken..];
                while idle.poll_transmit().is_some() {}
                while let Some(output) = idle.poll_output() {
                    if let Output::Publish(PublishRequest { id, .. })
                    | Output::Play(PlayRequest { id, .. }) = output
                    {
                        idle.accept(now, id).unwrap();
                    }
                }
            }
        }
        if name == "play" {
            assert_eq!(idle.send(now, &packet), Ok(true));
            while idle.poll_transmit().is_some() {}
        }
    });
    counted.bytes_current
}

#[test]
fn sending_to_a_player_allocates_nothing() {
    let mut peer = Peer::playing(Config::default());
    let body = [&hex("2701000000")[..], &pattern(3000)].concat();
    let frame = Video::decode(body.into(), &Limits::default()).unwrap();
    let packets: Vec<_> = (0..50_u64)
        .map(|time| Packet::new(time * 40, Media::Video(frame.clone())))
        .collect();
    let Peer { server, now, .. } = &mut peer;
    let mut run = |packets: &[Packet]| {
        for packet in packets {
            assert_eq!(server.send(*now, packet), Ok(true));
            while server.poll_transmit().is_some() {}
        }
    };
    run(&packets[..10]);
    let counted = measure(|| run(&packets[10..]));
    assert_eq!(counted.count_total, 0);
}
