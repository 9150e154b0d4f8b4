//! Fuzzes `cache::cmcd::cmcd`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::cache::cmcd::cmcd(data));
