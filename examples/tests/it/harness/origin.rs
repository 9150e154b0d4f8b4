//! An origin made by hand that shares no code with ours: right by the rules, or wrong in exactly one.
//!
//! It is a pure function of time and request, so that a check of hours takes a second, and it can be served on a
//! socket.
//! Two renditions, `v` and `a`, of 0.5 s parts and 2 s segments; a discontinuity with another init segment every
//! eighth
//! segment, a date range every fifth. Forty seconds of it are there when the clock starts.

mod boxes;
mod serve;
mod text;

pub(crate) use serve::serve;

/// Milliseconds of a part and of a segment, parts in a segment.
pub(crate) const PART_MS: u64 = 500;
pub(crate) const SEGMENT_MS: u64 = 2_000;
const PARTS: u64 = SEGMENT_MS / PART_MS;
/// How much is published before the clock starts.
const BEFORE_MS: u64 = 40_000;
/// What an answer takes on its way.
const WAY_MS: u64 = 1;

/// What kind of origin.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Origin {
    /// The one thing that is wrong.
    pub(crate) fault: &'static str,
    /// When the show ends.
    pub(crate) ends_ms: Option<u64>,
    /// Neither parts nor what belongs to low latency.
    pub(crate) plain: bool,
}

/// An answer, with the times when its first and its last byte come.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) began_ms: u64,
    pub(crate) done_ms: u64,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Which rendition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Name {
    Video,
    Audio,
}

/// What is published of a rendition.
#[derive(Clone, Copy, Debug)]
struct State {
    /// Parts from the start of the world.
    parts: u64,
    ended: bool,
}

impl State {
    /// The open segment.
    const fn msn(&self) -> u64 {
        self.parts / PARTS
    }

    const fn open_parts(&self) -> u64 {
        self.parts % PARTS
    }
}

impl Origin {
    pub(crate) const fn faulty(fault: &'static str) -> Self {
        Self {
            fault,
            ends_ms: None,
            plain: false,
        }
    }

    fn breaks(&self, fault: &str) -> bool {
        self.fault == fault
    }

    /// When part `part` of a rendition is published, after the clock has started.
    fn published_ms(&self, name: Name, part: u64) -> u64 {
        let mut at = (part + 1) * PART_MS;
        if self.breaks("SEG-6 part") && part % 8 == 7 {
            at += 700;
        }
        if self.breaks("SEG-9") && name == Name::Audio {
            at += 2_000;
        }
        at.saturating_sub(BEFORE_MS)
    }

    fn state(&self, name: Name, now_ms: u64) -> State {
        let last = self
            .ends_ms
            .map_or(u64::MAX, |ends| (BEFORE_MS + ends) / SEGMENT_MS * PARTS);
        let mut parts = (now_ms + BEFORE_MS) / PART_MS;
        while parts > 0 && self.published_ms(name, parts - 1) > now_ms {
            parts -= 1;
        }
        State {
            parts: parts.min(last),
            ended: parts >= last,
        }
    }

    /// Answers a GET of a path with its query.
    pub(crate) fn answer(
        &self,
        now_ms: u64,
        target: &str,
        range: Option<(u64, Option<u64>)>,
        gzip: bool,
    ) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Some((name, file)) = path.trim_start_matches('/').split_once('/') else {
            return match path {
                "/index.m3u8" => playlist(now_ms, self.multivariant(), false, false),
                _ => plain(now_ms, 404),
            };
        };
        let name = match name {
            "v" => Name::Video,
            "a" => Name::Audio,
            _ => return plain(now_ms, 404),
        };
        if file == "index.m3u8" {
            return self.media(now_ms, name, query, gzip);
        }
        self.object(now_ms, name, file, range)
    }

    /// Answers a request for a media playlist by section 6.2.5 of the draft.
    fn media(&self, now_ms: u64, name: Name, query: &str, gzip: bool) -> Answer {
        let number = |wanted: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let value = pairs.find(|(name, _)| *name == wanted)?.1;
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            Some(value.parse::<u64>().ok().filter(|_| digits))
        };
        let (msn, part) = (number("_HLS_msn"), number("_HLS_part"));
        let skip = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("_HLS_skip="));
        let state = self.state(name, now_ms);
        let now = |state: State, at_ms: u64, directed: bool| {
            let text = self.playlist(name, state, at_ms, skip);
            let mut answer = playlist(at_ms, text, directed, gzip);
            if self.breaks("DEL-11") {
                answer.headers[0].1 = "text/plain".to_owned();
            }
            answer
        };
        if self.plain {
            return now(state, now_ms, false);
        }
        if state.ended {
            let refuse = self.breaks("DEL-1") && msn.is_some();
            return if refuse {
                refusal(now_ms)
            } else {
                now(state, now_ms, msn.is_some())
            };
        }
        if msn == Some(None) || part == Some(None) {
            let lax = self.breaks("DEL-12");
            return if lax {
                now(state, now_ms, true)
            } else {
                refusal(now_ms)
            };
        }
        let (msn, part) = (msn.flatten(), part.flatten());
        let Some(msn) = msn else {
            let lax = part.is_none() || self.breaks("DEL-2");
            return if lax {
                now(state, now_ms, false)
            } else {
                refusal(now_ms)
            };
        };
        let far = msn > state.msn() + 1
            || (msn == state.msn() && part.is_some_and(|part| part > state.open_parts() + 6));
        if far {
            let lax = self.breaks("DEL-6");
            return if lax {
                now(state, now_ms, true)
            } else {
                refusal(now_ms)
            };
        }
        if msn < self.first(state) && self.breaks("DEL-5") {
            return refusal(now_ms);
        }
        let at_ms = self.due_ms(now_ms, name, msn, part);
        now(self.state(name, at_ms), at_ms, true)
    }

    /// When a request for what does not exist yet, or does, is answered.
    fn due_ms(&self, now_ms: u64, name: Name, msn: u64, part: Option<u64>) -> u64 {
        let last = match part {
            None => (msn + 1) * PARTS - 1,
            Some(part) => msn * PARTS + part.min(PARTS),
        };
        let mut at_ms = now_ms.max(self.published_ms(name, last));
        let early = self.breaks("DEL-4") && part == Some(2);
        if early || (self.breaks("DEL-3") && part.is_none()) {
            at_ms = now_ms;
        }
        if self.breaks("DEL-7") && part.is_none() && msn == self.state(name, now_ms).msn() {
            at_ms = now_ms + 8_000;
        }
        // What ends in the meantime is answered then.
        let ends = self.ends_ms.filter(|ends| at_ms > *ends);
        ends.map_or(at_ms, |ends| ends.max(now_ms))
    }

    fn object(
        &self,
        now_ms: u64,
        name: Name,
        file: &str,
        range: Option<(u64, Option<u64>)>,
    ) -> Answer {
        let state = self.state(name, now_ms);
        let numbered = |prefix: &str, suffix: &str| -> Option<u64> {
            file.strip_prefix(prefix)?
                .strip_suffix(suffix)?
                .parse()
                .ok()
        };
        let unknown = || match self.breaks("DEL-9") {
            true => Answer {
                status: 200,
                ..plain(now_ms, 200)
            },
            false => plain(now_ms, 404),
        };
        let (body, at_ms) = if let Some(part) = numbered("p", ".m4s").filter(|_| !self.plain) {
            if part > state.parts || (state.ended && part == state.parts) {
                return unknown();
            }
            let at_ms = now_ms.max(self.published_ms(name, part));
            if let Some(ends) = self.ends_ms.filter(|ends| at_ms > now_ms.max(*ends)) {
                return plain(ends, 404);
            }
            (self.part(name, part), at_ms)
        } else if let Some(msn) = numbered("s", ".m4s") {
            let late = self.breaks("PL-7") && msn < self.first(state);
            if msn >= state.msn() || late {
                return unknown();
            }
            (self.segment(name, msn), now_ms)
        } else if let Some(number) =
            numbered("i", ".mp4").filter(|number| *number <= state.msn() / 8 + 1)
        {
            (self.init(name, number), now_ms)
        } else {
            return unknown();
        };
        let mut answer = plain(at_ms, 200);
        if self.breaks("DEL-8") && at_ms > now_ms {
            answer.began_ms = at_ms.saturating_sub(400).max(now_ms);
        }
        let kind = if name == Name::Video {
            "video/mp4"
        } else {
            "audio/mp4"
        };
        let lifetime = (
            "Cache-Control".to_owned(),
            "max-age=12, immutable".to_owned(),
        );
        answer
            .headers
            .insert(0, ("Content-Type".to_owned(), kind.to_owned()));
        answer.headers.push(lifetime);
        answer.body = body;
        if let Some(range) = range {
            self.cut(&mut answer, range);
        }
        answer
    }

    fn cut(&self, answer: &mut Answer, (from, to): (u64, Option<u64>)) {
        let len = answer.body.len() as u64;
        if from >= len {
            answer.status = 416;
            answer.body.clear();
            answer
                .headers
                .push(("Content-Range".to_owned(), format!("bytes */{len}")));
            return;
        }
        let to = to.unwrap_or(len - 1).min(len - 1);
        answer.status = 206;
        answer.headers.push((
            "Content-Range".to_owned(),
            format!("bytes {from}-{to}/{len}"),
        ));
        let shift = u64::from(self.breaks("DEL-10"));
        let from = usize::try_from(from + shift).expect("it is small");
        let to = usize::try_from(to + shift).expect("it is small");
        answer.body = answer.body[from..=to].to_vec();
    }
}

fn plain(at_ms: u64, status: u16) -> Answer {
    let origin = ("Access-Control-Allow-Origin".to_owned(), "*".to_owned());
    Answer {
        began_ms: at_ms + WAY_MS,
        done_ms: at_ms + WAY_MS,
        status,
        headers: vec![origin],
        body: Vec::new(),
    }
}

fn playlist(at_ms: u64, text: String, directed: bool, gzip: bool) -> Answer {
    let mut answer = plain(at_ms, 200);
    let kind = (
        "Content-Type".to_owned(),
        "application/vnd.apple.mpegurl".to_owned(),
    );
    let lifetime = if directed { "max-age=12" } else { "max-age=1" };
    answer.headers.insert(0, kind);
    answer
        .headers
        .push(("Cache-Control".to_owned(), lifetime.to_owned()));
    answer
        .headers
        .push(("Vary".to_owned(), "Accept-Encoding".to_owned()));
    answer.body = text.into_bytes();
    if gzip {
        answer
            .headers
            .push(("Content-Encoding".to_owned(), "gzip".to_owned()));
        answer.body = boxes::gzip(&answer.body);
    }
    answer
}

fn refusal(at_ms: u64) -> Answer {
    let mut answer = playlist(at_ms, String::new(), true, false);
    answer.status = 400;
    answer
}
