//! Fuzzes `rtmp::server::server_session`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::server::server_session(data));
