//! Fuzzes `rtmp::handshake::handshake`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::handshake::handshake(data));
