//! Fuzzes `rtmp::relay::relay_ops`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::relay::relay_ops(data));
