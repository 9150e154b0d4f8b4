//! Fuzzes `rtmp::chunk::chunk_split_invariance`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::chunk::chunk_split_invariance(data));
