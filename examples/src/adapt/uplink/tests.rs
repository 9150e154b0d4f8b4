use super::*;
use backline_rtmp::client::Address;
use backline_rtmp::flv::{Video, VideoCodec, VideoData, VideoFrame};
use backline_rtmp::server::{self, Server};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

fn picture(at_ms: u64, frame: VideoFrame) -> Packet {
    let data = VideoData::Frame {
        composition_ms: 0,
        data: vec![0x65; 100].into(),
    };
    let video = Video::new(VideoCodec::Avc, frame, data);
    Packet::new(at_ms, Media::Video(video))
}

fn configuration() -> Packet {
    let data = VideoData::Config(vec![1, 66, 0, 10, 255, 225].into());
    let video = Video::new(VideoCodec::Avc, VideoFrame::Key, data);
    Packet::new(0, Media::Video(video))
}

/// A server of one publication: what it gets comes out, and what it is to say goes in.
struct Target {
    url: String,
    got: mpsc::UnboundedReceiver<server::Output>,
    ask: mpsc::UnboundedSender<String>,
}

async fn target() -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("rtmp://{}/app", listener.local_addr().expect("bound"));
    let (give, got) = mpsc::unbounded_channel();
    let (ask, mut asked) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let config = server::Config::default();
        let mut pump = Pump::new(stream, Server::new(config, Instant::now()));
        loop {
            let output = tokio::select! {
                output = pump.next() => output,
                Some(url) = asked.recv() => {
                    let session = pump.session();
                    session.reconnect(Instant::now(), Some(&url), "").expect("the client can");
                    continue;
                }
            };
            let Ok(output) = output else { return };
            if let server::Output::Publish(request) = &output {
                let id = request.id;
                pump.session().accept(Instant::now(), id).expect("it waits");
            }
            drop(give.send(output));
        }
    });
    Target { url, got, ask }
}

impl Target {
    /// The times of the next packets, with what they are to a relay, up to the end of the publication or a silence.
    async fn packets(&mut self) -> Vec<(u64, Hint)> {
        let mut packets = Vec::new();
        while let Ok(Some(output)) = timeout(SECOND / 2, self.got.recv()).await {
            match output {
                server::Output::Media(packet) => {
                    packets.push((packet.timestamp_ms, packet.hint()));
                }
                server::Output::Unpublished => break,
                _ => {}
            }
        }
        packets
    }
}

fn uplink(program: &Arc<Program>, url: &str) -> Uplink {
    let address = Address::parse(&format!("{url}/key")).expect("an address");
    Uplink::new(Arc::clone(program), Config::publish(address), None)
}

#[tokio::test]
async fn a_server_that_asks_for_it_is_left_at_a_key_frame() {
    let (mut old, mut new) = (target().await, target().await);
    let program = Arc::new(Program::new(2 * SECOND));
    let (end, ending) = watch::channel(false);
    let uplink = uplink(&program, &old.url);
    let running = tokio::spawn(async move { uplink.run(ending).await });
    let number = program.begin(vec!["*".to_owned()]);
    for packet in [
        configuration(),
        picture(0, VideoFrame::Key),
        picture(33, VideoFrame::Inter),
    ] {
        program.push(number, packet);
    }
    let expected = [(0, Hint::Critical), (0, Hint::Resync), (33, Hint::Ordinary)];
    assert_eq!(old.packets().await, expected);
    old.ask.send(new.url.clone()).expect("it is there");
    // The new connection stands, and the old one goes on up to the next key frame.
    assert_eq!(new.packets().await, []);
    program.push(number, picture(66, VideoFrame::Inter));
    assert_eq!(old.packets().await, [(66, Hint::Ordinary)]);
    program.push(number, picture(99, VideoFrame::Key));
    program.push(number, picture(133, VideoFrame::Inter));
    let expected = [
        (99, Hint::Critical),
        (99, Hint::Resync),
        (133, Hint::Ordinary),
    ];
    assert_eq!(new.packets().await, expected);
    assert_eq!(old.packets().await, []);
    end.send_replace(true);
    running.await.expect("it ends in order");
}

#[tokio::test]
async fn a_newer_publication_begins_a_stream_of_its_own() {
    let mut first = target().await;
    let program = Arc::new(Program::new(2 * SECOND));
    let (_end, ending) = watch::channel(false);
    let uplink = uplink(&program, &first.url);
    tokio::spawn(async move { uplink.run(ending).await });
    let number = program.begin(Vec::new());
    program.push(number, picture(0, VideoFrame::Key));
    assert_eq!(first.packets().await, [(0, Hint::Resync)]);
    assert!(program.begin(Vec::new()) > number);
    // What the one who was there before still sends goes nowhere.
    program.push(number, picture(33, VideoFrame::Inter));
    assert_eq!(first.packets().await, []);
    assert_eq!(program.status().given_bytes, 100);
}
