//! What a client does about servers that are odd, silent or not to be trusted.

use crate::client::Station;
use crate::support::{Peer, hex, object, pattern, text};
use backline_rtmp::amf0::Value;
use backline_rtmp::client::{Address, Config, Output, Warning};
use backline_rtmp::flv::{Audio, AudioCodec, AudioData, Media, Packet};
use backline_rtmp::{Error, server};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn publish(url: &str) -> Config {
    Config::publish(Address::parse(url).unwrap())
}

fn publishing() -> Station {
    let mut station = Station::until_started(publish("rtmp://h/live/key"));
    station.status(0.0, "status", "NetStream.Publish.Start", &[]);
    station.told.clear();
    station
}

fn sound(timestamp_ms: u64) -> Packet {
    let data = AudioData::Frame(pattern(9).into());
    Packet::new(
        timestamp_ms,
        Media::Audio(Audio::new(AudioCodec::Opus, data)),
    )
}

#[test]
fn q34_a_publication_lives_while_a_server_without_pong_takes_what_is_sent() {
    // Its acknowledgements come after 2.5 MB: at 64 kb/s, after five minutes.
    let mut station = publishing();
    for second in 0..300 {
        station.pass(SECOND);
        station.client.send(station.now, &sound(second)).unwrap();
        station.drain();
    }
    assert_eq!(station.told, []);
    // A network that takes nothing any more is found out: what is sent waits.
    let mut waited = 0;
    while station.told.is_empty() {
        waited += 1;
        station.now += SECOND;
        drop(station.client.send(station.now, &sound(300 + waited)));
        station.client.handle_timeout(station.now);
        station.told.extend(station.client.poll_output());
    }
    assert!((29..=31).contains(&waited), "{waited}");
    let error = Error::IdleTimeout { after_ms: 30_000 };
    assert_eq!(station.told, [Output::Failed(error)]);
}

#[test]
fn q34_a_line_that_is_full_at_all_times_is_not_dead() {
    let mut station = publishing();
    for second in 0..100 {
        // What goes is one piece behind what comes.
        station.client.send(station.now, &sound(second)).unwrap();
        assert!(second == 0 || station.client.poll_transmit().is_some());
        station.now += SECOND;
        station.client.handle_timeout(station.now);
        assert!(station.client.waiting_bytes() > 0);
        assert_eq!(station.client.poll_output(), None);
    }
}

#[test]
fn q34_a_server_that_answers_pings_and_stops_is_dead() {
    let mut station = publishing();
    station.pass(10 * SECOND);
    let ping = station.heard.last().unwrap().payload.clone();
    assert_eq!(ping[..2], hex("0006"));
    // The pong: chunk stream 2, six bytes of type 4, event 7, and the number.
    let pong = [&hex("02 000000 000006 04 00000000 0007")[..], &ping[2..]].concat();
    station.input(&pong);
    for second in 0..30 {
        assert_eq!(station.told, []);
        station.client.send(station.now, &sound(second)).unwrap();
        station.pass(SECOND);
    }
    let error = Error::IdleTimeout { after_ms: 30_000 };
    assert_eq!(station.told, [Output::Failed(error), Output::Close]);
}

#[test]
fn a_server_that_talks_and_reads_nothing_is_dead() {
    let mut config = publish("rtmp://h/live/key");
    config.limits.transmits = 1;
    let mut station = Station::until_started(config);
    station.status(0.0, "status", "NetStream.Publish.Start", &[]);
    station.client.send(station.now, &sound(0)).unwrap();
    station.told.clear();
    // The ping has to wait for room, and is offered again and again.
    let ping = hex("02 000000 000006 04 00000000 0006 00000000");
    for _ in 0..30 {
        assert_eq!(station.client.poll_output(), None);
        station.now += SECOND;
        assert_eq!(station.client.handle_input(station.now, &ping), Ok(0));
        station.client.handle_timeout(station.now);
    }
    let error = Error::IdleTimeout { after_ms: 30_000 };
    assert_eq!(station.client.poll_output(), Some(Output::Failed(error)));
}

#[test]
fn rtmp_17_a_client_acknowledges_half_a_window() {
    let mut station = publishing();
    // A window of 100 bytes; then 12 and 38 bytes that are of no use. The handshake counts, too.
    station.input(&hex("02 000000 000004 05 00000000 00000064"));
    station.heard.clear();
    station.input(&hex("03 000000 000000 63 00000000"));
    assert_eq!(station.heard, []);
    let before = station.client.stats().bytes_in as u32;
    station.input(&[&hex("03 000000 00001A 63 00000000")[..], &[0; 26]].concat());
    let last = station.heard.last().unwrap();
    assert_eq!((last.kind, last.chunk_stream), (3, 2));
    assert_eq!(last.payload[..], (before + 38).to_be_bytes());
}

#[test]
fn a_player_whose_server_sends_without_a_word_has_begun() {
    let config = Config::play(Address::parse("rtmp://h/live/key").unwrap());
    let mut station = Station::until_started(config);
    station.input(&hex("04 000000 000003 08 01000000 AF0121"));
    assert!(
        matches!(
            station.told[..],
            [
                Output::Warning(Warning::Assumed),
                Output::Ready,
                Output::Media(_)
            ]
        ),
        "{:?}",
        station.told
    );
    // The word comes late, and is no second beginning.
    station.status(0.0, "status", "NetStream.Play.Start", &[]);
    assert!(matches!(station.told[3..], [Output::Status(_)]));
    station.pass(11 * SECOND);
    assert_eq!(station.told.len(), 4);
}

/// What a client that is refused does next, and what one that is asked to connect anew.
fn sent_away(config: Config, url: &str) -> [Vec<Output>; 2] {
    let redirect = object(&[
        ("level", text("error")),
        ("code", text("NetConnection.Connect.Rejected")),
        ("ex", object(&[("redirect", text(url))])),
    ]);
    let mut refused = Station::new(config.clone());
    refused.say(0, "_error", 1.0, &[Value::Null, redirect]);
    let mut asked = Station::until_started(config);
    let more = [("tcUrl", text(url))];
    let code = "NetConnection.Connect.ReconnectRequest";
    asked.status(0.0, "status", code, &more);
    [refused.told, asked.told]
}

#[test]
fn rtmp_24_a_client_is_not_sent_from_tls_into_the_clear() {
    let config = publish("rtmps://h/live/key");
    let [refused, asked] = sent_away(config.clone(), "rtmp://h/live");
    assert!(
        matches!(refused[..], [Output::Refused(_), Output::Close]),
        "{refused:?}"
    );
    assert!(matches!(asked[..], [Output::Status(_)]), "{asked:?}");
    for url in ["rtmps://other/live", "//other/live", "/live"] {
        for told in sent_away(config.clone(), url) {
            let Some(Output::Redial(redial)) = told.first() else {
                panic!("{told:?}")
            };
            assert!(redial.config.address.tls);
        }
    }
    // A URL that is none leads nowhere.
    let [refused, asked] = sent_away(config, "rtmps://");
    assert!(matches!(refused[..], [Output::Refused(_), Output::Close]));
    assert!(matches!(asked[..], [Output::Status(_)]));
}

#[cfg(feature = "auth")]
#[test]
fn q58_another_connection_begins_its_login_anew() {
    let wants = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ";
    let rejected = object(&[
        ("code", text("NetConnection.Connect.Rejected")),
        ("description", text(wants)),
    ]);
    let mut station = Station::new(publish("rtmp://me:word@h/live/key"));
    station.say(0, "_error", 1.0, &[Value::Null, rejected]);
    let Some(Output::Redial(redial)) = station.told.first() else {
        panic!("{:?}", station.told)
    };
    // Its challenge was for that connection alone.
    for told in sent_away(redial.config.clone(), "rtmp://other/app") {
        let Some(Output::Redial(redial)) = told.first() else {
            panic!("{told:?}")
        };
        let next = Station::new(redial.config.clone());
        let connect = &next.commands()[0].values[0];
        assert_eq!(connect.get("app"), Some(&text("app")));
    }
}

#[test]
fn secrets_do_not_show() {
    let mut station = Station::until_started(publish("rtmps://me:word@h/live?t=0k/s3cret"));
    station.say(0, "call", 1.0, &[Value::Null]);
    let mut peer = Peer::after_handshake(server::Config::default());
    let url = "rtmp://me:word@h/live?t=0k";
    let connect = object(&[("app", text("live?t=0k")), ("tcUrl", text(url))]);
    peer.command(0, "connect", 1.0, &[connect]);
    let name = text("s3cret?t=0k");
    peer.command(1, "publish", 0.0, &[Value::Null, name.clone()]);
    let mut player = Peer::connected(server::Config::default());
    player.command(1, "play", 0.0, &[Value::Null, name]);
    assert_eq!(peer.request().name, "s3cret");
    for shown in [
        format!("{:?}", station.client),
        format!("{:?} {:?}", peer.server, peer.outputs),
        format!("{:?} {:?}", player.server, player.outputs),
    ] {
        for secret in ["word", "0k", "s3cret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let shown = format!("{:?}", peer.outputs);
    assert!(shown.contains("app: \"live\""), "{shown}");
    assert!(format!("{:?}", station.client).contains("state: Starting"));
}
