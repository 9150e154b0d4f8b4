//! Fuzzes `rtmp::handshake::client_handshake`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::handshake::client_handshake(data));
