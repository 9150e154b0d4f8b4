//! What is shown while it comes: a line for each chunk, tag or message, for people or as JSON.

use std::io::{self, Write};
use std::time::Instant;

use backline_rtmp::amf0::Value;
use backline_rtmp::chunk::ChunkHeader;
use backline_rtmp::flv::{AudioData, Media, Packet, VideoData};
use serde_json::json;

/// What is to be shown, and since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) json: bool,
    pub(crate) chunks: bool,
    pub(crate) messages: bool,
    pub(crate) began: Instant,
}

impl View {
    /// Prints a line. A closed standard output is the end of the program, as of any in a pipe.
    pub(crate) fn line(self, line: &str) {
        let mut out = io::stdout().lock();
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    }

    pub(crate) fn chunk(self, header: &ChunkHeader) {
        if !self.chunks {
            return;
        }
        let time = match (header.timestamp, header.extended) {
            (_, Some(extended)) => format!("extended {extended}"),
            (Some(time), None) if header.format == 0 => format!("time {time}"),
            (Some(time), None) => format!("+{time}"),
            (None, None) => String::new(),
        };
        let kind = kind_name(header.kind);
        if self.json {
            return self.line(&json!({"chunk": {
                "at": header.at, "format": header.format, "chunk_stream": header.chunk_stream,
                "timestamp": header.timestamp, "extended": header.extended, "length": header.length,
                "type": header.kind, "message_stream": header.message_stream,
                "continues": header.continues, "payload": header.payload_len,
            }}).to_string());
        }
        let role = if header.continues { "  .." } else { kind };
        self.line(&format!(
            "@{:<10} chunk stream {:<3} format {} {role:<14} message stream {} {time:<16} {} of {} bytes",
            header.at, header.chunk_stream, header.format, header.message_stream, header.payload_len, header.length
        ));
    }

    pub(crate) fn message(self, packet: &Packet) {
        if !self.messages {
            return;
        }
        let what = describe(&packet.media);
        let after = self.began.elapsed();
        if self.json {
            return self.line(&json!({"message": {
                "after_ms": u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
                "timestamp_ms": packet.timestamp_ms, "track": packet.track(), "bytes": packet.len(), "what": what,
            }}).to_string());
        }
        self.line(&format!(
            "{:>9.3} s  time {:>9} ms  {what}, {} bytes",
            after.as_secs_f64(),
            packet.timestamp_ms,
            packet.len()
        ));
    }

    /// Something that happened, and is no message.
    pub(crate) fn event(self, what: &str) {
        if self.json {
            return self.line(&json!({"event": what}).to_string());
        }
        if self.messages || self.chunks {
            self.line(&format!(
                "{:>9.3} s  {what}",
                self.began.elapsed().as_secs_f64()
            ));
        }
    }
}

fn describe(media: &Media) -> String {
    match media {
        Media::Audio(audio) => {
            let what = match audio.data {
                AudioData::Config(_) => "configuration",
                AudioData::End => "end of sequence",
                AudioData::Frame(_) => "frame",
                AudioData::Multichannel(_) => "channel layout",
                AudioData::Silence => "silence",
                _ => "data",
            };
            format!(
                "sound {} {:?} {what}{}",
                audio.track,
                audio.codec,
                offset(audio.offset_ns)
            )
        }
        Media::Video(video) => {
            let what = match &video.data {
                VideoData::Command(command) => format!("command {command}"),
                VideoData::Config(_) | VideoData::TsConfig(_) => "configuration".to_owned(),
                VideoData::End => "end of sequence".to_owned(),
                VideoData::Frame { composition_ms, .. } => {
                    format!("{:?} frame, composition {composition_ms:+} ms", video.frame)
                }
                VideoData::Metadata(_) => "colour metadata".to_owned(),
                _ => "data".to_owned(),
            };
            format!(
                "picture {} {:?} {what}{}",
                video.track,
                video.codec,
                offset(video.offset_ns)
            )
        }
        Media::Metadata(value) => format!("metadata {}", text(value)),
        Media::Data { name, values } => {
            let values: Vec<_> = values.iter().map(text).collect();
            format!("data {} {}", name.escape_debug(), values.join(" "))
        }
        _ => "something new".to_owned(),
    }
}

fn offset(offset_ns: u32) -> String {
    match offset_ns {
        0 => String::new(),
        offset_ns => format!(", offset {offset_ns} ns"),
    }
}

/// A value in one line; what the peer sent is escaped, so that it cannot write on the terminal.
pub(crate) fn text(value: &Value) -> String {
    let pairs = |value: &Value| {
        let pairs: Vec<_> = value
            .properties()
            .iter()
            .map(|(name, value)| format!("{}: {}", name.escape_debug(), text(value)))
            .collect();
        format!("{{{}}}", pairs.join(", "))
    };
    match value {
        Value::Boolean(on) => on.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("\"{}\"", text.escape_debug()),
        Value::EcmaArray(_) | Value::Object(_) | Value::TypedObject(..) => pairs(value),
        Value::StrictArray(values) => {
            let values: Vec<_> = values.iter().map(text).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Null => "null".to_owned(),
        other => format!("{other:?}").escape_debug().to_string(),
    }
}

/// The name of a message type.
pub(crate) const fn kind_name(kind: u8) -> &'static str {
    match kind {
        1 => "set chunk size",
        2 => "abort",
        3 => "acknowledge",
        4 => "user control",
        5 => "ack window",
        6 => "bandwidth",
        8 => "sound",
        9 => "picture",
        15 => "data (AMF3)",
        16 | 19 => "shared object",
        17 => "command (AMF3)",
        18 => "data",
        20 => "command",
        22 => "aggregate",
        _ => "unknown",
    }
}
