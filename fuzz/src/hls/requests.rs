//! Requests of any viewer.

use super::{AAC_CONFIGS, AVC_CONFIG};
use crate::Source;
use backline_hls::codec::Codec;
use backline_hls::{
    Config, Decision, Event, Layout, ObjectId, Output, Point, Presentation, Sample, Series,
    TrackId, UnixMillis,
};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// Any path and query is decided: the same way twice, with a status of its own, a hold within its deadline, and never
/// for an object that was not announced.
///
/// Input: a byte that picks the state of the show, a byte for the length of the path, path and query as text.
pub fn path_and_query(data: &[u8]) {
    let mut source = Source::new(data);
    let state = source.u8();
    let now = Instant::now();
    let (presentation, names) = show(now, state);
    let length = usize::from(source.u8() & 0x3F);
    let path = match source.below(6) {
        0 => "index.m3u8".to_owned(),
        1 => "v0/index.m3u8".to_owned(),
        2 => "a0/index.m3u8".to_owned(),
        3 => format!("v0/p{}.m4s", source.u8()),
        4 => format!("v0/s{}.m4s", source.u8()),
        _ => source.text(length),
    };
    let query = (!source.is_empty()).then(|| String::from_utf8_lossy(source.rest()).into_owned());
    let decision = presentation.decide(now, &path, query.as_deref());
    assert_eq!(
        decision,
        presentation.decide(now, &path, query.as_deref()),
        "DEL-12"
    );
    match decision {
        Decision::Object { object, .. } => {
            assert!(
                names.contains(&object),
                "{object:?} was not announced (DEL-9)"
            );
        }
        Decision::Playlist { playlist, hold, .. } => {
            assert!(
                presentation.render(playlist).is_some() || hold.is_some(),
                "a playlist that is not there"
            );
            if let Some(hold) = hold {
                assert!(state & 0x80 == 0, "DEL-1");
                assert!(
                    hold.deadline > now && hold.deadline <= now + Duration::from_secs(9),
                    "DEL-7"
                );
                if let Some(rendered) = presentation.render(playlist) {
                    let reached = match hold.series {
                        Series::Listed => rendered.listed,
                        Series::Closed => rendered.closed,
                    };
                    assert!(
                        hold.point > reached,
                        "it holds for what is there (DEL-3, DEL-4)"
                    );
                    let near = Point {
                        msn: reached.msn + 3,
                        part: 0,
                    };
                    assert!(
                        hold.point <= near || reached == Point::default(),
                        "{hold:?} is far from {reached:?} (DEL-6)"
                    );
                }
            }
        }
        Decision::Refuse { status, reason, .. } => {
            assert!(
                matches!(status, 400 | 404 | 410 | 414 | 503),
                "{status} for {reason}"
            );
        }
    }
}

/// What a show of up to four seconds consists of: the lower bits of `state` count its pictures, the highest ends it.
fn events(state: u8) -> Vec<Event> {
    let sample = |track: TrackId, dts_ns: i64, sync: bool, data: &'static [u8]| {
        let (composition_ns, data) = (0, Bytes::from_static(data));
        Event::Sample {
            track,
            sample: Sample {
                dts_ns,
                composition_ns,
                sync,
                data,
            },
        }
    };
    let config = |track: TrackId, codec: Codec, record: &'static [u8]| Event::Config {
        track,
        codec,
        record: Bytes::from_static(record),
    };
    let mut events = Vec::new();
    let pictures = i64::from(state & 0x7F);
    if pictures > 0 {
        events.push(Event::Start {
            wall: UnixMillis(1_700_000_000_000),
        });
        events.push(config(TrackId::VIDEO, Codec::Avc, AVC_CONFIG));
        events.push(config(TrackId::AUDIO, Codec::Aac, AAC_CONFIGS[0]));
    }
    let mut sound_ns = 0;
    for picture in 0..pictures {
        let dts_ns = picture * 33_333_333;
        events.push(sample(
            TrackId::VIDEO,
            dts_ns,
            picture % 30 == 0,
            b"picture",
        ));
        while sound_ns <= dts_ns {
            events.push(sample(TrackId::AUDIO, sound_ns, true, b"sound"));
            sound_ns += 21_333_333;
        }
    }
    if state & 0x80 != 0 {
        events.push(Event::End);
    }
    events
}

/// The presentation after these events, and the names that it announced.
fn show(now: Instant, state: u8) -> (Presentation, Vec<ObjectId>) {
    let mut config = Config::default();
    config.layout = Layout::Separate;
    let mut presentation = Presentation::new(config, now).expect("defaults are within bounds");
    let mut names = Vec::new();
    for event in events(state) {
        presentation.handle_event(now, event).expect("a plain show");
        while let Some(output) = presentation.poll_output() {
            match output {
                Output::Init { object, .. }
                | Output::Part { object, .. }
                | Output::Segment { object, .. }
                | Output::Promised { object } => names.push(object),
                _ => {}
            }
        }
    }
    (presentation, names)
}
