//! Fuzzes `rtmp::file::flv_reader`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::file::flv_reader(data));
