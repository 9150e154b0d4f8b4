//! Many publishers in real time on one thread: `publishers ADDRESS COUNT`.
//!
//! It prints a line once all of them publish, and what they sent once its standard input ends.

use backline_benches::load::Load;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, count] = arguments.as_slice() else {
        return usage();
    };
    let (Ok(address), Ok(count)) = (address.parse(), count.parse()) else {
        return usage();
    };
    let stop = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&stop);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while input.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
        ended.store(true, Ordering::Relaxed);
    });
    let mut load = Load::connect(address, count);
    println!("{count} publishers");
    std::io::stdout().flush().ok();
    load.run(&stop);
    println!("{}", load.report());
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: publishers ADDRESS COUNT");
    ExitCode::from(2)
}
