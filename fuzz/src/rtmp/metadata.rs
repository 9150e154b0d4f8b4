//! What is said about media: metadata, colours, layouts of channels.

use super::limits;
use crate::Source;
use backline_rtmp::amf0::{Value, decode};
use backline_rtmp::flv::{ColorInfo, Multichannel, StreamInfo};
use bytes::Bytes;

/// What is read of metadata, colours and layouts can be written, and means the same when it is read again; nothing that
/// was said is lost.
///
/// Input: a byte that picks a kind, a body.
pub fn metadata(data: &[u8]) {
    let mut source = Source::new(data);
    let kind = source.below(3);
    let body = Bytes::copy_from_slice(source.rest());
    if kind == 0 {
        return channels(&body);
    }
    let Ok(values) = decode(&body, &limits(false)) else {
        return;
    };
    if kind == 1 {
        for value in &values {
            stream(value);
        }
        return;
    }
    let Some(color) = ColorInfo::read(&values) else {
        return;
    };
    let written = color.to_values();
    // A group without a value says nothing, and is not written.
    let again = ColorInfo::read(&written).unwrap_or_default();
    assert_eq!(sorted(&color), sorted(&again), "{written:?}");
}

/// The text of all that is known; what else was said may stand in another order.
fn sorted(color: &ColorInfo) -> (String, Vec<String>) {
    let mut known = color.clone();
    let others = std::mem::take(&mut known.others);
    let mut others: Vec<String> = others.iter().map(|other| format!("{other:?}")).collect();
    others.sort();
    (format!("{known:?}"), others)
}

fn stream(value: &Value) {
    let info = StreamInfo::read(value);
    assert!(info.others.len() <= value.properties().len());
    let written = info.to_value();
    let again = StreamInfo::read(&written);
    // Their text is compared, since NaN is not itself.
    assert_eq!(format!("{info:?}"), format!("{again:?}"), "{written:?}");
}

fn channels(payload: &Bytes) {
    let Ok(layout) = Multichannel::decode(payload) else {
        return;
    };
    let written = layout.encode();
    assert!(payload.starts_with(&written), "{layout:?}");
    assert_eq!(Multichannel::decode(&written), Ok(layout));
}
