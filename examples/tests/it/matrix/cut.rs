//! An FLV file through the whole way at full speed: the reader, the feed and the presentation, on one virtual clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use backline_examples::compose::rtmp_hls::Feed;
use backline_hls::{
    Config, Form, Layout, ObjectId, ObjectKind, Output, Playlist, Presentation, RenditionId,
    UnixMillis, Warning,
};
use backline_rtmp::Limits;
use backline_rtmp::flv::Packet;
use backline_rtmp::flv::file::{Event, Reader};
use backline_rtmp::server::Output as Session;

use crate::harness::collect::{Fetched, Parent, Recording, Rendition, rendition_uris};
use crate::harness::http::Response;
use crate::harness::playlist::Media;

const WALL: UnixMillis = UnixMillis(1_795_464_000_000);

/// What a viewer would have been given, and what went wrong on the way.
pub(super) struct Cut {
    pub(super) recording: Recording,
    pub(super) found: Vec<String>,
    pub(super) warnings: Vec<Warning>,
    /// Samples that were left out.
    pub(super) dropped: u64,
}

struct Rig {
    presentation: Presentation,
    now: Instant,
    bodies: BTreeMap<ObjectId, Vec<u8>>,
    parents: Vec<(ObjectId, Vec<ObjectId>)>,
    cut: Cut,
}

pub(super) fn cut(flv: &[u8], layout: &str) -> Cut {
    let mut config = Config::default();
    config.layout = if layout == "muxed" {
        Layout::Muxed
    } else {
        Layout::Separate
    };
    let origin = Instant::now();
    let mut rig = Rig {
        presentation: Presentation::new(config, origin).expect("defaults"),
        now: origin,
        bodies: BTreeMap::new(),
        parents: Vec::new(),
        cut: Cut {
            recording: Recording {
                multivariant: String::new(),
                answer: answer(String::new(), origin),
                renditions: Vec::new(),
            },
            found: Vec::new(),
            warnings: Vec::new(),
            dropped: 0,
        },
    };
    let (mut reader, mut feed) = (Reader::new(Limits::default()), Feed::new());
    let mut input = flv;
    while let Some(event) = reader.next_event(&mut input).expect("a whole file") {
        match event {
            Event::Packet(packet) => {
                rig.now = origin + Duration::from_millis(packet.timestamp_ms);
                rig.packet(&mut feed, packet);
            }
            Event::Header(_) => {}
            odd => rig.cut.found.push(format!("the file's reader: {odd:?}")),
        }
    }
    let mut events = Vec::new();
    feed.stop(&mut events);
    rig.take(events);
    rig.finish()
}

impl Rig {
    fn packet(&mut self, feed: &mut Feed, packet: Packet) {
        let mut events = Vec::new();
        // That a codec is rare is no news here.
        let _ = feed.take(Session::Media(packet), WALL, &mut events);
        self.take(events);
    }

    fn take(&mut self, events: Vec<backline_hls::Event>) {
        for event in events {
            if let Err(error) = self.presentation.handle_event(self.now, event) {
                self.cut.found.push(format!("refused: {error}"));
            }
            while let Some(output) = self.presentation.poll_output() {
                match output {
                    Output::Init { object, body } => {
                        self.bodies.insert(object, body.to_vec());
                    }
                    Output::Part { object, body } => {
                        self.bodies.insert(object, body.concat());
                    }
                    Output::Segment { object, parts } => self.parents.push((object, parts)),
                    Output::Warning(warning) => self.cut.warnings.push(warning),
                    _ => {}
                }
            }
        }
    }

    fn text(&self, rendition: Option<RenditionId>) -> Option<String> {
        let form = Form::Full;
        let rendered = self.presentation.render(Playlist { rendition, form })?;
        Some(String::from_utf8(rendered.text.to_vec()).expect("UTF-8"))
    }

    fn finish(mut self) -> Cut {
        self.cut.dropped = self.presentation.stats().samples_dropped;
        let Some(multivariant) = self.text(None) else {
            self.cut.found.push("nothing to play".to_owned());
            return self.cut;
        };
        for uri in rendition_uris(&multivariant) {
            let rendition = self.rendition(uri);
            self.cut.recording.renditions.push(rendition);
        }
        self.cut.recording.multivariant = multivariant;
        self.cut
    }

    fn rendition(&self, uri: String) -> Rendition {
        let (name, _) = uri.split_once('/').expect("a folder");
        let own = |object: &ObjectId| object.rendition.name() == name;
        let id = self
            .bodies
            .keys()
            .find(|object| own(object))
            .expect("it has media")
            .rendition;
        let text = self.text(Some(id)).expect("it is listed");
        let media = Media::parse(&text).unwrap_or_else(|why| panic!("{uri}: {why}\n{text}"));
        let bodies = self.bodies.iter().filter(|(object, _)| own(object));
        let mut bodies: BTreeMap<String, Vec<u8>> = bodies
            .map(|(object, body)| (name_of(object), body.clone()))
            .collect();
        let mut parents = BTreeMap::new();
        for (object, parts) in self.parents.iter().filter(|(object, _)| own(object)) {
            let whole = parts
                .iter()
                .flat_map(|part| self.bodies[part].iter().copied());
            bodies.insert(name_of(object), whole.collect());
            let segment = media
                .segments
                .iter()
                .find(|segment| segment.msn == object.number);
            let segment = segment.expect("the window holds all of it");
            parents.insert(
                object.number,
                Parent {
                    uri: segment.uri.clone(),
                    map: segment.map.clone(),
                    parts: segment.parts.iter().map(|part| part.uri.clone()).collect(),
                },
            );
        }
        let response = answer(text, self.now);
        let playlists = vec![Fetched {
            asked: None,
            response,
            media,
        }];
        Rendition {
            uri,
            playlists,
            bodies,
            answers: Vec::new(),
            parents,
        }
    }
}

fn answer(text: String, at: Instant) -> Response {
    Response {
        status: 200,
        headers: Vec::new(),
        body: text.into_bytes(),
        asked: at,
        first_byte: at,
        last_byte: at,
    }
}

/// As playlists name it.
fn name_of(object: &ObjectId) -> String {
    let number = object.number;
    match object.kind {
        ObjectKind::Init => format!("i{number}.mp4"),
        ObjectKind::Part => format!("p{number}.m4s"),
        ObjectKind::Segment => format!("s{number}.m4s"),
    }
}
