//! Fuzzes `hls::file::slate_file`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::file::slate_file(data));
