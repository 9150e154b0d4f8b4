//! `Cache-Control` (RFC 9111, 5.2; RFC 5861).

use http::HeaderMap;
use http::header::CACHE_CONTROL;

/// The directives that matter to a shared cache, of a request or of an answer. Seconds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Control {
    pub(super) max_age: Option<u64>,
    pub(super) must_revalidate: bool,
    pub(super) no_cache: bool,
    pub(super) no_store: bool,
    pub(super) only_if_cached: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) s_maxage: Option<u64>,
    pub(super) stale_if_error: Option<u64>,
    pub(super) stale_while_revalidate: Option<u64>,
}

impl Control {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut control = Self::default();
        for line in headers.get_all(CACHE_CONTROL) {
            for (name, argument) in Directives(line.as_bytes()) {
                control.take(name, argument);
            }
        }
        control
    }

    /// Takes in one directive. Of those that come twice the first counts (4.2.1).
    pub(super) fn take(&mut self, name: &[u8], argument: Option<&[u8]>) {
        let mut lower = [0; 24];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return;
        };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let set = |seconds: &mut Option<u64>| {
            seconds.get_or_insert(argument.map_or(0, delta_seconds));
        };
        match &*lower {
            b"max-age" => set(&mut self.max_age),
            b"s-maxage" => set(&mut self.s_maxage),
            b"stale-if-error" => set(&mut self.stale_if_error),
            b"stale-while-revalidate" => set(&mut self.stale_while_revalidate),
            b"must-revalidate" | b"proxy-revalidate" => self.must_revalidate = true,
            // With field names they are weaker; taken for the whole answer they are safe (5.2.2.4, 5.2.2.7).
            b"no-cache" => self.no_cache = true,
            b"private" => self.private = true,
            b"no-store" => self.no_store = true,
            b"only-if-cached" => self.only_if_cached = true,
            b"public" => self.public = true,
            _ => {}
        }
    }
}

/// What is no number counts as zero, so that it is stale (4.2.1); what is too large as 2^31 (1.2.2).
fn delta_seconds(argument: &[u8]) -> u64 {
    const MOST: u64 = 1 << 31;
    if argument.is_empty() || !argument.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    argument
        .iter()
        .fold(0, |sum: u64, digit| {
            let digit = u64::from(digit.saturating_sub(b'0'));
            sum.saturating_mul(10).saturating_add(digit)
        })
        .min(MOST)
}

/// The directives of one line: name and argument, without its quotes.
struct Directives<'a>(&'a [u8]);

impl<'a> Iterator for Directives<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.0.is_empty() {
                return None;
            }
            let mut quoted = false;
            let mut escaped = false;
            let end = self.0.iter().position(|&byte| {
                let ends = byte == b',' && !quoted;
                quoted ^= byte == b'"' && !escaped;
                escaped = quoted && byte == b'\\' && !escaped;
                ends
            });
            let (directive, rest) = match end.and_then(|end| self.0.split_at_checked(end)) {
                Some((directive, rest)) => (directive, rest.get(1..).unwrap_or_default()),
                None => (self.0, &[][..]),
            };
            self.0 = rest;
            let directive = directive.trim_ascii();
            if directive.is_empty() {
                continue;
            }
            let Some(at) = directive.iter().position(|&byte| byte == b'=') else {
                return Some((directive, None));
            };
            let (name, argument) = directive.split_at(at);
            let argument = argument.get(1..).unwrap_or_default().trim_ascii();
            let argument = argument
                .strip_prefix(b"\"")
                .and_then(|argument| argument.strip_suffix(b"\""))
                .unwrap_or(argument);
            return Some((name.trim_ascii(), Some(argument)));
        }
    }
}
