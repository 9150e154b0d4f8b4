//! Fuzzes `rtmp::flv::audio_body`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::flv::audio_body(data));
