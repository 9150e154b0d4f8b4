//! Fuzzes `rtmp::allocation::allocation_within_limits`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    backline_fuzz::rtmp::allocation::allocation_within_limits(data)
});
