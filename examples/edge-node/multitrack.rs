//! The configuration that OBS (30.2 and later) asks a multitrack service for before it goes live; the same as a file.
//!
//! OBS posts what it has (canvas, codecs, encoders) and wants (tracks, bit rate in all), with the stream key; it gets
//! the sizes and bit rates to encode and where to send them. The fields are those of OBS's own source (`GoLiveApi`,
//! schema `2025-01-25`, and `2024-06-04` before it); it has not been tried with OBS itself.

use std::fmt;

use backline_examples::adapt::body::Unread;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ladder::{House, Ladder, SOUND_KBPS, Wish, ladder, share_kbps};

/// Bytes of a request. OBS's own, with a dozen encoders and GPUs, is below 8 KiB.
pub(crate) const REQUEST_MAX: usize = 64 * 1024;
/// The schema of a file that nobody asked for in one.
const SCHEMA: &str = "2025-01-25";
/// Pixels of a side, and frames a second, beyond which a number is a mistake.
const SIDE_MAX: u64 = 16_384;
const RATE_MAX: u64 = 1_000;
/// Seconds between key frames, the same for every rung: they are cut together.
const KEY_INTERVAL_S: u64 = 2;

/// The request cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error(transparent)]
    Unread(#[from] Unread),
    /// The reader's own words hold what stands there, which may be a key.
    #[error(
        "this is not a request of OBS for a client configuration: {what} at line {line}, column {column}"
    )]
    Json {
        what: &'static str,
        line: usize,
        column: usize,
    },
}

impl From<serde_json::Error> for RequestError {
    fn from(error: serde_json::Error) -> Self {
        use serde_json::error::Category;
        let what = match error.classify() {
            Category::Data => "a field is missing or of another type",
            Category::Eof => "it ends too early",
            Category::Io | Category::Syntax => "it is no JSON",
        };
        Self::Json {
            what,
            line: error.line(),
            column: error.column(),
        }
    }
}

/// A stream key that shows itself to nobody.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct StreamKey(pub(crate) String);

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stream key")
    }
}

/// What OBS posts, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct ClientRequest {
    /// The stream key.
    pub(crate) authentication: StreamKey,
    #[serde(default)]
    schema_version: String,
    #[serde(default)]
    client: Client,
    #[serde(default)]
    preferences: Preferences,
}

#[derive(Debug, Default, Deserialize)]
struct Client {
    #[serde(default)]
    supported_codecs: Vec<String>,
    /// Not in the older schema.
    #[serde(default)]
    supported_encoders: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Preferences {
    maximum_aggregate_bitrate: Option<u64>,
    maximum_video_tracks: Option<u64>,
    #[serde(default)]
    vod_track_audio: bool,
    #[serde(default)]
    canvases: Vec<Canvas>,
    /// In the older schema, which has one canvas.
    #[serde(flatten)]
    canvas: Option<Canvas>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Canvas {
    width: u64,
    height: u64,
    framerate: Rate,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Rate {
    numerator: u64,
    denominator: u64,
}

/// What is written when nothing is known of the picture.
const USUAL: Canvas = Canvas {
    width: 1920,
    height: 1080,
    framerate: Rate {
        numerator: 30,
        denominator: 1,
    },
};

/// Reads a request.
pub(crate) fn parse(body: &[u8]) -> Result<ClientRequest, RequestError> {
    Ok(serde_json::from_slice(body)?)
}

/// The answer to a request whose key is right; `server` is the one to publish to.
pub(crate) fn answer(house: House, server: &str, request: &ClientRequest) -> Value {
    let codecs = &request.client.supported_codecs;
    if !codecs.is_empty() && !codecs.iter().any(|codec| codec == "h264") {
        return refusal("this OBS has no H.264 encoder, and it is what every browser plays");
    }
    let wanted = &request.preferences;
    let canvas = wanted
        .canvases
        .first()
        .copied()
        .or(wanted.canvas)
        .unwrap_or(USUAL);
    let sides = 2..=SIDE_MAX;
    let Rate {
        numerator,
        denominator,
    } = canvas.framerate;
    let rate_known =
        (1..=1_001).contains(&denominator) && (1..=RATE_MAX * denominator).contains(&numerator);
    if !sides.contains(&canvas.width) || !sides.contains(&canvas.height) || !rate_known {
        return refusal("the canvas has a size or a frame rate that no encoder takes");
    }
    let wish = Wish {
        width: canvas.width,
        height: canvas.height,
        rate: (numerator, denominator),
        rungs_max: wanted.maximum_video_tracks,
        total_kbps_max: wanted.maximum_aggregate_bitrate,
    };
    let encoder = encoder(&request.client.supported_encoders);
    let schema = match request.schema_version.as_str() {
        "" => SCHEMA,
        asked => asked,
    };
    write(
        house,
        server,
        schema,
        canvas,
        encoder,
        &ladder(house, wish),
        wanted.vod_track_audio,
    )
}

/// The file for OBS's custom configuration: for a picture of the usual size, with the encoder that every OBS has.
pub(crate) fn file(house: House, server: &str) -> Value {
    let wish = Wish {
        width: USUAL.width,
        height: USUAL.height,
        rate: (USUAL.framerate.numerator, USUAL.framerate.denominator),
        rungs_max: None,
        total_kbps_max: None,
    };
    write(
        house,
        server,
        SCHEMA,
        USUAL,
        Encoder::X264,
        &ladder(house, wish),
        false,
    )
}

/// The answer to a request with a wrong key, or one that cannot be served: OBS shows the text.
pub(crate) fn refusal(why: &str) -> Value {
    json!({
        "meta": { "service": "backline", "schema_version": SCHEMA, "config_id": "" },
        "status": { "result": "error", "html_en_us": why },
        "ingest_endpoints": [],
        "encoder_configurations": [],
        "audio_configurations": { "live": [] },
    })
}

/// What encodes the rungs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Encoder {
    Nvenc,
    X264,
}

/// Three pictures are much for a processor, so a graphics card does it where OBS names the encoder.
fn encoder(supported: &[String]) -> Encoder {
    if supported.iter().any(|name| name == Encoder::Nvenc.name()) {
        Encoder::Nvenc
    } else {
        Encoder::X264
    }
}

impl Encoder {
    const fn name(self) -> &'static str {
        match self {
            Self::Nvenc => "obs_nvenc_h264_tex",
            Self::X264 => "obs_x264",
        }
    }

    fn settings(self, kbps: u64) -> Value {
        let mut settings = json!({
            "rate_control": "CBR",
            "bitrate": kbps,
            "keyint_sec": KEY_INTERVAL_S,
            "profile": "high",
            "bf": 0,
        });
        let own = match self {
            Self::Nvenc => {
                json!({ "preset": "p4", "tune": "ll", "multipass": "disabled", "lookahead": false })
            }
            Self::X264 => {
                json!({ "preset": "veryfast", "tune": "zerolatency", "x264opts": "scenecut=0" })
            }
        };
        if let (Some(settings), Value::Object(own)) = (settings.as_object_mut(), own) {
            settings.extend(own);
        }
        settings
    }
}

fn write(
    house: House,
    server: &str,
    schema: &str,
    canvas: Canvas,
    encoder: Encoder,
    ladder: &Ladder,
    second_sound: bool,
) -> Value {
    let rungs: Vec<Value> = ladder
        .rungs
        .iter()
        .map(|rung| {
            json!({
                "type": encoder.name(),
                "width": rung.width,
                "height": rung.height,
                "framerate": canvas.framerate,
                "gpu_scale_type": "OBS_SCALE_BICUBIC",
                "colorspace": "VIDEO_CS_709",
                "range": "VIDEO_RANGE_PARTIAL",
                "format": "VIDEO_FORMAT_NV12",
                "settings": encoder.settings(rung.kbps),
                "canvas_index": 0,
            })
        })
        .collect();
    let sound = json!([{
        "codec": "aac",
        "track_id": 1,
        "channels": 2,
        "settings": { "bitrate": SOUND_KBPS },
    }]);
    let mut sounds = json!({ "live": sound });
    // OBS gives up when it wants one and gets none.
    if second_sound && let Some(sounds) = sounds.as_object_mut() {
        sounds.insert("vod".to_owned(), sound);
    }
    let status = if ladder.fits {
        json!({ "result": "success" })
    } else {
        let text = format!(
            "each of {} viewers can have {} kb/s, which is less than the smallest picture takes: not all will see it",
            house.audience,
            share_kbps(house)
        );
        json!({ "result": "warning", "html_en_us": text })
    };
    json!({
        "meta": { "service": "backline", "schema_version": schema, "config_id": "" },
        "status": status,
        "ingest_endpoints": [{ "protocol": "RTMP", "url_template": format!("{server}/{{stream_key}}") }],
        "encoder_configurations": rungs,
        "audio_configurations": sounds,
    })
}

#[cfg(test)]
mod tests;
