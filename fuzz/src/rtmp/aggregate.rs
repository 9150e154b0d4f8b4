//! Messages with messages in them: aggregates and shared objects.

use super::limits;
use crate::Source;
use backline_rtmp::aggregate::{join, split};
use backline_rtmp::chunk::Message;
use backline_rtmp::shared_object::SharedObject;
use bytes::Bytes;

/// The items of an aggregate share its bytes and do not overlap, but for those below a quarter of it, which are copies;
/// they are no more than the cap, belong to its stream, and cost nothing else; what they are written into again is read
/// alike.
///
/// Input: a byte of modes, then a body, or with mode 2 a recipe for messages.
pub fn aggregate_items(data: &[u8]) {
    let mut source = Source::new(data);
    let mode = source.u8();
    let caps = limits(mode & 1 != 0);
    if mode & 2 != 0 {
        return joined(&mut source);
    }
    let body = Bytes::copy_from_slice(source.rest());
    let message = Message::new(4, 7, Message::AGGREGATE, 1 << 40, body.clone());
    let (mut items, mut errors) = (Vec::with_capacity(8192), 0);
    let measured = allocation_counter::measure(|| {
        for item in split(message, &caps) {
            match item {
                Ok(item) => items.push(item),
                Err(_) => errors += 1,
            }
        }
    });
    // The body's handle is counted from the second one on.
    let most = body.len() as u64 + 1024;
    assert!(measured.bytes_max <= most, "{} bytes", measured.bytes_max);
    assert!(errors <= 1, "an error ends it");
    assert!(items.len() <= usize::from(caps.aggregate_items));
    let mut free = body.as_ptr_range().start;
    for item in &items {
        assert_eq!((item.chunk_stream, item.message_stream), (4, 7));
        let range = item.payload.as_ptr_range();
        if item.payload.len() >= (body.len() / 4).max(1) {
            assert!(free <= range.start && range.end <= body.as_ptr_range().end);
            free = range.end;
        }
    }
    let taken: usize = items.iter().map(|item| item.payload.len() + 15).sum();
    // The last back pointer may be cut off.
    assert!(taken <= body.len() + 4);
    again(&items);
}

/// Writes messages into one and reads them back.
fn joined(source: &mut Source<'_>) {
    let mut messages = Vec::new();
    let mut timestamp_ms = 1 << 40 | u64::from(source.u32());
    while !source.is_empty() && messages.len() < 64 {
        // Forth and back by up to half an hour, and rarely by days.
        let step = match source.below(8) {
            0 => i64::from(source.u32() as i32 >> 2),
            _ => i64::from(source.u16() as i16),
        };
        timestamp_ms = timestamp_ms.saturating_add_signed(step);
        let kind = source.u8();
        let length = usize::from(source.u8());
        let payload = Bytes::copy_from_slice(source.take(length));
        messages.push(Message::new(4, 7, kind, timestamp_ms, payload));
    }
    again(&messages);
}

fn again(messages: &[Message]) {
    let Some(aggregate) = join(messages) else {
        return assert!(messages.is_empty());
    };
    let first = &messages[0];
    assert_eq!(aggregate.kind, Message::AGGREGATE);
    assert_eq!(aggregate.timestamp_ms, first.timestamp_ms);
    let read: Result<Vec<_>, _> = split(aggregate, &limits(false)).collect();
    let read = read.expect("what is written can be read");
    assert_eq!(read.len(), messages.len());
    for (read, written) in read.iter().zip(messages) {
        assert_eq!((read.kind, &read.payload), (written.kind, &written.payload));
        // 32 bits on the wire: half of their range in each direction.
        let since = (written.timestamp_ms as u32).wrapping_sub(first.timestamp_ms as u32) as i32;
        let expected = first.timestamp_ms.saturating_add_signed(since.into());
        assert_eq!(read.timestamp_ms, expected);
    }
}

/// The news of a shared object that can be read can be written, and reads the same again; reading costs no more than
/// the caps allow.
///
/// Input: a byte of modes, the message type, a body.
pub fn shared_object(data: &[u8]) {
    /// The values of all events, in lists that double, and 64 KiB of text.
    const BYTES_MAX: u64 = 1 << 20;
    let mut source = Source::new(data);
    let caps = limits(source.u8() & 1 != 0);
    let kind = match source.u8() {
        Message::SHARED_OBJECT_AMF3 => Message::SHARED_OBJECT_AMF3,
        _ => Message::SHARED_OBJECT,
    };
    let body = Bytes::copy_from_slice(source.rest());
    let message = Message::new(3, 0, kind, 0, body);
    let mut object = None;
    let measured = allocation_counter::measure(|| {
        object = SharedObject::decode(&message, &caps).ok();
    });
    assert!(
        measured.bytes_max <= BYTES_MAX,
        "{} bytes for {}",
        measured.bytes_max,
        message.payload.len()
    );
    let Some(object) = object else { return };
    assert!(object.events.len() <= caps.amf_nodes as usize);
    let written = object.to_message();
    let mut open = limits(false);
    open.amf_nodes = u32::MAX;
    open.amf_string_bytes = u32::MAX;
    open.command_bytes = u32::MAX;
    let again = SharedObject::decode(&written, &open).expect("what was written can be read");
    // Their text is compared, since NaN is not itself.
    assert_eq!(format!("{object:?}"), format!("{again:?}"));
    assert_eq!(written, again.to_message());
}
