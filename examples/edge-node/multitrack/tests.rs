use super::*;

const HOUSE: House = House {
    uplink_kbps: 1_000_000,
    audience: 100,
};
const SERVER: &str = "rtmp://10.0.0.2:1935/live";

/// A request in the shape of OBS 31 (schema 2025-01-25).
fn request(preferences: Value) -> Value {
    json!({
        "service": "IVS",
        "schema_version": "2025-01-25",
        "authentication": "the-key",
        "client": {
            "name": "obs-studio",
            "version": "31.1.2",
            "supported_codecs": ["av1", "h264", "h265"],
            "supported_encoders": ["obs_x264", "ffmpeg_aac"],
        },
        "capabilities": {
            "cpu": { "physical_cores": 8, "logical_cores": 16, "speed": 3_600, "name": "a processor" },
            "memory": { "total": 34_359_738_368_u64, "free": 17_179_869_184_u64 },
            "gaming_features": null,
            "system": { "version": "6.1", "name": "Linux", "build": 0, "release": "12", "revision": 0, "bits": 64, "arm": false, "armEmulation": false },
            "gpu": null,
        },
        "preferences": preferences,
    })
}

fn ask(request: &Value) -> Value {
    let body = serde_json::to_vec(request).expect("a value is JSON");
    answer(HOUSE, SERVER, &parse(&body).expect("a request of OBS"))
}

fn sizes(answer: &Value) -> Vec<(u64, u64)> {
    let rungs = answer["encoder_configurations"].as_array().expect("a list");
    let side = |rung: &Value, name: &str| rung[name].as_u64().expect("a side");
    rungs
        .iter()
        .map(|rung| (side(rung, "width"), side(rung, "height")))
        .collect()
}

fn canvas(width: u64, height: u64) -> Value {
    let rate = json!({ "numerator": 60, "denominator": 1 });
    json!({ "width": width, "height": height, "canvas_width": width, "canvas_height": height, "framerate": rate })
}

#[test]
fn obs_gets_every_field_that_it_reads() {
    let answer = ask(&request(json!({
        "maximum_aggregate_bitrate": null,
        "maximum_video_tracks": 3,
        "vod_track_audio": false,
        "composition_gpu_index": 0,
        "audio_samples_per_sec": 48_000,
        "audio_channels": 2,
        "audio_max_buffering_ms": 960,
        "audio_fixed_buffering": false,
        "canvases": [canvas(1920, 1080)],
    })));
    assert_eq!(
        answer["meta"],
        json!({ "service": "backline", "schema_version": "2025-01-25", "config_id": "" })
    );
    assert_eq!(answer["status"]["result"], "success");
    assert_eq!(
        answer["ingest_endpoints"],
        json!([{ "protocol": "RTMP", "url_template": "rtmp://10.0.0.2:1935/live/{stream_key}" }])
    );
    assert_eq!(sizes(&answer), [(1920, 1080), (960, 540), (426, 240)]);
    for rung in answer["encoder_configurations"].as_array().expect("a list") {
        assert_eq!(rung["type"], "obs_x264");
        assert_eq!(
            rung["framerate"],
            json!({ "numerator": 60, "denominator": 1 })
        );
        assert_eq!(rung["settings"]["keyint_sec"], 2, "they are cut together");
        assert_eq!(rung["canvas_index"], 0);
    }
    assert_eq!(
        answer["audio_configurations"]["live"][0]["settings"]["bitrate"],
        128
    );
    assert!(answer["audio_configurations"].get("vod").is_none());
}

#[test]
fn the_older_schema_has_its_canvas_among_the_preferences() {
    let mut preferences = canvas(1280, 720);
    preferences["vod_track_audio"] = true.into();
    let mut request = request(preferences);
    request["schema_version"] = "2024-06-04".into();
    request["client"]["supported_encoders"] = json!(["obs_nvenc_h264_tex"]);
    let answer = ask(&request);
    assert_eq!(answer["meta"]["schema_version"], "2024-06-04");
    assert_eq!(sizes(&answer), [(1280, 720), (852, 480), (426, 240)]);
    assert_eq!(
        answer["encoder_configurations"][0]["type"],
        "obs_nvenc_h264_tex"
    );
    assert_eq!(
        answer["audio_configurations"]["vod"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn what_cannot_be_served_is_said_in_words_that_obs_shows() {
    let mut none = request(json!({ "canvases": [canvas(1920, 1080)] }));
    none["client"]["supported_codecs"] = json!(["av1"]);
    let wide = request(json!({ "canvases": [canvas(99_999, 1080)] }));
    let mut odd = request(json!({ "canvases": [canvas(1920, 1080)] }));
    odd["preferences"]["canvases"][0]["framerate"]["denominator"] = 0.into();
    for request in [none, wide, odd] {
        let answer = ask(&request);
        assert_eq!(answer["status"]["result"], "error", "{answer}");
        assert!(answer["status"]["html_en_us"].is_string() && sizes(&answer).is_empty());
    }
    let thin = House {
        uplink_kbps: 10_000,
        audience: 1_000,
    };
    let body = serde_json::to_vec(&request(json!({}))).expect("JSON");
    let answer = answer(thin, SERVER, &parse(&body).expect("a request"));
    assert_eq!(
        (&answer["status"]["result"], sizes(&answer).len()),
        (&json!("warning"), 1)
    );
}

#[test]
fn what_is_no_request_is_an_error_with_its_place() {
    for text in [
        "",
        "[]",
        "{}",
        "null",
        "{\"authentication\": 3}",
        "{\"authentication\":\"k\",\"preferences\":{\"canvases\":[{}]}}",
    ] {
        let error = parse(text.as_bytes()).expect_err(text);
        assert!(
            matches!(error, RequestError::Json { .. }),
            "{text}: {error}"
        );
    }
    let deep = format!("{{\"authentication\":{}", "[".repeat(60_000));
    assert!(parse(deep.as_bytes()).is_err(), "it is bounded in depth");
}

#[test]
fn the_file_is_for_any_obs() {
    let file = file(HOUSE, SERVER);
    assert_eq!(sizes(&file), [(1920, 1080), (960, 540), (426, 240)]);
    assert_eq!(
        file["encoder_configurations"][2]["settings"]["bitrate"],
        350
    );
    assert!(
        !file.to_string().contains("authentication"),
        "no key is given away"
    );
}

/// What is read goes into logs and answers, and a key may stand anywhere in it.
#[test]
fn neither_a_request_nor_its_error_shows_a_key() {
    let whole = serde_json::to_vec(&request(json!({}))).expect("JSON");
    let shown = format!("{:?}", parse(&whole).expect("a request"));
    assert!(!shown.contains("the-key"), "{shown}");
    for text in [
        "{\"authentication\": \"k\", \"client\": \"the-key\"}",
        "{\"authentication\": \"k\",\n\"preferences\": {\"maximum_video_tracks\": \"the-key\"}}",
        "\"the-key\"",
    ] {
        let error = parse(text.as_bytes()).expect_err(text);
        assert!(!format!("{error} {error:?}").contains("the-key"), "{error}");
        assert!(error.to_string().contains("column"), "{error}");
    }
}
