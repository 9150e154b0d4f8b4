//! Fuzzes `rtmp::client::client_session`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::client::client_session(data));
