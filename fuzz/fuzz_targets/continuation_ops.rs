//! Fuzzes `hls::continuation::continuation_ops`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::continuation::continuation_ops(data));
