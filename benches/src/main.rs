//! Compares the backline crates with their peers in one run.

use backline_benches::areas;
use backline_benches::arguments::{Arguments, Parsed, parse, usage};
use backline_benches::report::{Progress, Report};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(Parsed::Help) => {
            print!("{}", usage());
            ExitCode::SUCCESS
        }
        Ok(Parsed::Run(arguments)) => run(&arguments),
        Err(wrong) => {
            eprint!("scoreboard: {wrong}\n\n{}", usage());
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> ExitCode {
    let mut report = Report::default();
    report.notes.push(machine());
    // No area scores on recorded data yet; an area that does will say which of its files it used.
    if let Some(folder) = &arguments.data
        && !folder.is_dir()
    {
        eprintln!(
            "scoreboard: --data {}: there is no such folder",
            folder.display()
        );
        return ExitCode::from(2);
    }
    let mut progress = Progress::new();
    match arguments.area.as_str() {
        "cache" => {
            let trace = arguments.trace.as_deref();
            let scored = areas::cache::score(&mut report, &mut progress, trace, arguments.full);
            if let Err(wrong) = scored {
                drop(progress);
                eprintln!("scoreboard: --trace {wrong}");
                return ExitCode::from(2);
            }
        }
        "hls" => areas::hls::score(&mut report, &mut progress, arguments.full),
        "ingest" => areas::ingest::score(&mut report, &mut progress, arguments.full),
        "rtmp" => areas::rtmp::score(&mut report, &mut progress, arguments.full),
        other => unreachable!("{other} is not one of the areas that the parser knows"),
    }
    drop(progress);
    if arguments.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    if arguments.check && !report.is_met() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Which processor this is: absolute figures mean nothing without it.
fn machine() -> String {
    let cpus = std::fs::read_to_string(Path::new("/proc/cpuinfo")).unwrap_or_default();
    let name = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let profile = if cfg!(debug_assertions) {
        ", a debug build: these figures mean nothing"
    } else {
        ""
    };
    format!("{name}, {count} threads{profile}")
}
