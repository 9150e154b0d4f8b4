//! Response headers as data (DEL-11), and as `http::HeaderMap` with the feature `http-1`.

/// What a response says about itself. The cache adds validators, ranges, `Age` and `Cache-Status`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Headers {
    /// `Content-Type` of a 200.
    pub content_type: &'static str,
    /// `Cache-Control`.
    pub cache_control: CacheControl,
    /// Urgency of the `Priority` header (RFC 9218), 0 first to 7 last.
    pub priority: u8,
    /// Whether the body differs by `Accept-Encoding`.
    pub vary_encoding: bool,
}

/// `Cache-Control` of a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CacheControl {
    /// `max-age` in seconds; 0 is written as `no-store`.
    pub max_age_s: u32,
    /// Whether the body never changes.
    pub immutable: bool,
}

/// Content type of every playlist.
pub(crate) const PLAYLIST: &str = "application/vnd.apple.mpegurl";
/// Content type of a rendition with picture.
pub(crate) const VIDEO_MP4: &str = "video/mp4";
/// Content type of a rendition without.
pub(crate) const AUDIO_MP4: &str = "audio/mp4";
/// Content type of captions. They are UTF-8, which WebVTT cannot say otherwise.
pub(crate) const WEBVTT: &str = "text/vtt";

/// Seconds for which an error may be kept that is true for a moment only: a crowd asks once, and nobody is told old
/// news for longer than a player waits before it tries again.
const MOMENT_S: u32 = 1;

impl Headers {
    /// Turns the headers of a promised answer into those of the error that came instead: a hold that ran out (503), a
    /// part that was taken back (404).
    ///
    /// Whoever waits for the same in a cache gets the same error at once, and who asks a second later asks here again:
    /// what was waited for may come at any time.
    #[must_use]
    pub const fn broken(mut self) -> Self {
        self.cache_control = CacheControl {
            max_age_s: MOMENT_S,
            immutable: false,
        };
        self
    }

    /// An error that the very next moment may turn into an answer, such as one for a part that is not announced yet.
    /// Were it kept, one viewer who asks too early, by mistake or not, would take the part away from all who share a
    /// cache with him. B.1 allows longer lifetimes and demands none.
    pub(crate) fn early() -> Self {
        Self::playlist(0)
    }

    /// An error that ends when a publisher comes.
    pub(crate) fn moment() -> Self {
        Self::playlist(MOMENT_S)
    }

    pub(crate) fn playlist(max_age_s: u32) -> Self {
        Self {
            content_type: PLAYLIST,
            cache_control: CacheControl {
                max_age_s,
                immutable: false,
            },
            priority: 1,
            vary_encoding: true,
        }
    }

    pub(crate) fn object(
        content_type: &'static str,
        priority: u8,
        max_age_s: u32,
        immutable: bool,
    ) -> Self {
        Self {
            content_type,
            cache_control: CacheControl {
                max_age_s,
                immutable,
            },
            priority,
            vary_encoding: false,
        }
    }

    /// Sets `Content-Type`, `Cache-Control`, `Priority`, `Vary` and the CORS headers.
    #[cfg(feature = "http-1")]
    pub fn apply(&self, headers: &mut http::HeaderMap) {
        use http::{HeaderName, HeaderValue, header};

        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        let mut lifetime = String::with_capacity(32);
        if self.cache_control.max_age_s == 0 {
            lifetime.push_str("no-store");
        } else {
            lifetime.push_str("max-age=");
            crate::text::push_u64(&mut lifetime, u64::from(self.cache_control.max_age_s));
        }
        if self.cache_control.immutable {
            lifetime.push_str(", immutable");
        }
        if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(lifetime)) {
            headers.insert(header::CACHE_CONTROL, value);
        }
        const URGENCIES: [&str; 8] = ["u=0", "u=1", "u=2", "u=3", "u=4", "u=5", "u=6", "u=7"];
        let urgency = URGENCIES
            .get(usize::from(self.priority))
            .copied()
            .unwrap_or("u=7");
        headers.insert(
            HeaderName::from_static("priority"),
            HeaderValue::from_static(urgency),
        );
        if self.vary_encoding {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("age, date, content-range"),
        );
    }
}
