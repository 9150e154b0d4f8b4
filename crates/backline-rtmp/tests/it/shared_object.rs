//! Shared objects (RTMP 1.0, 7.1.3).

use crate::support::{Peer, hex, object, text};
use backline_rtmp::amf0::Value;
use backline_rtmp::chunk::Message;
use backline_rtmp::server::{Config, Output};
use backline_rtmp::shared_object::{Event, SharedObject};
use backline_rtmp::{Error, Limits};
use bytes::Bytes;

fn message(kind: u8, body: &[u8]) -> Message {
    Message::new(3, 0, kind, 0, Bytes::copy_from_slice(body))
}

fn decode(body: &[u8]) -> Result<SharedObject, Error> {
    SharedObject::decode(&message(19, body), &Limits::default())
}

/// Each event, and its bytes worked by hand: the number, the length of the data, the data. Names are `a`, values 1 and
/// true.
fn all() -> Vec<(Event, &'static str)> {
    let one = Value::Number(1.0);
    let pair = |value| vec![("a".to_owned(), value)];
    vec![
        (Event::Use, "01 00000000"),
        (Event::Release, "02 00000000"),
        (
            Event::RequestChange(pair(one.clone())),
            "03 0000000C 0001 61 00 3FF0000000000000",
        ),
        (
            Event::Change([pair(Value::Boolean(true)), pair(one)].concat()),
            "04 00000011 0001 61 01 01 0001 61 00 3FF0000000000000",
        ),
        (Event::Success("a".to_owned()), "05 00000003 0001 61"),
        (
            Event::SendMessage(vec![text("a"), Value::Boolean(true)]),
            "06 00000006 02 0001 61 01 01",
        ),
        (
            Event::Status {
                code: "a".to_owned(),
                level: "b".to_owned(),
            },
            "07 00000006 0001 61 0001 62",
        ),
        (Event::Clear, "08 00000000"),
        (Event::Remove("a".to_owned()), "09 00000003 0001 61"),
        (Event::RequestRemove("a".to_owned()), "0A 00000003 0001 61"),
        (Event::UseSuccess, "0B 00000000"),
        (
            Event::Other {
                kind: 0x77,
                data: hex("0102").into(),
            },
            "77 00000002 0102",
        ),
    ]
}

#[test]
fn rtmp_18_all_eleven_events_and_an_unknown_one() {
    let head = "0004 63686174 00000005 00000002 00000000";
    let digits: Vec<_> = all().iter().map(|(_, digits)| *digits).collect();
    let body = hex(&[head, &digits.concat()].concat());
    let events = all().into_iter().map(|(event, _)| event).collect();
    let expected = SharedObject::new("chat", 5, true, events);
    assert_eq!(decode(&body), Ok(expected.clone()));
    let written = expected.to_message();
    assert_eq!((written.kind, &written.payload[..]), (19, &body[..]));
    // The AMF3 type has a selector before the name.
    let amf3 = message(16, &[&[0], &body[..]].concat());
    // A name below 256 bytes begins with a zero, too: the selector stands only where the type has it.
    assert_eq!(
        SharedObject::decode(&amf3, &Limits::default()),
        Ok(expected.clone())
    );
    assert_eq!(expected.to_amf3_message(), amf3);
}

#[test]
fn rtmp_18_what_an_event_does_not_use_is_skipped() {
    // `Success` with two bytes more than its name.
    let body = hex("0001 73 00000000 00000000 00000000 05 00000005 0001 61 FFFF 08 00000000");
    let events = vec![Event::Success("a".to_owned()), Event::Clear];
    assert_eq!(decode(&body), Ok(SharedObject::new("s", 0, false, events)));
}

#[test]
fn rtmp_18_truncated_at_every_byte() {
    for (event, digits) in all() {
        let head = "0001 73 00000000 00000000 00000000";
        let body = hex(&[head, digits].concat());
        for end in 0..body.len() {
            match decode(&body[..end]) {
                Err(Error::Truncated { at, .. }) => assert!(at <= end),
                // The head alone is news of nothing.
                other => {
                    assert!(matches!(other, Ok(object) if end == 15 && object.events.is_empty()))
                }
            }
        }
        // A value that runs over the end of its event does not read the next one.
        let mut longer = body.clone();
        if let Event::SendMessage(_) = event {
            longer[19] = 5;
            longer.extend(hex("08 00000000"));
            assert!(matches!(decode(&longer), Err(Error::Truncated { .. })));
        }
    }
}

#[test]
fn rtmp_35_a_shared_object_is_charged_as_values_are() {
    let head = hex("0001 73 00000000 00000000 00000000");
    let body = [head.clone(), hex("08 00000000").repeat(5000)].concat();
    let at = 15 + 1024 * 5;
    let limit = 1024;
    assert_eq!(decode(&body), Err(Error::AmfNodes { at, limit }));
    // Values of several events are charged together.
    let event = [hex("06 000002BC"), hex("05").repeat(700)].concat();
    let body = [head.clone(), event.clone(), event].concat();
    assert!(matches!(decode(&body), Err(Error::AmfNodes { .. })));
    let body = [head, vec![0; 70_000]].concat();
    let (kind, length, limit) = (19, 70_015, 65_536);
    assert_eq!(
        decode(&body),
        Err(Error::BodyLength {
            kind,
            length,
            limit
        })
    );
    // A length that is declared, and not there.
    let body = hex("0001 73 00000000 00000000 00000000 04 FFFFFFFF 0001 61");
    let needed = 0xFFFF_FFFF;
    assert_eq!(decode(&body), Err(Error::Truncated { at: 20, needed }));
}

#[test]
fn rtmp_18_a_session_hands_out_and_sends_shared_objects() {
    let mut peer = Peer::connected(Config::default());
    let wish = SharedObject::new("chat", 0, false, vec![Event::Use]);
    peer.send(3, 0, 19, 0, &wish.to_message().payload);
    assert_eq!(peer.outputs, [Output::SharedObject(wish)]);
    peer.heard.clear();
    let answer = SharedObject::new("chat", 1, false, vec![Event::UseSuccess, Event::Clear]);
    peer.server.share(peer.now, &answer);
    peer.drain();
    assert_eq!(peer.heard.len(), 1);
    let heard = SharedObject::decode(&peer.heard[0], &Limits::default());
    assert_eq!((peer.heard[0].message_stream, heard), (0, Ok(answer)));
    peer.send(3, 0, 16, 7, &hex("00 FFFF"));
    assert!(matches!(
        peer.outputs[1],
        Output::Malformed {
            kind: 16,
            timestamp_ms: 7,
            ..
        }
    ));
    peer.command(0, "ping", 0.0, &[object(&[])]);
    assert!(matches!(peer.outputs[2], Output::Call(_)));
    // Before `connect` it has no place.
    let mut peer = Peer::after_handshake(Config::default());
    peer.send(3, 0, 19, 0, &hex("00"));
    assert!(matches!(&peer.outputs[..], [Output::Other(message)] if message.kind == 19));
    let object = SharedObject::new("chat", 0, false, vec![]);
    peer.server.share(peer.now, &object);
    assert_eq!(peer.server.waiting_bytes(), 0);
}
