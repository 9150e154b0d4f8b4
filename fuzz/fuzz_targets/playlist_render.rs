//! Fuzzes `hls::ops::playlist_render`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::ops::playlist_render(data));
