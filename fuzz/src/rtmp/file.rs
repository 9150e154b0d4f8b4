//! FLV files.

use super::limits;
use super::packets::{Packets, assert_same};
use crate::{Source, pieces};
use backline_rtmp::flv::Packet;
use backline_rtmp::flv::file::{Event, Reader, Writer};
use backline_rtmp::{Error, Limits};

#[derive(Debug)]
struct Outcome {
    events: Vec<Event>,
    error: Option<Error>,
    whole_len: u64,
    is_whole: bool,
}

impl Outcome {
    /// Compares all; events by their text, since NaN in metadata is not itself.
    fn assert_is(&self, other: &Self) {
        assert_eq!(format!("{self:?}"), format!("{other:?}"));
    }
}

fn read<'a>(limits: Limits, input: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut reader = Reader::new(limits);
    let (mut events, mut error) = (Vec::new(), None);
    'input: for mut piece in input {
        loop {
            match reader.next_event(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(found) => {
                    error = Some(found);
                    break 'input;
                }
            }
        }
        assert!(piece.is_empty(), "nothing was found in what is left");
    }
    Outcome {
        events,
        error,
        whole_len: reader.whole_len(),
        is_whole: reader.is_whole(),
    }
}

/// Any partition of a file gives the same events; cut where the reader says that it is whole, it gives the same up to
/// there and is whole; no byte is in two packets; memory follows what came and the caps.
///
/// Input: a byte of modes, a byte that seeds the partition, a file or with mode 2 what follows its header.
pub fn flv_reader(data: &[u8]) {
    /// A body is reserved with this at most before it has come.
    const FIRST: u64 = 64 << 10;
    /// Values of one data tag, clocks, events at hand.
    const BOOKS: u64 = 1 << 20;
    let mut source = Source::new(data);
    let (mode, seed) = (source.u8(), source.u8());
    let caps = limits(mode & 1 != 0);
    let mut file = Vec::new();
    if mode & 2 != 0 {
        file.extend(Writer::header(true, true));
    }
    file.extend(source.rest());
    let measured = allocation_counter::measure(|| {
        let mut reader = Reader::new(caps.clone());
        let mut input = file.as_slice();
        while let Ok(Some(event)) = reader.next_event(&mut input) {
            drop(event);
        }
    });
    assert!(
        measured.bytes_max <= 2 * file.len() as u64 + FIRST + BOOKS,
        "{} bytes for {}",
        measured.bytes_max,
        file.len()
    );
    let whole = read(caps.clone(), std::iter::once(file.as_slice()));
    whole.assert_is(&read(caps.clone(), pieces(&file, seed)));
    whole.assert_is(&read(caps.clone(), pieces(&file, 0)));
    if whole.error.is_some() {
        return;
    }
    assert!(whole.whole_len <= file.len() as u64);
    let cut = &file[..whole.whole_len as usize];
    let again = read(caps, std::iter::once(cut));
    assert_eq!((again.error, again.whole_len), (None, whole.whole_len));
    assert!(again.is_whole, "cut at {}", whole.whole_len);
    assert!(again.events.len() <= whole.events.len());
    for (before, after) in whole.events.iter().zip(&again.events) {
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
    }
}

/// What is written is read back, and a file that a power cut has torn at any byte is whole up to its last whole tag,
/// from which a writer goes on.
///
/// Input: a byte of modes, where to cut, a recipe for packets.
pub fn flv_round_trip(data: &[u8]) {
    const PACKETS_MAX: usize = 48;
    let mut source = Source::new(data);
    let (mode, place) = (source.u8(), source.u16());
    let mut packets = Packets::new(mode);
    let mut sent = Vec::new();
    while !source.is_empty() && sent.len() < PACKETS_MAX {
        sent.push(packets.next(&mut source));
    }
    let mut file = Writer::header(true, true).to_vec();
    // Where each tag ends.
    let mut ends = vec![file.len()];
    let mut writer = Writer::new();
    for packet in &sent {
        let tag = writer.write(packet).expect("no tag is too long");
        file.extend(tag.to_bytes());
        ends.push(file.len());
    }
    let outcome = read(limits(false), std::iter::once(file.as_slice()));
    assert!(outcome.is_whole && outcome.whole_len == file.len() as u64);
    assert_same(&only_packets(&outcome), &sent);

    let cut = usize::from(place) % (file.len() + 1);
    let torn = &file[..cut];
    let outcome = read(limits(false), std::iter::once(torn));
    let count = ends.iter().filter(|end| **end <= cut).count();
    let whole = count.checked_sub(1).map_or(0, |last| ends[last]);
    assert_eq!(outcome.whole_len, whole as u64, "cut at {cut} of {ends:?}");
    let Some(kept) = count.checked_sub(1) else {
        return;
    };
    // The body of a tag may be there, and only its back pointer not.
    let came = only_packets(&outcome);
    assert!((kept..=kept + 1).contains(&came.len()));
    assert_same(&came, &sent[..came.len()]);
    let mut file = torn[..whole].to_vec();
    let mut writer = Writer::resume(0);
    for packet in &sent[kept..] {
        file.extend(writer.write(packet).expect("as before").to_bytes());
    }
    let outcome = read(limits(false), std::iter::once(file.as_slice()));
    assert!(outcome.is_whole);
    let came = only_packets(&outcome);
    let media = |packet: &Packet| packet.media.clone();
    let (came, sent): (Vec<_>, Vec<_>) = (
        came.iter().map(media).collect(),
        sent.iter().map(media).collect(),
    );
    assert_eq!(came, sent);
}

fn only_packets(outcome: &Outcome) -> Vec<Packet> {
    outcome
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Packet(packet) => Some(packet.clone()),
            Event::Header(_) => None,
            odd => panic!("our own file brings {odd:?}"),
        })
        .collect()
}
