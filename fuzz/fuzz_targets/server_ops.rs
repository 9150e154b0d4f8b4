//! Fuzzes `rtmp::server::server_ops`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::server::server_ops(data));
