//! Conditions of a request.

use crate::Source;
use backline_cache::{Body, Cache, Conditions, Config, Key, Kind, Reply};
use bytes::Bytes;
use std::time::Instant;

/// Whatever the conditions say: one of four statuses, a range inside of the body, and the bytes of that range.
///
/// Input: a byte for the body, a byte of which headers there are, a byte for the length of each, their values.
pub fn range_header(data: &[u8]) {
    let mut source = Source::new(data);
    let body = body(source.u8());
    let whole = body.pieces().concat();
    let which = source.u8();
    let mut header = |bit: u8| {
        let length = usize::from(source.u8());
        let value = source.take(length);
        (which & bit != 0).then_some(value)
    };
    let conditions = Conditions {
        accept_encoding: header(1),
        if_none_match: header(2),
        if_range: header(4),
        range: header(8),
    };
    let reply = Reply::new(&body, &conditions);
    assert_eq!(reply, Reply::new(&body, &conditions));
    assert_eq!(reply.complete, whole.len() as u64);
    let sent: Vec<u8> = reply.slices(&body).flatten().collect();
    match reply.status {
        200 => assert_eq!(sent, whole),
        206 => {
            assert!(
                reply.range.start < reply.range.end && reply.range.end <= reply.complete,
                "{:?}",
                reply.range
            );
            assert_eq!(
                sent,
                whole[reply.range.start as usize..reply.range.end as usize]
            );
        }
        304 => assert!(sent.is_empty() && conditions.if_none_match.is_some()),
        416 => assert!(sent.is_empty()),
        other => panic!("status {other}"),
    }
    let plain = conditions.if_none_match.is_none() && conditions.if_range.is_none();
    if plain
        && let Some(expected) = conditions
            .range
            .and_then(|value| resolve(value, reply.complete))
    {
        assert_eq!(
            (reply.status, reply.range.clone()),
            expected,
            "{:?}",
            conditions.range
        );
    }
    if conditions.range.is_none() {
        assert!(matches!(reply.status, 200 | 304));
    }
}

/// RFC 9110, 14.1.2, for what is plainly one range; none for what may be answered in several ways.
fn resolve(value: &[u8], complete: u64) -> Option<(u16, std::ops::Range<u64>)> {
    let text = std::str::from_utf8(value).ok()?.strip_prefix("bytes=")?;
    let (first, last) = text.split_once('-')?;
    let number = |text: &str| {
        let plain = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u64>().ok())?
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..(last + 1).min(complete),
        (Some(first), None) if last.is_empty() => first..complete,
        (None, Some(suffix)) if first.is_empty() => complete.saturating_sub(suffix)..complete,
        _ => return None,
    };
    Some(if range.is_empty() {
        (416, 0..0)
    } else {
        (206, range)
    })
}

/// One piece, or a rope of several.
fn body(byte: u8) -> Body {
    let now = Instant::now();
    let mut cache = Cache::new(Config::default(), now).expect("defaults are legal");
    let count = u64::from(byte >> 6) + 1;
    let parts: Vec<Key> = (0..count)
        .map(|seq| Key::new(1, 1, Kind::Part, seq))
        .collect();
    for part in &parts {
        let bytes: Bytes = (0..=byte & 0x3F)
            .map(|index| index.wrapping_add(part.seq as u8))
            .collect();
        cache.publish(now, *part, &[bytes]).expect("a small body");
    }
    let segment = Key::new(1, 1, Kind::Segment, 1);
    cache
        .publish_rope(now, segment, &parts)
        .expect("all parts are there");
    cache.get(&segment).expect("it was published").clone()
}
