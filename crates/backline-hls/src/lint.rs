//! A black-box check of any HLS server: records in, findings out (NEW-2).
//!
//! A [`Linter`] says which request to send next, takes each answer with its times, and ends with a [`Report`]:
//! for each
//! [`Rule`] whether it was kept, broken (with what was seen, and where) or not seen. It follows every rendition
//! by blocking
//! reload, with and without delta updates, fetches what the playlists list and hint, and asks what no viewer
//! would ask.
//! It opens no socket: the example `hls-lint` sends the requests.
//!
//! ```
//! use backline_hls::lint::{Config, Linter, Record, Response};
//! use std::time::Instant;
//!
//! let now = Instant::now();
//! let mut linter = Linter::new("http://localhost/live/index.m3u8", Config::default(), now)?;
//! while let Some(request) = linter.poll_request(now) {
//!     let response = Response::new(404, Vec::new(), Vec::new().into()); // send it, and read the whole answer
//!     linter.handle_record(Record::new(request, response, now, now, now));
//! }
//! let report = linter.report();
//! assert!(report.unusable.is_some(), "there was no playlist");
//! # Ok::<(), backline_hls::Error>(())
//! ```
//!
//! Records of requests that the linter did not ask for, such as those of a proxy, are taken too.

mod boxes;
mod delivery;
mod follower;
mod grammar;
mod headers;
mod ladder;
mod media;
mod plan;
mod record;
mod report;
mod rule;
mod shape;
mod step;
mod url;

use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;

pub use record::{Record, Request, Response};
pub use report::{Finding, Outcome, Report, Row, Unusable};
pub use rule::Rule;

use crate::clock::Clock;
use crate::m3u8::{Media, Multivariant, Playlist};
use crate::{Error, Limits};
use delivery::{Due, Held};
use follower::{Follower, Reached};
use media::Times;
use report::Findings;
use url::Directives;

/// A parameter that no server knows.
const UNKNOWN_PARAMETER: &str = "backline-lint";
/// An object that no playlist lists.
const UNKNOWN_OBJECT: &str = "backline-lint-no-such-object.m4s";
/// Renditions that are followed; a multivariant playlist may list more.
const RENDITIONS_MAX: usize = 32;
/// How long nothing is asked of a playlist that could not be read.
const RETRY: Duration = Duration::from_millis(500);

/// How to check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How long requests are sent. Default 20 s: several segments of 2 s, so that all rows of a low-latency
    /// stream are seen.
    pub length: Duration,
    /// How much later than a rule says something may come before it counts: network and scheduling. Default 0.5 s.
    pub slack: Duration,
    /// Requests under way at most. Default 24; each held request takes one.
    pub requests: usize,
    /// Findings kept of each rule. Default 8; the others are counted.
    pub findings: usize,
    /// Bytes of bodies that are kept until they can be compared. Default 64 MiB.
    pub body_bytes: usize,
    /// Caps on playlists.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            length: Duration::from_secs(20),
            slack: Duration::from_millis(500),
            requests: 24,
            findings: 8,
            body_bytes: 64 << 20,
            limits: Limits::default(),
        }
    }
}

/// Checks one presentation.
#[derive(Debug)]
pub struct Linter {
    config: Config,
    clock: Clock,
    root: String,
    asked: bool,
    unusable: Option<Unusable>,
    ladder: Option<Multivariant>,
    followers: Vec<Follower>,
    /// What is under way: when it was sent, and what was known of its rendition then.
    outstanding: BTreeMap<Request, (u64, Option<Reached>)>,
    findings: Findings,
    turn: usize,
    playlists: u64,
    objects: u64,
    /// Renditions that are listed and not followed.
    not_followed: usize,
}

impl Linter {
    /// Starts with the URL of a multivariant or media playlist.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] if it is no absolute `http` or `https` URL, or longer than [`Limits::url_bytes`].
    pub fn new(url: &str, config: Config, now: Instant) -> Result<Self, Error> {
        let (len, limit) = (url.len(), config.limits.url_bytes);
        if len > limit || !url::is_absolute(url) {
            return Err(Error::Url { len, limit });
        }
        Ok(Self {
            clock: Clock::new(now),
            root: url.to_owned(),
            asked: false,
            unusable: Some(Unusable::Silent),
            ladder: None,
            followers: Vec::new(),
            outstanding: BTreeMap::new(),
            findings: Findings::new(config.findings),
            turn: 0,
            playlists: 0,
            objects: 0,
            not_followed: 0,
            config,
        })
    }

    /// Takes a request with its whole answer.
    pub fn handle_record(&mut self, record: Record) {
        let times = Times {
            sent: self.clock.ns(record.sent),
            began: self.clock.ns(record.began),
            done: self.clock.advance(record.done),
        };
        self.findings.now_ns = times.done;
        let slack_ns = ns(self.config.slack);
        ladder::together(
            &mut self.findings,
            &mut self.followers,
            times.done,
            slack_ns,
        );
        let known = self.outstanding.remove(&record.request);
        let (url, directives) = Directives::split(&record.request.url);
        if self.followers.is_empty() && url == self.root {
            self.first(&record, times);
            return;
        }
        let follower = self
            .followers
            .iter()
            .position(|follower| follower.url == url);
        if let Some(index) = follower {
            self.settle(index, &record.request, times.done);
            let sent = match known {
                Some((_, reached)) => reached,
                None => self.followers.get(index).and_then(Follower::reached),
            };
            self.playlist(index, &record, times, &directives, sent);
        } else if url != self.root {
            self.object(&record, times);
        }
    }

    /// Takes the news that no answer came.
    pub fn handle_failure(&mut self, now: Instant, request: &Request) {
        let now_ns = self.clock.advance(now);
        self.findings.now_ns = now_ns;
        let Some((sent_ns, reached)) = self.outstanding.remove(request) else {
            return;
        };
        let (url, directives) = Directives::split(&request.url);
        let Some(index) = self
            .followers
            .iter()
            .position(|follower| follower.url == url)
        else {
            for index in 0..self.followers.len() {
                self.settle(index, request, now_ns);
            }
            return;
        };
        self.settle(index, request, now_ns);
        let Some(follower) = self.followers.get_mut(index) else {
            return;
        };
        follower.next_reload_ns = now_ns.saturating_add(ns(Duration::from_secs(1)));
        let held = held(&self.config, follower, now_ns.saturating_sub(sent_ns));
        let due = due(follower, &directives, reached);
        let place = place(follower, request);
        if matches!(due, Due::Hold(..)) {
            self.findings
                .need(Rule::Del7, &place, held.is_allowed(), || {
                    let seconds = Duration::from_nanos(held.for_ns).as_secs_f64();
                    format!(
                        "no answer in {seconds:.3} s, the target duration is {} s",
                        held.target_s
                    )
                });
        }
    }

    /// The next request, if there is one to send now. Its answer goes to [`Self::handle_record`].
    pub fn poll_request(&mut self, now: Instant) -> Option<Request> {
        let now_ns = self.clock.advance(now);
        self.findings.now_ns = now_ns;
        if now_ns >= ns(self.config.length) || self.outstanding.len() >= self.config.requests.max(1)
        {
            return None;
        }
        if !self.asked {
            self.asked = true;
            return self.send(Request::get(&self.root.clone()), now_ns, None);
        }
        // Reloads first: the clock runs on them.
        for index in 0..self.followers.len() {
            let follower = self.followers.get_mut(index)?;
            if let Some(request) = plan::reload(follower, now_ns)
                && !self.outstanding.contains_key(&request)
            {
                follower.reloading = Some(request.clone());
                follower.reloads = follower.reloads.saturating_add(1);
                return self.send(request, now_ns, Some(index));
            }
        }
        // Then one rendition after the other, so that none waits for all of another's media.
        for _ in 0..self.followers.len() {
            let index = self.turn.checked_rem(self.followers.len())?;
            self.turn = self.turn.wrapping_add(1);
            let follower = self.followers.get_mut(index)?;
            let mut request = plan::hint(follower);
            while request.is_none() && !follower.planned.is_empty() {
                let next = follower.planned.pop_front();
                request = next.filter(|next| !self.outstanding.contains_key(next));
            }
            if request.is_none() {
                request = plan::probe(follower);
                if request.is_some() {
                    follower.probing.clone_from(&request);
                }
            }
            if let Some(request) = request.filter(|one| !self.outstanding.contains_key(one)) {
                return self.send(request, now_ns, Some(index));
            }
        }
        None
    }

    /// When to ask for a request again though no answer has come.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let idle = self
            .followers
            .iter()
            .filter(|follower| follower.reloading.is_none() && !follower.has_ended());
        let next = idle.map(|follower| follower.next_reload_ns).min();
        let end = ns(self.config.length);
        Some(self.clock.instant(next.unwrap_or(end).min(end)))
    }

    /// How long to wait for an answer: a hold and some more.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let targets = self
            .followers
            .iter()
            .filter_map(|one| Some(one.media()?.target_duration_s));
        let longest = targets.max().unwrap_or(3).min(60);
        let held = Duration::from_secs(longest.saturating_mul(3));
        held.saturating_add(self.config.slack.saturating_mul(2))
            .saturating_add(Duration::from_secs(1))
    }

    /// Whether nothing more will come of going on: the stream has ended and everything was asked, or there is none.
    #[must_use]
    pub fn is_done(&self, now: Instant) -> bool {
        let over = self.clock.ns(now) >= ns(self.config.length);
        let ended = !self.followers.is_empty()
            && self.followers.iter().all(Follower::is_finished)
            && self.outstanding.is_empty();
        let nothing = self.asked && self.outstanding.is_empty() && self.followers.is_empty();
        over || ended || nothing
    }

    /// Playlists that were read.
    #[must_use]
    pub fn playlists(&self) -> u64 {
        self.playlists
    }

    /// Init segments, parts and segments that were read.
    #[must_use]
    pub fn objects(&self) -> u64 {
        self.objects
    }

    /// What has come of it so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let low_latency = self.followers.iter().any(Follower::is_low_latency);
        let mut findings = self.findings.clone();
        ladder::ended(&mut findings, &self.followers);
        if let Some(playlist) = &self.ladder {
            ladder::variants(&mut findings, &self.root, playlist, &self.followers);
        }
        let left_out = self.followers.iter().map(|follower| follower.left_out);
        let left_out = left_out.fold(self.not_followed, usize::saturating_add);
        Report {
            rows: findings.rows(low_latency),
            unusable: self.unusable.clone(),
            low_latency,
            playlists: self.playlists,
            objects: self.objects,
            left_out: u64::try_from(left_out).unwrap_or(u64::MAX),
        }
    }

    fn send(&mut self, request: Request, now_ns: u64, follower: Option<usize>) -> Option<Request> {
        let reached = follower.and_then(|index| self.followers.get(index)?.reached());
        self.outstanding.insert(request.clone(), (now_ns, reached));
        Some(request)
    }

    /// A request of a follower is no longer under way.
    fn settle(&mut self, index: usize, request: &Request, now_ns: u64) {
        let Some(follower) = self.followers.get_mut(index) else {
            return;
        };
        if follower.reloading.as_ref() == Some(request) {
            follower.reloading = None;
            // Sooner where the answer is a playlist.
            follower.next_reload_ns = now_ns.saturating_add(ns(RETRY));
        }
        if follower.probing.as_ref() == Some(request) {
            follower.probing = None;
        }
    }

    /// The answer to the first request: which renditions there are.
    fn first(&mut self, record: &Record, times: Times) {
        let response = &record.response;
        if response.status != 200 {
            self.unusable = Some(Unusable::Status(response.status));
            return;
        }
        if !response.body.starts_with(b"#EXTM3U")
            && !response.body.starts_with(b"\xEF\xBB\xBF#EXTM3U")
        {
            let content_type = headers::content_type(response);
            self.unusable = Some(Unusable::NotPlaylist { content_type });
            return;
        }
        self.unusable = None;
        let place = self.root.rsplit('/').next().unwrap_or_default().to_owned();
        let place = url::without_query(&place).to_owned();
        match Playlist::parse(&response.body, &self.config.limits) {
            Err(error) => self.findings.fail(Rule::Pl13, &place, || error.to_string()),
            Ok(Playlist::Media(_)) => {
                let url_bytes = self.config.limits.url_bytes;
                self.followers
                    .push(Follower::new(self.root.clone(), place, url_bytes));
                self.playlist(0, record, times, &Directives::default(), None);
            }
            Ok(Playlist::Multivariant(playlist)) => {
                self.playlists = self.playlists.saturating_add(1);
                headers::playlist(&mut self.findings, &place, record, None, false);
                let text = String::from_utf8_lossy(&response.body);
                grammar::check(&mut self.findings, &place, &text);
                ladder::multivariant(&mut self.findings, &place, &playlist);
                let url_bytes = self.config.limits.url_bytes;
                for uri in playlist.media_uris() {
                    let url = url::join_within(&self.root, uri, url_bytes);
                    let room = self.followers.len() < RENDITIONS_MAX;
                    let Some(url) = url.filter(|_| room) else {
                        self.not_followed = self.not_followed.saturating_add(1);
                        continue;
                    };
                    let (url, _) = Directives::split(&url);
                    if !self.followers.iter().any(|follower| follower.url == url) {
                        let mut follower = Follower::new(url, uri.to_owned(), url_bytes);
                        follower.independent = playlist.independent_segments;
                        self.followers.push(follower);
                    }
                }
                self.ladder = Some(playlist);
            }
        }
    }

    fn playlist(
        &mut self,
        index: usize,
        record: &Record,
        times: Times,
        directives: &Directives,
        sent: Option<Reached>,
    ) {
        let Some(follower) = self.followers.get_mut(index) else {
            return;
        };
        let place = place(follower, &record.request);
        let findings = &mut self.findings;
        let low_latency = media::low_latency(follower);
        let directed = directives.msn.is_some() || directives.malformed;
        headers::playlist(findings, &place, record, low_latency, directed);
        let due = due(follower, directives, sent);
        let held = held(
            &self.config,
            follower,
            times.done.saturating_sub(times.sent),
        );
        let status = record.response.status;
        if record.request.url.contains(UNKNOWN_PARAMETER) {
            findings.need(Rule::Del12, &place, status == 200, || {
                format!("status {status} to a request with an unknown parameter")
            });
        }
        delivery::answer(findings, &place, due, status, held);
        if status != 200 || record.response.header("content-encoding").is_some() {
            return;
        }
        self.playlists = self.playlists.saturating_add(1);
        let body = &record.response.body;
        grammar::check(findings, &place, &String::from_utf8_lossy(body));
        let media = match Playlist::parse(body, &self.config.limits) {
            Ok(Playlist::Media(media)) => media,
            Ok(Playlist::Multivariant(_)) => {
                return findings.fail(Rule::Pl13, &place, || {
                    "a multivariant playlist where a media playlist should be".to_owned()
                });
            }
            Err(error) => return findings.fail(Rule::Pl13, &place, || error.to_string()),
        };
        delivery::delta(findings, &place, directives.skip, &media);
        grammar::version(findings, &place, &media);
        let Some(media) = whole(findings, &place, follower, media, &self.config.limits) else {
            return;
        };
        delivery::reached(findings, &place, due, &media);
        self.newer(index, media, times);
    }

    /// Takes a whole playlist: alone, and after the one before it.
    fn newer(&mut self, index: usize, media: Media, times: Times) {
        let slack_ns = ns(self.config.slack);
        let others = self.followers.iter().enumerate();
        let others = others.filter(|(other, _)| *other != index);
        let remembered: usize = others.map(|(_, other)| other.objects.len()).sum();
        let room = self.config.limits.lint_objects.saturating_sub(remembered);
        let Some(follower) = self.followers.get_mut(index) else {
            return;
        };
        let findings = &mut self.findings;
        let place = follower.name.clone();
        shape::check(findings, &place, &media);
        let (reached, before) = (Reached::of(&media), follower.reached());
        let blocks = media
            .server_control
            .is_some_and(|control| control.can_block_reload);
        if let Some(known) = &follower.known {
            let old = Reached::of(&known.media);
            // Answers overtake each other: what was asked for before the newest came may be older than it.
            let older = (reached.msn, reached.parts) < (old.msn, old.parts)
                || (old.ended && !reached.ended);
            if older && times.sent < known.done_ns {
                follower.next_reload_ns = times.done;
                return;
            }
            step::check(findings, &place, &known.media, &media);
        }
        let moved = before != Some(reached);
        let pause = match (blocks && media.part_target.is_some(), moved) {
            (true, true) => Duration::ZERO,
            (true, false) => Duration::from_millis(50),
            // Section 6.3.4: after half a target duration if nothing has changed, after one if it has.
            (false, _) => Duration::from_millis(media.target_duration_s.saturating_mul(500)),
        };
        follower.next_reload_ns = times.done.saturating_add(ns(pause));
        let closed_before_ns = follower.closed_ns;
        follower.store(media, times.done, room);
        if moved && before.is_some() {
            ladder::pace(findings, follower, closed_before_ns, slack_ns);
        }
        ladder::same(findings, &self.followers, index);
        ladder::reports(findings, &self.followers, index);
    }

    fn object(&mut self, record: &Record, times: Times) {
        let request = &record.request;
        let kept = self
            .followers
            .iter()
            .flat_map(|follower| follower.objects.values());
        let kept = kept.filter_map(|object| object.body.as_ref().map(bytes::Bytes::len));
        let samples = self.followers.iter().filter_map(|one| one.sample.as_ref());
        let kept = kept.chain(samples.map(|(_, body)| body.len()));
        let room = self.config.body_bytes.saturating_sub(kept.sum());
        let owner = self.followers.iter().position(|follower| {
            follower.objects.contains_key(request) || follower.probing.as_ref() == Some(request)
        });
        let hinting = || {
            self.followers.iter().position(|follower| {
                let mut asked = follower.hints_asked.iter();
                asked.any(|uri| follower.request(uri, None).as_ref() == Some(request))
            })
        };
        let Some(index) = owner.or_else(hinting) else {
            return;
        };
        self.settle(index, request, times.done);
        let Some(follower) = self.followers.get_mut(index) else {
            return;
        };
        let status = record.response.status;
        if request.url.ends_with(UNKNOWN_OBJECT) {
            let place = format!("{} {}", follower.name, request.url);
            self.findings.need(Rule::Del9, &place, status == 404, || {
                format!("status {status} to something that was never listed")
            });
            return;
        }
        self.objects = self.objects.saturating_add(1);
        if request.range.is_some() && !follower.objects.contains_key(request) {
            media::range(follower, &mut self.findings, record);
        } else {
            media::object(follower, &mut self.findings, record, times, room);
        }
    }
}

/// Joins a delta update to the newest playlist that is known.
fn whole(
    findings: &mut Findings,
    place: &str,
    follower: &Follower,
    media: Media,
    limits: &Limits,
) -> Option<Media> {
    if media.skip.is_none() {
        return Some(media);
    }
    let before = follower.media()?;
    let joined = media.merge(before, limits);
    findings.need(Rule::Pl10, place, joined.is_ok(), || {
        joined
            .as_ref()
            .err()
            .map(Error::to_string)
            .unwrap_or_default()
    });
    joined.ok()
}

fn due(follower: &Follower, directives: &Directives, sent: Option<Reached>) -> Due {
    let limit = follower.media().map_or(u64::MAX, delivery::advance_limit);
    let blocks = follower
        .media()
        .and_then(|media| media.server_control)
        .is_some_and(|control| control.can_block_reload);
    // A server that does not promise to hold ignores what it does not know.
    if !blocks && !follower.has_ended() {
        return Due::Plain;
    }
    delivery::due(directives, sent, follower.reached(), limit)
}

fn held(config: &Config, follower: &Follower, for_ns: u64) -> Held {
    Held {
        for_ns,
        slack_ns: ns(config.slack),
        target_s: follower.media().map_or(0, |media| media.target_duration_s),
    }
}

/// The rendition, and what was asked of it.
fn place(follower: &Follower, request: &Request) -> String {
    match request.url.split_once('?') {
        Some((_, query)) => [&follower.name, "?", query].concat(),
        None => follower.name.clone(),
    }
}

/// Nanoseconds, as many as fit.
fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
