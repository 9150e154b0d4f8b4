//! Fuzzes `cache::ranges::range_header`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::cache::ranges::range_header(data));
