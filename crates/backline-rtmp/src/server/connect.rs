//! What a peer says in `connect`, and the answer.

use super::{Capabilities, Peer};
use crate::amf0::{Properties, Value};
use crate::command::{Command, information};
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a server of this protocol has always called itself; clients look for the letters.
const SERVER_NAME: &str = "FMS/3,0,1,123";
const CAPABILITIES: f64 = 31.0;
/// The peer can be asked to connect anew.
pub(super) const CAN_RECONNECT: u32 = 1;
/// Stands for all FourCCs.
const ANY: &str = "*";
/// Codec lists of Enhanced RTMP, and their maps.
const FOURCC_LIST: &str = "fourCcList";
const VIDEO_MAP: &str = "videoFourCcInfoMap";
const AUDIO_MAP: &str = "audioFourCcInfoMap";
const CAPS: &str = "capsEx";
const VIDEO_FUNCTION: &str = "videoFunction";

/// Returns the command object, in AMF0 whatever it came in.
fn to_amf0(command: &Command) -> Value {
    match command.object() {
        Value::Amf3(object) => object.to_amf0(),
        object => object.clone(),
    }
}

impl Peer {
    pub(super) fn read(command: &Command) -> Self {
        let object = &to_amf0(command);
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
pub(super) fn answer(command: &Command, ours: &Capabilities) -> [Value; 2] {
    let object = &to_amf0(command);
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
        put_enhanced(object, ours, properties);
    }
    [server, status]
}

fn put_enhanced(object: &Value, ours: &Capabilities, properties: &mut Properties) {
    let (video, audio) = (&*ours.video_fourccs, &*ours.audio_fourccs);
    if object.get(FOURCC_LIST).is_some() {
        let both = [video, audio].concat();
        let list = common(&fourccs(object), &both)
            .map(|(fourcc, _)| Value::String(fourcc.into()))
            .collect();
        properties.push((FOURCC_LIST.into(), Value::StrictArray(list)));
    }
    for (name, ours) in [(VIDEO_MAP, video), (AUDIO_MAP, audio)] {
        if let Some(map) = object.get(name) {
            let theirs: Vec<_> = map.properties().iter().map(|(key, _)| &**key).collect();
            let map = common(&theirs, ours)
                .map(|(fourcc, mask)| (fourcc.into(), Value::Number((*mask).into())))
                .collect();
            properties.push((name.into(), Value::Object(map)));
        }
    }
    if object.get(CAPS).is_some() {
        properties.push((CAPS.into(), Value::Number(ours.caps_ex.into())));
    }
    if let Some(theirs) = object.get(VIDEO_FUNCTION) {
        let both = mask(Some(theirs)) & ours.video_function;
        properties.push((VIDEO_FUNCTION.into(), Value::Number(both.into())));
    }
}

/// Returns those of our FourCCs that the peer names, or all if it names `*`. Ours may have a `*`, too, which is named
/// to everyone.
fn common<'a>(
    theirs: &'a [&str],
    ours: &'a [(Cow<'static, str>, u32)],
) -> impl Iterator<Item = (&'a str, &'a u32)> {
    let any = theirs.contains(&ANY);
    ours.iter()
        .map(|(fourcc, mask)| (&**fourcc, mask))
        .filter(move |(fourcc, _)| any || *fourcc == ANY || theirs.contains(fourcc))
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
