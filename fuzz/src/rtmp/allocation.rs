//! What a peer may make each machine hold.

use super::chunk::demuxer;
use super::{client, limits, server};
use crate::Source;
use backline_rtmp::client::Client;
use backline_rtmp::server::{Config, Output, Server};
use std::time::Instant;

/// A chunk stream whose message is in progress has at least this, once.
const FIRST: u64 = 4096;
/// Slots, clocks and the events at hand.
const BOOKS: u64 = 96 << 10;
/// The values of one message, in lists that double, and of its outputs.
const VALUES: u64 = 2 << 20;

/// RTMP-35: what is allocated follows what arrived and the caps, never what is declared: in the chunk layer, in a
/// server that is published to or played from, and in a client that publishes or plays.
///
/// Input: a byte of modes, chunks.
pub fn allocation_within_limits(data: &[u8]) {
    let mut source = Source::new(data);
    let mode = source.u8();
    let wire = source.rest();
    match mode >> 2 & 3 {
        2 => served(mode, wire),
        3 => dialled(mode, wire),
        _ => demuxed(mode, wire),
    }
}

fn demuxed(mode: u8, wire: &[u8]) {
    let measured = allocation_counter::measure(|| {
        let mut demuxer = demuxer(mode);
        let mut input = wire;
        while let Ok(Some(event)) = demuxer.next_event(&mut input) {
            drop(event);
        }
    });
    check(measured.bytes_max, mode, mode & 2 != 0, wire.len(), BOOKS);
}

/// Modes: 1 low caps, 2 begin with a publication, 16 begin with a player.
fn served(mode: u8, wire: &[u8]) {
    let mut input = server::greeting();
    match mode & 0x12 {
        0 => {}
        2 => input.extend(server::publish_commands()),
        _ => input.extend(server::play_commands()),
    }
    input.extend(wire);
    let now = Instant::now();
    let mut config = Config::default();
    config.limits = limits(mode & 1 != 0);
    let measured = allocation_counter::measure(|| {
        let mut server = Server::new(config, now);
        let mut rest = input.as_slice();
        // The pieces are short, so that little waits that the caller might have taken.
        while !rest.is_empty() {
            let Ok(taken) = server.handle_input(now, &rest[..rest.len().min(256)]) else {
                return;
            };
            rest = &rest[taken..];
            let mut progress = taken > 0;
            while let Some(output) = server.poll_output() {
                progress = true;
                let id = match &output {
                    Output::Play(request) => request.id,
                    Output::Publish(request) => request.id,
                    Output::Close => return,
                    _ => continue,
                };
                server.accept(now, id).expect("it waits");
            }
            while server.poll_transmit().is_some() {
                progress = true;
            }
            assert!(progress, "{} bytes wait and nothing happens", rest.len());
        }
    });
    check(measured.bytes_max, mode, true, input.len(), BOOKS + VALUES);
}

/// Modes: 1 low caps, 2 play, 16 begin when the stream has begun.
fn dialled(mode: u8, wire: &[u8]) {
    let plays = mode & 2 != 0;
    let mut input = if mode & 16 == 0 {
        server::greeting()
    } else {
        client::served(plays).to_vec()
    };
    input.extend(wire);
    let now = Instant::now();
    let mut config = client::config(plays);
    config.limits = limits(mode & 1 != 0);
    let measured = allocation_counter::measure(|| {
        let mut client = Client::new(config, now);
        let mut rest = input.as_slice();
        while !rest.is_empty() {
            let Ok(taken) = client.handle_input(now, &rest[..rest.len().min(256)]) else {
                return;
            };
            rest = &rest[taken..];
            let mut progress = taken > 0;
            while let Some(output) = client.poll_output() {
                progress = true;
                if client::ends(&output) {
                    return;
                }
            }
            while client.poll_transmit().is_some() {
                progress = true;
            }
            assert!(progress, "{} bytes wait and nothing happens", rest.len());
        }
    });
    check(measured.bytes_max, mode, true, input.len(), BOOKS + VALUES);
}

fn check(bytes_max: u64, mode: u8, live: bool, arrived: usize, books: u64) {
    let caps = limits(mode & 1 != 0);
    let reassembly = u64::from(if live {
        caps.reassembly_bytes_live
    } else {
        caps.reassembly_bytes
    });
    let streams = u64::from(caps.chunk_streams_live) * FIRST;
    // Buffers double, and a finished one is cut to its size while the longer one is still there.
    let by_caps = 3 * reassembly + streams + books;
    assert!(
        bytes_max <= by_caps,
        "{bytes_max} bytes, the caps allow {by_caps}"
    );
    // A live stream has 64 KiB reserved for each message that begins.
    let streams = if live { 16 * streams } else { streams };
    let by_arrival = 4 * arrived as u64 + streams + books;
    assert!(
        bytes_max <= by_arrival,
        "{bytes_max} bytes for {arrived} that arrived"
    );
}
