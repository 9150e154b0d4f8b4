//! Fuzzes `rtmp::amf3::amf3_round_trip`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::amf3::amf3_round_trip(data));
