//! What a peer says in `connect`, and the answer.

use super::Peer;
use crate::amf0::{Properties, Value};
use crate::command::{Command, information};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a server of this protocol has always called itself; clients look for the letters.
const SERVER_NAME: &str = "FMS/3,0,1,123";
const CAPABILITIES: f64 = 31.0;
/// FourCCs that are passed on.
const FOURCCS: [&str; 12] = [
    "av01", "avc1", "hvc1", "vp08", "vp09", "vvc1", ".mp3", "Opus", "ac-3", "ec-3", "fLaC", "mp4a",
];
/// Stands for all FourCCs.
const ANY: &str = "*";
/// A codec is passed on, neither decoded nor encoded (Enhanced RTMP, "FourCcInfoMask").
const CAN_FORWARD: f64 = 4.0;
/// The peer may be asked to connect anew; several tracks, ModEx and its nanosecond offset are understood
/// (Enhanced RTMP, "CapsExMask").
const CAPS_EX: u32 = 15;
/// The peer can be asked to connect anew.
pub(super) const CAN_RECONNECT: u32 = 1;
/// Seeks of the peer, high dynamic range, metadata packets and large-scale tiles are all handed on (Enhanced RTMP,
/// "videoFunction").
const VIDEO_FUNCTIONS: u32 = 15;
/// Codec lists of Enhanced RTMP, and their maps.
const FOURCC_LIST: &str = "fourCcList";
const VIDEO_MAP: &str = "videoFourCcInfoMap";
const AUDIO_MAP: &str = "audioFourCcInfoMap";
const CAPS: &str = "capsEx";
const VIDEO_FUNCTION: &str = "videoFunction";

impl Peer {
    pub(super) fn read(command: &Command) -> Self {
        let object = command.object();
        let text = |name| object.get(name).and_then(Value::as_str).unwrap_or_default();
        let (app, query) = split_query(text("app"));
        Self {
            app: app.trim_matches('/').to_string(),
            query,
            tc_url: text("tcUrl").to_string(),
            flash_version: text("flashVer").to_string(),
            fourcc_list: fourccs(object).into_iter().map(String::from).collect(),
            video_fourccs: fourcc_map(object, VIDEO_MAP),
            audio_fourccs: fourcc_map(object, AUDIO_MAP),
            caps_ex: mask(object.get(CAPS)),
            video_function: mask(object.get(VIDEO_FUNCTION)),
        }
    }
}

/// Makes the answer to `connect`: two objects. What Enhanced RTMP adds is said only to a peer that spoke of it.
pub(super) fn answer(command: &Command) -> [Value; 2] {
    let object = command.object();
    let server = Value::Object(alloc::vec![
        ("fmsVer".into(), Value::String(SERVER_NAME.into())),
        ("capabilities".into(), Value::Number(CAPABILITIES)),
        ("mode".into(), Value::Number(1.0)),
    ]);
    let mut status = information(
        "status",
        "NetConnection.Connect.Success",
        "Connection succeeded.",
    );
    if let Value::Object(properties) = &mut status {
        // AMF3 only for a peer that asked for it (RTMP errata, 7.1.1).
        let encoding = match object.get("objectEncoding").and_then(Value::as_number) {
            Some(3.0) => 3.0,
            _ => 0.0,
        };
        properties.push(("objectEncoding".into(), Value::Number(encoding)));
        put_enhanced(object, properties);
    }
    [server, status]
}

fn put_enhanced(object: &Value, properties: &mut Properties) {
    if object.get(FOURCC_LIST).is_some() {
        let list = common(&fourccs(object))
            .map(|fourcc| Value::String(fourcc.into()))
            .collect();
        properties.push((FOURCC_LIST.into(), Value::StrictArray(list)));
    }
    for name in [VIDEO_MAP, AUDIO_MAP] {
        if let Some(map) = object.get(name) {
            let keys: Vec<_> = map
                .properties()
                .iter()
                .map(|(key, _)| key.as_str())
                .collect();
            let map = common(&keys)
                .map(|fourcc| (fourcc.into(), Value::Number(CAN_FORWARD)))
                .collect();
            properties.push((name.into(), Value::Object(map)));
        }
    }
    if object.get(CAPS).is_some() {
        properties.push((CAPS.into(), Value::Number(CAPS_EX.into())));
    }
    if let Some(theirs) = object.get(VIDEO_FUNCTION) {
        let both = mask(Some(theirs)) & VIDEO_FUNCTIONS;
        properties.push((VIDEO_FUNCTION.into(), Value::Number(both.into())));
    }
}

/// Returns the FourCCs of a list that are known here, or all if the list says so.
fn common(theirs: &[&str]) -> impl Iterator<Item = &'static str> {
    let any = theirs.contains(&ANY);
    FOURCCS
        .into_iter()
        .filter(move |ours| any || theirs.contains(ours))
}

fn fourccs(object: &Value) -> Vec<&str> {
    let values = match object.get(FOURCC_LIST) {
        Some(Value::StrictArray(values)) => values.as_slice(),
        _ => &[],
    };
    values.iter().filter_map(Value::as_str).collect()
}

fn fourcc_map(object: &Value, name: &str) -> Vec<(String, u32)> {
    let map = object.get(name).map_or(&[][..], Value::properties);
    map.iter()
        .map(|(fourcc, value)| (fourcc.clone(), mask(Some(value))))
        .collect()
}

/// Reads a mask; what is no number is one without bits.
fn mask(value: Option<&Value>) -> u32 {
    let number = value.and_then(Value::as_number).unwrap_or(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and a mask that is not one has no meaning to lose"
    )]
    let mask = number as u32;
    mask
}

/// Splits off what follows `?`.
pub(super) fn split_query(text: &str) -> (&str, Option<String>) {
    match text.split_once('?') {
        Some((front, query)) => (front, Some(query.to_string())),
        None => (text, None),
    }
}
