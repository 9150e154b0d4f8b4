//! Bytes of peers that mean harm: section 3 of the reference, and what the field has seen.

use crate::support::{Peer, chunk, events, hex, object, pattern, text};
use allocation_counter::measure;
use backline_rtmp::amf0::{Value, decode};
use backline_rtmp::chunk::{Demuxer, Event, Message};
use backline_rtmp::flv::Packet;
use backline_rtmp::server::Config;
use backline_rtmp::{Error, Limits};

/// Most bytes that were allocated at a time.
fn peak(work: impl FnOnce()) -> u64 {
    measure(work).bytes_max
}

#[test]
fn amf_counts_of_4_billion_allocate_nothing() {
    for body in ["08 FFFFFFFF", "0A FFFFFFFF", "0A FFFFFFFF 05"] {
        let body = hex(body);
        let bytes = peak(|| drop(decode(&body, &Limits::default())));
        assert!(bytes < 1024, "{bytes}");
    }
}

#[test]
fn amf_nesting_of_70_000_stops_early() {
    let body = hex(&"0A00000001".repeat(70_000));
    let bytes = peak(|| {
        assert_eq!(
            decode(&body, &Limits::default()),
            Err(Error::AmfDepth { at: 165, limit: 32 })
        );
    });
    assert!(bytes < 1024, "{bytes}");
}

#[test]
fn amf3_objects_inside_of_each_other_share_what_their_class_says() {
    // 800 sealed names, all empty but for the first, whose value is an object of the same class, and so on.
    let names = [hex("03 61"), hex("01").repeat(799)].concat();
    let first = [hex("11 0a e403 01"), names].concat();
    let body = [first, hex("0a 01").repeat(30)].concat();
    let limits = Limits::default();
    let bytes = peak(|| {
        let cut = decode(&body, &limits);
        assert!(matches!(cut, Err(Error::Truncated { .. })), "{cut:?}");
    });
    // Two lists of 800 slices, and little for each object.
    assert!(bytes < 64 << 10, "{bytes} for {}", body.len());
}

#[test]
fn amf3_references_to_a_long_string_do_not_multiply_it() {
    // 32 KiB as the name of a class, of a sealed property and as text, again and again.
    let long = [hex("84 80 01"), vec![b'x'; 1 << 15]].concat();
    for (head, again) in [
        ("11 09 8f7f 01 06", "06 00"),
        ("11 09 8f7f 01 0a 0b", "01 0a 01"),
        ("11 09 8f7f 01 0a 13 01", "01 0a 01"),
    ] {
        let body = [hex(head), long.clone(), hex(again).repeat(1000)].concat();
        let bytes = peak(|| {
            let error = decode(&body, &Limits::default());
            assert!(matches!(error, Err(Error::AmfStrings { .. })), "{error:?}");
        });
        assert!(bytes < 3 << 16, "{bytes}");
    }
}

#[test]
fn amf3_objects_that_contain_themselves_cost_nothing() {
    // 1000 times the list itself.
    let body = [hex("11 09 8f51 01"), hex("09 00").repeat(1000)].concat();
    let bytes = peak(|| assert!(decode(&body, &Limits::default()).is_ok()));
    assert!(bytes < 256 << 10, "{bytes}");
}

#[test]
fn what_waits_in_a_queue_weighs_what_it_holds_in_amf3_too() {
    let heavy = |body: &str| {
        let body = [hex("02 0001 61 11"), hex(body), vec![b'x'; 40_000]].concat();
        let message = Message::new(4, 1, Message::DATA, 0, body.into());
        let packet = Packet::decode(message, &Limits::default()).unwrap().next();
        let length = packet.unwrap().len();
        assert!((40_000..41_000).contains(&length), "{length}");
    };
    // 40 000 bytes as bytes, as text, as numbers, as an item, and as what an object has.
    let bytes = "0c 84f101";
    heavy(bytes);
    heavy("06 84f101");
    heavy("0d 819c21 00");
    heavy("0e 819c21 00");
    heavy("0f ce11 00");
    heavy(&format!("09 03 01 {bytes}"));
    heavy(&format!("10 03 00 01 {bytes}"));
    heavy(&format!("0a 13 01 0361 {bytes}"));
}

#[test]
fn cve_2016_10191_a_shorter_message_over_a_partial_one() {
    let input = [
        chunk("04 000000 00012C 09 01000000", &pattern(128)),
        chunk("44 000000 000064 09", &pattern(100)),
        chunk("06 000000 000001 09 01000000", &[7]),
    ];
    let (found, error) = events(&input.concat());
    assert_eq!(error, None);
    assert!(matches!(&found[1], Event::Message(message) if message.payload == pattern(100)));
    assert!(matches!(&found[2], Event::Message(message) if message.payload[..] == [7]));
}

#[test]
fn nginx_rtmp_1042_a_chunk_size_of_2_gigabytes_allocates_nothing() {
    let input = [
        hex("02 000000 000004 01 00000000 7FFFFFFF"),
        hex("04 000000 FFFFFF 09 01000000 00"),
    ];
    let input = input.concat();
    let bytes = peak(|| {
        let mut demuxer = Demuxer::new(Limits::default());
        let mut rest = &input[..];
        while demuxer.next_event(&mut rest).unwrap().is_some() {}
    });
    assert!(bytes < 6000, "{bytes}");
}

#[test]
fn declared_lengths_on_64_chunk_streams_allocate_little() {
    // Each declares 16 MB and sends one byte.
    let begun = |id: u8| hex(&format!("{id:02X} 000000 FFFFFF 09 01000000 00"));
    let mut input = hex("02 000000 000004 01 00000000 00000001");
    input.extend((3..64).flat_map(begun));
    let bytes = peak(|| {
        let mut demuxer = Demuxer::new(Limits::default());
        let mut rest = &input[..];
        while demuxer.next_event(&mut rest).unwrap().is_some() {}
        assert!(rest.is_empty());
    });
    assert!(bytes < 61 * 4096 + 16_384, "{bytes}");
}

#[test]
fn what_was_carried_once_is_not_reserved_for_ever() {
    // Twenty chunk streams carry 1 MB each, one after the other, and then declare it again at once.
    let mut input = hex("02 000000 000004 01 00000000 00FFFFFF");
    for id in 3..23 {
        input.extend(chunk(
            &format!("{id:02X} 000000 100000 09 01000000"),
            &pattern(1 << 20),
        ));
    }
    let mut again = hex("02 000000 000004 01 00000000 00000080");
    for id in 3..23 {
        again.extend(chunk(
            &format!("{id:02X} 000000 100000 09 01000000"),
            &pattern(128),
        ));
    }
    let mut demuxer = Demuxer::new(Limits::default());
    let mut rest = &input[..];
    while demuxer.next_event(&mut rest).unwrap().is_some() {}
    let bytes = peak(|| {
        let mut rest = &again[..];
        while demuxer.next_event(&mut rest).unwrap().is_some() {}
        assert!(rest.is_empty());
    });
    let limit = u64::from(Limits::default().reassembly_bytes);
    assert!(bytes <= limit + 20 * 4096, "{bytes}");
}

#[test]
fn cve_2012_4750_a_string_longer_than_its_body() {
    assert_eq!(
        decode(&hex("02 FFFF 61"), &Limits::default()),
        Err(Error::Truncated {
            at: 3,
            needed: 65_535
        })
    );
    let error = decode(&hex("0C FFFFFFFF 61"), &Limits::default());
    assert_eq!(
        error,
        Err(Error::Truncated {
            at: 5,
            needed: 0xFFFF_FFFF
        })
    );
}

#[test]
fn cve_2017_11665_fields_past_the_end() {
    let mut peer = Peer::connected(Config::default());
    for kind in [1, 2, 3, 4, 5, 6, 17, 20] {
        for length in 0..4 {
            peer.send(2, 0, kind, 0, &vec![0; length]);
        }
    }
    assert_eq!(peer.error, None);
    // Every one of them is cut short.
    assert_eq!(peer.server.stats().malformed, 32);
}

#[test]
fn cve_2015_8270_a_reference_past_its_table_is_a_number() {
    assert_eq!(
        decode(&hex("07 FFFF"), &Limits::default()),
        Ok(vec![Value::Reference(0xFFFF)])
    );
}

#[test]
fn nginx_http_flv_170_a_name_of_256_bytes_and_more() {
    for length in [255, 256, 257, 40_000] {
        let mut peer = Peer::connected(Config::default());
        let name = "k".repeat(length);
        peer.command(1, "publish", 2.0, &[Value::Null, text(&name)]);
        assert_eq!(peer.request().name, name);
    }
}

#[test]
fn red5_479_a_peer_that_reads_nothing_makes_no_queue() {
    let mut peer = Peer::connected(Config::default());
    let create = [
        text("getStreamLength"),
        Value::Number(2.0),
        Value::Null,
        text("x"),
    ];
    let body = backline_rtmp::amf0::encode(&create);
    let message = Message::new(3, 0, Message::COMMAND, 0, body);
    let bytes = crate::support::flat(peer.muxer.write(&message)).repeat(1000);
    let Peer { server, now, .. } = &mut peer;
    let held = peak(|| while server.handle_input(*now, &bytes).unwrap() > 0 {});
    assert!(held < 64 << 10, "{held}");
}

#[test]
fn a_body_of_small_properties_stays_within_the_node_budget() {
    let mut body = hex("03");
    for _ in 0..20_000 {
        body.extend(hex("0001 61 05"));
    }
    let bytes = peak(|| {
        assert!(matches!(
            decode(&body, &Limits::default()),
            Err(Error::AmfNodes { .. })
        ))
    });
    assert!(bytes < 256 << 10, "{bytes}");
}

#[test]
fn every_truncation_of_a_session_is_harmless() {
    let object = object(&[("app", text("live")), ("tcUrl", text("rtmp://h/live"))]);
    let body = backline_rtmp::amf0::encode(&[text("connect"), Value::Number(1.0), object]);
    for end in 0..body.len() {
        let mut peer = Peer::after_handshake(Config::default());
        peer.send(3, 0, Message::COMMAND, 0, &body[..end]);
        assert_eq!(peer.error, None);
    }
}

#[test]
fn the_body_of_a_message_is_bounded_by_what_arrived_while_it_grows() {
    let mut demuxer = Demuxer::new(Limits::default());
    let mut head = &hex("02 000000 000004 01 00000000 00FFFFFF 04 000000 3FFFFF 09 01000000")[..];
    while demuxer.next_message(&mut head).unwrap().is_some() {}
    let body = pattern(0x3F_FFFF);
    let mut arrived = 0;
    let mut held = 0;
    for piece in body.chunks(16 << 10) {
        let counted = measure(|| {
            let mut rest = piece;
            let found = demuxer.next_message(&mut rest).unwrap();
            assert_eq!(found.is_some(), arrived + piece.len() == body.len());
            core::mem::forget(found);
        });
        arrived += piece.len();
        held += counted.bytes_current;
        assert!(
            held <= 2 * i64::try_from(arrived).unwrap() + 8192,
            "{held} for {arrived}"
        );
    }
}
