//! Writes the hand-made part of `corpus/`: `cargo run --example seeds`.
//!
//! Each file is named by what it shows. What a fuzzer found and an engineer understood is added beside them by hand.
#![expect(
    clippy::too_many_lines,
    reason = "a list of seeds is read from top to bottom"
)]

use std::fs;
use std::path::Path;

mod bodies;
mod cache;
mod hls;
mod log;
mod m3u8;
mod recipes;
mod rtmp;

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut count = 0;
    for (target, name, bytes) in rtmp::seeds()
        .into_iter()
        .chain(hls::seeds())
        .chain(m3u8::seeds())
        .chain(cache::seeds())
        .chain(log::seeds())
        .chain(recipes::seeds())
        .chain(bodies::seeds())
    {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder).expect("a folder that can be made");
        fs::write(folder.join(name), bytes).expect("a file that can be written");
        count += 1;
    }
    println!("{count} seeds in {}", corpus.display());
}
