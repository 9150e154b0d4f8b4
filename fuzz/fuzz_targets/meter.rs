//! Fuzzes `rtmp::report::meter`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::report::meter(data));
