//! Fuzzes `rtmp::aggregate::shared_object`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::aggregate::shared_object(data));
