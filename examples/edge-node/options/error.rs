//! What can be wrong with the options, and what to do about it.

use std::path::PathBuf;

/// A flag or the configuration file is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    #[error("{name} is {value}: it must be from {least} to {most} {unit}")]
    Range {
        name: &'static str,
        value: u64,
        least: u64,
        most: u64,
        unit: &'static str,
    },
    #[error(
        "a segment of {segment} ms is shorter than two parts of {part} ms: raise --segment-ms or lower --part-ms"
    )]
    SegmentBelowParts { segment: u64, part: u64 },
    #[error(
        "a window of {window} s is shorter than five segments of {segment} ms: raise --window-s or lower --segment-ms"
    )]
    WindowBelowSegments { window: u64, segment: u64 },
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the configuration file {} is wrong:\n{source}", path.display())]
    Toml {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error("TLS needs a certificate and its key: give both --tls-cert and --tls-key")]
    TlsHalf,
    #[cfg(feature = "archive")]
    #[error(transparent)]
    Archive(#[from] backline_examples::adapt::archive::ArchiveError),
    #[error(
        "the slate {} cannot be played: {source}; one that can: \
         ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p -r 30 -g 60 -c:a aac -ac 2 -movflags +faststart SLATE.mp4",
        path.display()
    )]
    Slate {
        path: PathBuf,
        source: backline_hls::Error,
    },
    #[error(
        "the stage name {name:?} is not usable in an address: 1 to 32 of a-z, 0-9, - and _, and not api, healthz, metrics or web"
    )]
    StageName { name: String },
    #[error("two stages have the name {name:?}: names must differ")]
    SameName { name: String },
    #[error(
        "the key of stage {name:?} is not usable: 1 to 128 of A-Z, a-z, 0-9, -, _, . and ~, so that it survives in a URL; leave it out to get a random one"
    )]
    Key { name: String },
    #[error(
        "stages {first:?} and {second:?} have the same key: the key alone chooses the stage, so keys must differ"
    )]
    SameKey { first: String, second: String },
}
