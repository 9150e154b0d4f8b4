//! A whole publish as an encoder sends it: handshake, commands, metadata, H.264 and AAC.

use super::{ChunkWriter, Noise};

/// What the publisher asks for: the application of the connect command.
pub const APPLICATION: &str = "live";

/// An `avcC` of 640x360 at 30 frames a second as x264 writes it (ISO/IEC 14496-15, 5.3.3.1), so that any reader can
/// find the size.
pub const AVC_CONFIG: &[u8] = &[
    0x01, 0x42, 0xC0, 0x1E, 0xFF, 0xE1, 0x00, 0x19, 0x67, 0x42, 0xC0, 0x1E, 0xDA, 0x02, 0x80, 0xBF,
    0xE5, 0xC0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xF2, 0x3C, 0x58, 0xBA,
    0x80, 0x01, 0x00, 0x04, 0x68, 0xCE, 0x0F, 0xC8,
];

/// AAC-LC, 48 kHz, two channels (ISO/IEC 14496-3, 1.6.2.1).
pub const AAC_CONFIG: &[u8] = &[0x11, 0x90];

/// Writes what an encoder sends; the caller decides when.
#[derive(Debug)]
pub struct Publisher {
    chunks: ChunkWriter,
    noise: Noise,
}

impl Publisher {
    /// A publisher whose frames are noise from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            chunks: ChunkWriter::new(),
            noise: Noise::new(seed),
        }
    }

    /// C0 and C1, the simple handshake (version 0): 1537 bytes.
    pub fn greeting(&mut self) -> Vec<u8> {
        let mut out = vec![3, 0, 0, 0, 0, 0, 0, 0, 0];
        out.extend(self.noise.bytes(1528));
        out
    }

    /// C2 for a server whose S1 is `s1` (1536 bytes) with connect, then the other commands up to publish, each to be
    /// sent when the one before it was answered.
    pub fn commands(&mut self, s1: &[u8], chunk_size: u32, key: &str) -> Vec<Vec<u8>> {
        assert_eq!(s1.len(), 1536, "S1 has one size");
        let mut first = s1.to_vec();
        self.chunks.set_chunk_size(&mut first, chunk_size);
        let mut connect = Amf::default();
        connect.string("connect").number(1.0).object(&[
            ("app", APPLICATION),
            ("type", "nonprivate"),
            ("flashVer", "FMLE/3.0 (compatible; made data)"),
            ("tcUrl", "rtmp://127.0.0.1/live"),
        ]);
        self.command(&mut first, 3, 0, &connect);
        let mut release = Amf::default();
        release
            .string("releaseStream")
            .number(2.0)
            .null()
            .string(key);
        let release = self.alone(3, 0, &release);
        let mut announce = Amf::default();
        announce.string("FCPublish").number(3.0).null().string(key);
        let announce = self.alone(3, 0, &announce);
        let mut create = Amf::default();
        create.string("createStream").number(4.0).null();
        let create = self.alone(3, 0, &create);
        let mut publish = Amf::default();
        publish
            .string("publish")
            .number(5.0)
            .null()
            .string(key)
            .string("live");
        let publish = self.alone(5, 1, &publish);
        vec![first, release, announce, create, publish]
    }

    /// `onMetaData` and both codec configurations.
    pub fn configuration(&mut self, timestamp: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let mut metadata = Amf::default();
        metadata.string("@setDataFrame").string("onMetaData").map(&[
            ("width", 640.0),
            ("height", 360.0),
            ("framerate", 30.0),
            ("videocodecid", 7.0),
            ("audiocodecid", 10.0),
        ]);
        self.chunks
            .write(&mut out, 4, 1, 18, timestamp, &metadata.0);
        let mut video = vec![0x17, 0, 0, 0, 0];
        video.extend(AVC_CONFIG);
        self.chunks.write(&mut out, 6, 1, 9, timestamp, &video);
        let mut audio = vec![0xAF, 0];
        audio.extend(AAC_CONFIG);
        self.chunks.write(&mut out, 7, 1, 8, timestamp, &audio);
        out
    }

    /// One H.264 access unit of a single slice NAL unit.
    pub fn video(&mut self, timestamp: u32, key: bool, size: usize) -> Vec<u8> {
        let mut body = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0];
        body.extend(u32::try_from(size).expect("a frame is small").to_be_bytes());
        body.push(if key { 0x65 } else { 0x41 });
        body.extend(self.noise.bytes(size - 1));
        let mut out = Vec::with_capacity(body.len() + 64);
        self.chunks.write(&mut out, 6, 1, 9, timestamp, &body);
        out
    }

    /// One AAC frame.
    pub fn audio(&mut self, timestamp: u32, size: usize) -> Vec<u8> {
        let mut body = vec![0xAF, 1];
        body.extend(self.noise.bytes(size));
        let mut out = Vec::with_capacity(body.len() + 16);
        self.chunks.write(&mut out, 7, 1, 8, timestamp, &body);
        out
    }

    fn alone(&mut self, chunk_stream: u8, message_stream: u32, body: &Amf) -> Vec<u8> {
        let mut out = Vec::new();
        self.command(&mut out, chunk_stream, message_stream, body);
        out
    }

    fn command(&mut self, out: &mut Vec<u8>, chunk_stream: u8, message_stream: u32, body: &Amf) {
        self.chunks
            .write(out, chunk_stream, message_stream, 20, 0, &body.0);
    }
}

/// AMF0, as much as a publisher needs (AMF0 specification, 2).
#[derive(Debug, Default)]
struct Amf(Vec<u8>);

impl Amf {
    fn number(&mut self, value: f64) -> &mut Self {
        self.0.push(0x00);
        self.0.extend(value.to_be_bytes());
        self
    }

    fn string(&mut self, value: &str) -> &mut Self {
        self.0.push(0x02);
        self.text(value)
    }

    fn null(&mut self) -> &mut Self {
        self.0.push(0x05);
        self
    }

    fn object(&mut self, properties: &[(&str, &str)]) {
        self.0.push(0x03);
        for (name, value) in properties {
            self.text(name).string(value);
        }
        self.0.extend([0, 0, 9]);
    }

    fn map(&mut self, properties: &[(&str, f64)]) {
        self.0.push(0x08);
        self.0.extend(
            u32::try_from(properties.len())
                .expect("a handful")
                .to_be_bytes(),
        );
        for (name, value) in properties {
            self.text(name).number(*value);
        }
        self.0.extend([0, 0, 9]);
    }

    fn text(&mut self, value: &str) -> &mut Self {
        self.0.extend(
            u16::try_from(value.len())
                .expect("short names")
                .to_be_bytes(),
        );
        self.0.extend(value.as_bytes());
        self
    }
}
