//! What players say (CMCD) and what they are told (CMSD).

use std::io::Write;
use std::process::{Command, Stdio};

use backline_cache::cmcd::{Cmcd, Item, ObjectType, Value};
use backline_cache::cmsd::{Dynamic, Format, Static};
use backline_cache::{CacheStatus, Limits};

fn read(text: &str) -> Cmcd {
    Cmcd::from_lines([text.as_bytes()], &Limits::default())
}

/// The same form that `svta.mjs` prints.
fn plain(said: &Cmcd) -> String {
    let item = |item: &Item| {
        let mut text = match &item.value {
            Value::Flag(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Thousandths(value) => format!("{}", *value as f64 / 1_000.0),
            Value::Text(text) | Value::Token(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        if let Some(object) = item.object {
            text.push(';');
            text.push_str(object.token());
        }
        if let Some(range) = &item.range {
            text.push_str(&format!(";r={range}"));
        }
        text
    };
    let mut fields: Vec<String> = said
        .iter()
        .map(|(key, items)| {
            let items: Vec<String> = items.iter().map(item).collect();
            format!("{key}={}", items.join("|"))
        })
        .collect();
    fields.sort();
    fields.join("\x1f")
}

#[test]
fn cm_1_version_1_from_the_query() {
    let query = "_HLS_msn=4&CMCD=bl%3D21300%2Cbr%3D3200%2Cbs%2Cd%3D4004%2Cmtp%3D25400%2C\
                 nor%3D%22..%252F300kbps%252Fsegment35.m4v%22%2Cnrr%3D%2212323-48763%22%2Cot%3Dv%2Cpr%3D1.08%2C\
                 rtp%3D12000%2Csf%3Dd%2Csid%3D%226e2fb550-c457-11e9-bb97-0800200c9a66%22%2Cst%3Dl%2Csu&x=1";
    let said = Cmcd::from_query(query, &Limits::default()).unwrap();
    assert_eq!(said.ignored(), 0);
    assert_eq!(said.buffer_ms(), Some(21_300));
    assert_eq!(said.bitrate_kbps(), Some(3_200));
    assert_eq!(said.throughput_kbps(), Some(12_000));
    assert_eq!(said.object_type(), Some(ObjectType::Video));
    assert_eq!(said.session(), Some("6e2fb550-c457-11e9-bb97-0800200c9a66"));
    assert!(said.is_starved() && said.is_startup());
    assert_eq!(said.get("pr")[0].value, Value::Thousandths(1_080));
    assert_eq!(said.get("sf")[0].value, Value::Token("d".into()));
    let nor = Value::Text("..%2F300kbps%2Fsegment35.m4v".into());
    assert_eq!(said.get("nor")[0].value, nor);
    assert_eq!(Cmcd::from_query("_HLS_msn=4", &Limits::default()), None);
}

#[test]
fn cm_1_version_2_has_a_value_for_each_type_of_object() {
    let said = read("bl=(1200;v 800;a),br=(3000;v 128;a),nor=(\"a.m4s\" \"b.m4s\";r=\"0-99\"),v=2");
    assert_eq!(said.ignored(), 0);
    assert_eq!(said.buffer_ms(), Some(800));
    assert_eq!(said.bitrate_kbps(), Some(3_128));
    let objects: Vec<_> = said.get("bl").iter().map(|item| item.object).collect();
    assert_eq!(objects, [Some(ObjectType::Video), Some(ObjectType::Audio)]);
    let ranges: Vec<_> = said
        .get("nor")
        .iter()
        .map(|item| item.range.as_deref())
        .collect();
    assert_eq!(ranges, [None, Some("0-99")]);
}

#[test]
fn cm_1_what_hls_js_sends() {
    // hls.js 1.7.4 with `cmcd: {useHeaders: true, version: 2}`.
    let lines = [
        "pr=1.005,rtp=9000",
        "br=(1800),d=2000,ot=v,tpb=(1800)",
        "sf=h,sid=\"0207796f-5767-41f9-8a6b-3e64c7e4e847\",st=l,v=2",
        "bl=(600),dl=600,mtp=(100900),nor=(\"s1-14.m4s\"),pb=(1800),sn=27,sta=p",
    ];
    let said = Cmcd::from_lines(lines.map(str::as_bytes), &Limits::default());
    assert_eq!((said.ignored(), said.iter().count()), (0, 17));
    assert_eq!(
        (said.buffer_ms(), said.bitrate_kbps()),
        (Some(600), Some(1_800))
    );
    assert_eq!(said.object_type(), Some(ObjectType::Video));
}

#[test]
fn cm_1_the_four_headers_are_one() {
    let lines = ["br=3200,ot=v", "bl=400", "sid=\"a,b\"", "bs"];
    let said = Cmcd::from_lines(lines.map(str::as_bytes), &Limits::default());
    assert_eq!(
        plain(&said),
        "bl=400\x1fbr=3200\x1fbs=true\x1fot=v\x1fsid=a,b"
    );
    assert_eq!(said.ignored(), 0);
}

#[cfg(feature = "http-1")]
#[test]
fn cm_1_headers_of_a_request() {
    let mut headers = http::HeaderMap::new();
    assert_eq!(Cmcd::from_headers(&headers, &Limits::default()), None);
    headers.insert("cmcd-session", "sid=\"one\"".parse().unwrap());
    headers.insert("cmcd-status", "rtp=700".parse().unwrap());
    let said = Cmcd::from_headers(&headers, &Limits::default()).unwrap();
    assert_eq!(
        (said.session(), said.throughput_kbps()),
        (Some("one"), Some(700))
    );
}

#[test]
fn cm_1_a_bad_field_costs_only_itself() {
    for (text, ignored, kept) in [
        ("br=,bl=400", 1, "bl=400"),
        ("br=-5,bl=400", 1, "bl=400"),
        ("br=1.5,bl=400", 1, "bl=400"),
        ("br=\"x,y\",bl=400", 1, "bl=400"),
        ("br=\"x\\\",y\" z,bl=400", 1, "bl=400"),
        ("d=(1 2),bl=400", 1, "bl=400"),
        ("br=(),bl=400", 1, "bl=400"),
        ("br=(1 2,bl=400", 1, "bl=400"),
        ("BR=1,bl=400", 1, "bl=400"),
        ("\u{e9}=1,bl=400", 1, "bl=400"),
        ("br=1234567890123456,bl=400", 1, "bl=400"),
        (",,bl=400", 2, "bl=400"),
        ("sid=\"open", 1, ""),
        ("ot=v v,bl=400", 1, "bl=400"),
        // What is not known is legal, and of a key that stands twice the last value counts.
        ("com.example-x=(1 2),bl=300 , bl=400", 0, "bl=400"),
        (
            "bs=?0,su=?1,bl=400;x=\"y\"",
            0,
            "bl=400\x1fbs=false\x1fsu=true",
        ),
        ("", 0, ""),
    ] {
        let said = read(text);
        assert_eq!(
            (said.ignored(), plain(&said).as_str()),
            (ignored, kept),
            "{text}"
        );
    }
}

#[test]
fn cm_1_bytes_and_fields_are_capped() {
    let mut limits = Limits::default();
    limits.cmcd_bytes = 16;
    let lines: [&[u8]; 2] = [b"bl=400", b"br=30000000"];
    let said = Cmcd::from_lines(lines, &limits);
    assert_eq!((said.ignored(), plain(&said).as_str()), (1, "bl=400"));
    let query = format!("CMCD={}", "%20".repeat(20));
    assert_eq!(Cmcd::from_query(&query, &limits).unwrap().ignored(), 1);

    let mut limits = Limits::default();
    limits.cmcd_keys = 2;
    let said = Cmcd::from_lines([b"bl=400,x-y,br=3,d=4".as_slice()], &limits);
    assert_eq!((said.ignored(), plain(&said).as_str()), (1, "bl=400"));
}

#[test]
fn cm_5_what_is_said_of_an_object() {
    let mut said = Static::default();
    assert!(said.is_empty());
    said.available_at_ms = Some(1_700_000_000_000);
    (said.bitrate_kbps, said.duration_ms, said.held_ms) = (Some(3_000), Some(200), Some(180));
    (said.object, said.format, said.live) =
        (Some(ObjectType::Video), Some(Format::Hls), Some(true));
    assert!(!said.is_empty());
    assert_eq!(
        said.to_string(),
        "at=1700000000000,br=3000,d=200,ht=180,ot=v,sf=h,st=l"
    );
    let mut dash = Static::default();
    (dash.format, dash.live) = (Some(Format::Dash), Some(false));
    dash.held_ms = Some(u64::MAX);
    assert_eq!(dash.to_string(), "ht=999999999999999,sf=d,st=v");
}

fn crowded() -> Dynamic {
    let mut said = Dynamic::new("edge \"2\"");
    (said.duress, said.whole_segments) = (true, true);
    (said.max_kbps, said.throughput_kbps) = (Some(3_000), Some(5_000));
    (said.response_ms, said.round_trip_ms, said.retry_ms) = (Some(3), Some(4), Some(1_500));
    said
}

#[test]
fn cm_5_what_is_said_of_an_answer() {
    let expected =
        r#""edge \"2\"";du;etp=5000;mb=3000;rd=3;rtt=4;backline-retry=1500;backline-whole"#;
    assert_eq!(crowded().to_string(), expected);
    assert_eq!(Dynamic::new("bühne\n").to_string(), "\"b_hne_\"");
}

/// Runs `svta.mjs` and gives what it prints.
fn svta(arguments: &[&str], input: &str) -> String {
    let here = env!("CARGO_MANIFEST_DIR");
    let mut child = Command::new("node")
        .arg(format!("{here}/tests/data/svta.mjs"))
        .arg(format!("{here}/../../examples/web/node_modules"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs node and the npm packages of examples/web"]
fn cm_1_reads_what_svta_reads() {
    let (mut seen, mut lists) = (0, 0);
    for line in svta(&["cmcd", "4000"], "").lines() {
        let [query, headers, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let from_query = Cmcd::from_query(query, &Limits::default()).unwrap();
        assert_eq!(
            (plain(&from_query).as_str(), from_query.ignored()),
            (expected, 0),
            "{query}"
        );
        let lines = headers.split('\x1f').map(str::as_bytes);
        let from_headers = Cmcd::from_lines(lines, &Limits::default());
        // The headers' encoder keeps to the keys that it knows, so they may say less.
        assert_eq!(from_headers.ignored(), 0, "{headers}");
        let all: Vec<&str> = expected.split('\x1f').collect();
        let fields = plain(&from_headers);
        assert!(
            fields.split('\x1f').all(|field| all.contains(&field)),
            "{headers}\n{expected}"
        );
        seen += 1;
        lists += usize::from(expected.contains('|'));
    }
    assert!(
        seen == 4_000 && lists > 500,
        "{seen} requests, {lists} with lists"
    );
}

#[test]
#[ignore = "needs node and the npm packages of examples/web"]
fn cm_5_svta_reads_what_we_write() {
    let mut object = Static::default();
    (object.held_ms, object.object, object.live) = (Some(180), Some(ObjectType::Muxed), Some(true));
    object.format = Some(Format::Hls);
    let input = format!(
        "dynamic\t{}\nstatic\t{object}\nlist\t{}\n",
        crowded(),
        CacheStatus::hit()
    );
    let said = svta(&["cmsd"], &input);
    let expected = [
        concat!(
            r#"[{"value":"edge \"2\"","params":{"backline-retry":1500,"backline-whole":true,"#,
            r#""du":true,"etp":5000,"mb":3000,"rd":3,"rtt":4}}]"#,
        ),
        r#"{"ht":180,"ot":"av","sf":"h","st":"l"}"#,
        r#"[{"value":"backline","params":{"hit":true}}]"#,
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}
