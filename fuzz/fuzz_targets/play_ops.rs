//! Fuzzes `rtmp::play::play_ops`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::play::play_ops(data));
