//! Fuzzes `rtmp::tracks::tracks_round_trip`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| backline_fuzz::rtmp::tracks::tracks_round_trip(data));
