//! Fuzzes `rtmp::tracks::packet_decode`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::tracks::packet_decode(data));
