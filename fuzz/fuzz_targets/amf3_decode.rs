//! Fuzzes `rtmp::amf3::amf3_decode`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::amf3::amf3_decode(data));
