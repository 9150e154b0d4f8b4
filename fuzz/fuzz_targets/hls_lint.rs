//! Fuzzes `hls::m3u8::hls_lint`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::m3u8::hls_lint(data));
