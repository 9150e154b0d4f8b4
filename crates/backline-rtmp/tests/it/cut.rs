//! A client and a server whose wire is cut, at any byte and into any pieces.

use crate::pair::{Pair, address};
use crate::support::{hex, object, pattern};
use backline_rtmp::amf0::Value;
use backline_rtmp::client;
use backline_rtmp::flv::{Audio, AudioCodec, AudioData, Media, Packet};
use backline_rtmp::server::{self, Ending};
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
    for bytes in 0..usize::MAX - whole.left {
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
}
