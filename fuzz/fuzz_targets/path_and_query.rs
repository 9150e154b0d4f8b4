//! Fuzzes `hls::requests::path_and_query`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::requests::path_and_query(data));
