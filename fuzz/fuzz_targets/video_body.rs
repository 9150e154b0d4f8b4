//! Fuzzes `rtmp::flv::video_body`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::flv::video_body(data));
