//! A publisher in real time: 30 pictures a second of 4 Mb/s with a key frame every two seconds, and AAC.

use crate::wire::publish::Publisher;
use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const FRAMES_A_SECOND: u32 = 30;
const GROUP: u32 = 60;
/// Pictures whose times are remembered: three seconds.
const REMEMBERED: usize = 90;

/// When the last pictures were handed to the system, the oldest first.
type Sent = Arc<Mutex<VecDeque<Instant>>>;

/// A publisher that stops with this value.
#[derive(Debug)]
pub struct Camera {
    /// When the last byte of its first key frame was handed to the system.
    pub first_key: Instant,
    sent: Sent,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Camera {
    /// Connects, publishes under `key` and returns once the first key frame is sent.
    #[must_use]
    pub fn start(rtmp: SocketAddr, key: &str) -> Self {
        let mut socket = TcpStream::connect(rtmp).expect("the node accepts publishers");
        socket.set_nodelay(true).expect("a socket option");
        let mut publisher = Publisher::new(3);
        socket
            .write_all(&publisher.greeting())
            .expect("a greeting can be sent");
        let mut answer = [0; 1 + 1536 + 1536];
        socket
            .read_exact(&mut answer)
            .expect("the node answers the handshake");
        for command in publisher.commands(&answer[1..1537], 4096, key) {
            socket.write_all(&command).expect("a command can be sent");
        }
        socket
            .write_all(&publisher.configuration(0))
            .expect("media can be sent");
        socket
            .write_all(&publisher.video(0, true, 30_000))
            .expect("media can be sent");
        let first_key = Instant::now();
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Sent::default();
        let (stopped, log) = (Arc::clone(&stop), Arc::clone(&sent));
        let thread = std::thread::spawn(move || {
            stream(&mut socket, &mut publisher, first_key, &stopped, &log);
        });
        Self {
            first_key,
            sent,
            stop,
            thread: Some(thread),
        }
    }

    /// When the newest picture of before `moment` was sent: the one that completed what came at `moment`.
    #[must_use]
    pub fn sent_before(&self, moment: Instant) -> Option<Instant> {
        let sent = self.sent.lock().expect("no thread fails with the log");
        sent.iter().rev().find(|at| **at <= moment).copied()
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn stream(
    socket: &mut TcpStream,
    publisher: &mut Publisher,
    began: Instant,
    stop: &AtomicBool,
    sent: &Sent,
) {
    // AAC frames of 1024 samples at 48 kHz.
    let audio_ms = |index: u32| index * 1024 / 48;
    let mut audio = 0;
    for picture in 1_u32.. {
        let timestamp = picture * 1000 / FRAMES_A_SECOND;
        let due = began + Duration::from_millis(u64::from(timestamp));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut bytes = Vec::new();
        while audio_ms(audio) <= timestamp {
            bytes.extend(publisher.audio(audio_ms(audio), 340));
            audio += 1;
        }
        let key = picture % GROUP == 0;
        bytes.extend(publisher.video(timestamp, key, if key { 30_000 } else { 16_000 }));
        let now = Instant::now();
        if socket.write_all(&bytes).is_err() {
            break;
        }
        let mut sent = sent.lock().expect("no thread fails with the log");
        sent.push_back(now);
        if sent.len() > REMEMBERED {
            sent.pop_front();
        }
    }
    // As a camera that loses its power: no command says that it ends.
    socket.shutdown(Shutdown::Both).ok();
}
