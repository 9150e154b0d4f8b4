use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;

use super::*;

/// Answers a token with its number when told to, or when its deadline comes.
#[derive(Default)]
struct Echo {
    held: Vec<u64>,
    due: VecDeque<u64>,
    cancelled: Vec<u64>,
    deadline: Option<Instant>,
}

impl Machine for Echo {
    type Event = ();
    type Output = u64;
    type Transmit = Bytes;
    type Error = Infallible;

    fn handle_event(&mut self, _now: Instant, (): ()) -> Result<(), Infallible> {
        self.due.extend(self.held.drain(..));
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            self.due.extend(self.held.drain(..));
        }
    }

    fn poll_output(&mut self) -> Option<u64> {
        self.due.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }
}

impl Desk for Echo {
    type Answer = u64;

    fn told(output: u64) -> Result<(u64, u64), u64> {
        Ok((output, output))
    }

    fn cancel(&mut self, _now: Instant, token: u64) {
        self.held.retain(|held| *held != token);
        self.cancelled.push(token);
    }
}

fn hold(shared: &Shared<Echo>) -> (u64, Waiting<Echo>) {
    let asked = shared.ask(|echo, _, token| {
        echo.held.push(token);
        Asked::<(), _>::Later(token)
    });
    asked.expect_err("held")
}

#[tokio::test]
async fn prom_2_each_token_gets_its_own_answer_once() {
    let (shared, _notices) = Shared::new(Echo::default());
    let waiting: Vec<_> = (0..500).map(|_| hold(&shared)).collect();
    shared
        .with(|echo, now| echo.handle_event(now, ()))
        .expect("no error is possible");
    for (token, waiting) in waiting {
        assert_eq!(waiting.await, Some(token));
    }
    assert!(
        shared.with(|echo, _| echo.cancelled.is_empty()),
        "an answered token is not cancelled"
    );
}

#[tokio::test]
async fn prom_2_whoever_leaves_cancels_his_token_and_nobody_elses() {
    let (shared, _notices) = Shared::new(Echo::default());
    let (first, leaving) = hold(&shared);
    drop(leaving);
    let (second, waiting) = hold(&shared);
    assert_ne!(first, second, "the seat is used again, the token is not");
    shared.with(|echo, _| echo.due.push_back(first));
    shared
        .with(|echo, now| echo.handle_event(now, ()))
        .expect("no error is possible");
    assert_eq!(waiting.await, Some(second));
    assert_eq!(shared.with(|echo, _| echo.cancelled.clone()), [first]);
}

#[tokio::test(start_paused = true)]
async fn the_timer_follows_a_deadline_that_moves_earlier() {
    let (shared, _notices) = Shared::new(Echo::default());
    let timer = shared.clone();
    let task = tokio::spawn(async move { timer.run_timer().await });
    tokio::task::yield_now().await;
    let (token, waiting) = hold(&shared);
    shared.with(|echo, now| echo.deadline = Some(now + Duration::from_secs(3600)));
    tokio::task::yield_now().await;
    // The machine's clock is the real one, the runtime's is paused: a deadline of now is due at once.
    shared.with(|echo, now| echo.deadline = Some(now));
    assert_eq!(waiting.await, Some(token));
    task.abort();
}

/// What a machine keeps beside an answer goes with whoever left before he took it.
#[tokio::test]
async fn q23_whoever_leaves_with_an_answer_under_way_cancels_as_well() {
    let (shared, _notices) = Shared::new(Echo::default());
    let (token, leaving) = hold(&shared);
    shared
        .with(|echo, now| echo.handle_event(now, ()))
        .expect("no error is possible");
    drop(leaving);
    assert_eq!(shared.with(|echo, _| echo.cancelled.clone()), [token]);
}
