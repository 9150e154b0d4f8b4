//! Names: what differs in nothing that matters is the same.

use backline_cache::pull::PullLimits;
use backline_cache::{Error, Name, Noise};
use proptest::prelude::*;

fn named(path: &str, query: &str) -> Result<Name, Error> {
    Name::new(
        path,
        Some(query),
        &Noise::new(["utm_*", "sid"]),
        &PullLimits::default(),
    )
}

/// FILL-3: the directives of blocking playlist requests are part of the name, sorted by their
/// names in UTF-8 order (draft-pantos-hls-rfc8216bis, 6.3.2).
#[test]
fn fill_3_directives_stay_and_are_sorted() {
    let name = named("/m.m3u8", "_HLS_skip=YES&_HLS_part=2&_HLS_msn=4").unwrap();
    assert_eq!(
        name.as_str(),
        "/m.m3u8?_HLS_msn=4&_HLS_part=2&_HLS_skip=YES"
    );
    assert_eq!(name.path(), "/m.m3u8");
    assert_eq!(name.query(), Some("_HLS_msn=4&_HLS_part=2&_HLS_skip=YES"));
    assert_eq!(name.to_string(), name.as_str());
}

/// Quirk 11: players' reports cost no hit.
#[test]
fn q11_cmcd_and_noise_are_left_out() {
    let name = named("/s1.m4s", "CMCD=bl%3D2&utm_source=x&sid=9&sidecar=1").unwrap();
    assert_eq!(name.as_str(), "/s1.m4s?sidecar=1");
    let plain = Name::new("/s1.m4s", None, &Noise::default(), &PullLimits::default());
    assert_eq!(named("/s1.m4s", "CMCD=a").unwrap(), plain.clone().unwrap());
    assert_eq!(plain.unwrap().query(), None);
    // The name of the key counts, not how it begins, and its case does.
    assert_eq!(
        named("/s", "CMCDx=1&cmcd").unwrap().query(),
        Some("CMCDx=1&cmcd")
    );
}

/// Quirk 9: a query that is not noise is kept.
#[test]
fn q9_query_is_not_dropped() {
    assert_ne!(named("/s", "a=1").unwrap(), named("/s", "a=2").unwrap());
    // Of pairs of one name the order may mean something.
    assert_ne!(
        named("/s", "a=1&a=2").unwrap(),
        named("/s", "a=2&a=1").unwrap()
    );
}

#[test]
fn names_are_capped() {
    let long = "/".repeat(1_025);
    let most = PullLimits::default().name_bytes;
    let error = Error::NameTooLong { bytes: 1_025, most };
    assert_eq!(
        Name::new(&long, None, &Noise::default(), &PullLimits::default()),
        Err(error)
    );
    let pairs = "a&".repeat(32);
    let error = Error::QueryPairs {
        offset: 66,
        most: 32,
    };
    assert_eq!(named("/", &pairs), Err(error));
    assert!(named("/", pairs.trim_end_matches('&')).is_ok());
}

#[test]
fn names_that_are_no_request_targets_are_refused() {
    for (path, query, offset) in [
        ("", "", 0),
        ("live", "", 0),
        ("/a b", "", 2),
        ("/a?b", "", 2),
        ("/a", "x=1#y", 6),
        ("/a\r\nHost: x", "", 2),
        ("/ü", "", 1),
    ] {
        assert_eq!(
            named(path, query),
            Err(Error::NameSyntax { offset }),
            "{path}"
        );
    }
}

proptest! {
    /// The order of pairs of different names does not matter, and a canonical name is its own name.
    #[test]
    fn names_are_canonical(
        mut pairs in prop::collection::btree_map("[a-z_A-Z]{1,5}", "[a-z0-9%]{0,5}", 0..8),
    ) {
        pairs.remove("CMCD");
        let text = |pairs: Vec<(&String, &String)>| {
            let pairs = pairs.iter().map(|(key, value)| format!("{key}={value}"));
            pairs.collect::<Vec<String>>().join("&")
        };
        let forwards = named("/p", &text(pairs.iter().collect())).unwrap();
        let backwards = named("/p", &text(pairs.iter().rev().collect())).unwrap();
        prop_assert_eq!(&forwards, &backwards);
        let again = named(forwards.path(), forwards.query().unwrap_or_default()).unwrap();
        prop_assert_eq!(again, forwards);
    }
}
