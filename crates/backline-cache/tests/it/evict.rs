//! Whom to evict: both orders against plain models, against a published simulator, and what they cost in memory.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use backline_cache::evict::{Gdsf, S3Fifo};
use proptest::prelude::*;

/// One way to call both orders.
trait Order {
    fn admits(&self, bytes: u64) -> bool;
    fn bytes(&self) -> u64;
    fn evict(&mut self) -> Option<u32>;
    fn insert(&mut self, id: u32, hash: u64, bytes: u64);
    fn remove(&mut self, id: u32) -> bool;
    fn touch(&mut self, id: u32);
}

macro_rules! order {
    ($name:ty) => {
        impl Order for $name {
            fn admits(&self, bytes: u64) -> bool {
                <$name>::admits(self, bytes)
            }
            fn bytes(&self) -> u64 {
                <$name>::bytes(self)
            }
            fn evict(&mut self) -> Option<u32> {
                <$name>::evict(self)
            }
            fn insert(&mut self, id: u32, hash: u64, bytes: u64) {
                <$name>::insert(self, id, hash, bytes);
            }
            fn remove(&mut self, id: u32) -> bool {
                <$name>::remove(self, id)
            }
            fn touch(&mut self, id: u32) {
                <$name>::touch(self, id);
            }
        }
    };
}
order!(Gdsf);
order!(S3Fifo);

/// S3-FIFO as it is written down, with lists that are searched.
struct PlainS3Fifo {
    capacity: u64,
    small: VecDeque<Plain>,
    main: VecDeque<Plain>,
    ghosts: VecDeque<(u64, u64)>,
    warm: bool,
}

#[derive(Clone, Copy)]
struct Plain {
    id: u32,
    hash: u64,
    bytes: u64,
    hits: u32,
}

fn sum(queue: &VecDeque<Plain>) -> u64 {
    queue.iter().map(|plain| plain.bytes).sum()
}

impl PlainS3Fifo {
    fn new(capacity: u64) -> Self {
        Self {
            capacity,
            small: VecDeque::new(),
            main: VecDeque::new(),
            ghosts: VecDeque::new(),
            warm: false,
        }
    }
}

impl Order for PlainS3Fifo {
    fn admits(&self, bytes: u64) -> bool {
        bytes <= self.capacity / 10
    }

    fn bytes(&self) -> u64 {
        sum(&self.small) + sum(&self.main)
    }

    fn evict(&mut self) -> Option<u32> {
        self.warm = true;
        loop {
            if sum(&self.main) > self.capacity - self.capacity / 10 || self.small.is_empty() {
                let mut oldest = self.main.pop_front()?;
                if oldest.hits == 0 {
                    return Some(oldest.id);
                }
                oldest.hits = oldest.hits.min(3) - 1;
                self.main.push_back(oldest);
            } else {
                let mut oldest = self.small.pop_front()?;
                if oldest.hits < 2 {
                    let room = self.capacity - self.capacity / 10;
                    if oldest.bytes <= room {
                        self.ghosts.push_back((oldest.hash, oldest.bytes));
                    }
                    while self.ghosts.iter().map(|ghost| ghost.1).sum::<u64>() > room {
                        self.ghosts.pop_front();
                    }
                    return Some(oldest.id);
                }
                oldest.hits = 0;
                self.main.push_back(oldest);
            }
        }
    }

    fn insert(&mut self, id: u32, hash: u64, bytes: u64) {
        let known = self.ghosts.iter().position(|ghost| ghost.0 == hash);
        let to_main = known.is_some() || (!self.warm && sum(&self.small) >= self.capacity / 10);
        if let Some(at) = known {
            self.ghosts.remove(at);
        }
        let queue = if to_main {
            &mut self.main
        } else {
            &mut self.small
        };
        queue.push_back(Plain {
            id,
            hash,
            bytes,
            hits: 0,
        });
    }

    fn remove(&mut self, id: u32) -> bool {
        let before = self.small.len() + self.main.len();
        self.small.retain(|plain| plain.id != id);
        self.main.retain(|plain| plain.id != id);
        before != self.small.len() + self.main.len()
    }

    fn touch(&mut self, id: u32) {
        for plain in self.small.iter_mut().chain(&mut self.main) {
            plain.hits += u32::from(plain.id == id);
        }
    }
}

/// GDSF as it is written down: the least of all is looked for.
struct PlainGdsf {
    capacity: u64,
    held: Vec<(f64, u64, Plain)>,
    floor: f64,
    requests: u64,
}

impl PlainGdsf {
    fn new(capacity: u64) -> Self {
        Self {
            capacity,
            held: Vec::new(),
            floor: 0.0,
            requests: 0,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "small sizes")]
impl Order for PlainGdsf {
    fn admits(&self, bytes: u64) -> bool {
        bytes <= self.capacity
    }

    fn bytes(&self) -> u64 {
        self.held.iter().map(|(_, _, plain)| plain.bytes).sum()
    }

    fn evict(&mut self) -> Option<u32> {
        let at = (0..self.held.len()).min_by(|&a, &b| {
            let (a, b) = (&self.held[a], &self.held[b]);
            a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
        })?;
        let (worth, _, plain) = self.held.remove(at);
        self.floor = worth;
        Some(plain.id)
    }

    fn insert(&mut self, id: u32, hash: u64, bytes: u64) {
        self.requests += 1;
        let worth = self.floor + 1e6 / bytes as f64;
        let plain = Plain {
            id,
            hash,
            bytes,
            hits: 1,
        };
        self.held.push((worth, self.requests, plain));
    }

    fn remove(&mut self, id: u32) -> bool {
        let before = self.held.len();
        self.held.retain(|(_, _, plain)| plain.id != id);
        before != self.held.len()
    }

    fn touch(&mut self, id: u32) {
        for (worth, last, plain) in &mut self.held {
            if plain.id == id {
                self.requests += 1;
                plain.hits += 1;
                *last = self.requests;
                *worth = self.floor + f64::from(plain.hits) * 1e6 / plain.bytes as f64;
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Remove(u64),
    Request(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => (0..40_u64).prop_map(Step::Remove),
        20 => (0..40_u64).prop_map(Step::Request),
        5 => Just(Step::Request(7)),
    ];
    prop::collection::vec(step, 1..400)
}

/// A size that a key always has; the largest is not admitted to a small queue.
fn size_of_key(key: u64) -> u64 {
    (key * 37) % 110 + 1
}

/// What happened, so that two orders can be compared step by step.
fn play(order: &mut impl Order, capacity: u64, steps: &[Step]) -> Vec<Vec<u32>> {
    let (mut ids, mut keys, mut free) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let mut log = Vec::new();
    for step in steps {
        let mut went = Vec::new();
        match *step {
            Step::Remove(key) => {
                if let Some(id) = ids.remove(&key) {
                    assert!(order.remove(id));
                    assert!(!order.remove(id));
                    keys.remove(&id);
                    free.push(id);
                }
            }
            Step::Request(key) => {
                if let Some(&id) = ids.get(&key) {
                    order.touch(id);
                } else if order.admits(size_of_key(key)) {
                    while order.bytes() + size_of_key(key) > capacity {
                        let id = order.evict().unwrap();
                        went.push(id);
                        ids.remove(&keys.remove(&id).unwrap());
                        free.push(id);
                    }
                    let id = free
                        .pop()
                        .unwrap_or_else(|| u32::try_from(ids.len()).unwrap());
                    order.insert(id, key, size_of_key(key));
                    ids.insert(key, id);
                    keys.insert(id, key);
                }
            }
        }
        let held: u64 = ids.keys().map(|&key| size_of_key(key)).sum();
        assert_eq!(order.bytes(), held);
        log.push(went);
    }
    log
}

proptest! {
    /// EV-1: the order of S3-FIFO is that of its description, with objects that leave in between.
    #[test]
    fn ev_1_s3_fifo_is_what_its_description_says(steps in steps(), capacity in 300..1_200_u64) {
        let ours = play(&mut S3Fifo::new(capacity), capacity, &steps);
        prop_assert_eq!(ours, play(&mut PlainS3Fifo::new(capacity), capacity, &steps));
    }

    /// EV-1: the order of GDSF is that of its description, ties included.
    #[test]
    fn ev_1_gdsf_is_what_its_description_says(steps in steps(), capacity in 300..1_200_u64) {
        let ours = play(&mut Gdsf::new(capacity), capacity, &steps);
        prop_assert_eq!(ours, play(&mut PlainGdsf::new(capacity), capacity, &steps));
    }

    /// BUD-1: what an insertion allocates at most was said before, and nothing else allocates.
    #[test]
    fn bud_1_growth_is_said_before(ids in prop::collection::vec((0..3_000_u32, any::<u64>()), 1..200)) {
        let (mut s3, mut gdsf) = (S3Fifo::with_ghosts(1_000, 100), Gdsf::new(1_000));
        for (id, hash) in ids {
            let most = s3.allocated() + s3.growth(id);
            s3.insert(id, hash, 9);
            prop_assert!(s3.allocated() <= most);
            let most = gdsf.allocated() + gdsf.growth(id);
            gdsf.insert(id, hash, 9);
            prop_assert!(gdsf.allocated() <= most);
            let before = (s3.allocated(), gdsf.allocated());
            while s3.bytes() > 500 {
                s3.evict().unwrap();
            }
            while gdsf.bytes() > 500 {
                gdsf.evict().unwrap();
            }
            prop_assert_eq!((s3.allocated(), gdsf.allocated()), before);
        }
    }
}

#[test]
fn ev_1_a_scan_does_not_drive_out_what_is_wanted() {
    let mut order = S3Fifo::new(1_000);
    let mut held = Vec::new();
    // Ten objects fill it; each is hit twice, and a thousand pass through that nobody asks for again.
    for id in 0..10 {
        order.insert(id, u64::from(id), 90);
        order.touch(id);
        order.touch(id);
        held.push(id);
    }
    for pass in 0..1_000_u32 {
        while order.bytes() + 90 > 1_000 {
            let id = order.evict().unwrap();
            held.retain(|&other| other != id);
        }
        order.insert(10 + pass, 1_000 + u64::from(pass), 90);
    }
    assert!(held.len() >= 9, "{held:?}");
}

#[test]
fn ev_1_who_comes_back_after_eviction_is_kept() {
    let mut order = S3Fifo::new(1_000);
    order.insert(0, 7, 100);
    assert_eq!(order.evict(), Some(0));
    order.insert(0, 7, 100);
    order.insert(1, 8, 100);
    // Number 0 is in the main queue, so the trial of number 1 is over first.
    assert_eq!((order.evict(), order.evict()), (Some(1), Some(0)));
    assert_eq!((order.evict(), order.bytes()), (None, 0));
    assert!(order.is_empty());
}

#[test]
fn ev_1_no_more_names_are_remembered_than_allowed() {
    let mut order = S3Fifo::with_ghosts(1 << 40, 64);
    for id in 0..10_000 {
        order.insert(id % 8, u64::from(id), 10);
        order.evict();
    }
    assert!(
        order.allocated() < 64 * 40 + 16 * 40,
        "{}",
        order.allocated()
    );
    let mut forgetful = S3Fifo::with_ghosts(1_000, 0);
    forgetful.insert(0, 1, 10);
    assert_eq!(forgetful.evict(), Some(0));
}

#[test]
fn ev_1_gdsf_prefers_small_objects_but_none_for_ever() {
    let mut order = Gdsf::new(1_000);
    order.insert(0, 0, 500);
    order.insert(1, 1, 10);
    assert_eq!(order.evict(), Some(0));
    // Number 1 is worth 100,000 for ever; each that goes lifts the floor by 10,000.
    for turn in 0..20 {
        order.insert(2, 2, 100);
        if order.evict() == Some(1) {
            assert!(turn > 5);
            return;
        }
    }
    panic!("number 1 stays for ever");
}

#[test]
fn ev_1_gdsf_tells_hits_apart_after_a_long_life() {
    let mut order = Gdsf::new(u64::MAX);
    for id in 0..200_000_u32 {
        order.insert(id % 2, 0, 1);
        order.touch(id % 2);
        assert_eq!(order.evict(), Some(id % 2));
    }
    order.insert(0, 0, 64 << 20);
    order.insert(1, 0, 64 << 20);
    order.touch(0);
    assert_eq!((order.evict(), order.evict()), (Some(1), Some(0)));
}

#[test]
fn a_capacity_can_change() {
    let mut order = S3Fifo::new(1_000);
    order.set_capacity(2_000);
    assert!(order.admits(200) && !order.admits(201));
    let mut order = Gdsf::new(1_000);
    order.set_capacity(2_000);
    assert!((order.capacity(), order.admits(2_000), order.admits(2_001)) == (2_000, true, false));
}

/// Requests for objects of a few popularities and sizes: `(key, bytes)`.
fn made_trace() -> Vec<(u64, u64)> {
    const OBJECTS: u64 = 20_000;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..200_000)
        .map(|_| {
            // The product of two draws leans to the small numbers, as popularity does.
            let key = (draw() % OBJECTS) * (draw() % OBJECTS) / OBJECTS;
            let spread = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            (key, 500 + spread % 1_000 * (spread % 97))
        })
        .collect()
}

/// Misses among requests and among bytes.
fn misses(order: &mut impl Order, capacity: u64, trace: &[(u64, u64)]) -> (f64, f64) {
    let (mut ids, mut keys, mut free) = (BTreeMap::new(), Vec::new(), Vec::new());
    let (mut missed, mut missed_bytes) = (0_u32, 0.0);
    for &(key, bytes) in trace {
        if let Some(&id) = ids.get(&key) {
            order.touch(id);
            continue;
        }
        missed += 1;
        missed_bytes += f64::from(u32::try_from(bytes).unwrap());
        if !order.admits(bytes) {
            continue;
        }
        while order.bytes() + bytes > capacity {
            let id = order.evict().unwrap();
            ids.remove(&keys[id as usize]);
            free.push(id);
        }
        let id = free.pop().unwrap_or_else(|| {
            keys.push(0);
            u32::try_from(keys.len() - 1).unwrap()
        });
        keys[id as usize] = key;
        ids.insert(key, id);
        order.insert(id, key, bytes);
    }
    let requests = f64::from(u32::try_from(trace.len()).unwrap());
    let total: u64 = trace.iter().map(|(_, bytes)| bytes).sum();
    let total = f64::from(u32::try_from(total >> 10).unwrap()) * 1024.0;
    (f64::from(missed) / requests, missed_bytes / total)
}

const ORACLE: &str = "
import sys, libcachesim as lcs
def reader():
    init = lcs.ReaderInitParam(ignore_obj_size=False, has_header=True, has_header_set=True, delimiter=',')
    init.time_field, init.obj_id_field, init.obj_size_field = 1, 2, 3
    return lcs.TraceReader(sys.argv[1], trace_type=lcs.TraceType.CSV_TRACE, reader_init_params=init)
for size in map(int, sys.argv[2:]):
    for policy in (lcs.S3FIFO, lcs.GDSF):
        print(*policy(cache_size=size).process_trace(reader()))
";

/// EV-1: both orders miss as much as the published simulator says, within a thousandth.
#[test]
#[ignore = "needs libcachesim"]
fn ev_1_both_orders_miss_what_libcachesim_misses() {
    let trace = made_trace();
    let mut csv = String::from("time,id,size\n");
    for (time, (key, bytes)) in trace.iter().enumerate() {
        writeln!(csv, "{time},{key},{bytes}").unwrap();
    }
    let path = std::env::temp_dir().join(format!("backline-trace-{}.csv", std::process::id()));
    std::fs::write(&path, csv).unwrap();
    let sizes: BTreeMap<u64, u64> = trace.iter().copied().collect();
    let all: u64 = sizes.values().sum();
    let capacities = [all / 100, all / 50, all / 5, all / 10 * 3];
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/venv/bin/python");
    let output = Command::new(python)
        .args(["-c", ORACLE])
        .arg(&path)
        .args(capacities.map(|capacity| capacity.to_string()))
        .output()
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let mut said = said.lines();
    let mut check = |name: &str, capacity: u64, ours: (f64, f64)| {
        let line = said.next().unwrap();
        let theirs: Vec<f64> = line
            .split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect();
        println!("{name} {capacity}: {ours:?}, libcachesim {line}");
        assert!((ours.0 - theirs[0]).abs() < 0.001, "{name} {capacity}");
        assert!((ours.1 - theirs[1]).abs() < 0.001, "{name} {capacity}");
    };
    for capacity in capacities {
        let ours = misses(&mut S3Fifo::new(capacity), capacity, &trace);
        check("S3-FIFO", capacity, ours);
        let ours = misses(&mut Gdsf::new(capacity), capacity, &trace);
        check("GDSF", capacity, ours);
    }
}
