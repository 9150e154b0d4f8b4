use super::*;

fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
        .collect()
}

#[test]
fn del_25_gzip_goes_only_to_who_asks_for_it() {
    assert!(accepts_gzip(&headers(&[(
        ACCEPT_ENCODING,
        "gzip, deflate, br"
    )])));
    assert!(accepts_gzip(&headers(&[(
        ACCEPT_ENCODING,
        "br;q=1.0, *;q=0.5"
    )])));
    assert!(!accepts_gzip(&headers(&[(ACCEPT_ENCODING, "gzip;q=0, *")])));
    assert!(!accepts_gzip(&headers(&[(ACCEPT_ENCODING, "identity")])));
    assert!(!accepts_gzip(&HeaderMap::new()));
}

#[test]
fn the_page_is_embedded_compressed_and_revalidated() {
    let page = find("index.html").expect("the page");
    let plain = page.answer(&HeaderMap::new());
    assert_eq!(plain.status(), StatusCode::OK);
    let gzip = page.answer(&headers(&[(ACCEPT_ENCODING, "gzip")]));
    assert!(gzip.body().len() < plain.body().len());
    let again = page.answer(&headers(&[(IF_NONE_MATCH, page.etag)]));
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(again.body().is_empty());
    assert!(find("../build.rs").is_none() && find("package.json").is_none());
}
