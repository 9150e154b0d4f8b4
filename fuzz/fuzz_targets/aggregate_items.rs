//! Fuzzes `rtmp::aggregate::aggregate_items`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::aggregate::aggregate_items(data));
