//! Who plays, what they need together, and what follows from it: the room's air, urgency, prefetch.
//!
//! Players say with CMCD what they take. [`Crowd`] adds it up over the sessions that are alive and
//! compares it with what the caller says the room's air can carry. It decides about nobody: rules
//! turn its numbers into treatment.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use backline_cache::cmcd::Cmcd;
//! use backline_cache::crowd::{Config, Crowd};
//! use backline_cache::{Client, Limits};
//!
//! let (start, limits) = (Instant::now(), Limits::default());
//! let mut config = Config::default();
//! config.capacity_kbps = Some(10_000);
//! let mut crowd = Crowd::new(config, limits.clone(), start);
//! for viewer in 0..4 {
//!     let line = format!("rtp=3000,sid=\"{viewer}\"");
//!     let said = Cmcd::from_lines([line.as_bytes()], &limits);
//!     crowd.observe(start, Client(viewer), &said);
//! }
//! crowd.handle_timeout(start + Duration::from_secs(2));
//! assert!(crowd.air().is_saturated);
//! assert_eq!(crowd.air().share_kbps, Some(2_000));
//! ```

mod next;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

pub use self::next::{Next, Uplink, next_objects};
use crate::cmcd::{Cmcd, ObjectType};
use crate::{Client, Limits};

/// When the air counts as crowded.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Config {
    /// Kilobits a second that the room's network carries. Default `None`: unknown, never crowded.
    /// An access point carries about half of what is written on it.
    pub capacity_kbps: Option<u64>,
    /// Per cent of the capacity above which it gets crowded. Default 80.
    pub busy_percent: u8,
    /// How long it must be above. Default 2 s: a door that opens is no crowd yet.
    pub busy_for: Duration,
    /// Per cent below which it gets free again. Default 60, less than `busy_percent`.
    pub free_percent: u8,
    /// How long it must be below. Default 10 s: players that obey take less, which is no reason
    /// to let go at once.
    pub free_for: Duration,
    /// The least that a viewer is asked to keep to, in kilobits a second. Default 300: below, there
    /// is no picture to switch to.
    pub share_least_kbps: u64,
    /// The most that one session counts for, in kilobits a second, whatever it says. Default 50,000.
    pub viewer_most_kbps: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            capacity_kbps: None,
            busy_percent: 80,
            busy_for: Duration::from_secs(2),
            free_percent: 60,
            free_for: Duration::from_secs(10),
            share_least_kbps: 300,
            viewer_most_kbps: 50_000,
        }
    }
}

/// How the room's air stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Air {
    /// Kilobits a second that all sessions need together.
    pub demand_kbps: u64,
    /// The same in per cent of the capacity, where that is known.
    pub load_percent: Option<u64>,
    /// It is crowded, and has been for long enough.
    pub is_saturated: bool,
    /// Kilobits a second for each viewer while it is crowded: `mb` of CMSD.
    pub share_kbps: Option<u64>,
    /// Sessions that are alive.
    pub viewers: u32,
}

/// The sessions that are alive. Feed it each request's CMCD; ask it for [`air`](Self::air).
#[derive(Debug)]
pub struct Crowd {
    config: Config,
    limits: Limits,
    start: Instant,
    /// Nanoseconds since `start`; an instant that goes back counts as this one.
    now: u64,
    sessions: BTreeMap<Id, Session>,
    /// The same by when they were heard of last.
    by_age: BTreeSet<(u64, Id)>,
    demand_kbps: u64,
    refused: u64,
    is_saturated: bool,
    /// Since when the load is on the other side of what changes `is_saturated`.
    turned_at: Option<u64>,
}

/// A session's client and its name's hash: nobody's name is kept.
type Id = (Client, u64);

#[derive(Clone, Copy, Debug, Default)]
struct Session {
    seen: u64,
    throughput_kbps: Option<u64>,
    picture_kbps: u64,
    sound_kbps: u64,
}

impl Crowd {
    /// Begins with nobody.
    #[must_use]
    pub const fn new(config: Config, limits: Limits, now: Instant) -> Self {
        Self {
            config,
            limits,
            start: now,
            now: 0,
            sessions: BTreeMap::new(),
            by_age: BTreeSet::new(),
            demand_kbps: 0,
            refused: 0,
            is_saturated: false,
            turned_at: None,
        }
    }

    /// Takes in what `client` said with a request. Without a session it counts for nothing, and so
    /// does a session more than [`Limits::sessions`] or [`Limits::client_sessions`] allow.
    pub fn observe(&mut self, now: Instant, client: Client, said: &Cmcd) {
        self.handle_timeout(now);
        let Some(name) = said.session() else { return };
        let id = (client, hash(name));
        let known = self.sessions.get(&id).copied();
        if known.is_none() && !self.has_room(client) {
            self.refused = self.refused.saturating_add(1);
            return;
        }
        let before = known.unwrap_or_default();
        let mut session = before;
        session.seen = self.now;
        session.hear(said);
        let most = self.config.viewer_most_kbps;
        self.demand_kbps = self
            .demand_kbps
            .saturating_sub(if known.is_some() {
                before.demand_kbps(most)
            } else {
                0
            })
            .saturating_add(session.demand_kbps(most));
        self.by_age.remove(&(before.seen, id));
        self.by_age.insert((session.seen, id));
        self.sessions.insert(id, session);
        self.judge();
    }

    /// Says what the room's network carries from now on, in kilobits a second.
    pub fn set_capacity(&mut self, now: Instant, kbps: Option<u64>) {
        self.config.capacity_kbps = kbps;
        self.handle_timeout(now);
    }

    /// Forgets who was silent for [`Limits::session_idle`], and judges the air.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self
            .now
            .max(nanos(now.saturating_duration_since(self.start)));
        // What has been due in between is judged before what leaves now changes it.
        self.judge();
        let idle = nanos(self.limits.session_idle);
        while let Some(&(seen, id)) = self.by_age.first() {
            if self.now.saturating_sub(seen) < idle {
                break;
            }
            self.by_age.pop_first();
            if let Some(session) = self.sessions.remove(&id) {
                let gone = session.demand_kbps(self.config.viewer_most_kbps);
                self.demand_kbps = self.demand_kbps.saturating_sub(gone);
            }
        }
        self.judge();
    }

    /// When [`handle_timeout`](Self::handle_timeout) may change something.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let idle = nanos(self.limits.session_idle);
        let leaves = self
            .by_age
            .first()
            .map(|(seen, _)| seen.saturating_add(idle));
        let turns = self.turned_at.map(|at| at.saturating_add(self.hold()));
        let due = leaves.into_iter().chain(turns).min()?;
        self.start.checked_add(Duration::from_nanos(due))
    }

    /// How the air stands.
    #[must_use]
    pub fn air(&self) -> Air {
        let viewers = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        let share = |capacity: u64| {
            // What is left below the mark goes to playlists, retries and whoever says nothing.
            let usable = percent_of(capacity, self.config.busy_percent);
            let each = usable.checked_div(u64::from(viewers));
            each.unwrap_or(usable).max(self.config.share_least_kbps)
        };
        Air {
            demand_kbps: self.demand_kbps,
            load_percent: self.load_percent(),
            is_saturated: self.is_saturated,
            share_kbps: self
                .config
                .capacity_kbps
                .filter(|_| self.is_saturated)
                .map(share),
            viewers,
        }
    }

    /// Observations of sessions that there was no room for.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn has_room(&self, client: Client) -> bool {
        let most = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let own = self.sessions.range((client, 0)..=(client, u64::MAX));
        self.sessions.len() < most(self.limits.sessions)
            && own.take(most(self.limits.client_sessions)).count()
                < most(self.limits.client_sessions)
    }

    fn load_percent(&self) -> Option<u64> {
        let capacity = self.config.capacity_kbps?;
        let percent = u128::from(self.demand_kbps).saturating_mul(100);
        let percent = percent
            .checked_div(u128::from(capacity))
            .unwrap_or(u128::MAX);
        Some(u64::try_from(percent).unwrap_or(u64::MAX))
    }

    /// Turns the state when the load has been on the other side for long enough.
    fn judge(&mut self) {
        let capacity = self.config.capacity_kbps;
        let beyond = if self.is_saturated {
            let mark = self.config.free_percent;
            capacity.is_none_or(|all| self.demand_kbps < percent_of(all, mark))
        } else {
            let mark = self.config.busy_percent;
            capacity.is_some_and(|all| self.demand_kbps > percent_of(all, mark))
        };
        if !beyond {
            self.turned_at = None;
            return;
        }
        let since = *self.turned_at.get_or_insert(self.now);
        if self.now.saturating_sub(since) >= self.hold() {
            self.is_saturated = !self.is_saturated;
            self.turned_at = None;
        }
    }

    fn hold(&self) -> u64 {
        nanos(if self.is_saturated {
            self.config.free_for
        } else {
            self.config.busy_for
        })
    }
}

impl Session {
    fn hear(&mut self, said: &Cmcd) {
        if let Some(throughput) = said.throughput_kbps() {
            self.throughput_kbps = Some(throughput);
        }
        let Some(bitrate) = said.bitrate_kbps() else {
            return;
        };
        match said.object_type() {
            Some(ObjectType::Audio) => self.sound_kbps = bitrate,
            Some(ObjectType::Muxed) => (self.picture_kbps, self.sound_kbps) = (bitrate, 0),
            Some(ObjectType::Video) | None => self.picture_kbps = bitrate,
            Some(_) => {}
        }
    }

    /// What it plays and a fifth for retries and headers, but no more than it says that it wants. Players name with
    /// `rtp` the most that is of use to them, hls.js five times what it plays, so that alone it says too much.
    fn demand_kbps(&self, most: u64) -> u64 {
        let played = self.picture_kbps.saturating_add(self.sound_kbps);
        let needed = (played > 0).then(|| played.saturating_mul(6) / 5);
        let said = needed.into_iter().chain(self.throughput_kbps);
        said.min().unwrap_or(0).min(most)
    }
}

/// The urgency (RFC 9218: 0 first, 7 last) of an answer to a player that said this: one step up,
/// within 2 to 6, if its buffer ran empty, if it starts, or if less than two parts are left.
/// Playlists, which have 1, stay there.
#[must_use]
pub fn urgency(base: u8, said: &Cmcd, part_target: Duration) -> u8 {
    if base <= 1 {
        return base;
    }
    let least = u64::try_from(part_target.saturating_mul(2).as_millis()).unwrap_or(u64::MAX);
    let low = said.buffer_ms().is_some_and(|buffer| buffer < least);
    if low || said.is_starved() || said.is_startup() {
        base.min(6).saturating_sub(1).max(2)
    } else {
        base
    }
}

fn percent_of(whole: u64, percent: u8) -> u64 {
    let part = u128::from(whole).saturating_mul(u128::from(percent)) / 100;
    u64::try_from(part).unwrap_or(u64::MAX)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// FNV-1a. Two names of one client that collide count as one viewer, which only that client can want.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
}
