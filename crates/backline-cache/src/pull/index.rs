//! What is known under which name: a site a name, an entry a variant of it.

use std::hash::Hasher as _;
use std::time::Duration;

use bytes::Bytes;

use super::list::{Linked, Links};
use super::types::{Failure, Stored};
use crate::Name;
use crate::body::OWNER_BYTES;
use crate::rules::{Evictor, Treatment};
use crate::store::{NONE, Slab, Table};

#[derive(Debug)]
pub(super) struct Site {
    /// The first of its entries.
    pub(super) first: u32,
    hash: u64,
    pub(super) name: Name,
    /// The next site of the same hash.
    next: u32,
    pub(super) vary: Option<Bytes>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) failing: Option<Failing>,
    pub(super) fill: u32,
    pub(super) hash: u64,
    pub(super) hits: u64,
    pub(super) item: u32,
    pub(super) links: Links,
    /// The next variant of its site.
    pub(super) next: u32,
    /// Until when its answers are known not to be shared.
    pub(super) pass_until_ns: u64,
    pub(super) pinned: bool,
    pub(super) place: Place,
    /// It was fetched before anybody asked for it, and nobody has asked yet.
    pub(super) prefetched: bool,
    pub(super) site: u32,
    pub(super) timer: u32,
    pub(super) treatment: Treatment,
    pub(super) variant: u64,
}

impl Linked for Entry {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// What failed, how often in a row, and until when it is not tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failing {
    pub(super) failure: Failure,
    pub(super) times: u8,
    pub(super) until_ns: u64,
}

/// Where an entry's turn to be shed is decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Among errors and marks.
    Negative,
    /// Nowhere: nothing is stored yet, or it is pinned.
    Nowhere,
    Order(Evictor),
    Prefetched,
    /// Among those that cannot answer anybody any more without being validated.
    Spent,
}

#[derive(Debug)]
pub(super) struct Index {
    pub(super) entries: Slab<Entry>,
    named_bytes: usize,
    seed: u64,
    pub(super) sites: Slab<Site>,
    table: Table,
}

impl Index {
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            entries: Slab::new(),
            named_bytes: 0,
            seed,
            sites: Slab::new(),
            table: Table::new(seed.rotate_left(16)),
        }
    }

    fn hash(&self, name: &Name) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write(name.as_str().as_bytes());
        hasher.finish()
    }

    pub(super) fn site(&self, name: &Name) -> Option<u32> {
        let mut at = self.table.get(self.hash(name))?;
        while let Some(site) = self.sites.get(at) {
            if site.name == *name {
                return Some(at);
            }
            at = site.next;
        }
        None
    }

    pub(super) fn entry(&self, name: &Name, variant: u64) -> Option<u32> {
        self.variant_of(self.site(name)?, variant)
    }

    pub(super) fn variant_of(&self, site: u32, variant: u64) -> Option<u32> {
        self.entries_of(site).find(|&at| {
            self.entries
                .get(at)
                .is_some_and(|entry| entry.variant == variant)
        })
    }

    pub(super) fn entries_of(&self, site: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.sites.get(site).map_or(NONE, |site| site.first);
        std::iter::from_fn(move || {
            let entry = self.entries.get(at)?;
            let index = at;
            at = entry.next;
            Some(index)
        })
    }

    /// Bytes that adding a name and an entry allocates on top.
    pub(super) fn growth(&self, name: &Name) -> usize {
        self.entries
            .growth()
            .saturating_add(self.sites.growth())
            .saturating_add(self.table.growth())
            .saturating_add(name.bytes())
    }

    /// Adds an entry, which is not there, and its site, which may be.
    pub(super) fn add(&mut self, name: &Name, variant: u64, treatment: Treatment) -> u32 {
        let hash = self.hash(name);
        let site = self.site(name).unwrap_or_else(|| {
            let next = self.table.get(hash).unwrap_or(NONE);
            let site = self.sites.insert(Site {
                first: NONE,
                hash,
                name: name.clone(),
                next,
                vary: None,
            });
            self.table.insert(hash, site);
            self.named_bytes = self.named_bytes.saturating_add(name.bytes());
            site
        });
        let next = self.sites.get(site).map_or(NONE, |site| site.first);
        let entry = self.entries.insert(Entry {
            failing: None,
            fill: NONE,
            hash: hash ^ variant,
            hits: 0,
            item: NONE,
            links: Links::NEW,
            next,
            pass_until_ns: 0,
            pinned: false,
            place: Place::Nowhere,
            prefetched: false,
            site,
            timer: NONE,
            treatment,
            variant,
        });
        if let Some(site) = self.sites.get_mut(site) {
            site.first = entry;
        }
        entry
    }

    /// Removes an entry that is in no list, and its site with the last one.
    pub(super) fn remove(&mut self, entry: u32) {
        let Some(old) = self.entries.remove(entry) else {
            return;
        };
        let before = self.entries_of_before(old.site, entry);
        match self.entries.get_mut(before) {
            Some(before) => before.next = old.next,
            None => {
                if let Some(site) = self.sites.get_mut(old.site) {
                    site.first = old.next;
                }
            }
        }
        if self
            .sites
            .get(old.site)
            .is_some_and(|site| site.first == NONE)
        {
            self.remove_site(old.site);
        }
    }

    /// Sets what selects among the variants of a site.
    pub(super) fn set_vary(&mut self, site: u32, vary: Option<&Bytes>) {
        let Some(site) = self.sites.get_mut(site) else {
            return;
        };
        let before = vary_bytes(site.vary.as_ref());
        site.vary = vary.map(|vary| Bytes::from_owner(vary.to_vec()));
        let after = vary_bytes(site.vary.as_ref());
        self.named_bytes = self
            .named_bytes
            .saturating_add(after)
            .saturating_sub(before);
    }

    /// Bytes allocated.
    pub(super) const fn bytes(&self) -> usize {
        self.entries
            .bytes()
            .saturating_add(self.sites.bytes())
            .saturating_add(self.table.bytes())
            .saturating_add(self.named_bytes)
    }

    /// The entry of `site` whose next is `entry`, which itself may be gone already.
    fn entries_of_before(&self, site: u32, entry: u32) -> u32 {
        let mut at = self.sites.get(site).map_or(NONE, |site| site.first);
        if at == entry {
            return NONE;
        }
        while let Some(before) = self.entries.get(at) {
            if before.next == entry {
                break;
            }
            at = before.next;
        }
        at
    }

    fn remove_site(&mut self, at: u32) {
        let Some(old) = self.sites.remove(at) else {
            return;
        };
        let bytes = old
            .name
            .bytes()
            .saturating_add(vary_bytes(old.vary.as_ref()));
        self.named_bytes = self.named_bytes.saturating_sub(bytes);
        let mut before = self.table.get(old.hash).unwrap_or(NONE);
        if before == at {
            if old.next == NONE {
                self.table.remove(old.hash);
            } else {
                self.table.insert(old.hash, old.next);
            }
            return;
        }
        while let Some(site) = self.sites.get_mut(before) {
            if site.next == at {
                site.next = old.next;
                return;
            }
            before = site.next;
        }
    }
}

/// What the fields that select allocate.
pub(super) fn vary_bytes(vary: Option<&Bytes>) -> usize {
    vary.map_or(0, |vary| vary.len().saturating_add(OWNER_BYTES))
}

/// How long an answer is good for, as its origin and the rules of the request say together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Terms {
    pub(super) fresh_for: Duration,
    pub(super) refreshing: Duration,
    pub(super) failing: Duration,
}

impl Terms {
    /// A rule outweighs what the origin said, so that a change of the rules counts for what is stored already.
    /// An error is never served stale.
    pub(super) fn new(stored: &Stored, treatment: &Treatment) -> Self {
        let lifetime = &stored.lifetime;
        let ttl = if stored.is_error() {
            treatment.neg_ttl
        } else {
            treatment.ttl
        };
        let stale = |rule: Option<Duration>, origin| {
            if lifetime.must_revalidate || stored.is_error() {
                Duration::ZERO
            } else {
                rule.unwrap_or(origin)
            }
        };
        Self {
            fresh_for: ttl.unwrap_or(lifetime.fresh_for),
            refreshing: stale(
                treatment.stale_while_revalidate,
                lifetime.stale_while_revalidate,
            ),
            failing: stale(treatment.stale_if_error, lifetime.stale_if_error),
        }
    }

    /// Age at which it is good for nobody any more.
    pub(super) fn over(&self) -> Duration {
        self.fresh_for
            .saturating_add(self.refreshing.max(self.failing))
    }
}
