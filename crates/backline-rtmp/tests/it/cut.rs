//! A client and a server whose wire is cut, at any byte and into any pieces.

use crate::client::Station;
use crate::pair::{Pair, address};
use crate::support::{flat, hex, object, pattern};
use backline_rtmp::amf0::Value;
use backline_rtmp::chunk::Message;
use backline_rtmp::client;
use backline_rtmp::flv::{Audio, AudioCodec, AudioData, Media, Packet};
use backline_rtmp::server::{self, Ending};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

/// A short stream, since each of its bytes is cut at.
fn packets() -> [Packet; 3] {
    let audio = |data| Media::Audio(Audio::new(AudioCodec::Aac, data));
    [
        Media::Metadata(object(&[("width", Value::Number(640.0))])),
        audio(AudioData::Config(hex("1190").into())),
        audio(AudioData::Frame(pattern(150).into())),
    ]
    .map(|media| Packet::new(7, media))
}

/// A whole session, in order up to its end, over a wire that carries so many bytes.
fn session(config: client::Config, bytes: usize) -> Pair {
    let publishes = config.purpose == client::Purpose::Publish;
    let mut pair = Pair::new(config, server::Config::default(), usize::MAX);
    pair.left = bytes;
    pair.run();
    if pair.request().is_some() {
        pair.accept();
    }
    for packet in packets() {
        if publishes {
            drop(pair.client.send(pair.now, &packet));
        } else {
            drop(pair.server.send(pair.now, &packet));
        }
        pair.run();
    }
    if publishes {
        pair.client.close(pair.now);
    } else {
        drop(pair.server.end(pair.now, Ending::Complete));
    }
    pair.run();
    pair
}

/// Lets the time of both sides run out; returns how often it took an alarm.
fn wait(pair: &mut Pair) -> u32 {
    let mut alarms = 0;
    loop {
        let due = [pair.client.poll_timeout(), pair.server.poll_timeout()];
        let Some(next) = due.into_iter().flatten().min() else {
            return alarms;
        };
        assert!(next >= pair.now);
        pair.now = next;
        pair.client.handle_timeout(next);
        pair.server.handle_timeout(next);
        pair.listen();
        alarms += 1;
        assert!(alarms < 10, "the time of a side does not run out");
    }
}

/// Returns whether a side was told a part of all, and in the end that it is over.
fn is_part<T: PartialEq>(told: &[T], all: &[T], is_failed: impl Fn(&T) -> bool, close: &T) -> bool {
    match told {
        [front @ .., failed, last] if is_failed(failed) => last == close && all.starts_with(front),
        _ => told == all,
    }
}

fn killed_at_every_byte(config: &client::Config) {
    let whole = session(config.clone(), usize::MAX);
    let length = usize::MAX - whole.left;
    // Two handshakes of 3,073 bytes, and what was said behind them.
    assert!(length > 2 * 3073 + 500, "{length}");
    for bytes in 0..length {
        let mut pair = session(config.clone(), bytes);
        wait(&mut pair);
        let is_failed = |told: &client::Output| matches!(told, client::Output::Failed(_));
        let all = &whole.client_told;
        let ended = is_part(&pair.client_told, all, is_failed, &client::Output::Close)
            // Who says goodbye does not wait for an answer.
            || pair.client_told.last() == Some(&client::Output::Close)
                && all.starts_with(&pair.client_told[..pair.client_told.len() - 1]);
        assert!(ended, "{bytes}: {:?}", pair.client_told);
        let is_failed = |told: &server::Output| matches!(told, server::Output::Failed(_));
        let all = &whole.server_told;
        assert!(
            is_part(&pair.server_told, all, is_failed, &server::Output::Close),
            "{bytes}: {:?}",
            pair.server_told
        );
    }
}

#[test]
fn a_publication_that_is_killed_at_every_byte_ends_on_both_sides() {
    killed_at_every_byte(&client::Config::publish(address()));
}

#[test]
fn a_player_that_is_killed_at_every_byte_ends_on_both_sides() {
    killed_at_every_byte(&client::Config::play(address()));
}

proptest! {
    #[test]
    fn rtmp_03_any_cuts_give_the_same_session_on_both_sides(
        cuts in vec((1_usize..700, 1_usize..700), 1..12),
        publishes in any::<bool>(),
    ) {
        let config = match publishes {
            true => client::Config::publish(address()),
            false => client::Config::play(address()),
        };
        let run = |cuts: &[(usize, usize)]| {
            let mut pair = Pair::new(config.clone(), server::Config::default(), usize::MAX);
            pair.cuts = cuts.to_vec();
            pair.accept();
            for packet in crate::pair::packets() {
                if publishes {
                    pair.client.send(pair.now, &packet).unwrap();
                } else {
                    pair.server.send(pair.now, &packet).unwrap();
                }
                pair.run();
            }
            if publishes {
                pair.client.close(pair.now);
            } else {
                pair.server.end(pair.now, Ending::Unpublished).unwrap();
            }
            pair.run();
            let stats = (pair.client.stats(), pair.server.stats());
            (pair.client_told, pair.server_told, stats)
        };
        prop_assert_eq!(run(&cuts), run(&[]));
    }
    #[test]
    fn a_client_of_any_messages_is_no_panic_and_splits_alike(
        sent in vec((1_u8..24, vec(any::<u8>(), 0..60)), 0..20),
        cuts in vec(1_usize..90, 1..10),
        (plays, begun) in any::<(bool, bool)>(),
    ) {
        let address = address();
        let (config, code) = match plays {
            true => (client::Config::play(address), "NetStream.Play.Start"),
            false => (client::Config::publish(address), "NetStream.Publish.Start"),
        };
        let run = |cuts: &[usize]| {
            let mut station = Station::until_started(config.clone());
            if begun {
                station.status(0.0, "status", code, &[]);
            }
            let mut bytes = Vec::new();
            for (kind, body) in &sent {
                let chunk_stream = 3 + u32::from(kind % 4);
                let body = Bytes::from(body.clone());
                let message = Message::new(chunk_stream, 1, *kind, 0, body);
                bytes.extend(flat(station.muxer.write(&message)));
            }
            let (mut rest, mut error) = (&bytes[..], None);
            for cut in cuts.iter().cycle() {
                let piece = &rest[..rest.len().min(*cut)];
                match station.client.handle_input(station.now, piece) {
                    Ok(taken) => rest = &rest[taken..],
                    Err(why) => error = Some(why),
                }
                station.told.extend(std::iter::from_fn(|| station.client.poll_output()));
                while station.client.poll_transmit().is_some() {}
                if rest.is_empty() || error.is_some() {
                    break;
                }
            }
            (station.told, error)
        };
        prop_assert_eq!(run(&cuts), run(&[usize::MAX]));
    }
}
