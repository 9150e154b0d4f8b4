//! Fuzzes `hls::file::stored_part`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::file::stored_part(data));
