//! Repeats one operation so many times, for an instruction counter: `instructions NAME COUNT`, or alone for the names.

use backline_benches::scenarios::SCENARIOS;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => {
            for (name, _) in SCENARIOS {
                println!("{name}");
            }
            ExitCode::SUCCESS
        }
        [name, count] => run(name, count),
        _ => usage(),
    }
}

fn run(name: &str, count: &str) -> ExitCode {
    let scenario = SCENARIOS.iter().find(|(known, _)| *known == name);
    let (Some((_, prepare)), Ok(count)) = (scenario, count.parse::<u32>()) else {
        return usage();
    };
    let mut operation = prepare();
    for _ in 0..count {
        operation();
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: instructions [NAME COUNT]");
    ExitCode::from(2)
}
