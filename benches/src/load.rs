//! A thousand publishers at 600 kb/s each, in real time, on one thread.

use crate::wire::publish::Publisher;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// After so many milliseconds both picture and sound begin anew: 240 pictures in four groups, 375 frames of AAC.
const CYCLE_MS: u32 = 8000;
const PICTURES: u32 = 240;
const GROUP: u32 = 60;
const SOUNDS: u32 = 375;
/// 47 frames of sound a second are 64 kb/s.
const SOUND_SIZE: usize = 170;
/// A group of two seconds has 134 kB: 536 kb/s.
const KEY_SIZE: usize = 12_000;
const PICTURE_SIZE: usize = 2068;
/// No two messages of a publisher are further apart than this.
const WHEEL_MS: usize = 64;

/// What all publishers send, each from another moment on.
#[derive(Debug)]
struct Show {
    opening: Vec<u8>,
    /// Milliseconds since the cycle began, and bytes.
    messages: Vec<(u32, Vec<u8>)>,
}

/// Publishers that are connected.
#[derive(Debug)]
pub struct Load {
    show: Show,
    publishers: Vec<One>,
    /// Whose turn it is, by milliseconds.
    wheel: Vec<Vec<usize>>,
    sent: u64,
    blocked: u64,
    latest: Duration,
}

#[derive(Debug)]
struct One {
    socket: TcpStream,
    /// The message to be sent next.
    next: usize,
    /// When its cycle began, in milliseconds of the run.
    began_ms: u64,
    /// What the socket did not take.
    left: Vec<u8>,
}

impl Load {
    /// Connects so many publishers, which begin to publish.
    #[must_use]
    pub fn connect(address: SocketAddr, count: usize) -> Self {
        let mut publisher = Publisher::new(4);
        let show = Show::new(&mut publisher);
        let connect = |index: usize| {
            let mut socket = TcpStream::connect(address).expect("the server accepts publishers");
            socket.set_nodelay(true).expect("a socket option");
            let mut publisher = Publisher::new(5 + index as u64);
            socket
                .write_all(&publisher.greeting())
                .expect("a greeting can be sent");
            let mut answer = [0; 1 + 1536 + 1536];
            socket
                .read_exact(&mut answer)
                .expect("the server answers the handshake");
            for command in publisher.commands(&answer[1..1537], 4096, &format!("key{index}")) {
                socket.write_all(&command).expect("a command can be sent");
            }
            socket.set_nonblocking(true).expect("a socket option");
            One {
                socket,
                next: 0,
                began_ms: (index * 2000 / count) as u64,
                left: show.opening.clone(),
            }
        };
        let publishers: Vec<One> = (0..count).map(connect).collect();
        Self {
            show,
            publishers,
            wheel: vec![Vec::new(); WHEEL_MS],
            sent: 0,
            blocked: 0,
            latest: Duration::ZERO,
        }
    }

    /// Publishes until told to stop.
    pub fn run(&mut self, stop: &AtomicBool) {
        let began = Instant::now();
        let mut joined = 0;
        for now_ms in 0_u64.. {
            let due = began + Duration::from_millis(now_ms);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if stop.load(Ordering::Relaxed) {
                return;
            }
            while self
                .publishers
                .get(joined)
                .is_some_and(|one| one.began_ms <= now_ms)
            {
                self.wheel[now_ms as usize % WHEEL_MS].push(joined);
                joined += 1;
            }
            let turns = std::mem::take(&mut self.wheel[now_ms as usize % WHEEL_MS]);
            for index in turns {
                let next_ms = self.turn(index, now_ms);
                self.wheel[next_ms as usize % WHEEL_MS].push(index);
            }
            if now_ms > 2000 {
                self.latest = self.latest.max(due.elapsed());
            }
        }
    }

    /// Lets a publisher send what is due; returns when it has its next turn.
    fn turn(&mut self, index: usize, now_ms: u64) -> u64 {
        let one = &mut self.publishers[index];
        loop {
            let (at_ms, bytes) = &self.show.messages[one.next];
            let due_ms = one.began_ms + u64::from(*at_ms);
            if due_ms > now_ms {
                return due_ms;
            }
            self.blocked += u64::from(one.write(bytes));
            self.sent += 1;
            one.next += 1;
            if one.next == self.show.messages.len() {
                one.next = 0;
                one.began_ms += u64::from(CYCLE_MS);
                one.listen();
            }
        }
    }

    /// What was sent, for people.
    #[must_use]
    pub fn report(&self) -> String {
        format!(
            "{} messages, {} of them waited for the socket, at most {} ms late",
            self.sent,
            self.blocked,
            self.latest.as_millis()
        )
    }
}

impl One {
    /// Sends; returns whether the socket was full.
    fn write(&mut self, bytes: &[u8]) -> bool {
        if !self.left.is_empty() {
            self.left.extend(bytes);
            let left = std::mem::take(&mut self.left);
            return self.write(&left);
        }
        match self.socket.write(bytes) {
            Ok(count) => self.left.extend(&bytes[count..]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.left.extend(bytes),
            Err(error) => panic!("a publisher was thrown out: {error}"),
        }
        !self.left.is_empty()
    }

    /// Reads what the server says, so that it is not kept waiting.
    fn listen(&mut self) {
        let mut heard = [0; 4096];
        while self.socket.read(&mut heard).is_ok_and(|count| count > 0) {}
    }
}

impl Show {
    fn new(publisher: &mut Publisher) -> Self {
        // A chunk writer that knows the chunk size.
        drop(publisher.commands(&[0; 1536], 4096, ""));
        let opening = publisher.configuration(0);
        // The first round begins chunk streams with long headers; the second is the same as all that follow.
        drop(Self::cycle(publisher, 0));
        let messages = Self::cycle(publisher, CYCLE_MS);
        Self { opening, messages }
    }

    fn cycle(publisher: &mut Publisher, began_ms: u32) -> Vec<(u32, Vec<u8>)> {
        let pictures = (0..PICTURES).map(|index| {
            let at_ms = index * CYCLE_MS / PICTURES;
            (at_ms, true, index.is_multiple_of(GROUP))
        });
        let sounds = (0..SOUNDS).map(|index| (index * CYCLE_MS / SOUNDS, false, false));
        let mut moments: Vec<_> = pictures.chain(sounds).collect();
        moments.sort_by_key(|(at_ms, ..)| *at_ms);
        let message = |(at_ms, picture, key)| {
            let timestamp = began_ms + at_ms;
            let bytes = match (picture, key) {
                (true, true) => publisher.video(timestamp, true, KEY_SIZE),
                (true, false) => publisher.video(timestamp, false, PICTURE_SIZE),
                _ => publisher.audio(timestamp, SOUND_SIZE),
            };
            (at_ms, bytes)
        };
        moments.into_iter().map(message).collect()
    }
}
