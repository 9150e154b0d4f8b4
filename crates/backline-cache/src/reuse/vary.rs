//! `Vary`: which requests an answer is for (RFC 9111, 4.1).

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher as _};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderName, VARY};

/// The request fields that select this answer: lower case, sorted, joined by commas; `None` where none does.
/// `*` is among them as itself: such an answer is never stored.
#[must_use]
pub fn vary(response: &HeaderMap) -> Option<Bytes> {
    let names: BTreeSet<Vec<u8>> = response
        .get_all(VARY)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(|name| name.trim_ascii().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() {
        return None;
    }
    let names: Vec<Vec<u8>> = names.into_iter().collect();
    Some(Bytes::from(names.join(&b","[..])))
}

/// Number of the variant that answers a request: a hash of its values in the fields that [`vary`] lists, never
/// 0. Requests with the same values have the same one. `seed` is the caller's randomness, so that nobody can choose
/// values that collide.
///
/// White space and the order of lines do not matter; of `Accept-Encoding` only the set of codings that are accepted.
#[must_use]
pub fn variant(vary: &[u8], request: &HeaderMap, seed: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(seed);
    for name in vary.split(|&byte| byte == b',') {
        hasher.write(name);
        let Ok(name) = HeaderName::from_bytes(name) else {
            continue;
        };
        let items = request
            .get_all(&name)
            .iter()
            .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|item| !item.is_empty());
        if name == ACCEPT_ENCODING {
            let codings: BTreeSet<Vec<u8>> = items.filter_map(accepted).collect();
            for coding in codings {
                write(&mut hasher, &coding);
            }
        } else {
            for item in items {
                write(&mut hasher, item);
            }
        }
        // Present without a value is another thing than absent.
        hasher.write_u8(u8::from(request.contains_key(&name)));
    }
    hasher.finish().max(1)
}

/// A coding that is accepted at all, in lower case.
fn accepted(item: &[u8]) -> Option<Vec<u8>> {
    let mut fields = item.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let coding = fields.next()?.to_ascii_lowercase();
    let refused = fields.any(|field| {
        let value = field
            .strip_prefix(b"q=")
            .or_else(|| field.strip_prefix(b"Q="));
        value.is_some_and(|value| {
            value.starts_with(b"0") && value.iter().all(|byte| matches!(byte, b'0' | b'.'))
        })
    });
    (!refused).then_some(coding)
}

/// Writes an item so that two of them are not taken for one.
fn write(hasher: &mut DefaultHasher, item: &[u8]) {
    hasher.write_usize(item.len());
    hasher.write(item);
}
