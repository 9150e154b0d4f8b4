//! Fuzzes `rtmp::differential::differential_demux`.
#![no_main]
libfuzzer_sys::fuzz_target!(
    |data: &[u8]| backline_fuzz::rtmp::differential::differential_demux(data)
);
