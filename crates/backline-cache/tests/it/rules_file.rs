//! Rules in a file.

use std::time::Duration;

use backline_cache::rules::{Asked, Class, Evictor, Rule, Rules, Surroundings, Uplink};

#[derive(Debug, serde::Deserialize)]
struct File {
    rule: Vec<Rule>,
}

fn read(text: &str) -> Result<Rules, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    Rules::new(file.rule).map_err(|error| error.to_string())
}

/// A set as the documentation sketches it, with every field that a rule has.
const SET: &str = r#"
rule = [
  {id = "edge-hold", class = "playlist", held = true, ttl = "6td", neg_ttl = "4td", urgency = 1, gzip = true},
  {id = "media", class = ["part", "segment"], ttl = "6td", neg_ttl = "1td", evictor = "s3fifo", disk = false},
  {id = "pages-on-battery", class = "page", battery_min_below = 20, ttl = "10m", stale = "24h", evictor = "gdsf"},
  {id = "gone", status = 404, neg_ttl = "10s"},
  {id = "errors", status = "5xx", neg_ttl = "1s"},
  {id = "night", path = "/shop/**", air_below = 10, rtt_ms_above = 600, loss_above = 3, disk_free_mb_above = 100,
   viewers_below = 5, metered = false, saturated = false, uplink = "up", prefetch = true, default_ttl = "1h",
   stale_if_error = "1d", stale_while_revalidate = "1m"},
  {id = "crowd", viewers_above = 300, saturated = true, max_kbps = 1500, retry = "1td", whole_segments = true},
  {id = "slates", path = "/slates/*", as = "slate", pin = true},
  {id = "admin", path = "/admin/**", bypass = true},
  {id = "rest", ttl = "0s"},
]
"#;

/// RULE-1: a file reads as it is written in the documentation.
#[test]
fn rule_1_a_file_of_rules() {
    let rules = read(SET).unwrap();
    assert_eq!(rules.as_slice().len(), 10);
    let target = Duration::from_secs(2);
    let mut asked = Asked::new("/live/index.m3u8", target);
    asked.class = Some(Class::Playlist);
    asked.held = true;
    let mut house = Surroundings::default();
    let decision = rules.decide(&asked, &house);
    assert_eq!(rules.id(decision.rule), "edge-hold");
    assert_eq!(decision.treatment.ttl, Some(target * 6));
    let slate = rules.decide(&Asked::new("/slates/soon.mp4", target), &house);
    assert_eq!(
        (slate.treatment.class, slate.treatment.pin),
        (Class::Slate, true)
    );
    let mut page = Asked::new("/shop/a.html", target);
    page.class = Some(Class::Page);
    house.battery_min = Some(5);
    let treatment = rules.decide(&page, &house).treatment;
    assert_eq!(treatment.evictor, Evictor::Gdsf);
    assert_eq!(
        treatment.stale_if_error,
        Some(Duration::from_secs(24 * 3600))
    );
    house.battery_min = None;
    (house.air, house.rtt_ms, house.loss) = (Some(1), Some(700), Some(4));
    (house.disk_free_mb, house.viewers) = (Some(101), Some(2));
    (house.metered, house.saturated) = (Some(false), Some(false));
    assert_eq!(rules.id(rules.decide(&page, &house).rule), "rest");
    house.uplink = Some(Uplink::Up);
    assert_eq!(rules.id(rules.decide(&page, &house).rule), "night");
    page.status = Some(404);
    assert_eq!(rules.id(rules.decide(&page, &house).rule), "gone");
}

/// RULE-4: what is no rule is refused with line and column.
#[test]
fn rule_4_a_bad_file_is_refused_with_the_place() {
    for (line, what) in [
        (r#"id = "a", tll = "1s""#, "unknown field `tll`"),
        (r#"id = "a", ttl = "1 s""#, "byte 1 is not of that form"),
        (r#"id = "a", class = "film""#, "unknown variant `film`"),
        (r#"id = "a", class = ["part", "part"]"#, "listed twice"),
        (r#"id = "a", path = "live""#, "a pattern begins with /"),
        (r#"id = "a", status = "6xx""#, "expected a status"),
        (r#"id = "a", status = 99"#, "expected a status"),
        (r#"id = "a", urgency = -1"#, "invalid value"),
        (r#"ttl = "1s""#, "missing field `id`"),
    ] {
        let text = format!("rule = [\n  {{id = \"rest\"}},\n  {{{line}}},\n]\n");
        let error = read(&text).unwrap_err();
        assert!(error.contains("line 3, column "), "{error}");
        assert!(error.contains(what), "{error}");
    }
}

/// RULE-4: a set that contradicts itself names the rule, so that the caller, who has the spans, finds the line.
#[test]
fn rule_4_a_bad_set_names_the_rule() {
    #[derive(serde::Deserialize)]
    struct Spanned {
        rule: Vec<toml::Spanned<Rule>>,
    }

    let text = "[[rule]]\nid = \"a\"\nheld = true\n\n[[rule]]\nid = \"b\"\nheld = true\n\n[[rule]]\nid = \"rest\"\n";
    let file: Spanned = toml::from_str(text).unwrap();
    let begins: Vec<usize> = file.rule.iter().map(|rule| rule.span().start).collect();
    let rules = file
        .rule
        .into_iter()
        .map(toml::Spanned::into_inner)
        .collect();
    let error = Rules::new(rules).unwrap_err();
    let at = begins[error.rule().unwrap()];
    assert_eq!(text[..at].lines().count() + 1, 5);
    assert_eq!(
        error.to_string(),
        "rule 1 can never be reached: rule 0 matches what it matches"
    );
}
