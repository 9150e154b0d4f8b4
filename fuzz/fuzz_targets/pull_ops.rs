//! Fuzzes `cache::pull::pull_ops`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::cache::pull::pull_ops(data));
