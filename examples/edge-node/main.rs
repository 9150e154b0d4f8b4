//! Takes RTMP and gives low-latency HLS.

fn main() {}
