//! Commands, user control and bandwidth limits.

use super::limits;
use crate::Source;
use backline_rtmp::chunk::Message;
use backline_rtmp::command::Command;
use backline_rtmp::control::{PeerBandwidth, UserControl};
use bytes::Bytes;

/// A command, a user control event or a limit that can be read can be written, and reads the same again; reading a
/// command costs no more than the caps allow.
///
/// Input: a byte of modes, the message type, a body.
pub fn control_messages(data: &[u8]) {
    /// The values of one command, in lists that double, and 64 KiB of text.
    const BYTES_MAX: u64 = 1 << 20;
    let mut source = Source::new(data);
    let caps = limits(source.u8() & 1 != 0);
    let kind = source.u8();
    let body = Bytes::copy_from_slice(source.rest());
    match kind {
        Message::USER_CONTROL => {
            let Ok(event) = UserControl::decode(&body) else {
                return;
            };
            let written = event.to_message();
            assert_eq!((written.chunk_stream, written.kind), (2, kind));
            assert!(body.starts_with(&written.payload), "{event:?}");
            assert_eq!(UserControl::decode(&written.payload), Ok(event));
        }
        Message::SET_PEER_BANDWIDTH => {
            let Ok(limit) = PeerBandwidth::decode(&body) else {
                return;
            };
            let written = limit.to_message();
            assert_eq!((written.chunk_stream, written.kind), (2, kind));
            assert_eq!(PeerBandwidth::decode(&written.payload), Ok(limit));
        }
        _ => {
            let kind = match kind {
                Message::COMMAND_AMF3 => kind,
                _ => Message::COMMAND,
            };
            let message = Message::new(3, 1, kind, 0, body);
            let mut command = None;
            let measured = allocation_counter::measure(|| {
                command = Command::decode(&message, &caps).ok();
            });
            assert!(
                measured.bytes_max <= BYTES_MAX + 4 * message.payload.len() as u64,
                "{} bytes",
                measured.bytes_max
            );
            let Some(command) = command else { return };
            let written = command.to_message();
            assert_eq!(
                (written.kind, written.message_stream),
                (Message::COMMAND, 1)
            );
            let mut open = limits(false);
            open.amf_nodes = u32::MAX;
            open.amf_string_bytes = u32::MAX;
            let again = Command::decode(&written, &open).expect("what was written can be read");
            // Their text is compared, since NaN is not itself.
            assert_eq!(format!("{command:?}"), format!("{again:?}"));
        }
    }
}
