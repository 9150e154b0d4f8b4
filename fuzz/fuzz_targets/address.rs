//! Fuzzes `rtmp::client::address`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::client::address(data));
