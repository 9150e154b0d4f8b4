use super::*;

fn write(format: Format) -> String {
    let mut out = Exposition::new(format);
    out.family("backline_x", Kind::Counter, "X.");
    out.sample(&[("stage", "a\"b\\c\nd")], 3);
    let histogram = Histogram::default();
    histogram.add(Duration::from_millis(1));
    histogram.add(Duration::from_secs(11));
    out.family("backline_y_seconds", Kind::Histogram, "Y.");
    out.histogram(&[], &histogram);
    out.finish()
}

#[test]
fn the_classic_format_names_samples_and_openmetrics_families() {
    let classic = write(Format::Classic);
    assert!(classic.starts_with("# HELP backline_x_total X.\n# TYPE backline_x_total counter\n"));
    assert!(!classic.contains("# EOF"));
    let open = write(Format::Open);
    assert!(open.starts_with("# HELP backline_x X.\n# TYPE backline_x counter\nbackline_x_total{"));
    assert!(open.ends_with("# EOF\n"));
    assert!(open.contains(r#"{stage="a\"b\\c\nd"} 3"#), "{open}");
}

#[test]
fn buckets_are_cumulative_and_end_with_all() {
    let text = write(Format::Classic);
    for line in [
        "backline_y_seconds_bucket{le=\"0.0005\"} 0\n",
        "backline_y_seconds_bucket{le=\"0.001\"} 1\n",
        "backline_y_seconds_bucket{le=\"10.0\"} 1\n",
        "backline_y_seconds_bucket{le=\"+Inf\"} 2\n",
        "backline_y_seconds_sum 11.001\n",
        "backline_y_seconds_count 2\n",
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
}

#[test]
fn openmetrics_is_given_to_who_asks() {
    let mut headers = HeaderMap::new();
    assert_eq!(Format::wanted(&headers), Format::Classic);
    let prometheus =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    headers.insert(ACCEPT, http::HeaderValue::from_static(prometheus));
    assert_eq!(Format::wanted(&headers), Format::Open);
}
