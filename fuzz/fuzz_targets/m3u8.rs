//! Fuzzes `hls::m3u8::m3u8`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::m3u8::m3u8(data));
