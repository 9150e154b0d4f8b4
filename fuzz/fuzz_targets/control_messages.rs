//! Fuzzes `rtmp::control::control_messages`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::control::control_messages(data));
