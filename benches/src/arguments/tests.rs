use super::{Parsed, parse, usage};

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn options_may_stand_before_and_after_the_area() {
    let Ok(Parsed::Run(run)) = parse(words("--check hls --data x --json")) else {
        panic!("this command line is right")
    };
    assert_eq!(run.area, "hls");
    assert!(run.check && run.json && !run.full);
    assert_eq!(run.data.unwrap().to_str(), Some("x"));
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(parse(words("")), Err("no area is named".to_owned()));
    assert_eq!(parse(words("rtmpp")), Err("no such area: rtmpp".to_owned()));
    assert_eq!(
        parse(words("rtmp hls")),
        Err("one area at a time, and hls is a second".to_owned())
    );
    assert_eq!(
        parse(words("rtmp --fast")),
        Err("no such option: --fast".to_owned())
    );
    assert_eq!(
        parse(words("cache --trace")),
        Err("--trace needs a file after it".to_owned())
    );
    assert_eq!(
        parse(words("--trace x rtmp")),
        Err("--trace belongs to the area cache".to_owned())
    );
    assert_eq!(
        parse(words("rtmp --data")),
        Err("--data needs a folder after it".to_owned())
    );
}

#[test]
fn help_wins_over_the_rest() {
    assert_eq!(parse(words("rtmp -h")), Ok(Parsed::Help));
    assert!(usage().contains("rtmp"));
}
