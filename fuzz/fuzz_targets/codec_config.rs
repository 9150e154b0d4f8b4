//! Fuzzes `rtmp::config::codec_config`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::config::codec_config(data));
