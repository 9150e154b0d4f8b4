//! Names of what is asked for over HTTP.

use std::fmt;
use std::sync::Arc;

use crate::Error;
use crate::body::ARC_BYTES;
use crate::pull::PullLimits;

/// The canonical name of a resource: its path, and its query with the pairs sorted by name in the order of their bytes,
/// those of CMCD and other [`Noise`] left out. Two requests that differ in nothing else are for the same object, so
/// that players' reports and trackers cost no hit. Cheap to clone.
///
/// ```
/// use backline_cache::pull::PullLimits;
/// use backline_cache::{Name, Noise};
///
/// let query = "_HLS_part=2&CMCD=bl%3D2100%2Cot%3Dm&_HLS_msn=4&utm_source=poster";
/// let noise = Noise::new(["utm_*"]);
/// let name = Name::new("/live/m0.m3u8", Some(query), &noise, &PullLimits::default())?;
/// assert_eq!(name.as_str(), "/live/m0.m3u8?_HLS_msn=4&_HLS_part=2");
/// # Ok::<(), backline_cache::Error>(())
/// ```
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub struct Name {
    text: Arc<str>,
    path_len: usize,
}

impl Name {
    /// Makes the name of `path` and `query`, both as they stood in the request, percent-encoding and all. Of pairs of
    /// the same name the order is kept, since it may mean something.
    ///
    /// # Errors
    /// [`Error::NameTooLong`] over `PullLimits::name_bytes`, counted before anything is left out;
    /// [`Error::QueryPairs`] over `PullLimits::query_pairs`, CMCD and noise counted too;
    /// [`Error::NameSyntax`] where the path does not begin with `/` or a byte cannot stand in a request target.
    pub fn new(
        path: &str,
        query: Option<&str>,
        noise: &Noise,
        limits: &PullLimits,
    ) -> Result<Self, Error> {
        let (bytes_max, pairs_max) = (limits.name_bytes, limits.query_pairs);
        let bytes = query.map_or(path.len(), |query| {
            path.len().saturating_add(query.len()).saturating_add(1)
        });
        if bytes > bytes_max {
            return Err(Error::NameTooLong {
                bytes,
                most: bytes_max,
            });
        }
        check(path, query)?;
        let mut pairs = Vec::new();
        let mut offset = path.len().saturating_add(1);
        for (index, pair) in query.unwrap_or_default().split('&').enumerate() {
            if index >= pairs_max {
                return Err(Error::QueryPairs {
                    offset,
                    most: pairs_max,
                });
            }
            offset = offset.saturating_add(pair.len()).saturating_add(1);
            let key = pair.split_once('=').map_or(pair, |(key, _)| key);
            if !pair.is_empty() && !noise.contains(key) {
                pairs.push((key, pair));
            }
        }
        pairs.sort_by_key(|&(key, _)| key);
        let mut text = String::with_capacity(bytes);
        text.push_str(path);
        for (index, (_, pair)) in pairs.iter().enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            text.push_str(pair);
        }
        Ok(Self {
            text: text.into(),
            path_len: path.len(),
        })
    }

    /// Path and query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path alone.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.get(..self.path_len).unwrap_or(&self.text)
    }

    /// The canonical query, without `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.text.get(self.path_len.saturating_add(1)..)
    }

    /// Bytes that it has allocated, shared by its clones.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len().saturating_add(ARC_BYTES)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, out)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Names of query pairs that say nothing about what is asked for. `CMCD` is always one of them (CTA-5004).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(transparent)
)]
pub struct Noise(Vec<String>);

impl Noise {
    /// These names; one that ends in `*` stands for all that begin so.
    #[must_use]
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// Tells whether a query pair of this name is left out.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        key == "CMCD"
            || self.0.iter().any(|noise| {
                noise
                    .strip_suffix('*')
                    .map_or(noise == key, |start| key.starts_with(start))
            })
    }
}

/// Checks that both can stand in a request target: no spaces, controls, fragments (RFC 9112, 3.2).
fn check(path: &str, query: Option<&str>) -> Result<(), Error> {
    let strange = |text: &str, refused: &[u8]| {
        text.bytes()
            .position(|byte| !byte.is_ascii_graphic() || refused.contains(&byte))
    };
    let offset = if path.starts_with('/') {
        let in_query = || {
            let at = strange(query.unwrap_or_default(), b"#");
            at.map(|at| at.saturating_add(path.len()).saturating_add(1))
        };
        strange(path, b"?#").or_else(in_query)
    } else {
        Some(0)
    };
    offset.map_or(Ok(()), |offset| Err(Error::NameSyntax { offset }))
}
