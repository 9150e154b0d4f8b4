//! Fuzzes `rtmp::metadata::metadata`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::metadata::metadata(data));
