//! Fuzzes `hls::captions::captions`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::captions::captions(data));
