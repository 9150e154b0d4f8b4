//! Our sessions over sockets of this machine, before programs that we did not write.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "foreign programs speak through sockets, and in real time"
)]

use backline_rtmp::client::{self, Client};
use backline_rtmp::flv::{Media, Packet};
use backline_rtmp::server::{self, Ending, Server};
use backline_rtmp::{Error, Transmit};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any play takes.
const PATIENCE: Duration = Duration::from_secs(40);

/// What both kinds of session have.
trait Session {
    fn input(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, Error>;
    fn timeout(&mut self, now: Instant);
    fn transmit(&mut self) -> Option<Transmit>;
}

impl Session for Server {
    fn input(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, Error> {
        self.handle_input(now, bytes)
    }

    fn timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.poll_transmit()
    }
}

impl Session for Client {
    fn input(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, Error> {
        self.handle_input(now, bytes)
    }

    fn timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.poll_transmit()
    }
}

/// A socket, and what the session has not taken yet of what was read.
pub(crate) struct Line {
    stream: TcpStream,
    left: Vec<u8>,
    begun: Instant,
}

impl Line {
    fn new(stream: TcpStream) -> Self {
        stream
            .set_read_timeout(Some(Duration::from_millis(2)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            left: Vec::new(),
            begun: Instant::now(),
        }
    }

    /// Moves what can be moved now; false when the peer has gone.
    fn pump(&mut self, session: &mut impl Session) -> bool {
        assert!(self.begun.elapsed() < PATIENCE, "it takes too long");
        session.timeout(Instant::now());
        let mut out = Vec::new();
        while let Some(transmit) = session.transmit() {
            out.extend_from_slice(transmit.head());
            out.extend_from_slice(transmit.payload());
        }
        // A player that has seen enough leaves without a word.
        if self.stream.write_all(&out).is_err() {
            return false;
        }
        if self.left.is_empty() {
            let mut buffer = [0; 16 << 10];
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => self.left.extend_from_slice(&buffer[..count]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return false,
            }
        }
        let taken = session.input(Instant::now(), &self.left).unwrap();
        self.left.drain(..taken);
        true
    }
}

/// A server of ours with one stream: its publisher waits until all players are there, and these until it begins.
pub(crate) struct Hub {
    pub(crate) port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    players_wanted: usize,
    players: Vec<Sender<Packet>>,
    published: Vec<Packet>,
    ended: bool,
}

impl Hub {
    pub(crate) fn open(players_wanted: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Shared {
            players_wanted,
            ..Shared::default()
        }));
        let ours = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&ours);
                thread::spawn(move || serve(Line::new(stream.unwrap()), &shared));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("rtmp://127.0.0.1:{}/live/key", self.port)
    }

    /// What was published, once it is over.
    pub(crate) fn published(&self) -> Vec<Packet> {
        let begun = Instant::now();
        while !self.shared.lock().unwrap().ended {
            assert!(begun.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(5));
        }
        self.shared.lock().unwrap().published.clone()
    }
}

fn serve(mut line: Line, shared: &Mutex<Shared>) {
    let mut server = Server::new(server::Config::default(), Instant::now());
    let mut asked = None;
    let mut source: Option<Receiver<Packet>> = None;
    let mut publishes = false;
    loop {
        let here = line.pump(&mut server);
        while let Some(output) = server.poll_output() {
            let mut shared = shared.lock().unwrap();
            match output {
                server::Output::Publish(request) => {
                    asked = Some(request.id);
                    publishes = true;
                }
                server::Output::Play(request) => {
                    let (player, packets) = channel();
                    shared.players.push(player);
                    asked = Some(request.id);
                    source = Some(packets);
                }
                server::Output::Media(packet) => {
                    shared
                        .players
                        .retain(|player| player.send(packet.clone()).is_ok());
                    shared.published.push(packet);
                }
                server::Output::Unpublished => {
                    shared.players.clear();
                    shared.ended = true;
                }
                server::Output::Stopped => source = None,
                server::Output::Malformed { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
        if !here {
            break;
        }
        let shared = shared.lock().unwrap();
        let ready = if publishes {
            shared.players.len() >= shared.players_wanted
        } else {
            !shared.published.is_empty()
        };
        drop(shared);
        if let Some(id) = asked.take_if(|_| ready) {
            server.accept(Instant::now(), id).unwrap();
        }
        while let Some(packets) = source.as_ref().filter(|_| server.is_ready()) {
            match packets.try_recv() {
                Ok(packet) => assert!(server.send(Instant::now(), &packet).unwrap()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    server.end(Instant::now(), Ending::Unpublished).unwrap();
                    source = None;
                }
            }
        }
    }
    if publishes {
        let mut shared = shared.lock().unwrap();
        shared.players.clear();
        shared.ended = true;
    }
}

/// A client of ours at a foreign server. It publishes what it is given, or plays until it has so much sound and so many
/// pictures, since some servers let a player wait for the next publisher; returns what it got.
pub(crate) fn dial(config: client::Config, packets: &[Packet], wanted: usize) -> Vec<Packet> {
    let address = &config.address;
    let place = (address.host.as_str(), address.port);
    let begun = Instant::now();
    let stream = loop {
        match TcpStream::connect(place) {
            Ok(stream) => break stream,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        thread::sleep(Duration::from_millis(20));
    };
    let mut line = Line::new(stream);
    let mut client = Client::new(config, Instant::now());
    let mut got = Vec::new();
    let mut next = packets.iter();
    let mut waiting = next.next();
    let mut began = None;
    loop {
        let here = line.pump(&mut client);
        while let Some(output) = client.poll_output() {
            match output {
                client::Output::Ready => began = Some(Instant::now()),
                client::Output::Media(packet) => got.push(packet),
                client::Output::Refused(status) => panic!("{status:?}"),
                client::Output::Failed(error) => panic!("{error}"),
                client::Output::Close => {
                    line.pump(&mut client);
                    return got;
                }
                _ => {}
            }
        }
        if !here {
            return got;
        }
        // As fast as it was recorded.
        let now_ms = began.map_or(0, |began| began.elapsed().as_millis() as u64);
        while let Some(packet) =
            waiting.filter(|packet| client.is_ready() && packet.timestamp_ms <= now_ms)
        {
            client.send(Instant::now(), packet).unwrap();
            waiting = next.next();
        }
        let published = waiting.is_none() && !packets.is_empty() && client.waiting_bytes() == 0;
        if published || (packets.is_empty() && bodies(&got).len() >= wanted) {
            client.close(Instant::now());
        }
    }
}

/// Sound and pictures as they go over the wire; data is not compared, since servers write their own.
pub(crate) fn bodies(packets: &[Packet]) -> Vec<(u64, Vec<u8>)> {
    kinds(packets).concat()
}

/// Sound for itself and pictures for themselves: servers move them against each other.
pub(crate) fn kinds(packets: &[Packet]) -> [Vec<(u64, Vec<u8>)>; 2] {
    let mut kinds = [Vec::new(), Vec::new()];
    for packet in packets {
        match &packet.media {
            Media::Audio(audio) => kinds[0].push((packet.timestamp_ms, audio.encode().to_vec())),
            Media::Video(video) => kinds[1].push((packet.timestamp_ms, video.encode().to_vec())),
            _ => {}
        }
    }
    kinds
}
