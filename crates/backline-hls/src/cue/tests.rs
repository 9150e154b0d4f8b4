use super::*;

fn with(id: &str, settings: &str, text: &str) -> Cue {
    Cue {
        start_ns: 0,
        end_ns: 1_000_000_000,
        id: id.to_owned(),
        settings: settings.to_owned(),
        text: text.to_owned(),
    }
}

fn check(cue: &Cue) -> Result<(), CueProblem> {
    cue.check(&Limits::default())
}

#[test]
fn cue_text_of_webvtt_is_taken_as_it_is() {
    for text in [
        "Hello",
        "two\nlines > one",
        "fish &amp; chips &lt;3 &#38; &#x26; &nbsp;",
        "<i>leaning <b>bold</b></i>",
        "<v Roger Bingham>We are in New York City",
        "<v.loud Mary>Up!</v> <v Bob &amp; Co>No.</v>",
        "<c.yellow.bg_blue>loud</c>",
        "<lang en-GB>colour</lang>",
        "<ruby>\u{6f22}<rt>kan</rt></ruby>",
        "\u{00e4}\u{1f600}",
    ] {
        assert_eq!(check(&with("", "", text)), Ok(()), "{text}");
    }
}

#[test]
fn cue_text_that_breaks_out_of_its_cue_is_refused() {
    let rows = [
        ("", CueProblem::Empty),
        (" \n ", CueProblem::Empty),
        ("a\n\nb", CueProblem::BlankLine { at: 2 }),
        ("\na", CueProblem::BlankLine { at: 0 }),
        ("a\n", CueProblem::BlankLine { at: 2 }),
        ("fish & chips", CueProblem::Escape { at: 5 }),
        ("&;", CueProblem::Escape { at: 0 }),
        ("&#;", CueProblem::Escape { at: 0 }),
        ("&#xg;", CueProblem::Escape { at: 0 }),
        ("&amp", CueProblem::Escape { at: 0 }),
        ("1 < 2", CueProblem::Tag { at: 2 }),
        ("<script>x</script>", CueProblem::Tag { at: 0 }),
        ("<i>open", CueProblem::Tag { at: 0 }),
        ("<i>x</b>", CueProblem::Tag { at: 4 }),
        ("x</i>", CueProblem::Tag { at: 1 }),
        ("x <v Bob>open", CueProblem::Tag { at: 2 }),
        ("<v>nobody", CueProblem::Tag { at: 0 }),
        ("<i note>x</i>", CueProblem::Tag { at: 0 }),
        ("<c..x>x</c>", CueProblem::Tag { at: 0 }),
        ("<00:00:01.000>karaoke", CueProblem::Tag { at: 0 }),
        ("<rt>x</rt>", CueProblem::Tag { at: 0 }),
    ];
    for (text, problem) in rows {
        assert_eq!(check(&with("", "", text)), Err(problem), "{text:?}");
    }
    let deep = "<i>".repeat(17) + "x" + &"</i>".repeat(17);
    assert_eq!(check(&with("", "", &deep)), Err(CueProblem::Tag { at: 48 }));
}

#[test]
fn no_field_has_arrows_or_control_characters() {
    for field in ["id", "settings", "text"] {
        let in_field = |value: &str| match field {
            "id" => with(value, "", "x"),
            "settings" => with("", value, "x"),
            _ => with("", "", value),
        };
        let arrow = CueProblem::Arrow { field, at: 1 };
        assert_eq!(check(&in_field("x-->y")), Err(arrow));
        for character in ['\0', '\r', '\u{7f}', '\u{85}'] {
            let problem = CueProblem::Character {
                field,
                at: 1,
                character,
            };
            assert_eq!(check(&in_field(&format!("x{character}"))), Err(problem));
        }
    }
    let problem = CueProblem::Character {
        field: "id",
        at: 1,
        character: '\n',
    };
    assert_eq!(check(&with("x\ny", "", "x")), Err(problem));
    for word in ["NOTE", "REGION", "STYLE", "WEBVTT"] {
        let id = format!("{word} 1");
        assert_eq!(check(&with(&id, "", "x")), Err(CueProblem::Id { word }));
    }
}

#[test]
fn settings_are_those_of_webvtt() {
    for settings in [
        "",
        "line:0",
        "line:-1,end align:start",
        "line:84.5%,center position:50%,line-left size:100%",
        "vertical:rl\talign:right",
        "  size:0%  position:100.000%,center ",
    ] {
        assert_eq!(check(&with("", settings, "x")), Ok(()), "{settings}");
    }
    for (settings, at) in [
        ("line", 0),
        ("line:", 0),
        ("line:1.5", 0),
        ("line:12345", 0),
        ("line:1,left", 0),
        ("size:100.1%", 0),
        ("size:101%", 0),
        ("size:5", 0),
        ("size:.5%", 0),
        ("size:5.%", 0),
        ("position:5%,start", 0),
        ("align:middle", 0),
        ("vertical:lr,rl", 0),
        ("region:top", 0),
        ("line:1 line:2", 7),
        ("size:5%  colour:red", 9),
    ] {
        let problem = CueProblem::Setting { at };
        assert_eq!(check(&with("", settings, "x")), Err(problem), "{settings}");
    }
}

#[test]
fn times_are_in_order_and_within_their_caps() {
    let at = |start_ns: i64, end_ns: i64| Cue {
        start_ns,
        end_ns,
        ..with("", "", "x")
    };
    let order = |start_ns, end_ns| Err(CueProblem::Order { start_ns, end_ns });
    assert_eq!(check(&at(5, 5)), order(5, 5));
    assert_eq!(check(&at(6, 5)), order(6, 5));
    assert_eq!(check(&at(-6, -5)), Ok(()));
    let far = i64::MIN;
    assert_eq!(check(&at(far, 0)), Err(CueProblem::Time { ns: far }));
    let long = CueProblem::TooLong {
        length_ms: 60_001,
        limit_ms: 60_000,
    };
    assert_eq!(check(&at(0, 60_001_000_000)), Err(long));
    assert_eq!(check(&at(0, 60_000_000_000)), Ok(()));
    let large = CueProblem::TooLarge {
        size: 4_097,
        limit: 4_096,
    };
    assert_eq!(check(&with("", "", &"x".repeat(4_097))), Err(large));
}

#[test]
fn plain_text_is_escaped() {
    for (plain, escaped) in [
        ("fish & chips", "fish &amp; chips"),
        ("1 < 2 --> 3", "1 &lt; 2 --&gt; 3"),
        ("a\r\nb\n\n\nc\r", "a\nb\nc"),
        ("\n\u{7}a\tb", "a b"),
        ("\r\n", ""),
    ] {
        assert_eq!(Cue::escape(plain), escaped);
    }
    assert_eq!(Cue::plain(1, 2, "<b>").text, "&lt;b&gt;");
}
