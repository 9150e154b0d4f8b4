//! Fuzzes `cache::log::log_recover`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::cache::log::log_recover(data));
