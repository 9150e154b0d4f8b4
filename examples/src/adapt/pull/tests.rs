use std::task::{Context, Poll, Waker};
use std::time::Duration;

use backline_cache::Noise;
use backline_cache::pull::{Failure, Lifetime, PullConfig, PullLimits, Unit};
use backline_cache::rules::Class;
use http_body::Body;

use super::*;
use crate::adapt::shared::{Shared, Waiting};

struct Rig {
    desk: Shared<Pulled>,
    name: Name,
    treatment: Treatment,
}

impl Rig {
    fn new() -> Self {
        let pull = Pull::new(PullConfig::default(), Instant::now()).expect("defaults");
        let name = Name::new("/a.mp4", None, &Noise::default(), &PullLimits::default());
        Self {
            desk: Shared::new(Pulled::new(pull)).0,
            name: name.expect("a name"),
            treatment: Treatment::new(Class::Segment, false, Duration::from_secs(4)),
        }
    }

    fn ask(&self, accept: &'static str) -> (u64, Waiting<Pulled>) {
        let mut headers = HeaderMap::new();
        headers.insert("accept", accept.parse().expect("a value"));
        let headers = Arc::new(headers);
        let asked = self.desk.ask(|pulled, now, token| {
            let mut ask = Ask::new(&self.name, &self.treatment);
            ask.unit = Unit::Any;
            pulled.request(
                now,
                &ask,
                &headers,
                token,
                token,
                now + Duration::from_secs(9),
            )
        });
        asked.map(|_| ()).expect_err("nothing is there yet")
    }

    fn fetch(&self) -> Box<Fetch> {
        match self.desk.with(|pulled, _| pulled.next_work()) {
            Some(Work::Fetch(fetch)) => fetch,
            other => panic!("no fetch: {other:?}"),
        }
    }
}

async fn growing(rig: &Rig, token: u64, waiting: Waiting<Pulled>) -> Growing {
    let Some(Told::Answer(PullAnswer::Hit(copy))) = waiting.await else {
        panic!("no copy")
    };
    let reader = copy.reader().expect("it grows");
    Growing::new(rig.desk.clone(), token, reader, copy.length())
}

fn step(body: &mut Growing) -> Poll<Option<Result<Bytes, Broken>>> {
    let mut context = Context::from_waker(Waker::noop());
    let poll = std::pin::Pin::new(body).poll_frame(&mut context);
    poll.map(|frame| frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
}

#[tokio::test]
async fn rww_1_readers_get_what_comes_and_one_fetch_has_the_leaders_headers() {
    let rig = Rig::new();
    let (first, second) = (rig.ask("first"), rig.ask("second"));
    let fetch = rig.fetch();
    assert_eq!(
        fetch.asker.get("accept").expect("it is the leader's"),
        "first"
    );
    assert!(rig.desk.with(|pulled, _| pulled.next_work()).is_none());
    let lifetime = Lifetime::fresh_for(Duration::from_secs(60));
    let mut head = Head::new(200, lifetime, Bytes::new());
    head.length = Some(6);
    let fill = fetch.fill;
    rig.desk
        .with(|pulled, now| pulled.pull_mut().fill_head(now, fill, &head))
        .expect("it is under way");
    let mut bodies = Vec::new();
    for (token, waiting) in [first, second] {
        bodies.push(growing(&rig, token, waiting).await);
    }
    assert!(bodies.iter_mut().all(|body| step(body).is_pending()));
    for piece in ["abc", "def"] {
        let bytes = Bytes::from_static(piece.as_bytes());
        rig.desk
            .with(|pulled, now| pulled.pull_mut().fill_bytes(now, fill, &bytes))
            .expect("there is room");
        for body in &mut bodies {
            assert_eq!(step(body), Poll::Ready(Some(Ok(bytes.clone()))));
        }
    }
    rig.desk
        .with(|pulled, now| pulled.pull_mut().fill_end(now, fill))
        .expect("it is whole");
    assert!(
        bodies
            .iter_mut()
            .all(|body| step(body) == Poll::Ready(None))
    );
    drop(bodies);
    assert_eq!(rig.desk.with(|pulled, _| pulled.pull().stats()).waiters, 0);
}

#[tokio::test]
async fn rww_3_a_body_that_breaks_off_is_an_error_and_who_left_is_forgotten() {
    let rig = Rig::new();
    let ((token, waiting), (_, leaving)) = (rig.ask("a"), rig.ask("b"));
    let fill = rig.fetch().fill;
    let lifetime = Lifetime::fresh_for(Duration::from_secs(60));
    let head = Head::new(200, lifetime, Bytes::new());
    let bytes = Bytes::from_static(b"abc");
    rig.desk.with(|pulled, now| {
        let pull = pulled.pull_mut();
        pull.fill_head(now, fill, &head).expect("it is under way");
        pull.fill_bytes(now, fill, &bytes).expect("there is room");
    });
    // His answer was under way: the reader that came with it goes too.
    drop(leaving);
    let mut body = growing(&rig, token, waiting).await;
    assert_eq!(step(&mut body), Poll::Ready(Some(Ok(bytes))));
    assert!(step(&mut body).is_pending());
    rig.desk
        .with(|pulled, now| pulled.pull_mut().fill_fail(now, fill, Failure::Protocol))
        .expect("it is under way");
    assert_eq!(step(&mut body), Poll::Ready(Some(Err(Broken { sent: 3 }))));
    drop(body);
    let stats = rig.desk.with(|pulled, _| pulled.pull().stats());
    assert_eq!((stats.waiters, stats.fills), (0, 0));
}
