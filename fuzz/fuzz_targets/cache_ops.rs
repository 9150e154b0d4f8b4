//! Fuzzes `cache::ops::cache_ops`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::cache::ops::cache_ops(data));
