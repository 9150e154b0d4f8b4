//! The client's session, against a server that is written by hand.

use crate::support::{hex, object, text};
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::{Demuxer, Message, Muxer};
use backline_rtmp::client::{Address, Client, Config, Output, Status};
use backline_rtmp::command::Command;
use backline_rtmp::shared_object::{Event, SharedObject};
use backline_rtmp::{Error, Limits};
use std::time::{Duration, Instant};

/// A client with a hand-written server before it, on virtual time.
pub(crate) struct Station {
    pub(crate) client: Client,
    pub(crate) now: Instant,
    pub(crate) muxer: Muxer,
    demuxer: Demuxer,
    /// Bytes of C0, C1 and C2 that are still to come.
    handshake_left: usize,
    pub(crate) heard: Vec<Message>,
    pub(crate) told: Vec<Output>,
}

impl Station {
    pub(crate) fn new(config: Config) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs some instant to count from"
        )]
        let now = Instant::now();
        let mut this = Self {
            client: Client::new(config, now),
            now,
            muxer: Muxer::new(),
            demuxer: Demuxer::new(Limits::default()),
            handshake_left: 1 + 2 * 1536,
            heard: Vec::new(),
            told: Vec::new(),
        };
        this.input(&[&[3][..], &[0; 2 * 1536]].concat());
        this
    }

    pub(crate) fn input(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.client.handle_input(self.now, bytes).unwrap();
            bytes = &bytes[taken..];
            self.drain();
        }
    }

    pub(crate) fn drain(&mut self) {
        while let Some(transmit) = self.client.poll_transmit() {
            let bytes = [transmit.head(), transmit.payload()].concat();
            let skipped = bytes.len().min(self.handshake_left);
            self.handshake_left -= skipped;
            let mut rest = &bytes[skipped..];
            while let Some(message) = self.demuxer.next_message(&mut rest).unwrap() {
                self.heard.push(message);
            }
        }
        self.told
            .extend(std::iter::from_fn(|| self.client.poll_output()));
    }

    pub(crate) fn say(&mut self, stream: u32, name: &str, transaction: f64, values: &[Value]) {
        let front = [text(name), Value::Number(transaction)];
        let body = amf0::encode(front.iter().chain(values));
        let message = Message::new(3, stream, Message::COMMAND, 0, body);
        let bytes: Vec<u8> = self
            .muxer
            .write(&message)
            .flat_map(|transmit| [transmit.head(), transmit.payload()].concat())
            .collect();
        self.input(&bytes);
    }

    pub(crate) fn status(
        &mut self,
        transaction: f64,
        level: &str,
        code: &str,
        more: &[(&str, Value)],
    ) {
        let mut properties = vec![("level", text(level)), ("code", text(code))];
        properties.extend(more.iter().cloned());
        self.say(
            1,
            "onStatus",
            transaction,
            &[Value::Null, object(&properties)],
        );
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now);
        self.drain();
    }

    /// The names of the commands that were heard, and their first arguments.
    pub(crate) fn commands(&self) -> Vec<Command> {
        self.heard
            .iter()
            .filter(|message| message.kind == Message::COMMAND)
            .map(|message| Command::decode(message, &Limits::default()).unwrap())
            .collect()
    }

    fn names(&self) -> Vec<String> {
        self.commands()
            .into_iter()
            .map(|command| command.name)
            .collect()
    }

    /// Says yes to everything up to the last command.
    pub(crate) fn until_started(config: Config) -> Self {
        let mut this = Self::new(config);
        this.say(0, "_result", 1.0, &[Value::Null, object(&[])]);
        this.say(0, "_result", 4.0, &[Value::Null, Value::Number(1.0)]);
        this
    }
}

fn publish(url: &str) -> Config {
    Config::publish(Address::parse(url).unwrap())
}

const URL: &str = "rtmp://a.example/live/key?token=1";

#[test]
fn q52_publish_live_and_q53_fms3_order_of_commands() {
    let station = Station::until_started(publish(URL));
    assert_eq!(
        station.names(),
        [
            "connect",
            "releaseStream",
            "FCPublish",
            "createStream",
            "publish"
        ]
    );
    let commands = station.commands();
    // The command object of all but `connect` is null, in AMF0.
    assert!(
        commands[1..]
            .iter()
            .all(|command| command.values[0] == Value::Null)
    );
    let publish = commands.last().unwrap();
    assert_eq!(publish.values[1..], [text("key?token=1"), text("live")]);
    assert_eq!(publish.message_stream, 1);
    // Commands about the connection go on chunk stream 3.
    assert!(
        station
            .heard
            .iter()
            .filter(|message| message.kind == 20)
            .take(4)
            .all(|message| message.chunk_stream == 3)
    );
}

#[test]
fn q57_fourcc_list_only_if_used_and_codecs_always() {
    let object_of = |config| {
        let station = Station::new(config);
        station.commands()[0].values[0].clone()
    };
    let plain = object_of(publish(URL));
    assert_eq!(plain.get("app"), Some(&text("live")));
    assert_eq!(plain.get("tcUrl"), Some(&text("rtmp://a.example/live")));
    assert_eq!(plain.get("fourCcList"), None);
    assert_eq!(plain.get("capsEx"), None);
    // RTMP errata, 7.1.4: some servers send only what is named.
    assert_eq!(plain.get("videoCodecs"), Some(&Value::Number(252.0)));
    assert_eq!(plain.get("audioCodecs"), Some(&Value::Number(3575.0)));
    let mut config = publish(URL);
    config.fourccs = vec!["av01".to_owned()];
    let enhanced = object_of(config);
    assert_eq!(
        enhanced.get("fourCcList"),
        Some(&Value::StrictArray(vec![text("av01")]))
    );
    assert_eq!(enhanced.get("capsEx"), Some(&Value::Number(15.0)));
}

#[test]
fn q56_reply_tid() {
    // The status of a publication comes with transaction 0 or with that of `publish`; `onBWDone` may come before it.
    for transaction in [0.0, 5.0] {
        let mut station = Station::new(publish(URL));
        station.say(0, "onBWDone", 0.0, &[Value::Null]);
        station.say(0, "_result", 1.0, &[Value::Null, object(&[])]);
        station.say(0, "_error", 2.0, &[Value::Null, Value::Null]);
        station.say(0, "_result", 4.0, &[Value::Null, Value::Number(1.0)]);
        station.status(transaction, "status", "NetStream.Publish.Start", &[]);
        assert_eq!(station.told, [Output::Ready]);
    }
}

#[test]
fn q56_a_status_without_a_command_object() {
    // librtmp's server leaves the null out that stands before the information.
    let mut station = Station::until_started(publish(URL));
    let begun = object(&[("code", text("NetStream.Publish.Start"))]);
    station.say(1, "onStatus", 0.0, &[begun]);
    assert_eq!(station.told, [Output::Ready]);
}

#[test]
fn q22_a_stream_number_is_the_server_s_to_choose() {
    let mut station = Station::new(publish(URL));
    station.say(0, "_result", 1.0, &[Value::Null, object(&[])]);
    station.say(0, "_result", 4.0, &[Value::Null, Value::Number(7.0)]);
    assert_eq!(station.commands().last().unwrap().message_stream, 7);
}

#[test]
fn q55_facebook_stays_silent() {
    let mut config = publish(URL);
    config.assume_published = Some(Duration::from_secs(2));
    let mut station = Station::until_started(config);
    station.pass(Duration::from_secs(1));
    assert_eq!(station.told, []);
    station.pass(Duration::from_secs(1));
    assert!(matches!(
        station.told[..],
        [Output::Warning(_), Output::Ready]
    ));
    // Without that leave a silent server is given up.
    let mut station = Station::until_started(publish(URL));
    station.pass(Duration::from_secs(10));
    let error = Error::AnswerTimeout {
        command: "publish",
        after_ms: 10_000,
    };
    assert_eq!(station.told, [Output::Failed(error), Output::Close]);
}

#[test]
fn rtmp_24_a_redirection_is_followed_and_not_for_ever() {
    let redirect = |url: &str| {
        object(&[
            ("level", text("error")),
            ("code", text("NetConnection.Connect.Rejected")),
            (
                "ex",
                object(&[("code", Value::Number(302.0)), ("redirect", text(url))]),
            ),
        ])
    };
    let mut config = publish(URL);
    for _ in 0..4 {
        let mut station = Station::new(config);
        station.say(
            0,
            "_error",
            1.0,
            &[Value::Null, redirect("rtmp://b.example:1936/other")],
        );
        let [Output::Redial(redial), Output::Close] = &station.told[..] else {
            panic!("{:?}", station.told)
        };
        assert_eq!(
            redial.config.address.tc_url(),
            "rtmp://b.example:1936/other"
        );
        assert_eq!(redial.config.address.name, "key?token=1");
        config = redial.config.clone();
    }
    let mut station = Station::new(config);
    station.say(
        0,
        "_error",
        1.0,
        &[Value::Null, redirect("rtmp://c.example/live")],
    );
    assert!(matches!(
        station.told[..],
        [Output::Refused(_), Output::Close]
    ));
}

#[cfg(feature = "auth")]
#[test]
fn q58_adobe_auth() {
    let rejected = |description: &str| {
        object(&[
            ("level", text("error")),
            ("code", text("NetConnection.Connect.Rejected")),
            ("description", text(description)),
        ])
    };
    let refuse = |config: &Config, description: &str| {
        let mut station = Station::new(config.clone());
        station.say(0, "_error", 1.0, &[Value::Null, rejected(description)]);
        station.told
    };
    let next = |config: &Config, description: &str| match &refuse(config, description)[..] {
        [Output::Redial(redial), Output::Close] => redial.config.clone(),
        told => panic!("{told:?}"),
    };
    let app = |config: &Config| {
        let station = Station::new(config.clone());
        let app = station.commands()[0].values[0].get("app").cloned().unwrap();
        app.as_str().unwrap().to_owned()
    };
    let first = publish("rtmp://me:secret@a.example/live/key");
    assert_eq!(app(&first), "live");
    let second = next(
        &first,
        "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ",
    );
    assert_eq!(app(&second), "live?authmod=adobe&user=me");
    let third = next(
        &second,
        "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=me&salt=abc&challenge=xyz&opaque=xyz",
    );
    // With seed 0 our challenge is 00000000:
    // b64(md5(b64(md5("me" + "abc" + "secret")) + "xyz" + "00000000")), worked out with openssl.
    assert_eq!(
        app(&third),
        format!("live?authmod=adobe&user=me&challenge=00000000&response={ANSWER}&opaque=xyz")
    );
    // A wrong password is no reason to try for ever.
    let told = refuse(
        &third,
        "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=xyz",
    );
    assert!(matches!(told[..], [Output::Refused(_), Output::Close]));
    // Neither password nor key show.
    let shown = format!("{third:?}");
    assert!(
        !shown.contains("secret") && !shown.contains("key") && !shown.contains(ANSWER),
        "{shown}"
    );
}

#[cfg(feature = "auth")]
const ANSWER: &str = "8k3I7ObMrw5lSarLpld3jw==";

#[test]
fn a_server_that_ends_the_stream_or_refuses_it() {
    let mut station = Station::until_started(publish(URL));
    station.status(
        0.0,
        "error",
        "NetStream.Publish.BadName",
        &[("description", text("taken"))],
    );
    let [
        Output::Refused(Status {
            code, description, ..
        }),
        Output::Close,
    ] = &station.told[..]
    else {
        panic!("{:?}", station.told)
    };
    assert_eq!(
        (&**code, &**description),
        ("NetStream.Publish.BadName", "taken")
    );
    let address = Address::parse(URL).unwrap();
    let mut station = Station::until_started(Config::play(address));
    station.status(0.0, "status", "NetStream.Play.Start", &[]);
    station.status(0.0, "status", "NetStream.Play.Stop", &[]);
    assert!(
        matches!(
            station.told[..],
            [Output::Ready, Output::Ended(_), Output::Close]
        ),
        "{:?}",
        station.told
    );
}

#[test]
fn a_player_says_how_long_its_buffer_is() {
    let address = Address::parse(URL).unwrap();
    let station = Station::until_started(Config::play(address));
    assert_eq!(station.names(), ["connect", "createStream", "play"]);
    let last = station.heard.last().unwrap();
    assert_eq!(
        (last.kind, &last.payload[..]),
        (4, &hex("0003 00000001 00000BB8")[..])
    );
    let play = station.commands().pop().unwrap();
    assert_eq!(
        play.values[1..],
        [text("key?token=1"), Value::Number(-2000.0)]
    );
}

#[test]
fn q44_addresses() {
    let parts = |url: &str| {
        let address = Address::parse(url).unwrap();
        (address.tc_url(), address.name)
    };
    for (url, tc_url, name) in [
        ("rtmp://h/live/key", "rtmp://h/live", "key"),
        ("RTMP://h:1935/live/key#part", "rtmp://h/live", "key"),
        (
            "rtmp://h:1936/live/key?a=1&b=2",
            "rtmp://h:1936/live",
            "key?a=1&b=2",
        ),
        (
            "rtmp://h/app?token=a/b/key",
            "rtmp://h/app?token=a/b",
            "key",
        ),
        ("rtmp://h/app/instance/key", "rtmp://h/app/instance", "key"),
        (
            "rtmp://h/app/mp4:folder/key",
            "rtmp://h/app",
            "mp4:folder/key",
        ),
        (
            "rtmps://live-api-s.facebook.com:443/rtmp/1?s_bl=1",
            "rtmps://live-api-s.facebook.com/rtmp",
            "1?s_bl=1",
        ),
        (
            "rtmp://[::1]:1936/live/key",
            "rtmp://[::1]:1936/live",
            "key",
        ),
        ("rtmp://me:word@h/live/key", "rtmp://h/live", "key"),
        ("rtmp://h", "rtmp://h/", ""),
        ("rtmp://h/", "rtmp://h/", ""),
        ("rtmp://h/live", "rtmp://h/live", ""),
    ] {
        assert_eq!(parts(url), (tc_url.to_owned(), name.to_owned()), "{url}");
    }
    for (url, at) in [
        ("http://h/live", 0),
        ("rtmp:///live", 7),
        ("rtmp://h:0/live", 9),
        ("rtmp://me@h:99999/live", 12),
        ("rtmp://[::1/live", 7),
        ("rtmp://[::1]x/live", 7),
        ("rtmp://[host]/live", 7),
        ("rtmps://x:ps]/a", 10),
        ("rtmp://a:b:1/", 7),
        ("rtmp://h/li ve", 11),
    ] {
        let Err(Error::Address { at: found, .. }) = Address::parse(url) else {
            panic!("{url}")
        };
        assert_eq!(found, at, "{url}");
    }
    let shown = format!(
        "{:?}",
        Address::parse("rtmp://me:word@h/live?t=0/secret").unwrap()
    );
    assert!(
        !shown.contains("word") && !shown.contains("secret") && !shown.contains("t=0"),
        "{shown}"
    );
}

#[test]
fn rtmp_18_a_player_gets_what_is_in_an_aggregate() {
    let config = Config::play(Address::parse(URL).unwrap());
    let mut station = Station::until_started(config);
    station.status(0.0, "status", "NetStream.Play.Start", &[]);
    station.told.clear();
    // Sound, and 20 ms later a picture.
    let items = "08 000003 000000 00 000000 AF0121 0000000E
                 09 000006 000014 00 000000 270100000022 00000011";
    let message = Message::new(6, 1, Message::AGGREGATE, 5000, hex(items).into());
    let object = SharedObject::new("chat", 1, false, vec![Event::Clear]);
    for message in [message, object.to_message()] {
        for transmit in station.muxer.write(&message) {
            station.input(&[transmit.head(), transmit.payload()].concat());
        }
    }
    let [
        Output::Media(sound),
        Output::Media(picture),
        Output::SharedObject(news),
    ] = &station.told[..]
    else {
        panic!("{:?}", station.told)
    };
    assert_eq!((sound.timestamp_ms, picture.timestamp_ms), (5000, 5020));
    assert_eq!(*news, object);
}
