//! Both sessions of `backline-rtmp` as a [`Machine`].

use std::convert::Infallible;
use std::time::Instant;

use backline_rtmp::Transmit;
use backline_rtmp::client::{self, Client};
use backline_rtmp::server::{Output, Server};

use super::Machine;

impl Machine for Server {
    /// Its verbs answer a publish request by number and are no events.
    type Event = Infallible;
    type Output = Output;
    type Transmit = Transmit;
    type Error = backline_rtmp::Error;

    fn handle_input(&mut self, now: Instant, input: &[u8]) -> Result<usize, Self::Error> {
        Self::handle_input(self, now, input)
    }

    fn handle_event(&mut self, _now: Instant, event: Infallible) -> Result<(), Self::Error> {
        match event {}
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        Self::poll_transmit(self)
    }

    fn poll_output(&mut self) -> Option<Output> {
        Self::poll_output(self)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Self::poll_timeout(self)
    }
}

impl Machine for Client {
    /// Its verbs are no events.
    type Event = Infallible;
    type Output = client::Output;
    type Transmit = Transmit;
    type Error = backline_rtmp::Error;

    fn handle_input(&mut self, now: Instant, input: &[u8]) -> Result<usize, Self::Error> {
        Self::handle_input(self, now, input)
    }

    fn handle_event(&mut self, _now: Instant, event: Infallible) -> Result<(), Self::Error> {
        match event {}
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        Self::poll_transmit(self)
    }

    fn poll_output(&mut self) -> Option<client::Output> {
        Self::poll_output(self)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Self::poll_timeout(self)
    }
}
