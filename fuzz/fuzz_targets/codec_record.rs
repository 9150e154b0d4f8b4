//! Fuzzes `hls::record::codec_record`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::hls::record::codec_record(data));
