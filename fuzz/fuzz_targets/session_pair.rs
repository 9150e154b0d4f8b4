//! Fuzzes `rtmp::pair::session_pair`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::pair::session_pair(data));
