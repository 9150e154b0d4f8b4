//! A real presentation into a storage of memory.

use backline_hls::codec::Codec;
use backline_hls::{
    About, Config, Cue, Event, Layout, Output, Presentation, Sample, TrackId, UnixMillis,
};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;

use super::feed::QUEUE_BYTES_MAX;
use super::*;

/// Of x264, 640x360.
const AVCC: &[u8] = b"\x01\x42\xC0\x1E\xFF\xE1\x00\x19\x67\x42\xC0\x1E\xDA\x02\x80\xBF\xE5\xC0\x44\
    \x00\x00\x03\x00\x04\x00\x00\x03\x00\xF2\x3C\x58\xBA\x80\x01\x00\x04\x68\xCE\x0F\xC8";

struct Rig {
    now: Instant,
    presentation: Presentation,
    feeder: Feeder,
    shared: Arc<Shared>,
    store: Arc<InMemory>,
    sender: Option<Sender>,
    items: Option<mpsc::UnboundedReceiver<Item>>,
    picture: i64,
    ended: bool,
    /// What is kept from the feeder.
    hidden: fn(&Output) -> bool,
}

impl Rig {
    fn new() -> Self {
        let now = Instant::now();
        let mut config = Config::default();
        config.layout = Layout::Separate;
        let (queue, items) = mpsc::unbounded_channel();
        let (shared, store) = (Arc::new(Shared::default()), Arc::new(InMemory::new()));
        let whole: Arc<dyn ObjectStore> = store.clone();
        let sender = Sender::new(
            whole,
            "live".to_owned(),
            Path::from("show"),
            Arc::clone(&shared),
        );
        let mut rig = Self {
            now,
            presentation: Presentation::new(config, now).expect("defaults"),
            feeder: Feeder::new(queue, Arc::clone(&shared)),
            shared,
            store,
            sender: Some(sender),
            items: Some(items),
            picture: 0,
            ended: false,
            hidden: |_| false,
        };
        let wall = UnixMillis(1_764_000_000_000);
        rig.event(Event::Start { wall });
        let (track, about) = (TrackId::TEXT, About::named("Words", "en"));
        rig.event(Event::Announce { track, about });
        rig.event(Event::Config {
            track: TrackId::VIDEO,
            codec: Codec::Avc,
            record: Bytes::from_static(AVCC),
        });
        rig
    }

    fn event(&mut self, event: Event) {
        let sound = self.presentation.handle_event(self.now, event);
        sound.expect("sound media");
        while let Some(output) = self.presentation.poll_output() {
            if !(self.hidden)(&output) {
                self.feeder.take(&output, &self.presentation);
            }
        }
    }

    /// Sends seconds of pictures, 25 each, with a key frame and a word.
    fn play(&mut self, seconds: i64) {
        for _ in 0..seconds * 25 {
            let at = self.picture * 40_000_000;
            if self.picture % 25 == 0 {
                let (track, cue) = (TrackId::TEXT, Cue::plain(at, at + 500_000_000, "a word"));
                self.event(Event::Cue { track, cue });
            }
            let sample = Sample {
                dts_ns: at,
                composition_ns: 0,
                sync: self.picture % 25 == 0,
                data: Bytes::from_static(b"\x00\x00\x00\x04\x65abc"),
            };
            let track = TrackId::VIDEO;
            self.event(Event::Sample { track, sample });
            self.picture += 1;
            self.now += Duration::from_millis(40);
        }
    }

    /// Ends the show and lets the task do its work; gives the playlists of picture and words.
    async fn end(&mut self) -> [String; 2] {
        if !self.ended {
            self.event(Event::End);
        }
        let (sender, items) = (self.sender.take(), self.items.take());
        let (sender, items) = (sender.expect("once"), items.expect("once"));
        // It ends by itself: the end of the show is known.
        sender.run(items).await;
        assert_eq!(self.shared.waiting.load(Ordering::Relaxed), 0);
        let multivariant = self.text("index.m3u8").await.expect("stored");
        assert!(multivariant.contains("SUBTITLES"), "{multivariant}");
        let mut texts = Vec::new();
        for name in ["v0", "t0"] {
            texts.push(self.text(&format!("{name}/index.m3u8")).await);
        }
        let texts: Option<Vec<String>> = texts.into_iter().collect();
        texts.and_then(|texts| texts.try_into().ok()).expect("both")
    }

    async fn text(&self, name: &str) -> Option<String> {
        let path = Path::from(format!("show/{name}"));
        let bytes = self.store.get(&path).await.ok()?.bytes().await.ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Asserts that a playlist lists what is stored as present and the rest as absent; gives how many of each.
    async fn holds(&self, rendition: &str, playlist: &str) -> (usize, usize) {
        assert!(playlist.ends_with("#EXT-X-ENDLIST\n"), "{playlist}");
        let (mut gap, mut counts) = (false, (0, 0));
        for line in playlist.lines() {
            if line == "#EXT-X-GAP" {
                gap = true;
            } else if !line.starts_with('#') {
                let stored = self.text(&format!("{rendition}/{line}")).await;
                assert_eq!(stored.is_some(), !gap, "{line} in {playlist}");
                assert!(stored.is_none_or(|body| !body.is_empty()), "{line}");
                *(if gap { &mut counts.1 } else { &mut counts.0 }) += 1;
                gap = false;
            } else if let Some(map) = line.strip_prefix("#EXT-X-MAP:URI=\"") {
                let name = map.trim_end_matches('"');
                assert!(self.text(&format!("{rendition}/{name}")).await.is_some());
            }
        }
        assert!(!playlist.contains("DISCONTINUITY\n"), "{playlist}");
        counts
    }
}

/// Captions are archived with their playlist, which the multivariant playlist names.
#[tokio::test]
async fn a_show_is_stored_with_its_words() {
    let mut rig = Rig::new();
    rig.play(20);
    let [picture, words] = rig.end().await;
    let (present, absent) = rig.holds("v0", &picture).await;
    assert!(present >= 9 && absent == 0, "{picture}");
    assert_eq!(rig.holds("t0", &words).await, (present, 0), "{words}");
    let first = words.lines().find(|line| !line.starts_with('#'));
    let name = format!("t0/{}", first.expect("a segment"));
    let file = rig.text(&name).await.expect("stored");
    assert!(name.ends_with(".vtt") && file.contains("a word"), "{file}");
    assert_eq!(rig.shared.figures.dropped.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_found_no_room_is_listed_as_absent() {
    let mut rig = Rig::new();
    rig.play(10);
    rig.shared
        .waiting
        .fetch_add(QUEUE_BYTES_MAX, Ordering::Relaxed);
    rig.play(10);
    rig.shared
        .waiting
        .fetch_sub(QUEUE_BYTES_MAX, Ordering::Relaxed);
    rig.play(10);
    let [picture, words] = rig.end().await;
    for (name, playlist) in [("v0", picture), ("t0", words)] {
        let (present, absent) = rig.holds(name, &playlist).await;
        assert!(present >= 8 && (4..=6).contains(&absent), "{playlist}");
    }
    assert!(rig.shared.figures.dropped.load(Ordering::Relaxed) >= 8);
}

/// For longer than anything at all finds room the lines of the playlists wait, and the end comes all the same.
#[tokio::test]
async fn an_end_that_finds_no_room_is_an_end() {
    let mut rig = Rig::new();
    rig.play(10);
    rig.shared
        .waiting
        .fetch_add(usize::MAX / 2, Ordering::Relaxed);
    rig.play(10);
    rig.event(Event::End);
    rig.ended = true;
    rig.shared
        .waiting
        .fetch_sub(usize::MAX / 2, Ordering::Relaxed);
    let [picture, _] = rig.end().await;
    let (present, _) = rig.holds("v0", &picture).await;
    assert!((4..=6).contains(&present), "{picture}");
}

/// A segment that lacks a part, or whose init segment is not there, does not exist.
#[tokio::test]
async fn half_a_segment_is_none() {
    let mut rig = Rig::new();
    rig.play(10);
    rig.hidden = |output| matches!(output, Output::Part { .. });
    rig.play(1);
    rig.hidden = |_| false;
    rig.play(9);
    let [picture, _] = rig.end().await;
    let (present, absent) = rig.holds("v0", &picture).await;
    assert!(present >= 7 && (1..=2).contains(&absent), "{picture}");

    let mut rig = Rig::new();
    rig.hidden = |output| matches!(output, Output::Init { .. });
    rig.play(10);
    let [picture, words] = rig.end().await;
    assert_eq!(
        picture.matches("#EXT-X-GAP").count(),
        picture.matches("#EXTINF").count()
    );
    assert!(
        rig.holds("t0", &words).await.0 >= 4,
        "words need no init segment"
    );
}
