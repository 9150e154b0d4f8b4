//! Aggregate messages (RTMP 1.0, 7.1.6).

use crate::support::{Peer, hex, text};
use backline_rtmp::aggregate::{join, split};
use backline_rtmp::amf0;
use backline_rtmp::chunk::Message;
use backline_rtmp::server::{Config, Output};
use backline_rtmp::{Error, Limits};
use bytes::Bytes;

/// Sound at 1000 of the writer's clock, a picture 40 ms later and one before the first, each 11 bytes of header, a body
/// and the back pointer: worked by hand from the specification.
const THREE: &str = "08 000003 0003E8 00 000009 AF0121 0000000E
                     09 000006 000410 00 000009 270100000022 00000011
                     09 000006 0003E0 00 000009 270100000033 00000011";

fn aggregate(body: &[u8]) -> Message {
    let body = Bytes::copy_from_slice(body);
    Message::new(6, 1, Message::AGGREGATE, 5000, body)
}

fn items(body: &[u8], limits: &Limits) -> (Vec<Message>, Option<Error>) {
    let mut messages = Vec::new();
    for item in split(aggregate(body), limits) {
        match item {
            Ok(message) => messages.push(message),
            Err(error) => return (messages, Some(error)),
        }
    }
    (messages, None)
}

#[test]
fn rtmp_18_an_aggregate_is_split() {
    let body = Bytes::from(hex(THREE));
    let message = Message::new(6, 1, Message::AGGREGATE, 5000, body.clone());
    let messages: Vec<_> = split(message, &Limits::default())
        .map(Result::unwrap)
        .collect();
    let expected = [
        Message::new(6, 1, 8, 5000, hex("AF0121").into()),
        Message::new(6, 1, 9, 5040, hex("270100000022").into()),
        Message::new(6, 1, 9, 4992, hex("270100000033").into()),
    ];
    assert_eq!(messages, expected);
    // The bytes are those of the aggregate.
    assert_eq!(messages[0].payload.as_ptr(), body[11..].as_ptr());
}

#[test]
fn rtmp_18_times_wrap_and_have_an_upper_byte() {
    // 0xFFFFFFF0 and 0x10: 32 ms, over the end of 32 bits.
    let body = hex("08 000000 FFFFF0 FF 000000 0000000B 08 000000 000010 00 000000 0000000B");
    let (messages, error) = items(&body, &Limits::default());
    assert_eq!(error, None);
    assert_eq!(
        (messages[0].timestamp_ms, messages[1].timestamp_ms),
        (5000, 5032)
    );
}

#[test]
fn rtmp_18_back_pointers_are_not_believed_nor_missed_at_the_end() {
    let right = items(&hex(THREE), &Limits::default()).0;
    let wrong = hex(&THREE
        .replace("0000000E", "FFFFFFFF")
        .replace("00000011", "00000000"));
    assert_eq!(items(&wrong, &Limits::default()), (right.clone(), None));
    for cut in 1..=4 {
        let body = &wrong[..wrong.len() - cut];
        assert_eq!(items(body, &Limits::default()), (right.clone(), None));
    }
}

#[test]
fn rtmp_18_what_is_written_is_read() {
    let messages = items(&hex(THREE), &Limits::default()).0;
    let written = join(&messages).unwrap();
    // Now the first item's time is its own, and the stream that of the messages.
    let head = hex("08 000003 001388 00 000001 AF0121 0000000E");
    assert_eq!(written.payload[..18], head);
    assert_eq!(
        (written.kind, written.message_stream, written.timestamp_ms),
        (22, 1, 5000)
    );
    let again: Vec<_> = split(written, &Limits::default())
        .map(Result::unwrap)
        .collect();
    assert_eq!(again, messages);
    assert_eq!(join(&[]), None);
}

#[test]
fn rtmp_18_truncated_at_every_byte() {
    let whole = hex(THREE);
    let all = items(&whole, &Limits::default()).0;
    for end in 0..whole.len() {
        let (messages, error) = items(&whole[..end], &Limits::default());
        assert_eq!(messages, all[..messages.len()]);
        let Some(Error::Truncated { at, .. }) = error else {
            // An item ends here, with or without its back pointer.
            assert!([0, 14, 15, 16, 17, 18].contains(&end) || end >= 35, "{end}");
            continue;
        };
        assert!(at <= end);
    }
}

#[test]
fn rtmp_35_aggregate_items() {
    // 15 bytes each.
    let body = hex("08 000000 000000 00 000000 0000000B").repeat(70_000);
    let (messages, error) = items(&body, &Limits::default());
    let at = 4096 * 15;
    assert_eq!(messages.len(), 4096);
    assert_eq!(error, Some(Error::AggregateItems { at, limit: 4096 }));
}

#[test]
fn rtmp_18_a_session_hands_out_what_is_in_an_aggregate() {
    let name = amf0::encode(&[text("onText")]);
    let data = [
        &hex("12 000009 0003E8 00 000000")[..],
        &name,
        &hex("00000014"),
    ]
    .concat();
    // A command, which has no meaning here, and an aggregate in the aggregate.
    let odd = hex("14 000001 0003E8 00 000000 05 0000000C 16 000000 0003E8 00 000000 0000000B");
    let broken = hex("09 0000FF 0003E8 00 000000 2701");
    let body = [hex(THREE), data, odd, broken.clone()].concat();
    let mut one = Config::default();
    one.limits.outputs = 1;
    for config in [Config::default(), one] {
        let mut peer = Peer::publishing(config);
        peer.send(6, 1, Message::AGGREGATE, 5000, &body);
        peer.send(4, 1, Message::AUDIO, 6000, &hex("AF0144"));
        let times: Vec<_> = peer
            .outputs
            .iter()
            .map(|output| match output {
                Output::Media(packet) => (0, packet.timestamp_ms),
                Output::Other(message) => (message.kind, message.timestamp_ms),
                Output::Malformed {
                    kind,
                    timestamp_ms,
                    raw,
                    error,
                } => {
                    assert_eq!(raw[..], broken);
                    let at = body.len() - broken.len() + 11;
                    assert_eq!(*error, Error::Truncated { at, needed: 255 });
                    (*kind, *timestamp_ms)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            (0, 5000),
            (0, 5040),
            (0, 4992),
            (0, 5000),
            (20, 5000),
            (22, 5000),
            (22, 5000),
            (0, 6000),
        ];
        assert_eq!(times, expected);
        let stats = peer.server.stats();
        assert_eq!(
            (
                stats.audio_messages,
                stats.video_messages,
                stats.data_messages
            ),
            (2, 2, 1)
        );
    }
}

#[test]
fn rtmp_18_an_aggregate_waits_for_room_and_for_nothing_else() {
    let mut config = Config::default();
    config.limits.outputs = 2;
    let mut peer = Peer::publishing(config);
    let body = Bytes::from(hex("08 000003 000000 00 000000 AF0121 0000000E").repeat(100));
    let message = Message::new(6, 1, Message::AGGREGATE, 0, body);
    let bytes = crate::support::flat(peer.muxer.write(&message));
    // The last byte is taken; what it brings comes output by output, without another byte.
    assert_eq!(peer.server.handle_input(peer.now, &bytes), Ok(bytes.len()));
    let mut count = 0;
    while let Some(Output::Media(_)) = peer.server.poll_output() {
        count += 1;
    }
    assert_eq!(count, 100);
    // The end of the session is the end of what was left.
    assert_eq!(peer.server.handle_input(peer.now, &bytes), Ok(bytes.len()));
    let why = backline_rtmp::server::Rejection::ended("now");
    peer.server.close(peer.now, why);
    peer.drain();
    assert!(matches!(
        peer.outputs[..],
        [Output::Media(_), Output::Media(_), Output::Close]
    ));
}
