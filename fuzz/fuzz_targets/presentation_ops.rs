//! Fuzzes `hls::ops::presentation_ops`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::ops::presentation_ops(data));
