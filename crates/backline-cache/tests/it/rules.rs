//! Rules as data.

use std::time::{Duration, Instant};

use backline_cache::rules::{
    Asked, Class, Evictor, Field, Glob, GlobError, Rule, Rules, RulesError, Span, SpanError,
    Statuses, Surroundings, Treatment, Uplink, Value, Wanted,
};
use proptest::prelude::*;

const TARGET: Duration = Duration::from_secs(4);

fn rule(id: &str, change: impl FnOnce(&mut Rule)) -> Rule {
    let mut rule = Rule::new(id);
    change(&mut rule);
    rule
}

fn rest() -> Rule {
    Rule::new("rest")
}

fn span(text: &str) -> Option<Span> {
    Some(text.parse().unwrap())
}

fn glob(text: &str) -> Option<Glob> {
    Some(text.parse().unwrap())
}

fn asked(class: Class) -> Asked<'static> {
    let mut asked = Asked::new("/live/v0/index.m3u8", TARGET);
    asked.class = Some(class);
    asked
}

fn refused(rules: Vec<Rule>) -> RulesError {
    Rules::new(rules).unwrap_err()
}

/// RULE-1: an ordered list, and the first rule that matches decides.
#[test]
fn rule_1_first_match_wins() {
    let held = rule("edge-hold", |rule| {
        rule.class = vec![Class::Playlist];
        rule.held = Some(true);
        rule.ttl = span("6td");
        rule.neg_ttl = span("4td");
        rule.urgency = Some(1);
        rule.gzip = Some(true);
    });
    let media = rule("media", |rule| {
        rule.class = vec![Class::Part, Class::Playlist];
        rule.ttl = span("1.5td");
        rule.evictor = Some(Evictor::Gdsf);
        rule.disk = Some(false);
        rule.pin = Some(false);
        rule.prefetch = Some(true);
        rule.stale = span("24h");
    });
    let rules = Rules::new(vec![held, media, rest()]).unwrap();
    let house = Surroundings::default();
    let mut playlist = asked(Class::Playlist);
    playlist.held = true;
    let decision = rules.decide(&playlist, &house);
    assert_eq!(rules.id(decision.rule), "edge-hold");
    assert_eq!(decision.treatment.ttl, Some(TARGET * 6));
    assert_eq!(decision.treatment.neg_ttl, Some(TARGET * 4));
    assert!(decision.treatment.gzip && decision.treatment.urgency == 1);
    playlist.held = false;
    let decision = rules.decide(&playlist, &house);
    let treatment = decision.treatment;
    assert_eq!((decision.rule, treatment.rule), (1, 1));
    assert_eq!(treatment.ttl, Some(Duration::from_secs(6)));
    assert_eq!(treatment.evictor, Evictor::Gdsf);
    assert!(treatment.prefetch && !treatment.disk && !treatment.pin);
    let day = Some(Duration::from_secs(86_400));
    assert_eq!(
        (treatment.stale_if_error, treatment.stale_while_revalidate),
        (day, day)
    );
    assert_eq!(
        rules.id(rules.decide(&asked(Class::Page), &house).rule),
        "rest"
    );
    assert_eq!(rules.id(99), "");
}

/// RULE-1: what a rule does not set is the default of the class, for live media that of
/// draft-pantos-hls-rfc8216bis, B.1.
#[test]
fn rule_1_classes_have_defaults() {
    let rules = Rules::new(vec![rest()]).unwrap();
    let treat = |class, held| {
        let mut asked = asked(class);
        asked.held = held;
        rules.decide(&asked, &Surroundings::default()).treatment
    };
    let lives = |class, held| {
        let treatment = treat(class, held);
        (treatment.default_ttl, treatment.default_neg_ttl)
    };
    assert_eq!(lives(Class::Playlist, true), (TARGET * 6, TARGET * 4));
    assert_eq!(lives(Class::Playlist, false), (TARGET / 2, TARGET));
    assert_eq!(lives(Class::Part, false), (TARGET * 6, TARGET));
    assert_eq!(lives(Class::Other, false), (Duration::ZERO, Duration::ZERO));
    assert_eq!(treat(Class::Segment, false).evictor, Evictor::S3Fifo);
    assert_eq!(treat(Class::Page, false).evictor, Evictor::Gdsf);
    let unknown = rules.decide(&Asked::new("/x", TARGET), &Surroundings::default());
    assert_eq!(unknown.treatment.class, Class::Other);
    let mut expected = Treatment::new(Class::Other, false, TARGET);
    expected.rule = 0;
    assert_eq!(unknown.treatment, expected);
}

#[test]
fn rule_1_a_rule_says_what_a_path_is() {
    let segments = rule("segments", |rule| {
        rule.path = glob("/live/**.ts");
        rule.as_class = Some(Class::Segment);
    });
    let rules = Rules::new(vec![segments, rest()]).unwrap();
    let decision = rules.decide(
        &Asked::new("/live/a/b/7.ts", TARGET),
        &Surroundings::default(),
    );
    assert_eq!(decision.treatment.class, Class::Segment);
    assert_eq!(decision.treatment.default_ttl, TARGET * 6);
}

/// RULE-2: the state of the house is plain numbers; the same inputs give the same answer, and what nobody knows
/// meets no condition.
#[test]
fn rule_2_rules_adapt_to_what_the_caller_reports() {
    type Change = fn(&mut Rule);
    type Report = fn(&mut Surroundings);
    let cases: [(Change, Report, Report); 9] = [
        (
            |rule| rule.battery_min_below = Some(20),
            |house| house.battery_min = Some(19),
            |house| house.battery_min = Some(20),
        ),
        (
            |rule| rule.disk_free_mb_below = Some(500),
            |house| house.disk_free_mb = Some(499),
            |house| house.disk_free_mb = Some(500),
        ),
        (
            |rule| rule.viewers_above = Some(100),
            |house| house.viewers = Some(101),
            |house| house.viewers = Some(100),
        ),
        (
            |rule| rule.air_above = Some(80),
            |house| house.air = Some(81),
            |house| house.air = Some(80),
        ),
        (
            |rule| rule.loss_above = Some(5),
            |house| house.loss = Some(6),
            |house| house.loss = Some(5),
        ),
        (
            |rule| rule.rtt_ms_above = Some(600),
            |house| house.rtt_ms = Some(601),
            |house| house.rtt_ms = Some(600),
        ),
        (
            |rule| rule.metered = Some(true),
            |house| house.metered = Some(true),
            |house| house.metered = Some(false),
        ),
        (
            |rule| rule.uplink = Some(Uplink::Down),
            |house| house.uplink = Some(Uplink::Down),
            |house| house.uplink = Some(Uplink::Up),
        ),
        (
            |rule| rule.saturated = Some(true),
            |house| house.saturated = Some(true),
            |house| house.saturated = Some(false),
        ),
    ];
    for (change, holds, fails) in cases {
        let rules = Rules::new(vec![rule("state", change), rest()]).unwrap();
        let decided = |report: Report| {
            let mut house = Surroundings::default();
            report(&mut house);
            let first = rules.decide(&asked(Class::Page), &house);
            assert_eq!(first, rules.decide(&asked(Class::Page), &house));
            first.rule
        };
        assert_eq!((decided(holds), decided(fails), decided(|_| {})), (0, 1, 1));
    }
}

/// The cap on variants, the spacing of retries and the preference for whole segments come from a rule about the air.
#[test]
fn rule_2_what_crowded_players_are_asked_for_is_a_rule() {
    let crowded = rule("crowded", |rule| {
        rule.saturated = Some(true);
        rule.class = vec![Class::Playlist];
        rule.max_kbps = Some(1_500);
        rule.retry = span("1td");
        rule.whole_segments = Some(true);
    });
    let rules = Rules::new(vec![crowded, rest()]).unwrap();
    let mut house = Surroundings::default();
    assert_eq!(
        rules.decide(&asked(Class::Playlist), &house).treatment.air,
        backline_cache::rules::Air::default()
    );
    house.saturated = Some(true);
    let air = rules.decide(&asked(Class::Playlist), &house).treatment.air;
    assert_eq!((air.max_kbps, air.retry), (Some(1_500), Some(TARGET)));
    assert!(air.whole_segments);
}

/// RULE-3: an explanation has the rule, the values that were compared, and the rules passed over.
#[test]
fn rule_3_explain_says_why() {
    let night = rule("night", |rule| {
        rule.viewers_below = Some(3);
        rule.path = glob("/shop/**");
    });
    let errors = rule("errors", |rule| rule.status = Some("5xx".parse().unwrap()));
    let held = rule("edge-hold", |rule| {
        rule.class = vec![Class::Playlist, Class::Part];
        rule.held = Some(true);
    });
    let rules = Rules::new(vec![night, errors, held, rest()]).unwrap();
    let mut asked = asked(Class::Playlist);
    asked.held = true;
    let mut house = Surroundings::default();
    house.viewers = Some(300);
    let why = rules.explain(&asked, &house);
    assert_eq!(
        why.to_string(),
        "edge-hold: class is playlist, playlist or part, held is true, true; \
         passed over night: viewers is 300, not below 3; \
         passed over errors: status is unknown, not 5xx"
    );
    assert_eq!(*why.decision(), rules.decide(&asked, &house));
    assert_eq!((why.id(), why.comparisons().len()), ("edge-hold", 2));
    let (id, first) = why.passed_over().next().unwrap();
    assert_eq!(
        (id, first.field, first.holds),
        ("night", Field::Viewers, false)
    );
    assert_eq!(
        (first.value, first.wanted),
        (Value::Number(300), Wanted::Below(3))
    );
    house.viewers = Some(2);
    let why = rules.explain(&asked, &house).to_string();
    assert!(
        why.contains("night: path is /live/v0/index.m3u8, not /shop/**"),
        "{why}"
    );
}

/// RULE-4: incomplete, ambiguous and contradictory sets are refused, and the rule is named.
#[test]
fn rule_4_the_last_rule_matches_everything() {
    assert_eq!(refused(vec![]), RulesError::NoRules);
    assert_eq!(RulesError::NoRules.rule(), None);
    let held = rule("held", |rule| rule.held = Some(true));
    let error = refused(vec![held]);
    assert_eq!(
        error,
        RulesError::Incomplete {
            rule: 0,
            field: "held"
        }
    );
    assert_eq!(error.rule(), Some(0));
}

#[test]
fn rule_4_a_rule_that_cannot_be_reached_is_refused() {
    let media = || rule("media", |rule| rule.path = glob("/live/**"));
    let below = |id, most| rule(id, |rule| rule.viewers_below = Some(most));
    let class = |id, classes: &[Class]| rule(id, |rule| rule.class = classes.to_vec());
    let status = |id, status: &str| rule(id, |rule| rule.status = Some(status.parse().unwrap()));
    let held = |id, held| rule(id, |rule| rule.held = Some(held));
    let path = |id, text| rule(id, |rule| rule.path = glob(text));
    let unreachable: [(Vec<Rule>, usize, usize); 9] = [
        (vec![rest(), media()], 1, 0),
        (vec![media(), path("same", "/live/**")], 1, 0),
        (vec![media(), path("file", "/live/a.ts")], 1, 0),
        (vec![media(), path("narrower", "/live/*.ts")], 1, 0),
        (vec![below("a", 10), below("b", 5)], 1, 0),
        (vec![status("a", "5xx"), status("b", "503")], 1, 0),
        (
            vec![
                class("a", &[Class::Part]),
                class("b", &[Class::Page]),
                class("c", &[Class::Part, Class::Page]),
            ],
            2,
            1,
        ),
        // Together they match everything.
        (vec![held("a", true), held("b", false), rest()], 2, 1),
        (
            vec![
                class("a", &[Class::Page]),
                rule("b", |rule| {
                    rule.class = vec![Class::Page];
                    rule.metered = Some(true);
                }),
            ],
            1,
            0,
        ),
    ];
    for (mut rules, rule, by) in unreachable {
        if rules.last() != Some(&rest()) {
            rules.push(rest());
        }
        let shown = format!("{rules:?}");
        let error = refused(rules);
        assert_eq!(error, RulesError::Unreachable { rule, by }, "{shown}");
    }
    let reachable = [
        vec![below("a", 5), below("b", 10)],
        vec![path("a", "/live/*.ts"), media()],
        vec![status("a", "503"), status("b", "5xx")],
        // What is of no known class is left.
        vec![class("a", &Class::ALL)],
        vec![held("a", true)],
    ];
    for mut rules in reachable {
        rules.push(rest());
        assert!(Rules::new(rules.clone()).is_ok(), "{rules:?}");
    }
}

#[test]
fn rule_4_a_rule_that_contradicts_itself_is_refused() {
    type Change = fn(&mut Rule);
    let contradictions: [(Change, &str, &str); 9] = [
        (
            |rule| (rule.stale, rule.stale_if_error) = (span("1s"), span("2s")),
            "stale",
            "stale_if_error",
        ),
        (
            |rule| (rule.stale, rule.stale_while_revalidate) = (span("1s"), span("2s")),
            "stale",
            "stale_while_revalidate",
        ),
        (
            |rule| {
                rule.stale_if_error = span("1m");
                rule.stale_while_revalidate = span("61s");
            },
            "stale_while_revalidate",
            "stale_if_error",
        ),
        (
            |rule| (rule.bypass, rule.ttl) = (Some(true), span("1s")),
            "ttl",
            "bypass",
        ),
        (
            |rule| (rule.bypass, rule.pin) = (Some(true), Some(true)),
            "pin",
            "bypass",
        ),
        (
            |rule| (rule.pin, rule.evictor) = (Some(true), Some(Evictor::Gdsf)),
            "evictor",
            "pin",
        ),
        (
            |rule| (rule.ttl, rule.default_ttl) = (span("1s"), span("1s")),
            "default_ttl",
            "ttl",
        ),
        (
            |rule| (rule.status, rule.ttl) = (Some("404".parse().unwrap()), span("1s")),
            "ttl",
            "status",
        ),
        (
            |rule| (rule.status, rule.neg_ttl) = (Some("2xx".parse().unwrap()), span("1s")),
            "neg_ttl",
            "status",
        ),
    ];
    for (change, field, other) in contradictions {
        let error = refused(vec![
            rule("first", |rule| rule.held = Some(true)),
            rule("odd", change),
            rest(),
        ]);
        let rule = 1;
        assert_eq!(error, RulesError::Contradictory { rule, field, other });
    }
}

#[test]
fn rule_4_a_condition_that_nothing_meets_is_refused() {
    type Change = fn(&mut Rule);
    let empty: [(Change, &str); 3] = [
        (|rule| rule.viewers_below = Some(0), "viewers"),
        (
            |rule| (rule.loss_above, rule.loss_below) = (Some(5), Some(6)),
            "loss",
        ),
        (
            |rule| (rule.air_above, rule.air_below) = (Some(9), Some(3)),
            "air",
        ),
    ];
    for (change, field) in empty {
        let error = refused(vec![rule("odd", change), rest()]);
        assert_eq!(error, RulesError::Never { rule: 0, field });
    }
    let one_left = rule("one-left", |rule| {
        (rule.loss_above, rule.loss_below) = (Some(4), Some(6));
    });
    assert!(Rules::new(vec![one_left, rest()]).is_ok());
}

#[test]
fn rule_4_ids_and_urgencies_are_checked() {
    for id in ["", "Rest", "a b", "a;b", &"x".repeat(33)] {
        assert_eq!(refused(vec![Rule::new(id)]), RulesError::Id { rule: 0 });
    }
    let twice = rule("rest", |rule| rule.held = Some(true));
    let error = refused(vec![twice, rest()]);
    assert_eq!(error, RulesError::DuplicateId { rule: 1, first: 0 });
    let odd = rule("odd", |rule| rule.urgency = Some(8));
    let error = refused(vec![odd]);
    let (rule, urgency) = (0, 8);
    assert_eq!(error, RulesError::Urgency { rule, urgency });
    let rules = vec![rest(); Rules::MOST + 1];
    assert_eq!(refused(rules), RulesError::TooMany { rules: 257 });
}

#[test]
fn rule_1_spans_have_units() {
    let time = |ms| Ok(Span::Time(Duration::from_millis(ms)));
    for (text, expected) in [
        ("10m", time(600_000)),
        ("1.5s", time(1_500)),
        ("250ms", time(250)),
        ("24h", time(86_400_000)),
        ("2d", time(172_800_000)),
        ("0s", time(0)),
        ("6td", Ok(Span::Targets(6_000))),
        ("0.125td", Ok(Span::Targets(125))),
        ("", Err(0)),
        ("td", Err(0)),
        ("-1s", Err(0)),
        ("5", Err(1)),
        ("5 s", Err(1)),
        ("5.s", Err(2)),
        ("5.1234s", Err(2)),
        ("12x", Err(2)),
        ("9999999999s", Err(0)),
        ("999999999td", Err(0)),
    ] {
        let read = text.parse().map_err(|error: SpanError| error.at);
        assert_eq!(read, expected, "{text}");
        if let Ok(span) = read {
            assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
    assert_eq!("90m".parse::<Span>().unwrap().to_string(), "1.5h");
    assert_eq!("0.5d".parse::<Span>().unwrap().to_string(), "12h");
    let most = "4294967td".parse::<Span>().unwrap();
    assert_eq!(most.resolve(Duration::MAX), Duration::MAX);
    assert_eq!(most.resolve(Duration::from_secs(1)).as_secs(), 4_294_967);
}

#[test]
fn rule_1_globs_match_whole_paths() {
    for (pattern, path, expected) in [
        ("/a", "/a", true),
        ("/a", "/ab", false),
        ("/a", "/", false),
        ("/a/*", "/a/b.ts", true),
        ("/a/*", "/a/b/c.ts", false),
        ("/a/*", "/a/", true),
        ("/a/**", "/a/b/c.ts", true),
        ("/a/**", "/a", false),
        ("**.m3u8", "/live/x/index.m3u8", true),
        ("**.m3u8", "/live/x/index.m3u8x", false),
        ("/*/x?.m4s", "/v0/x7.m4s", true),
        ("/*/x?.m4s", "/v0/x/.m4s", false),
        ("/**/b/**/d", "/a/b/c/b/d", true),
        ("*/a", "/a", true),
        ("/***", "/a/b", true),
        ("/ä*", "/äöü", true),
    ] {
        let glob: Glob = pattern.parse().unwrap();
        assert_eq!(glob.matches(path), expected, "{pattern} {path}");
        assert_eq!(glob.as_str(), pattern);
    }
    assert_eq!("live/*".parse::<Glob>(), Err(GlobError::Start));
    assert_eq!("".parse::<Glob>(), Err(GlobError::Start));
    let longest = format!("/{}", "*a".repeat(63));
    assert!(
        longest
            .parse::<Glob>()
            .unwrap()
            .matches(&format!("/{}", "ba".repeat(63)))
    );
    assert_eq!(
        format!("{longest}b").parse::<Glob>(),
        Err(GlobError::Long { bytes: 128 })
    );
}

/// No pattern makes matching try again and again: 63 stars against 100,000 bytes that nearly match.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the time that it takes is the point"
)]
fn rule_1_globs_do_not_backtrack() {
    let glob: Glob = format!("**{}b", "a*".repeat(62)).parse().unwrap();
    let path = "/".to_owned() + &"a".repeat(100_000);
    let began = Instant::now();
    assert!(!glob.matches(&path));
    assert!(began.elapsed() < Duration::from_secs(1));
}

/// What a pattern means, by trying everything.
fn matches_slowly(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=path.len()).any(|at| matches_slowly(rest, &path[at..])),
        [b'*', rest @ ..] => {
            let most = path
                .iter()
                .position(|&byte| byte == b'/')
                .unwrap_or(path.len());
            (0..=most).any(|at| matches_slowly(rest, &path[at..]))
        }
        [b'?', rest @ ..] => {
            path.first().is_some_and(|&byte| byte != b'/') && matches_slowly(rest, &path[1..])
        }
        [byte, rest @ ..] => path.first() == Some(byte) && matches_slowly(rest, &path[1..]),
    }
}

proptest! {
    #[test]
    fn rule_1_globs_mean_what_they_say(pattern in "/[ab/*?]{0,8}", path in "/[ab/]{0,10}") {
        let glob: Glob = pattern.parse().unwrap();
        let expected = matches_slowly(pattern.as_bytes(), path.as_bytes());
        prop_assert_eq!(glob.matches(&path), expected);
    }
}

#[test]
fn rule_1_statuses_are_one_or_a_hundred() {
    for (text, status, expected) in [("404", 404, true), ("4xx", 499, true), ("4xx", 500, false)] {
        let statuses: Statuses = text.parse().unwrap();
        assert_eq!(statuses.contains(status), expected);
        assert_eq!(statuses.to_string(), text);
    }
    for text in ["", "1xx", "6xx", "99", "1000", "4x", "xxx", "4XX"] {
        assert!(text.parse::<Statuses>().is_err(), "{text}");
    }
    assert!(Statuses::one(199).is_err());
}
