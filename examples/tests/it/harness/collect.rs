//! A viewer that follows every rendition by blocking reload and keeps all that it was given.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use backline_hls::Limits;
use backline_hls::m3u8::Playlist;

use super::http::{self, Response};
use super::playlist::Media;

pub(crate) struct Recording {
    pub(crate) multivariant: String,
    /// It, with all that came with it.
    pub(crate) answer: Response,
    pub(crate) renditions: Vec<Rendition>,
}

pub(crate) struct Rendition {
    /// Relative to the multivariant playlist: `v0/index.m3u8`.
    pub(crate) uri: String,
    pub(crate) playlists: Vec<Fetched>,
    /// Inits, parts and segments by their URI in the playlist.
    pub(crate) bodies: BTreeMap<String, Vec<u8>>,
    /// The answers of which these are the bodies, by their path.
    pub(crate) answers: Vec<(String, Response)>,
    /// The parts of each segment, as the playlists listed them when it closed.
    pub(crate) parents: BTreeMap<u64, Parent>,
}

pub(crate) struct Parent {
    pub(crate) uri: String,
    pub(crate) map: String,
    pub(crate) parts: Vec<String>,
}

/// A playlist as it came.
pub(crate) struct Fetched {
    /// What was asked for: part `.1` of segment `.0`.
    pub(crate) asked: Option<(u64, u64)>,
    pub(crate) response: Response,
    pub(crate) media: Media,
}

/// Follows the stage `live` for as long as `length`.
pub(crate) fn record(server: SocketAddr, length: Duration) -> Recording {
    let answer = http::get(server, "/live/index.m3u8");
    assert_eq!(
        answer.status,
        200,
        "the multivariant playlist: {}",
        answer.text()
    );
    let multivariant = answer.text().to_owned();
    let until = Instant::now() + length;
    let followers: Vec<_> = rendition_uris(&multivariant)
        .into_iter()
        .map(|uri| thread::spawn(move || follow(server, uri, until)))
        .collect();
    let renditions = followers
        .into_iter()
        .map(|follower| follower.join().expect("a follower found something broken"))
        .collect();
    Recording {
        multivariant,
        answer,
        renditions,
    }
}

/// The media playlists that a multivariant playlist names, each once.
pub(crate) fn rendition_uris(multivariant: &str) -> Vec<String> {
    let read = Playlist::parse(multivariant.as_bytes(), &Limits::default());
    let Ok(Playlist::Multivariant(playlist)) = read else {
        panic!("{read:?}:\n{multivariant}")
    };
    let uris: Vec<String> = playlist
        .media_uris()
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert!(!uris.is_empty(), "no rendition in:\n{multivariant}");
    uris
}

/// The first rendition with a picture.
pub(crate) fn picture_uri(multivariant: &str) -> String {
    let uris = rendition_uris(multivariant);
    uris.into_iter()
        .find(|uri| !uri.starts_with('a'))
        .unwrap_or_else(|| panic!("no picture in:\n{multivariant}"))
}

/// The folder of a playlist, in which its URIs stand: `/live/v0/`.
pub(crate) fn folder(uri: &str) -> String {
    let (folder, _) = uri.rsplit_once('/').unwrap_or(("", uri));
    format!("/live/{folder}/")
}

/// Gets a media playlist of the stage `live` and reads it.
pub(crate) fn playlist(server: SocketAddr, uri: &str, asked: Option<(u64, u64)>) -> Fetched {
    let path = path(uri, asked);
    let response = http::get(server, &path);
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    let media = Media::parse(response.text())
        .unwrap_or_else(|why| panic!("{path}: {why}\n{}", response.text()));
    Fetched {
        asked,
        response,
        media,
    }
}

/// Where a media playlist of the stage `live` is asked for.
pub(crate) fn path(uri: &str, asked: Option<(u64, u64)>) -> String {
    let query = asked
        .map(|(msn, part)| format!("?_HLS_msn={msn}&_HLS_part={part}"))
        .unwrap_or_default();
    format!("/live/{uri}{query}")
}

fn follow(server: SocketAddr, uri: String, until: Instant) -> Rendition {
    let mut rendition = Rendition {
        playlists: vec![playlist(server, &uri, None)],
        uri,
        bodies: BTreeMap::new(),
        answers: Vec::new(),
        parents: BTreeMap::new(),
    };
    loop {
        let last = &rendition.playlists.last().expect("there is one").media;
        let (next, ended) = (last.next(), last.ended);
        rendition.fetch_new(server);
        if ended || Instant::now() >= until {
            return rendition;
        }
        let fetched = playlist(server, &rendition.uri, Some(next));
        rendition.playlists.push(fetched);
    }
}

impl Rendition {
    /// Fetches what the newest playlist names and was not there before.
    fn fetch_new(&mut self, server: SocketAddr) {
        let media = self.playlists.last().expect("there is one").media.clone();
        let mut wanted = Vec::new();
        for segment in media.all() {
            wanted.extend(segment.parts.iter().map(|part| part.uri.clone()));
            // A segment is compared with its parts, so only those with parts are fetched.
            if !segment.uri.is_empty() && !segment.parts.is_empty() {
                wanted.push(segment.uri.clone());
                self.parents.entry(segment.msn).or_insert_with(|| Parent {
                    uri: segment.uri.clone(),
                    map: segment.map.clone(),
                    parts: segment.parts.iter().map(|part| part.uri.clone()).collect(),
                });
            }
            if !segment.map.is_empty() && !segment.parts.is_empty() {
                wanted.push(segment.map.clone());
            }
        }
        for uri in wanted {
            if !self.bodies.contains_key(&uri) {
                let path = format!("{}{uri}", folder(&self.uri));
                let answer = http::get(server, &path);
                assert_eq!(
                    answer.status,
                    200,
                    "{path} is listed: {}",
                    String::from_utf8_lossy(&answer.body)
                );
                assert!(!answer.body.is_empty(), "{path} is empty");
                self.bodies.insert(uri, answer.body.clone());
                self.answers.push((path, answer));
            }
        }
    }

    /// The newest playlist.
    pub(crate) fn newest(&self) -> &Media {
        &self.playlists.last().expect("there is one").media
    }

    /// One init, as the MAP of the newest closed segment names it, and the segments that follow it, in order.
    pub(crate) fn playable(&self) -> (&[u8], Vec<&[u8]>) {
        let map = &self
            .parents
            .values()
            .next_back()
            .expect("no segment closed while it was recorded")
            .map;
        let segments = self.parents.values().filter(|parent| parent.map == *map);
        (
            &self.bodies[map],
            segments
                .map(|parent| self.bodies[&parent.uri].as_slice())
                .collect(),
        )
    }
}
